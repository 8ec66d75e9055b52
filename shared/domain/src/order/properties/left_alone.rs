//! Every order that is left alone ends, and what is given back is paid once.

use std::time::Duration;

use super::*;
use crate::Timestamp;
use crate::returns::{NewReturn, ReturnReason, ReturnState};
use crate::text::Note;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const PAID: PaymentId = PaymentId::from_bits(1);

fn placed(provider: ProviderName) -> PlacedOrder {
    let mut placed = order();
    if provider.is_on_delivery() {
        let vendors = [1, 2].map(|ordinal| vendor_card(vendor(ordinal), "Chorsu Ceramics"));
        placed = examples::order(provider, &vendors);
    }
    placed.order.due_at = Some(NOW + 45 * DAY);
    for vendor_order in &mut placed.vendors {
        vendor_order.visible = provider.is_on_delivery();
        vendor_order.since = provider.is_on_delivery().then_some(NOW);
    }
    placed
}

/// What people may do, after some days.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pay,
    Accept(u16),
    Ship(u16, u32),
    End(u16, u16, ParcelStep),
    Ask(u16, u32),
    Answer(u16, u16, bool),
    Receive(u16, u16),
    Dispute(Option<DisputeStep>),
    Refunds(RefundStep),
}

fn any_act() -> impl Strategy<Value = Act> {
    let (of, number) = (1..=2_u16, 1..=2_u16);
    prop_oneof![
        3 => Just(Act::Pay),
        4 => of.clone().prop_map(Act::Accept),
        4 => (of.clone(), 1..=2_u32).prop_map(|(of, units)| Act::Ship(of, units)),
        4 => (of.clone(), number.clone(), prop::sample::select(&ParcelStep::ALL[..]))
            .prop_map(|(of, number, step)| Act::End(of, number, step)),
        4 => (of.clone(), 1..=2_u32).prop_map(|(of, units)| Act::Ask(of, units)),
        3 => (of.clone(), number.clone(), any::<bool>()).prop_map(|(of, number, yes)| Act::Answer(of, number, yes)),
        3 => (of, number).prop_map(|(of, number)| Act::Receive(of, number)),
        1 => prop::option::of(Just(DisputeStep::Won)).prop_map(Act::Dispute),
        2 => Just(Act::Refunds(RefundStep::Succeeded)),
    ]
}

fn act(placed: &mut PlacedOrder, act: Act, ids: &mut Ids) {
    let before = placed.clone();
    let by = Actor::Vendor;
    let line = |of: u16, quantity: u32| vec![ParcelLine { variant_id: variant(of), quantity }];
    let done = match act {
        Act::Pay => {
            let news = PaymentNews::Captured { amount: Some(placed.order.totals.total) };
            if placed.order.provider.is_on_delivery() {
                return;
            }
            placed.settle(PAID, &news, LatePayment::Refund, ids).map(drop)
        }
        Act::Accept(of) => placed.accept(vendor(of), ids),
        Act::Ship(of, units) => {
            let parcel = NewParcel { lines: Some(line(of, units)), ..NewParcel::default() };
            placed.ship(vendor(of), &parcel, ids)
        }
        Act::End(of, number, step) => placed.end_parcel(vendor(of), number, step, false, ids),
        Act::Ask(of, units) => {
            let asked = NewReturn { lines: line(of, units), reason: ReturnReason::Damaged };
            placed.request_return(vendor(of), &asked, Actor::Buyer, ids)
        }
        Act::Answer(of, number, true) => placed.approve_return(vendor(of), number, by, ids),
        Act::Answer(of, number, false) => {
            placed.decline_return(vendor(of), number, &Note::parse("Worn.").unwrap(), by, ids)
        }
        Act::Receive(of, number) => placed.receive_return(vendor(of), number, true, by, ids),
        Act::Dispute(decision) => {
            if placed.order.provider.is_on_delivery() {
                return;
            }
            let news = DisputeNews {
                reference: "du_1".into(),
                amount: Some(usd(5_000)),
                reason: "fraudulent".into(),
                evidence_due_at: None,
                state: state_after(decision),
            };
            placed.dispute_changed(PAID, &news, ids.now(), ids).map(drop)
        }
        Act::Refunds(step) => {
            let due: Vec<RefundId> =
                placed.refunds.iter().filter(|one| one.due_at.is_some()).map(|one| one.id).collect();
            due.into_iter().try_for_each(|refund| placed.refund_changed(refund, step, None, ids).map(drop))
        }
    };
    if done.is_err() {
        *placed = before;
    }
}

/// Does all that is due at a time, as housekeeping does.
fn housekeeping(placed: &mut PlacedOrder, ids: &mut Ids) {
    if placed.order.due_at.is_some_and(|due| due <= ids.now()) && placed.expire(ids).is_err() {
        drop(placed.waive_deadline(ids));
    }
    for of in [vendor(1), vendor(2)] {
        for _ in 0..20 {
            if placed.lapse(of, ids).unwrap().is_none() {
                break;
            }
        }
    }
}

