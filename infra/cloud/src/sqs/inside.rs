//! Batches from inside the cloud.

use super::attributes::MessageAttributes;
use super::batch::MAX_BATCH_ENTRIES;
use super::operations::check_message;
use super::store::Outgoing;
use super::{MAX_MESSAGE_SIZE, QueueError, Queues};
use crate::account::ACCOUNT;

impl Queues {
    /// The bodies of all messages that a queue holds, hidden ones as well: a look from inside the cloud, which receives
    /// none of them.
    ///
    /// # Errors
    /// When there is no such queue, or storage fails.
    pub fn bodies(&self, queue: &str) -> Result<Vec<String>, QueueError> {
        let spec = self.spec(queue)?;
        Ok(self.inner.store.bodies(&spec.name)?)
    }

    /// Sends messages from inside the cloud as `SendMessageBatch` does, and returns the indices of those that were
    /// refused.
    ///
    /// # Errors
    /// When there is no such queue, the messages are too many or too long together, or storage fails.
    pub fn send_batch(&self, queue: &str, bodies: &[String]) -> Result<Vec<usize>, QueueError> {
        let spec = self.spec(queue)?;
        let refuse = |reason: String| QueueError::Refused { queue: queue.to_owned(), reason };
        if bodies.len() > MAX_BATCH_ENTRIES {
            return Err(refuse(format!("{} messages are more than a batch may have", bodies.len())));
        }
        let size: usize = bodies.iter().map(String::len).sum();
        if size > MAX_MESSAGE_SIZE {
            return Err(refuse(format!("{size} bytes are more than a batch may have")));
        }
        let attributes = MessageAttributes::default();
        let (mut messages, mut refused) = (Vec::with_capacity(bodies.len()), Vec::new());
        for (index, body) in bodies.iter().enumerate() {
            match check_message(body, &attributes) {
                Ok(_) => {
                    messages.push(Outgoing { body, attributes: &attributes, trace_header: None, sender: ACCOUNT });
                }
                Err(_) => refused.push(index),
            }
        }
        if !messages.is_empty() {
            self.inner.send(&spec, &messages, spec.delay)?;
        }
        Ok(refused)
    }
}
