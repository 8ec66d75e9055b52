//! Undelivered events are sent to their queue again.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use domain::{OutboxEvent, Timestamp};
use platform::Slice;
use store::orders::Undelivered;

use crate::{App, Error, Summary};

/// Events that are read at a time from each partition.
const BATCH: u16 = 25;
/// Time after which no further events are read: dead letters and due orders come afterwards.
const BUDGET: Duration = Duration::from_secs(10);
/// The age at which an undelivered event is sent again: until then the pipe and the queue may deliver it.
const RESEND_AFTER: Duration = Duration::from_secs(5 * 60);
/// The longest pause before an event is sent again: one that always fails must not delay the others.
const MAX_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// The most messages that SQS takes per call.
const MAX_BATCH_SIZE: usize = 10;

impl App {
    /// Sends events again until none is left or time is up. An event that was sent is not undelivered for a while; one
    /// that the index still shows was postponed in vain, and ends the run.
    pub(crate) async fn resend_events(&self, now: Timestamp, summary: &mut Summary) -> Result<(), Error> {
        let time = Slice::new(BUDGET);
        let mut seen = HashSet::new();
        loop {
            let mut waiting = self.orders().undelivered(now - RESEND_AFTER, BATCH).await?;
            waiting.retain(|undelivered| seen.insert(undelivered.id));
            if waiting.is_empty() {
                return Ok(());
            }
            self.resend(&waiting, now, summary).await?;
            if time.is_over() {
                return Ok(());
            }
        }
    }

    async fn resend(&self, waiting: &[Undelivered], now: Timestamp, summary: &mut Summary) -> Result<(), Error> {
        let mut outcome = Ok(());
        for chunk in waiting.chunks(MAX_BATCH_SIZE) {
            match self.send(chunk).await {
                Ok(taken) => {
                    for (index, undelivered) in chunk.iter().enumerate() {
                        let event = undelivered.event.as_ref();
                        if taken.contains(&index) {
                            let order = match event {
                                Some(OutboxEvent::Order(event)) => Some(tracing::field::display(event.order)),
                                _ => None,
                            };
                            // One that cannot be read here may be of a newer release, and its consumer newer as well.
                            tracing::warn!(
                                event.id = %undelivered.id, order.id = order, is_readable = event.is_some(),
                                age_ms = event.map(|event| now.millis() - event.at().millis()),
                                "an undelivered event is sent again"
                            );
                            summary.events_sent += 1;
                        } else {
                            summary.failed += 1;
                        }
                        // Also one that the queue did not take, because it would delay the others.
                        let pause = event.map_or(MAX_PAUSE, |event| pause(event, now));
                        self.postpone_event(undelivered, now + pause, summary).await;
                    }
                }
                Err(error) => {
                    summary.failed += u32::try_from(chunk.len()).unwrap_or(0);
                    outcome = Err(error);
                }
            }
        }
        outcome
    }

    /// Sends events, and returns the indexes of those that the queue took.
    async fn send(&self, events: &[Undelivered]) -> Result<Vec<usize>, Error> {
        let queue = |error: String| Error::Queue(error);
        let entries = events
            .iter()
            .enumerate()
            .map(|(index, undelivered)| {
                let entry = SendMessageBatchRequestEntry::builder().id(index.to_string());
                entry.message_body(&undelivered.record).build().map_err(|error| queue(error.to_string()))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let answer = self
            .queue
            .send_message_batch()
            .queue_url(&self.events_url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| queue(DisplayErrorContext(&error).to_string()))?;
        for refused in answer.failed() {
            tracing::warn!(reason = refused.code(), "the queue did not take an event");
        }
        Ok(answer.successful().iter().filter_map(|entry| entry.id().parse().ok()).collect())
    }

    async fn postpone_event(&self, undelivered: &Undelivered, until: Timestamp, summary: &mut Summary) {
        if let Err(error) = self.orders().postpone_event(undelivered, until).await {
            // It is sent again by the next run, which is harmless.
            tracing::warn!(event.id = %undelivered.id, cause = %error, "an event could not be postponed");
            summary.failed += 1;
        }
    }
}

/// The pause after an event was sent again: its age, so that the pauses double, up to [`MAX_PAUSE`].
fn pause(event: &OutboxEvent, now: Timestamp) -> Duration {
    (now.since(event.at())).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use domain::order::{OrderEvent, OrderEventKind};
    use domain::{EventId, OrderId};

    use super::*;

    fn event() -> OutboxEvent {
        OutboxEvent::Order(OrderEvent {
            id: EventId::from_bits(7),
            kind: OrderEventKind::OrderPaid,
            order: OrderId::from_bits(9),
            vendor: None,
            parcel: None,
            return_number: None,
            at: Timestamp::from_millis(1_000_000),
        })
    }

    #[test]
    fn an_event_is_sent_ever_more_seldom() {
        let after = |seconds: u64| pause(&event(), event().at() + Duration::from_secs(seconds)).as_secs();
        assert_eq!((after(300), after(3_600), after(1_000_000)), (300, 3_600, MAX_PAUSE.as_secs()));
    }
}
