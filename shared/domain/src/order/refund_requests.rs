//! Requests for refunds: whether a provider may have made one that it was asked for, and what a refusal leaves to do.

use super::PlacedOrder;
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::payment::{Refund, RefundState, RefundStep};
use crate::provider_news::{RefundNews, RefundOutcome};
use crate::{RefundId, Timestamp};

/// What becomes of a refund that its provider has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedRefund {
    /// Nothing is left of it: the buyer has the money already.
    Ended,
    /// Less of it is left than was asked for: that is to be asked for.
    Smaller,
    /// Somebody has made another at the provider, which is not decided: this one waits for it.
    Waits,
    /// It has failed.
    Failed,
}

impl PlacedOrder {
    fn asked_refund(&mut self, refund: RefundId) -> Result<&mut Refund, Refusal> {
        let known = self.refunds.iter_mut().find(|known| known.id == refund).ok_or(Refusal::of(Code::NotFound))?;
        if matches!(known.state, RefundState::Queued | RefundState::Pending) {
            Ok(known)
        } else {
            Err(Refusal::of(Code::WrongState))
        }
    }

    /// Records that the provider is about to be asked for a queued refund, before it is: from now on it may have made
    /// it, so that no other money takes its place. Without an answer it is asked again at `until`.
    pub fn begin_refund_request(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        let known = self.asked_refund(refund)?;
        known.attempts = known.attempts.saturating_add(1);
        known.due_at = Some(until);
        Ok(())
    }

    /// Records that the provider could not be asked after all, so that this was no try.
    pub fn refund_was_not_requested(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        let known = self.asked_refund(refund)?;
        if known.state == RefundState::Queued {
            known.attempts = known.attempts.saturating_sub(1).max(known.refusals);
        }
        known.due_at = Some(until);
        Ok(())
    }

    /// Records when to ask again, and nothing else.
    pub fn postpone_refund(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        self.asked_refund(refund)?.due_at = Some(until);
        Ok(())
    }

    /// Records that the provider has refused, as it does while the buyer's bank decides, and when to ask again: under
    /// another key, because it has stored the refusal under this one.
    pub fn refund_refused_for_now(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        let known = self.asked_refund(refund)?;
        // It was looked up before it was requested, so no earlier request is in doubt: none was made.
        known.refusals = known.attempts;
        known.due_at = Some(until);
        Ok(())
    }

