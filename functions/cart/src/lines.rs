//! Lines: putting one, taking one out.

use api::{Answer, Call, IfMatch, IfMatchHeader, Json, KeyHeader, Keyed, NoBody, Now, Path, Problem, once};
use axum::extract::State;
use domain::cart::{Cart, CartLine, LIFE, MOST_UNITS};
use domain::{CartId, Code, Refusal, Timestamp, VariantId};
use serde::Deserialize;
use store::Error;
use utoipa::ToSchema;

use crate::view::{CartView, answer};
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
    params(
        ("id" = CartId, Path, description = "The cart."), ("variant_id" = VariantId, Path, description = "The variant."),
        IfMatchHeader, KeyHeader
    ),
    request_body = PutLine, responses((status = OK, body = CartView))
)]
pub async fn put_line(
    State(app): State<App>,
    Now(now): Now,
    Path((id, variant)): Path<(CartId, VariantId)>,
    expected: Option<IfMatch>,
    Keyed { body: Json(asked), call }: Keyed<Json<PutLine>>,
) -> Result<Answer, Problem> {
    if asked.quantity > MOST_UNITS {
        return Err(Refusal::field("/quantity", "out_of_range", format!("must be 0 to {MOST_UNITS}")).into());
    }
    let (change, call) = (LineChange { variant, quantity: asked.quantity, expected }, call.of(id));
    once(app.kept(id, &call), change_line(&app, id, change, &call, now)).await
}

/// Takes a variant out. One that is not in the cart is out already.
#[utoipa::path(
    delete, path = "/v1/carts/{id}/items/{variant_id}",
    params(
        ("id" = CartId, Path, description = "The cart."), ("variant_id" = VariantId, Path, description = "The variant."),
        IfMatchHeader, KeyHeader
    ),
    responses((status = OK, body = CartView))
)]
pub async fn delete_line(
    State(app): State<App>,
    Now(now): Now,
    Path((id, variant)): Path<(CartId, VariantId)>,
    expected: Option<IfMatch>,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    let (change, call) = (LineChange { variant, quantity: 0, expected }, asked.call.of(id));
    once(app.kept(id, &call), change_line(&app, id, change, &call, now)).await
}

/// A line as it is to be.
struct LineChange {
    variant: VariantId,
    quantity: u32,
    expected: Option<IfMatch>,
}

/// At most three round trips: the cart with the variant's product, everything else it names, and the write.
async fn change_line(
    app: &App,
    id: CartId,
    change: LineChange,
    call: &Call,
    now: Timestamp,
) -> Result<Answer, Problem> {
    let LineChange { variant, quantity, expected } = change;
    for _ in 0..TRIES {
        let (cart, mut shelf) = app.carts.read_beside(id, now, &app.catalog, variant.product()).await?;
        let mut cart = cart.ok_or_else(|| Refusal::of(Code::NotFound))?;
        IfMatch::check_if_given(expected.as_ref(), cart.version)?;
        cart.check_open(now)?;
        let vendor = shelf.products.get(&variant.product()).map(|product| product.vendor.id);
        let others =
            cart.lines.iter().map(|line| line.variant.product()).filter(|product| *product != variant.product());
        let sellers = cart.vendors().into_iter().chain(vendor).filter(|seller| !shelf.shops.contains_key(seller));
        let rest = app.catalog.shelf(others, sellers, true).await?;
        shelf.add(rest);
        if quantity == 0 && !cart.lines.iter().any(|line| line.variant == variant) {
            let answer = answer(&cart, &app.priced(&cart, &shelf).await?)?;
            app.carts.keeping(call.keeps(&answer)?).keep().await?;
            return Ok(answer);
        }
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
        let written = Cart { version: cart.version + 1, ..cart.clone() };
        let answer = answer(&written, &app.priced(&written, &shelf).await?)?;
        match app.carts.keeping(call.keeps(&answer)?).save(&cart).await {
            Ok(_) => return Ok(answer),
            Err(Error::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::Conflict.into())
}
