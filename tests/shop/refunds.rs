//! Refunds that do not arrive.

use serde_json::{Value, json};

use super::{Answer, Client, Shop};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl Shop {
    /// Posts a webhook of the provider, signed.
    pub(crate) async fn tells(&self, name: &str, object: &Value) -> Answer {
        let now = self.cloud.now();
        let event = json!({
            "id": format!("evt_{name}"), "object": "event", "created": now.seconds(), "livemode": false, "type": name,
            "data": {"object": object},
        });
        let signed = payments::stripe::sign(event.to_string().as_bytes(), now, "whsec_local");
        self.anon().with("stripe-signature", signed).post("/v1/webhooks/stripe", &event).await
    }

    /// Has the operator cancel an order that waits for its payment after it was paid, and the provider report that the
    /// refund failed. Answers with the refund's path.
    pub(crate) async fn refund_fails(&self, operator: &Client, order: &str) -> String {
        self.stripe(order, "succeed").await;
        let path = format!("/v1/admin/orders/{order}");
        let seen = operator.post(&format!("{path}/cancel"), &json!({})).await.expect(200).clone();
        let refund = text(&seen["refunds"][0]["id"]);
        let ids = json!({"order_id": order, "payment_id": seen["payment"]["id"], "refund_id": refund});
        let object = json!({
            "id": format!("re_{refund}"), "object": "refund", "amount": 1_750, "charge": "ch_1", "currency": "usd",
            "metadata": ids, "payment_intent": seen["payments"][0]["reference"], "status": "failed",
        });
        self.tells("refund.failed", &object).await.expect(200);
        format!("{path}/refunds/{refund}")
    }
}
