//! What people decide about refunds, and amounts that a provider pays in steps.

use super::*;
use crate::order::GrantedRefund;
use crate::payment::RefundRules;
use crate::text::Note;

const PAID: PaymentId = PaymentId::from_bits(1);

fn paid(mut placed: PlacedOrder, ids: &mut Ids) -> PlacedOrder {
    let amount = Some(placed.order.totals.total);
    for payment in &mut placed.payments {
        payment.amount = placed.order.totals.total;
    }
    placed.settle(PAID, &PaymentNews::Captured { amount }, LatePayment::Fulfil, ids).unwrap();
    placed
}

fn note(text: &str) -> Note {
    Note::parse(text).unwrap()
}

/// An order whose whole refund has failed.
fn with_failed_refund() -> (PlacedOrder, RefundId, Ids) {
    let mut ids = ids(NOW);
    let mut placed = paid(order(), &mut ids);
    placed.cancel(Actor::Buyer, &mut ids).unwrap();
    let refund = placed.refunds[0].id;
    placed.refund_changed(refund, RefundStep::Submitted, Some("re_1".into()), &mut ids).unwrap();
    placed.refund_changed(refund, RefundStep::Failed, Some("re_1".into()), &mut ids).unwrap();
    assert!(placed.refunds[0].needs_manual_refund());
    (placed, refund, ids)
}

#[test]
fn a_refund_that_did_not_arrive_is_tried_again_under_a_new_key_and_old_news_of_it_changes_nothing() {
    let (mut placed, refund, mut ids) = with_failed_refund();
    placed.retry_refund(refund, &mut ids).unwrap();
    assert_eq!((placed.refunds[0].state, placed.refunds[0].due_at), (RefundState::Queued, Some(NOW)));
    assert_eq!(placed.refunds[0].refusals, 1, "the number is a part of the key");
    assert!(!placed.refunds[0].may_be_made());
    assert_eq!(placed.retry_refund(refund, &mut ids).unwrap_err().code(), Code::WrongState);
    let again = placed.refund_changed(refund, RefundStep::Failed, Some("re_1".into()), &mut ids).unwrap();
    assert_eq!((again, placed.refunds[0].state), (Settled::Unchanged, RefundState::Queued));
    placed.refund_changed(refund, RefundStep::Succeeded, Some("re_2".into()), &mut ids).unwrap();
    assert_eq!(placed.refunds[0].state, RefundState::Succeeded);
    assert_eq!(placed.payments[0].state, PaymentState::Refunded);
    // The bank may send that back as well.
    placed.refund_changed(refund, RefundStep::Failed, Some("re_2".into()), &mut ids).unwrap();
    assert!(placed.refunds[0].needs_manual_refund());
    placed.retry_refund(refund, &mut ids).unwrap();
    assert_eq!((placed.refunds[0].state, placed.refunds[0].returned_at), (RefundState::Queued, None));
    assert_eq!(placed.refunds[0].earlier_references, ["re_1", "re_2"]);
    // And the first is found to be made after all: that is money that somebody has to see.
    placed.refund_changed(refund, RefundStep::Succeeded, Some("re_1".into()), &mut ids).unwrap();
    assert_eq!(placed.refunds[0].state, RefundState::Queued);
    assert_eq!(placed.history.last().unwrap().event, HistoryEvent::RefundSucceededAfterFailure);
}

#[test]
fn a_refund_that_was_given_back_by_other_means_waits_for_nobody_and_holds_its_money() {
    let (mut placed, refund, mut ids) = with_failed_refund();
    placed.resolve_refund(refund, &note("In cash, at the shop."), &mut ids).unwrap();
    assert_eq!(placed.refunds[0].state, RefundState::Resolved);
    assert!(!placed.refunds[0].needs_manual_refund() && placed.is_resolved(refund));
    assert_eq!(placed.refundable_amount(PAID), Some(usd(0)));
    assert_eq!(placed.resolve_refund(refund, &note("Again."), &mut ids).unwrap_err().code(), Code::WrongState);
    // It was the dashboard, and its news comes now: that is the same money.
    let elsewhere = News::Refund(1, "re_9", 5_000, RefundStep::Succeeded);
    apply(&mut placed, &elsewhere, LatePayment::Fulfil, &mut ids);
    assert_eq!(placed.refunds[0].refunded_elsewhere, Some(usd(5_000)));
    assert_eq!(placed.elsewhere_left(PAID), 0);
}

