//! Shop pages.

use api::{Cached, Path, Problem};
use axum::extract::State;
use domain::text::{Handle, Name};
use domain::vendor::Shop;
use domain::{Code, Currency, Money, Refusal, Timestamp, VendorId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A shop as everybody sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShopView {
    id: VendorId,
    /// Handle of this page.
    handle: Handle,
    name: Name,
    /// A few words about the shop, as HTML without markup of its own.
    about_html: String,
    /// The shop's own currency.
    currency: Currency,
    /// What delivery costs, one flat rate per currency.
    shipping_rates: Vec<Money>,
    /// Since when.
    since: Timestamp,
}

/// Shows a shop.
#[utoipa::path(
    get, path = "/v1/vendors/{handle}",
    params(("handle" = Handle, Path, description = "The shop's handle.")),
    responses((status = OK, body = ShopView))
)]
pub async fn show_vendor(State(app): State<App>, Path(handle): Path<Handle>) -> Result<Cached<ShopView>, Problem> {
    let shop = app.catalog.shop(&handle).await?.filter(Shop::sells).ok_or_else(|| Refusal::of(Code::NotFound))?;
    let view = ShopView {
        id: shop.card.id,
        handle: shop.card.handle,
        name: shop.card.name,
        about_html: shop.about_html,
        currency: shop.currency,
        shipping_rates: shop.shipping_rates,
        since: shop.created_at,
    };
    Ok(Cached::new(view, 60, 600))
}
