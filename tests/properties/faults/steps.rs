//! The steps of which the use cases are made.

use std::time::Duration;

use serde_json::{Value, json};

use super::scenario::Scenario;
use super::use_cases::UseCase;
use crate::shop::{Answer, Shop, Vendor};

impl Scenario {
    /// Leaves one bowl in stock, fewer than the order needs.
    pub(super) async fn take_last_units(&mut self) {
        let path = format!("/v1/vendor/products/{}/variants/{}/stock", self.bowl.id, self.bowl.variant);
        let client = self.shop.sign_in_again(&self.bowl.vendor).await;
        client.put(&path, &json!({"on_hand": 1})).await.expect(200);
        self.received.insert(self.bowl.variant.clone(), 1);
    }

    pub(super) fn id(&self) -> &str {
        self.order["id"].as_str().expect("an order")
    }

    /// Checks out, to pay on the provider's page, with a client that retries.
    pub(super) async fn check_out_on_page(&self) -> Answer {
        let total = self.guest.seen().await["totals"]["total"].clone();
        let call = async || self.guest.checks_out_on_page("once", None, &total).await;
        let (answer, again) = (self.shop.retry(&call).await, self.shop.retry(&call).await);
        assert_eq!(again.expect(201)["id"], answer.expect(201)["id"], "the same key, the same order");
        answer
    }

    pub(super) async fn retry_payment(&self, key: &str) -> Value {
        let client = self.shop.anon().with("order-token", self.order["token"].as_str().expect("a token"));
        let client = client.with("idempotency-key", key);
        let path = format!("/v1/orders/{}/payments", self.id());
        let answer = self.shop.retry(async || client.post(&path, &json!({"provider": "stripe"})).await).await;
        answer.expect(201).clone()
    }

    /// Sends each undelivered webhook until it is accepted, five times at most.
    pub(super) async fn deliver_webhooks(&self) {
        for event in self.shop.webhooks().await {
            let id = event["event"].as_str().expect("an id");
            if !event["delivered_at"].is_null() {
                continue;
            }
            for _ in 0..5 {
                match self.shop.send_webhook(id).await {
                    Some(200) => break,
                    _ => self.shop.advance(Duration::from_secs(5)).await,
                }
            }
        }
    }

    pub(super) async fn cancel(&self) -> Answer {
        let client = self.guest.client.clone().with("idempotency-key", "off");
        if self.guest.client.is_signed_in() {
            return client.post(&format!("/v1/me/orders/{}/cancel", self.id()), &json!({})).await;
        }
        let client = client.with("order-token", self.order["token"].as_str().expect("a token"));
        client.post(&format!("/v1/orders/{}/cancel", self.id()), &json!({})).await
    }

    /// One vendor has accepted, the other has shipped, and the bank asks for the money back: the news of it, or of its
    /// decision, is not delivered yet.
    pub(super) async fn dispute_under_way(&self, is_lost: bool) {
        self.shop.stripe(self.id(), "succeed").await;
        self.vendor_step(&self.bowl.vendor, "accept").await.expect(200);
        for step in ["accept", "ship"] {
            self.vendor_step(&self.scarf.vendor, step).await.expect(200);
        }
        self.shop.hold_webhooks(!is_lost).await;
        self.shop.stripe(self.id(), "dispute").await;
        if is_lost {
            self.shop.hold_webhooks(true).await;
            self.shop.stripe(self.id(), "lose_dispute").await;
        }
    }

    /// The guest enters a code.
    pub(super) async fn confirm(&self, code: &str) -> Answer {
        let reader = self.guest.client.clone().with("order-token", self.order["token"].as_str().expect("a token"));
        reader.post(&format!("/v1/orders/{}/confirm", self.id()), &json!({"code": code})).await
    }

    /// The buyer wants to give one bowl back.
    pub(super) async fn ask_for_return(&self) -> Answer {
        let vendor_order = self.bowl.vendor.newest_order().await.expect("the vendor sees the order");
        let asked = Shop::gives_back(vendor_order["id"].as_str().expect("an id"), &self.bowl.variant);
        let client = self.shop.anon().with("order-token", self.order["token"].as_str().expect("a token"));
        client.with("idempotency-key", "return").post(&format!("/v1/orders/{}/returns", self.id()), &asked).await
    }