#[test]
fn one_that_came_back_is_resolved_too_and_one_that_a_bank_decides_about_is_not() {
    let (mut placed, refund, mut ids) = with_failed_refund();
    apply(&mut placed, &News::Dispute("du_1", None), LatePayment::Fulfil, &mut ids);
    for refused in [placed.clone().retry_refund(refund, &mut ids), placed.resolve_refund(refund, &note("x"), &mut ids)]
    {
        assert_eq!(refused.unwrap_err().code(), Code::WrongState);
    }
    let mut placed = paid(order(), &mut ids);
    placed.cancel(Actor::Buyer, &mut ids).unwrap();
    let refund = placed.refunds[0].id;
    placed.refund_changed(refund, RefundStep::Succeeded, Some("re_1".into()), &mut ids).unwrap();
    assert_eq!(placed.resolve_refund(refund, &note("x"), &mut ids).unwrap_err().code(), Code::WrongState);
    placed.refund_changed(refund, RefundStep::Failed, Some("re_1".into()), &mut ids).unwrap();
    placed.resolve_refund(refund, &note("By bank transfer."), &mut ids).unwrap();
    assert_eq!(placed.refunds[0].state, RefundState::Succeeded);
    assert_eq!(placed.refundable_amount(PAID), Some(usd(0)));
}

/// An order of two vendors, whose lines cost so much a unit, at a provider that pays in steps of ten.
fn in_steps(prices: [i64; 2], deliveries: [i64; 2]) -> PlacedOrder {
    let mut placed = order();
    for ((vendor_order, price), delivery) in placed.vendors.iter_mut().zip(prices).zip(deliveries) {
        let line = &mut vendor_order.lines[0];
        (line.unit_price, line.total) = (usd(price), usd(2 * price));
        line.shares = Shares::of(line.total, BasisPoints::ZERO, BasisPoints::ZERO).unwrap();
        vendor_order.shipping.price = usd(delivery);
        vendor_order.delivery = Shares::of(usd(delivery), BasisPoints::ZERO, BasisPoints::ZERO).unwrap();
        vendor_order.totals = VendorOrder::sums(&vendor_order.lines, &vendor_order.delivery).unwrap().0;
    }
    let total: i64 = placed.vendors.iter().map(|one| one.totals.total.minor()).sum();
    placed.order.totals.total = usd(total);
    for payment in &mut placed.payments {
        payment.refunds = Some(RefundRules { parts: true, step: 10, least: 10 });
    }
    placed
}

/// What may be decided about a paid order.
#[derive(Clone, Copy, Debug)]
enum Decision {
    Decline(u16),
    Ship(u16, u32),
    Lose(u16),
    Grant(u16, u32, bool),
    Goodwill(Option<u16>, i64),
    /// Every refund that is due is requested, and made or refused.
    Housekeeping(RefundStep),
    Retry,
    Resolve,
}

fn any_decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        1 => (1..=2_u16).prop_map(Decision::Decline),
        3 => (1..=2_u16, 1..=2_u32).prop_map(|(vendor, units)| Decision::Ship(vendor, units)),
        1 => (1..=2_u16).prop_map(Decision::Lose),
        3 => (1..=2_u16, 0..=2_u32, any::<bool>()).prop_map(|(vendor, units, all)| Decision::Grant(vendor, units, all)),
        2 => (prop::option::of(1..=2_u16), 1..2_000_i64).prop_map(|(vendor, of)| Decision::Goodwill(vendor, of)),
        2 => Just(Decision::Housekeeping(RefundStep::Succeeded)),
        1 => Just(Decision::Housekeeping(RefundStep::Failed)),
        1 => Just(Decision::Retry),
        1 => Just(Decision::Resolve),
    ]
}

