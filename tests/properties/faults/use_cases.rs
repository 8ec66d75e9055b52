//! The use cases: what has to exist before, what runs under the fault, and what follows.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use reqwest::Method;
use serde_json::{Value, json};

use super::deadlines::Deadline;
use super::scenario::Scenario;
use crate::shop::confirmation_code;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UseCase {
    CheckOut,
    CheckOutOnDelivery,
    CheckOutForNothing,
    CheckOutOnPage,
    Confirm,
    ExpireUnconfirmed,
    RetryPayment,
    Settle,
    SettlePage,
    SettleDeclined,
    SettleLate,
    SettleLateWithoutStock,
    SettleTwice,
    SettleWrongAmount,
    SettleOnReturn,
    Reconcile,
    ReconcilePage,
    RecordUnmatched,
    MatchUnmatched,
    OpenUnmatched,
    ResolveUnmatched,
    DisputeOpened,
    DisputeDecided,
    DisputeOpenedUnderWay,
    DisputeLostUnderWay,
    Cancel,
    CancelPaid,
    CancelAsBuyer,
    Accept,
    Decline,
    Ship,
    ShipPart,
    Deliver,
    LoseParcel,
    TakeParcelBack,
    DeclineRest,
    Expire,
    ExpirePaid,
    ExpirePage,
    Refund,
    GrantRefund,
    RetryRefund,
    ResolveRefund,
    RequestReturn,
    ReceiveReturn,
    Lapse(Deadline),
    RefundMadeElsewhere,
    CheckOutBroken,
    RetryBroken,
    CloseUnpaid,
    SettleProcessing,
    SettleSlow,
    ExpireProcessing,
    DeliverEvent,
    SetStock,
    AdjustStock,
    Import,
}

/// Two products, one of them with two variants.
const FILE: &str = "Handle,Title,Option1 Name,Option1 Value,Variant Inventory Qty,Variant Price\n\
    plate,Plate,Size,S,3,9.50\nplate,,,L,4,12.50\ncup,Cup,,,5,4.00\n";

impl UseCase {
    /// The routes and functions whose calls fail, and the queues whose deliveries do.
    pub(super) const fn routes(self) -> &'static [&'static str] {
        match self {
            Self::CheckOut
            | Self::CheckOutOnDelivery
            | Self::CheckOutBroken
            | Self::CheckOutForNothing
            | Self::CheckOutOnPage => &["POST /v1/checkout"],
            Self::Confirm => &["POST /v1/orders/{id}/confirm"],
            Self::RetryPayment | Self::RetryBroken => &["POST /v1/orders/{id}/payments"],
            Self::Settle
            | Self::SettlePage
            | Self::SettleDeclined
            | Self::SettleLate
            | Self::SettleLateWithoutStock
            | Self::SettleTwice
            | Self::SettleWrongAmount
            | Self::SettleProcessing
            | Self::SettleSlow
            | Self::RecordUnmatched
            | Self::DisputeOpened
            | Self::DisputeDecided
            | Self::DisputeOpenedUnderWay
            | Self::DisputeLostUnderWay => &["POST /v1/webhooks/{provider}"],
            Self::ResolveUnmatched => &["POST /v1/admin/payments/unmatched/{id}/resolve"],
            Self::MatchUnmatched | Self::OpenUnmatched => &["function HousekeepingFunction"],
            Self::SettleOnReturn => &["POST /v1/orders/{id}/settle"],
            Self::Cancel | Self::CancelPaid => &["POST /v1/orders/{id}/cancel"],
            Self::CancelAsBuyer => &["POST /v1/me/orders/{id}/cancel"],
            Self::Accept => &["POST /v1/vendor/orders/{id}/accept"],
            Self::Decline | Self::DeclineRest => &["POST /v1/vendor/orders/{id}/decline"],
            Self::Ship | Self::ShipPart => &["POST /v1/vendor/orders/{id}/ship"],
            Self::LoseParcel => &["POST /v1/vendor/orders/{id}/parcels/{number}/lost"],
            Self::TakeParcelBack => &["POST /v1/vendor/orders/{id}/parcels/{number}/returned-to-sender"],
            Self::Deliver => &["POST /v1/vendor/orders/{id}/deliver"],
            Self::Expire
            | Self::ExpireUnconfirmed
            | Self::ExpirePaid
            | Self::ExpirePage
            | Self::ExpireProcessing
            | Self::Reconcile
            | Self::ReconcilePage
            | Self::Refund
            | Self::RefundMadeElsewhere
            | Self::CloseUnpaid
            | Self::Lapse(_) => &["function HousekeepingFunction"],
            Self::GrantRefund => &["POST /v1/admin/orders/{id}/refunds"],
            Self::RetryRefund => &["POST /v1/admin/orders/{id}/refunds/{refund_id}/retry"],
            Self::ResolveRefund => &["POST /v1/admin/orders/{id}/refunds/{refund_id}/resolve"],
            Self::RequestReturn => &["POST /v1/orders/{id}/returns"],
            Self::ReceiveReturn => &["POST /v1/vendor/orders/{id}/returns/{number}/receive"],
            Self::DeliverEvent => &["function OrderEventsFunction", "queue bozor-OrderEventsQueue"],
            Self::SetStock | Self::AdjustStock => &["PUT /v1/vendor/products/{id}/variants/{variant_id}/stock"],
            Self::Import => &["POST /v1/vendor/imports", "function ImportsFunction", "queue bozor-ImportsQueue"],
        }
    }

    /// Whether the provider's webhook may fail as well.
    pub(super) const fn begins_with_webhook(self) -> bool {
        matches!(
            self,
            Self::Settle
                | Self::SettlePage
                | Self::SettleDeclined
                | Self::SettleTwice
                | Self::SettleWrongAmount
                | Self::SettleProcessing
                | Self::SettleSlow
                | Self::DisputeOpened
                | Self::DisputeDecided
                | Self::DisputeOpenedUnderWay
                | Self::DisputeLostUnderWay
        )
    }

    const fn is_on_delivery(self) -> bool {
        matches!(self, Self::CheckOutOnDelivery | Self::Accept | Self::Ship | Self::Deliver | Self::CancelAsBuyer)
    }
}

