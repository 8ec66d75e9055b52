//! Jobs whose file or message went missing on the way: whoever asks again, or looks at them, has them go on or fail.

use std::time::Duration;

use local::faults::{Fault, Kind};
use reqwest::Method;
use serde_json::json;

use super::{errors, export, products, shop_with_categories};
use crate::shop::{Shop, Vendor};

const IMPORTS: &str = "/v1/vendor/imports";
const EXPORTS: &str = "/v1/vendor/exports";
const FILE: &str = "Handle,Title,Variant Inventory Qty,Variant Price\nbowl,Bowl,2,9.50\n";
/// A little more than a failed message is hidden for.
const HIDDEN: Duration = Duration::from_secs(91);

/// The next such call of a route is the last thing that its function does.
fn dies(shop: &Shop, route: &str, service: &str, operation: &str, nth: u32, kind: Kind) {
    let fault = Fault { route: Some(route.to_owned()), ..Fault::nth(service, operation, nth, kind) };
    shop.cloud.services().faults.add(fault);
}

/// Loses all messages, by reading no queue until they have grown too old. Answers the vendor's calls after that.
async fn messages_are_lost(shop: &Shop, vendor: &Vendor) -> crate::shop::Client {
    shop.cloud.clock().advance(Duration::from_hours(5 * 24));
    shop.cloud.restart_sources().expect("the queue is read again");
    shop.wait_until_idle().await;
    shop.sign_in_again(vendor).await
}

#[tokio::test]
async fn a_replay_puts_the_file_that_the_dead_request_did_not_put() {
    for (service, operation, kind) in [
        ("dynamodb", "TransactWriteItems", Kind::CrashBefore),
        ("dynamodb", "TransactWriteItems", Kind::CrashAfter),
        ("s3", "PutObject", Kind::CrashBefore),
        ("s3", "PutObject", Kind::CrashAfter),
    ] {
        let (shop, vendor) = shop_with_categories().await;
        let case = format!("{service} {operation} {kind:?}");
        dies(&shop, "POST /v1/vendor/imports", service, operation, 1, kind);
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
        assert_eq!(client.get(&location).await.expect(200), &job, "{case}: it is not done twice");
        assert_eq!(products(&vendor).await.len(), 1, "{case}");
    }
}

#[tokio::test]
async fn a_replay_enqueues_the_export_that_the_dead_request_did_not_enqueue() {
    for (service, operation, kind) in [
        ("dynamodb", "TransactWriteItems", Kind::CrashAfter),
        ("sqs", "SendMessage", Kind::CrashBefore),
        ("sqs", "SendMessage", Kind::CrashAfter),
    ] {
        let (shop, vendor) = shop_with_categories().await;
        let case = format!("{service} {operation} {kind:?}");
        dies(&shop, "POST /v1/vendor/exports", service, operation, 1, kind);
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
async fn an_import_whose_file_never_comes_fails_when_its_hour_is_over() {
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
            "an upload may take its time"
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
async fn an_import_whose_message_was_lost_goes_on_when_it_is_looked_at() {
    let (shop, vendor) = shop_with_categories().await;
    shop.cloud.kill_sources().await;
    let sent = vendor.client.send(Method::POST, IMPORTS, Some(FILE.into()), "text/csv").await;
    let location = sent.header("location").to_owned();
    let client = messages_are_lost(&shop, &vendor).await;
    assert_eq!(client.get(&location).await.expect(200)["state"], "waiting");
    shop.wait_until_idle().await;
    let job = client.get(&location).await.expect(200).clone();
    assert_eq!((&job["state"], &job["created"]), (&json!("completed"), &json!(1)));
}

#[tokio::test]
async fn an_export_whose_message_was_lost_goes_on_when_it_is_looked_at() {
    let (shop, vendor) = shop_with_categories().await;
    shop.cloud.kill_sources().await;
    let location = vendor.client.post(EXPORTS, &json!({})).await.header("location").to_owned();
    let client = messages_are_lost(&shop, &vendor).await;
    assert_eq!(client.get(&location).await.expect(200)["state"], "waiting");
    shop.wait_until_idle().await;
    assert_eq!(client.get(&location).await.expect(200)["state"], "completed");
}

#[tokio::test]
async fn an_import_is_shown_also_when_the_queue_does_not_take_its_message() {
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
async fn a_job_whose_worker_dies_is_worked_on_again() {
    // How far it has come is written when it is claimed, when its rows are counted, and with its last products.
    for (nth, kind) in [(1, Kind::CrashAfter), (2, Kind::CrashAfter), (3, Kind::CrashBefore)] {
        let (shop, vendor) = shop_with_categories().await;
        dies(&shop, "function ImportsFunction", "dynamodb", "UpdateItem", nth, kind);
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
    dies(&shop, "function ImportsFunction", "dynamodb", "UpdateItem", 1, Kind::CrashAfter);
    let location = vendor.client.post(EXPORTS, &json!({})).await.header("location").to_owned();
    shop.wait_until_idle().await;
    assert_eq!(vendor.client.get(&location).await.expect(200)["state"], "running");
    shop.advance(HIDDEN).await;
    assert_eq!(vendor.client.get(&location).await.expect(200)["state"], "completed");
    export(&shop, &vendor, "").await;
}
