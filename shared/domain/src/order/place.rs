//! From a priced cart to an order.

use std::collections::BTreeMap;

use super::{
    Actor, Event, EventKind, History, Order, OrderFile, OrderLine, OrderState, StockMove, VendorOrder, VendorOrderState,
};
use crate::address::Address;
use crate::cart::Cart;
use crate::code::{Code, Refusal};
use crate::mint::Mint;
use crate::money::MoneyError;
use crate::order::Deadlines;
use crate::payment::{Payment, PaymentState, ProviderName};
use crate::pricing::{PricedCart, PricedGroup, Rates, Totals};
use crate::stock::Draw;
use crate::text::Email;
use crate::{EventId, Money, OrderId, PaymentId, VariantId};

/// What an order is made of.
#[derive(Debug)]
pub struct PlaceOrder<'a> {
    /// The cart as it was read.
    pub cart: &'a Cart,
    /// The same cart with the prices of now.
    pub priced: &'a PricedCart,
    /// Where it goes.
    pub address: &'a Address,
    /// Where news for the buyer goes.
    pub email: Email,
    /// Who is asked for the money.
    pub provider: ProviderName,
    /// The operator's rates of now.
    pub rates: Rates,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// From which counters each variant is taken.
    pub draws: &'a BTreeMap<VariantId, Vec<Draw>>,
}

/// Makes the order, a sub-order per seller, the first payment attempt, the moves of stock and the event.
///
/// Refused when the draws do not cover a line exactly: an order never takes more or less stock than it sells.
pub fn place(order: PlaceOrder<'_>, mint: &mut Mint) -> Result<OrderFile, PlaceError> {
    let now = mint.now();
    let id = OrderId::new(now, mint.bits());
    let currency = order.cart.currency;
    let (state, due_at, kind) = if order.provider.pays_after() {
        (OrderState::Confirmed, now + order.deadlines.delivery, EventKind::OrderConfirmed)
    } else {
        (OrderState::AwaitingPayment, now + order.deadlines.reservation, EventKind::OrderPlaced)
    };
    let mut vendors = Vec::new();
    let mut moves = Vec::new();
    for (ordinal, group) in (1_u16..).zip(&order.priced.groups) {
        let part = vendor_order(id, ordinal, group, &order, mint)?;
        for line in &part.lines {
            for draw in &line.draws {
                let units = i64::from(draw.units);
                moves.push(StockMove { variant: line.variant, shard: draw.shard, available: -units, reserved: units });
            }
        }
        vendors.push(part);
    }
    let parts: Vec<Totals> = vendors.iter().map(|part| part.totals).collect();
    let totals = add_up(Money::zero(currency), &parts)?;
    let payment = Payment {
        id: PaymentId::new(now, mint.bits()),
        order: id,
        provider: order.provider,
        amount: totals.total,
        state: PaymentState::Created,
        reference: None,
        action: None,
        captured: None,
        failure: None,
        created_at: now,
        version: 0,
    };
    let event = Event { id: EventId::new(now, mint.bits()), kind, order: id, vendor: None, at: now };
    Ok(OrderFile {
        order: Order {
            id,
            state,
            cart: order.cart.id,
            buyer: order.cart.buyer,
            email: order.email,
            address: order.address.clone(),
            currency,
            totals,
            payment: payment.id,
            provider: order.provider,
            history: vec![History { at: now, event: "placed".into(), by: Actor::Buyer, vendor: None }],
            placed_at: now,
            due_at: Some(due_at),
            version: 0,
        },
        vendors,
        payments: vec![payment],
        refunds: Vec::new(),
        disputes: Vec::new(),
        moves,
        events: vec![event],
        reopens_cart: false,
    })
}

/// Why an order could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The sums do not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl crate::code::Coded for PlaceError {
    fn code(&self) -> Code {
        match self {
            Self::Money(error) => error.code(),
            Self::Refused(refusal) => refusal.code(),
        }
    }
    fn detail(&self) -> Option<String> {
        match self {
            Self::Money(_) => None,
            Self::Refused(refusal) => refusal.detail(),
        }
    }
    fn fields(&self) -> Vec<crate::code::FieldError> {
        match self {
            Self::Money(_) => Vec::new(),
            Self::Refused(refusal) => refusal.fields(),
        }
    }
}

fn vendor_order(
    id: OrderId,
    ordinal: u16,
    group: &PricedGroup,
    order: &PlaceOrder<'_>,
    mint: &Mint,
) -> Result<VendorOrder, PlaceError> {
    let shipping = group.shipping.clone().ok_or_else(|| Refusal::of(Code::NotDeliverable))?;
    let mut lines = Vec::new();
    for line in &group.lines {
        let draws = order.draws.get(&line.variant).cloned().unwrap_or_default();
        let drawn: u64 = draws.iter().map(|draw| u64::from(draw.units)).sum();
        if drawn != u64::from(line.quantity) {
            return Err(Refusal::of(Code::OutOfStock).into());
        }
        lines.push(OrderLine {
            variant: line.variant,
            title: line.title.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total,
            draws,
            back_order: None,
        });
    }
    let nothing = Money::zero(order.cart.currency);
    let totals = Totals::of(group.items, nothing, Some(shipping.price), group.tax)?;
    Ok(VendorOrder {
        order: id,
        ordinal,
        vendor: group.vendor.clone(),
        state: VendorOrderState::Pending,
        lines,
        shipping,
        totals,
        commission: group.items.share(order.rates.commission)?,
        shipment: None,
        visible: order.provider.pays_after(),
        placed_at: mint.now(),
        version: 0,
    })
}

fn add_up(nothing: Money, parts: &[Totals]) -> Result<Totals, MoneyError> {
    let sum = |of: fn(&Totals) -> Option<Money>| parts.iter().filter_map(of).try_fold(nothing, Money::plus);
    let items = sum(|part| Some(part.items))?;
    let discount = sum(|part| Some(part.discount))?;
    Totals::of(items, discount, Some(sum(|part| part.shipping)?), Some(sum(|part| part.tax)?))
}
