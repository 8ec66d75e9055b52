//! Past imports and exports, newest first.

use std::time::Duration;

use serde_json::{Value, json};

use super::{all, export, import, send, shop_with_categories};
use crate::shop::invariants::{items, put_item};

const GOOD: &str = "Handle,Title,Variant Price\nbowl,Bowl,9.50\n";

#[tokio::test]
async fn imports_and_exports_are_listed_newest_first_with_one_query_a_page() {
    let (shop, vendor) = shop_with_categories().await;
    assert_eq!(all(&vendor.client, "/v1/vendor/imports?limit=1").await, Vec::<Value>::new());
    let mut begun = Vec::new();
    for file in [GOOD, "Handle,Title,Type,Variant Price\ncup,Cup,Nonsense,1\nplate,Plate,,dear\n", "Title\nA\n"] {
        shop.advance(Duration::from_secs(1)).await;
        begun.push(import(&shop, &vendor, "", file).await);
    }
    shop.advance(Duration::from_secs(1)).await;
    let announced = json!({"filename": "bowls.csv", "size": 100});
    begun.push(vendor.client.post("/v1/vendor/imports", &announced).await.expect(202).clone());
    begun.reverse();
    for limit in [1, 3, 100] {
        let listed = all(&vendor.client, &format!("/v1/vendor/imports?limit={limit}")).await;
        let of = |jobs: &[Value], name: &str| -> Vec<Value> { jobs.iter().map(|job| job[name].clone()).collect() };
        for name in ["id", "state", "rows", "rows_done", "products", "created", "refused", "created_at", "finished_at"]
        {
            assert_eq!(of(&listed, name), of(&begun, name), "{name} with {limit} on a page");
        }
        assert_eq!(of(&listed, "state"), ["waiting", "failed", "completed", "completed"]);
        assert_eq!((&listed[0]["filename"], &listed[0]["upload"]), (&json!("bowls.csv"), &Value::Null));
        assert_eq!((&listed[2]["errors"], &listed[2]["more_errors"]), (&json!([]), &json!(1)), "counted, not listed");
        assert_eq!(listed[2]["more_warnings"], 1);
    }

    let usage = &shop.cloud.services().usage;
    usage.reset();
    vendor.client.get("/v1/vendor/imports").await.expect(200);
    let of_list = usage.snapshot()["GET /v1/vendor/imports"].operations.clone();
    usage.reset();
    vendor.client.get("/v1/vendor/exports/exp_00000000000000000000000000").await.expect(404);
    let of_member = usage.snapshot()["GET /v1/vendor/exports/{id}"].operations.clone();
    let queries = |operations: &std::collections::BTreeMap<String, u64>| operations.get("Query").copied().unwrap_or(0);
    assert_eq!(queries(&of_list) - queries(&of_member), 1, "{of_list:?}");

    export(&shop, &vendor, "").await;
    shop.advance(Duration::from_secs(1)).await;
    export(&shop, &vendor, "?currency=UZS").await;
    let exports = all(&vendor.client, "/v1/vendor/exports?limit=1").await;
    let currencies: Vec<&Value> = exports.iter().map(|job| &job["currency"]).collect();
    assert_eq!(currencies, ["UZS", "USD"]);
    assert_eq!((&exports[0]["state"], &exports[0]["url"]), (&json!("completed"), &Value::Null));

    let operator = shop.operator().await;
    let path = format!("/v1/admin/vendors/{}/imports", vendor.id);
    let own = all(&vendor.client, "/v1/vendor/imports?limit=2").await;
    assert_eq!(all(&operator, &format!("{path}?limit=2")).await, own);
    operator.get("/v1/admin/vendors/ven_00000000000000000000000000/imports").await.expect_problem(404, "not_found");
    let stranger = shop.vendor("silk").await;
    assert_eq!(stranger.client.get("/v1/vendor/imports").await.expect(200)["items"], json!([]));
    let cursor = vendor.client.get("/v1/vendor/imports?limit=1").await.expect(200)["next"].clone();
    let path = format!("/v1/vendor/imports?cursor={}", cursor.as_str().expect("a cursor"));
    stranger.client.get(&path).await.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn faults_that_a_release_before_stored_beside_its_imports_are_shown_and_stop_no_list() {
    let (shop, vendor) = shop_with_categories().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        shop.advance(Duration::from_secs(1)).await;
        let job = import(&shop, &vendor, "?dry_run=true", "Handle,Title,Variant Price\nplate,Plate,dear\n").await;
        ids.push(job["id"].as_str().expect("an id").to_owned());
    }
    let faults = items(&shop, "AccountsTable").await.into_iter().filter(|item| item["kind"]["S"] == "import_faults");
    let faults: Vec<Value> = faults.collect();
    assert_eq!(faults.len(), 3, "a partition of its own for each import");
    for (at, id) in ids.iter().enumerate() {
        // As many as hardly any import has, each with the same fault.
        for version in 100..100 + 30 * at {
            let mut old = faults[0].clone();
            old["pk"]["S"] = json!(format!("VENDOR#{}", vendor.id));
            old["sk"]["S"] = json!(format!("IMPORT#{id}#{version:09}"));
            put_item(&shop, "AccountsTable", &old).await;
        }
    }
    for limit in [1, 2, 20] {
        let listed = all(&vendor.client, &format!("/v1/vendor/imports?limit={limit}")).await;
        let listed: Vec<&str> = listed.iter().map(|job| job["id"].as_str().expect("an id")).collect();
        assert_eq!(listed, [&ids[2], &ids[1], &ids[0]], "with {limit} on a page");
    }
    let first = vendor.client.get("/v1/vendor/imports?limit=2").await.expect(200)["items"].clone();
    assert_eq!(first.as_array().map(Vec::len), Some(2), "a page is full in spite of them");
    for (at, id) in ids.iter().enumerate() {
        let job = vendor.client.get(&format!("/v1/vendor/imports/{id}")).await.expect(200).clone();
        assert_eq!(job["errors"].as_array().map(Vec::len), Some(1 + 30 * at), "those of both kinds are shown");
    }
    send(&vendor, "", GOOD).await.expect(202);
}
