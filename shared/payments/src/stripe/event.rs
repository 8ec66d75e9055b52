//! Webhook events, read once their signature is verified. <https://docs.stripe.com/api/events/types>

use domain::Timestamp;
use domain::payment::ProviderName;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::amount::from_stripe;
use super::object::{DisputeObject, Metadata, PaymentIntent, RefundObject};
use super::session::Session;
use crate::{DisputeNews, NewsKind, PaymentNews, ProviderNews, WebhookError};
use domain::dispute::DisputeState;

/// The longest id that Stripe makes, in bytes. Ids become keys of tables, which are limited: a longer one would fail
/// each delivery of its event for ever. Their characters are ASCII, so that queues take the events that name them.
/// <https://docs.stripe.com/upgrades#what-changes-does-stripe-consider-to-be-backward-compatible>
const MAX_ID_LENGTH: usize = 255;

#[derive(Deserialize)]
struct Event<'a> {
    /// `event`. The newer "thin" events have `v2.core.event` and carry no object; they go to another kind of endpoint.
    object: String,
    id: String,
    r#type: String,
    created: i64,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

pub(super) fn read(body: &[u8]) -> Result<ProviderNews, WebhookError> {
    let event: Event<'_> = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable)?;
    if event.object != "event" || event.id.is_empty() {
        return Err(WebhookError::Unreadable);
    }
    let content = EventContent::read(&event.r#type, event.data.object).map_err(|error| {
        // Signed by Stripe but not of the documented shape: the operator has to look at it.
        tracing::error!(
            needs = "money", event.kind = event.r#type, event.id = event.id, error = %error,
            "an event of Stripe cannot be read"
        );
        WebhookError::Unreadable
    })?;
    let fits = |id: &str| id.len() <= MAX_ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_graphic());
    if !content.ids().chain([event.id.as_str()]).all(fits) {
        tracing::error!(
            needs = "money",
            event.kind = event.r#type,
            "an event of Stripe has an id that is too long or not ASCII"
        );
        return Err(WebhookError::Unreadable);
    }
    Ok(ProviderNews {
        provider: ProviderName::Stripe,
        reference: content.reference,
        page: content.page,
        order_id: content.metadata.order(),
        payment_id: content.metadata.payment(),
        event_id: Some(event.id),
        occurred_at: Some(Timestamp::from_millis(event.created.saturating_mul(1000))),
        kind: content.kind,
    })
}

struct EventContent {
    reference: String,
    page: Option<String>,
    metadata: Metadata,
    kind: NewsKind,
}

impl EventContent {
    /// The ids of the objects that it tells of.
    fn ids(&self) -> impl Iterator<Item = &str> {
        let other = match &self.kind {
            NewsKind::Refund(news) => Some(news.reference.as_str()),
            NewsKind::Dispute(news) => Some(news.reference.as_str()),
            NewsKind::Payment(_) | NewsKind::Unknown { .. } => None,
        };
        std::iter::once(self.reference.as_str()).chain(self.page.as_deref()).chain(other)
    }

