//! Shop pages.

use api::{Cached, Path, Problem};
use axum::extract::State;
use domain::text::{Handle, Name};
use domain::vendor::PublicIdentity;
use domain::{Code, Currency, Money, Refusal, Timestamp, VendorId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A vendor's public shop page.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShopView {
    id: VendorId,
    /// The handle in the page's address.
    handle: Handle,
    name: Name,
    /// The vendor's description as sanitised HTML.
    about_html: String,
    /// The vendor's own currency.
    currency: Currency,
    /// The flat delivery rates, one per currency.
    shipping_rates: Vec<Money>,
    /// Who sells; null for shops that were approved before it was asked for.
    #[schema(required = true)]
    public_identity: Option<PublicIdentity>,
    /// When the shop was opened.
    since: Timestamp,
}

/// Shows a vendor's shop page.
#[utoipa::path(
    get, path = "/v1/vendors/{handle}", params(("handle" = Handle, Path, description = "The shop's handle.")),
    responses((status = OK, body = ShopView))
)]
pub async fn show_vendor(State(app): State<App>, Path(handle): Path<Handle>) -> Result<Cached<ShopView>, Problem> {
    let shop = app.window.shop(&handle).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
    let view = ShopView {
        id: shop.card.id,
        handle: shop.card.handle,
        name: shop.card.name,
        about_html: shop.about_html,
        currency: shop.currency,
        shipping_rates: shop.shipping_rates,
        public_identity: shop.public_identity,
        since: shop.created_at,
    };
    Ok(Cached::new(view, 60, 600))
}
