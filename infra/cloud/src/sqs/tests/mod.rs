//! The queues, called through the real SDK client.

mod deliveries;
mod event_source;

use crate::time::Timestamp;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};

use super::loopback::{sdk_client, serve};
use super::*;

struct Cloud {
    queues: Queues,
    clock: Clock,
    faults: Faults,
    client: Client,
    work: String,
    dead: String,
}

fn clock() -> Clock {
    Clock::frozen(Timestamp::from_millis(1_795_000_000_000))
}

fn specs() -> Vec<Queue> {
    let redrive = Redrive { dead_letters: "dead".into(), max_receives: 2 };
    let queue = |name: &str| Queue::new(name, "http://localhost:3000/_aws/sqs");
    vec![Queue { redrive: Some(redrive), ..queue("work") }, queue("dead")]
}

fn anyone() -> Permit {
    Arc::new(|_, _, _| true)
}

async fn client(queues: &Queues, key: &str) -> Client {
    let queues = queues.clone();
    let url = serve(move |parts, body| {
        let queues = queues.clone();
        async move { queues.call(parts, body).await }
    })
    .await;
    sdk_client!(aws_sdk_sqs, url, key)
}

async fn cloud() -> Cloud {
    let (clock, faults) = (clock(), Faults::default());
    let queues = Queues::open(None, clock.clone(), anyone(), faults.clone(), "http://localhost:3000/_aws/sqs").unwrap();
    queues.create(specs()).unwrap();
    let client = client(&queues, "LOCALROOT").await;
    let (work, dead) = (queues.url("work"), queues.url("dead"));
    Cloud { queues, clock, faults, client, work, dead }
}

impl Cloud {
    async fn send(&self, body: &str) {
        self.client.send_message().queue_url(&self.work).message_body(body).send().await.unwrap();
    }

    async fn receive(&self, url: &str) -> Vec<aws_sdk_sqs::types::Message> {
        let received = self.client.receive_message().queue_url(url).max_number_of_messages(10).send().await.unwrap();
        received.messages.unwrap_or_default()
    }

    async fn bodies(&self, url: &str) -> Vec<String> {
        self.receive(url).await.into_iter().filter_map(|message| message.body).collect()
    }

    async fn delete(&self, handle: &str) -> Result<(), aws_sdk_sqs::operation::delete_message::DeleteMessageError> {
        let deleted = self.client.delete_message().queue_url(&self.work).receipt_handle(handle).send().await;
        deleted.map(drop).map_err(aws_sdk_sqs::error::SdkError::into_service_error)
    }
}