proptest! {
    // Each runs through more than a year.
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// Whatever people have done, an order that they leave alone ends; each unit is counted once, and each return that
    /// was received is refunded.
    #[test]
    fn every_order_that_is_left_alone_ends(
        acts in prop::collection::vec((any_act(), 0..6_u32), 0..24), by_cash in any::<bool>(),
    ) {
        let provider = if by_cash { ProviderName::CashOnDelivery } else { ProviderName::Stripe };
        let (mut placed, mut now) = (placed(provider), NOW);
        let check = |placed: &PlacedOrder, now: Timestamp| -> Result<(), TestCaseError> {
            for vendor_order in &placed.vendors {
                let line = &vendor_order.lines[0];
                prop_assert!(line.shipped + line.cancelled <= line.quantity && line.returned <= line.shipped);
                prop_assert!(line.refunded <= line.quantity, "{placed:?}");
                prop_assert!(vendor_order.next_deadline().is_none() || !vendor_order.state.has_ended(), "{now:?} {vendor_order:?}");
            }
            let captured: i64 = placed.payments.iter().filter_map(|one| one.captured).map(Money::minor).sum();
            let back: i64 = placed.refunds.iter().map(|one| one.amount.minor()).sum();
            prop_assert!(back <= captured, "{back} of {captured}: {placed:?}");
            Ok(())
        };
        for (one, days) in acts {
            act(&mut placed, one, &mut ids(now));
            now = now + DAY * days;
            housekeeping(&mut placed, &mut ids(now));
            check(&placed, now)?;
        }
        // The bank decides at last.
        act(&mut placed, Act::Dispute(Some(DisputeStep::Won)), &mut ids(now));
        for _ in 0..140 {
            now = now + DAY * 3;
            housekeeping(&mut placed, &mut ids(now));
            act(&mut placed, Act::Refunds(RefundStep::Succeeded), &mut ids(now));
        }
        check(&placed, now)?;
        let ended = matches!(placed.order.state, OrderState::Expired | OrderState::Cancelled | OrderState::Completed);
        prop_assert!(ended, "{placed:?}");
        let cash_is_refunded_by_hand = by_cash;
        for vendor_order in &placed.vendors {
            prop_assert!(vendor_order.state.has_ended(), "{vendor_order:?}");
            for asked in &vendor_order.returns {
                let ended = matches!(asked.state, ReturnState::Declined | ReturnState::Expired | ReturnState::Refunded);
                prop_assert!(ended || cash_is_refunded_by_hand, "{asked:?}");
            }
            prop_assert_eq!(vendor_order.next_deadline(), None);
        }
    }
}

/// The kinds of events that a change has emitted.
fn lapses(placed: &mut PlacedOrder, days: &[u32]) -> Vec<Option<Lapse>> {
    days.iter().map(|day| placed.lapse(vendor(1), &mut ids(NOW + DAY * *day)).unwrap()).collect()
}

#[test]
fn a_vendor_who_does_nothing_is_reminded_and_then_loses_the_order() {
    let mut placed = placed(ProviderName::Stripe);
    act(&mut placed, Act::Pay, &mut ids(NOW));
    assert_eq!(lapses(&mut placed, &[0, 1, 1, 2]), [None, Some(Lapse::RemindToAccept), None, Some(Lapse::NotAccepted)]);
    assert_eq!(placed.vendors[0].state, VendorOrderState::Cancelled);
    assert_eq!(placed.refunds[0].amount, usd(2_500));
    assert_eq!(placed.order.state, OrderState::Paid, "the other vendor may go on");
}

#[test]
fn a_vendor_who_accepts_and_ships_nothing_is_reminded_then_the_operator_told_then_it_is_cancelled() {
    let mut placed = placed(ProviderName::Stripe);
    act(&mut placed, Act::Pay, &mut ids(NOW));
    act(&mut placed, Act::Accept(1), &mut ids(NOW));
    let expected = [None, Some(Lapse::RemindToShip), None, Some(Lapse::NotShipped), None, Some(Lapse::NeverShipped)];
    assert_eq!(lapses(&mut placed, &[3, 4, 6, 7, 13, 14]), expected);
    assert_eq!(placed.vendors[0].state, VendorOrderState::Cancelled);
}

#[test]
fn goods_that_have_to_come_in_first_are_not_awaited_before() {
    let mut placed = placed(ProviderName::Stripe);
    let available_from = Some(NOW + DAY * 60);
    placed.vendors[0].lines[0].backorder = Some(Backorder { units: 2, available_from, oversell_limit: 5 });
    act(&mut placed, Act::Pay, &mut ids(NOW));
    act(&mut placed, Act::Accept(1), &mut ids(NOW));
    assert_eq!(lapses(&mut placed, &[14, 63, 64]), [None, None, Some(Lapse::RemindToShip)]);
}

