//! Upload notifications: S3's own event, delivered to a sink before the upload is acknowledged.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::Timestamp;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::signature::encoded;
use crate::gateway::{BoxFuture, hex, random_bytes};

/// Why a sink did not accept a notification.
pub type SinkError = Box<dyn Error + Send + Sync>;

/// Accepts a notification's JSON. Once it has returned `Ok`, the notification must survive a crash.
pub type Sink = Arc<dyn Fn(String) -> BoxFuture<'static, Result<(), SinkError>> + Send + Sync>;

/// The uploads of a bucket that a sink is notified of.
#[derive(Clone)]
pub struct Notification {
    /// Events as the template names them, such as `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// Only keys that start with this.
    pub prefix: String,
    /// Only keys that end with this.
    pub suffix: String,
    pub sink: Sink,
}

impl fmt::Debug for Notification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Notification")
            .field("events", &self.events)
            .field("prefix", &self.prefix)
            .field("suffix", &self.suffix)
            .finish_non_exhaustive()
    }
}

impl Notification {
    /// Whether it matches an event (such as `ObjectCreated:Put`) of a key.
    pub(super) fn concerns(&self, event: &str, key: &str) -> bool {
        let named =
            self.events.iter().filter_map(|wanted| wanted.strip_prefix("s3:")).any(|wanted| {
                wanted.strip_suffix('*').map_or(wanted == event, |beginning| event.starts_with(beginning))
            });
        named && key.starts_with(&self.prefix) && key.ends_with(&self.suffix)
    }
}

/// An object that has just been created.
#[derive(Debug)]
pub(super) struct Created<'a> {
    pub(super) event: &'a str,
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    pub(super) size: u64,
    pub(super) e_tag: &'a str,
    pub(super) by: &'a str,
    pub(super) at: Timestamp,
}

impl Created<'_> {
    /// The event's JSON (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>).
    pub(super) fn json(&self) -> String {
        // Later notifications of a key must have greater sequencers, even within one millisecond.
        static ORDER: AtomicU64 = AtomicU64::new(0);
        let order = ORDER.fetch_add(1, Ordering::SeqCst) & 0xf_ffff;
        let millis = u64::try_from(self.at.millis()).unwrap_or(0);
        json!({"Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": written(self.at),
            "eventName": self.event,
            "userIdentity": {"principalId": format!("AWS:{}", self.by)},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {
                "x-amz-request-id": hex(&random_bytes::<8>()).to_ascii_uppercase(),
                "x-amz-id-2": hex(&random_bytes::<24>()),
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "local",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": {"principalId": "LOCAL"},
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": {
                    "key": encoded(self.key, true).replace("%20", "+"),
                    "size": self.size,
                    "eTag": self.e_tag,
                    "sequencer": format!("{:016X}", (millis << 20) | order),
                },
            },
        }]})
        .to_string()
    }
}

fn written(at: Timestamp) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.millis()) * 1_000_000)
        .ok()
        .and_then(|at| at.format(format).ok())
        .unwrap_or_default()
}
