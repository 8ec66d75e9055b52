//! Placing an order: from a priced cart to the items that are written.

use crate::stored::Kept;
use std::collections::BTreeMap;

use super::confirmation::{CONFIRMATION, Confirmation};
use super::{
    Actor, History, HistoryEvent, LatePayment, Order, OrderEvent, OrderEventKind, OrderLine, OrderState, Person,
    PlacedOrder, StockMove, Terms, VendorOrder, VendorOrderState,
};
use crate::cart::Cart;
use crate::catalog::{Measure, Product};
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::money::{BasisPoints, MoneyError};
use crate::order::Deadlines;
use crate::payment::{Action, Payment, PaymentState, ProviderName};
use crate::pricing::{PricedCart, PricedGroup, Rates, Totals};
use crate::provider_news::PaymentNews;
use crate::return_policy::ReturnRules;
use crate::settlement::Amounts;
use crate::shares::Shares;
use crate::stock::Allocation;
use crate::text::Handle;
use crate::{LookUp, Money, OrderId, PaymentId, ProductId, VariantId};

/// The input of [`place`].
#[derive(Debug)]
pub struct PlaceOrder<'a> {
    /// The cart as it was read.
    pub cart: &'a Cart,
    /// The same cart with its current prices.
    pub priced: &'a PricedCart,
    pub person: Person,
    /// What the person's e-mail address, or else their telephone number, is looked up by.
    pub contact: LookUp,
    /// The provider of the first payment attempt.
    pub provider: ProviderName,
    /// The operator's current rates, which the order freezes.
    pub rates: Rates,
    pub deadlines: Deadlines,
    /// What the operator promises about returns, which each line freezes.
    pub returns: &'a ReturnRules,
    /// The products of the lines.
    pub products: &'a BTreeMap<ProductId, Product>,
    /// The shards from which the units of each variant are reserved.
    pub allocations: &'a BTreeMap<VariantId, Vec<Allocation>>,
}

/// Makes the order, a vendor order per vendor, the first payment attempt, the stock moves and the event. Whoever has
/// the keys seals its person. An order of nothing to pay is paid at once: its attempt has captured zero.
///
/// # Errors
/// `out_of_stock` when the allocations do not cover a line exactly, so that no order reserves more or less stock than
/// it sells; `not_deliverable` when a vendor has no shipping; `payment_method_unavailable` when there is something to
/// pay and nobody to collect it; [`MoneyError`] when the sums do not fit.
pub fn place(order: PlaceOrder<'_>, ids: &mut Ids) -> Result<PlacedOrder, PlaceError> {
    let now = ids.now();
    let id = OrderId::new(now, ids.bits());
    let currency = order.cart.currency;
    // Goods are held for nobody who could not be reached.
    let asks = order.provider.is_on_delivery() && order.cart.buyer.is_none();
    let (state, due_at, kind) = if asks {
        (OrderState::AwaitingConfirmation, now + CONFIRMATION, OrderEventKind::ConfirmationAsked)
    } else if order.provider.is_on_delivery() {
        (OrderState::Confirmed, now + order.deadlines.delivery, OrderEventKind::OrderConfirmed)
    } else {
        (OrderState::AwaitingPayment, now + order.deadlines.reservation, OrderEventKind::OrderPlaced)
    };
    let mut vendors = Vec::new();
    let mut stock_moves = Vec::new();
    for (ordinal, group) in (1_u16..).zip(&order.priced.groups) {
        let vendor_order = vendor_order_from(id, ordinal, group, &order, ids)?;
        for line in &vendor_order.lines {
            for allocation in &line.allocations {
                let units = i64::from(allocation.units);
                stock_moves.push(StockMove {
                    variant: line.variant,
                    shard: allocation.shard,
                    available: -units,
                    reserved: units,
                });
            }
        }
        vendors.push(vendor_order);
    }
    let vendor_totals: Vec<Totals> = vendors.iter().map(|vendor_order| vendor_order.totals).collect();
    let totals = add_up(Money::zero(currency), &vendor_totals)?;
    let is_free = order.provider == ProviderName::Unneeded;
    if is_free && !totals.total.is_zero() {
        return Err(Refusal::of(Code::PaymentMethodUnavailable).into());
    }
    let payment = Payment {
        id: PaymentId::new(now, ids.bits()),
        order: id,
        provider: order.provider,
        amount: totals.total,
        state: PaymentState::Created,
        reference: None,
        further_references: Vec::new(),
        action: is_free.then_some(Action::None),
        captured: None,
        failure: None,
        opening: None,
        refunds: None,
        transaction: None,
        slow_deadline: None,
        processing: None,
        closed_at: None,
        is_followed: false,
        created_at: now,
        version: 0,
        kept: Kept::default(),
    };
    let event = OrderEvent::new(kind, id, None, ids);
    let mut placed = PlacedOrder {
        order: Order {
            id,
            state,
            cart: order.cart.id,
            buyer: order.cart.buyer,
            contact: Some(order.contact),
            currency,
            totals,
            payment: payment.id,
            provider: order.provider,
            placed_at: now,
            due_at: Some(due_at),
            confirmation: asks.then(|| Confirmation::first(now)),
            language: None,
            parts: None,
            version: 0,
            kept: Kept::default(),
        },
        terms: Terms { order: id, sealed: None, accepted_terms: None, version: 0, kept: Kept::default() },
        person: Some(order.person),
        history: vec![History { at: now, event: HistoryEvent::Placed, subject: None, by: Actor::Buyer, vendor: None }],
        vendors,
        payments: vec![payment],
        refunds: Vec::new(),
        disputes: Vec::new(),
        stock_moves,
        events: if is_free { Vec::new() } else { vec![event] },
        reopens_cart: false,
        closes_cart: None,
    };
    if is_free {
        let nothing = PaymentNews::Captured { amount: Some(placed.order.totals.total) };
        placed.settle(placed.order.payment, &nothing, LatePayment::Refund, ids)?;
    }
    Ok(placed)
}

