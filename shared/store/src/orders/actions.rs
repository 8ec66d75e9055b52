//! How many actions the changes of an order take: at most as many as a transaction may have.

use std::collections::BTreeMap;

use domain::cart::{MAX_LINES, MAX_VENDORS};
use domain::dispute::DisputeState;
use domain::examples::{self, NOW, ids, usd, vendor_card};
use domain::order::{Actor, LatePayment, NewParcel, ParcelStep, PlacedOrder, StockMove};
use domain::payment::ProviderName;
use domain::provider_news::{DisputeNews, NewsKind, PaymentNews, ProviderNews, RefundNews, RefundOutcome};
use domain::stock::{Allocation, max_allocations};
use domain::{Ids, LookUp, PaymentId, ProductId, Refusal, Timestamp, UserId, VariantId, VendorId};
use proptest::prelude::*;

use super::Orders;
use crate::Stock;
use crate::transaction::MAX_ACTIONS;

/// What the caller writes beside the order: the idempotency record, the cart, and up to five coupons.
const BESIDE: usize = 2 + 5;
/// What is written beside those when an order is placed: the set of unpaid orders, and the row that opens its person.
const BESIDE_PLACED: usize = 2;

fn vendor(ordinal: u16) -> VendorId {
    VendorId::from_bits(u128::from(ordinal) + 100)
}

/// An order as large as a cart allows, with its units spread over as many shards as an allocation may use.
fn order(lines: usize, vendors: usize, attempts: usize) -> PlacedOrder {
    let cards: Vec<_> = (1..).take(vendors).map(|ordinal| vendor_card(vendor(ordinal), "Chorsu Ceramics")).collect();
    let mut placed = examples::order(ProviderName::Stripe, &cards);
    let one = placed.vendors[0].lines[0].clone();
    for vendor_order in &mut placed.vendors {
        vendor_order.lines.clear();
    }
    let most = max_allocations(vendors);
    for at in 0..lines {
        // The first lines are spread as far as all together may be.
        let shards = most / lines + usize::from(at < most % lines);
        let allocations: Vec<Allocation> =
            (0..u16::try_from(shards).unwrap()).map(|shard| Allocation { shard, units: 1 }).collect();
        let quantity = u32::try_from(shards).unwrap();
        let variant = VariantId::new(ProductId::from_bits(u128::try_from(at).unwrap() + 10), 1);
        let total = usd(1_000).times(quantity).unwrap();
        let shares = domain::shares::Shares { goods: total, ..one.shares.clone() };
        let line = domain::order::OrderLine { variant, quantity, total, shares, allocations, ..one.clone() };
        placed.vendors[at % vendors].lines.push(line);
    }
    for vendor_order in &mut placed.vendors {
        let sums = domain::order::VendorOrder::sums(&vendor_order.lines, &vendor_order.delivery).unwrap();
        (vendor_order.totals, vendor_order.commission) = sums;
    }
    let total = domain::Money::sum(domain::Currency::USD, placed.vendors.iter().map(|one| one.totals.total)).unwrap();
    placed.order.totals.total = total;
    placed.payments.clear();
    for number in 1..=u128::try_from(attempts).unwrap() {
        placed.payments.push(examples::payment(number, placed.order.id, ProviderName::Stripe, total));
    }
    placed.order.payment = PaymentId::from_bits(1);
    placed.order.due_at = Some(NOW);
    placed
}

fn orders() -> Orders {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .build();
    let client = aws_sdk_dynamodb::Client::from_conf(config);
    Orders::new(client.clone(), "Orders", Stock::new(client, "Stock"))
}

/// The allocations that a reopened order takes: those that it had.
fn again(placed: &PlacedOrder) -> BTreeMap<VariantId, Vec<Allocation>> {
    let lines = placed.vendors.iter().flat_map(|vendor_order| &vendor_order.lines);
    lines.map(|line| (line.variant, line.allocations.clone())).collect()
}

type Act = fn(&mut PlacedOrder, &mut Ids) -> Result<(), Refusal>;

fn pays(placed: &mut PlacedOrder, ids: &mut Ids) -> Result<(), Refusal> {
    let amount = Some(placed.order.totals.total);
    let late = if placed.demand_to_reopen().is_some() { LatePayment::Fulfil } else { LatePayment::Refund };
    placed.settle(PaymentId::from_bits(1), &PaymentNews::Captured { amount }, late, ids).map(drop)
}

