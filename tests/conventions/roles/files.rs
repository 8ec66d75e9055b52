//! Product files: what imports and exports need.

use serde_json::json;

use super::{get_all, text};
use crate::shop::{Shop, Vendor};

/// A product file with a new product, an existing one, a category and a bad row.
const CSV: &str = "\
Handle,Title,Body (HTML),Type,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src,Status
red-bowl,Red bowl,<p>Red</p>,Kitchen,true,Size,S,BOWL-S,3,9.50,https://down.test/bowl.png,active
red-bowl,,,,,,L,BOWL-L,4,11.50,,
blue-bowl,Blue bowl,,,true,,,BOWL-BLUE,7,12.75,,active
bad-bowl,Bad bowl,,,true,,,BOWL-BAD,1,cheap,,active
";

/// Imports with the file in the request and by upload, with a bad row, and an export. Returns the path of an import
/// whose file is never uploaded.
pub(super) async fn exchange(shop: &Shop, vendor: &Vendor) -> String {
    let send = async |path: &str| {
        let sent = vendor.client.send(reqwest::Method::POST, path, Some(CSV.into()), "text/csv").await;
        text(sent.expect(202), "id").to_owned()
    };
    let announced = json!({"filename": "goods.csv", "size": CSV.len()});
    let job = vendor.client.post("/v1/vendor/imports?publish=true", &announced).await.expect(202).clone();
    shop.anon().upload(&job["upload"], CSV.as_bytes()).await.expect(200);
    let mut id = text(&job, "id").to_owned();
    for next in ["?dry_run=true", "?publish=true&stock=add", "?dry_run=true"] {
        shop.wait_until_idle().await;
        let done = vendor.client.get(&format!("/v1/vendor/imports/{id}")).await;
        assert_eq!(done.expect(200)["state"], "completed", "{}", done.text);
        shop.anon().get(text(&done.json["refused_rows"], "url")).await.expect(200);
        id = send(&format!("/v1/vendor/imports{next}")).await;
    }
    shop.wait_until_idle().await;
    get_all(&vendor.client, &["/v1/vendor/imports".to_owned(), "/v1/vendor/exports".to_owned()]).await;
    get_all(&shop.operator().await, &[format!("/v1/admin/vendors/{}/imports", vendor.id)]).await;
    let export = vendor.client.post("/v1/vendor/exports", &json!({})).await.expect(202).clone();
    shop.wait_until_idle().await;
    let done = vendor.client.get(&format!("/v1/vendor/exports/{}", text(&export, "id"))).await.expect(200).clone();
    assert_eq!(done["state"], "completed");
    shop.anon().get(text(&done, "url")).await.expect(200);
    // The second one takes the place of the first, whose file is not there.
    vendor.client.post("/v1/vendor/imports", &announced).await.expect(202);
    vendor.client.post("/v1/vendor/imports", &announced).await.header("location").to_owned()
}

/// Reading an import whose time for the upload is over makes it fail.
pub(super) async fn fail_import_without_upload(shop: &Shop, vendor: &Vendor, location: &str) {
    vendor.client.get(location).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!(vendor.client.get(location).await.expect(200)["state"], "failed");
}