#[test]
fn nobody_is_awaited_while_the_bank_decides_and_all_time_is_given_again_after_it() {
    let mut placed = placed(ProviderName::Stripe);
    act(&mut placed, Act::Pay, &mut ids(NOW));
    act(&mut placed, Act::Dispute(None), &mut ids(NOW));
    assert_eq!(lapses(&mut placed, &[1, 30]), [None, None]);
    act(&mut placed, Act::Dispute(Some(DisputeStep::Won)), &mut ids(NOW + DAY * 30));
    assert_eq!(lapses(&mut placed, &[30, 31, 32]), [None, Some(Lapse::RemindToAccept), Some(Lapse::NotAccepted)]);
}

#[test]
fn a_parcel_that_nobody_speaks_of_is_delivered_and_completed_when_it_can_be_given_back_no_longer() {
    let mut placed = placed(ProviderName::Stripe);
    act(&mut placed, Act::Pay, &mut ids(NOW));
    act(&mut placed, Act::Accept(1), &mut ids(NOW));
    act(&mut placed, Act::Ship(1, 2), &mut ids(NOW));
    let expected = [None, Some(Lapse::Delivered(1)), None, Some(Lapse::Completed)];
    assert_eq!(lapses(&mut placed, &[29, 30, 43, 44]), expected);
    assert_eq!(placed.vendors[0].state, VendorOrderState::Completed);
}

#[test]
fn a_return_is_asked_for_in_time_approved_received_and_refunded_by_its_shares() {
    let mut placed = placed(ProviderName::Stripe);
    act(&mut placed, Act::Pay, &mut ids(NOW));
    act(&mut placed, Act::Accept(1), &mut ids(NOW));
    act(&mut placed, Act::Ship(1, 2), &mut ids(NOW));
    act(&mut placed, Act::End(1, 1, ParcelStep::Delivered), &mut ids(NOW));
    let asked = |units| NewReturn {
        lines: vec![ParcelLine { variant_id: variant(1), quantity: units }],
        reason: ReturnReason::ChangedMind,
    };
    let late = placed.clone().request_return(vendor(1), &asked(1), Actor::Buyer, &mut ids(NOW + DAY * 15));
    assert_eq!(late.unwrap_err().code(), Code::WrongState);
    let mut now = ids(NOW + DAY * 14);
    placed.request_return(vendor(1), &asked(1), Actor::Buyer, &mut now).unwrap();
    let more = placed.clone().request_return(vendor(1), &asked(2), Actor::Buyer, &mut now);
    assert_eq!(more.unwrap_err().code(), Code::WrongState, "one of two was asked for");
    assert_eq!(
        placed.receive_return(vendor(1), 1, true, Actor::Vendor, &mut now).unwrap_err().code(),
        Code::WrongState
    );
    placed.approve_return(vendor(1), 1, Actor::Vendor, &mut now).unwrap();
    placed.stock_moves.clear();
    placed.receive_return(vendor(1), 1, true, Actor::Vendor, &mut now).unwrap();
    assert_eq!(placed.stock_moves.iter().map(|one| (one.available, one.reserved)).collect::<Vec<_>>(), [(1, 0)]);
    assert_eq!((placed.refunds[0].amount, placed.refunds[0].reason), (usd(1_000), RefundReason::Returned));
    let refund = placed.refunds[0].id;
    placed.refund_changed(refund, RefundStep::Succeeded, None, &mut now).unwrap();
    assert_eq!(placed.vendors[0].returns[0].state, ReturnState::Refunded);
    assert_eq!(placed.vendors[0].state, VendorOrderState::Delivered);
    // The rest too: then the delivery goes back with it, and the vendor order is returned.
    placed.request_return(vendor(1), &asked(1), Actor::Operator, &mut now).unwrap();
    assert_eq!(placed.vendors[0].returns[1].state, ReturnState::Approved);
    placed.receive_return(vendor(1), 2, false, Actor::Operator, &mut now).unwrap();
    assert_eq!(placed.refunds[1].amount, usd(1_500));
    assert_eq!(placed.vendors[0].state, VendorOrderState::Returned);
}

#[test]
fn what_is_returned_of_cash_that_is_not_booked_yet_is_given_back_once_it_is() {
    let mut placed = placed(ProviderName::CashOnDelivery);
    for one in [Act::Accept(1), Act::Accept(2), Act::Ship(1, 2), Act::Ship(2, 2), Act::End(1, 1, ParcelStep::Delivered)]
    {
        act(&mut placed, one, &mut ids(NOW));
    }
    for one in [Act::Ask(1, 1), Act::Answer(1, 1, true), Act::Receive(1, 1)] {
        act(&mut placed, one, &mut ids(NOW));
    }
    assert_eq!(placed.vendors[0].returns[0].state, ReturnState::Received);
    assert!(placed.refunds.is_empty(), "nothing is booked that could go back");
    act(&mut placed, Act::End(2, 1, ParcelStep::Delivered), &mut ids(NOW));
    assert_eq!(placed.payments[0].captured, Some(usd(5_000)));
    assert_eq!(
        (placed.refunds[0].amount, placed.vendors[0].returns[0].refund),
        (usd(1_000), Some(placed.refunds[0].id))
    );
}
