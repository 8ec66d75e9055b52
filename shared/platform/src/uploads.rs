//! What S3 tells a queue about new objects.

use serde::Deserialize;

/// The fields that are read of an S3 event notification.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    s3: Entity,
}

#[derive(Deserialize)]
struct Entity {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

/// What S3 sends once, when notifications are switched on for the bucket.
#[derive(Deserialize)]
struct TestEvent {
    #[serde(rename = "Event")]
    event: String,
}

/// The keys of the new objects that a message tells of: several for a notification with several records, none for S3's
/// test event. `None` for a message of another kind.
///
/// Notifications URL-encode keys. The keys of this shop's files have no character that would be encoded, so an encoded
/// key is none of them.
pub fn uploaded_keys(message: &str) -> Option<Vec<String>> {
    if let Ok(notification) = serde_json::from_str::<Notification>(message) {
        return Some(notification.records.into_iter().map(|record| record.s3.object.key).collect());
    }
    let test: TestEvent = serde_json::from_str(message).ok()?;
    (test.event == "s3:TestEvent").then(Vec::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_tells_keys_and_other_messages_tell_none() {
        let two = r#"{"Records":[{"s3":{"object":{"key":"a","size":5}}},{"s3":{"object":{"key":"b"}}}]}"#;
        assert_eq!(uploaded_keys(two), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(uploaded_keys(r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#), Some(Vec::new()));
        for other in ["{}", "hello", r#"{"Event":"another"}"#, r#"{"import":{}}"#] {
            assert_eq!(uploaded_keys(other), None, "{other}");
        }
    }
}
