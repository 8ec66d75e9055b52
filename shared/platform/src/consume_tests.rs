use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::Change;

impl MessageError for io::Error {
    fn is_expected(&self) -> bool {
        false
    }
}

/// Records what it is given, and fails on what contains "bad".
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn record(&self, text: &str) -> io::Result<()> {
        if text.contains("bad") {
            return Err(io::Error::other("bad"));
        }
        self.0.lock().unwrap().push(text.to_owned());
        Ok(())
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_000);

async fn on_message(recorder: &Recorder, message: &QueueMessage, now: Timestamp) -> io::Result<()> {
    tokio::task::yield_now().await;
    assert_eq!(now, NOW);
    recorder.record(&format!("{} {}", message.body, message.deliveries()))
}

async fn on_change(recorder: &Recorder, record: &StreamRecord, _: Timestamp) -> io::Result<()> {
    let left = record.new_image().and_then(|image| image["on_hand"].as_n().ok()?.parse::<i64>().ok());
    recorder.record(&format!("{} {:?} {:?}", record.table(), record.key()["pk"].as_s().ok(), left))
}

async fn on_tick(recorder: &Recorder, tick: &Tick, _: Timestamp) -> io::Result<()> {
    recorder.record(tick.task.as_deref().unwrap_or("every minute"))
}

fn message(id: &str, body: &str) -> Value {
    json!({"messageId": id, "receiptHandle": "r", "body": body, "attributes": {"ApproximateReceiveCount": "2"},
           "messageAttributes": {}, "md5OfBody": "x", "eventSource": "aws:sqs", "eventSourceARN": "a",
           "awsRegion": "r"})
}

fn change(sequence: &str, pk: &str) -> Value {
    json!({"eventID": sequence, "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
           "awsRegion": "r", "eventSourceARN": "arn:aws:dynamodb:r:1:table/Stock-7/stream/2027-01-01T00:00:00.000",
           "dynamodb": {"Keys": {"pk": {"S": pk}},
                        "NewImage": {"pk": {"S": pk}, "on_hand": {"N": "3"}, "gone": {"NULL": true}},
                        "SequenceNumber": sequence, "SizeBytes": 9, "StreamViewType": "NEW_IMAGE",
                        "ApproximateCreationDateTime": 1798761600}})
}

#[tokio::test]
async fn only_the_messages_that_failed_are_delivered_again() {
    let recorder = Recorder::default();
    let event = json!({"Records": [message("1", "first"), message("2", "bad"), message("3", "third")]}).to_string();
    let answer = queue_batch(&recorder, &event, NOW, &on_message).await.unwrap();
    assert_eq!(answer, r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#);
    assert_eq!(*recorder.0.lock().unwrap(), ["first 2", "third 2"]);
}

#[tokio::test]
async fn a_stream_stops_at_the_first_change_that_fails() {
    let recorder = Recorder::default();
    let event = json!({"Records": [change("11", "good"), change("12", "bad"), change("13", "never")]}).to_string();
    let answer = stream_batch(&recorder, &event, NOW, &on_change).await.unwrap();
    assert_eq!(answer, r#"{"batchItemFailures":[{"itemIdentifier":"12"}]}"#);
    assert_eq!(*recorder.0.lock().unwrap(), ["Stock-7 Some(\"good\") Some(3)"]);
}

#[tokio::test]
async fn a_schedule_that_fails_is_tried_again() {
    let recorder = Recorder::default();
    let plain = json!({"version": "0", "detail-type": "Scheduled Event", "time": "2027-01-01T00:00:00Z"}).to_string();
    assert_eq!(schedule_tick(&recorder, &plain, NOW, &on_tick).await.unwrap(), "null");
    assert_eq!(*recorder.0.lock().unwrap(), ["every minute"]);
    let failed = schedule_tick(&recorder, r#"{"task":"bad"}"#, NOW, &on_tick).await;
    assert!(matches!(failed, Err(EventError::Failed)));
}

#[tokio::test]
async fn an_event_of_another_kind_is_refused() {
    let recorder = Recorder::default();
    assert!(matches!(queue_batch(&recorder, "{}", NOW, &on_message).await, Err(EventError::Unreadable(_))));
    assert!(matches!(stream_batch(&recorder, "no", NOW, &on_change).await, Err(EventError::Unreadable(_))));
}

/// The local cloud delivers batches from spawned tasks.
#[tokio::test]
async fn a_batch_can_run_on_any_thread() {
    let recorder = Arc::new(Recorder::default());
    let event = json!({"Records": [message("1", "first")]}).to_string();
    let theirs = Arc::clone(&recorder);
    let answer = tokio::spawn(async move { queue_batch(&*theirs, &event, NOW, &on_message).await });
    assert_eq!(answer.await.unwrap().unwrap(), r#"{"batchItemFailures":[]}"#);
}

#[test]
fn a_message_that_a_pipe_made_of_a_change_reads_as_one() {
    let message: QueueMessage = serde_json::from_value(message("1", &change("11", "EVENT#1").to_string())).unwrap();
    let record: StreamRecord = message.json().unwrap();
    assert_eq!((record.change, record.key()["pk"].as_s().unwrap().as_str()), (Change::Modify, "EVENT#1"));
    assert_eq!(record.new_image().unwrap()["on_hand"].as_n().unwrap(), "3");
}

#[test]
fn the_time_is_the_one_that_was_said_or_the_real_one() {
    assert_eq!(now(Some("1970-01-01T00:00:01Z")), NOW);
    assert!(now(None) > Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
}

/// The Lambda runtime deserializes events through `serde_path_to_error`.
#[test]
fn an_event_passes_through_the_runtime_untouched() {
    let mut deserializer = serde_json::Deserializer::from_str(r#"{"Records": [ 1 ]}"#);
    let raw: Box<RawValue> = serde_path_to_error::deserialize(&mut deserializer).unwrap();
    assert_eq!(raw.get(), r#"{"Records": [ 1 ]}"#);
}
