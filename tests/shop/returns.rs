//! Goods that a buyer gives back.

use serde_json::{Value, json};

use super::{Client, Product, Shop};

impl Shop {
    /// Has the provider report that an order of one product was paid, and its vendor ship and deliver it. Answers with
    /// the id of the vendor order.
    pub(crate) async fn delivers(&self, vendor: &Client, order: &Value) -> String {
        if order["payment"]["provider"] == "stripe" {
            self.stripe(order["id"].as_str().expect("an id"), "succeed").await;
        }
        let vendor_order = order["vendors"][0]["id"].as_str().expect("an id").to_owned();
        for step in ["accept", "ship", "deliver"] {
            vendor.post(&format!("/v1/vendor/orders/{vendor_order}/{step}"), &json!({})).await.expect(200);
        }
        vendor_order
    }

    /// What a buyer asks for who gives one unit back.
    pub(crate) fn gives_back(vendor_order: &str, variant: &str) -> Value {
        let lines = json!([{"variant_id": variant, "quantity": 1}]);
        json!({"vendor_order_id": vendor_order, "lines": lines, "reason": "damaged"})
    }

    /// An order of one product, delivered, whose buyer wants to give it back. Answers with the id of its vendor order.
    pub(crate) async fn return_of(&self, vendor: &Client, product: &Product) -> String {
        let guest = self.guest().await.takes(&[(product, 1)]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        let vendor_order = self.delivers(vendor, &order).await;
        let id = order["id"].as_str().expect("an id");
        let buyer = self.anon().with("order-token", order["token"].as_str().expect("a token"));
        let buyer = buyer.with("idempotency-key", "return");
        let asked = Self::gives_back(&vendor_order, &product.variant);
        buyer.post(&format!("/v1/orders/{id}/returns"), &asked).await.expect(200);
        vendor_order
    }
}
