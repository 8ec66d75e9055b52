//! Pipes and event source mappings on streams with one shard, where nothing else is said.

mod giving_up;
mod shards;
mod stopping;

use std::path::Path;
use std::sync::Mutex;

use crate::time::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;

use super::{Arc, Clock, Duration, Endpoint, Filter, Handler, Sink, Source, Start, Value, to_function, to_queue};
use crate::dynamodb::{Attribute, Caller, Options, PermitAll, StreamView, Table};
use crate::faults::Faults;
use crate::usage::Usage;

const EVENTS: &str = r#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["event"]}}}}"#;

/// How long a test waits for what was told to stop. None is meant to take that long.
const BOUND: Duration = Duration::from_secs(60);

/// An endpoint whose streams have one shard each, and whose readers are woken by writes only, not by polling.
fn endpoint() -> Arc<Endpoint> {
    endpoint_with(1, None, &clock())
}

fn endpoint_with(shards: usize, path: Option<&Path>, clock: &Clock) -> Arc<Endpoint> {
    let options = Options { poll_interval: Duration::from_secs(360_000), shards, ..Options::default() };
    let (faults, usage) = (Faults::default(), Usage::default());
    let endpoint = Endpoint::open(path, Arc::new(PermitAll), faults, usage, clock.clone(), options).unwrap();
    endpoint
        .create_tables(&[Table { stream: Some(StreamView::NewImage), ..Table::new("Orders", Attribute::text("pk")) }])
        .unwrap();
    Arc::new(endpoint)
}

async fn put(endpoint: &Endpoint, pk: &str, kind: &str) {
    let body = json!({ "TableName": "Orders", "Item": { "pk": { "S": pk }, "kind": { "S": kind } } });
    endpoint.call(&Caller::root(), "PutItem", body.to_string().as_bytes()).await;
}

fn source(filter: &[&str]) -> Source {
    Source {
        name: "events".to_owned(),
        table: "Orders".to_owned(),
        start: Start::TrimHorizon,
        filter: Filter::parse(filter.iter().copied()).unwrap(),
        batch_size: 10,
        bisect: true,
        retries: Some(2),
        max_age: None,
        backoff: Duration::ZERO,
    }
}

fn clock() -> Clock {
    Clock::frozen(Timestamp::from_millis(1_000))
}

/// A sink that forwards its messages to a channel.
fn channel() -> (Arc<dyn Sink>, mpsc::UnboundedReceiver<Vec<String>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let sink = move |bodies| {
        let sent = sender.send(bodies).map(|()| Vec::new()).map_err(|_| "closed".to_owned());
        async move { sent }
    };
    (Arc::new(sink), receiver)
}

fn keys(bodies: &[String]) -> Vec<String> {
    let key = |body: &String| {
        let record: Value = serde_json::from_str(body).unwrap();
        record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned()
    };
    bodies.iter().map(key).collect()
}

