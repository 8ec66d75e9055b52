//! Properties of every order, whatever news arrives and in whichever order.

mod amounts;
mod corners;
mod disputes;
mod gone_money;
mod left_alone;
mod parcels;
mod refund_decisions;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::code::{Code, Coded, Refusal};
use crate::dispute::{DisputeState, DisputeStep};
use crate::examples::{self, NOW, ids, usd, vendor_card};
use crate::id_source::Ids;
use crate::money::BasisPoints;
use crate::payment::{PaymentState, RefundReason, RefundState, RefundStep};
use crate::provider_news::{DisputeNews, PaymentNews, RefundNews, RefundOutcome};
use crate::shares::Shares;
use crate::stock::{Allocation, Backorder};
use crate::text::Line;
use crate::{ProductId, RefundId};

fn vendor(ordinal: u16) -> VendorId {
    VendorId::from_bits(u128::from(ordinal) + 100)
}

fn variant(ordinal: u16) -> VariantId {
    VariantId::new(ProductId::from_bits(4), ordinal)
}

/// Two vendor orders of 25 USD each and two attempts at paying them; the deadline is now.
fn order() -> PlacedOrder {
    let vendors = [1, 2].map(|ordinal| vendor_card(vendor(ordinal), "Chorsu Ceramics"));
    let mut placed = examples::order(ProviderName::Stripe, &vendors);
    let second = examples::payment(2, placed.order.id, ProviderName::Stripe, placed.order.totals.total);
    placed.order.payment = second.id;
    placed.order.due_at = Some(NOW);
    placed.payments.push(second);
    placed
}

