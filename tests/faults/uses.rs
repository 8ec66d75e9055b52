//! The things that the shop does.

use std::time::Duration;

use local::faults::{Fault, Kind};
use reqwest::Method;
use serde_json::{Value, json};

use super::scene::Scene;
use crate::shop::{Answer, Vendor};

/// One thing that the shop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    CheckOut,
    CheckOutOnDelivery,
    PayAgain,
    Settle,
    SettleDeclined,
    SettleLate,
    SettleLateWithoutStock,
    SettleTwice,
    SettleWrongAmount,
    SettleOnReturn,
    Reconcile,
    HearOfDispute,
    HearOfDecision,
    Cancel,
    CancelPaid,
    CancelMine,
    Accept,
    Refuse,
    Ship,
    Deliver,
    Expire,
    ExpirePaid,
    Refund,
    Tell,
    SetStock,
    AdjustStock,
    Import,
}

/// Two products, one of them with two variants.
const FILE: &str = "Handle,Title,Option1 Name,Option1 Value,Variant Inventory Qty,Variant Price\n\
    plate,Plate,Size,S,3,9.50\nplate,,,L,4,12.50\ncup,Cup,,,5,4.00\n";

impl Use {
    /// Whose calls go wrong.
    pub(super) const fn routes(self) -> &'static [&'static str] {
        match self {
            Self::CheckOut | Self::CheckOutOnDelivery => &["POST /v1/checkout"],
            Self::PayAgain => &["POST /v1/orders/{id}/payments"],
            Self::Settle
            | Self::SettleDeclined
            | Self::SettleLate
            | Self::SettleLateWithoutStock
            | Self::SettleTwice
            | Self::SettleWrongAmount
            | Self::HearOfDispute
            | Self::HearOfDecision => &["POST /v1/webhooks/{provider}"],
            Self::SettleOnReturn => &["POST /v1/orders/{id}/settle"],
            Self::Cancel | Self::CancelPaid => &["POST /v1/orders/{id}/cancel"],
            Self::CancelMine => &["POST /v1/me/orders/{id}/cancel"],
            Self::Accept => &["POST /v1/vendor/orders/{id}/accept"],
            Self::Refuse => &["POST /v1/vendor/orders/{id}/refuse"],
            Self::Ship => &["POST /v1/vendor/orders/{id}/ship"],
            Self::Deliver => &["POST /v1/vendor/orders/{id}/deliver"],
            Self::Expire | Self::ExpirePaid | Self::Reconcile | Self::Refund => &["function HousekeepingFunction"],
            Self::Tell => &["function OrderEventsFunction"],
            Self::SetStock | Self::AdjustStock => &["PUT /v1/vendor/products/{id}/variants/{variant_id}/stock"],
            Self::Import => &["POST /v1/vendor/imports", "function ImportsFunction"],
        }
    }

    /// Whether the provider's message, too, may be lost on its way.
    pub(super) const fn is_told_by_the_provider(self) -> bool {
        matches!(
            self,
            Self::Settle
                | Self::SettleDeclined
                | Self::SettleTwice
                | Self::SettleWrongAmount
                | Self::HearOfDispute
                | Self::HearOfDecision
        )
    }

    const fn is_on_delivery(self) -> bool {
        matches!(self, Self::CheckOutOnDelivery | Self::Accept | Self::Ship | Self::Deliver | Self::CancelMine)
    }
}