fn event_keys(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().unwrap();
    records.iter().map(|record| record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_pipe_delivers_what_passes_its_filter_in_order_and_at_once() {
    let endpoint = endpoint();
    put(&endpoint, "before", "event").await;
    put(&endpoint, "order", "order").await;
    let (sink, mut queue) = channel();
    let pipe = to_queue(&endpoint, source(&[EVENTS]), sink, None, clock()).unwrap();
    assert_eq!(keys(&queue.recv().await.unwrap()), ["before"]);
    put(&endpoint, "after", "event").await;
    assert_eq!(keys(&queue.recv().await.unwrap()), ["after"]);
    put(&endpoint, "after", "event").await;
    put(&endpoint, "last", "event").await;
    assert_eq!(keys(&queue.recv().await.unwrap()), ["last"], "overwriting an item is not an INSERT");
    endpoint.wait_until_idle().await.unwrap();
    assert_eq!(endpoint.stream_length("Orders").unwrap(), 1);
    pipe.stop(BOUND).await;
}

#[tokio::test]
async fn a_pipe_killed_between_stream_and_queue_loses_nothing() {
    let endpoint = endpoint();
    for number in 0..25 {
        put(&endpoint, &format!("{number:02}"), "event").await;
    }
    let arrived: Arc<Mutex<Vec<String>>> = Arc::default();
    // The pipe is killed alternately before the queue has the messages, and after it but before the response.
    for life in 0..6 {
        let (reached, mut at_the_point) = mpsc::unbounded_channel();
        let queue = Arc::clone(&arrived);
        let sink = move |bodies: Vec<String>| {
            let (reached, queue) = (reached.clone(), Arc::clone(&queue));
            async move {
                if life % 2 == 1 {
                    queue.lock().unwrap().extend(keys(&bodies));
                }
                reached.send(()).unwrap();
                std::future::pending().await
            }
        };
        let pipe = to_queue(&endpoint, source(&[EVENTS]), Arc::new(sink), None, clock()).unwrap();
        at_the_point.recv().await.unwrap();
        pipe.kill().await;
    }
    let (sink, mut queue) = channel();
    let _pipe = to_queue(&endpoint, source(&[EVENTS]), sink, None, clock()).unwrap();
    let mut all = Vec::new();
    while all.len() < 25 {
        all.extend(keys(&queue.recv().await.unwrap()));
    }
    let expected: Vec<String> = (0..25).map(|number| format!("{number:02}")).collect();
    assert_eq!(all, expected);
    assert_eq!(arrived.lock().unwrap().len(), 30, "three of the killed pipes delivered the first ten records");
}

#[tokio::test]
async fn a_queue_that_refuses_is_tried_again_and_then_the_records_place_goes_to_the_dead_letters() {
    let endpoint = endpoint();
    put(&endpoint, "a", "event").await;
    let (tried, mut attempts) = mpsc::unbounded_channel();
    let refuse = move |bodies: Vec<String>| {
        tried.send(bodies.len()).unwrap();
        async { Err::<Vec<usize>, _>("full".to_owned()) }
    };
    let (dead_letter_queue, mut dead_letters) = channel();
    let pipe = to_queue(&endpoint, source(&[]), Arc::new(refuse), Some(dead_letter_queue), clock()).unwrap();
    let message: Value = serde_json::from_str(&dead_letters.recv().await.unwrap()[0]).unwrap();
    assert_eq!(attempts.len(), 3);
    assert_eq!(attempts.recv().await, Some(1));
    assert_eq!(message["context"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(message["timestamp"], "1970-01-01T00:00:01Z");
    pipe.stop(BOUND).await;
    let (sink, mut queue) = channel();
    let _pipe = to_queue(&endpoint, source(&[]), sink, None, clock()).unwrap();
    put(&endpoint, "b", "event").await;
    assert_eq!(keys(&queue.recv().await.unwrap()), ["b"], "a record that was given up is not delivered again");
}

/// A function that fails on these keys, and the keys of each invocation.
fn failing_on(bad: &'static [&'static str]) -> (Arc<dyn Handler>, mpsc::UnboundedReceiver<Vec<String>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let handler = move |event: Value| {
        let keys = event_keys(&event);
        let fails = keys.iter().any(|key| bad.contains(&key.as_str()));
        sender.send(keys).unwrap();
        async move { if fails { Err("poison".to_owned()) } else { Ok(Value::Null) } }
    };
    (Arc::new(handler), receiver)
}

#[tokio::test]
async fn a_failing_batch_is_split_until_the_bad_record_is_alone_and_given_up() {
    let endpoint = endpoint();
    for key in ["a", "b", "c", "d", "e"] {
        put(&endpoint, key, "stock").await;
    }
    let (handler, mut invoked) = failing_on(&["c"]);
    let (dead_letter_queue, mut dead_letters) = channel();
    let mapping = Source { retries: Some(1), ..source(&[]) };
    let running = to_function(&endpoint, mapping, handler, Some(dead_letter_queue), clock()).unwrap();
    let message: Value = serde_json::from_str(&dead_letters.recv().await.unwrap()[0]).unwrap();
    let mut calls = Vec::new();
    while calls.last().is_none_or(|keys: &Vec<String>| keys != &["d", "e"]) {
        calls.push(invoked.recv().await.unwrap());
    }
    let expected: [&[&str]; 6] =
        [&["a", "b", "c", "d", "e"], &["a", "b"], &["c", "d", "e"], &["c"], &["c"], &["d", "e"]];
    assert_eq!(calls, expected);
    assert_eq!(message["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 1);
    running.stop(BOUND).await;
    assert_eq!(endpoint.stream_length("Orders").unwrap(), 1);
}

#[tokio::test]
async fn a_batch_goes_on_at_the_first_record_that_the_function_reports() {
    let endpoint = endpoint();
    for key in ["a", "b", "c"] {
        put(&endpoint, key, "stock").await;
    }
    let (sender, mut invoked) = mpsc::unbounded_channel();
    let handler = move |event: Value| {
        let keys = event_keys(&event);
        let failed = (keys.len() == 3).then(|| event["Records"][1]["dynamodb"]["SequenceNumber"].clone());
        sender.send(keys).unwrap();
        let failures: Vec<Value> = failed.into_iter().map(|number| json!({ "itemIdentifier": number })).collect();
        async move { Ok(json!({ "batchItemFailures": failures })) }
    };
    let whole = Source { bisect: false, ..source(&[]) };
    let running = to_function(&endpoint, whole, Arc::new(handler), None, clock()).unwrap();
    assert_eq!(invoked.recv().await.unwrap(), ["a", "b", "c"]);
    assert_eq!(invoked.recv().await.unwrap(), ["b", "c"]);
    running.stop(BOUND).await;
    let (handler, mut invoked) = failing_on(&[]);
    let _running = to_function(&endpoint, source(&[]), handler, None, clock()).unwrap();
    put(&endpoint, "d", "stock").await;
    assert_eq!(invoked.recv().await.unwrap(), ["d"]);
}

#[tokio::test]
async fn a_new_reader_at_latest_sees_only_what_comes() {
    let endpoint = endpoint();
    put(&endpoint, "old", "event").await;
    let (sink, mut queue) = channel();
    let latest = Source { start: Start::Latest, ..source(&[]) };
    let _pipe = to_queue(&endpoint, latest, sink, None, clock()).unwrap();
    put(&endpoint, "new", "event").await;
    assert_eq!(keys(&queue.recv().await.unwrap()), ["new"]);
}

/// A queue that takes no batch in which one of these keys is, and the keys of each batch that it took.
fn refusing(bad: &'static [&'static str]) -> (Arc<dyn Sink>, mpsc::UnboundedReceiver<Vec<String>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let sink = move |bodies: Vec<String>| {
        let keys = keys(&bodies);
        let fails = keys.iter().any(|key| bad.contains(&key.as_str()));
        let answer = if fails { Err("too long together".to_owned()) } else { Ok(Vec::new()) };
        if !fails {
            sender.send(keys).unwrap();
        }
        async move { answer }
    };
    (Arc::new(sink), receiver)
}