    fn read(name: &str, object: &RawValue) -> Result<Self, serde_json::Error> {
        let object = object.get();
        Ok(match name {
            "payment_intent.succeeded" => Self::payment(serde_json::from_str(object)?, |intent| {
                PaymentNews::Captured { amount: from_stripe(intent.amount_received, &intent.currency) }
            }),
            "payment_intent.amount_capturable_updated" => Self::payment(serde_json::from_str(object)?, |intent| {
                PaymentNews::Authorized { amount: from_stripe(intent.amount_capturable, &intent.currency) }
            }),
            "payment_intent.payment_failed" => {
                Self::payment(serde_json::from_str(object)?, |intent| PaymentNews::Failed {
                    code: intent
                        .last_payment_error
                        .as_ref()
                        .map_or_else(|| "declined".to_owned(), |error| error.most_specific_code()),
                })
            }
            "payment_intent.canceled" => Self::payment(serde_json::from_str(object)?, |_| PaymentNews::Cancelled),
            "payment_intent.processing" => Self::payment(serde_json::from_str(object)?, |_| PaymentNews::Processing),
            "payment_intent.created" | "payment_intent.requires_action" => {
                Self::payment(serde_json::from_str(object)?, |_| PaymentNews::Pending)
            }
            // What becomes of the money is told by the events of the intent, which these name: a session has the amount
            // that was asked for, and not what came.
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.async_payment_failed" => {
                Self::session(serde_json::from_str(object)?, PaymentNews::Pending)
            }
            "checkout.session.expired" => Self::session(serde_json::from_str(object)?, PaymentNews::Cancelled),
            // `charge.refunded` only has the total refunded of a charge; these events name the refund.
            "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                Self::refund(serde_json::from_str(object)?)
            }
            "charge.dispute.created" | "charge.dispute.updated" | "charge.dispute.closed" => {
                Self::dispute(name, serde_json::from_str(object)?)
            }
            _ => Self::of(String::new(), Metadata::default(), unknown(name)),
        })
    }

    const fn of(reference: String, metadata: Metadata, kind: NewsKind) -> Self {
        Self { reference, page: None, metadata, kind }
    }

    fn payment(intent: PaymentIntent, news: impl Fn(&PaymentIntent) -> PaymentNews) -> Self {
        let news = news(&intent);
        Self::of(intent.id, intent.metadata, NewsKind::Payment(news))
    }

    fn session(session: Session, news: PaymentNews) -> Self {
        let reference = session.intent().to_owned();
        Self { page: Some(session.id), ..Self::of(reference, session.metadata, NewsKind::Payment(news)) }
    }

    fn refund(mut refund: RefundObject) -> Self {
        let metadata = Metadata {
            order_id: refund.metadata.order_id.take(),
            payment_id: refund.metadata.payment_id.take(),
            refund_id: None,
        };
        match refund.payment_intent.take() {
            Some(reference) => Self::of(reference, metadata, NewsKind::Refund(refund.news())),
            // A refund of a charge without a PaymentIntent is none of ours.
            None => Self::of(String::new(), metadata, unknown("refund of a bare charge")),
        }
    }

    fn dispute(name: &str, dispute: DisputeObject) -> Self {
        let state = match dispute.status.as_str() {
            "needs_response" | "under_review" => Some(DisputeState::Opened),
            "won" => Some(DisputeState::Won),
            "lost" => Some(DisputeState::Lost),
            // `warning_…`: an inquiry by the bank, which moves no money.
            _ => None,
        };
        let due_by = dispute.evidence_details.and_then(|evidence| evidence.due_by).filter(|seconds| *seconds > 0);
        let kind = match state {
            // A charge without a PaymentIntent is none of ours.
            Some(state) if dispute.payment_intent.is_some() => NewsKind::Dispute(DisputeNews {
                reference: dispute.id,
                amount: from_stripe(dispute.amount, &dispute.currency),
                reason: dispute.reason,
                state,
                evidence_due_at: due_by.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000))),
            }),
            _ => unknown(&format!("{name}: {}", dispute.status)),
        };
        Self::of(dispute.payment_intent.unwrap_or_default(), dispute.metadata, kind)
    }
}

