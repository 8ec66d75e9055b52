//! Goods that are sold by measure: quantities count steps, prices are those of one step, and the price of a whole
//! measure is shown beside them.

use serde_json::{Value, json};

use crate::shop::sale::text;
use crate::shop::{Product, Shop};

/// Silk by the half metre for 9.00 USD, and dried apricots in bags of 250 grams for 2.35 USD.
async fn goods(shop: &Shop) -> (Product, Product) {
    let vendor = shop.vendor("silk").await;
    let product = |title: &str, price: &str, unit: Value| {
        let variant =
            json!({"prices": [{"amount": price, "currency": "USD"}], "on_hand": 40, "sale_unit": unit, "sku": title});
        vendor.product(title).set("variants", json!([variant]))
    };
    let atlas = product("atlas", "9.00", json!({"unit": "m", "step": "0.5"})).publish().await;
    (atlas, product("apricots", "2.35", json!({"unit": "kg", "step": "0.250"})).publish().await)
}

#[tokio::test]
async fn the_price_of_a_whole_measure_stands_beside_the_price_of_a_step() {
    let shop = Shop::open().await;
    let (atlas, apricots) = goods(&shop).await;
    let usd = |amount: &str| json!({"amount": amount, "currency": "USD"});
    let half_metre = json!({"unit": "m", "step": "0.5"});
    shop.wait_until_idle().await;
    let page = shop.anon().get(&format!("/v1/products/{}", atlas.handle)).await.expect(200).clone();
    for shown in [&page, &page["variants"][0]] {
        assert_eq!((&shown["sale_unit"], &shown["reference_price"]), (&half_metre, &usd("18.00")));
    }
    let list = shop.anon().get("/v1/products?sort=price").await.expect(200).clone();
    assert_eq!(list["items"][0]["sale_unit"], json!({"unit": "kg", "step": "0.25"}), "without zeros at the end");
    assert_eq!((&list["items"][0]["price"], &list["items"][0]["reference_price"]), (&usd("2.35"), &usd("9.40")));

    // Three steps are one metre and a half, and stay so: what the vendor changes since is not the order's.
    let guest = shop.guest().await.takes(&[(&atlas, 3), (&apricots, 2)]).await;
    let line = guest.seen().await["groups"][0]["lines"][0].clone();
    assert_eq!(
        (&line["quantity"], &line["total"], &line["reference_price"]),
        (&json!(3), &usd("27.00"), &usd("18.00"))
    );
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    let changed = json!({"variants": [{
        "id": atlas.variant, "prices": [usd("9.00")], "sale_unit": {"unit": "m", "step": "1"},
    }], "handle": "atlas", "title": "atlas"});
    let path = format!("/v1/vendor/products/{}", atlas.id);
    let version = atlas.vendor.client.get(&path).await.header("etag").to_owned();
    let owner = atlas.vendor.client.clone().with("if-match", version);
    assert_eq!(owner.put(&path, &changed).await.expect(200)["variants"][0]["sale_unit"]["step"], "1");
    shop.stripe(&text(&order["id"]), "succeed").await;
    shop.wait_until_idle().await;
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let seen = reader.get(&format!("/v1/orders/{}", text(&order["id"]))).await.expect(200).clone();
    assert_eq!(seen["vendors"][0]["lines"][0]["sale_unit"], half_metre);
    let messages = shop.cloud.services().mail.messages(Some(&guest.email)).expect("mail can be read");
    let mail = &messages[0].message.text;
    assert!(mail.contains("- 3 x atlas (1.5 m): $27.00\n- 2 x apricots (0.5 kg): $4.70"), "{mail}");
}

#[tokio::test]
async fn a_cart_is_not_ordered_when_its_units_have_become_other_measures() {
    let shop = Shop::open().await;
    let (atlas, _) = goods(&shop).await;
    let guest = shop.guest().await.takes(&[(&atlas, 3)]).await;
    let usd = json!({"amount": "9.00", "currency": "USD"});
    let changed = json!({"title": "atlas", "handle": "atlas", "variants": [{
        "id": atlas.variant, "prices": [usd], "sale_unit": {"unit": "m", "step": "0.25"},
    }]});
    let path = format!("/v1/vendor/products/{}", atlas.id);
    let version = atlas.vendor.client.get(&path).await.header("etag").to_owned();
    atlas.vendor.client.clone().with("if-match", version).put(&path, &changed).await.expect(200);
    let seen = guest.seen().await;
    assert_eq!(seen["groups"][0]["lines"][0]["changes"], json!([{"code": "unit_changed"}]));
    // The total is the same, and half of the silk is gone.
    let refused = guest.checks_out("stripe", "once").await;
    let error = refused.expect_problem(409, "price_changed")["errors"][0].clone();
    assert_eq!(
        (&error["code"], text(&error["pointer"])),
        (&json!("unit_changed"), format!("/items/{}", atlas.variant))
    );
    let guest = guest.takes(&[(&atlas, 6)]).await;
    guest.checks_out("stripe", "again").await.expect(201);
}

#[tokio::test]
async fn a_product_file_brings_and_takes_sale_units() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("silk").await;
    let file = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty,Sale Unit\n\
        atlas,Atlas,A-1,9.00,4,0.5 m\napricots,Apricots,B-1,2.35,4,250 g\ntea,Tea,C-1,3.00,4,a handful\n";
    let sent = vendor.client.send(reqwest::Method::POST, "/v1/vendor/imports", Some(file.into()), "text/csv").await;
    sent.expect(202);
    let job = sent.header("location").to_owned();
    shop.wait_until_idle().await;
    let done = vendor.client.get(&job).await.expect(200).clone();
    let said: Vec<String> = done["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| format!("{} {} {}", one["line"], one["column"], one["code"]).replace('"', ""))
        .collect();
    assert_eq!((&done["products"], said), (&json!(2), vec!["4 Sale Unit bad_sale_unit".to_owned()]), "{done}");
    let page = vendor.client.get("/v1/vendor/products?q=b-1").await.expect(200).clone();
    assert_eq!(page["items"][0]["variants"][0]["sale_unit"], json!({"unit": "kg", "step": "0.25"}));
    // A file without the column leaves them; an empty cell removes one.
    let bring = async |file: &'static str| {
        vendor
            .client
            .send(reqwest::Method::POST, "/v1/vendor/imports", Some(file.into()), "text/csv")
            .await
            .expect(202);
        shop.wait_until_idle().await;
        let page = vendor.client.get("/v1/vendor/products?q=b-1").await.expect(200).clone();
        page["items"][0]["variants"][0]["sale_unit"].clone()
    };
    let without = "Handle,Title,Variant SKU,Variant Price\napricots,Apricots,B-1,2.40\n";
    assert_eq!(bring(without).await["step"], "0.25");
    let empty = "Handle,Title,Variant SKU,Variant Price,Sale Unit\napricots,Apricots,B-1,2.40,\n";
    assert_eq!(bring(empty).await, Value::Null);
}
