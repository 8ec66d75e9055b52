use std::sync::Mutex as StdMutex;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::*;
use crate::faults::Faults;

/// How long a test waits for what was told to stop. None is meant to take that long.
const BOUND: Duration = Duration::from_secs(60);

/// A function's response to an event.
type Answer = fn(&Value) -> Result<Value, String>;

/// A function that records its events.
fn handler(
    seen: &Arc<StdMutex<Vec<Value>>>,
    answer: Answer,
) -> impl Fn(Value) -> std::future::Ready<Result<Value, String>> + Send + Sync + 'static {
    let seen = seen.clone();
    move |event| {
        let answered = answer(&event);
        seen.lock().unwrap().push(event);
        std::future::ready(answered)
    }
}

#[tokio::test]
async fn a_function_gets_batches_as_lambda_events_and_what_it_handled_is_deleted() {
    let cloud = cloud().await;
    let attributes = MessageAttributes::from([("kind".to_owned(), MessageAttribute::string("paid"))]);
    for body in ["a", "b"] {
        cloud.queues.send("work", body, &attributes).unwrap();
    }
    let seen = Arc::default();
    let mapping = Mapping { max_concurrency: Some(1), ..Mapping::of("work") };
    let source = EventSource::start(&cloud.queues, &mapping, handler(&seen, |_| Ok(Value::Null))).unwrap();
    cloud.queues.drained("work").await.unwrap();
    source.stop(BOUND).await;

    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    let mut record = seen[0]["Records"][0].clone();
    record["messageId"] = json!("(id)");
    record["receiptHandle"] = json!("(handle)");
    insta::assert_json_snapshot!(record, @r#"
    {
      "attributes": {
        "ApproximateFirstReceiveTimestamp": "1795000000000",
        "ApproximateReceiveCount": "1",
        "SenderId": "000000000000",
        "SentTimestamp": "1795000000000"
      },
      "awsRegion": "us-east-1",
      "body": "a",
      "eventSource": "aws:sqs",
      "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:work",
      "md5OfBody": "0cc175b9c0f1b6a831c399e269772661",
      "md5OfMessageAttributes": "d3cea5cad2741d369c1de42c5913a1e4",
      "messageAttributes": {
        "kind": {
          "binaryListValues": [],
          "dataType": "String",
          "stringListValues": [],
          "stringValue": "paid"
        }
      },
      "messageId": "(id)",
      "receiptHandle": "(handle)"
    }
    "#);
    // The event type that consumers deserialize.
    let event: aws_lambda_events::sqs::SqsEvent = serde_json::from_value(seen[0].clone()).unwrap();
    assert_eq!(event.records[1].body.as_deref(), Some("b"));
}

#[tokio::test]
async fn failed_records_come_back_after_the_visibility_timeout_and_die_in_the_end() {
    let cloud = cloud().await;
    for body in ["good", "bad"] {
        cloud.send(body).await;
    }
    let seen = Arc::default();
    let fail_bad = |event: &Value| {
        let records = event["Records"].as_array().unwrap().iter();
        let failed: Vec<Value> = records
            .filter(|record| record["body"] == "bad")
            .map(|record| json!({ "itemIdentifier": record["messageId"] }))
            .collect();
        Ok(json!({ "batchItemFailures": failed }))
    };
    let mapping = Mapping { max_concurrency: Some(1), ..Mapping::of("work") };
    let source = EventSource::start(&cloud.queues, &mapping, handler(&seen, fail_bad)).unwrap();
    let depth_becomes = async |queue: &str, wanted: Depth| {
        while cloud.queues.depth(queue).unwrap() != wanted {
            tokio::task::yield_now().await;
        }
    };
    depth_becomes("work", Depth { in_flight: 1, ..Depth::default() }).await;
    cloud.clock.advance(Duration::from_secs(30));
    // Received again and failed again; instead of a third receive it moves to the dead-letter queue.
    while seen.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    cloud.clock.advance(Duration::from_secs(30));
    cloud.queues.drained("work").await.unwrap();
    depth_becomes("dead", Depth { visible: 1, ..Depth::default() }).await;
    source.stop(BOUND).await;

    let bodies: Vec<Vec<Value>> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|event| event["Records"].as_array().unwrap().iter().map(|record| record["body"].clone()).collect())
        .collect();
    assert_eq!(bodies, [vec![json!("good"), json!("bad")], vec![json!("bad")]]);
}

