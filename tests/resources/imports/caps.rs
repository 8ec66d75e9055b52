//! What an import may be: one at a time, of a shop that is approved, not larger than the operator allows.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{errors, import, products, send, shop_with_categories};
use crate::shop::{Client, Shop, Vendor};

const FILE: &str = "Handle,Title,Variant Inventory Qty,Variant Price\nbowl,Bowl,2,9.50\n";
const LIMIT: &str = "/v1/admin/settings/limits/import-file";

async fn state(client: &Client, path: &str) -> String {
    client.get(path).await.expect(200)["state"].as_str().expect("a state").to_owned()
}

/// The path of an import whose file is to be uploaded, and how.
async fn announce(vendor: &Vendor) -> (String, Value) {
    let asked = vendor.client.post("/v1/vendor/imports", &json!({"filename": "bowls.csv", "size": FILE.len()})).await;
    (asked.header("location").to_owned(), asked.expect(202)["upload"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_imports_that_begin_at_once_one_is_taken() {
    let (shop, vendor) = shop_with_categories().await;
    let answers = join_all((0..6).map(|_| send(&vendor, "", FILE))).await;
    let mut taken = 0;
    for answer in &answers {
        if answer.status == 202 {
            taken += 1;
        } else {
            answer.expect_problem(409, "import_running");
            assert_eq!(answer.header("retry-after"), "30");
        }
    }
    // One may begin after another is through.
    assert!(taken >= 1);
    shop.wait_until_idle().await;
    let listed = vendor.client.get("/v1/vendor/imports").await.expect(200)["items"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(taken), "a refused one leaves nothing");
    let spans = listed.as_array().expect("imports").iter();
    assert!(spans.clone().all(|job| job["state"] == "completed"), "{listed}");
    import(&shop, &vendor, "", FILE).await;
}

#[tokio::test]
async fn while_an_import_runs_no_other_one_begins_and_afterwards_one_does() {
    let (shop, vendor) = shop_with_categories().await;
    let silk = shop.vendor("silk").await;
    shop.cloud.kill_sources().await;
    let first = send(&vendor, "?dry_run=true", FILE).await;
    first.expect(202);
    for _ in 0..2 {
        send(&vendor, "", FILE).await.expect_problem(409, "import_running");
        let announced = json!({"filename": "bowls.csv", "size": 100});
        vendor.client.post("/v1/vendor/imports", &announced).await.expect_problem(409, "import_running");
        // Its file is there, so it is only a matter of time.
        shop.cloud.clock().advance(Duration::from_secs(60));
    }
    send(&silk, "", FILE).await.expect(202);
    shop.cloud.restart_sources().expect("the queue is read again");
    shop.wait_until_idle().await;
    assert_eq!(state(&vendor.client, first.header("location")).await, "completed");
    assert_eq!(import(&shop, &vendor, "", FILE).await["state"], "completed");
}

#[tokio::test]
async fn an_import_without_its_file_gives_way_to_the_next_one() {
    let (shop, vendor) = shop_with_categories().await;
    let (first, upload) = announce(&vendor).await;
    let (second, other_upload) = announce(&vendor).await;
    let ended = vendor.client.get(&first).await.expect(200).clone();
    assert_eq!((ended["state"].as_str(), errors(&ended)), (Some("failed"), vec![(0, "", "superseded")]));
    assert!(ended["finished_at"].is_string() && ended["more_errors"] == 0);
    // Its file comes all the same, and is not imported.
    shop.anon().upload(&upload, FILE.as_bytes()).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!((state(&vendor.client, &first).await.as_str(), products(&vendor).await.len()), ("failed", 0));
    shop.anon().upload(&other_upload, FILE.as_bytes()).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!((state(&vendor.client, &second).await.as_str(), products(&vendor).await.len()), ("completed", 1));
}

#[tokio::test]
async fn a_request_that_died_before_its_file_was_there_blocks_others_for_half_a_minute() {
    let (shop, vendor) = shop_with_categories().await;
    let put = Fault::nth("s3", "PutObject", 1, Kind::CrashBefore);
    shop.cloud.services().faults.add(Fault { route: Some("POST /v1/vendor/imports".to_owned()), ..put });
    assert!(send(&vendor, "", FILE).await.status >= 500);
    shop.advance(Duration::from_secs(34)).await;
    send(&vendor, "", FILE).await.expect_problem(409, "import_running");
    shop.advance(Duration::from_secs(1)).await;
    assert_eq!(import(&shop, &vendor, "", FILE).await["state"], "completed");
    let listed = vendor.client.get("/v1/vendor/imports").await.expect(200)["items"].clone();
    assert_eq!((&listed[0]["state"], &listed[1]["state"]), (&json!("completed"), &json!("failed")));
}

#[tokio::test]
async fn an_abandoned_import_gives_way_after_an_hour() {
    let (shop, vendor) = shop_with_categories().await;
    let claim = Fault::nth("dynamodb", "UpdateItem", 1, Kind::CrashAfter);
    shop.cloud.services().faults.add(Fault { route: Some("function ImportsFunction".to_owned()), ..claim });
    let first = send(&vendor, "", FILE).await.header("location").to_owned();
    shop.wait_until_idle().await;
    assert_eq!(state(&vendor.client, &first).await, "running");
    // Nobody reads the queue until the message has expired.
    shop.cloud.kill_sources().await;
    shop.cloud.clock().advance(Duration::from_secs(60));
    send(&vendor, "", FILE).await.expect_problem(409, "import_running");
    shop.cloud.clock().advance(Duration::from_hours(5 * 24));
    shop.cloud.restart_sources().expect("the queue is read again");
    let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor };
    assert_eq!(import(&shop, &vendor, "", FILE).await["created"], 1);
    let ended = vendor.client.get(&first).await.expect(200).clone();
    assert_eq!((ended["state"].as_str(), errors(&ended)), (Some("failed"), vec![(0, "", "superseded")]));
}

#[tokio::test]
async fn a_shop_that_is_not_approved_imports_nothing() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("ceramics").await;
    let announced = json!({"filename": "bowls.csv", "size": 100});
    for step in ["draft", "submitted", "rejected"] {
        for query in ["", "?dry_run=true"] {
            send(&vendor, query, FILE).await.expect_problem(409, "wrong_state");
        }
        vendor.client.post("/v1/vendor/imports", &announced).await.expect_problem(409, "wrong_state");
        let (operator, decide) = (shop.operator().await, format!("/v1/admin/vendors/{}", vendor.id));
        match step {
            "draft" => vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200).clone(),
            "submitted" => {
                operator.post(&format!("{decide}/reject"), &json!({"reason": "Blurred."})).await.expect(200).clone()
            }
            _ => {
                vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
                operator.post(&format!("{decide}/approve"), &json!({})).await.expect(200).clone()
            }
        };
    }
    assert_eq!(import(&shop, &vendor, "", FILE).await["state"], "completed");
    assert_eq!(vendor.client.get("/v1/vendor/imports").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_operator_sets_how_large_a_file_may_be() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    let shown = operator.get(LIMIT).await.expect(200)["value"].clone();
    assert_eq!(shown, json!({"bytes": 209_715_200, "rows": 1_000_000}));
    let chief = operator.with("if-match", "*");
    for (bad, field) in [
        (json!({"bytes": 209_715_201, "rows": 3}), "/bytes"),
        (json!({"bytes": 1023, "rows": 3}), "/bytes"),
        (json!({"bytes": 2048, "rows": 1_000_001}), "/rows"),
        (json!({"bytes": 2048, "rows": 0}), "/rows"),
        (json!({"bytes": 2048}), "/rows"),
        (json!({"bytes": 2048, "rows": 3, "most": 1}), "/most"),
    ] {
        let refused = chief.put(LIMIT, &bad).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], field, "{bad}");
    }
    chief.put(LIMIT, &json!({"bytes": 2048, "rows": 3})).await.expect(200);

    let vendor = shop.vendor("ceramics").await;
    let rows = |count: usize| -> String {
        let rows = (0..count).map(|row| format!("bowl-{row},Bowl {row},1.00\n"));
        format!("Handle,Title,Variant Price\n{}", rows.collect::<String>())
    };
    send(&vendor, "", rows(200)).await.expect_problem(413, "too_large");
    for (size, status) in [(2049, 400), (2048, 202)] {
        let asked = vendor.client.post("/v1/vendor/imports", &json!({"filename": "a.csv", "size": size})).await;
        assert_eq!(asked.status, status, "{size}: {}", asked.text);
    }
    let long = import(&shop, &vendor, "", rows(4)).await;
    assert_eq!((long["state"].as_str(), errors(&long)), (Some("failed"), vec![(0, "", "too_many_rows")]));
    let wide: Vec<u8> = format!("\u{feff}{}", rows(4)).encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(errors(&import(&shop, &vendor, "", wide).await), [(0, "", "too_many_rows")]);
    assert_eq!(products(&vendor).await.len(), 0);
    assert_eq!(import(&shop, &vendor, "", rows(3)).await["created"], 3);
    let sent = vendor.client.send(Method::POST, "/v1/vendor/imports", Some(rows(3).into_bytes()), "text/csv").await;
    sent.expect(202);
}