fn decide(placed: &mut PlacedOrder, decision: Decision, ids: &mut Ids) {
    let by_hand = |placed: &PlacedOrder| placed.refunds.iter().find(|one| one.needs_manual_refund()).map(|one| one.id);
    let before = placed.clone();
    let done = match decision {
        Decision::Decline(ordinal) => placed.decline(vendor(ordinal), ids),
        Decision::Ship(ordinal, units) => {
            drop(placed.accept(vendor(ordinal), ids));
            let lines = Some(vec![ParcelLine { variant_id: variant(ordinal), quantity: units }]);
            placed.ship(vendor(ordinal), &NewParcel { lines, ..NewParcel::default() }, ids)
        }
        Decision::Lose(ordinal) => placed.end_parcel(vendor(ordinal), 1, ParcelStep::Lost, false, ids),
        Decision::Grant(ordinal, units, shipping) => {
            let line = ParcelLine { variant_id: variant(ordinal), quantity: units };
            let lines = if units == 0 { Vec::new() } else { vec![line] };
            let asked = GrantedRefund { vendor: Some(vendor(ordinal)), lines, shipping, ..GrantedRefund::default() };
            placed.grant_refund(&asked, Actor::Operator, ids)
        }
        Decision::Goodwill(of, amount) => {
            let asked = GrantedRefund { vendor: of.map(vendor), amount: Some(usd(amount)), ..GrantedRefund::default() };
            placed.grant_refund(&asked, Actor::Operator, ids)
        }
        Decision::Housekeeping(step) => {
            let is_due = |refund: &&Refund| refund.due_at.is_some_and(|due| due <= NOW);
            let due: Vec<RefundId> = placed.refunds.iter().filter(is_due).map(|refund| refund.id).collect();
            for refund in due {
                placed.refund_changed(refund, step, None, ids).unwrap();
            }
            Ok(())
        }
        Decision::Retry => by_hand(placed).map_or(Ok(()), |refund| placed.retry_refund(refund, ids)),
        Decision::Resolve => {
            by_hand(placed).map_or(Ok(()), |refund| placed.resolve_refund(refund, &note("Cash."), ids))
        }
    };
    if done.is_err() {
        // The caller writes nothing.
        *placed = before;
    }
}

proptest! {
    /// Whatever is decided, each refund can be paid, their parts are the shares of what is refunded, and together they
    /// are never more than was captured.
    #[test]
    fn refunds_are_payable_exact_and_never_more_than_the_payment(
        prices in [1..400_i64, 1..400_i64], deliveries in [0..300_i64, 0..300_i64],
        decisions in prop::collection::vec(any_decision(), 1..16),
    ) {
        let mut ids = ids(NOW);
        let mut placed = in_steps(prices, deliveries);
        // The provider takes multiples of ten only.
        let total = placed.order.totals.total.minor();
        let odd = (10 - total % 10) % 10;
        let delivery = usd(placed.vendors[0].shipping.price.minor() + odd);
        placed.vendors[0].delivery = Shares::of(delivery, BasisPoints::ZERO, BasisPoints::ZERO).unwrap();
        placed.vendors[0].totals = VendorOrder::sums(&placed.vendors[0].lines, &placed.vendors[0].delivery).unwrap().0;
        placed.order.totals.total = usd(total + odd);
        let captured = total + odd;
        let mut placed = paid(placed, &mut ids);
        for decision in decisions {
            decide(&mut placed, decision, &mut ids);
            for refund in &placed.refunds {
                prop_assert_eq!(refund.amount.minor() % 10, 0, "{:?} after {:?}", refund, decision);
                let parts: i64 = refund.parts.iter().map(|part| part.amount.minor()).sum();
                let rounding = refund.rounding.map_or(0, Money::minor);
                let surplus = refund.amount.minor() - rounding - parts;
                prop_assert!(surplus == 0 || refund.reason == RefundReason::Goodwill || placed.order.state == OrderState::Cancelled
                    || placed.vendors.iter().all(|one| one.state.is_unfulfilled()), "{refund:?}");
            }
            prop_assert!((0..10).contains(&placed.rounded(PAID)), "{}", placed.rounded(PAID));
            let held: i64 = placed.refunds.iter().filter(|one| one.holds_money()).map(|one| one.to_send().minor()).sum();
            let by_hand: i64 = placed.refunds.iter().filter(|one| one.needs_manual_refund()).map(|one| one.to_send().minor()).sum();
            prop_assert!(held + by_hand <= captured, "{held} + {by_hand} of {captured}");
            prop_assert_eq!(placed.refundable_amount(PAID), Some(usd(captured - held)));
            // No vendor order gives back more than it cost.
            for vendor_order in &placed.vendors {
                let parts = placed.refunds.iter().flat_map(|one| &one.parts).filter(|part| part.vendor == vendor_order.vendor.id);
                let back: i64 = parts.map(|part| part.amount.minor()).sum();
                prop_assert!(back <= vendor_order.totals.total.minor(), "{back} of {vendor_order:?}");
            }
            // By lines, each unit is refunded at most once, and all of what did not come.
            for vendor_order in &placed.vendors {
                let of = |line: &OrderLine| placed.refunds.iter().flat_map(|one| &one.parts)
                    .filter(|part| part.vendor == vendor_order.vendor.id).flat_map(|part| &part.lines)
                    .filter(|units| units.variant == line.variant).map(|units| units.units).sum::<u32>();
                for (line, gone) in vendor_order.lines.iter().zip(vendor_order.gone()) {
                    // Units of which goodwill has given back the price already are in no refund.
                    prop_assert!(of(line) <= line.refunded);
                    prop_assert!(line.refunded <= line.quantity && line.granted <= line.refunded);
                    prop_assert!(line.refunded >= gone.min(line.quantity));
                }
            }
        }
    }
}

