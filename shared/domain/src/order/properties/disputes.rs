//! Properties of refunds and disputes of the same payment.

use std::time::Duration;

use super::*;

#[test]
fn a_returned_refund_waits_for_the_dispute() {
    for (decision, by_hand) in [(DisputeStep::Won, true), (DisputeStep::Lost, false)] {
        let (mut placed, mut ids) = (order(), ids(NOW));
        apply(
            &mut placed,
            &News::Money(1, PaymentNews::Captured { amount: Some(usd(5_000)) }),
            LatePayment::Fulfil,
            &mut ids,
        );
        placed.decline(vendor(1), &mut ids).unwrap();
        let refund = placed.refunds[0].id;
        placed.refund_changed(refund, RefundStep::Succeeded, Some("re_1".into()), &mut ids).unwrap();
        placed.apply_dispute("du_1", 5_000, None, &mut ids);
        placed.refund_changed(refund, RefundStep::Failed, None, &mut ids).unwrap();
        let failures = |placed: &PlacedOrder| {
            placed.events.iter().filter(|event| event.kind == OrderEventKind::RefundFailed).count()
        };
        assert!(!placed.refunds[0].needs_manual_refund() && failures(&placed) == 0);
        placed.apply_dispute("du_1", 5_000, Some(decision), &mut ids);
        assert_eq!((placed.refunds[0].needs_manual_refund(), failures(&placed)), (by_hand, usize::from(by_hand)));
    }
}

