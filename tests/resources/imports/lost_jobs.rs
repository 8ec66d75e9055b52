//! Jobs whose file or message was lost: replaying the request or reading the job resumes it or makes it fail.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use reqwest::Method;
use serde_json::json;

use super::{errors, export, products, shop_with_categories};
use crate::shop::{Shop, Vendor};

const IMPORTS: &str = "/v1/vendor/imports";
const EXPORTS: &str = "/v1/vendor/exports";
const FILE: &str = "Handle,Title,Variant Inventory Qty,Variant Price\nbowl,Bowl,2,9.50\n";
/// One second longer than the visibility timeout of a failed message.
const HIDDEN: Duration = Duration::from_secs(91);

/// Crashes the function of a route at its nth call of this operation.
fn crash_at(shop: &Shop, route: &str, service: &str, operation: &str, nth: u32, kind: Kind) {
    let fault = Fault { route: Some(route.to_owned()), ..Fault::nth(service, operation, nth, kind) };
    shop.cloud.services().faults.add(fault);
}

/// Lets all messages expire by reading no queue for five days. Returns a client in a new session of the vendor.
async fn expire_all_messages(shop: &Shop, vendor: &Vendor) -> crate::shop::Client {
    shop.cloud.clock().advance(Duration::from_hours(5 * 24));
    shop.cloud.restart_sources().expect("the queue is read again");
    shop.wait_until_idle().await;
    shop.sign_in_again(vendor).await
}

#[tokio::test]
async fn a_replay_stores_the_file_that_the_crashed_request_did_not_store() {
    for (service, operation, kind) in [
        ("dynamodb", "TransactWriteItems", Kind::CrashBefore),
        ("dynamodb", "TransactWriteItems", Kind::CrashAfter),
        ("s3", "PutObject", Kind::CrashBefore),
        ("s3", "PutObject", Kind::CrashAfter),
    ] {
        let (shop, vendor) = shop_with_categories().await;
        let case = format!("{service} {operation} {kind:?}");
        crash_at(&shop, "POST /v1/vendor/imports", service, operation, 1, kind);
        let client = vendor.client.clone().with("idempotency-key", "once");
        let send = async || client.send(Method::POST, IMPORTS, Some(FILE.into()), "text/csv").await;
        let died = send().await;
        assert!(died.status >= 500, "{case}: {}", died.text);
        assert_eq!(shop.cloud.services().faults.triggered().len(), 1, "{case}");
        shop.wait_until_idle().await;

        let first = send().await;
        let location = first.header("location").to_owned();
        first.expect(202);
        shop.wait_until_idle().await;
        let job = client.get(&location).await.expect(200).clone();
        assert_eq!(
            (&job["state"], &job["created"], &job["errors"]),
            (&json!("completed"), &json!(1), &json!([])),
            "{case}"
        );
        let again = send().await;
        assert_eq!(
            (again.header("location"), again.header("idempotent-replayed")),
            (location.as_str(), "true"),
            "{case}"
        );
        shop.wait_until_idle().await;
        assert_eq!(client.get(&location).await.expect(200), &job, "{case}: the replay is not imported again");
        assert_eq!(products(&vendor).await.len(), 1, "{case}");
    }
}

#[tokio::test]
async fn a_replay_enqueues_the_export_that_the_crashed_request_did_not_enqueue() {
    for (service, operation, kind) in [
        ("dynamodb", "TransactWriteItems", Kind::CrashAfter),
        ("sqs", "SendMessage", Kind::CrashBefore),
        ("sqs", "SendMessage", Kind::CrashAfter),
    ] {
        let (shop, vendor) = shop_with_categories().await;
        let case = format!("{service} {operation} {kind:?}");
        crash_at(&shop, "POST /v1/vendor/exports", service, operation, 1, kind);
        let client = vendor.client.clone().with("idempotency-key", "once");
        let died = client.post(EXPORTS, &json!({})).await;
        assert!(died.status >= 500, "{case}: {}", died.text);
        let again = client.post(EXPORTS, &json!({})).await;
        let location = again.header("location").to_owned();
        assert_eq!((again.status, again.header("idempotent-replayed")), (202, "true"), "{case}");
        shop.wait_until_idle().await;
        assert_eq!(client.get(&location).await.expect(200)["state"], "completed", "{case}");
    }
}

