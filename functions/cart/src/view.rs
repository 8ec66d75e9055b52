//! Carts on the wire.

use api::{Answer, Problem};
use domain::address::Address;
use domain::cart::Cart;
use domain::order::VendorRef;
use domain::pricing::{ChosenShipping, LineChange, PricedCart, PricedLine, Totals};
use domain::{CartId, Currency, Money, OrderId, Timestamp, VariantId};
use serde::Serialize;
use utoipa::ToSchema;

/// A cart with the prices of now.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartView {
    /// Whoever knows it may use the cart.
    id: CartId,
    currency: Currency,
    version: u64,
    /// Lines by seller.
    groups: Vec<CartGroup>,
    /// Codes that were redeemed.
    coupons: Vec<String>,
    totals: Totals,
    /// Where it goes, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    /// The order it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
    /// Until when it is kept.
    expires_at: Timestamp,
}

/// One seller's lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartGroup {
    vendor: VendorRef,
    lines: Vec<CartLineView>,
    /// The chosen delivery, once an address is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping: Option<ChosenShipping>,
}

/// A line.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartLineView {
    variant_id: VariantId,
    title: String,
    quantity: u32,
    unit_price: Money,
    /// Quantity times price; nothing for a line that cannot be bought.
    total: Money,
    /// Whether some of it has to come in first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    backorder: bool,
    /// When that is expected, if the seller says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    available_from: Option<Timestamp>,
    /// What changed since the line was put or the address stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<LineChange>,
}

impl From<&PricedLine> for CartLineView {
    fn from(line: &PricedLine) -> Self {
        Self {
            variant_id: line.variant,
            title: line.title.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total,
            backorder: line.backorder.is_some(),
            available_from: line.backorder.and_then(|backorder| backorder.available_from),
            changes: line.changes.clone(),
        }
    }
}

/// 200 with a cart and its prices.
pub(crate) fn answer(cart: &Cart, priced: &PricedCart) -> Result<Answer, Problem> {
    Ok(Answer::ok(&CartView::new(cart, priced))?.with_version(cart.version))
}

impl CartView {
    /// A cart and its prices.
    pub fn new(cart: &Cart, priced: &PricedCart) -> Self {
        Self {
            id: cart.id,
            currency: cart.currency,
            version: cart.version,
            groups: priced
                .groups
                .iter()
                .map(|group| CartGroup {
                    vendor: VendorRef { id: group.vendor.id, name: group.vendor.name.clone() },
                    lines: group.lines.iter().map(CartLineView::from).collect(),
                    shipping: group.shipping.clone(),
                })
                .collect(),
            coupons: Vec::new(),
            totals: priced.totals,
            address: cart.address.clone(),
            order_id: cart.order,
            expires_at: cart.expires_at,
        }
    }
}