fn pays_too_much(placed: &mut PlacedOrder, ids: &mut Ids) -> Result<(), Refusal> {
    let amount = placed.order.totals.total.plus(usd(7)).ok();
    placed.settle(PaymentId::from_bits(1), &PaymentNews::Captured { amount }, LatePayment::Refund, ids)?;
    placed.accept_amount(PaymentId::from_bits(1), ids)
}

fn all_accept(placed: &mut PlacedOrder, ids: &mut Ids) -> Result<(), Refusal> {
    let vendors: Vec<VendorId> = placed.vendors.iter().map(|vendor_order| vendor_order.vendor.id).collect();
    vendors.into_iter().try_for_each(|vendor| placed.accept(vendor, ids))
}

/// Every kind of change, after what leads to it.
const CHANGES: [(&str, &[Act], Act); 15] = [
    ("pays", &[], pays),
    ("expires", &[], |placed, ids| placed.expire(ids)),
    ("is cancelled unpaid", &[], |placed, ids| placed.cancel(Actor::Buyer, ids)),
    ("is cancelled when paid", &[pays], |placed, ids| placed.cancel(Actor::Buyer, ids)),
    ("is cancelled when accepted", &[pays, all_accept], |placed, ids| placed.cancel(Actor::Operator, ids)),
    ("is cancelled when overpaid", &[pays_too_much], |placed, ids| placed.cancel(Actor::Buyer, ids)),
    ("is revived by a late payment", &[|placed, ids| placed.expire(ids)], |placed, ids| {
        placed.reallocate(again(placed))?;
        pays(placed, ids)
    }),
    ("is revived by a payment on a page", &[|placed, ids| placed.expire(ids), was_never_named], |placed, ids| {
        placed.reallocate(again(placed))?;
        let news = ProviderNews {
            provider: ProviderName::Stripe,
            reference: "pi_1".into(),
            page: Some("cs_1".into()),
            order_id: None,
            payment_id: None,
            event_id: None,
            occurred_at: None,
            kind: NewsKind::Payment(PaymentNews::Pending),
        };
        assert!(placed.name_attempt(PaymentId::from_bits(1), &news));
        pays(placed, ids)
    }),
    ("is declined by a vendor", &[pays], |placed, ids| placed.decline(vendor(1), ids)),
    ("is shipped by a vendor", &[pays, all_accept], |placed, ids| placed.ship(vendor(1), &NewParcel::default(), ids)),
    (
        "is cancelled but for what was shipped",
        &[pays, all_accept, |placed, ids| placed.ship(vendor(1), &NewParcel::default(), ids)],
        |placed, ids| placed.cancel_unshipped(ids),
    ),
    ("loses a parcel", &[pays, all_accept, ships], |placed, ids| {
        placed.end_parcel(vendor(1), 1, ParcelStep::Lost, false, ids)
    }),
    ("loses a dispute", &[pays, all_accept], |placed, ids| {
        let news = DisputeNews {
            reference: "du_1".into(),
            amount: Some(placed.order.totals.total),
            reason: "fraudulent".into(),
            state: DisputeState::Lost,
            evidence_due_at: None,
        };
        placed.dispute_changed(PaymentId::from_bits(1), &news, NOW, ids).map(drop)
    }),
    ("is refunded at the dashboard", &[pays, all_accept], |placed, ids| {
        let amount = Some(placed.order.totals.total);
        let news = RefundNews { reference: "re_1".into(), refund_id: None, amount, outcome: RefundOutcome::Succeeded };
        placed.refunded_elsewhere(PaymentId::from_bits(1), &news, ids).map(drop)
    }),
    ("takes a parcel back", &[pays, all_accept, ships], |placed, ids| {
        placed.end_parcel(vendor(1), 1, ParcelStep::ReturnedToSender, true, ids)
    }),
];

fn was_never_named(placed: &mut PlacedOrder, _: &mut Ids) -> Result<(), Refusal> {
    placed.payments[0].reference = None;
    Ok(())
}

fn ships(placed: &mut PlacedOrder, ids: &mut Ids) -> Result<(), Refusal> {
    placed.ship(vendor(1), &NewParcel::default(), ids)
}

/// The actions of a change, with what is written beside it; of an order that an earlier release has written, too.
fn actions(placed: PlacedOrder, before: &[Act], change: Act, is_moved: bool) -> usize {
    let (mut placed, mut ids) = (placed, ids(NOW));
    for act in before {
        act(&mut placed, &mut ids).unwrap();
    }
    placed.stock_moves.clear();
    placed.events.clear();
    if !is_moved {
        // An earlier release has entered no amounts.
        placed.enter_amounts(0).unwrap();
    }
    placed.order.parts = (!is_moved).then(domain::order::Parts::default);
    let loaded = placed.clone();
    change(&mut placed, &mut ids).unwrap();
    let (transaction, written) = orders().changes(Some(&loaded), placed).unwrap();
    assert!(written.order.parts.is_some());
    transaction.len() + BESIDE
}

