//! Orders for tests.

use domain::VendorId;
use domain::examples::{self, after, ids, usd, vendor_card};
use domain::order::{LatePayment, PlacedOrder};
use domain::payment::ProviderName;
use domain::provider_news::PaymentNews;

pub(crate) const VENDOR: VendorId = VendorId::from_bits(3);

/// An order of 25 USD from one vendor, due after 15 minutes.
pub(crate) fn order(provider: ProviderName) -> PlacedOrder {
    examples::order(provider, &[vendor_card(VENDOR, "Chorsu Ceramics")])
}

/// The same, paid and then declined by its vendor: a refund is queued.
pub(crate) fn with_refund() -> PlacedOrder {
    let mut placed = order(ProviderName::Stripe);
    let mut ids = ids(after(60));
    let paid = PaymentNews::Captured { amount: Some(usd(2_500)) };
    placed.settle(placed.order.payment, &paid, LatePayment::Fulfil, &mut ids).unwrap();
    placed.decline(VENDOR, &mut ids).unwrap();
    placed
}
