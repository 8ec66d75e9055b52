//! Dead letters are given back to their queue: after a pause, and only so many times.
//!
//! A message is sent to its queue first and deleted from the dead letters after that, so a crash in between repeats it and
//! loses nothing; those who consume it act on it once. How often it was given back stands on the message itself.

use std::time::Duration;

use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use tokio::time::Instant;

use crate::{App, Error, Summary};

/// The attribute that says how often a message was given back.
const REDRIVES: &str = "redrives";
/// How long a message rests before each time that it is given back. What it failed on may be away for a while.
const PAUSES: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(900)];
/// SQS hands out so many at once.
const MAX_MESSAGES: i32 = 10;
/// How often dead letters are taken from one queue in a run.
const MAX_BATCHES: usize = 5;
/// When no further batch is taken. The orders of this run come after it.
const BUDGET: Duration = Duration::from_secs(8);
/// How long a message that was taken is out of sight: longer than a run, so that two of them do not both give it back.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a message that stays is out of the way of the others: SQS allows twelve hours since it was taken.
const PARKED_FOR: Duration = Duration::from_secs(11 * 3600);

/// Where a queue's dead letters are, and where they go back to.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetters {
    /// What the queue is for.
    pub(crate) name: &'static str,
    /// The URL of the dead letters.
    pub(crate) from: String,
    /// The URL of the queue.
    pub(crate) to: String,
}

fn queue<E, R>(error: &SdkError<E, R>) -> Error
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    Error::Queue(DisplayErrorContext(error).to_string())
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

impl App {
    /// Gives dead letters back. A queue that does not answer stops no other.
    pub(crate) async fn redrive_dead_letters(&self, summary: &mut Summary) -> Result<(), Error> {
        let begun = Instant::now();
        let mut outcome = Ok(());
        for letters in &self.dead_letters {
            for _ in 0..MAX_BATCHES {
                if begun.elapsed() >= BUDGET {
                    break;
                }
                match self.redrive_batch(letters, summary).await {
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

    /// Takes some dead letters and answers how many.
    async fn redrive_batch(&self, letters: &DeadLetters, summary: &mut Summary) -> Result<usize, Error> {
        let taken = self
            .queue
            .receive_message()
            .queue_url(&letters.from)
            .max_number_of_messages(MAX_MESSAGES)
            .visibility_timeout(seconds(VISIBILITY_TIMEOUT))
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| queue(&error))?;
        for message in taken.messages() {
            let done = match PAUSES.get(redrives(message)) {
                Some(pause) => self.redrive(letters, message, *pause).await.map(|()| &mut summary.redriven),
                None => self.park(letters, message).await.map(|()| &mut summary.parked),
            };
            match done {
                Ok(count) => *count += 1,
                Err(error) => {
                    // It comes to sight again by itself.
                    tracing::error!(queue = letters.name, cause = %error, "a dead letter could not be worked on");
                    summary.failed += 1;
                }
            }
        }
        Ok(taken.messages().len())
    }

    async fn redrive(&self, letters: &DeadLetters, message: &Message, pause: Duration) -> Result<(), Error> {
        let count = MessageAttributeValue::builder()
            .data_type("Number")
            .string_value((redrives(message) + 1).to_string())
            .build()
            .map_err(|error| Error::Queue(error.to_string()))?;
        let mut attributes = message.message_attributes().cloned().unwrap_or_default();
        attributes.insert(REDRIVES.to_owned(), count);
        self.queue
            .send_message()
            .queue_url(&letters.to)
            .message_body(message.body().unwrap_or_default())
            .set_message_attributes(Some(attributes))
            .delay_seconds(seconds(pause))
            .send()
            .await
            .map_err(|error| queue(&error))?;
        tracing::warn!(
            queue = letters.name,
            message.id = message.message_id(),
            pause_s = pause.as_secs(),
            "a dead letter is redriven"
        );
        self.queue
            .delete_message()
            .queue_url(&letters.from)
            .set_receipt_handle(message.receipt_handle().map(str::to_owned))
            .send()
            .await
            .map_err(|error| queue(&error))?;
        Ok(())
    }

    /// Leaves a message where it is: the alarm of the dead letters tells the operator.
    async fn park(&self, letters: &DeadLetters, message: &Message) -> Result<(), Error> {
        tracing::error!(
            queue = letters.name,
            message.id = message.message_id(),
            "a message fails however often it is redriven: somebody has to look at it"
        );
        self.queue
            .change_message_visibility()
            .queue_url(&letters.from)
            .set_receipt_handle(message.receipt_handle().map(str::to_owned))
            .visibility_timeout(seconds(PARKED_FOR))
            .send()
            .await
            .map_err(|error| queue(&error))?;
        Ok(())
    }
}

/// How often a message was given back. What is there and cannot be read counts as often enough.
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
