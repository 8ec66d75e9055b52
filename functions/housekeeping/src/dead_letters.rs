//! Redrives dead letters to their queue, after a pause and at most three times. Those of the projection and of the pipe
//! only name places in a stream: a rebuild of what it writes stands for the former, the stored events for the latter.
//!
//! A message is sent to its queue first and deleted from the dead-letter queue after that: a crash in between
//! duplicates it but loses nothing, and consumers are idempotent. An attribute of the message counts its redrives.

use std::time::Duration;

use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use domain::job::Derived;
use domain::vendor::VendorJob;
use tokio::time::Instant;

use crate::{App, Error, Summary};

/// The message attribute that counts redrives.
const REDRIVES: &str = "redrives";
/// The delay of each redrive: what the message failed on may be unavailable for a while.
const PAUSES: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(900)];
/// The most messages that SQS returns per call.
const MAX_MESSAGES: i32 = 10;
/// Batches per queue and run.
const MAX_BATCHES: usize = 5;
/// Time after which no further batch is received: the due orders of the run come afterwards.
const BUDGET: Duration = Duration::from_secs(8);
/// Longer than a run, so that two overlapping runs do not both redrive a message.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a message that is not redriven any more stays invisible, so that it does not hide the others. SQS allows
/// twelve hours from when it was received.
const PARKED_FOR: Duration = Duration::from_secs(11 * 3600);

/// A dead-letter queue, and the queue that its messages go back to.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetters {
    /// The queue's name in logs.
    pub(crate) name: &'static str,
    /// The URL of the dead-letter queue.
    pub(crate) from: String,
    /// The URL of the queue.
    pub(crate) to: String,
}

fn queue_error<E, R>(error: &SdkError<E, R>) -> Error
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    Error::Queue(DisplayErrorContext(error).to_string())
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

/// The rebuild that stands for what the projection has given up on, but for events of low stock: a variant that ran low
/// meanwhile is announced with its next change.
const REBUILD: VendorJob = VendorJob::Rebuild { what: Derived::Availability, begin: true };

impl App {
    /// Has the availability of all products derived again, if the projection has given up on changes of the stock.
    pub(crate) async fn rebuild_for_projections(&self, summary: &mut Summary) -> Result<(), Error> {
        let begun = Instant::now();
        let mut is_requested = false;
        for _ in 0..MAX_BATCHES {
            let given_up = self.receive(&self.projections_dead_letters).await?;
            if given_up.is_empty() || begun.elapsed() >= BUDGET {
                break;
            }
            if !is_requested {
                self.follow_ups.send(&REBUILD, 0).await.map_err(|error| Error::Queue(error.to_string()))?;
                is_requested = true;
            }
            for message in &given_up {
                tracing::warn!(
                    message.id = message.message_id(),
                    body = message.body(),
                    "the projection has given up on changes of the stock: all availability is derived again"
                );
                self.delete(&self.projections_dead_letters, message).await?;
                summary.redriven += 1;
            }
        }
        Ok(())
    }

    /// Takes away what the pipe of order events has given up on: its dead letters only name places in the stream, and
    /// every event that was not delivered is sent again from its own item.
    pub(crate) async fn forget_what_the_pipe_gave_up(&self, summary: &mut Summary) -> Result<(), Error> {
        let begun = Instant::now();
        for _ in 0..MAX_BATCHES {
            let given_up = self.receive(&self.pipe_dead_letters).await?;
            if given_up.is_empty() || begun.elapsed() >= BUDGET {
                break;
            }
            for message in &given_up {
                tracing::warn!(
                    message.id = message.message_id(),
                    body = message.body(),
                    "the pipe has given up on order events: they are sent again from their items"
                );
                self.delete(&self.pipe_dead_letters, message).await?;
                summary.redriven += 1;
            }
        }
        Ok(())
    }

