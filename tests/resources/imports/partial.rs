//! Files that say less than the shop knows take nothing away, and what a report says of a product is true.

use serde_json::{Value, json};

use super::{errors, import, products, shop_with_categories};
use crate::shop::Vendor;

/// A product with two variants and one with a single one.
const TWO: &str = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n\
    choynak,Choynak,Hajm,Kichik,C-1,4,12.00\nchoynak,,,\"O'rta\",C-2,5,14.00\nlagan,Lagan,Title,Default Title,L-1,6,20.00\n";

/// The variants of a product: id, SKU, price and units on hand.
async fn variants(vendor: &Vendor, handle: &str) -> Vec<[Value; 4]> {
    let product = products(vendor).await.remove(handle).expect("the product");
    let all = product["variants"].as_array().expect("variants").clone();
    all.into_iter()
        .map(|one| [one["id"].clone(), one["sku"].clone(), one["prices"][0]["amount"].clone(), one["on_hand"].clone()])
        .collect()
}

#[tokio::test]
async fn a_file_without_columns_for_options_removes_no_variant() {
    let (shop, vendor) = shop_with_categories().await;
    import(&shop, &vendor, "?publish=true", TWO).await;
    let before = variants(&vendor, "choynak").await;
    // Which of the two is meant is not said.
    let job =
        import(&shop, &vendor, "", "Handle,Title,Variant Price\nchoynak,Choynak,16.00\nlagan,Lagan,21.00\n").await;
    assert_eq!(errors(&job), [(2, "Option1 Value", "unknown_variant")]);
    assert_eq!((variants(&vendor, "choynak").await, &job["updated"]), (before.clone(), &json!(1)));
    assert_eq!(variants(&vendor, "lagan").await[0][2], "21.00");
    // The SKU says it, and the other one stays.
    let by_sku = "Handle,Title,Variant SKU,Variant Price\nchoynak,Choynak,C-2,16.00\n";
    let job = import(&shop, &vendor, "", by_sku).await;
    assert_eq!((errors(&job), &job["updated"]), (vec![], &json!(1)));
    let after = variants(&vendor, "choynak").await;
    assert_eq!((after.len(), &after[0], &after[1][2]), (2, &before[0], &json!("16.00")));
    // Nothing is said of variants at all.
    let job = import(&shop, &vendor, "", "Handle,Title,Tags\nchoynak,Katta choynak,\"clay, blue\"\n").await;
    assert_eq!((errors(&job), &job["updated"]), (vec![], &json!(1)));
    assert_eq!(variants(&vendor, "choynak").await, after);
    let seen = products(&vendor).await["choynak"].clone();
    assert_eq!((&seen["title"], &seen["tags"]), (&json!("Katta choynak"), &json!(["clay", "blue"])));
    assert_eq!(seen["options"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_variant_that_a_file_removes_is_named_in_the_report() {
    let (shop, vendor) = shop_with_categories().await;
    import(&shop, &vendor, "", TWO).await;
    let shorter: String = TWO.lines().filter(|line| !line.contains("C-2")).map(|line| format!("{line}\n")).collect();
    let job = import(&shop, &vendor, "", shorter.clone()).await;
    assert_eq!(errors(&job), [(2, "Option1 Value", "variants_removed")]);
    let entry = &job["errors"][0];
    assert_eq!(
        (&entry["value"], &entry["product"], &entry["severity"]),
        (&json!("C-2"), &json!("choynak"), &json!("warning"))
    );
    assert_eq!(errors(&import(&shop, &vendor, "", shorter).await), []);
}

#[tokio::test]
async fn a_handle_that_another_shop_has_given_up_keeps_no_product_out() {
    let (shop, vendor) = shop_with_categories().await;
    let silk = shop.vendor("silk").await;
    let lagan = silk.product("lagan").publish().await;
    let path = format!("/v1/vendor/products/{}", lagan.id);
    let renamed = json!({"handle": "plate", "title": "Plate", "variants": [
        {"id": lagan.variant, "prices": [{"amount": "12.50", "currency": "USD"}]},
    ]});
    silk.client.clone().with("if-match", "*").put(&path, &renamed).await.expect(200);
    let dry = import(&shop, &vendor, "?dry_run=true", TWO).await;
    assert_eq!((&dry["created"], &dry["skipped"]), (&json!(2), &json!(0)));
    let job = import(&shop, &vendor, "?publish=true", TWO).await;
    assert_eq!((&job["created"], &job["skipped"], errors(&job)), (&json!(2), &json!(0), vec![]));
    assert_eq!(products(&vendor).await.into_keys().collect::<Vec<_>>(), ["choynak", "lagan-ceramics"]);
    let again = import(&shop, &vendor, "?publish=true", TWO).await;
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)));
    // Its links still lead to the shop that has published them.
    assert_eq!(shop.anon().get("/v1/products/lagan").await.header("location"), "/v1/products/plate");
}

