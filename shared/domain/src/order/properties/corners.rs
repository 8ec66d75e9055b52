//! Corners of returns, grants and deadlines, each of which was wrong once.

use std::time::Duration;

use super::*;
use crate::order::GrantedRefund;
use crate::returns::{NewReturn, ReturnReason, ReturnState};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const PAID: PaymentId = PaymentId::from_bits(1);

fn at(days: u32) -> Ids {
    ids(NOW + DAY * days)
}

/// An order that both vendors see, paid unless it is on delivery.
fn under_way(provider: ProviderName) -> PlacedOrder {
    let mut placed = if provider.is_on_delivery() {
        let vendors = [1, 2].map(|ordinal| vendor_card(vendor(ordinal), "Chorsu Ceramics"));
        examples::order(provider, &vendors)
    } else {
        order()
    };
    for vendor_order in &mut placed.vendors {
        (vendor_order.visible, vendor_order.since) = (true, Some(NOW));
    }
    if !provider.is_on_delivery() {
        let news = PaymentNews::Captured { amount: Some(usd(5_000)) };
        placed.settle(PAID, &news, LatePayment::Refund, &mut at(0)).unwrap();
    }
    placed
}

fn units(quantity: u32) -> Vec<ParcelLine> {
    vec![ParcelLine { variant_id: variant(1), quantity }]
}

fn ships(placed: &mut PlacedOrder, quantity: u32, ids: &mut Ids) {
    let parcel = NewParcel { lines: Some(units(quantity)), ..NewParcel::default() };
    placed.ship(vendor(1), &parcel, ids).unwrap();
}

fn asks(placed: &mut PlacedOrder, quantity: u32, ids: &mut Ids) -> Result<(), Refusal> {
    let asked = NewReturn { lines: units(quantity), reason: ReturnReason::Damaged };
    placed.request_return(vendor(1), &asked, Actor::Buyer, ids)
}

fn comes_back(placed: &mut PlacedOrder, number: u16, restock: bool, ids: &mut Ids) {
    placed.approve_return(vendor(1), number, Actor::Vendor, ids).unwrap();
    placed.receive_return(vendor(1), number, restock, Actor::Vendor, ids).unwrap();
}

fn goodwill(amount: i64) -> GrantedRefund {
    GrantedRefund { vendor: Some(vendor(1)), amount: Some(usd(amount)), ..GrantedRefund::default() }
}

#[test]
fn a_later_parcel_can_be_given_back_in_its_own_time() {
    let mut placed = under_way(ProviderName::Stripe);
    placed.accept(vendor(1), &mut at(0)).unwrap();
    ships(&mut placed, 1, &mut at(0));
    ships(&mut placed, 1, &mut at(0));
    placed.end_parcel(vendor(1), 1, ParcelStep::Delivered, false, &mut at(0)).unwrap();
    asks(&mut placed, 1, &mut at(1)).unwrap();
    comes_back(&mut placed, 1, false, &mut at(5));
    placed.end_parcel(vendor(1), 2, ParcelStep::Delivered, false, &mut at(10)).unwrap();
    asks(&mut placed, 1, &mut at(16)).unwrap();
    assert_eq!(asks(&mut placed, 1, &mut at(16)).unwrap_err().code(), Code::WrongState);
}

#[test]
fn a_return_whose_money_a_bank_has_taken_back_already_ends() {
    let mut placed = under_way(ProviderName::Stripe);
    placed.accept(vendor(1), &mut at(0)).unwrap();
    placed.ship(vendor(1), &NewParcel::default(), &mut at(0)).unwrap();
    placed.deliver(vendor(1), &mut at(0)).unwrap();
    apply(&mut placed, &News::Dispute("du_1", Some(DisputeStep::Lost)), LatePayment::Refund, &mut at(1));
    asks(&mut placed, 1, &mut at(1)).unwrap();
    comes_back(&mut placed, 1, false, &mut at(2));
    assert_eq!(placed.vendors[0].returns[0].state, ReturnState::Refunded);
    assert_eq!(placed.refunds.iter().map(|refund| refund.to_send().minor()).sum::<i64>(), 0);
}

