//! A shop with one product and one order of it, and what buyer, vendor, operator and provider do with that order.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Client, Product, Shop};

/// One minute longer than an order waits for its payment.
pub(crate) const PAST_PAYMENT_DEADLINE: Duration = Duration::from_secs(16 * 60);
/// The address that alerts for the operator are mailed to.
const OPERATOR_EMAIL: &str = "operator@bozor.test";
/// One second longer than the interval of housekeeping.
pub(crate) const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(61);

/// An order of a bowl, with a client that shows its token.
pub(crate) struct Sale {
    pub(crate) shop: Shop,
    pub(crate) bowl: Product,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) reader: Client,
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The names of the events in an order's history.
pub(crate) fn events(order: &Value) -> Vec<String> {
    order["history"].as_array().expect("a history").iter().map(|entry| text(&entry["event"])).collect()
}

pub(crate) fn count(order: &Value, event: &str) -> usize {
    events(order).iter().filter(|known| *known == event).count()
}

impl Sale {
    /// An order of one bowl for 12.50 USD, delivered for 5.00 USD, that awaits its payment. Five were in stock.
    pub(crate) async fn of_one() -> Self {
        let shop = Shop::open().await;
        let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
        Self::of(shop, bowl, 1).await
    }

    pub(crate) async fn of(shop: Shop, bowl: Product, units: u32) -> Self {
        let guest = shop.guest().await.takes(&[(&bowl, units)]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        let reader = shop.anon().with("order-token", text(&order["token"]));
        Self { id: text(&order["id"]), email: guest.email, reader, shop, bowl }
    }

    pub(crate) async fn act(&self, what: &str) {
        self.shop.stripe(&self.id, what).await;
    }

    pub(crate) async fn seen(&self) -> Value {
        self.reader.get(&format!("/v1/orders/{}", self.id)).await.expect(200).clone()
    }

    pub(crate) async fn seen_by_operator(&self) -> Value {
        self.shop.operator().await.get(&format!("/v1/admin/orders/{}", self.id)).await.expect(200).clone()
    }

    pub(crate) async fn operator_posts(&self, path: &str, body: &Value) -> Answer {
        self.shop.operator().await.post(&format!("/v1/admin/orders/{}/{path}", self.id), body).await
    }

    pub(crate) async fn decide(&self, decision: &str) -> Answer {
        let payment = text(&self.seen().await["payment"]["id"]);
        self.operator_posts(&format!("payments/{payment}/decide"), &json!({"decision": decision})).await
    }

    pub(crate) async fn stock(&self) -> (i64, i64, i64) {
        let client = self.shop.sign_in("ceramics@people.test").await;
        let mut bowl = self.bowl.clone();
        bowl.vendor.client = client;
        bowl.stock().await
    }

    pub(crate) async fn adjust(&self, by: i64) {
        let client = self.shop.sign_in("ceramics@people.test").await;
        let path = format!("/v1/vendor/products/{}/variants/{}/stock", self.bowl.id, self.bowl.variant);
        client.put(&path, &json!({"adjust": by})).await.expect(200);
    }

    pub(crate) async fn vendor_order(&self) -> Value {
        let client = self.shop.sign_in("ceramics@people.test").await;
        let vendor_order = text(&self.seen().await["vendors"][0]["id"]);
        client.get(&format!("/v1/vendor/orders/{vendor_order}")).await.json
    }

    pub(crate) async fn step(&self, step: &str) -> Answer {
        let client = self.shop.sign_in("ceramics@people.test").await;
        let vendor_order = text(&self.seen().await["vendors"][0]["id"]);
        client.post(&format!("/v1/vendor/orders/{vendor_order}/{step}"), &json!({})).await
    }

    /// The provider's references of the payment attempts, oldest first.
    pub(crate) async fn references(&self) -> Vec<String> {
        let seen = self.seen_by_operator().await;
        let named = |payment: &Value| payment["reference"].as_str().map(str::to_owned);
        seen["payments"].as_array().expect("payments").iter().filter_map(named).collect()
    }

    /// Posts a signed webhook of this type.
    pub(crate) async fn post_webhook(&self, name: &str, object: Value) -> Answer {
        self.shop.post_webhook(name, &object).await
    }

    /// Posts the webhook that an attempt has captured this amount, in minor units.
    pub(crate) async fn post_payment_succeeded(&self, reference: &str, amount: i64) -> Answer {
        self.post_webhook("payment_intent.succeeded", self.intent(reference, amount, "succeeded")).await
    }

    pub(crate) fn intent(&self, reference: &str, amount: i64, status: &str) -> Value {
        json!({
            "id": reference, "object": "payment_intent", "amount": amount, "amount_received": amount, "currency": "usd",
            "status": status, "metadata": {"order_id": self.id},
        })
    }

    pub(crate) fn dispute(reference: &str, status: &str) -> Value {
        json!({
            "id": "du_1", "object": "dispute", "amount": 1750, "charge": "ch_1", "currency": "usd", "metadata": {},
            "payment_intent": reference, "reason": "fraudulent", "status": status,
        })
    }

    pub(crate) async fn expires(&self) {
        self.shop.advance(PAST_PAYMENT_DEADLINE).await;
        assert_eq!(self.seen().await["state"], "expired");
    }

    pub(crate) fn mail(&self) -> Vec<String> {
        self.shop.mail_to(&self.email)
    }

    /// Texts of the mail to an address, newest first.
    fn messages(&self, email: &str) -> Vec<String> {
        let messages = self.shop.cloud.services().mail.messages(Some(email)).expect("mail can be read");
        messages.into_iter().map(|stored| stored.message.text).collect()
    }

    pub(crate) fn messages_to_buyer(&self) -> Vec<String> {
        self.messages(&self.email)
    }

    pub(crate) fn messages_to_operator(&self) -> Vec<String> {
        self.messages(OPERATOR_EMAIL)
    }

    pub(crate) fn operators_mail(&self) -> Vec<String> {
        self.shop.mail_to(OPERATOR_EMAIL)
    }
}
