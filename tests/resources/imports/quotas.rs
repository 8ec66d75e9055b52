//! How much a shop may bring in and take out: products that are new, and exports.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{errors, export, import, products, shop_with_categories};
use crate::shop::{Answer, Shop, Vendor};

const EXPORTS: &str = "/v1/vendor/exports";

/// Sets a quota, before any function that heeds it has read the settings.
async fn set_quota(shop: &Shop, quota: &str, most: u32) {
    let path = format!("/v1/admin/settings/quotas/{quota}");
    shop.operator().await.with("if-match", "*").put(&path, &json!({"most": most})).await.expect(200);
}

async fn ask(vendor: &Vendor) -> Answer {
    vendor.client.post(EXPORTS, &json!({})).await
}

/// The lines of the products that were refused because the shop has as many as it may.
fn refused_lines(job: &Value) -> Vec<u64> {
    errors(job).into_iter().filter(|(_, _, code)| *code == "limit_reached").map(|(line, _, _)| line).collect()
}

#[tokio::test]
async fn new_products_beyond_the_quota_are_refused_and_changes_of_others_pass() {
    let (shop, vendor) = shop_with_categories().await;
    set_quota(&shop, "products", 30).await;
    vendor.product("bowl").draft().await;
    // Two batches: what the first one adds, the second one has not.
    let rows: String = (0..40).map(|number| format!("p-{number},P {number},1.00\n")).collect();
    let file = format!("Handle,Title,Variant Price\nbowl,Bowl,9.50\n{rows}");
    for query in ["?dry_run=true", ""] {
        let job = import(&shop, &vendor, query, file.clone()).await;
        assert_eq!(
            (&job["state"], &job["created"], &job["updated"], &job["refused"]),
            (&json!("completed"), &json!(29), &json!(1), &json!(11)),
            "{query}: {job}"
        );
        assert_eq!(refused_lines(&job), (32..=42).collect::<Vec<u64>>(), "{query}");
        let refused = shop.anon().get(job["refused_rows"]["url"].as_str().expect("a link")).await.text;
        assert_eq!(refused.lines().filter(|line| line.starts_with("\"limit_reached: ")).count(), 11, "{refused}");
    }
    let known = products(&vendor).await;
    assert_eq!((known.len(), &known["bowl"]["title"]), (30, &json!("Bowl")));

    // A shop that is full changes its prices, and adds nothing.
    let prices: String = (0..29).map(|number| format!("p-{number},P {number},2.00\n")).collect();
    let job = import(&shop, &vendor, "", format!("Handle,Title,Variant Price\n{prices}")).await;
    assert_eq!((errors(&job), &job["updated"]), (vec![], &json!(29)));
    let job = import(&shop, &vendor, "", "Handle,Title,Variant Price\nbowl,Bowl,8.00\none-more,One,1.00\n").await;
    assert_eq!((errors(&job), &job["updated"]), (vec![(3, "", "limit_reached")], &json!(1)));

    // Another shop has room.
    let silk = shop.vendor("silk").await;
    assert_eq!(import(&shop, &silk, "", file).await["created"], 30);
}

#[tokio::test]
async fn while_an_export_runs_no_other_one_begins_and_afterwards_one_does() {
    let (shop, vendor) = shop_with_categories().await;
    let silk = shop.vendor("silk").await;
    shop.cloud.kill_sources().await;
    let first = ask(&vendor).await;
    first.expect(202);
    let refused = ask(&vendor).await;
    refused.expect_problem(409, "import_running");
    assert_eq!(refused.header("retry-after"), "30");
    ask(&silk).await.expect(202);
    shop.cloud.restart_sources().expect("the queue is read again");
    shop.wait_until_idle().await;
    assert_eq!(vendor.client.get(first.header("location")).await.expect(200)["state"], "completed");
    export(&shop, &vendor, "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_exports_that_begin_at_once_one_is_taken() {
    let (shop, vendor) = shop_with_categories().await;
    shop.cloud.kill_sources().await;
    let answers = join_all((0..6).map(|_| ask(&vendor))).await;
    for refused in answers.iter().filter(|answer| answer.status != 202) {
        refused.expect_problem(409, "import_running");
    }
    assert_eq!(answers.iter().filter(|answer| answer.status == 202).count(), 1);
    let listed = vendor.client.get(EXPORTS).await.expect(200)["items"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "a refused one leaves nothing");
}

#[tokio::test]
async fn an_export_whose_request_died_before_its_message_goes_on_with_the_next_request() {
    let (shop, vendor) = shop_with_categories().await;
    let dies = Fault::nth("sqs", "SendMessage", 1, Kind::CrashBefore);
    shop.cloud.services().faults.add(Fault { route: Some("POST /v1/vendor/exports".to_owned()), ..dies });
    assert!(ask(&vendor).await.status >= 500);
    ask(&vendor).await.expect_problem(409, "import_running");
    shop.advance(Duration::from_secs(35)).await;
    ask(&vendor).await.expect_problem(409, "import_running");
    shop.wait_until_idle().await;
    let listed = vendor.client.get(EXPORTS).await.expect(200)["items"].clone();
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["state"]), (Some(1), &json!("completed")));
    export(&shop, &vendor, "").await;
}

#[tokio::test]
async fn exports_a_day_are_limited_for_each_shop() {
    let (shop, vendor) = shop_with_categories().await;
    set_quota(&shop, "exports", 1).await;
    export(&shop, &vendor, "").await;
    let over = ask(&vendor).await;
    over.expect_problem(429, "too_many_requests");
    assert!(over.header("retry-after").parse::<u64>().expect("seconds") > 60);
    let silk = shop.vendor("silk").await;
    export(&shop, &silk, "").await;
    shop.advance(Duration::from_secs(86_400)).await;
    let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor };
    export(&shop, &vendor, "").await;
}
