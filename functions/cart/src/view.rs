//! Carts on the wire.

use api::Answer;
use api::views::VendorRef;
use domain::address::Address;
use domain::catalog::SaleUnit;
use domain::pricing::{ChosenShipping, LineChange, PricedLine, Totals};
use domain::{CartId, Currency, Money, OrderId, Refusal, Timestamp, VariantId};
use serde::Serialize;
use shop::ShownCart;
use utoipa::ToSchema;

/// A cart at current prices.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartView {
    /// The cart's id, a capability: whoever knows it may use the cart.
    id: CartId,
    currency: Currency,
    version: u64,
    /// The lines by vendor.
    groups: Vec<CartGroup>,
    /// Coupon codes that were redeemed.
    coupons: Vec<String>,
    totals: Totals,
    /// The delivery address, once it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    address: Option<Address>,
    /// The order that was placed for the cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    order_id: Option<OrderId>,
    /// When the cart expires.
    expires_at: Timestamp,
}

/// The lines of one vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartGroup {
    vendor: VendorRef,
    lines: Vec<CartLineView>,
    /// The chosen shipping option, once an address is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shipping: Option<ChosenShipping>,
}

/// A cart line at its current price.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartLineView {
    variant_id: VariantId,
    #[schema(examples("Blue bowl, M"))]
    title: String,
    quantity: u32,
    unit_price: Money,
    /// What one unit is, when it is sold by measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sale_unit: Option<SaleUnit>,
    /// The price of one measure of it: of a kilogram, a metre, a litre.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reference_price: Option<Money>,
    /// Quantity times unit price; zero for a line that cannot be bought.
    total: Money,
    /// Whether some of the units are on backorder: they are shipped when they come in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    backorder: bool,
    /// When the vendor expects the backordered units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    available_from: Option<Timestamp>,
    /// What changed since the line was set or the address was stored.
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
            sale_unit: line.sale_unit,
            reference_price: line.sale_unit.and_then(|unit| unit.reference_price(line.unit_price)),
            total: line.total,
            backorder: line.backorder.is_some(),
            available_from: line.backorder.and_then(|backorder| backorder.available_from),
            changes: line.changes.clone(),
        }
    }
}

/// 200 with a cart, its prices and its version.
pub(crate) fn answer(shown: &ShownCart) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&CartView::from(shown))?.with_version(shown.cart.version))
}

impl From<&ShownCart> for CartView {
    fn from(ShownCart { cart, priced }: &ShownCart) -> Self {
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
