//! Properties of what is settled with vendors: whatever happens to an order, and in whichever order.

use super::*;
use crate::Currency;
use crate::money::MoneyError;
use crate::settlement::{Amounts, SettlementEntry};
use crate::shares::{Bearer, Discount, TaxShare};

/// What may happen to an order.
#[derive(Clone, Debug)]
enum Act {
    /// All is paid, or that much less or more, which the operator accepts.
    Pay(i64),
    Accept(u16),
    Decline(u16),
    /// Ships one unit of each line, or all that is left.
    Ship(u16, bool),
    End(u16, u16, ParcelStep),
    Cancel,
    CancelUnshipped,
    Elsewhere(&'static str, i64, RefundStep),
    Dispute(&'static str, i64, Option<DisputeStep>),
    /// Every refund that waits is requested, and made or refused.
    Refunds(RefundStep),
}

fn any_act() -> impl Strategy<Value = Act> {
    let step = || prop_oneof![3 => Just(ParcelStep::Delivered), 1 => Just(ParcelStep::Lost), 1 => Just(ParcelStep::ReturnedToSender)];
    let made = || prop_oneof![3 => Just(RefundStep::Succeeded), 1 => Just(RefundStep::Failed)];
    let decision = prop_oneof![Just(None), Just(Some(DisputeStep::Won)), Just(Some(DisputeStep::Lost))];
    let reference = |at: usize, of: &[&'static str; 3]| of[at];
    prop_oneof![
        2 => prop_oneof![4 => Just(0_i64), 1 => -900..900_i64].prop_map(Act::Pay),
        4 => (1..=2_u16).prop_map(Act::Accept),
        1 => (1..=2_u16).prop_map(Act::Decline),
        4 => (1..=2_u16, any::<bool>()).prop_map(|(vendor, is_rest)| Act::Ship(vendor, is_rest)),
        4 => (1..=2_u16, 1..=3_u16, step()).prop_map(|(vendor, parcel, step)| Act::End(vendor, parcel, step)),
        1 => Just(Act::Cancel),
        1 => Just(Act::CancelUnshipped),
        1 => (0..3_usize, 1..3_000_i64, made())
            .prop_map(move |(at, amount, step)| Act::Elsewhere(reference(at, &["re_1", "re_2", "re_3"]), amount, step)),
        1 => (0..3_usize, 1..9_000_i64, decision)
            .prop_map(move |(at, amount, step)| Act::Dispute(reference(at, &["du_1", "du_2", "du_3"]), amount, step)),
        1 => made().prop_map(Act::Refunds),
    ]
}

/// An order from two vendors with prices, taxes, discounts and commissions that do not divide.
fn order_of(quantities: [u32; 2], prices: [i64; 2], provider: ProviderName) -> PlacedOrder {
    let vendors = [1, 2].map(|ordinal| vendor_card(vendor(ordinal), "Chorsu Ceramics"));
    let mut placed = examples::order(provider, &vendors);
    let shares = |price: i64, of: Money| Shares {
        goods: of,
        discounts: vec![
            Discount { promotion: "A".into(), bearer: Bearer::Vendor, amount: usd(price / 7) },
            Discount { promotion: "B".into(), bearer: Bearer::Marketplace, amount: usd(price / 5) },
        ],
        tax: vec![TaxShare {
            code: "vat".into(),
            rate: BasisPoints::try_from(1_200).unwrap(),
            included: false,
            amount: usd(price / 3),
        }],
        commission: usd(price / 9),
        commission_tax: usd(price / 31),
    };
    for (vendor_order, (quantity, price)) in placed.vendors.iter_mut().zip(quantities.into_iter().zip(prices)) {
        let line = &mut vendor_order.lines[0];
        line.quantity = quantity;
        line.unit_price = usd(price);
        line.total = usd(price).times(quantity).unwrap();
        line.shares = shares(price, line.total);
        line.allocations = vec![Allocation { shard: 0, units: quantity }];
        vendor_order.delivery = shares(101, usd(101));
        let sums = VendorOrder::sums(&vendor_order.lines, &vendor_order.delivery).unwrap();
        (vendor_order.totals, vendor_order.commission) = sums;
    }
    let total = Money::sum(Currency::USD, placed.vendors.iter().map(|one| one.totals.total)).unwrap();
    placed.order.totals.total = total;
    placed.payments[0].amount = total;
    placed
}

fn run(placed: &mut PlacedOrder, act: &Act, ids: &mut Ids) -> Result<(), Refusal> {
    let payment = placed.order.payment;
    match act {
        Act::Pay(more) => {
            if placed.order.provider.is_on_delivery() || placed.payments[0].captured.is_some() {
                return Ok(());
            }
            let amount = usd((placed.order.totals.total.minor() + more).max(1));
            let news = PaymentNews::Captured { amount: Some(amount) };
            placed.settle(payment, &news, LatePayment::Refund, ids)?;
            if amount == placed.order.totals.total { Ok(()) } else { placed.accept_amount(payment, ids) }
        }
        Act::Accept(one) => placed.accept(vendor(*one), ids),
        Act::Decline(one) => placed.decline(vendor(*one), ids),
        Act::Ship(one, true) => placed.ship(vendor(*one), &NewParcel::default(), ids),
        Act::Ship(one, false) => {
            let line = &placed.vendors[usize::from(*one) - 1].lines[0];
            let lines = vec![ParcelLine { variant_id: line.variant, quantity: 1 }];
            placed.ship(vendor(*one), &NewParcel { lines: Some(lines), ..NewParcel::default() }, ids)
        }
        Act::End(one, parcel, step) => placed.end_parcel(vendor(*one), *parcel, *step, false, ids),
        Act::Cancel => placed.cancel(Actor::Buyer, ids),
        Act::CancelUnshipped => placed.cancel_unshipped(ids),
        Act::Elsewhere(..) | Act::Dispute(..) if placed.order.provider.is_on_delivery() => Ok(()),
        Act::Elsewhere(reference, amount, step) => {
            apply(placed, &News::Refund(1, reference, *amount, *step), LatePayment::Refund, ids);
            Ok(())
        }
        Act::Dispute(reference, amount, decision) => {
            let (reference, amount) = ((*reference).into(), Some(usd(*amount)));
            let news = DisputeNews {
                reference,
                amount,
                reason: "fraudulent".into(),
                state: state_after(*decision),
                evidence_due_at: None,
            };
            placed.dispute_changed(payment, &news, NOW, ids).map(drop)
        }
        Act::Refunds(step) => {
            let waiting = placed.refunds.iter().filter(|refund| refund.state == RefundState::Queued);
            for refund in waiting.map(|refund| refund.id).collect::<Vec<_>>() {
                placed.refund_changed(refund, *step, None, ids)?;
            }
            Ok(())
        }
    }
}

/// The sums of shares, with what the vendor order has lost of its units.
fn shares_left(vendor_order: &VendorOrder, gone: &[u32]) -> Result<(i64, i64, i64), MoneyError> {
    let (mut goods, mut commission, mut price) = (0, 0, 0);
    let lines =
        vendor_order.lines.iter().zip(gone).map(|(line, gone)| line.shares.part(*gone..line.quantity, line.quantity));
    let delivery = (!vendor_order.delivery_refunded).then(|| Ok(vendor_order.delivery.clone()));
    for (at, shares) in lines.chain(delivery).enumerate() {
        let shares = shares?;
        goods += if at < vendor_order.lines.len() { shares.goods.minor() } else { 0 };
        commission += shares.commission.minor();
        price += shares.total()?.minor();
    }
    Ok((goods, commission, price))
}

fn check(placed: &PlacedOrder, amounts: &[Amounts]) -> Result<(), TestCaseError> {
    for one in amounts {
        let minor = |amount: Money| amount.minor();
        let price = minor(one.goods) + minor(one.delivery) + minor(one.tax)
            - minor(one.vendor_discounts)
            - minor(one.marketplace_discounts);
        prop_assert_eq!(minor(one.total), price);
        prop_assert_eq!(minor(one.total), minor(one.paid) - minor(one.refunded) - minor(one.charged_back), "{:?}", one);
        let for_vendor = minor(one.goods) + minor(one.delivery)
            - minor(one.vendor_discounts)
            - minor(one.commission)
            - minor(one.commission_tax)
            - minor(one.cash_collected);
        prop_assert_eq!(minor(one.due) + minor(one.pending) + minor(one.held), for_vendor);
        for amount in [one.total, one.paid, one.refunded, one.charged_back, one.held, one.cash_collected] {
            prop_assert!(amount.minor() >= 0, "{one:?}");
        }
    }
    let sum = |of: fn(&Amounts) -> Money| amounts.iter().map(of).map(Money::minor).sum::<i64>();
    let (paid, refunded, charged_back) = (sum(|one| one.paid), sum(|one| one.refunded), sum(|one| one.charged_back));
    prop_assert_eq!(sum(|one| one.total), paid - refunded - charged_back);
    let payment = placed.payment().unwrap();
    if payment.provider.is_on_delivery() {
        // What the carrier collects is counted by parcels, and the shares by lines: they differ by rounding only.
        let units: i64 = placed.vendors.iter().map(|one| i64::from(one.lines[0].quantity)).sum();
        let beyond = sum(|one| one.cash_collected) - paid;
        prop_assert!((0..=12 * units).contains(&beyond), "{amounts:?}");
        return Ok(());
    }
    let untouched = placed.refunds.is_empty() && placed.disputes.is_empty();
    // A late payment that goes back as a whole has paid for nothing.
    let pays = placed.vendors[0].visible && payment.has_paid() && !placed.is_refunded_in_full(payment.id);
    if let Some(captured) = payment.captured.filter(|_| pays) {
        // What was paid beyond the price is no vendor's.
        prop_assert_eq!(paid, captured.minor().min(placed.order.totals.total.minor()));
        for (one, vendor_order) in amounts.iter().zip(&placed.vendors) {
            let gone: Vec<u32> = vendor_order.lines.iter().map(|line| line.refunded).collect();
            let (goods, commission, price) = shares_left(vendor_order, &gone).unwrap();
            prop_assert!(one.total.minor() <= price);
            if untouched && captured.minor() >= placed.order.totals.total.minor() {
                let as_shares = (one.goods.minor(), one.commission.minor(), one.total.minor());
                prop_assert_eq!(as_shares, (goods, commission, price), "to the unit");
            }
        }
        // Nobody keeps what went back.
        let back: i64 =
            placed.refunds.iter().filter(|refund| refund.has_arrived()).map(|refund| refund.to_send().minor()).sum();
        let lost: i64 = placed
            .disputes
            .iter()
            .filter(|one| one.state == DisputeState::Lost)
            .filter_map(|one| one.amount)
            .map(Money::minor)
            .sum();
        prop_assert!(sum(|one| one.total) <= (captured.minor() - back).max(0));
        prop_assert!(sum(|one| one.total) <= (captured.minor() - lost).max(0));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn what_is_settled_adds_up_with_the_money_and_the_shares(
        quantities in [1..5_u32, 1..5_u32], prices in [10..999_i64, 10..999_i64],
        acts in prop::collection::vec(any_act(), 1..20), on_delivery in prop::bool::weighted(0.3),
    ) {
        let provider = if on_delivery { ProviderName::CashOnDelivery } else { ProviderName::Stripe };
        let (mut placed, mut ids) = (order_of(quantities, prices, provider), ids(NOW));
        let mut sums = [Amounts::zero(Currency::USD); 2];
        let mut entries: Vec<SettlementEntry> = Vec::new();
        for act in &acts {
            let before = placed.clone();
            // The caller does not write an order whose change was refused.
            if run(&mut placed, act, &mut ids).is_err() {
                placed = before;
                continue;
            }
            let amounts = placed.amounts().unwrap();
            check(&placed, &amounts)?;
            for vendor_order in &mut placed.vendors {
                vendor_order.version += 1;
            }
            for entry in placed.enter_amounts(before.history.len()).unwrap() {
                let sum = &mut sums[usize::from(entry.ordinal) - 1];
                *sum = sum.plus(&entry.amounts).unwrap();
                entries.push(entry);
            }
            // Nothing changes them unless history says so.
            prop_assert_eq!(sums.to_vec(), amounts);
        }
        let mut known: Vec<_> = entries.iter().map(|entry| entry.id).collect();
        known.sort_unstable();
        known.dedup();
        prop_assert_eq!(known.len(), entries.len());
    }
}

/// Nothing of the first vendor order can be given back any more.
fn completed(placed: &mut PlacedOrder) {
    let (until, lapse) = placed.vendors[0].next_deadline().unwrap();
    assert_eq!(placed.lapse(vendor(1), &mut ids(until)).unwrap(), Some(lapse));
    assert_eq!(lapse, Lapse::Completed);
}

#[test]
fn a_sale_is_pending_until_it_can_be_given_back_no_longer_and_then_due() {
    let (mut placed, mut ids) = (order_of([2, 1], [1_000, 500], ProviderName::Stripe), ids(NOW));
    let summed = |placed: &PlacedOrder| placed.amounts().unwrap()[0];
    assert!(summed(&placed).is_nothing());
    run(&mut placed, &Act::Pay(0), &mut ids).unwrap();
    // 20.00 + 1.01 - 1.42 - 0.14 of discounts - 1.11 - 0.11 of commission - 0.32 - 0.03 of tax on it.
    let paid = summed(&placed);
    assert_eq!((paid.pending, paid.due, paid.paid), (usd(1_788), usd(0), placed.vendors[0].totals.total));
    for act in [Act::Accept(1), Act::Ship(1, true), Act::End(1, 1, ParcelStep::Delivered)] {
        run(&mut placed, &act, &mut ids).unwrap();
    }
    assert_eq!((summed(&placed).pending, summed(&placed).due), (usd(1_788), usd(0)));
    completed(&mut placed);
    assert_eq!((summed(&placed).pending, summed(&placed).due), (usd(0), usd(1_788)));
    // While a bank decides, nothing of it is paid out; what it charges back is taken off each share.
    let total = placed.order.totals.total.minor();
    run(&mut placed, &Act::Dispute("du_1", total, None), &mut ids).unwrap();
    assert_eq!((summed(&placed).held, summed(&placed).due), (usd(1_788), usd(0)));
    run(&mut placed, &Act::Dispute("du_1", total, Some(DisputeStep::Lost)), &mut ids).unwrap();
    let lost = summed(&placed);
    assert_eq!((lost.held, lost.due, lost.commission, lost.total), (usd(0), usd(0), usd(0), usd(0)));
    assert_eq!(lost.charged_back, lost.paid);
}

#[test]
fn cash_is_the_vendors_already_and_its_commission_is_owed() {
    let (mut placed, mut ids) = (order_of([2, 1], [1_000, 500], ProviderName::CashOnDelivery), ids(NOW));
    for act in [Act::Accept(1), Act::Ship(1, true)] {
        run(&mut placed, &act, &mut ids).unwrap();
    }
    assert!(placed.amounts().unwrap()[0].is_nothing());
    // The other vendor order is not delivered yet: each is settled for itself.
    run(&mut placed, &Act::End(1, 1, ParcelStep::Delivered), &mut ids).unwrap();
    let amounts = placed.amounts().unwrap();
    let total = placed.vendors[0].totals.total;
    assert_eq!((amounts[0].cash_collected, amounts[0].paid), (total, total));
    let owed = amounts[0].for_vendor().unwrap();
    assert_eq!((amounts[0].pending, amounts[0].due), (owed, usd(0)));
    completed(&mut placed);
    assert_eq!(placed.amounts().unwrap()[0].due, owed);
    assert!(owed.minor() < 0 && amounts[1].is_nothing());
}