    /// Applies a refusal, together with the refunds that the provider has made of the payment (`made`): money that was
    /// given back at its dashboard is news, and takes the place of what was refused. Only what is missing then has to
    /// be made.
    pub fn refund_refused(
        &mut self,
        refund: RefundId,
        made: &[RefundNews],
        ids: &mut Ids,
    ) -> Result<RefusedRefund, Refusal> {
        let known = self.asked_refund(refund)?;
        let payment = known.payment;
        // Those of earlier keys were known when it was asked for under this one.
        let earlier = known.earlier_references.clone();
        if !made.iter().any(|news| news.refund_id == Some(refund) && !earlier.contains(&news.reference)) {
            known.refusals = known.attempts;
        }
        let before = known.to_send();
        for news in made {
            let ours = self.refund_of(news).filter(|id| self.refunds.iter().any(|known| known.id == *id));
            match (ours, &news.outcome) {
                (Some(known), outcome) => {
                    self.refund_changed(known, outcome.step(), Some(news.reference.clone()), ids)?;
                }
                // It moves no money, and nobody has asked for it here.
                (None, RefundOutcome::Failed { .. }) => {}
                (None, _) => {
                    self.refunded_elsewhere(payment, news, ids)?;
                }
            }
        }
        // What was known already has not taken its place as long as it might have been made.
        self.count_elsewhere(payment, ids);
        let Ok(known) = self.asked_refund(refund) else { return Ok(RefusedRefund::Ended) };
        if known.to_send().minor() < before.minor() {
            return Ok(RefusedRefund::Smaller);
        }
        let is_undecided = |other: &Refund| {
            other.payment == payment && other.was_made_elsewhere() && other.state == RefundState::Pending
        };
        if self.refunds.iter().any(is_undecided) {
            return Ok(RefusedRefund::Waits);
        }
        self.refund_changed(refund, RefundStep::Failed, None, ids)?;
        Ok(RefusedRefund::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VendorId;
    use crate::examples::{self, after, ids, usd, vendor_card};
    use crate::order::{Actor, LatePayment, OrderEventKind};
    use crate::payment::ProviderName;
    use crate::provider_news::PaymentNews;

    /// A cancelled order whose refund was asked for.
    fn asked() -> (PlacedOrder, RefundId) {
        let mut placed = examples::order(ProviderName::Stripe, &[vendor_card(VendorId::from_bits(3), "Chorsu")]);
        let news = PaymentNews::Captured { amount: Some(placed.order.totals.total) };
        placed.settle(placed.payments[0].id, &news, LatePayment::Refund, &mut ids(after(10))).unwrap();
        placed.cancel(Actor::Buyer, &mut ids(after(20))).unwrap();
        placed.events.clear();
        let refund = placed.refunds[0].id;
        placed.begin_refund_request(refund, after(150)).unwrap();
        (placed, refund)
    }

    fn made(reference: &str, minor: i64, outcome: RefundOutcome) -> RefundNews {
        RefundNews { reference: reference.into(), refund_id: None, amount: Some(usd(minor)), outcome }
    }

    fn tells_the_operator(placed: &PlacedOrder) -> bool {
        placed.events.iter().any(|event| event.kind == OrderEventKind::RefundFailed)
    }

    #[test]
    fn being_unable_to_ask_is_no_try_and_what_was_not_asked_for_can_be_covered() {
        let (mut placed, refund) = asked();
        assert!(placed.refunds[0].may_be_made(), "while the request is under way");
        placed.refund_was_not_requested(refund, after(200)).unwrap();
        assert_eq!((placed.refunds[0].attempts, placed.refunds[0].due_at), (0, Some(after(200))));
        let all = placed.order.totals.total.minor();
        let payment = placed.payments[0].id;
        let news = made("re_9", all, RefundOutcome::Succeeded);
        placed.refunded_elsewhere(payment, &news, &mut ids(after(210))).unwrap();
        assert_eq!(placed.refunds[0].state, RefundState::Resolved);
    }

    #[test]
    fn money_given_back_elsewhere_while_a_request_is_under_way_takes_its_place_only_when_it_is_refused() {
        let (mut placed, refund) = asked();
        let all = placed.order.totals.total.minor();
        let news = made("re_9", all, RefundOutcome::Succeeded);
        placed.refunded_elsewhere(placed.payments[0].id, &news, &mut ids(after(30))).unwrap();
        assert_eq!(placed.refunds[0].state, RefundState::Queued, "the provider may have made it as well");
        let refused = placed.refund_refused(refund, &[news], &mut ids(after(40))).unwrap();
        assert_eq!(refused, RefusedRefund::Ended);
        assert_eq!((placed.refunds[0].state, placed.refunds.len()), (RefundState::Resolved, 2));
        assert!(!tells_the_operator(&placed));
    }

    #[test]
    fn what_is_missing_after_a_refusal_is_asked_for_under_another_key_and_fails_only_when_nothing_explains_it() {
        let (mut placed, refund) = asked();
        let all = placed.order.totals.total.minor();
        let part = [made("re_9", all - 500, RefundOutcome::Succeeded)];
        let refused = placed.refund_refused(refund, &part, &mut ids(after(40))).unwrap();
        assert_eq!((refused, placed.refunds[0].to_send()), (RefusedRefund::Smaller, usd(500)));
        assert_eq!((placed.refunds[0].refusals, placed.refunds[0].may_be_made()), (1, false));
        placed.begin_refund_request(refund, after(250)).unwrap();
        let undecided = [part[0].clone(), made("re_10", 500, RefundOutcome::Pending)];
        let refused = placed.refund_refused(refund, &undecided, &mut ids(after(260))).unwrap();
        assert_eq!((refused, tells_the_operator(&placed)), (RefusedRefund::Waits, false));
        placed.begin_refund_request(refund, after(350)).unwrap();
        let failed = RefundOutcome::Failed { code: "declined".into() };
        let failed = [part[0].clone(), made("re_10", 500, failed)];
        let refused = placed.refund_refused(refund, &failed, &mut ids(after(360))).unwrap();
        assert_eq!((refused, placed.refunds[0].state), (RefusedRefund::Failed, RefundState::Failed));
        assert!(placed.refunds[0].needs_manual_refund());
        assert_eq!(placed.refunds[0].to_send(), usd(500), "only what is missing");
    }

    #[test]
    fn a_refund_of_ours_in_the_list_was_made_although_a_request_was_refused() {
        let (mut placed, refund) = asked();
        let all = placed.order.totals.total.minor();
        let ours = RefundNews { refund_id: Some(refund), ..made("re_1", all, RefundOutcome::Succeeded) };
        let refused = placed.refund_refused(refund, &[ours], &mut ids(after(40))).unwrap();
        assert_eq!((refused, placed.refunds[0].state), (RefusedRefund::Ended, RefundState::Succeeded));
    }
}