#[tokio::test]
async fn units_that_two_rows_of_a_variant_add_are_all_added() {
    let (shop, vendor) = shop_with_categories().await;
    import(&shop, &vendor, "", TWO).await;
    // Two deliveries, one after the other; the variant stands in both, once with the same number and once with another.
    let delivered =
        "Handle,Variant SKU,Variant Inventory Qty\nchoynak,C-1,2\nlagan,L-1,3\nchoynak,C-1,7\nlagan,L-1,3\n";
    let job = import(&shop, &vendor, "?stock=add", delivered).await;
    assert_eq!(job["state"], "completed", "{job}");
    assert_eq!(variants(&vendor, "choynak").await[0][3], 13);
    assert_eq!(variants(&vendor, "lagan").await[0][3], 12);
}

#[tokio::test]
async fn a_refused_product_whose_rows_stand_apart_is_one_refused_product() {
    let (shop, vendor) = shop_with_categories().await;
    let apart = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n\
        choynak,Choynak,Hajm,Kichik,C-1,dear\nlagan,Lagan,Title,Default Title,L-1,20.00\nchoynak,,,\"O'rta\",C-2,14.00\n";
    let job = import(&shop, &vendor, "", apart).await;
    assert_eq!((&job["created"], &job["refused"], &job["variants"]), (&json!(1), &json!(1), &json!(1)));
    let codes: Vec<&str> = errors(&job).into_iter().map(|(_, _, code)| code).collect();
    assert_eq!(codes, ["bad_price", "rows_apart"]);
    let refused = shop.anon().get(job["refused_rows"]["url"].as_str().expect("a link")).await.text;
    assert_eq!(refused.lines().filter(|line| line.contains("choynak")).count(), 2, "{refused}");
    // Mended and sent again, all of it is there.
    let job = import(&shop, &vendor, "", refused.replace("dear", "12.00")).await;
    assert_eq!((&job["created"], &job["variants"]), (&json!(1), &json!(2)), "{job}");
}

#[tokio::test]
async fn what_a_file_does_not_publish_and_what_stays_on_sale_is_told_apart() {
    let (shop, vendor) = shop_with_categories().await;
    let file = |status: &str| format!("Handle,Title,Status,Variant Price\nlagan,Lagan,{status},20.00\n");
    let job = import(&shop, &vendor, "?publish=true", file("archived")).await;
    assert_eq!(errors(&job), [(2, "", "not_published")]);
    import(&shop, &vendor, "?publish=true", file("active")).await;
    for query in ["?publish=true", ""] {
        let job = import(&shop, &vendor, query, file("archived")).await;
        assert_eq!(errors(&job), [(2, "Status", "stays_published")], "{query}");
    }
    assert_eq!(products(&vendor).await["lagan"]["state"], "published");
}

#[tokio::test]
async fn changes_beyond_those_that_are_listed_are_counted() {
    let (shop, vendor) = shop_with_categories().await;
    let rows: String = (0..1_003).map(|number| format!("p-{number},P {number},1.00\n")).collect();
    let job = import(&shop, &vendor, "?dry_run=true", format!("Handle,Title,Variant Price\n{rows}")).await;
    assert_eq!((&job["created"], &job["more_infos"], errors(&job).len()), (&json!(1_003), &json!(3), 1_000));
}
