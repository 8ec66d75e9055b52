//! Properties of money that is disputed, charged back, or given back at the provider's dashboard: goods without money
//! are not shipped, and nobody is paid twice.

use super::*;

const PAID: u128 = 1;

fn paid() -> (PlacedOrder, Ids) {
    let (mut placed, mut ids) = (order(), ids(NOW));
    let captured = News::Money(PAID, PaymentNews::Captured { amount: Some(usd(5_000)) });
    apply(&mut placed, &captured, LatePayment::Fulfil, &mut ids);
    placed.stock_moves.clear();
    placed.events.clear();
    (placed, ids)
}

fn refunded(placed: &mut PlacedOrder, reference: &'static str, amount: i64, ids: &mut Ids) {
    apply(placed, &News::Refund(PAID, reference, amount, RefundStep::Succeeded), LatePayment::Fulfil, ids);
}

fn events(placed: &PlacedOrder) -> Vec<OrderEventKind> {
    placed.events.iter().map(|event| event.kind).collect()
}

#[test]
fn while_the_bank_decides_nothing_is_accepted_or_shipped_and_declining_is_possible() {
    let (mut placed, mut ids) = paid();
    placed.accept(vendor(1), &mut ids).unwrap();
    apply(&mut placed, &News::Dispute("du_1", None), LatePayment::Fulfil, &mut ids);
    let refused = |result: Result<(), Refusal>| result.unwrap_err().code();
    assert_eq!(refused(placed.accept(vendor(2), &mut ids)), Code::PaymentDisputed);
    assert_eq!(refused(placed.ship(vendor(1), &NewParcel::default(), &mut ids)), Code::PaymentDisputed);
    placed.decline(vendor(2), &mut ids).unwrap();
    apply(&mut placed, &News::Dispute("du_1", Some(DisputeStep::Won)), LatePayment::Fulfil, &mut ids);
    placed.ship(vendor(1), &NewParcel::default(), &mut ids).unwrap();
}

#[test]
fn a_lost_dispute_cancels_what_was_not_shipped() {
    let (mut placed, mut ids) = paid();
    placed.accept(vendor(1), &mut ids).unwrap();
    let lost = News::Dispute("du_1", Some(DisputeStep::Lost));
    let mut none_shipped = placed.clone();
    apply(&mut none_shipped, &lost, LatePayment::Fulfil, &mut ids);
    assert_eq!(none_shipped.order.state, OrderState::Cancelled);
    assert_eq!(none_shipped.stock_moves.iter().map(|one| one.available).sum::<i64>(), 4);
    assert!(events(&none_shipped).contains(&OrderEventKind::OrderCancelled));
    let sent: i64 = none_shipped.refunds.iter().map(|refund| refund.to_send().minor()).sum();
    assert_eq!(sent, 0, "the bank has given it back");

    placed.ship(vendor(1), &NewParcel::default(), &mut ids).unwrap();
    apply(&mut placed, &lost, LatePayment::Fulfil, &mut ids);
    let states = placed.vendors.iter().map(|vendor_order| vendor_order.state).collect::<Vec<_>>();
    assert_eq!(states, [VendorOrderState::Shipped, VendorOrderState::Cancelled]);
    assert!(events(&placed).contains(&OrderEventKind::VendorOrderCancelled));
}

#[test]
fn money_that_was_all_given_back_elsewhere_stops_the_goods() {
    let (mut placed, mut ids) = paid();
    refunded(&mut placed, "re_1", 4_000, &mut ids);
    assert_eq!(placed.order.state, OrderState::Paid, "a part may be goodwill");
    refunded(&mut placed, "re_2", 1_000, &mut ids);
    assert_eq!(placed.order.state, OrderState::Cancelled);
    let own = placed.refunds.iter().filter(|refund| refund.reason == RefundReason::Cancelled);
    assert_eq!(own.map(|refund| (refund.to_send(), refund.amount)).collect::<Vec<_>>(), [(usd(0), usd(5_000))]);
    // Together with what was refunded from here, too.
    let (mut placed, mut ids) = paid();
    placed.decline(vendor(1), &mut ids).unwrap();
    let refund = placed.refunds[0].id;
    placed.refund_changed(refund, RefundStep::Succeeded, None, &mut ids).unwrap();
    refunded(&mut placed, "re_9", 2_500, &mut ids);
    assert_eq!(placed.order.state, OrderState::Cancelled);
}

#[test]
fn a_refund_that_was_made_elsewhere_meanwhile_needs_nobodys_hand() {
    let (mut placed, mut ids) = paid();
    placed.cancel(Actor::Buyer, &mut ids).unwrap();
    let refund = placed.refunds[0].id;
    // It was requested, so it may be under way: it is not touched, and the provider refuses it.
    placed.schedule_refund_retry(refund, NOW).unwrap();
    refunded(&mut placed, "re_1", 5_000, &mut ids);
    assert_eq!(placed.refunds[0].to_send(), usd(5_000));
    placed.refund_changed(refund, RefundStep::Failed, None, &mut ids).unwrap();
    assert!(placed.refunds.iter().all(|refund| !refund.needs_manual_refund()));
    // The refusal may be known before the refund elsewhere is.
    let (mut placed, mut ids) = paid();
    placed.cancel(Actor::Buyer, &mut ids).unwrap();
    let refund = placed.refunds[0].id;
    placed.refund_changed(refund, RefundStep::Failed, None, &mut ids).unwrap();
    assert!(placed.refunds[0].needs_manual_refund());
    refunded(&mut placed, "re_1", 5_000, &mut ids);
    assert!(placed.refunds.iter().all(|refund| !refund.needs_manual_refund()));
}