#[tokio::test]
async fn a_message_that_keeps_failing_is_not_waited_for() {
    let cloud = cloud().await;
    cloud.send("bad").await;
    let seen = Arc::default();
    let mapping = Mapping { max_concurrency: Some(1), ..Mapping::of("work") };
    let source = EventSource::start(&cloud.queues, &mapping, handler(&seen, |_| Err("no".into()))).unwrap();
    for attempts in 1..=2 {
        cloud.queues.drained("work").await.unwrap();
        assert_eq!(seen.lock().unwrap().len(), attempts);
        assert_eq!(cloud.queues.depth("work").unwrap(), Depth { in_flight: 1, ..Depth::default() });
        cloud.clock.advance(Duration::from_secs(30));
    }
    source.stop(BOUND).await;
}

#[tokio::test]
async fn a_function_that_fails_panics_or_answers_nonsense_leaves_its_whole_batch() {
    let answers: [Answer; 4] = [
        |_| Err("no".into()),
        |_| panic!("a bug in a function"),
        |_| Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "unknown" }] })),
        |_| Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "" }] })),
    ];
    for answer in answers {
        let cloud = cloud().await;
        for body in ["a", "b"] {
            cloud.send(body).await;
        }
        let (done, finished) = oneshot::channel();
        let done = StdMutex::new(Some(done));
        let mapping = Mapping { max_concurrency: Some(1), ..Mapping::of("work") };
        let source = EventSource::start(&cloud.queues, &mapping, move |event| {
            let done = done.lock().unwrap().take();
            async move {
                if let Some(done) = done {
                    done.send(()).unwrap();
                }
                answer(&event)
            }
        })
        .unwrap();
        finished.await.unwrap();
        source.stop(BOUND).await;
        assert_eq!(cloud.queues.depth("work").unwrap(), Depth { in_flight: 2, ..Depth::default() });
    }
}

#[tokio::test]
async fn a_mapping_can_be_stopped_while_it_waits_and_then_takes_nothing_more() {
    let cloud = cloud().await;
    let seen = Arc::default();
    let source = EventSource::start(&cloud.queues, &Mapping::of("work"), handler(&seen, |_| Ok(Value::Null))).unwrap();
    source.stop(BOUND).await;
    cloud.send("a").await;
    assert_eq!(cloud.queues.depth("work").unwrap(), Depth { visible: 1, ..Depth::default() });
    assert!(seen.lock().unwrap().is_empty());
    assert!(matches!(
        EventSource::start(&cloud.queues, &Mapping::of("none"), handler(&seen, |_| Ok(Value::Null))),
        Err(QueueError::NoSuchQueue(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_hangs_is_abandoned_at_the_bound_and_its_messages_are_visible_after_their_timeout() {
    let clock = clock();
    let queues =
        Queues::open(None, clock.clone(), anyone(), Faults::default(), "http://localhost:3000/_aws/sqs").unwrap();
    queues.create(specs()).unwrap();
    queues.send("work", "a", &MessageAttributes::default()).unwrap();
    let (reached, mut invoked) = tokio::sync::mpsc::unbounded_channel();
    let held = Arc::new(());
    let running = Arc::downgrade(&held);
    let hangs = move |_: Value| {
        let held = Arc::clone(&held);
        reached.send(()).unwrap();
        async move {
            let _held = held;
            std::future::pending::<Result<Value, String>>().await
        }
    };
    let source = EventSource::start(&queues, &Mapping::of("work"), hangs).unwrap();
    invoked.recv().await.unwrap();
    assert_eq!(queues.depth("work").unwrap(), Depth { visible: 0, in_flight: 1, delayed: 0 });
    let told = tokio::time::Instant::now();
    source.stop(Duration::from_secs(4)).await;
    assert_eq!(told.elapsed(), Duration::from_secs(4));
    assert!(running.upgrade().is_none(), "the function does not run on behind the next one's back");
    assert_eq!(queues.depth("work").unwrap(), Depth { visible: 0, in_flight: 1, delayed: 0 });
    clock.advance(Duration::from_secs(30));
    assert_eq!(queues.depth("work").unwrap(), Depth { visible: 1, in_flight: 0, delayed: 0 });
}
