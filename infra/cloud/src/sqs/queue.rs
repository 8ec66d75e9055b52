//! A queue, as the template describes it.

use std::time::Duration;

use crate::account::{ACCOUNT, REGION};

/// A standard queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The logical id in the template.
    pub id: String,
    pub name: String,
    /// The ARN that statements, event sources and redrive policies name.
    pub arn: String,
    /// The URL that requests use.
    pub url: String,
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// How long a sent message stays hidden.
    pub delay: Duration,
    /// How long a receiver waits for a message when its request does not say.
    pub receive_wait: Duration,
    /// Where messages go that were received too often; `None` for a dead-letter queue.
    pub redrive: Option<Redrive>,
    /// Services, such as `s3.amazonaws.com`, that may send to it.
    pub senders: Vec<String>,
    /// The ARNs of the topics that may send to it.
    pub topics: Vec<String>,
    /// Whether its policy refuses plain HTTP. Here all calls count as encrypted.
    pub over_tls_only: bool,
}

/// When a message is given up, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The name of the dead-letter queue.
    pub dead_letters: String,
    /// After this many receives a message moves there instead of being received again.
    pub max_receives: u32,
}

impl Queue {
    /// A queue with SQS's defaults, whose logical id is its name, below this base URL.
    pub fn new(name: &str, base_url: &str) -> Self {
        Self {
            id: name.to_owned(),
            name: name.to_owned(),
            arn: Self::arn_of(name),
            url: format!("{base_url}/{ACCOUNT}/{name}"),
            visibility_timeout: Duration::from_secs(30),
            retention: Duration::from_hours(96),
            delay: Duration::ZERO,
            receive_wait: Duration::ZERO,
            redrive: None,
            senders: Vec::new(),
            topics: Vec::new(),
            over_tls_only: false,
        }
    }

    pub(super) fn arn_of(name: &str) -> String {
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
    }
}
