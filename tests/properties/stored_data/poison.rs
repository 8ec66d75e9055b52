//! An item that cannot be read is one item. Here all of a kind that others have left cannot be read, one kind after the
//! other, and who has nothing to do with them goes on.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::RestoredShop;
use super::tomorrow::{TABLES, kind};
use crate::shop::invariants::{items, put_item};
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, text};
use crate::shop::{Client, Product, Shop, address};

/// What the operator looks through.
const OPERATORS_LISTS: [&str; 13] = [
    "/v1/admin/summary",
    "/v1/admin/orders",
    "/v1/admin/refunds",
    "/v1/admin/disputes",
    "/v1/admin/orders?state=paid",
    "/v1/admin/payments?state=amount_mismatch",
    "/v1/admin/payments/unmatched",
    "/v1/admin/refunds/failed",
    "/v1/admin/vendors?state=approved",
    "/v1/admin/vendors?state=suspended",
    "/v1/admin/suppressions",
    "/v1/admin/settings/limits",
    "/v1/admin/orders?email=nobody@guests.test",
];

/// A product file of one row with this handle.
fn file(handle: &str) -> Vec<u8> {
    format!("Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\n{handle},A plate,{handle},3,9.50\n").into()
}

/// What people do who have nothing to do with the poisoned items.
struct Others<'a> {
    shop: &'a Shop,
    operator: Client,
    vendor: Client,
    lamp: Product,
    rounds: usize,
}

impl Others<'_> {
    /// A buyer buys a lamp, the vendor sends it, and both are told.
    async fn sell(&self, poisoned: &str) {
        let (shop, anon) = (self.shop, self.shop.anon());
        let listed = anon.get("/v1/products?vendor=lights&currency=USD").await;
        assert!(!listed.expect(200)["items"].as_array().expect("items").is_empty(), "{poisoned}");
        anon.get("/v1/products/lamp").await.expect(200);
        anon.get("/v1/vendors/lights").await.expect(200);
        let guest = shop.guest().await.takes(&[(&self.lamp, 1)]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        shop.stripe(&text(&order["id"]), "succeed").await;
        shop.wait_until_idle().await;
        let path = format!("/v1/vendor/orders/{}", text(&order["vendors"][0]["id"]));
        for step in ["accept", "ship", "deliver"] {
            self.vendor.post(&format!("{path}/{step}"), &json!({})).await.expect(200);
        }
        shop.wait_until_idle().await;
        let seen = self.operator.get(&format!("/v1/admin/orders/{}", text(&order["id"]))).await;
        assert_eq!(seen.expect(200)["vendors"][0]["state"], "delivered", "{poisoned}");
        assert!(shop.mail_to(&guest.email).len() >= 2, "{poisoned}: the buyer is told of payment and parcel");
    }

    /// The vendor changes and moves products in and out.
    async fn keep_shop(&self, poisoned: &str) {
        let vendor = &self.vendor;
        for path in [
            "/v1/vendor/summary",
            "/v1/vendor/orders",
            "/v1/vendor/orders?state=pending",
            "/v1/vendor/products",
            "/v1/vendor/products?stock=low",
            "/v1/vendors/me",
            "/v1/vendors/me/members",
        ] {
            vendor.get(path).await.expect(200);
        }
        let stock = format!("/v1/vendor/products/{}/variants/{}/stock", self.lamp.id, self.lamp.variant);
        vendor.put(&stock, &json!({"adjust": 1})).await.expect(200);
        let plate = format!("plate-{}", self.rounds);
        let sent = vendor.send(Method::POST, "/v1/vendor/imports?publish=true", Some(file(&plate)), "text/csv").await;
        let import = format!("/v1/vendor/imports/{}", text(&sent.expect(202)["id"]));
        self.shop.wait_until_idle().await;
        let made = vendor.post("/v1/vendor/exports", &json!({})).await;
        let export = format!("/v1/vendor/exports/{}", text(&made.expect(202)["id"]));
        self.shop.wait_until_idle().await;
        for job in [import, export] {
            let seen = vendor.get(&job).await.expect(200).clone();
            assert_eq!(seen["state"], "completed", "{poisoned}: {seen}");
        }
        self.shop.anon().get(&format!("/v1/products/{plate}")).await.expect(200);
    }

    /// The operator looks through all lists, and what runs by itself runs.
    async fn keep_market(&self, poisoned: &str) {
        for path in OPERATORS_LISTS {
            let seen = self.operator.get(path).await;
            assert_eq!(seen.status, 200, "{poisoned}: {path}: {}", seen.text);
        }
        let begun = self.operator.post("/v1/admin/rebuilds", &json!({"what": "availability"})).await;
        let rebuild = format!("/v1/admin/rebuilds/{}", text(&begun.expect(202)["id"]));
        self.shop.advance(HOUSEKEEPING_INTERVAL).await;
        self.shop.wait_until_idle().await;
        assert_eq!(self.operator.get(&rebuild).await.expect(200)["state"], "completed", "{poisoned}");
    }

    /// Somebody signs up, keeps addresses and buys.
    async fn join(&self, poisoned: &str) {
        let buyer = self.shop.buyer(&format!("buyer-{}", self.rounds)).await;
        buyer.patch("/v1/me", &json!({"name": "Dilnoza"})).await.expect(200);
        buyer.put("/v1/me/addresses", &json!({"items": [{"address": address()}]})).await.expect(200);
        let guest = self.shop.guest().await.takes(&[(&self.lamp, 1)]).await;
        let claimed = buyer.post(&guest.path("/claim"), &json!({})).await;
        assert_eq!(claimed.status, 200, "{poisoned}: {}", claimed.text);
        assert!(buyer.get("/v1/me/orders").await.expect(200)["items"].is_array());
    }
}

