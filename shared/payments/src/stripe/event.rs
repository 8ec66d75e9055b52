//! Webhook events, once their signature is believed. <https://docs.stripe.com/api/events/types>

use domain::Timestamp;
use domain::payment::ProviderName;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::amount::from_stripe;
use super::object::{DisputeObject, Metadata, PaymentIntent, RefundObject};
use crate::{Dispute, DisputeStage, Kind, Refused, Report, Standing};

#[derive(Deserialize)]
struct Event<'a> {
    /// `event`. The newer "thin" events say `v2.core.event` and carry no object; they are for another kind of endpoint.
    object: String,
    id: String,
    r#type: String,
    created: i64,
    #[serde(default)]
    livemode: bool,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Reads an event.
pub(super) fn read(body: &[u8]) -> Result<Report, Refused> {
    let event: Event<'_> = serde_json::from_slice(body).map_err(|_| Refused::Unreadable)?;
    if event.object != "event" || event.id.is_empty() {
        return Err(Refused::Unreadable);
    }
    let told = Told::read(&event.r#type, event.data.object).map_err(|error| {
        // Signed by Stripe and yet not of the shape we know: somebody has to look at it.
        tracing::error!(event.kind = event.r#type, event.id = event.id, error = %error, "an event of Stripe cannot be read");
        Refused::Unreadable
    })?;
    Ok(Report {
        provider: ProviderName::Stripe,
        reference: told.reference,
        order_id: told.metadata.order(),
        payment_id: told.metadata.payment(),
        event_id: Some(event.id),
        occurred_at: Some(Timestamp::from_millis(event.created.saturating_mul(1000))),
        live: event.livemode,
        kind: told.kind,
    })
}

/// What an event tells.
struct Told {
    reference: String,
    metadata: Metadata,
    kind: Kind,
}

impl Told {
    fn read(name: &str, object: &RawValue) -> Result<Self, serde_json::Error> {
        let object = object.get();
        Ok(match name {
            "payment_intent.succeeded" => Self::payment(serde_json::from_str(object)?, |intent| Standing::Captured {
                amount: from_stripe(intent.amount_received, &intent.currency),
            }),
            "payment_intent.amount_capturable_updated" => Self::payment(serde_json::from_str(object)?, |intent| {
                Standing::Authorized { amount: from_stripe(intent.amount_capturable, &intent.currency) }
            }),
            "payment_intent.payment_failed" => {
                Self::payment(serde_json::from_str(object)?, |intent| Standing::Failed {
                    code: intent
                        .last_payment_error
                        .as_ref()
                        .map_or_else(|| "declined".to_owned(), |error| error.most_exact()),
                })
            }
            "payment_intent.canceled" => Self::payment(serde_json::from_str(object)?, |_| Standing::Cancelled),
            "payment_intent.created" | "payment_intent.processing" | "payment_intent.requires_action" => {
                Self::payment(serde_json::from_str(object)?, |_| Standing::Pending)
            }
            // `charge.refunded` says only how much of a charge is gone by now; these name the refund.
            "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                Self::refund(serde_json::from_str(object)?)
            }
            "charge.dispute.created" | "charge.dispute.updated" | "charge.dispute.closed" => {
                Self::dispute(name, serde_json::from_str(object)?)
            }
            _ => Self { reference: String::new(), metadata: Metadata::default(), kind: unknown(name) },
        })
    }

    fn payment(intent: PaymentIntent, standing: impl Fn(&PaymentIntent) -> Standing) -> Self {
        let standing = standing(&intent);
        Self { reference: intent.id, metadata: intent.metadata, kind: Kind::Payment(standing) }
    }

    fn refund(mut refund: RefundObject) -> Self {
        let metadata = Metadata {
            order_id: refund.metadata.order_id.take(),
            payment_id: refund.metadata.payment_id.take(),
            refund_id: None,
        };
        match refund.payment_intent.take() {
            Some(reference) => Self { reference, metadata, kind: Kind::Refund(refund.refunded()) },
            // A refund of a charge without a PaymentIntent: none of ours.
            None => Self { reference: String::new(), metadata, kind: unknown("refund of a bare charge") },
        }
    }

    fn dispute(name: &str, dispute: DisputeObject) -> Self {
        let stage = match dispute.status.as_str() {
            "needs_response" | "under_review" => Some(DisputeStage::Opened),
            "won" => Some(DisputeStage::Won),
            "lost" => Some(DisputeStage::Lost),
            // `warning_…`: the bank asks a question, and no money moves.
            _ => None,
        };
        let kind = match stage {
            // A charge without a PaymentIntent is none of ours.
            Some(stage) if dispute.payment_intent.is_some() => Kind::Dispute(Dispute {
                reference: dispute.id,
                amount: from_stripe(dispute.amount, &dispute.currency),
                reason: dispute.reason,
                stage,
            }),
            _ => unknown(&format!("{name}: {}", dispute.status)),
        };
        Self { reference: dispute.payment_intent.unwrap_or_default(), metadata: dispute.metadata, kind }
    }
}

