//! Upload notifications: S3's own event, sent to a queue before the upload is acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::account::REGION;
use crate::time::Timestamp;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::signature::encoded;
use crate::gateway::{hex, random_bytes};

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
            "awsRegion": REGION,
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
