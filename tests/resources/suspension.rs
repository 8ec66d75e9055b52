//! What the operator decides is not delayed by what vendors cause.

use cloud::faults::{Fault, Kind};
use reqwest::Method;
use serde_json::json;

use crate::shop::{Shop, until};

const FILE: &str = "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\nred-bowl,Red bowl,BOWL-RED,3,9.50\n";

/// How many imports are pending when the operator decides. Two run at a time and each waits a second for its file.
const FLOOD: u64 = 60;
/// Five seconds' worth of them.
const WORKED_OFF_MEANWHILE: u64 = 20;

#[tokio::test]
async fn a_suspension_is_seen_while_a_flood_of_imports_is_pending() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(1).publish().await;
    // A shop has one import at a time.
    let (operator, mut flooders) = (shop.operator().await, Vec::new());
    for number in 0..FLOOD {
        let flooder = shop.applicant(&format!("flood-{number}")).await;
        flooder.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        operator.post(&format!("/v1/admin/vendors/{}/approve", flooder.id), &json!({})).await.expect(200);
        flooders.push(flooder);
    }
    shop.wait_until_idle().await;
    shop.cloud.services().faults.add(Fault {
        every: true,
        route: Some("function ImportsFunction".to_owned()),
        ..Fault::nth("s3", "GetObject", 1, Kind::Slow)
    });
    for flooder in &flooders {
        flooder.client.send(Method::POST, "/v1/vendor/imports", Some(FILE.into()), "text/csv").await.expect(202);
    }
    let page = format!("/v1/products/{}", bowl.handle);
    shop.anon().get(&page).await.expect(200);
    let suspend = format!("/v1/admin/vendors/{}/suspend", bowl.vendor.id);
    let before = shop.depth("ImportsQueue");
    shop.operator().await.post(&suspend, &json!({"reason": "Complaints."})).await.expect(200);
    until("the suspension is seen", async || shop.anon().get(&page).await.status == 404).await;
    let after = shop.depth("ImportsQueue");
    let (before, after) = (before.visible + before.in_flight, after.visible + after.in_flight);
    assert!(after > 0 && before - after < WORKED_OFF_MEANWHILE, "it waited for imports: {before}, then {after}");
    shop.cloud.services().faults.clear();
}
