//! SNS topics: what a service of the cloud publishes goes to the queues that subscribe to the topic.
//!
//! Delivery is raw (<https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html>): a message
//! of a queue is what was published. The template reader refuses the envelope.

use crate::sqs::{MessageAttributes, QueueError, Queues};

/// A topic with the queues that subscribe to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The logical id in the template.
    pub id: String,
    pub arn: String,
    /// Services, such as `ses.amazonaws.com`, that may publish to it.
    pub publishers: Vec<String>,
    /// Whether its policy refuses to be published to over plain HTTP. Here all calls count as encrypted.
    pub over_tls_only: bool,
    /// The names of the queues.
    pub queues: Vec<String>,
}

/// All topics of an embedded cloud. Clones share the queues.
#[derive(Clone)]
pub struct Topics {
    topics: Vec<Topic>,
    queues: Queues,
}

impl Topics {
    pub fn new(topics: Vec<Topic>, queues: Queues) -> Self {
        Self { topics, queues }
    }

    /// Publishes a message from inside the cloud.
    ///
    /// # Errors
    /// When storage fails. A topic that does not exist has no subscribers.
    pub fn publish(&self, arn: &str, message: &str) -> Result<(), QueueError> {
        for topic in self.topics.iter().filter(|topic| topic.arn == arn) {
            for queue in &topic.queues {
                self.queues.send(queue, message, &MessageAttributes::default())?;
            }
        }
        Ok(())
    }
}
