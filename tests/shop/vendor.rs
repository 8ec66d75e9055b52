//! Vendors and their products.

use serde_json::{Value, json};

use super::Client;

/// A vendor, with the client of its owner.
#[derive(Clone)]
pub(crate) struct Vendor {
    pub(crate) client: Client,
    pub(crate) id: String,
    pub(crate) handle: String,
}

/// A product that was created, with its vendor.
#[derive(Clone)]
pub(crate) struct Product {
    pub(crate) vendor: Vendor,
    pub(crate) id: String,
    pub(crate) handle: String,
    /// Id of the first variant.
    pub(crate) variant: String,
    /// Ids of all variants.
    pub(crate) variants: Vec<String>,
}

/// The body of a product that is not created yet.
pub(crate) struct ProductBuilder {
    vendor: Vendor,
    body: Value,
}

impl Vendor {
    /// A product with one variant for 12.50 USD and nothing in stock.
    pub(crate) fn product(&self, handle: &str) -> ProductBuilder {
        let body = json!({
            "handle": handle, "title": handle,
            "variants": [{"prices": [{"amount": "12.50", "currency": "USD"}], "on_hand": 0}],
        });
        ProductBuilder { vendor: self.clone(), body }
    }

    /// The vendor's newest order.
    pub(crate) async fn newest_order(&self) -> Option<Value> {
        let page = self.client.get("/v1/vendor/orders").await;
        page.expect(200)["items"].as_array().and_then(|items| items.first().cloned())
    }
}

impl ProductBuilder {
    pub(crate) fn price(mut self, amount: &str) -> Self {
        self.body["variants"][0]["prices"] = json!([{"amount": amount, "currency": "USD"}]);
        self
    }

    pub(crate) fn stock(mut self, units: i64) -> Self {
        self.body["variants"][0]["on_hand"] = json!(units);
        self
    }

    pub(crate) fn shards(mut self, shards: u16) -> Self {
        self.body["variants"][0]["shards"] = json!(shards);
        self
    }

    /// Sets any other field of the body.
    pub(crate) fn set(mut self, field: &str, value: Value) -> Self {
        self.body[field] = value;
        self
    }

    /// Creates the product as a draft.
    pub(crate) async fn draft(self) -> Product {
        let answer = self.vendor.client.post("/v1/vendor/products", &self.body).await;
        let made = answer.expect(201);
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let variants: Vec<String> =
            made["variants"].as_array().expect("variants").iter().map(|variant| text(&variant["id"])).collect();
        Product {
            id: text(&made["id"]),
            handle: text(&made["handle"]),
            variant: variants[0].clone(),
            variants,
            vendor: self.vendor,
        }
    }

    /// Creates the product and publishes it.
    pub(crate) async fn publish(self) -> Product {
        let product = self.draft().await;
        product
            .vendor
            .client
            .post(&format!("/v1/vendor/products/{}/publish", product.id), &json!({}))
            .await
            .expect(200);
        product
    }
}

impl Product {
    /// The product as its vendor sees it.
    pub(crate) async fn seen_by_vendor(&self) -> Value {
        self.vendor.client.get(&format!("/v1/vendor/products/{}", self.id)).await.expect(200).clone()
    }

    /// Units of the first variant: on hand, reserved, available.
    pub(crate) async fn stock(&self) -> (i64, i64, i64) {
        let seen = self.seen_by_vendor().await;
        let units = |name: &str| seen["variants"][0][name].as_i64().expect("units");
        (units("on_hand"), units("reserved"), units("available"))
    }
}