/// What placing a vendor order takes from the stock.
fn reservations(vendor_order: &domain::order::VendorOrder) -> Vec<StockMove> {
    let of_line = |line: &domain::order::OrderLine| {
        let variant = line.variant;
        let reserved = |allocation: &Allocation| {
            let units = i64::from(allocation.units);
            StockMove { variant, shard: allocation.shard, available: -units, reserved: units }
        };
        line.allocations.iter().map(reserved).collect::<Vec<_>>()
    };
    vendor_order.lines.iter().flat_map(of_line).collect()
}

#[test]
fn the_largest_order_is_placed_in_one_transaction() {
    let mut largest = order(MAX_LINES, MAX_VENDORS, 1);
    largest.stock_moves = largest.vendors.iter().flat_map(reservations).collect();
    let (transaction, _) = orders().changes(None, largest).unwrap();
    let actions = transaction.len() + BESIDE + BESIDE_PLACED;
    assert!(actions <= MAX_ACTIONS, "{actions}");
    assert_eq!(actions, 68);
}

#[test]
fn every_change_of_the_largest_order_fits_into_one_transaction() {
    let mut table = String::new();
    for (name, before, change) in CHANGES {
        let largest = order(MAX_LINES, MAX_VENDORS, 3);
        let [now, moved] = [false, true].map(|is_moved| actions(largest.clone(), before, change, is_moved));
        assert!(moved <= MAX_ACTIONS, "{name}: {moved}");
        table.push_str(&format!("{name}: {now}\n"));
    }
    insta::assert_snapshot!(table, @r"
    pays: 44
    expires: 69
    is cancelled unpaid: 69
    is cancelled when paid: 83
    is cancelled when accepted: 83
    is cancelled when overpaid: 83
    is revived by a late payment: 81
    is revived by a payment on a page: 83
    is declined by a vendor: 18
    is shipped by a vendor: 16
    is cancelled but for what was shipped: 91
    loses a parcel: 15
    loses a dispute: 86
    is refunded at the dashboard: 86
    takes a parcel back: 18
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_change_of_any_order_fits_into_one_transaction(
        lines in 2..=MAX_LINES, vendors in 2..=MAX_VENDORS, attempts in 1..=3_usize, is_moved in any::<bool>(),
    ) {
        let vendors = vendors.min(lines);
        for (name, before, change) in CHANGES {
            let actions = actions(order(lines, vendors, attempts), before, change, is_moved);
            prop_assert!(actions <= MAX_ACTIONS, "{} of {} lines, {} vendors: {}", name, lines, vendors, actions);
        }
    }
}

/// The bytes of the head of an order from as many vendors as a cart may have, with three attempts at paying it.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn size_of_head(buyer: Option<UserId>) -> usize {
    let mut placed = order(MAX_LINES, MAX_VENDORS, 3);
    placed.order.buyer = buyer;
    placed.order.contact = Some(LookUp::from_bytes([7; 16]));
    placed.order.due_at = Some(Timestamp::from_millis(1_795_000_900_123));
    let [goods, discount, shipping, tax] = [999_999_999, 99_999_999, 9_999_999, 99_999_999].map(usd);
    placed.order.totals = domain::pricing::Totals::of(goods, discount, Some(shipping), Some(tax)).unwrap();
    placed.order.version = 99;
    placed.order.parts = Some(super::head::parts_of(&placed, 120));
    let item = super::head::order_item(&placed).unwrap();
    let of_attribute = |(name, value): (&String, &aws_sdk_dynamodb::types::AttributeValue)| {
        let of_number = |digits: &String| digits.len().div_ceil(2) + 1;
        let of_value = value.as_s().map(String::len).or_else(|value| value.as_n().map(of_number));
        name.len() + of_value.unwrap_or(0)
    };
    item.iter().map(of_attribute).sum()
}

#[test]
fn the_head_of_a_guests_order_has_at_most_one_kilobyte_and_a_buyers_hardly_more() {
    let guests = size_of_head(None);
    assert!(guests <= 1_024, "{guests} bytes");
    let buyers = size_of_head(Some("0192f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d".parse().unwrap()));
    assert!(buyers <= 1_100, "{buyers} bytes: two more keys of an index");
}