fn unknown(name: &str) -> NewsKind {
    NewsKind::Unknown { name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use domain::{Currency, Money, OrderId, PaymentId, RefundId};
    use serde_json::{Value, json};

    use super::*;
    use crate::{RefundNews, RefundOutcome};

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
            "id": "pi_1Q", "object": "payment_intent", "amount": 1250, "amount_capturable": 0,
            "amount_details": {"tip": {}}, "amount_received": 0, "application": null,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": true},
            "canceled_at": null, "cancellation_reason": null, "capture_method": "automatic_async",
            "client_secret": "pi_1Q_secret_x", "confirmation_method": "automatic", "created": 1_794_999_990,
            "currency": "usd", "customer": null, "description": null, "last_payment_error": null,
            "latest_charge": null, "livemode": false, "metadata": metadata(), "next_action": null,
            "payment_method": null, "payment_method_types": ["card", "link"], "status": status,
        })
    }

    fn with(mut object: Value, changes: Value) -> Value {
        for (key, value) in changes.as_object().unwrap() {
            object[key] = value.clone();
        }
        object
    }

    fn kind(name: &str, object: Value) -> NewsKind {
        read(&event(name, object)).unwrap().kind
    }

    #[test]
    fn a_payment_that_succeeded_is_captured_with_the_amount_received() {
        let paid = with(intent("succeeded"), json!({"amount_received": 1249, "latest_charge": "ch_1Q"}));
        assert_eq!(
            read(&event("payment_intent.succeeded", paid)).unwrap(),
            ProviderNews {
                provider: ProviderName::Stripe,
                reference: "pi_1Q".into(),
                page: None,
                order_id: Some(OrderId::from_bits(1)),
                payment_id: Some(PaymentId::from_bits(2)),
                event_id: Some("evt_1Q".into()),
                occurred_at: Some(Timestamp::from_millis(1_795_000_000_000)),
                kind: NewsKind::Payment(PaymentNews::Captured { amount: Some(Money::new(1249, Currency::USD)) }),
            }
        );
    }

    /// As Stripe sends it with version 2026-07-29.dahlia, without the fields that are null.
    fn session(status: &str, intent: Value) -> Value {
        json!({
            "id": "cs_test_1Q", "object": "checkout.session", "amount_subtotal": 1250, "amount_total": 1250,
            "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null},
            "cancel_url": "https://shop.test/", "client_reference_id": OrderId::from_bits(1).to_string(),
            "created": 1_794_999_990, "currency": "usd", "expires_at": 1_795_086_390, "livemode": false,
            "metadata": metadata(), "mode": "payment", "payment_intent": intent, "payment_method_types": ["card"],
            "payment_status": if status == "complete" { "paid" } else { "unpaid" }, "status": status,
            "success_url": "https://shop.test/", "ui_mode": "hosted_page", "url": null,
        })
    }

    #[test]
    fn a_page_names_its_payment_and_says_nothing_of_the_money_but_that_none_can_come() {
        let cases = [
            ("checkout.session.completed", "complete", json!("pi_1Q"), "pi_1Q", PaymentNews::Pending),
            ("checkout.session.async_payment_succeeded", "complete", json!("pi_1Q"), "pi_1Q", PaymentNews::Pending),
            ("checkout.session.async_payment_failed", "complete", json!("pi_1Q"), "pi_1Q", PaymentNews::Pending),
            ("checkout.session.expired", "expired", json!("pi_1Q"), "pi_1Q", PaymentNews::Cancelled),
            ("checkout.session.expired", "expired", Value::Null, "", PaymentNews::Cancelled),
        ];
        for (name, status, intent, reference, expected) in cases {
            let news = read(&event(name, session(status, intent))).unwrap();
            assert_eq!(news.kind, NewsKind::Payment(expected), "{name}");
            assert_eq!((news.reference.as_str(), news.page.as_deref()), (reference, Some("cs_test_1Q")), "{name}");
            assert_eq!(
                (news.order_id, news.payment_id),
                (Some(OrderId::from_bits(1)), Some(PaymentId::from_bits(2))),
                "{name}"
            );
        }
        let long = with(session("expired", Value::Null), json!({"id": "c".repeat(256)}));
        assert_eq!(read(&event("checkout.session.expired", long)), Err(WebhookError::Unreadable));
    }

    #[test]
    fn an_id_that_could_be_no_key_is_refused_instead_of_failing_for_ever() {
        let paid = |id: String| read(&event("payment_intent.succeeded", with(intent("succeeded"), json!({"id": id}))));
        assert!(paid("p".repeat(255)).is_ok());
        assert!(matches!(paid("p".repeat(256)), Err(WebhookError::Unreadable)));
    }

    #[test]
    fn a_payment_in_a_currency_unknown_here_is_captured_without_an_amount() {
        let paid = with(intent("succeeded"), json!({"amount_received": 1250, "currency": "xts"}));
        assert_eq!(kind("payment_intent.succeeded", paid), NewsKind::Payment(PaymentNews::Captured { amount: None }));
    }

    #[test]
    fn every_payment_event_becomes_the_right_news() {
        let declined = json!({
            "last_payment_error": {
                "type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds",
            },
        });
        let cases = [
            ("payment_intent.created", intent("requires_payment_method"), PaymentNews::Pending),
            ("payment_intent.processing", intent("processing"), PaymentNews::Processing),
            ("payment_intent.requires_action", intent("requires_action"), PaymentNews::Pending),
            ("payment_intent.canceled", intent("canceled"), PaymentNews::Cancelled),
            (
                "payment_intent.payment_failed",
                with(intent("requires_payment_method"), declined),
                PaymentNews::Failed { code: "insufficient_funds".into() },
            ),
            (
                "payment_intent.payment_failed",
                intent("requires_payment_method"),
                PaymentNews::Failed { code: "declined".into() },
            ),
            (
                "payment_intent.amount_capturable_updated",
                with(intent("requires_capture"), json!({"amount_capturable": 1250})),
                PaymentNews::Authorized { amount: Some(Money::new(1250, Currency::USD)) },
            ),
        ];
        for (name, object, news) in cases {
            assert_eq!(kind(name, object), NewsKind::Payment(news), "{name}");
        }
    }

    #[test]
    fn news_of_a_refund_names_our_refund_and_its_payment() {
        let refund = |status: &str| {
            json!({
                "id": "re_1Q", "object": "refund", "amount": 500, "balance_transaction": "txn_1", "charge": "ch_1Q",
                "created": 1_795_000_000, "currency": "usd", "payment_intent": "pi_1Q", "reason": null,
                "status": status,
                "metadata": {
                    "refund_id": RefundId::from_bits(3).to_string(), "order_id": OrderId::from_bits(1).to_string(),
                },
            })
        };
        let cases = [
            ("refund.created", "pending", RefundOutcome::Pending),
            ("refund.updated", "requires_action", RefundOutcome::Pending),
            ("charge.refund.updated", "succeeded", RefundOutcome::Succeeded),
            ("refund.updated", "canceled", RefundOutcome::Failed { code: "canceled".into() }),
        ];
        for (name, status, outcome) in cases {
            let news = read(&event(name, refund(status))).unwrap();
            assert_eq!((news.reference.as_str(), news.order_id), ("pi_1Q", Some(OrderId::from_bits(1))));
            let refunded = RefundNews {
                reference: "re_1Q".into(),
                refund_id: Some(RefundId::from_bits(3)),
                amount: Some(Money::new(500, Currency::USD)),
                outcome,
            };
            assert_eq!(news.kind, NewsKind::Refund(refunded), "{name} {status}");
        }
        let failed = with(refund("failed"), json!({"failure_reason": "lost_or_stolen_card", "metadata": {}}));
        let NewsKind::Refund(refunded) = kind("refund.failed", failed) else { panic!("no refund") };
        assert_eq!(refunded.outcome, RefundOutcome::Failed { code: "lost_or_stolen_card".into() });
        assert_eq!(refunded.refund_id, None);
    }

    #[test]
    fn a_dispute_opens_and_is_won_or_lost_and_a_mere_question_is_not_one() {
        let dispute = |status: &str| {
            json!({
                "id": "du_1Q", "object": "dispute", "amount": 1250, "charge": "ch_1Q", "created": 1_795_000_000,
                "currency": "usd", "metadata": {}, "payment_intent": "pi_1Q", "reason": "fraudulent", "status": status,
                "evidence_details": {"due_by": 1_796_000_000, "has_evidence": false, "past_due": false},
            })
        };
        let cases = [
            ("charge.dispute.created", "needs_response", Some(DisputeState::Opened)),
            ("charge.dispute.updated", "under_review", Some(DisputeState::Opened)),
            ("charge.dispute.closed", "won", Some(DisputeState::Won)),
            ("charge.dispute.closed", "lost", Some(DisputeState::Lost)),
            ("charge.dispute.created", "warning_needs_response", None),
            ("charge.dispute.closed", "warning_closed", None),
        ];
        for (name, status, state) in cases {
            let news = read(&event(name, dispute(status))).unwrap();
            assert_eq!(news.reference, "pi_1Q");
            match (news.kind, state) {
                (NewsKind::Dispute(content), Some(state)) => {
                    assert_eq!(
                        (content.state, content.reason.as_str(), content.reference.as_str()),
                        (state, "fraudulent", "du_1Q")
                    );
                    assert_eq!(content.evidence_due_at.map(Timestamp::seconds), Some(1_796_000_000));
                }
                (NewsKind::Unknown { name }, None) => assert!(name.ends_with(status), "{name}"),
                (kind, _) => panic!("{status}: {kind:?}"),
            }
        }
    }

    #[test]
    fn a_dispute_that_nobody_may_answer_has_no_deadline() {
        for details in [json!(null), json!({}), json!({"due_by": null}), json!({"due_by": 0})] {
            let dispute = json!({
                "id": "du_1Q", "object": "dispute", "amount": 1250, "currency": "usd", "payment_intent": "pi_1Q",
                "status": "needs_response", "evidence_details": details,
            });
            let NewsKind::Dispute(news) = kind("charge.dispute.created", dispute) else { panic!("no dispute") };
            assert_eq!(news.evidence_due_at, None, "{details}");
        }
    }

    #[test]
    fn an_event_of_another_type_is_accepted_whatever_it_holds() {
        for name in ["charge.refunded", "customer.created", "payment_intent.partially_funded", "something.new"] {
            assert_eq!(kind(name, json!({"id": 5})), NewsKind::Unknown { name: name.into() });
        }
    }

    #[test]
    fn somebody_elses_metadata_names_no_order() {
        let other = with(intent("canceled"), json!({"metadata": {"order_id": "1001", "payment_id": "ord_1"}}));
        let news = read(&event("payment_intent.canceled", other)).unwrap();
        assert_eq!((news.order_id, news.payment_id), (None, None));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let thin = json!({
            "id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered",
            "created": "2026-11-21T00:00:00Z", "livemode": false, "data": {},
        });
        let thin_with_numbers = json!({
            "id": "evt_1", "object": "v2.core.event", "type": "payment_intent.succeeded", "created": 1,
            "data": {"object": {}},
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
            assert_eq!(read(&body), Err(WebhookError::Unreadable), "{}", String::from_utf8_lossy(&body));
        }
    }
}