/// A step of a paid order with disputes.
#[derive(Clone, Debug)]
enum Interference {
    Decline(u16),
    Housekeeping,
    /// A refund is requested, and no response says whether it was made.
    Unclear,
    Dispute(&'static str, i64),
    Decide(&'static str, DisputeStep),
}

fn interference() -> impl Strategy<Value = Interference> {
    let reference = || prop_oneof![Just("du_1"), Just("du_2")];
    let decision = prop_oneof![Just(DisputeStep::Won), Just(DisputeStep::Lost)];
    prop_oneof![
        2 => (1..=2_u16).prop_map(Interference::Decline),
        2 => Just(Interference::Housekeeping),
        1 => Just(Interference::Unclear),
        2 => (reference(), prop_oneof![Just(5_000_i64), 1..5_000_i64])
            .prop_map(|(id, minor)| Interference::Dispute(id, minor)),
        2 => (reference(), decision).prop_map(|(id, decision)| Interference::Decide(id, decision)),
    ]
}

/// The only payment that was captured.
const PAID: PaymentId = PaymentId::from_bits(1);

impl PlacedOrder {
    fn apply_dispute(&mut self, reference: &str, minor: i64, decision: Option<DisputeStep>, ids: &mut Ids) {
        let news = DisputeNews {
            reference: reference.into(),
            amount: Some(usd(minor)),
            reason: "fraudulent".into(),
            state: state_after(decision),
            evidence_due_at: None,
        };
        self.dispute_changed(PAID, &news, NOW, ids).unwrap();
    }

    fn due(&self) -> Vec<RefundId> {
        let due = self.refunds.iter().filter(|refund| refund.due_at.is_some_and(|due| due <= NOW));
        due.map(|refund| refund.id).collect()
    }

    /// Requests every refund that is due from a provider that rejects refunds once money was charged back.
    fn ask_for_refunds(&mut self, ids: &mut Ids) {
        for refund in self.due() {
            let event = if self.was_charged_back(PAID) { RefundStep::Failed } else { RefundStep::Succeeded };
            self.refund_changed(refund, event, Some(format!("re_{refund}")), ids).unwrap();
        }
    }

    /// Sum of what these refunds send, in minor units.
    fn sum(&self, concerned: impl Fn(&Refund) -> bool) -> i64 {
        self.refunds.iter().filter(|refund| concerned(refund)).map(|refund| refund.to_send().minor()).sum()
    }

    fn lost(&self) -> i64 {
        self.chargeback_total(PAID, usd(0))
    }
}

proptest! {
    /// Whatever disputes are opened and decided: no refund is requested while one is open, no charged back amount is
    /// refunded automatically, and after all decisions the buyer has every unit of what needs no manual refund, and no
    /// refund waits.
    #[test]
    fn chargebacks_and_refunds_together_give_the_money_back_once(
        happens in prop::collection::vec(interference(), 1..14),
    ) {
        let (mut placed, mut ids) = (order(), ids(NOW));
        apply(
            &mut placed,
            &News::Money(1, PaymentNews::Captured { amount: Some(usd(5_000)) }),
            LatePayment::Fulfil,
            &mut ids,
        );
        for one in happens {
            match one {
                Interference::Decline(ordinal) => {
                    let _ = placed.decline(vendor(ordinal), &mut ids);
                }
                Interference::Housekeeping => placed.ask_for_refunds(&mut ids),
                Interference::Unclear => {
                    for refund in placed.due() {
                        placed.schedule_refund_retry(refund, NOW).unwrap();
                    }
                }
                Interference::Dispute(reference, minor) => placed.apply_dispute(reference, minor, None, &mut ids),
                Interference::Decide(reference, decision) => {
                    placed.apply_dispute(reference, 5_000, Some(decision), &mut ids);
                }
            }
            prop_assert!(placed.due().is_empty() || !placed.is_disputed(PAID));
            let off = placed.vendors.iter().filter(|vendor_order| vendor_order.state.is_cancelled_or_declined());
            let owed: i64 = off.map(|vendor_order| vendor_order.totals.total.minor()).sum();
            let sent = placed.sum(|refund| refund.state == RefundState::Queued && !refund.may_be_made());
            prop_assert!(
                placed.is_disputed(PAID) || sent == 0 || sent + placed.sum(Refund::has_arrived) + placed.lost() <= owed,
                "{sent} of {owed} {placed:?}"
            );
        }
        for reference in ["du_1", "du_2"] {
            placed.apply_dispute(reference, 0, Some(DisputeStep::Won), &mut ids);
        }
        for ordinal in [1, 2] {
            let _ = placed.decline(vendor(ordinal), &mut ids);
        }
        placed.ask_for_refunds(&mut ids);
        prop_assert!(!placed.refunds.iter().any(|refund| refund.state == RefundState::Queued));
        let back = placed.sum(Refund::has_arrived) + placed.sum(Refund::needs_manual_refund);
        prop_assert!(back + placed.lost() >= 5_000, "some of the money did not reach the buyer: {placed:?}");
        prop_assert!(placed.sum(Refund::has_arrived) > 0 || back == (5_000 - placed.lost()).max(0), "{placed:?}");
    }
}

#[test]
fn the_newest_deadline_of_a_dispute_counts_in_whichever_order_its_news_comes() {
    let at = |day: u64| NOW + Duration::from_secs(day * 24 * 3600);
    let told = |placed: &mut PlacedOrder, told_at: u64, due: Option<u64>| {
        let news = DisputeNews {
            reference: "du_1".into(),
            amount: Some(usd(5_000)),
            reason: "fraudulent".into(),
            state: DisputeState::Opened,
            evidence_due_at: due.map(at),
        };
        placed.dispute_changed(PaymentId::from_bits(1), &news, at(told_at), &mut ids(NOW)).unwrap()
    };
    let mut placed = order();
    assert_eq!(told(&mut placed, 1, Some(9)), Settled::Changed);
    assert_eq!(told(&mut placed, 1, Some(9)), Settled::Unchanged);
    assert_eq!(told(&mut placed, 3, Some(12)), Settled::Changed);
    assert_eq!(told(&mut placed, 2, Some(10)), Settled::Unchanged, "it is older");
    assert_eq!(told(&mut placed, 4, None), Settled::Unchanged, "a provider that names none takes none back");
    assert_eq!((placed.disputes[0].evidence_due_at, placed.disputes[0].opened_at), (Some(at(12)), Some(at(1))));
}
