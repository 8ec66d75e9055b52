//! Lines: putting one, taking one out.

use api::{IfMatch, Json, Now, Path, Problem, Versioned};
use axum::extract::State;
use domain::cart::{CartLine, LIFE, MOST_UNITS};
use domain::{CartId, Code, Refusal, Timestamp, VariantId};
use serde::Deserialize;
use store::Error;
use utoipa::ToSchema;

use crate::view::CartView;
use crate::{App, TRIES};

/// How many.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutLine {
    /// Units, 0 to 9999. Zero takes the line out.
    quantity: u32,
}

/// Sets the quantity of a variant. Doing it twice is doing it once.
#[utoipa::path(
    put, path = "/v1/carts/{id}/items/{variant_id}",
    params(("id" = CartId, Path, description = "The cart."), ("variant_id" = VariantId, Path, description = "The variant.")),
    request_body = PutLine, responses((status = OK, body = CartView))
)]
pub async fn put_line(
    State(app): State<App>,
    Now(now): Now,
    Path((id, variant)): Path<(CartId, VariantId)>,
    expected: Option<IfMatch>,
    Json(asked): Json<PutLine>,
) -> Result<Versioned<CartView>, Problem> {
    if asked.quantity > MOST_UNITS {
        return Err(Refusal::field("/quantity", "out_of_range", format!("must be 0 to {MOST_UNITS}")).into());
    }
    change_line(&app, id, variant, asked.quantity, expected.as_ref(), now).await
}

/// Takes a variant out.
#[utoipa::path(
    delete, path = "/v1/carts/{id}/items/{variant_id}",
    params(("id" = CartId, Path, description = "The cart."), ("variant_id" = VariantId, Path, description = "The variant.")),
    responses((status = OK, body = CartView))
)]
pub async fn delete_line(
    State(app): State<App>,
    Now(now): Now,
    Path((id, variant)): Path<(CartId, VariantId)>,
    expected: Option<IfMatch>,
) -> Result<Versioned<CartView>, Problem> {
    change_line(&app, id, variant, 0, expected.as_ref(), now).await
}

/// At most three round trips: the cart with the variant's product, everything else it names, and the write.
async fn change_line(
    app: &App,
    id: CartId,
    variant: VariantId,
    quantity: u32,
    expected: Option<&IfMatch>,
    now: Timestamp,
) -> Result<Versioned<CartView>, Problem> {
    for _ in 0..TRIES {
        let (cart, mut shelf) = app.carts.read_beside(id, now, &app.catalog, variant.product()).await?;
        let mut cart = cart.ok_or_else(|| Refusal::of(Code::NotFound))?;
        IfMatch::check_if_given(expected, cart.version)?;
        cart.check_open(now)?;
        let vendor = shelf.products.get(&variant.product()).map(|product| product.vendor.id);
        let others =
            cart.lines.iter().map(|line| line.variant.product()).filter(|product| *product != variant.product());
        let sellers = cart.vendors().into_iter().chain(vendor).filter(|seller| !shelf.shops.contains_key(seller));
        let rest = app.catalog.shelf(others, sellers, true).await?;
        shelf.add(rest);
        if quantity == 0 {
            cart.remove(variant);
        } else {
            let (product, found) = shelf.for_sale(variant).ok_or_else(|| Refusal::of(Code::NotFound))?;
            let price = found.price_in(cart.currency).ok_or_else(|| Refusal::of(Code::NoPriceInCurrency))?;
            cart.put(CartLine {
                variant,
                quantity,
                seen_price: price.price,
                title: product.title_of(found),
                vendor: product.vendor.clone(),
            })?;
        }
        cart.expires_at = now + LIFE;
        match app.carts.save(&cart).await {
            Ok(version) => {
                cart.version = version;
                let priced = app.priced(&cart, &shelf).await?;
                return Ok(Versioned { version, body: CartView::new(&cart, &priced) });
            }
            Err(Error::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::Conflict.into())
}
