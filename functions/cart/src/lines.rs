//! Cart lines: setting the quantity of one, removing one.

use api::{Answer, Idempotent, IfMatch, Json, NoBody, Now, Path, Problem, ScopedRequest, replay_or_run};
use axum::extract::State;
use domain::cart::{Cart, CartLine, LIFETIME, MAX_UNITS};
use domain::{CartId, Code, Refusal, Timestamp, VariantId};
use serde::Deserialize;
use store::Error;
use utoipa::ToSchema;

use crate::view::{CartView, answer};
use crate::{App, MAX_ATTEMPTS};

/// The new quantity of a cart line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutLine {
    /// Units, 0 to 9,999. Zero removes the line.
    quantity: u32,
}

/// Sets the quantity of a variant in a cart.
///
/// Repeating the call changes nothing.
#[utoipa::path(
    put, path = "/v1/carts/{id}/items/{variant_id}",
    params(
        ("id" = CartId, Path, description = "The cart."), ("variant_id" = VariantId, Path, description = "The variant.")
    ),
    request_body = PutLine, responses((status = OK, body = CartView))
)]
pub async fn put_cart_line(
    State(app): State<App>,
    Now(now): Now,
    Path((id, variant)): Path<(CartId, VariantId)>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<PutLine>>,
) -> Result<Answer, Problem> {
    if asked.quantity > MAX_UNITS {
        return Err(Refusal::field("/quantity", "out_of_range", format!("must be 0 to {MAX_UNITS}")).into());
    }
    let (change, call) = (LineUpdate { variant, quantity: asked.quantity, expected }, call.scoped_to(id));
    replay_or_run(app.stored_response(id, &call), change_line(&app, id, change, &call, now)).await
}

/// Removes a variant from a cart.
///
/// Removing a variant that is not in the cart changes nothing.
#[utoipa::path(
    delete, path = "/v1/carts/{id}/items/{variant_id}",
    params(
        ("id" = CartId, Path, description = "The cart."), ("variant_id" = VariantId, Path, description = "The variant.")
    ),
    responses((status = OK, body = CartView))
)]
pub async fn delete_cart_line(
    State(app): State<App>,
    Now(now): Now,
    Path((id, variant)): Path<(CartId, VariantId)>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let (change, call) = (LineUpdate { variant, quantity: 0, expected }, asked.call.scoped_to(id));
    replay_or_run(app.stored_response(id, &call), change_line(&app, id, change, &call, now)).await
}

struct LineUpdate {
    variant: VariantId,
    quantity: u32,
    expected: Option<IfMatch>,
}

/// Sets a line. Without conflicts it takes at most three round trips: the cart with the variant's product; everything
/// else that the cart names; and the write.
async fn change_line(
    app: &App,
    id: CartId,
    change: LineUpdate,
    call: &ScopedRequest,
    now: Timestamp,
) -> Result<Answer, Problem> {
    let LineUpdate { variant, quantity, expected } = change;
    for _ in 0..MAX_ATTEMPTS {
        let (cart, mut snapshot) = app.carts.read_with_product(id, now, &app.catalog, variant.product()).await?;
        let mut cart = cart.ok_or_else(|| Refusal::of(Code::NotFound))?;
        IfMatch::check_if_given(expected.as_ref(), cart.version)?;
        cart.check_open(now)?;
        let vendor = snapshot.products.get(&variant.product()).map(|product| product.vendor.id);
        let others =
            cart.lines.iter().map(|line| line.variant.product()).filter(|product| *product != variant.product());
        let vendors = cart.vendors().into_iter().chain(vendor).filter(|vendor| !snapshot.shops.contains_key(vendor));
        let rest = app.catalog.snapshot(others, vendors, true).await?;
        snapshot.add(rest);
        if quantity == 0 && !cart.lines.iter().any(|line| line.variant == variant) {
            let answer = answer(&cart, &app.priced(&cart, &snapshot).await?)?;
            app.carts.storing(call.stored(&answer)?).store_response().await?;
            return Ok(answer);
        }
        if quantity == 0 {
            cart.remove(variant);
        } else {
            let (product, found) = snapshot.for_sale(variant).ok_or_else(|| Refusal::of(Code::NotFound))?;
            let price = found.price_in(cart.currency).ok_or_else(|| Refusal::of(Code::NoPriceInCurrency))?;
            cart.put(CartLine {
                variant,
                quantity,
                seen_price: price.price,
                title: product.title_of(found),
                vendor: product.vendor.clone(),
            })?;
        }
        cart.expires_at = now + LIFETIME;
        let written = Cart { version: cart.version + 1, ..cart.clone() };
        let answer = answer(&written, &app.priced(&written, &snapshot).await?)?;
        match app.carts.storing(call.stored(&answer)?).save(&cart).await {
            Ok(_) => return Ok(answer),
            Err(Error::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::Conflict.into())
}
