//! Examples for the tests of all crates: an order and its parts. What a test depends on, it passes in or sets
//! afterwards.

#![expect(clippy::unwrap_used, reason = "the texts are valid and the sums fit")]

use crate::stored::Kept;
use std::time::Duration;

use crate::address::Address;
use crate::cart::FLAT_RATE;
use crate::money::BasisPoints;
use crate::order::{Order, OrderLine, OrderState, Person, PlacedOrder, Terms, VendorOrder, VendorOrderState};
use crate::payment::{Payment, PaymentState, ProviderName, Refund, RefundReason};
use crate::pricing::{ChosenShipping, Totals};
use crate::settlement::Amounts;
use crate::shares::Shares;
use crate::stock::Allocation;
use crate::text::{Email, Handle, Name};
use crate::vendor::VendorCard;
use crate::{CartId, Currency, Ids, Money, OrderId, PaymentId, ProductId, RefundId, Timestamp, VariantId, VendorId};

/// When the orders are placed.
pub const PLACED: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// The time of tests in which no time passes.
pub const NOW: Timestamp = PLACED;

/// The time this many seconds after [`PLACED`].
pub fn after(seconds: u64) -> Timestamp {
    PLACED + Duration::from_secs(seconds)
}

/// Ids of this time whose random bits are counted up, so that every run makes the same ones.
pub fn ids(now: Timestamp) -> Ids {
    let mut count = 0_u8;
    Ids::new(now, move || {
        count = count.wrapping_add(1);
        [count; 16]
    })
}

pub const fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// An address without any of the fields that may be left out.
pub fn address() -> Address {
    let text = r#"{"name":"Aziza","line1":"12 Navoi Street","city":"Tashkent","country":"UZ"}"#;
    serde_json::from_str(text).unwrap()
}

/// A guest with [`address`].
pub fn person() -> Person {
    Person { email: Some(Email::parse("buyer@bozor.test").unwrap()), phone: None, address: address() }
}

/// A vendor with the handle that the name suggests.
pub fn vendor_card(id: VendorId, name: &str) -> VendorCard {
    VendorCard { id, handle: Handle::suggested_by(name).unwrap(), name: Name::parse(name).unwrap() }
}

/// A payment attempt that the provider knows as `pi_{number}` and for which it waits.
pub fn payment(number: u128, order: OrderId, provider: ProviderName, amount: Money) -> Payment {
    Payment {
        id: PaymentId::from_bits(number),
        order,
        provider,
        amount,
        state: PaymentState::Pending,
        reference: Some(format!("pi_{number}")),
        further_references: Vec::new(),
        action: None,
        captured: None,
        failure: None,
        opening: None,
        refunds: None,
        transaction: None,
        slow_deadline: None,
        processing: None,
        closed_at: None,
        is_followed: false,
        created_at: PLACED,
        version: 1,
        kept: Kept::default(),
    }
}

/// A refund that the provider was not asked for yet.
pub fn refund(number: u128, payment: &Payment, amount: Money) -> Refund {
    let refund = Refund::queued(RefundId::from_bits(number), payment, amount, RefundReason::Cancelled, PLACED);
    Refund { version: 1, ..refund }
}

/// A vendor order of 25 USD, not visible to its vendor yet: two bowls of 10 USD, and 5 USD for delivery. The ordinal is
/// also that of the variant.
pub fn vendor_order(order: OrderId, ordinal: u16, vendor: VendorCard) -> VendorOrder {
    let line = OrderLine {
        variant: VariantId::new(ProductId::from_bits(4), ordinal),
        title: "Blue bowl".into(),
        sku: None,
        sale_unit: None,
        quantity: 2,
        unit_price: usd(1_000),
        total: usd(2_000),
        shares: Shares {
            commission: usd(200),
            ..Shares::of(usd(2_000), BasisPoints::ZERO, BasisPoints::ZERO).unwrap()
        },
        cancelled: 0,
        shipped: 0,
        returned: 0,
        refunded: 0,
        granted: 0,
        returns: None,
        allocations: vec![Allocation { shard: 0, units: 2 }],
        backorder: None,
    };
    let shipping = ChosenShipping { option_id: FLAT_RATE.into(), price: usd(500) };
    VendorOrder {
        order,
        ordinal,
        vendor,
        state: VendorOrderState::Pending,
        totals: Totals::of(line.total, usd(0), Some(shipping.price), Some(usd(0))).unwrap(),
        lines: vec![line],
        delivery: Shares::of(shipping.price, BasisPoints::ZERO, BasisPoints::ZERO).unwrap(),
        delivery_refunded: false,
        entered: Amounts::zero(Currency::USD),
        shipping,
        commission: usd(200),
        parcels: Vec::new(),
        returns: Vec::new(),
        visible: false,
        times: None,
        since: None,
        reminders: 0,
        placed_at: PLACED,
        version: 1,
        kept: Kept::default(),
    }
}

/// A guest's order of 25 USD from each vendor, due after 15 minutes: it awaits its payment, or is confirmed if it is
/// paid on delivery.
pub fn order(provider: ProviderName, vendors: &[VendorCard]) -> PlacedOrder {
    let id = OrderId::from_bits(1);
    let on_delivery = provider.is_on_delivery();
    let vendors: Vec<VendorOrder> = (1..)
        .zip(vendors)
        .map(|(ordinal, vendor)| VendorOrder { visible: on_delivery, ..vendor_order(id, ordinal, vendor.clone()) })
        .collect();
    let items = Money::sum(Currency::USD, vendors.iter().map(|vendor_order| vendor_order.totals.items)).unwrap();
    let shipping = Money::sum(Currency::USD, vendors.iter().map(|vendor_order| vendor_order.shipping.price)).unwrap();
    let totals = Totals::of(items, usd(0), Some(shipping), Some(usd(0))).unwrap();
    let payment = payment(1, id, provider, totals.total);
    PlacedOrder {
        order: Order {
            id,
            state: if on_delivery { OrderState::Confirmed } else { OrderState::AwaitingPayment },
            cart: CartId::random([1; 16]),
            buyer: None,
            contact: None,
            currency: Currency::USD,
            totals,
            payment: payment.id,
            provider,
            placed_at: PLACED,
            due_at: Some(after(900)),
            confirmation: None,
            language: None,
            parts: None,
            version: 1,
            kept: Kept::default(),
        },
        terms: Terms { order: id, sealed: None, accepted_terms: None, version: 1, kept: Kept::default() },
        person: Some(person()),
        history: Vec::new(),
        vendors,
        payments: vec![payment],
        refunds: Vec::new(),
        disputes: Vec::new(),
        stock_moves: Vec::new(),
        events: Vec::new(),
        reopens_cart: false,
        closes_cart: None,
    }
}