/// News that a provider may report.
#[derive(Clone, Debug)]
enum News {
    Money(u128, PaymentNews),
    Refund(u128, &'static str, i64, RefundStep),
    Dispute(&'static str, Option<DisputeStep>),
}

/// State of a dispute at the provider after this decision.
const fn state_after(decision: Option<DisputeStep>) -> DisputeState {
    match decision {
        None => DisputeState::Opened,
        Some(DisputeStep::Won) => DisputeState::Won,
        Some(DisputeStep::Lost) => DisputeState::Lost,
    }
}

fn apply(placed: &mut PlacedOrder, item: &News, late: LatePayment, ids: &mut Ids) -> Settled {
    match item {
        News::Money(payment, news) => placed.settle(PaymentId::from_bits(*payment), news, late, ids).unwrap(),
        News::Refund(payment, reference, amount, event) => {
            let outcome = match event {
                RefundStep::Submitted => RefundOutcome::Pending,
                RefundStep::Succeeded => RefundOutcome::Succeeded,
                RefundStep::Failed | RefundStep::Resolved | RefundStep::Retried => {
                    RefundOutcome::Failed { code: "declined".into() }
                }
            };
            let (reference, amount) = ((*reference).into(), Some(usd(*amount)));
            let news = RefundNews { reference, refund_id: None, amount, outcome };
            placed.refunded_elsewhere(PaymentId::from_bits(*payment), &news, ids).unwrap()
        }
        News::Dispute(reference, decision) => {
            let news = DisputeNews {
                reference: (*reference).into(),
                amount: Some(usd(5_000)),
                reason: "fraudulent".into(),
                state: state_after(*decision),
                evidence_due_at: None,
            };
            placed.dispute_changed(PaymentId::from_bits(1), &news, NOW, ids).unwrap()
        }
    }
}

/// What must not depend on the order in which news arrives. Which of two payments pays and which is refunded may depend
/// on it, and so may the state of an attempt that captured nothing.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    state: OrderState,
    /// For each attempt: whether its amount is mismatched, and what was captured.
    payments: Vec<(bool, Option<i64>)>,
    refunded: i64,
    queued: i64,
    disputes: Vec<(String, DisputeState)>,
}

fn outcome(placed: &PlacedOrder) -> Outcome {
    let money = |payment: &Payment| (payment.state == PaymentState::AmountMismatch, payment.captured.map(Money::minor));
    let sum = |concerned: &dyn Fn(&Refund) -> bool| {
        placed.refunds.iter().filter(|refund| concerned(refund)).map(|refund| refund.amount.minor()).sum::<i64>()
    };
    let mut disputes: Vec<_> =
        placed.disputes.iter().map(|dispute| (dispute.reference.clone(), dispute.state)).collect();
    disputes.sort();
    Outcome {
        state: placed.order.state,
        payments: placed.payments.iter().map(money).collect(),
        refunded: sum(&|refund| refund.has_arrived()),
        queued: sum(&|refund| refund.state == RefundState::Queued),
        disputes,
    }
}

fn any_news() -> impl Strategy<Value = News> {
    let payment = 1..=2_u128;
    prop_oneof![
        payment.clone().prop_map(|id| News::Money(id, PaymentNews::Pending)),
        payment.clone().prop_map(|id| News::Money(id, PaymentNews::Processing)),
        payment.clone().prop_map(|id| News::Money(id, PaymentNews::Authorized { amount: None })),
        payment.clone().prop_map(|id| News::Money(id, PaymentNews::Failed { code: "declined".into() })),
        payment.clone().prop_map(|id| News::Money(id, PaymentNews::Cancelled)),
        // A provider does not report two captured amounts for one payment: the first attempt captures the requested
        // amount, and the second another one.
        Just(News::Money(1, PaymentNews::Captured { amount: Some(usd(5_000)) })),
        Just(News::Money(2, PaymentNews::Captured { amount: Some(usd(4_999)) })),
        Just(News::Refund(1, "re_1", 700, RefundStep::Submitted)),
        Just(News::Refund(1, "re_1", 700, RefundStep::Succeeded)),
        Just(News::Refund(1, "re_2", 300, RefundStep::Succeeded)),
        Just(News::Dispute("du_1", None)),
        Just(News::Dispute("du_1", Some(DisputeStep::Won))),
        // In another round of the same dispute.
        Just(News::Dispute("du_1", Some(DisputeStep::Lost))),
        Just(News::Dispute("du_2", Some(DisputeStep::Lost))),
    ]
}

proptest! {
    /// The same news in any order, some of it repeated, leads to the same outcome.
    #[test]
    fn settlement_does_not_depend_on_the_order_of_the_news(
        (news, shuffled) in prop::collection::vec(any_news(), 1..10)
            .prop_flat_map(|news| (Just(news.clone()), Just(news).prop_shuffle())),
        is_over in any::<bool>(), late in prop_oneof![Just(LatePayment::Fulfil), Just(LatePayment::Refund)],
    ) {
        let mut start = order();
        if is_over {
            start.expire(&mut ids(NOW)).unwrap();
        }
        let run = |news: &[News]| {
            let (mut placed, mut ids) = (start.clone(), ids(NOW));
            for one in news {
                apply(&mut placed, one, late, &mut ids);
            }
            placed
        };
        let (mut once, mut other) = (outcome(&run(&news)), outcome(&run(&shuffled)));
        let ended = |outcome: &Outcome| matches!(outcome.state, OrderState::Expired | OrderState::Cancelled);
        if is_over && ended(&once) && ended(&other) {
            // Money that is gone already does not reopen an order that has expired; one that it had reopened is
            // cancelled.
            once.state = other.state;
        }
        if news.iter().any(|one| matches!(one, News::Refund(.., RefundStep::Submitted))) {
            // What is under way at the dashboard is not counted against what waits here before it has arrived.
            (once.queued, other.queued) = (0, 0);
        }
        prop_assert_eq!(once, other);
    }

    /// Applying the same news again changes nothing.
    #[test]
    fn settlement_is_idempotent(news in prop::collection::vec(any_news(), 1..10), is_over in any::<bool>()) {
        let (mut placed, mut ids) = (order(), ids(NOW));
        if is_over {
            placed.expire(&mut ids).unwrap();
        }
        for one in &news {
            apply(&mut placed, one, LatePayment::Fulfil, &mut ids);
            let before = placed.clone();
            prop_assert_eq!(apply(&mut placed, one, LatePayment::Fulfil, &mut ids), Settled::Unchanged);
            prop_assert_eq!(&placed, &before);
        }
        let before = placed.clone();
        for one in news
            .iter()
            .filter(|one| matches!(one, News::Money(_, PaymentNews::Captured { .. }) | News::Refund(..)))
        {
            apply(&mut placed, one, LatePayment::Fulfil, &mut ids);
        }
        prop_assert_eq!(placed, before);
    }

    /// Of two payments of one order one pays and the other is refunded, whichever is first.
    #[test]
    fn of_two_payments_one_goes_back(second_first in any::<bool>(), is_over in any::<bool>()) {
        let (mut placed, mut ids) = (order(), ids(NOW));
        if is_over {
            placed.expire(&mut ids).unwrap();
        }
        let order = if second_first { [2, 1] } else { [1, 2] };
        for payment in order {
            apply(
                &mut placed,
                &News::Money(payment, PaymentNews::Captured { amount: Some(usd(5_000)) }),
                LatePayment::Fulfil,
                &mut ids,
            );
        }
        prop_assert_eq!(placed.order.state, OrderState::Paid);
        prop_assert_eq!(placed.refunds.len(), 1);
        prop_assert_eq!(
            (placed.refunds[0].payment, placed.refunds[0].amount),
            (PaymentId::from_bits(order[1]), usd(5_000))
        );
    }

    /// Re-reserved stock covers each line exactly, whichever shards it comes from.
    #[test]
    fn reallocated_stock_covers_each_line_exactly(first in 0_u32..=2, second in 0_u32..=2) {
        let mut placed = order();
        placed.vendors[0].lines[0].backorder = Some(Backorder { units: 1, available_from: None, oversell_limit: 5 });
        placed.expire(&mut ids(NOW)).unwrap();
        let split = |units: u32| {
            let allocations = [Allocation { shard: 1, units }, Allocation { shard: 2, units: 2 - units }];
            allocations.into_iter().filter(|allocation| allocation.units > 0).collect::<Vec<_>>()
        };
        placed.reallocate(BTreeMap::from([(variant(1), split(first)), (variant(2), split(second))])).unwrap();
        for vendor_order in &placed.vendors {
            prop_assert_eq!(
                vendor_order.lines[0].allocations.iter().map(|allocation| allocation.units).sum::<u32>(),
                2
            );
            // The units are in stock now, so none has to come in first.
            prop_assert_eq!(vendor_order.lines[0].backorder, None);
        }
        let short = BTreeMap::from([(variant(1), split(first))]);
        prop_assert_eq!(placed.reallocate(short).unwrap_err().code(), Code::OutOfStock);
    }
}

/// The parcels of a vendor order in a state: one, on its way if that is possible.
fn parcels_in(state: VendorOrderState) -> Vec<Parcel> {
    let parcel = |units: u32, state: ParcelState| Parcel {
        units: vec![units],
        carrier: None,
        tracking_number: None,
        state,
        shipped_at: NOW,
        ended_at: None,
        due: None,
        restocked: false,
    };
    match state {
        VendorOrderState::PartiallyShipped => vec![parcel(1, ParcelState::Shipped)],
        VendorOrderState::Shipped => vec![parcel(2, ParcelState::Shipped)],
        VendorOrderState::Lost => vec![parcel(2, ParcelState::Lost)],
        VendorOrderState::ReturnedToSender => vec![parcel(2, ParcelState::ReturnedToSender)],
        state if state.was_delivered() => vec![parcel(2, ParcelState::Delivered)],
        _ => Vec::new(),
    }
}

#[test]
fn a_step_that_is_not_listed_is_refused_and_changes_nothing() {
    type Act = fn(&mut PlacedOrder, &mut Ids) -> Result<(), Refusal>;
    let acts: [(&str, Act); 10] = [
        ("accept", |placed, ids| placed.accept(vendor(1), ids)),
        ("decline", |placed, ids| placed.decline(vendor(1), ids)),
        ("ship", |placed, ids| placed.ship(vendor(1), &NewParcel::default(), ids)),
        ("deliver", |placed, ids| placed.deliver(vendor(1), ids)),
        ("lose", |placed, ids| placed.end_parcel(vendor(1), 1, ParcelStep::Lost, false, ids)),
        ("take back", |placed, ids| placed.end_parcel(vendor(1), 1, ParcelStep::ReturnedToSender, true, ids)),
        ("cancel", |placed, ids| placed.cancel(Actor::Buyer, ids)),
        ("cancel unshipped", |placed, ids| placed.cancel_unshipped(ids)),
        ("expire", |placed, ids| placed.expire(ids)),
        ("accept amount", |placed, ids| placed.accept_amount(PaymentId::from_bits(1), ids)),
    ];
    let mut taken = String::new();
    for (name, act) in acts {
        for state in OrderState::ALL {
            let mut vendor_states = Vec::new();
            for vendor_state in VendorOrderState::ALL {
                let mut placed = order();
                placed.order.state = state;
                placed.vendors[0].state = vendor_state;
                placed.vendors[0].parcels = parcels_in(vendor_state);
                let shipped: u32 = placed.vendors[0].parcels.iter().map(|parcel| parcel.units[0]).sum();
                placed.vendors[0].lines[0].shipped = shipped;
                let before = placed.clone();
                match act(&mut placed, &mut ids(NOW)) {
                    Ok(()) => vendor_states.push(vendor_state.as_str()),
                    Err(refusal) => {
                        let has_parcel = !placed.vendors[0].parcels.is_empty();
                        let is_absent = matches!(name, "lose" | "take back") && !has_parcel;
                        let expected = if is_absent && refusal.code() == Code::NotFound {
                            Code::NotFound
                        } else {
                            Code::WrongState
                        };
                        assert_eq!(refusal.code(), expected, "{name} {state:?} {vendor_state:?}");
                        // The caller does not write an order whose change was refused; its states are unchanged all the
                        // same.
                        let states = |placed: &PlacedOrder| {
                            (
                                placed.order.state,
                                placed.vendors.iter().map(|vendor_order| vendor_order.state).collect::<Vec<_>>(),
                            )
                        };
                        assert_eq!((states(&placed), &placed.payments), (states(&before), &before.payments));
                        assert_eq!((&placed.stock_moves, &placed.refunds), (&before.stock_moves, &before.refunds));
                    }
                }
            }
            if !vendor_states.is_empty() {
                taken.push_str(&format!("{name}, {}: {}\n", state.as_str(), vendor_states.join(" ")));
            }
        }
    }
    insta::assert_snapshot!(taken, @"
    accept, confirmed: pending
    accept, paid: pending
    decline, confirmed: pending accepted partially_shipped
    decline, paid: pending accepted partially_shipped
    ship, confirmed: accepted partially_shipped
    ship, paid: accepted partially_shipped
    deliver, confirmed: partially_shipped shipped
    deliver, paid: partially_shipped shipped
    lose, confirmed: partially_shipped shipped
    lose, paid: partially_shipped shipped
    take back, awaiting_confirmation: returned_to_sender
    take back, awaiting_payment: returned_to_sender
    take back, confirmed: partially_shipped shipped returned_to_sender
    take back, paid: partially_shipped shipped returned_to_sender
    take back, expired: returned_to_sender
    take back, cancelled: returned_to_sender
    take back, completed: returned_to_sender
    cancel, awaiting_confirmation: pending accepted declined cancelled
    cancel, awaiting_payment: pending accepted declined cancelled
    cancel, confirmed: pending accepted declined cancelled
    cancel, paid: pending accepted declined cancelled
    cancel unshipped, awaiting_confirmation: pending accepted declined cancelled
    cancel unshipped, awaiting_payment: pending accepted declined cancelled
    cancel unshipped, confirmed: pending accepted declined cancelled partially_shipped shipped delivered lost returned_to_sender returned completed
    cancel unshipped, paid: pending accepted declined cancelled partially_shipped shipped delivered lost returned_to_sender returned completed
    expire, awaiting_confirmation: pending accepted declined cancelled
    expire, awaiting_payment: pending accepted declined cancelled
    expire, confirmed: pending accepted declined cancelled
    ");
}

#[test]
fn a_refund_that_comes_back_keeps_its_state_and_emits_an_event() {
    let (mut placed, mut ids) = (order(), ids(NOW));
    apply(
        &mut placed,
        &News::Money(1, PaymentNews::Captured { amount: Some(usd(5_000)) }),
        LatePayment::Fulfil,
        &mut ids,
    );
    placed.decline(vendor(1), &mut ids).unwrap();
    let refund: RefundId = placed.refunds[0].id;
    assert_eq!(placed.refundable_amount(PaymentId::from_bits(1)), Some(usd(2_500)));
    placed.refund_changed(refund, RefundStep::Succeeded, Some("re_1".into()), &mut ids).unwrap();
    assert_eq!(placed.payments[0].state, PaymentState::PartiallyRefunded);
    assert_eq!(placed.refund_changed(refund, RefundStep::Failed, None, &mut ids), Ok(Settled::Changed));
    assert_eq!(placed.refund_changed(refund, RefundStep::Failed, None, &mut ids), Ok(Settled::Unchanged));
    assert!(placed.refunds[0].needs_manual_refund() && !placed.refunds[0].holds_money());
    assert_eq!(placed.refundable_amount(PaymentId::from_bits(1)), Some(usd(5_000)));
    let events: Vec<_> = placed.events.iter().filter(|event| event.kind == OrderEventKind::RefundFailed).collect();
    assert_eq!(events.len(), 1);
}

#[test]
fn a_failed_refund_is_not_refunded_again_when_the_order_ends() {
    let (mut placed, mut ids) = (order(), ids(NOW));
    apply(
        &mut placed,
        &News::Money(1, PaymentNews::Captured { amount: Some(usd(5_000)) }),
        LatePayment::Fulfil,
        &mut ids,
    );
    placed.decline(vendor(1), &mut ids).unwrap();
    let refund = placed.refunds[0].id;
    placed.refund_changed(refund, RefundStep::Failed, None, &mut ids).unwrap();
    placed.decline(vendor(2), &mut ids).unwrap();
    assert_eq!(placed.order.state, OrderState::Cancelled);
    let amounts: Vec<_> = placed.refunds.iter().map(|refund| (refund.state, refund.amount)).collect();
    assert_eq!(amounts, [(RefundState::Failed, usd(2_500)), (RefundState::Queued, usd(2_500))]);
}

#[test]
fn a_cancelled_vendor_order_is_refunded_out_of_the_payment_that_paid_for_it() {
    let (mut placed, mut ids) = (order(), ids(NOW));
    // A mismatched amount was captured first and refunded at the dashboard; the second attempt paid.
    apply(
        &mut placed,
        &News::Money(1, PaymentNews::Captured { amount: Some(usd(4_000)) }),
        LatePayment::Fulfil,
        &mut ids,
    );
    apply(&mut placed, &News::Refund(1, "re_1", 4_000, RefundStep::Succeeded), LatePayment::Fulfil, &mut ids);
    assert_eq!(placed.payments[0].state, PaymentState::Refunded);
    apply(
        &mut placed,
        &News::Money(2, PaymentNews::Captured { amount: Some(usd(5_000)) }),
        LatePayment::Fulfil,
        &mut ids,
    );
    placed.decline(vendor(1), &mut ids).unwrap();
    let refund = placed.refunds.last().unwrap();
    assert_eq!((refund.payment, refund.amount), (PaymentId::from_bits(2), usd(2_500)));
}