impl Scenario {
    /// Creates what the use case starts from.
    pub(super) async fn prepare(&mut self, of: UseCase) {
        match of {
            UseCase::CheckOutBroken => return self.break_next().await,
            UseCase::SettleProcessing | UseCase::SettleSlow | UseCase::ExpireProcessing => self.offer_debits().await,
            UseCase::CheckOut
            | UseCase::CheckOutOnDelivery
            | UseCase::CheckOutForNothing
            | UseCase::CheckOutOnPage
            | UseCase::SetStock
            | UseCase::AdjustStock
            | UseCase::Import => return,
            _ => {}
        }
        let provider = if of.is_on_delivery() { "cash_on_delivery" } else { "stripe" };
        if of == UseCase::MatchUnmatched {
            // The answer is lost, so nothing here knows the reference.
            self.shop.cloud.services().faults.add(Fault::nth("stripe", "CreatePaymentIntent", 1, Kind::After));
        }
        if of == UseCase::DeliverEvent {
            // One event is delivered: of two side by side, the calls would come in another order each time.
            let placed = self.guest.checks_out_unconfirmed("once").await;
            self.shop.wait_until_idle().await;
            // Streams and queues are not read until `act` restarts their sources.
            self.shop.cloud.kill_sources().await;
            self.order = self.guest.confirms(placed).await.expect(201).clone();
            return;
        }
        self.order = match of {
            UseCase::Confirm | UseCase::ExpireUnconfirmed => self.guest.checks_out_unconfirmed("once").await,
            UseCase::ExpirePage | UseCase::SettlePage | UseCase::ReconcilePage => self.check_out_on_page().await,
            _ => self.guest.checks_out(provider, "once").await,
        }
        .expect(201)
        .clone();
        self.shop.wait_until_idle().await;
        match of {
            UseCase::RetryPayment | UseCase::ExpirePage => drop(self.shop.stripe(self.id(), "fail").await),
            UseCase::Settle
            | UseCase::SettlePage
            | UseCase::SettleDeclined
            | UseCase::SettleWrongAmount
            | UseCase::ExpirePaid => {
                self.shop.hold_webhooks(true).await;
                let does = match of {
                    UseCase::SettleDeclined => "fail",
                    UseCase::SettleWrongAmount => "wrong_amount",
                    _ => "succeed",
                };
                self.shop.stripe(self.id(), does).await;
            }
            UseCase::SettleOnReturn | UseCase::Reconcile | UseCase::ReconcilePage => {
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "succeed").await;
            }
            // The refund at the dashboard is told of before its payment.
            UseCase::MatchUnmatched => {
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "succeed").await;
                self.shop.stripe(self.id(), "refund").await;
                for event in self.shop.webhooks().await {
                    if event["type"].as_str().is_some_and(|name| name.starts_with("refund.")) {
                        let sent = self.shop.send_webhook(event["event"].as_str().expect("an id")).await;
                        assert_eq!(sent, Some(200));
                    }
                }
                self.shop.hold_webhooks(false).await;
            }
            UseCase::OpenUnmatched | UseCase::ResolveUnmatched => {
                self.tells_of_unknown_money().await.expect(200);
            }
            UseCase::SettleLate | UseCase::SettleLateWithoutStock => {
                self.shop.advance(Duration::from_secs(16 * 60)).await;
                if of == UseCase::SettleLateWithoutStock {
                    self.take_last_units().await;
                }
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "succeed_late").await;
            }
            UseCase::SettleTwice => {
                // The first attempt cannot be cancelled when the second is opened, and both are paid.
                let faults = &self.shop.cloud.services().faults;
                faults.add(Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) });
                self.order = self.retry_payment("again").await;
                faults.clear();
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "succeed_twice").await;
            }
            UseCase::RetryRefund | UseCase::ResolveRefund => {
                let operator = self.shop.operator().await;
                self.job = self.shop.refund_fails(&operator, self.id()).await;
            }
            UseCase::GrantRefund | UseCase::RequestReturn | UseCase::ReceiveReturn => {
                self.shop.stripe(self.id(), "succeed").await;
                for vendor in [&self.bowl.vendor, &self.scarf.vendor] {
                    for step in ["accept", "ship", "deliver"] {
                        self.vendor_step(vendor, step).await.expect(200);
                    }
                }
                if of == UseCase::ReceiveReturn {
                    self.ask_for_return().await.expect(200);
                    self.vendor_step(&self.bowl.vendor, "returns/1/approve").await.expect(200);
                }
            }
            UseCase::Lapse(deadline) => self.prepare_deadline(deadline).await,
            UseCase::RetryBroken => {
                self.shop.stripe(self.id(), "fail").await;
                self.break_next().await;
            }
            UseCase::SettleProcessing | UseCase::ExpireProcessing => {
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "process").await;
            }
            UseCase::SettleSlow => {
                self.shop.stripe(self.id(), "process").await;
                self.shop.advance(Duration::from_secs(3 * 24 * 3600)).await;
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "succeed").await;
            }
            UseCase::CloseUnpaid => {
                // The first attempt cannot be cancelled when the second is opened, which then pays.
                let faults = &self.shop.cloud.services().faults;
                faults.add(Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) });
                self.order = self.retry_payment("again").await;
                self.shop.stripe(self.id(), "succeed").await;
                self.shop.wait_until_idle().await;
                faults.clear();
            }
            UseCase::RefundMadeElsewhere => {
                self.shop.stripe(self.id(), "succeed").await;
                self.shop.hold_webhooks(true).await;
                self.shop.stripe(self.id(), "refund_part").await;
                self.cancel().await.expect(200);
            }
            UseCase::CancelPaid | UseCase::Decline => drop(self.shop.stripe(self.id(), "succeed").await),
            UseCase::ShipPart | UseCase::LoseParcel | UseCase::TakeParcelBack | UseCase::DeclineRest => {
                self.shop.stripe(self.id(), "succeed").await;
                self.vendor_step(&self.bowl.vendor, "accept").await.expect(200);
                if of != UseCase::ShipPart {
                    self.ship_part().await.expect(200);
                }
            }
            UseCase::Refund => {
                self.shop.stripe(self.id(), "succeed").await;
                self.cancel().await.expect(200);
            }
            UseCase::DisputeOpenedUnderWay => self.dispute_under_way(false).await,
            UseCase::DisputeLostUnderWay => self.dispute_under_way(true).await,
            // A refund is queued when the dispute is opened, and was not requested from the provider yet.
            UseCase::DisputeOpened | UseCase::DisputeDecided => {
                self.shop.stripe(self.id(), "succeed").await;
                self.cancel().await.expect(200);
                self.shop.hold_webhooks(of == UseCase::DisputeOpened).await;
                self.shop.stripe(self.id(), "dispute").await;
                if of == UseCase::DisputeDecided {
                    self.shop.hold_webhooks(true).await;
                    self.shop.stripe(self.id(), "win_dispute").await;
                }
            }
            UseCase::Ship => drop(self.vendor_step(&self.bowl.vendor, "accept").await.expect(200)),
            UseCase::Deliver => {
                for vendor in [&self.bowl.vendor, &self.scarf.vendor] {
                    self.vendor_step(vendor, "accept").await.expect(200);
                    self.vendor_step(vendor, "ship").await.expect(200);
                }
                self.vendor_step(&self.scarf.vendor, "deliver").await.expect(200);
            }
            _ => {}
        }
    }

    /// Runs the use case, with a client that retries.
    pub(super) async fn act(&mut self, of: UseCase) {
        match of {
            UseCase::CheckOut | UseCase::CheckOutOnDelivery | UseCase::CheckOutBroken => {
                let provider = if of == UseCase::CheckOutOnDelivery { "cash_on_delivery" } else { "stripe" };
                let total = self.guest.seen().await["totals"]["total"].clone();
                let call = async || self.guest.checks_out_for(provider, "once", &total).await;
                let (answer, again) = (self.shop.retry(&call).await, self.shop.retry(&call).await);
                assert_eq!(again.expect(201)["id"], answer.expect(201)["id"], "the same key, the same order");
                self.order = answer.json;
            }
            UseCase::CheckOutOnPage => self.order = self.check_out_on_page().await.json,
            UseCase::CheckOutForNothing => {
                let total = self.guest.seen().await["totals"]["total"].clone();
                let call = async || self.guest.checks_out_for("none", "once", &total).await;
                let (answer, again) = (self.shop.retry(&call).await, self.shop.retry(&call).await);
                assert_eq!(again.expect(201)["id"], answer.expect(201)["id"], "the same key, the same order");
                assert_eq!(answer.json["state"], "paid");
                self.order = answer.json;
            }
            UseCase::Confirm => {
                let code = confirmation_code(self.id(), 1);
                let answer = self.shop.retry(async || self.confirm(&code).await).await;
                assert_eq!(answer.expect(200)["state"], "confirmed");
            }
            UseCase::ExpireUnconfirmed => self.shop.advance(Duration::from_secs(31 * 60)).await,
            UseCase::RetryPayment | UseCase::RetryBroken => self.order = self.retry_payment("again").await,
            UseCase::RecordUnmatched => {
                self.shop.retry(async || self.tells_of_unknown_money().await).await.expect(200);
            }
            UseCase::MatchUnmatched => self.shop.advance(Duration::from_secs(61)).await,
            UseCase::OpenUnmatched => self.shop.advance(Duration::from_secs(24 * 3600 + 61)).await,
            UseCase::ResolveUnmatched => {
                let operator = self.shop.operator().await.with("idempotency-key", "once");
                let list = "/v1/admin/payments/unmatched?state=retrying";
                let record = operator.get(list).await.expect(200)["items"][0].clone();
                let path = format!("/v1/admin/payments/unmatched/{}/resolve", record["id"].as_str().expect("an id"));
                let note = json!({"note": "An invoice."});
                self.shop.retry(async || operator.post(&path, &note).await).await.expect(200);
            }
            UseCase::Settle
            | UseCase::SettlePage
            | UseCase::SettleDeclined
            | UseCase::SettleLate
            | UseCase::SettleLateWithoutStock
            | UseCase::SettleTwice
            | UseCase::SettleWrongAmount
            | UseCase::SettleProcessing
            | UseCase::SettleSlow
            | UseCase::DisputeOpened
            | UseCase::DisputeDecided
            | UseCase::DisputeOpenedUnderWay
            | UseCase::DisputeLostUnderWay => self.deliver_webhooks().await,
            UseCase::SettleOnReturn => {
                let client = self.shop.anon().with("order-token", self.order["token"].as_str().expect("a token"));
                let path = format!("/v1/orders/{}/settle", self.id());
                let answer = self.shop.retry(async || client.post(&path, &json!({})).await).await;
                answer.expect(200);
            }
            UseCase::Reconcile | UseCase::ReconcilePage => self.shop.advance(Duration::from_secs(121)).await,
            UseCase::Cancel | UseCase::CancelPaid | UseCase::CancelAsBuyer => {
                let answer = self.shop.retry(async || self.cancel().await).await;
                assert_eq!(answer.expect(200)["state"], "cancelled");
            }
            UseCase::Accept | UseCase::Decline | UseCase::Ship | UseCase::Deliver => {
                let step = format!("{of:?}").to_lowercase();
                let vendor = &self.bowl.vendor;
                let answer = self.shop.retry(async || self.vendor_step(vendor, &step).await).await;
                answer.expect(200);
            }
            UseCase::ShipPart => drop(self.shop.retry(async || self.ship_part().await).await.expect(200)),
            UseCase::DeclineRest => {
                let vendor = &self.bowl.vendor;
                self.shop.retry(async || self.vendor_step(vendor, "decline").await).await.expect(200);
            }
            UseCase::LoseParcel => {
                let vendor = &self.bowl.vendor;
                self.shop.retry(async || self.vendor_step(vendor, "parcels/1/lost").await).await.expect(200);
            }
            UseCase::TakeParcelBack => {
                let vendor = &self.bowl.vendor;
                let asked = json!({"restock": true});
                let take_back = async || self.vendor_call(vendor, "parcels/1/returned-to-sender", &asked).await;
                self.shop.retry(take_back).await.expect(200);
                *self.received.get_mut(&self.bowl.variant).expect("a product") += 1;
            }
            UseCase::Expire | UseCase::ExpirePaid | UseCase::ExpirePage | UseCase::ExpireProcessing => {
                self.shop.advance(Duration::from_secs(16 * 60)).await
            }
            UseCase::Refund | UseCase::RefundMadeElsewhere | UseCase::CloseUnpaid => {
                self.shop.advance(Duration::from_secs(61)).await
            }
            UseCase::Lapse(deadline) => self.pass_deadline(deadline).await,
            UseCase::GrantRefund => {
                let asked = json!({"amount": {"amount": "1.00", "currency": "USD"}, "reason": "It came late."});
                let client = self.shop.operator().await.with("idempotency-key", "once");
                let path = format!("/v1/admin/orders/{}/refunds", self.id());
                let answer = self.shop.retry(async || client.post(&path, &asked).await).await;
                answer.expect(200);
            }
            UseCase::RetryRefund | UseCase::ResolveRefund => {
                let (verb, body) = match of {
                    UseCase::RetryRefund => ("retry", Value::Null),
                    _ => ("resolve", json!({"note": "In cash."})),
                };
                let client = self.shop.operator().await.with("idempotency-key", "once");
                let path = format!("{}/{verb}", self.job);
                let answer = self.shop.retry(async || client.post(&path, &body).await).await;
                answer.expect(200);
            }
            UseCase::RequestReturn => drop(self.shop.retry(async || self.ask_for_return().await).await.expect(200)),
            UseCase::ReceiveReturn => {
                let vendor = &self.bowl.vendor;
                let asked = json!({"restock": true});
                let receive = async || self.vendor_call(vendor, "returns/1/receive", &asked).await;
                self.shop.retry(receive).await.expect(200);
                *self.received.get_mut(&self.bowl.variant).expect("a product") += 1;
            }
            UseCase::DeliverEvent => self.shop.cloud.restart_sources().expect("streams and queues are read again"),
            UseCase::SetStock | UseCase::AdjustStock => {
                let asked = if of == UseCase::SetStock { json!({"on_hand": 9}) } else { json!({"adjust": 3}) };
                let path = format!("/v1/vendor/products/{}/variants/{}/stock", self.scarf.id, self.scarf.variant);
                let client = self.scarf.vendor.client.clone().with("idempotency-key", "once");
                let answer = self.shop.retry(async || client.put(&path, &asked).await).await;
                answer.expect(200);
                self.received.insert(self.scarf.variant.clone(), 9);
            }
            UseCase::Import => {
                let client = self.bowl.vendor.client.clone().with("idempotency-key", "once");
                let path = "/v1/vendor/imports?publish=true";
                let send = async || client.send(Method::POST, path, Some(FILE.into()), "text/csv").await;
                let answer = self.shop.retry(send).await;
                answer.expect(202);
                answer.header("location").clone_into(&mut self.job);
            }
        }
    }
}