#[tokio::test]
async fn a_message_comes_back_as_it_was_sent_with_the_digests_senders_check() {
    let cloud = cloud().await;
    let url = cloud.client.get_queue_url().queue_name("work").send().await.unwrap();
    assert_eq!(url.queue_url(), Some("http://localhost:3000/_aws/sqs/000000000000/work"));

    let attribute = MessageAttributeValue::builder().data_type("String").string_value("paid").build().unwrap();
    let sent = cloud
        .client
        .send_message()
        .queue_url(&cloud.work)
        .message_body("hello world")
        .message_attributes("kind", attribute)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("5eb63bbbe01eeed093cb22bb8f5acdc3"));

    let received = cloud
        .client
        .receive_message()
        .queue_url(&cloud.work)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.body(), Some("hello world"));
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    assert_eq!(message.md5_of_message_attributes(), sent.md5_of_message_attributes());
    assert_eq!(message.message_attributes().unwrap()["kind"].string_value(), Some("paid"));
    let about = message.attributes().unwrap();
    assert_eq!(about[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    assert_eq!(about[&MessageSystemAttributeName::SentTimestamp], "1795000000000");
}

#[test]
fn attributes_are_digested_as_the_guide_describes() {
    // Each part with its length in four bytes before it: "kind", "String", the tag 1, "paid".
    let attributes = MessageAttributes::from([("kind".to_owned(), MessageAttribute::string("paid"))]);
    let digested = b"\0\0\0\x04kind\0\0\0\x06String\x01\0\0\0\x04paid";
    let expected: String =
        <md5::Md5 as md5::Digest>::digest(digested).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(attributes::md5_of_attributes(&attributes), Some(expected));
    assert_eq!(attributes::md5_of_attributes(&MessageAttributes::new()), None);
}

#[tokio::test]
async fn a_received_message_is_hidden_until_its_timeout_and_gone_after_its_deletion() {
    let cloud = cloud().await;
    cloud.send("a").await;
    let first = cloud.receive(&cloud.work).await;
    assert_eq!(cloud.queues.depth("work").unwrap(), Depth { visible: 0, in_flight: 1, delayed: 0 });
    assert!(cloud.receive(&cloud.work).await.is_empty());

    cloud.clock.advance(Duration::from_secs(30));
    let second = cloud.receive(&cloud.work).await;
    assert_eq!(second[0].message_id, first[0].message_id);
    assert_ne!(second[0].receipt_handle, first[0].receipt_handle);

    // The older receipt is accepted and deletes nothing.
    cloud.delete(first[0].receipt_handle().unwrap()).await.unwrap();
    assert_eq!(cloud.queues.depth("work").unwrap().in_flight, 1);
    cloud.delete(second[0].receipt_handle().unwrap()).await.unwrap();
    cloud.delete(second[0].receipt_handle().unwrap()).await.unwrap();
    assert_eq!(cloud.queues.depth("work").unwrap(), Depth::default());
}

#[tokio::test]
async fn handles_that_were_never_given_are_invalid() {
    let cloud = cloud().await;
    assert!(cloud.delete("nonsense").await.unwrap_err().is_receipt_handle_is_invalid());
    let refused = cloud.client.delete_message().queue_url(cloud.queues.url("none")).receipt_handle("x").send().await;
    assert!(refused.unwrap_err().into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn visibility_can_be_changed_while_a_message_is_in_flight_only() {
    let cloud = cloud().await;
    cloud.send("a").await;
    let handle = cloud.receive(&cloud.work).await[0].receipt_handle.clone().unwrap();
    let change = async |seconds: i32| {
        let request = cloud.client.change_message_visibility().queue_url(&cloud.work).receipt_handle(&handle);
        request.visibility_timeout(seconds).send().await.map(drop).map_err(|refused| refused.into_service_error())
    };
    change(100).await.unwrap();
    cloud.clock.advance(Duration::from_secs(60));
    assert!(cloud.receive(&cloud.work).await.is_empty());
    assert_eq!(change(43_201).await.unwrap_err().code(), Some("InvalidParameterValue"));
    change(0).await.unwrap();
    assert!(change(10).await.unwrap_err().is_message_not_inflight());
    assert_eq!(cloud.bodies(&cloud.work).await, ["a"]);
}

#[tokio::test]
async fn a_message_that_was_received_too_often_becomes_a_dead_letter_and_can_be_moved_back() {
    let cloud = cloud().await;
    cloud.send("poison").await;
    for _ in 0..2 {
        assert_eq!(cloud.bodies(&cloud.work).await, ["poison"]);
        assert!(cloud.bodies(&cloud.dead).await.is_empty());
        cloud.clock.advance(Duration::from_secs(30));
    }
    assert!(cloud.bodies(&cloud.work).await.is_empty());
    let received = cloud
        .client
        .receive_message()
        .queue_url(&cloud.dead)
        .visibility_timeout(0)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let about = received.messages()[0].attributes().unwrap();
    assert_eq!(about[&MessageSystemAttributeName::DeadLetterQueueSourceArn], Queues::arn("work"));

    cloud.client.start_message_move_task().source_arn(Queues::arn("dead")).send().await.unwrap();
    assert!(cloud.bodies(&cloud.dead).await.is_empty());
    assert_eq!(cloud.bodies(&cloud.work).await, ["poison"]);
    let refused = cloud.client.start_message_move_task().source_arn(Queues::arn("none")).send().await.unwrap_err();
    assert!(refused.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_waiting_receiver_gets_what_is_sent_and_what_the_clock_makes_visible() {
    let cloud = cloud().await;
    let (client, url) = (cloud.client.clone(), cloud.work.clone());
    let wait = || {
        let request = client.receive_message().queue_url(&url).wait_time_seconds(20);
        tokio::spawn(async move { request.send().await.unwrap().messages.unwrap_or_default() })
    };
    let waiting = wait();
    cloud.send("now").await;
    assert_eq!(waiting.await.unwrap()[0].body(), Some("now"));

    let delayed = cloud.client.send_message().queue_url(&cloud.work).message_body("later").delay_seconds(15);
    delayed.send().await.unwrap();
    assert_eq!(cloud.queues.depth("work").unwrap().delayed, 1);
    let waiting = wait();
    cloud.clock.advance(Duration::from_secs(15));
    assert_eq!(waiting.await.unwrap()[0].body(), Some("later"));

    // No message arrives here, and the wait ends by the embedded cloud's clock.
    let dead = cloud.queues.spec("dead").unwrap();
    let (ended, ()) =
        tokio::join!(cloud.queues.inner.receive(&dead, 1, Duration::ZERO, Duration::from_secs(20)), async {
            cloud.clock.advance(Duration::from_secs(20))
        },);
    assert!(ended.unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_is_checked_as_a_whole_and_then_one_by_one() {
    let cloud = cloud().await;
    let entry =
        |id: &str, body: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap();
    let send = async |entries: Vec<SendMessageBatchRequestEntry>| {
        let request = cloud.client.send_message_batch().queue_url(&cloud.work).set_entries(Some(entries));
        request.send().await.map_err(|refused| refused.into_service_error())
    };
    assert!(send(vec![]).await.unwrap_err().is_empty_batch_request());
    let eleven = (0..11).map(|id| entry(&id.to_string(), "x")).collect();
    assert!(send(eleven).await.unwrap_err().is_too_many_entries_in_batch_request());
    assert!(send(vec![entry("a", "x"), entry("a", "y")]).await.unwrap_err().is_batch_entry_ids_not_distinct());
    assert!(send(vec![entry("a b", "x")]).await.unwrap_err().is_invalid_batch_entry_id());
    let half = "x".repeat(MAX_MESSAGE_SIZE / 2 + 1);
    assert!(send(vec![entry("a", &half), entry("b", &half)]).await.unwrap_err().is_batch_request_too_long());
    assert_eq!(cloud.queues.depth("work").unwrap(), Depth::default());

    let sent = send(vec![entry("a", "good"), entry("b", "bad \u{1}")]).await.unwrap();
    assert_eq!(sent.successful()[0].id(), "a");
    assert_eq!((sent.failed()[0].id(), sent.failed()[0].code()), ("b", "InvalidMessageContents"));
    let received = cloud.receive(&cloud.work).await;
    assert_eq!(received.len(), 1);
    let delete = aws_sdk_sqs::types::DeleteMessageBatchRequestEntry::builder();
    let good = delete.clone().id("a").receipt_handle(received[0].receipt_handle().unwrap()).build().unwrap();
    let bad = delete.id("b").receipt_handle("nonsense").build().unwrap();
    let request = cloud.client.delete_message_batch().queue_url(&cloud.work).entries(good).entries(bad);
    let deleted = request.send().await.unwrap();
    assert_eq!((deleted.successful()[0].id(), deleted.failed()[0].code()), ("a", "ReceiptHandleIsInvalid"));
    assert_eq!(cloud.queues.depth("work").unwrap(), Depth::default());
}

#[tokio::test]
async fn limits_are_those_of_the_cloud() {
    let cloud = cloud().await;
    let whole = "x".repeat(MAX_MESSAGE_SIZE);
    cloud.send(&whole).await;
    let request = cloud.client.send_message().queue_url(&cloud.work);
    let long = request.clone().message_body(format!("{whole}x")).send().await.unwrap_err().into_service_error();
    assert_eq!(long.code(), Some("InvalidParameterValue"));
    let empty = request.clone().message_body("").send().await.unwrap_err().into_service_error();
    assert_eq!(empty.code(), Some("MissingParameter"));
    let unprintable = request.clone().message_body("\u{0}").send().await.unwrap_err().into_service_error();
    assert!(unprintable.is_invalid_message_contents());
    let late = request.message_body("x").delay_seconds(901).send().await.unwrap_err().into_service_error();
    assert_eq!(late.code(), Some("InvalidParameterValue"));
    for most in [0, 11] {
        let request = cloud.client.receive_message().queue_url(&cloud.work).max_number_of_messages(most);
        assert_eq!(request.send().await.unwrap_err().into_service_error().code(), Some("InvalidParameterValue"));
    }
}

#[tokio::test]
async fn a_queue_tells_its_depth_and_settings_and_can_be_purged_once_a_minute() {
    let cloud = cloud().await;
    cloud.send("a").await;
    cloud.send("b").await;
    cloud.client.receive_message().queue_url(&cloud.work).send().await.unwrap();
    let about = cloud.client.get_queue_attributes().queue_url(&cloud.work).attribute_names(QueueAttributeName::All);
    let about = about.send().await.unwrap().attributes.unwrap();
    assert_eq!(about[&QueueAttributeName::ApproximateNumberOfMessages], "1");
    assert_eq!(about[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible], "1");
    assert_eq!(about[&QueueAttributeName::QueueArn], Queues::arn("work"));
    assert!(about[&QueueAttributeName::RedrivePolicy].contains("\"maxReceiveCount\":2"));

    let purge = || cloud.client.purge_queue().queue_url(&cloud.work).send();
    purge().await.unwrap();
    assert_eq!(cloud.queues.depth("work").unwrap(), Depth::default());
    assert!(purge().await.unwrap_err().into_service_error().is_purge_queue_in_progress());
    cloud.clock.advance(Duration::from_mins(1));
    purge().await.unwrap();
}

#[tokio::test]
async fn a_message_is_kept_for_its_retention_only() {
    let cloud = cloud().await;
    cloud.send("old").await;
    cloud.clock.advance(Duration::from_hours(96));
    assert_eq!(cloud.queues.depth("work").unwrap(), Depth::default());
    assert!(cloud.receive(&cloud.work).await.is_empty());
}

#[tokio::test]
async fn each_action_needs_permission_on_its_queue() {
    let permit: Permit =
        Arc::new(|key, action, resource| (key, action, resource) == ("SHOP", "sqs:SendMessage", &Queues::arn("work")));
    let queues = Queues::open(None, clock(), permit, Faults::default(), "http://localhost").unwrap();
    queues.create(specs()).unwrap();
    let (shop, other) = (client(&queues, "SHOP").await, client(&queues, "OTHER").await);
    let send = async |client: &Client, queue: &str| {
        let request = client.send_message().queue_url(queues.url(queue)).message_body("x");
        request.send().await.map_err(|refused| refused.into_service_error().code().unwrap().to_owned()).map(drop)
    };
    assert_eq!(send(&shop, "work").await, Ok(()));
    for (client, queue) in [(&shop, "dead"), (&other, "work"), (&shop, "none")] {
        assert_eq!(send(client, queue).await, Err("AccessDeniedException".into()));
    }
    let received = shop.receive_message().queue_url(queues.url("work")).send().await.unwrap_err();
    assert_eq!(received.into_service_error().code(), Some("AccessDeniedException"));
}

#[tokio::test]
async fn messages_and_their_receipts_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sqs.sqlite");
    let open = || {
        let queues = Queues::open(Some(&path), clock(), anyone(), Faults::default(), "http://localhost").unwrap();
        queues.create(specs()).unwrap();
        queues
    };
    let before = open();
    before.send("work", "held", &MessageAttributes::new()).unwrap();
    let held = client(&before, "ROOT").await.receive_message().queue_url(before.url("work")).send().await.unwrap();
    before.send("work", "waiting", &MessageAttributes::new()).unwrap();
    // Leaked, so that no destructor runs, as after a kill -9.
    std::mem::forget(before);

    let after = open();
    assert_eq!(after.depth("work").unwrap(), Depth { visible: 1, in_flight: 1, delayed: 0 });
    let handle = held.messages()[0].receipt_handle().unwrap();
    let deleted = client(&after, "ROOT").await.delete_message().queue_url(after.url("work")).receipt_handle(handle);
    deleted.send().await.unwrap();
    assert_eq!(after.depth("work").unwrap(), Depth { visible: 1, in_flight: 0, delayed: 0 });
}

#[test]
fn a_dead_letter_queue_must_exist() {
    let queues = Queues::open(None, clock(), anyone(), Faults::default(), "http://localhost").unwrap();
    let refused = queues.create(specs().into_iter().take(1).collect()).unwrap_err();
    assert!(matches!(refused, QueueError::NoDeadLetterQueue { .. }));
    assert!(matches!(queues.depth("work"), Err(QueueError::NoSuchQueue(_))));
}