    /// Redrives dead queue. A queue that does not answer does not stop the others.
    pub(crate) async fn redrive_dead_letters(&self, summary: &mut Summary) -> Result<(), Error> {
        let begun = Instant::now();
        let mut outcome = Ok(());
        for queue in &self.dead_letters {
            for _ in 0..MAX_BATCHES {
                if begun.elapsed() >= BUDGET {
                    break;
                }
                match self.redrive_batch(queue, summary).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        outcome = Err(error);
                        break;
                    }
                }
            }
        }
        outcome
    }

    /// Handles one batch of dead letters, and returns how many there were.
    async fn redrive_batch(&self, queue: &DeadLetters, summary: &mut Summary) -> Result<usize, Error> {
        let taken = self.receive(&queue.from).await?;
        for message in &taken {
            let done = match PAUSES.get(redrives(message)) {
                Some(pause) => self.redrive(queue, message, *pause).await.map(|()| &mut summary.redriven),
                None => self.park(queue, message).await.map(|()| &mut summary.parked),
            };
            match done {
                Ok(count) => *count += 1,
                Err(error) => {
                    // It becomes visible again by itself.
                    tracing::warn!(queue = queue.name, cause = %error, "a dead letter could not be handled");
                    summary.failed += 1;
                }
            }
        }
        Ok(taken.len())
    }

    async fn receive(&self, queue_url: &str) -> Result<Vec<Message>, Error> {
        let receive = self.queue.receive_message().queue_url(queue_url).max_number_of_messages(MAX_MESSAGES);
        let receive = receive.visibility_timeout(seconds(VISIBILITY_TIMEOUT)).message_attribute_names("All");
        let taken = receive.send().await.map_err(|error| queue_error(&error))?;
        Ok(taken.messages.unwrap_or_default())
    }

    async fn delete(&self, queue_url: &str, message: &Message) -> Result<(), Error> {
        let delete = self.queue.delete_message().queue_url(queue_url);
        let handle = message.receipt_handle().map(str::to_owned);
        delete.set_receipt_handle(handle).send().await.map_err(|error| queue_error(&error)).map(drop)
    }

    async fn redrive(&self, queue: &DeadLetters, message: &Message, pause: Duration) -> Result<(), Error> {
        let count = MessageAttributeValue::builder()
            .data_type("Number")
            .string_value((redrives(message) + 1).to_string())
            .build()
            .map_err(|error| Error::Queue(error.to_string()))?;
        let mut attributes = message.message_attributes().cloned().unwrap_or_default();
        attributes.insert(REDRIVES.to_owned(), count);
        self.queue
            .send_message()
            .queue_url(&queue.to)
            .message_body(message.body().unwrap_or_default())
            .set_message_attributes(Some(attributes))
            .delay_seconds(seconds(pause))
            .send()
            .await
            .map_err(|error| queue_error(&error))?;
        tracing::warn!(
            queue = queue.name,
            message.id = message.message_id(),
            pause_s = pause.as_secs(),
            "a dead letter is redriven"
        );
        self.delete(&queue.from, message).await
    }

    /// Leaves a message in the dead-letter queue, whose alarm notifies the operator.
    async fn park(&self, queue: &DeadLetters, message: &Message) -> Result<(), Error> {
        tracing::error!(
            queue = queue.name,
            message.id = message.message_id(),
            "a message failed after its last redrive: the operator has to look at it"
        );
        self.queue
            .change_message_visibility()
            .queue_url(&queue.from)
            .set_receipt_handle(message.receipt_handle().map(str::to_owned))
            .visibility_timeout(seconds(PARKED_FOR))
            .send()
            .await
            .map_err(|error| queue_error(&error))?;
        Ok(())
    }
}

/// The number of redrives of a message. An unreadable count is taken for the maximum.
fn redrives(message: &Message) -> usize {
    match message.message_attributes().and_then(|attributes| attributes.get(REDRIVES)) {
        None => 0,
        Some(count) => count.string_value().and_then(|text| text.parse().ok()).unwrap_or(PAUSES.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(count: Option<&str>) -> Message {
        let value =
            |text: &str| MessageAttributeValue::builder().data_type("Number").string_value(text).build().unwrap();
        let attributes = count.map(|text| [(REDRIVES.to_owned(), value(text))].into());
        Message::builder().set_message_attributes(attributes).build()
    }

    #[test]
    fn a_message_is_redriven_three_times_and_never_without_end() {
        let pause = |count| PAUSES.get(redrives(&message(count))).map(Duration::as_secs);
        assert_eq!([pause(None), pause(Some("1")), pause(Some("2"))], [Some(60), Some(300), Some(900)]);
        for enough in ["3", "4", "-1", "often"] {
            assert_eq!(pause(Some(enough)), None, "{enough}");
        }
    }

    #[test]
    fn every_delay_is_within_the_limits_of_sqs() {
        assert!(PAUSES.iter().all(|pause| pause.as_secs() <= 900));
        assert!(PARKED_FOR + VISIBILITY_TIMEOUT <= Duration::from_secs(12 * 3600));
    }
}