#[test]
fn an_odd_share_is_rounded_up_and_the_next_refund_is_less_by_it() {
    let mut ids = ids(NOW);
    // 1.005 and 3.005 dinars, as it was reported; here in cents of a provider with the same steps.
    let mut placed = paid(in_steps([500, 1_500], [5, 5]), &mut ids);
    placed.decline(vendor(1), &mut ids).unwrap();
    assert_eq!((placed.refunds[0].amount, placed.refunds[0].rounding), (usd(1_010), Some(usd(5))));
    assert_eq!(placed.refunds[0].parts[0].amount, usd(1_005), "the vendor bears no rounding");
    placed.decline(vendor(2), &mut ids).unwrap();
    let second = placed.refunds.iter().find(|refund| refund.vendor == Some(vendor(2))).unwrap();
    assert_eq!((second.amount, second.parts[0].amount), (usd(3_000), usd(3_005)));
}

#[test]
fn a_grant_never_pays_for_goods_that_are_still_to_be_shipped() {
    let mut ids = ids(NOW);
    let mut placed = paid(order(), &mut ids);
    let all = GrantedRefund { amount: Some(usd(5_000)), ..GrantedRefund::default() };
    assert_eq!(placed.clone().grant_refund(&all, Actor::Operator, &mut ids).unwrap_err().code(), Code::WrongState);
    let units = ParcelLine { variant_id: variant(1), quantity: 1 };
    let line = GrantedRefund { lines: vec![units], ..GrantedRefund::default() };
    assert_eq!(placed.clone().grant_refund(&line, Actor::Operator, &mut ids).unwrap_err().code(), Code::WrongState);
    placed.accept(vendor(1), &mut ids).unwrap();
    placed.ship(vendor(1), &NewParcel::default(), &mut ids).unwrap();
    placed.grant_refund(&line, Actor::Operator, &mut ids).unwrap();
    assert_eq!((placed.refunds[0].amount, placed.refunds[0].reason), (usd(1_000), RefundReason::Granted));
    assert_eq!(placed.vendors[0].lines[0].granted, 1);
    // The parcel is lost after that: the rest goes back, and no unit twice.
    placed.end_parcel(vendor(1), 1, ParcelStep::Lost, false, &mut ids).unwrap();
    assert_eq!(placed.refunds[1].amount, usd(1_500));
}
