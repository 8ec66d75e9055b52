//! Delivery: a cart's address and its shipping options.

use api::{Answer, Idempotent, IfMatch, Json, Path, Problem};
use axum::extract::State;
use domain::address::Address;
use domain::cart::FLAT_RATE;
use domain::pricing::{PricedCart, Totals};
use domain::{CartId, Money, VendorId};
use serde::{Deserialize, Serialize};
use shop::{ChooseShipping, ShownCart};
use utoipa::ToSchema;

use crate::App;
use crate::view::{CartView, answer};

/// The address that a cart is to be delivered to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListShippingOptions {
    address: Address,
}

/// The shipping options of a cart by vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShippingView {
    items: Vec<VendorShipping>,
    totals: Totals,
}

/// The shipping options of one vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorShipping {
    vendor_id: VendorId,
    options: Vec<ShippingOption>,
    /// The id of the chosen option.
    chosen: String,
}

/// A shipping option with its price.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShippingOption {
    id: String,
    name: String,
    price: Money,
    delivery: DeliveryTime,
}

/// The expected delivery time in days.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryTime {
    min_days: u16,
    max_days: u16,
}

impl From<&PricedCart> for ShippingView {
    fn from(priced: &PricedCart) -> Self {
        let options = |price: Option<Money>| {
            price
                .map(|price| ShippingOption {
                    id: FLAT_RATE.to_owned(),
                    name: "Standard delivery".to_owned(),
                    price,
                    delivery: DeliveryTime { min_days: 2, max_days: 14 },
                })
                .into_iter()
                .collect()
        };
        let items = priced
            .groups
            .iter()
            .map(|group| VendorShipping {
                vendor_id: group.vendor.id,
                options: options(group.rate),
                chosen: group.shipping.as_ref().map_or(FLAT_RATE, |chosen| &chosen.option_id).to_owned(),
            })
            .collect();
        Self { items, totals: priced.totals }
    }
}

/// Stores the delivery address and lists shipping options.
///
/// The cheapest option of each vendor is chosen.
#[utoipa::path(
    post, path = "/v1/carts/{id}/shipping-options", params(("id" = CartId, Path, description = "The cart.")),
    request_body = ListShippingOptions, responses((status = OK, body = ShippingView))
)]
pub async fn list_cart_shipping_options(
    State(carts): State<App>,
    Path(id): Path<CartId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ListShippingOptions>>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(id));
    let options =
        |shown: &ShownCart| Ok(Answer::ok(&ShippingView::from(&shown.priced))?.with_version(shown.cart.version));
    Answer::of(carts.set_address(id, &asked.address, &expected, call.responding(&options)).await?)
}

/// Chooses the shipping options of a cart.
#[utoipa::path(
    put, path = "/v1/carts/{id}/shipping", params(("id" = CartId, Path, description = "The cart.")),
    request_body = Vec<ChooseShipping>, responses((status = OK, body = CartView))
)]
pub async fn choose_cart_shipping(
    State(carts): State<App>,
    Path(id): Path<CartId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<Vec<ChooseShipping>>>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(id));
    Answer::of(carts.choose_shipping(id, &asked, &expected, call.responding(&answer)).await?)
}