    /// Ships one bowl.
    pub(super) async fn ship_part(&self) -> Answer {
        let lines = json!({"lines": [{"variant_id": self.bowl.variant, "quantity": 1}]});
        self.vendor_call(&self.bowl.vendor, "ship", &lines).await
    }

    /// A step of a vendor with its newest vendor order.
    pub(super) async fn vendor_step(&self, vendor: &Vendor, step: &str) -> Answer {
        self.vendor_call(vendor, step, &json!({})).await
    }

    pub(super) async fn vendor_call(&self, vendor: &Vendor, step: &str, asked: &Value) -> Answer {
        let vendor_order = vendor.newest_order().await.expect("the vendor sees the order");
        let client = vendor.client.clone().with("idempotency-key", format!("{step}-once"));
        let id = vendor_order["id"].as_str().expect("an id");
        client.post(&format!("/v1/vendor/orders/{id}/{step}"), asked).await
    }

    /// The state to compare besides orders.
    pub(super) async fn extra_state(&self, of: UseCase) -> Value {
        match of {
            UseCase::Import => {
                let client = self.shop.sign_in_again(&self.bowl.vendor).await;
                let page = client.get("/v1/vendor/products").await.expect(200).clone();
                let mut products = Vec::new();
                for product in page["items"].as_array().expect("products") {
                    let id = product["id"].as_str().expect("an id");
                    let seen = client.get(&format!("/v1/vendor/products/{id}")).await.expect(200).clone();
                    let variants = seen["variants"].as_array().expect("variants");
                    let units: Vec<&Value> = variants.iter().map(|variant| &variant["on_hand"]).collect();
                    products.push(format!("{} {} {units:?}", seen["handle"], seen["state"]));
                }
                products.sort();
                let job = client.get(&self.job).await.expect(200).clone();
                let fields = ["state", "rows", "rows_done", "products", "variants", "errors", "more_errors"];
                let job: Vec<String> = fields.iter().map(|name| format!("{name} {}", job[name])).collect();
                json!([products, job])
            }
            UseCase::RecordUnmatched | UseCase::MatchUnmatched | UseCase::OpenUnmatched | UseCase::ResolveUnmatched => {
                let operator = self.shop.operator().await;
                let mut records = Vec::new();
                for state in ["retrying", "open", "matched", "resolved"] {
                    let path = format!("/v1/admin/payments/unmatched?state={state}");
                    let listed = operator.get(&path).await.expect(200)["items"].clone();
                    let what = listed.as_array().expect("a list").iter().map(|record| record["what"].clone());
                    records.push(json!([state, what.collect::<Vec<_>>()]));
                }
                records.into()
            }
            UseCase::CheckOut
            | UseCase::CheckOutOnDelivery
            | UseCase::CheckOutForNothing
            | UseCase::CheckOutOnPage
            | UseCase::Expire
            | UseCase::ExpirePage
            | UseCase::ExpireUnconfirmed => self.guest.seen().await["order_id"].is_null().into(),
            _ => Value::Null,
        }
    }

    /// The next payment that is created at Stripe fails there, and Stripe stores the failure under its key.
    pub(super) async fn break_next(&self) {
        let order = json!({"on": "CreatePaymentIntent", "after": true});
        self.shop.anon().post("/_local/pay/stripe/errors", &order).await.expect(200);
    }

    /// Stripe tells of a payment that names the order, which knows nothing of it.
    pub(super) async fn tells_of_unknown_money(&self) -> Answer {
        let intent = json!({
            "id": "pi_unknown", "object": "payment_intent", "amount": 1750, "amount_received": 1750, "currency": "usd",
            "status": "succeeded", "metadata": {"order_id": self.id()},
        });
        self.shop.post_webhook("payment_intent.succeeded", &intent).await
    }

    /// Buyers may pay by bank debit.
    pub(super) async fn offer_debits(&self) {
        let set = self.shop.operator().await.with("if-match", "*");
        let kinds = json!({"kinds": ["card", "ach_debit"]});
        set.put("/v1/admin/settings/payment-methods/kinds", &kinds).await.expect(200);
    }
}
