//! What holds when the buyer's bank interferes.

use super::*;

#[test]
fn a_refund_that_comes_back_while_the_bank_decides_waits_for_it() {
    for (decision, by_hand) in [(DisputeEvent::Won, true), (DisputeEvent::Lost, false)] {
        let (mut file, mut mint) = (order(), mint(1));
        tell(&mut file, &Told::Money(1, MoneyNews::Captured { amount: usd(5_000) }), Late::TakeStock, &mut mint);
        file.refuse(vendor(1), &mut mint).unwrap();
        let refund = file.refunds[0].id;
        file.refund_changed(refund, RefundEvent::Succeeded, Some("re_1".into()), &mint).unwrap();
        file.told_of_dispute("du_1", 5_000, None, &mut mint);
        file.refund_changed(refund, RefundEvent::Failed, None, &mint).unwrap();
        let said = |file: &OrderFile| file.events.iter().filter(|event| event.kind == EventKind::RefundFailed).count();
        assert!(!file.refunds[0].needs_a_hand() && said(&file) == 0);
        file.told_of_dispute("du_1", 5_000, Some(decision), &mut mint);
        assert_eq!((file.refunds[0].needs_a_hand(), said(&file)), (by_hand, usize::from(by_hand)));
    }
}

/// One thing that happens to a paid order whose bank interferes.
#[derive(Clone, Debug)]
enum Interference {
    Refuse(u16),
    Housekeeping,
    /// The provider is asked, and nobody knows what it did.
    Unclear,
    Dispute(&'static str, i64),
    Decide(&'static str, DisputeEvent),
}

fn interference() -> impl Strategy<Value = Interference> {
    let reference = || prop_oneof![Just("du_1"), Just("du_2")];
    let decision = prop_oneof![Just(DisputeEvent::Won), Just(DisputeEvent::Lost)];
    prop_oneof![
        2 => (1..=2_u16).prop_map(Interference::Refuse),
        2 => Just(Interference::Housekeeping),
        1 => Just(Interference::Unclear),
        2 => (reference(), prop_oneof![Just(5_000_i64), 1..5_000_i64]).prop_map(|(id, minor)| Interference::Dispute(id, minor)),
        2 => (reference(), decision).prop_map(|(id, decision)| Interference::Decide(id, decision)),
    ]
}

/// The only payment that has come.
const PAID: PaymentId = PaymentId::from_bits(1);

impl OrderFile {
    fn told_of_dispute(&mut self, reference: &str, minor: i64, decision: Option<DisputeEvent>, mint: &mut Mint) {
        let news = DisputeNews {
            reference: reference.into(),
            amount: Some(usd(minor)),
            reason: "fraudulent".into(),
            decision,
            at: NOW,
        };
        self.dispute_changed(PAID, news, mint);
    }

    fn due(&self) -> Vec<RefundId> {
        let due = self.refunds.iter().filter(|refund| refund.due_at.is_some_and(|due| due <= NOW));
        due.map(|refund| refund.id).collect()
    }

    /// Asks for every refund that is due of a provider that refuses once a bank has had its hand on the money.
    fn ask_for_refunds(&mut self, mint: &Mint) {
        for refund in self.due() {
            let event = if self.was_charged_back(PAID) { RefundEvent::Failed } else { RefundEvent::Succeeded };
            self.refund_changed(refund, event, Some(format!("re_{refund}")), mint).unwrap();
        }
    }

    /// Minor units of refunds.
    fn sum(&self, concerned: impl Fn(&Refund) -> bool) -> i64 {
        self.refunds.iter().filter(|refund| concerned(refund)).map(|refund| refund.to_send().minor()).sum()
    }

    fn lost(&self) -> i64 {
        self.charged_back(PAID, usd(0))
    }
}

proptest! {
    /// Whatever the buyer's bank does: nothing is asked for while it decides, no unit goes back by itself that it has given,
    /// and when all is decided the buyer has every unit of what nobody sends him, and no refund waits.
    #[test]
    fn the_bank_and_the_shop_together_give_the_buyer_his_money_once(
        happens in prop::collection::vec(interference(), 1..14),
    ) {
        let (mut file, mut mint) = (order(), mint(1));
        tell(&mut file, &Told::Money(1, MoneyNews::Captured { amount: usd(5_000) }), Late::TakeStock, &mut mint);
        for one in happens {
            match one {
                Interference::Refuse(part) => {
                    let _ = file.refuse(vendor(part), &mut mint);
                }
                Interference::Housekeeping => file.ask_for_refunds(&mint),
                Interference::Unclear => {
                    for refund in file.due() {
                        file.refund_waits(refund, NOW).unwrap();
                    }
                }
                Interference::Dispute(reference, minor) => file.told_of_dispute(reference, minor, None, &mut mint),
                Interference::Decide(reference, decision) => {
                    file.told_of_dispute(reference, 5_000, Some(decision), &mut mint);
                }
            }
            prop_assert!(file.due().is_empty() || !file.is_disputed(PAID));
            let off = file.vendors.iter().filter(|part| part.state.is_off());
            let owed: i64 = off.map(|part| part.totals.total.minor()).sum();
            let sent = file.sum(|refund| refund.state == RefundState::Queued && !refund.may_be_made());
            prop_assert!(
                file.is_disputed(PAID) || sent == 0 || sent + file.sum(Refund::has_arrived) + file.lost() <= owed,
                "{sent} of {owed} {file:?}"
            );
        }
        for reference in ["du_1", "du_2"] {
            file.told_of_dispute(reference, 0, Some(DisputeEvent::Won), &mut mint);
        }
        for part in [1, 2] {
            let _ = file.refuse(vendor(part), &mut mint);
        }
        file.ask_for_refunds(&mint);
        prop_assert!(!file.refunds.iter().any(|refund| refund.state == RefundState::Queued));
        let back = file.sum(Refund::has_arrived) + file.sum(Refund::needs_a_hand);
        prop_assert!(back + file.lost() >= 5_000, "something did not reach the buyer: {file:?}");
        prop_assert!(file.sum(Refund::has_arrived) > 0 || back == (5_000 - file.lost()).max(0), "{file:?}");
    }
}