impl Scene {
    /// What has to be there before.
    pub(super) async fn prepare(&mut self, of: Use) {
        match of {
            Use::CheckOut | Use::CheckOutOnDelivery | Use::SetStock | Use::AdjustStock | Use::Import => return,
            _ => {}
        }
        let provider = if of.is_on_delivery() { "cash_on_delivery" } else { "stripe" };
        if of == Use::Tell {
            // Nobody reads the streams and queues until it is about to be told.
            self.shop.settled().await;
            self.shop.cloud.kill_sources().await;
            self.order = self.guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
            return;
        }
        self.order = self.guest.checks_out(provider, "once").await.expect(201).clone();
        self.shop.settled().await;
        match of {
            Use::PayAgain => drop(self.shop.stripe(self.id(), "fail").await),
            Use::Settle | Use::SettleDeclined | Use::SettleWrongAmount | Use::ExpirePaid => {
                self.shop.hold_webhooks(true).await;
                let does = match of {
                    Use::SettleDeclined => "fail",
                    Use::SettleWrongAmount => "wrong_amount",
                    _ => "succeed",
                };
                self.shop.stripe(self.id(), does).await;
            }
            Use::SettleOnReturn | Use::Reconcile => {
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "succeed").await;
            }
            Use::SettleLate | Use::SettleLateWithoutStock => {
                self.shop.advance(Duration::from_secs(16 * 60)).await;
                if of == Use::SettleLateWithoutStock {
                    self.empty_a_shelf().await;
                }
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "succeed_late").await;
            }
            Use::SettleTwice => {
                // The first attempt cannot be called off when the second begins, and both are paid.
                let faults = &self.shop.cloud.services().faults;
                faults.add(Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) });
                self.order = self.pay_again("again").await;
                faults.clear();
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "succeed_twice").await;
            }
            Use::CancelPaid | Use::Refuse => drop(self.shop.stripe(self.id(), "succeed").await),
            Use::Refund => {
                self.shop.stripe(self.id(), "succeed").await;
                self.cancel().await.expect(200);
            }
            // Money is to go back when the bank interferes, and the provider has not been asked for it.
            Use::HearOfDispute | Use::HearOfDecision => {
                self.shop.stripe(self.id(), "succeed").await;
                self.cancel().await.expect(200);
                self.shop.hold_webhooks(of == Use::HearOfDispute).await;
                self.shop.stripe(self.id(), "dispute").await;
                if of == Use::HearOfDecision {
                    self.shop.hold_webhooks(true).await;
                    self.shop.stripe(self.id(), "win_dispute").await;
                }
            }
            Use::Ship => drop(self.part(&self.bowl.vendor, "accept").await.expect(200)),
            Use::Deliver => {
                for vendor in [&self.bowl.vendor, &self.scarf.vendor] {
                    self.part(vendor, "accept").await.expect(200);
                    self.part(vendor, "ship").await.expect(200);
                }
                self.part(&self.scarf.vendor, "deliver").await.expect(200);
            }
            _ => {}
        }
    }

    /// Does it, as a real client would: until there is an answer.
    pub(super) async fn act(&mut self, of: Use) {
        match of {
            Use::CheckOut | Use::CheckOutOnDelivery => {
                let provider = if of == Use::CheckOut { "stripe" } else { "cash_on_delivery" };
                let total = self.guest.seen().await["totals"]["total"].clone();
                let call = async || self.guest.checks_out_for(provider, "once", &total).await;
                let (answer, again) = (self.shop.patiently(&call).await, self.shop.patiently(&call).await);
                assert_eq!(again.expect(201)["id"], answer.expect(201)["id"], "the same key, the same order");
                self.order = answer.json;
            }
            Use::PayAgain => self.order = self.pay_again("again").await,
            Use::Settle
            | Use::SettleDeclined
            | Use::SettleLate
            | Use::SettleLateWithoutStock
            | Use::SettleTwice
            | Use::SettleWrongAmount
            | Use::HearOfDispute
            | Use::HearOfDecision => self.hear_of_it().await,
            Use::SettleOnReturn => {
                let client = self.shop.anon().with("order-token", self.order["token"].as_str().expect("a token"));
                let path = format!("/v1/orders/{}/settle", self.id());
                let answer = self.shop.patiently(async || client.post(&path, &json!({})).await).await;
                answer.expect(200);
            }
            Use::Reconcile => self.shop.advance(Duration::from_secs(121)).await,
            Use::Cancel | Use::CancelPaid | Use::CancelMine => {
                let answer = self.shop.patiently(async || self.cancel().await).await;
                assert_eq!(answer.expect(200)["state"], "cancelled");
            }
            Use::Accept | Use::Refuse | Use::Ship | Use::Deliver => {
                let step = format!("{of:?}").to_lowercase();
                let vendor = &self.bowl.vendor;
                let answer = self.shop.patiently(async || self.part(vendor, &step).await).await;
                answer.expect(200);
            }
            Use::Expire | Use::ExpirePaid => self.shop.advance(Duration::from_secs(16 * 60)).await,
            Use::Refund => self.shop.advance(Duration::from_secs(61)).await,
            Use::Tell => self.shop.cloud.revive().expect("streams and queues are read again"),
            Use::SetStock | Use::AdjustStock => {
                let asked = if of == Use::SetStock { json!({"on_hand": 9}) } else { json!({"adjust": 3}) };
                let path = format!("/v1/vendor/products/{}/variants/{}/stock", self.scarf.id, self.scarf.variant);
                let client = self.scarf.vendor.client.clone().with("idempotency-key", "once");
                let answer = self.shop.patiently(async || client.put(&path, &asked).await).await;
                answer.expect(200);
                self.received.insert(self.scarf.variant.clone(), 9);
            }
            Use::Import => {
                let client = self.bowl.vendor.client.clone().with("idempotency-key", "once");
                let path = "/v1/vendor/imports?publish=true";
                let send = async || client.send(Method::POST, path, Some(FILE.into()), "text/csv").await;
                let answer = self.shop.patiently(send).await;
                answer.expect(202);
                answer.header("location").clone_into(&mut self.job);
            }
        }
    }

    /// What the people do afterwards.
    pub(super) async fn finish(&mut self, of: Use) {
        match of {
            Use::CheckOut | Use::PayAgain => {
                if self.order["payment"]["action"]["type"] == "retry" {
                    // Another attempt is another call, with a key of its own.
                    self.order = self.pay_again("once-more").await;
                }
                self.shop.stripe(self.id(), "succeed").await;
            }
            Use::HearOfDispute => drop(self.shop.stripe(self.id(), "lose_dispute").await),
            Use::SettleWrongAmount => {
                let admin = self.shop.admin().await;
                let path = format!("/v1/admin/orders/{}", self.id());
                let seen = admin.get(&path).await.expect(200).clone();
                let payment = seen["payments"][0]["id"].as_str().expect("a payment");
                let decide = json!({"decision": "refund"});
                admin.post(&format!("{path}/payments/{payment}/decide"), &decide).await.expect(200);
            }
            _ => {}
        }
    }

    /// What there is besides orders.
    pub(super) async fn also(&self, of: Use) -> Value {
        match of {
            Use::Import => {
                let client = self.shop.again(&self.bowl.vendor).await;
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
                let told = ["state", "rows", "rows_done", "products", "variants", "errors", "more_errors"];
                let job: Vec<String> = told.iter().map(|name| format!("{name} {}", job[name])).collect();
                json!([products, job])
            }
            Use::CheckOut | Use::CheckOutOnDelivery | Use::Expire => {
                self.guest.seen().await["order_id"].is_null().into()
            }
            _ => Value::Null,
        }
    }

    /// Somebody else has the last bowl by now.
    async fn empty_a_shelf(&mut self) {
        let path = format!("/v1/vendor/products/{}/variants/{}/stock", self.bowl.id, self.bowl.variant);
        let client = self.shop.again(&self.bowl.vendor).await;
        client.put(&path, &json!({"on_hand": 1})).await.expect(200);
        self.received.insert(self.bowl.variant.clone(), 1);
    }

    fn id(&self) -> &str {
        self.order["id"].as_str().expect("an order")
    }

    async fn pay_again(&self, key: &str) -> Value {
        let client = self.shop.anon().with("order-token", self.order["token"].as_str().expect("a token"));
        let client = client.with("idempotency-key", key);
        let path = format!("/v1/orders/{}/payments", self.id());
        let answer = self.shop.patiently(async || client.post(&path, &json!({"provider": "stripe"})).await).await;
        answer.expect(201).clone()
    }

    /// The provider tells of everything it has not been heard with, until it is.
    async fn hear_of_it(&self) {
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

    async fn cancel(&self) -> Answer {
        let client = self.guest.client.clone().with("idempotency-key", "off");
        if self.guest.client.is_signed_in() {
            return client.post(&format!("/v1/me/orders/{}/cancel", self.id()), &json!({})).await;
        }
        let client = client.with("order-token", self.order["token"].as_str().expect("a token"));
        client.post(&format!("/v1/orders/{}/cancel", self.id()), &json!({})).await
    }

    /// A step with a seller's part of the order.
    async fn part(&self, vendor: &Vendor, step: &str) -> Answer {
        let part = vendor.newest_order().await.expect("the seller sees the order");
        let client = vendor.client.clone().with("idempotency-key", format!("{step}-once"));
        client.post(&format!("/v1/vendor/orders/{}/{step}", part["id"].as_str().expect("an id")), &json!({})).await
    }
}