/// What may happen to a paid order.
#[derive(Clone, Debug)]
enum Act {
    Decline(u16),
    Elsewhere(&'static str, i64),
    /// Every refund that is due is requested, and made or refused.
    Housekeeping(RefundStep),
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (1..=2_u16).prop_map(Act::Decline),
        3 => (0..4_usize, 1..2_600_i64).prop_map(|(at, amount)| {
            Act::Elsewhere(["re_1", "re_2", "re_3", "re_4"][at], amount)
        }),
        2 => Just(Act::Housekeeping(RefundStep::Succeeded)),
        1 => Just(Act::Housekeeping(RefundStep::Failed)),
    ]
}

proptest! {
    /// The buyer gets what was decided, by whatever way, and what was given back elsewhere beyond it; never more.
    #[test]
    fn what_was_given_back_elsewhere_is_not_given_back_again(acts in prop::collection::vec(any_act(), 1..12)) {
        let (mut placed, mut ids) = paid();
        for act in acts {
            match act {
                Act::Decline(ordinal) => drop(placed.decline(vendor(ordinal), &mut ids)),
                Act::Elsewhere(reference, amount) => {
                    let left = placed.refundable_amount(PaymentId::from_bits(PAID)).unwrap().minor();
                    // No provider gives back more than it took and has not promised to give back already.
                    if left > 0 {
                        refunded(&mut placed, reference, amount.min(left), &mut ids);
                    }
                }
                Act::Housekeeping(step) => {
                    let due: Vec<RefundId> = placed.refunds.iter()
                        .filter(|refund| refund.due_at.is_some_and(|due| due <= NOW)).map(|refund| refund.id).collect();
                    for refund in due {
                        placed.refund_changed(refund, step, None, &mut ids).unwrap();
                    }
                }
            }
            let of = |is: &dyn Fn(&Refund) -> bool| {
                placed.refunds.iter().filter(|refund| is(refund)).map(|refund| refund.to_send().minor()).sum::<i64>()
            };
            let (back, by_hand) = (of(&Refund::holds_money), of(&Refund::needs_manual_refund));
            let ended = placed.vendors.iter().filter(|vendor_order| vendor_order.state.is_cancelled_or_declined());
            let decided: i64 = ended.map(|vendor_order| vendor_order.totals.total.minor()).sum();
            let beyond = placed.elsewhere_left(PaymentId::from_bits(PAID));
            prop_assert!(back <= 5_000, "{placed:?}");
            prop_assert!(back + by_hand >= decided, "the buyer lacks {} of {decided}: {placed:?}", decided - back - by_hand);
            prop_assert!(back + by_hand <= decided + beyond, "{back} + {by_hand} for {decided} + {beyond}: {placed:?}");
            prop_assert!(beyond == 0 || by_hand == 0, "nobody pays by hand what was given back: {placed:?}");
        }
    }
}

#[test]
fn a_refund_that_fails_at_the_dashboard_stops_nothing_and_covers_nothing() {
    let (mut placed, mut ids) = paid();
    apply(&mut placed, &News::Refund(PAID, "re_1", 5_000, RefundStep::Failed), LatePayment::Fulfil, &mut ids);
    assert_eq!(placed.order.state, OrderState::Paid);
    placed.cancel(Actor::Buyer, &mut ids).unwrap();
    let own = placed.refunds.iter().find(|refund| refund.reason == RefundReason::Cancelled).unwrap();
    assert_eq!((own.state, own.to_send()), (RefundState::Queued, usd(5_000)));
}

#[test]
fn another_refund_at_the_dashboard_takes_the_place_of_one_that_came_back() {
    let (mut placed, mut ids) = paid();
    placed.cancel(Actor::Buyer, &mut ids).unwrap();
    refunded(&mut placed, "re_1", 5_000, &mut ids);
    assert_eq!(placed.refunds[0].state, RefundState::Resolved);
    apply(&mut placed, &News::Refund(PAID, "re_1", 5_000, RefundStep::Failed), LatePayment::Fulfil, &mut ids);
    let by_hand = |placed: &PlacedOrder| placed.refunds.iter().filter(|refund| refund.needs_manual_refund()).count();
    assert_eq!(by_hand(&placed), 1, "the money is here again");
    refunded(&mut placed, "re_2", 5_000, &mut ids);
    assert_eq!(by_hand(&placed), 0);
}

#[test]
fn what_was_paid_too_much_and_given_back_is_not_taken_off_what_is_due() {
    let (mut placed, mut ids) = (order(), ids(NOW));
    let captured = News::Money(PAID, PaymentNews::Captured { amount: Some(usd(5_500)) });
    apply(&mut placed, &captured, LatePayment::Fulfil, &mut ids);
    placed.accept_amount(PaymentId::from_bits(PAID), &mut ids).unwrap();
    refunded(&mut placed, "re_1", 500, &mut ids);
    placed.decline(vendor(1), &mut ids).unwrap();
    let own = placed.refunds.iter().find(|refund| refund.reason == RefundReason::Declined).unwrap();
    assert_eq!(own.to_send(), usd(2_500));
}

#[test]
fn money_that_is_gone_already_reopens_no_order() {
    let (mut placed, mut ids) = (order(), ids(NOW));
    placed.expire(&mut ids).unwrap();
    apply(&mut placed, &News::Dispute("du_1", Some(DisputeStep::Lost)), LatePayment::Fulfil, &mut ids);
    let captured = News::Money(PAID, PaymentNews::Captured { amount: Some(usd(5_000)) });
    apply(&mut placed, &captured, LatePayment::Fulfil, &mut ids);
    assert_eq!(placed.order.state, OrderState::Expired);
    assert_eq!(placed.refunds.iter().map(|refund| refund.to_send().minor()).sum::<i64>(), 0);
}
