//! How products of files without handles are known again, and what becomes of those that could not be written.

use serde_json::json;

use super::woocommerce::File;
use super::{errors, import, products, shop_with_categories};
use crate::shop::invariants::items;

const CATALOG: &str = "CatalogTable";

/// A file with one product, which has this number, and an SKU if one is given.
fn file(id: u32, sku: &str, name: &str) -> String {
    let mut file = File::new();
    file.next_id = id;
    file.row(&[("Type", "simple"), ("SKU", sku), ("Name", name), ("Regular price", "9"), ("Stock", "2")]);
    file.text
}

#[tokio::test]
async fn a_product_that_is_given_an_sku_stays_the_same_product() {
    let (shop, vendor) = shop_with_categories().await;
    import(&shop, &vendor, "", file(12, "", "Kosa")).await;
    let before = products(&vendor).await;
    let job = import(&shop, &vendor, "", file(12, "K-1", "Kosa")).await;
    assert_eq!((&job["created"], &job["updated"], errors(&job)), (&json!(0), &json!(1), vec![]), "{job}");
    let after = products(&vendor).await;
    assert_eq!((after.len(), &after["kosa"]["id"]), (1, &before["kosa"]["id"]));
    assert_eq!(after["kosa"]["variants"][0]["sku"], "K-1");
    // The SKU tells it from now on, whatever its name and its number become.
    let job = import(&shop, &vendor, "", file(40, "K-1", "Katta kosa")).await;
    assert_eq!((&job["created"], &job["updated"]), (&json!(0), &json!(1)), "{job}");
    // Its number is free for another one.
    let job = import(&shop, &vendor, "", file(12, "", "Lagan")).await;
    assert_eq!((&job["created"], products(&vendor).await.len()), (&json!(1), 2), "{job}");
    // A number alone does not make two products one: that of another shop may be the same.
    let job = import(&shop, &vendor, "", file(12, "T-1", "Tovoq")).await;
    assert_eq!((&job["created"], products(&vendor).await.len()), (&json!(1), 3), "{job}");
}

#[tokio::test]
async fn a_key_that_was_left_behind_is_taken_over() {
    let (shop, vendor) = shop_with_categories().await;
    import(&shop, &vendor, "", file(12, "K-1", "Kosa")).await;
    let known = products(&vendor).await;
    let is_key = |item: &serde_json::Value| item["pk"]["S"].as_str().is_some_and(|key| key.ends_with("#k-1"));
    let key = items(&shop, CATALOG).await.into_iter().find(is_key).expect("the key of the file");
    // An earlier release deletes the product and knows nothing of its key.
    let path = format!("/v1/vendor/products/{}", known["kosa"]["id"].as_str().expect("an id"));
    vendor.client.delete(&path).await.expect(204);
    shop.put_stored(CATALOG, &key).await;
    for (created, unchanged) in [(1, 0), (0, 1)] {
        let job = import(&shop, &vendor, "", file(12, "K-1", "Kosa")).await;
        let counts = (&job["created"], &job["unchanged"], errors(&job));
        assert_eq!(counts, (&json!(created), &json!(unchanged), vec![]), "{job}");
    }
    // One that leads to a product with another key is nobody's either.
    let mut misled = items(&shop, CATALOG).await.into_iter().find(is_key).expect("the key is there again");
    import(&shop, &vendor, "", file(13, "T-1", "Tovoq")).await;
    let tovoq = products(&vendor).await["tovoq"]["id"].clone();
    misled["owner"] = json!({"S": tovoq});
    shop.put_stored(CATALOG, &misled).await;
    let job = import(&shop, &vendor, "", file(12, "K-1", "Kosa")).await;
    assert_eq!((&job["created"], &job["refused"], &job["skipped"]), (&json!(0), &json!(0), &json!(0)), "{job}");
    assert_eq!(products(&vendor).await.len(), 2);
}

#[tokio::test]
async fn what_could_not_be_written_is_in_the_file_that_is_sent_again() {
    let (shop, vendor) = shop_with_categories().await;
    let file = |title: &str| format!("Handle,Title,Variant Price\nkosa,{title},9\nmug,Mug,5\n");
    import(&shop, &vendor, "", "Handle,Title,Variant Price\nkosa,Kosa,9\n").await;
    // A newer release has put it into a state that this one does not know.
    assert!(shop.rewrite(CATALOG, "\"state\":\"draft\"", "\"state\":\"frozen\"").await > 0);
    let job = import(&shop, &vendor, "", file("Katta kosa")).await;
    assert_eq!((&job["skipped"], &job["refused"], &job["created"]), (&json!(1), &json!(0), &json!(1)), "{job}");
    let left = shop.anon().get(job["refused_rows"]["url"].as_str().expect("a link")).await.text;
    assert_eq!(left.lines().count(), 2, "{left}");
    assert!(left.contains("newer_data: ") && left.ends_with(",kosa,Katta kosa,9\n"), "{left}");
    shop.rewrite(CATALOG, "\"state\":\"frozen\"", "\"state\":\"draft\"").await;
    let job = import(&shop, &vendor, "", left).await;
    assert_eq!((&job["updated"], &job["skipped"], errors(&job)), (&json!(1), &json!(0), vec![]), "{job}");
}