fn unknown(name: &str) -> Kind {
    Kind::Unknown { name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use domain::{Currency, Money, OrderId, PaymentId, RefundId};
    use serde_json::{Value, json};

    use super::*;
    use crate::{RefundStanding, Refunded};

    fn metadata() -> Value {
        json!({"order_id": OrderId::from_bits(1).to_string(), "payment_id": PaymentId::from_bits(2).to_string()})
    }

    /// The parts of an event that every event has, in the shape that Stripe documents.
    fn event(name: &str, object: Value) -> Vec<u8> {
        let event = json!({
            "id": "evt_1Q", "object": "event", "api_version": super::super::VERSION, "created": 1_795_000_000,
            "data": {"object": object, "previous_attributes": {}}, "livemode": false, "pending_webhooks": 1,
            "request": {"id": "req_1", "idempotency_key": null}, "type": name,
        });
        serde_json::to_vec(&event).unwrap()
    }

    fn intent(status: &str) -> Value {
        json!({
            "id": "pi_1Q", "object": "payment_intent", "amount": 1250, "amount_capturable": 0, "amount_details": {"tip": {}},
            "amount_received": 0, "application": null, "automatic_payment_methods": {"allow_redirects": "always", "enabled": true},
            "canceled_at": null, "cancellation_reason": null, "capture_method": "automatic_async",
            "client_secret": "pi_1Q_secret_x", "confirmation_method": "automatic", "created": 1_794_999_990, "currency": "usd",
            "customer": null, "description": null, "last_payment_error": null, "latest_charge": null, "livemode": false,
            "metadata": metadata(), "next_action": null, "payment_method": null, "payment_method_types": ["card", "link"],
            "status": status,
        })
    }

    fn with(mut object: Value, changes: Value) -> Value {
        for (key, value) in changes.as_object().unwrap() {
            object[key] = value.clone();
        }
        object
    }

    fn kind(name: &str, object: Value) -> Kind {
        read(&event(name, object)).unwrap().kind
    }

    #[test]
    fn a_payment_that_succeeded_is_captured_with_the_amount_received() {
        let paid = with(intent("succeeded"), json!({"amount_received": 1249, "latest_charge": "ch_1Q"}));
        assert_eq!(
            read(&event("payment_intent.succeeded", paid)).unwrap(),
            Report {
                provider: ProviderName::Stripe,
                reference: "pi_1Q".into(),
                order_id: Some(OrderId::from_bits(1)),
                payment_id: Some(PaymentId::from_bits(2)),
                event_id: Some("evt_1Q".into()),
                occurred_at: Some(Timestamp::from_millis(1_795_000_000_000)),
                live: false,
                kind: Kind::Payment(Standing::Captured { amount: Some(Money::new(1249, Currency::USD)) }),
            }
        );
    }

    #[test]
    fn a_payment_in_a_currency_unknown_here_is_captured_without_an_amount() {
        let paid = with(intent("succeeded"), json!({"amount_received": 1250, "currency": "xts"}));
        assert_eq!(kind("payment_intent.succeeded", paid), Kind::Payment(Standing::Captured { amount: None }));
    }

    #[test]
    fn every_payment_event_is_told_as_what_it_is() {
        let declined = json!({"last_payment_error": {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}});
        let cases = [
            ("payment_intent.created", intent("requires_payment_method"), Standing::Pending),
            ("payment_intent.processing", intent("processing"), Standing::Pending),
            ("payment_intent.requires_action", intent("requires_action"), Standing::Pending),
            ("payment_intent.canceled", intent("canceled"), Standing::Cancelled),
            (
                "payment_intent.payment_failed",
                with(intent("requires_payment_method"), declined),
                Standing::Failed { code: "insufficient_funds".into() },
            ),
            (
                "payment_intent.payment_failed",
                intent("requires_payment_method"),
                Standing::Failed { code: "declined".into() },
            ),
            (
                "payment_intent.amount_capturable_updated",
                with(intent("requires_capture"), json!({"amount_capturable": 1250})),
                Standing::Authorized { amount: Some(Money::new(1250, Currency::USD)) },
            ),
        ];
        for (name, object, standing) in cases {
            assert_eq!(kind(name, object), Kind::Payment(standing), "{name}");
        }
    }

    #[test]
    fn a_refund_is_told_with_ours_and_with_its_payment() {
        let refund = |status: &str| {
            json!({
                "id": "re_1Q", "object": "refund", "amount": 500, "balance_transaction": "txn_1", "charge": "ch_1Q",
                "created": 1_795_000_000, "currency": "usd", "payment_intent": "pi_1Q", "reason": null, "status": status,
                "metadata": {"refund_id": RefundId::from_bits(3).to_string(), "order_id": OrderId::from_bits(1).to_string()},
            })
        };
        let cases = [
            ("refund.created", "pending", RefundStanding::Pending),
            ("refund.updated", "requires_action", RefundStanding::Pending),
            ("charge.refund.updated", "succeeded", RefundStanding::Succeeded),
            ("refund.updated", "canceled", RefundStanding::Failed { code: "canceled".into() }),
        ];
        for (name, status, standing) in cases {
            let report = read(&event(name, refund(status))).unwrap();
            assert_eq!((report.reference.as_str(), report.order_id), ("pi_1Q", Some(OrderId::from_bits(1))));
            let refunded = Refunded {
                reference: "re_1Q".into(),
                refund_id: Some(RefundId::from_bits(3)),
                amount: Some(Money::new(500, Currency::USD)),
                standing,
            };
            assert_eq!(report.kind, Kind::Refund(refunded), "{name} {status}");
        }
        let failed = with(refund("failed"), json!({"failure_reason": "lost_or_stolen_card", "metadata": {}}));
        let Kind::Refund(refunded) = kind("refund.failed", failed) else { panic!("no refund") };
        assert_eq!(refunded.standing, RefundStanding::Failed { code: "lost_or_stolen_card".into() });
        assert_eq!(refunded.refund_id, None);
    }

    #[test]
    fn a_dispute_opens_and_is_won_or_lost_and_a_mere_question_is_not_one() {
        let dispute = |status: &str| {
            json!({
                "id": "du_1Q", "object": "dispute", "amount": 1250, "charge": "ch_1Q", "created": 1_795_000_000,
                "currency": "usd", "metadata": {}, "payment_intent": "pi_1Q", "reason": "fraudulent", "status": status,
            })
        };
        let cases = [
            ("charge.dispute.created", "needs_response", Some(DisputeStage::Opened)),
            ("charge.dispute.updated", "under_review", Some(DisputeStage::Opened)),
            ("charge.dispute.closed", "won", Some(DisputeStage::Won)),
            ("charge.dispute.closed", "lost", Some(DisputeStage::Lost)),
            ("charge.dispute.created", "warning_needs_response", None),
            ("charge.dispute.closed", "warning_closed", None),
        ];
        for (name, status, stage) in cases {
            let report = read(&event(name, dispute(status))).unwrap();
            assert_eq!(report.reference, "pi_1Q");
            match (report.kind, stage) {
                (Kind::Dispute(told), Some(stage)) => {
                    assert_eq!(
                        (told.stage, told.reason.as_str(), told.reference.as_str()),
                        (stage, "fraudulent", "du_1Q")
                    );
                }
                (Kind::Unknown { name }, None) => assert!(name.ends_with(status), "{name}"),
                (kind, _) => panic!("{status}: {kind:?}"),
            }
        }
    }

    #[test]
    fn an_event_of_another_type_is_accepted_whatever_it_holds() {
        for name in ["charge.refunded", "customer.created", "payment_intent.partially_funded", "something.new"] {
            assert_eq!(kind(name, json!({"id": 5})), Kind::Unknown { name: name.into() });
        }
    }

    #[test]
    fn somebody_elses_metadata_names_no_order() {
        let other = with(intent("canceled"), json!({"metadata": {"order_id": "1001", "payment_id": "ord_1"}}));
        let report = read(&event("payment_intent.canceled", other)).unwrap();
        assert_eq!((report.order_id, report.payment_id), (None, None));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let thin = json!({
            "id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered",
            "created": "2026-11-21T00:00:00Z", "livemode": false, "data": {},
        });
        let thin_with_numbers = json!({
            "id": "evt_1", "object": "v2.core.event", "type": "payment_intent.succeeded", "created": 1, "data": {"object": {}},
        });
        let bodies = [
            b"".to_vec(),
            b"{".to_vec(),
            b"[]".to_vec(),
            b"\xff\xfe".to_vec(),
            serde_json::to_vec(&thin).unwrap(),
            serde_json::to_vec(&thin_with_numbers).unwrap(),
            event("payment_intent.succeeded", json!({"id": "pi_1"})),
            event("payment_intent.succeeded", with(intent("succeeded"), json!({"amount_received": "12.50"}))),
        ];
        for body in bodies {
            assert_eq!(read(&body), Err(Refused::Unreadable), "{}", String::from_utf8_lossy(&body));
        }
    }
}
