use aws_sdk_sesv2::operation::send_email::builders::SendEmailFluentBuilder;
use http::Request;
use serde_json::Value;

use super::tests::{call, client, mail, to};
use super::*;
use crate::faults::Faults;
use crate::sns::Topic;
use crate::sqs::{Queue, Queues};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:shop-feedback";
const QUEUE: &str = "feedback";

/// An account with a configuration set that publishes bounces and complaints to a queue.
fn with_feedback(suppressed_reasons: &[&str]) -> (Mail, Queues) {
    let (mail, clock) = mail();
    let permit: Permit = Arc::new(|_, _, _| true);
    let queues = Queues::open(None, clock, permit, Faults::default(), "http://localhost").unwrap();
    queues.create(vec![Queue::new(QUEUE, "http://localhost")]).unwrap();
    let set = ConfigurationSet {
        id: "Settings".to_owned(),
        name: "shop".to_owned(),
        suppressed_reasons: suppressed_reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        destinations: vec![Destination {
            events: vec!["BOUNCE".to_owned(), "COMPLAINT".to_owned()],
            topic: TOPIC.to_owned(),
        }],
    };
    let topic = Topic {
        id: "Feedback".to_owned(),
        arn: TOPIC.to_owned(),
        publishers: Vec::new(),
        over_tls_only: true,
        queues: vec![QUEUE.to_owned()],
    };
    (mail.with_configuration_sets(vec![set], Topics::new(vec![topic], queues.clone())), queues)
}

async fn send(call: SendEmailFluentBuilder, address: &str) {
    call.destination(to(address)).configuration_set_name("shop").send().await.unwrap();
}

/// The events that were published since the last time: what was received stays hidden while the clock stands still.
async fn published(queues: &Queues) -> Vec<Value> {
    let asked = serde_json::json!({"QueueUrl": queues.url(QUEUE), "MaxNumberOfMessages": 10}).to_string();
    let request = Request::post("/").header("x-amz-target", "AmazonSQS.ReceiveMessage").body(()).unwrap();
    let answer = queues.call(request.into_parts().0, Bytes::from(asked)).await;
    let answer: Value = serde_json::from_slice(answer.body()).unwrap();
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    messages.iter().map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn the_addresses_of_the_mailbox_simulator_answer_as_ses_documents_it() {
    let (mail, queues) = with_feedback(&["BOUNCE", "COMPLAINT"]);
    let client = client(&mail, "SHOP").await;
    for (local, event, kind, sub_type) in [
        ("bounce", "Bounce", "Permanent", "General"),
        ("suppressionlist", "Bounce", "Permanent", "Suppressed"),
        ("ooto", "Bounce", "Transient", "General"),
    ] {
        let address = format!("{local}+label@simulator.amazonses.com");
        send(call(&client), &address).await;
        let [record] = published(&queues).await.try_into().unwrap();
        assert_eq!((record["eventType"].as_str(), record["bounce"]["bounceType"].as_str()), (Some(event), Some(kind)));
        assert_eq!(record["bounce"]["bounceSubType"], sub_type);
        assert_eq!(record["bounce"]["bouncedRecipients"][0]["emailAddress"], address.as_str());
        assert_eq!(record["mail"]["tags"]["ses:configuration-set"], serde_json::json!(["shop"]));
    }
    send(call(&client), "Reader <complaint@simulator.amazonses.com>").await;
    let [record] = published(&queues).await.try_into().unwrap();
    assert_eq!(record["eventType"], "Complaint");
    assert_eq!(record["complaint"]["complainedRecipients"][0]["emailAddress"], "complaint@simulator.amazonses.com");
    send(call(&client), "success@simulator.amazonses.com").await;
    assert!(published(&queues).await.is_empty(), "nobody asked for deliveries");
    assert!(mail.account().suppressed.is_empty(), "the simulator's addresses are never listed");
}

#[tokio::test]
async fn mail_without_a_configuration_set_publishes_nothing() {
    let (mail, queues) = with_feedback(&["BOUNCE"]);
    let client = client(&mail, "SHOP").await;
    call(&client).destination(to("bounce@simulator.amazonses.com")).send().await.unwrap();
    assert!(published(&queues).await.is_empty());
}

#[tokio::test]
async fn the_simulator_needs_no_verification_in_the_sandbox() {
    let (mail, queues) = with_feedback(&[]);
    let client = client(&mail, "SHOP").await;
    mail.set_account(Account { sandbox: true, ..mail.account() });
    send(call(&client), "bounce@simulator.amazonses.com").await;
    assert_eq!(published(&queues).await.len(), 1);
}

#[tokio::test]
async fn a_hard_bounce_puts_its_address_on_the_list_until_it_is_taken_off() {
    let (mail, queues) = with_feedback(&["BOUNCE"]);
    let sender = client(&mail, "SHOP").await;
    mail.set_account(Account { unknown_mailboxes: vec!["gone@example.test".to_owned()], ..mail.account() });
    send(call(&sender), "Gone@example.test").await;
    mail.set_account(Account { unknown_mailboxes: Vec::new(), ..mail.account() });
    send(call(&sender), "gone@example.test").await;
    let kinds: Vec<Value> =
        published(&queues).await.into_iter().map(|record| record["bounce"]["bounceSubType"].clone()).collect();
    assert_eq!(kinds, ["General", "OnAccountSuppressionList"]);
    assert_eq!(mail.messages(Some("gone@example.test")).unwrap().len(), 1, "the second was never tried");

    let denied = sender.delete_suppressed_destination().email_address("gone@example.test").send().await.unwrap_err();
    assert_eq!(denied.raw_response().unwrap().status().as_u16(), 403, "the role has no statement for it");
    let client = client(&mail, "LISTS").await;
    client.delete_suppressed_destination().email_address("Gone@example.test").send().await.unwrap();
    let missing = client.delete_suppressed_destination().email_address("gone@example.test").send().await.unwrap_err();
    assert!(missing.into_service_error().is_not_found_exception());
    send(call(&sender), "gone@example.test").await;
    assert_eq!(mail.messages(Some("gone@example.test")).unwrap().len(), 2);
    assert!(published(&queues).await.is_empty());
}

#[tokio::test]
async fn a_set_that_suppresses_nothing_sends_to_listed_addresses() {
    let (mail, _) = with_feedback(&[]);
    let client = client(&mail, "SHOP").await;
    mail.set_account(Account { suppressed: vec!["gone@example.test".to_owned()], ..mail.account() });
    send(call(&client), "gone@example.test").await;
    assert_eq!(mail.messages(Some("gone@example.test")).unwrap().len(), 1);
}