crate::one_of! {
    /// Why an order cannot be placed.
    pub enum PlaceError {
        Money(MoneyError),
        Refused(Refusal),
    }
}

fn vendor_order_from(
    id: OrderId,
    ordinal: u16,
    group: &PricedGroup,
    order: &PlaceOrder<'_>,
    ids: &Ids,
) -> Result<VendorOrder, PlaceError> {
    let shipping = group.shipping.clone().ok_or_else(|| Refusal::of(Code::NotDeliverable))?;
    let mut lines = Vec::new();
    for line in &group.lines {
        let allocations = order.allocations.get(&line.variant).cloned().unwrap_or_default();
        let allocated: u64 = allocations.iter().map(|allocation| u64::from(allocation.units)).sum();
        if allocated != u64::from(line.quantity) {
            return Err(Refusal::of(Code::OutOfStock).into());
        }
        lines.push(OrderLine {
            variant: line.variant,
            title: line.title.clone(),
            sku: line.sku.clone(),
            // A measure that only a newer release knows would be frozen as `other`, which no release could change.
            sale_unit: line.sale_unit.filter(|unit| unit.unit != Measure::Other),
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total,
            shares: Shares::of(line.total, order.rates.tax, order.rates.commission)?,
            cancelled: 0,
            shipped: 0,
            returned: 0,
            refunded: 0,
            granted: 0,
            returns: Some(order.returns.policy(&order.person.address.country, path_of(line.variant, order))),
            allocations,
            backorder: None,
        });
    }
    let delivery = Shares::of(shipping.price, order.rates.tax, BasisPoints::ZERO)?;
    let (totals, commission) = VendorOrder::sums(&lines, &delivery)?;
    Ok(VendorOrder {
        order: id,
        ordinal,
        vendor: group.vendor.clone(),
        state: VendorOrderState::Pending,
        lines,
        shipping,
        delivery,
        delivery_refunded: false,
        entered: Amounts::zero(commission.currency()),
        totals,
        commission,
        parcels: Vec::new(),
        returns: Vec::new(),
        visible: order.provider.is_on_delivery() && order.cart.buyer.is_some(),
        times: Some(order.deadlines.fulfilment),
        since: (order.provider.is_on_delivery() && order.cart.buyer.is_some()).then(|| ids.now()),
        reminders: 0,
        placed_at: ids.now(),
        version: 0,
        kept: Kept::default(),
    })
}

/// The path of a variant's category.
fn path_of<'a>(variant: VariantId, order: &PlaceOrder<'a>) -> &'a [Handle] {
    order.products.get(&variant.product()).map_or(&[], |product| &product.categories)
}

fn add_up(nothing: Money, vendor_totals: &[Totals]) -> Result<Totals, MoneyError> {
    let sum = |of: fn(&Totals) -> Option<Money>| vendor_totals.iter().filter_map(of).try_fold(nothing, Money::plus);
    let items = sum(|totals| Some(totals.items))?;
    let discount = sum(|totals| Some(totals.discount))?;
    Totals::of(items, discount, Some(sum(|totals| totals.shipping)?), Some(sum(|totals| totals.tax)?))
}
