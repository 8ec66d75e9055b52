//! An order to try things on.

use std::time::Duration;

use domain::address::{Address, Country};
use domain::order::{Actor, LatePayment};
use domain::order::{History, Order, OrderLine, OrderState, PlacedOrder, VendorOrder, VendorOrderState};
use domain::payment::{Payment, PaymentState, ProviderName};
use domain::pricing::{ChosenShipping, Totals};
use domain::provider_news::PaymentNews;
use domain::stock::Allocation;
use domain::text::{Email, Handle, Line, Name};
use domain::vendor::VendorCard;
use domain::{CartId, Currency, Ids, Money, OrderId, PaymentId, ProductId, Timestamp, VariantId, VendorId};

pub(crate) const PLACED: Timestamp = Timestamp::from_millis(1_795_000_000_000);

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// A moment so many seconds after the order was placed.
pub(crate) fn after(seconds: u64) -> Timestamp {
    PLACED + Duration::from_secs(seconds)
}

pub(crate) fn ids(now: Timestamp) -> Ids {
    let mut count = 0_u8;
    Ids::new(now, move || {
        count += 1;
        [count; 16]
    })
}

/// One vendor order of 25 USD that waits for a payment, due after 15 minutes.
pub(crate) fn order(provider: ProviderName) -> PlacedOrder {
    let id = OrderId::from_bits(1);
    let payment = PaymentId::from_bits(2);
    let totals = Totals::of(usd(2_000), usd(0), Some(usd(500)), Some(usd(0))).unwrap();
    let name = |text: &str| Name::parse(text).unwrap();
    let line = |text: &str| Line::parse(text).unwrap();
    PlacedOrder {
        order: Order {
            id,
            state: if provider.is_on_delivery() { OrderState::Confirmed } else { OrderState::AwaitingPayment },
            cart: CartId::random([1; 16]),
            buyer: None,
            email: Email::parse("buyer@bozor.test").unwrap(),
            address: Address {
                name: name("Aziza"),
                line1: line("12 Navoi Street"),
                line2: None,
                city: line("Tashkent"),
                region: None,
                postal_code: None,
                country: Country::parse("UZ").unwrap(),
                phone: None,
            },
            currency: Currency::USD,
            totals,
            payment,
            provider,
            history: vec![History {
                at: PLACED,
                event: domain::order::HistoryEvent::Placed,
                subject: None,
                by: Actor::Buyer,
                vendor: None,
            }],
            placed_at: PLACED,
            due_at: Some(after(900)),
            version: 1,
        },
        vendors: vec![VendorOrder {
            order: id,
            ordinal: 1,
            vendor: VendorCard {
                id: VendorId::from_bits(3),
                handle: Handle::parse("chorsu-ceramics").unwrap(),
                name: name("Chorsu Ceramics"),
            },
            state: VendorOrderState::Pending,
            lines: vec![OrderLine {
                variant: VariantId::new(ProductId::from_bits(4), 1),
                title: "Blue bowl".into(),
                sku: None,
                quantity: 2,
                unit_price: usd(1_000),
                total: usd(2_000),
                allocations: vec![Allocation { shard: 0, units: 2 }],
                backorder: None,
            }],
            shipping: ChosenShipping { option_id: "flat".into(), price: usd(500) },
            totals,
            commission: usd(200),
            shipment: None,
            visible: provider.is_on_delivery(),
            placed_at: PLACED,
            version: 1,
        }],
        payments: vec![Payment {
            id: payment,
            order: id,
            provider,
            amount: totals.total,
            state: PaymentState::Pending,
            reference: Some("pi_1".into()),
            action: None,
            captured: None,
            failure: None,
            created_at: PLACED,
            version: 1,
        }],
        refunds: Vec::new(),
        disputes: Vec::new(),
        stock_moves: Vec::new(),
        events: Vec::new(),
        reopens_cart: false,
    }
}

/// The same, paid and then declined by its vendor: a refund is queued.
pub(crate) fn with_refund() -> PlacedOrder {
    let mut placed = order(ProviderName::Stripe);
    let mut ids = ids(after(60));
    let paid = PaymentNews::Captured { amount: Some(usd(2_500)) };
    placed.settle(placed.order.payment, &paid, LatePayment::Fulfil, &mut ids).unwrap();
    placed.decline(VendorId::from_bits(3), &mut ids).unwrap();
    placed
}