/// Makes all these items unreadable.
async fn poison(shop: &Shop, found: &[(&str, Value)]) {
    for (table, item) in found {
        let mut item = item.clone();
        item["data"] = json!({"S": "no document"});
        put_item(shop, table, &item).await;
    }
}

#[tokio::test]
async fn a_kind_that_cannot_be_read_stops_nobody_who_has_nothing_to_do_with_it() {
    let restored = RestoredShop::of(super::UNSEALED).await;
    let shop = &restored.shop;
    let operator = super::sub(&restored.operator).await;
    let mut by_kind: BTreeMap<String, Vec<(&str, Value)>> = BTreeMap::new();
    for table in TABLES {
        for item in items(shop, table).await {
            // The operator of this test signs in at each round, and is asked for their own membership.
            let keys = [&item["pk"]["S"], &item["sk"]["S"]].map(|key| key.as_str().unwrap_or_default());
            let of_operator = keys.iter().any(|key| key.ends_with(local::seed::OPERATOR) || key.ends_with(&operator));
            if item.get("data").is_some() && !of_operator {
                by_kind.entry(kind(&item).to_owned()).or_default().push((table, item));
            }
        }
    }
    assert!(by_kind.len() > 25, "{:?}", by_kind.keys());
    let vendor = shop.vendor("lights").await;
    let lamp = vendor.product("lamp").stock(500).publish().await;
    let mut others = Others { shop, operator: shop.operator().await, vendor: vendor.client.clone(), lamp, rounds: 0 };
    for (kind, found) in &by_kind {
        // Only what is still there: a change since must stay one.
        poison(shop, found).await;
        shop.wait_until_idle().await;
        others.rounds += 1;
        others.vendor = shop.sign_in_again(&vendor).await;
        others.operator = shop.operator().await;
        others.sell(kind).await;
        if kind == "categories" {
            // The one tree: who puts products into it waits for the operator, who can put another in its place.
            let tree = json!({"items": [{"handle": "lights", "name": "Lights"}]});
            let any_version = others.operator.clone().with("if-match", "*");
            any_version.put("/v1/admin/categories", &tree).await.expect(200);
        }
        others.keep_shop(kind).await;
        others.keep_market(kind).await;
        others.join(kind).await;
        for (table, item) in found {
            put_item(shop, table, item).await;
        }
    }
}
