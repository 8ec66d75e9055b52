//! What a standard queue may do to a delivery. It keeps copies of a message on several servers; a server that could not
//! be reached when the message was received or deleted may hand out its copy again, and the order of messages is best
//! effort: `standard-queues-at-least-once-delivery.html` and `standard-queues.html` of
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/>.

use std::sync::Mutex as StdMutex;

use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::*;
use crate::faults::Fault;

impl Cloud {
    fn disturbs(&self, kind: Kind, every: bool) {
        self.faults.add(Fault { every, ..Fault::nth("sqs", "ReceiveMessage", 1, kind) });
    }

    async fn receive_with_count(&self) -> Vec<Message> {
        let request = self.client.receive_message().queue_url(&self.work).max_number_of_messages(10);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        request.send().await.unwrap().messages.unwrap_or_default()
    }
}

#[tokio::test]
async fn a_duplicate_is_held_beside_the_first_under_the_same_id_and_count_and_deleted_by_its_own_receipt() {
    let cloud = cloud().await;
    cloud.disturbs(Kind::Duplicate, false);
    cloud.send("a").await;
    let [first, second] = [cloud.receive_with_count().await.remove(0), cloud.receive_with_count().await.remove(0)];
    assert!(cloud.receive_with_count().await.is_empty());
    assert_eq!((first.message_id(), first.body()), (second.message_id(), second.body()));
    let count = |message: &Message| message.attributes().unwrap().values().next().cloned();
    assert_eq!([count(&first), count(&second)], [Some("1".to_owned()), Some("1".to_owned())]);
    assert_ne!(first.receipt_handle(), second.receipt_handle());

    cloud.delete(first.receipt_handle().unwrap()).await.unwrap();
    assert_eq!(cloud.queues.depth("work").unwrap(), Depth { in_flight: 1, ..Depth::default() });
    cloud.clock.advance(Duration::from_secs(30));
    assert_eq!(cloud.receive_with_count().await.remove(0).message_id(), first.message_id(), "the copy comes again");
}

#[tokio::test]
async fn disorder_brings_what_was_sent_first_behind_what_was_sent_later() {
    let cloud = cloud().await;
    cloud.disturbs(Kind::Disorder, false);
    cloud.send("first").await;
    assert!(cloud.receive(&cloud.work).await.is_empty());
    cloud.send("second").await;
    assert_eq!(cloud.bodies(&cloud.work).await, ["second"]);
    cloud.clock.advance(DISORDER_DELAY);
    let first = cloud.receive_with_count().await;
    assert_eq!(first[0].body(), Some("first"));
    assert_eq!(first[0].attributes().unwrap().values().next().unwrap(), "1", "passing over is no receive");
}

#[tokio::test]
async fn a_fault_of_every_delivery_meets_each_message_once() {
    let cloud = cloud().await;
    cloud.disturbs(Kind::Duplicate, true);
    cloud.send("a").await;
    let counts = async || [cloud.receive_with_count().await.len(), cloud.receive_with_count().await.len()];
    assert_eq!(counts().await, [1, 1]);
    assert!(cloud.receive_with_count().await.is_empty(), "a copy is not copied");

    cloud.faults.clear();
    cloud.disturbs(Kind::Disorder, true);
    cloud.send("b").await;
    assert!(cloud.receive_with_count().await.is_empty());
    cloud.clock.advance(DISORDER_DELAY);
    assert_eq!(cloud.bodies(&cloud.work).await, ["b"], "what was passed over once is delivered");
}

#[tokio::test]
async fn two_copies_reach_a_function_side_by_side_and_never_in_one_batch() {
    let cloud = cloud().await;
    cloud.disturbs(Kind::Duplicate, false);
    for body in ["a", "b"] {
        cloud.send(body).await;
    }
    let (seen, together): (Arc<StdMutex<Vec<Value>>>, _) = (Arc::default(), Arc::new(Barrier::new(2)));
    let events = seen.clone();
    let source = EventSource::start(&cloud.queues, &Mapping::of("work"), move |event| {
        events.lock().unwrap().push(event["Records"].clone());
        let together = together.clone();
        async move {
            // Neither ends before the other has begun.
            together.wait().await;
            Ok(Value::Null)
        }
    })
    .unwrap();
    cloud.queues.drained("work").await.unwrap();
    source.stop(Duration::from_secs(5)).await;

    let batches = seen.lock().unwrap();
    let bodies: Vec<Vec<&Value>> = batches
        .iter()
        .map(|records| records.as_array().unwrap().iter().map(|record| &record["body"]).collect())
        .collect();
    assert_eq!(bodies, [[&json!("a"), &json!("b")], [&json!("a"), &json!("b")]]);
    assert_eq!(cloud.queues.depth("work").unwrap(), Depth::default());
}