#[test]
fn goods_that_came_back_go_into_stock_once_whenever_that_is_said() {
    let mut placed = under_way(ProviderName::Stripe);
    placed.accept(vendor(1), &mut at(0)).unwrap();
    placed.ship(vendor(1), &NewParcel::default(), &mut at(0)).unwrap();
    placed.deliver(vendor(1), &mut at(0)).unwrap();
    asks(&mut placed, 2, &mut at(1)).unwrap();
    comes_back(&mut placed, 1, false, &mut at(2));
    placed.stock_moves.clear();
    placed.receive_return(vendor(1), 1, true, Actor::Vendor, &mut at(3)).unwrap();
    assert_eq!(placed.stock_moves.iter().map(|one| one.available).sum::<i64>(), 2);
    let again = placed.receive_return(vendor(1), 1, true, Actor::Vendor, &mut at(3));
    assert_eq!(again.unwrap_err().code(), Code::WrongState);
}

#[test]
fn a_vendor_gives_back_no_more_than_was_paid_to_them() {
    // By card: goodwill is taken off what a later decline gives back.
    let mut placed = under_way(ProviderName::Stripe);
    placed.grant_refund(&goodwill(1_000), Actor::Operator, &mut at(0)).unwrap();
    placed.decline(vendor(1), &mut at(0)).unwrap();
    let back: i64 = placed.refunds.iter().map(|refund| refund.amount.minor()).sum();
    assert_eq!(back, 2_500, "all that the vendor order cost");
    // In cash: nothing was collected for this one.
    let mut placed = under_way(ProviderName::CashOnDelivery);
    placed.decline(vendor(1), &mut at(0)).unwrap();
    placed.accept(vendor(2), &mut at(0)).unwrap();
    placed.ship(vendor(2), &NewParcel::default(), &mut at(0)).unwrap();
    placed.deliver(vendor(2), &mut at(0)).unwrap();
    let refused = placed.grant_refund(&goodwill(100), Actor::Vendor, &mut at(1)).unwrap_err();
    assert_eq!(refused.code(), Code::WrongState);
}

#[test]
fn what_concerns_no_goods_goes_on_while_a_bank_decides() {
    let mut placed = under_way(ProviderName::Stripe);
    placed.accept(vendor(1), &mut at(0)).unwrap();
    ships(&mut placed, 1, &mut at(0));
    apply(&mut placed, &News::Dispute("du_1", None), LatePayment::Refund, &mut at(1));
    assert_eq!(placed.lapse(vendor(1), &mut at(29)).unwrap(), None, "nobody is awaited");
    assert_eq!(placed.lapse(vendor(1), &mut at(30)).unwrap(), Some(Lapse::Delivered(1)));
}

#[test]
fn a_reminder_that_comes_late_leaves_time_to_heed_it() {
    let mut placed = under_way(ProviderName::Stripe);
    let lapse = |placed: &mut PlacedOrder, days| placed.lapse(vendor(1), &mut at(days)).unwrap();
    assert_eq!(lapse(&mut placed, 5), Some(Lapse::RemindToAccept));
    assert_eq!(lapse(&mut placed, 5), None);
    assert_eq!(lapse(&mut placed, 6), Some(Lapse::NotAccepted));
}

#[test]
fn an_order_takes_no_more_refunds_than_a_change_of_it_can_write() {
    let mut placed = under_way(ProviderName::Stripe);
    let refused: Vec<Code> = (0..12)
        .filter_map(|_| placed.grant_refund(&goodwill(10), Actor::Operator, &mut at(0)).err())
        .map(|refusal| refusal.code())
        .collect();
    assert_eq!(refused, [Code::LimitReached; 4]);
}