#[tokio::test]
async fn an_import_without_its_upload_fails_after_an_hour() {
    let (shop, vendor) = shop_with_categories().await;
    let asked = json!({"filename": "bowls.csv", "size": FILE.len()});
    let location = vendor.client.post(IMPORTS, &asked).await.header("location").to_owned();
    shop.advance(Duration::from_secs(3_599)).await;
    let client = shop.sign_in_again(&vendor).await;
    for _ in 0..2 {
        let waiting = client.get(&location).await.expect(200).clone();
        assert_eq!(
            (&waiting["state"], &waiting["errors"]),
            (&json!("waiting"), &json!([])),
            "an upload may take an hour"
        );
        shop.wait_until_idle().await;
    }
    shop.advance(Duration::from_secs(1)).await;
    client.get(&location).await.expect(200);
    client.get(&location).await.expect(200);
    shop.wait_until_idle().await;
    let failed = client.get(&location).await.expect(200).clone();
    assert_eq!((failed["state"].as_str(), errors(&failed)), (Some("failed"), vec![(0, "", "upload_missing")]));
    assert!(failed["finished_at"].is_string() && failed["more_errors"] == 0, "{failed}");
}

#[tokio::test]
async fn reading_an_import_whose_message_was_lost_enqueues_it_again() {
    let (shop, vendor) = shop_with_categories().await;
    shop.cloud.kill_sources().await;
    let sent = vendor.client.send(Method::POST, IMPORTS, Some(FILE.into()), "text/csv").await;
    let location = sent.header("location").to_owned();
    let client = expire_all_messages(&shop, &vendor).await;
    assert_eq!(client.get(&location).await.expect(200)["state"], "waiting");
    shop.wait_until_idle().await;
    let job = client.get(&location).await.expect(200).clone();
    assert_eq!((&job["state"], &job["created"]), (&json!("completed"), &json!(1)));
}

#[tokio::test]
async fn reading_an_export_whose_message_was_lost_enqueues_it_again() {
    let (shop, vendor) = shop_with_categories().await;
    shop.cloud.kill_sources().await;
    let location = vendor.client.post(EXPORTS, &json!({})).await.header("location").to_owned();
    let client = expire_all_messages(&shop, &vendor).await;
    assert_eq!(client.get(&location).await.expect(200)["state"], "waiting");
    shop.wait_until_idle().await;
    assert_eq!(client.get(&location).await.expect(200)["state"], "completed");
}

#[tokio::test]
async fn an_import_is_shown_when_its_message_cannot_be_enqueued() {
    let (shop, vendor) = shop_with_categories().await;
    let asked = json!({"filename": "bowls.csv", "size": FILE.len()});
    let location = vendor.client.post(IMPORTS, &asked).await.header("location").to_owned();
    shop.advance(Duration::from_secs(3_600)).await;
    let client = shop.sign_in_again(&vendor).await;
    shop.cloud.services().faults.add(Fault { every: true, ..Fault::nth("sqs", "SendMessage", 1, Kind::Before) });
    assert_eq!(client.get(&location).await.expect(200)["state"], "waiting");
    assert!(!shop.cloud.services().faults.triggered().is_empty());
    shop.cloud.services().faults.clear();
    client.get(&location).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!(client.get(&location).await.expect(200)["state"], "failed");
}

#[tokio::test]
async fn a_job_whose_worker_crashes_is_resumed() {
    // The progress is written when the job is claimed, when its rows are counted, and with its last products.
    for (nth, kind) in [(1, Kind::CrashAfter), (2, Kind::CrashAfter), (3, Kind::CrashBefore)] {
        let (shop, vendor) = shop_with_categories().await;
        crash_at(&shop, "function ImportsFunction", "dynamodb", "UpdateItem", nth, kind);
        let sent = vendor.client.send(Method::POST, IMPORTS, Some(FILE.into()), "text/csv").await;
        let location = sent.header("location").to_owned();
        shop.wait_until_idle().await;
        assert_eq!(vendor.client.get(&location).await.expect(200)["state"], "running", "call {nth} {kind:?}");
        shop.advance(HIDDEN).await;
        let job = vendor.client.get(&location).await.expect(200).clone();
        assert_eq!((&job["state"], &job["products"]), (&json!("completed"), &json!(1)), "call {nth} {kind:?}");
        assert_eq!(products(&vendor).await["bowl"]["variants"][0]["on_hand"], 2);
    }
    let (shop, vendor) = shop_with_categories().await;
    crash_at(&shop, "function ImportsFunction", "dynamodb", "UpdateItem", 1, Kind::CrashAfter);
    let location = vendor.client.post(EXPORTS, &json!({})).await.header("location").to_owned();
    shop.wait_until_idle().await;
    assert_eq!(vendor.client.get(&location).await.expect(200)["state"], "running");
    shop.advance(HIDDEN).await;
    assert_eq!(vendor.client.get(&location).await.expect(200)["state"], "completed");
    export(&shop, &vendor, "").await;
}
