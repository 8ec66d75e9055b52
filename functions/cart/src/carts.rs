//! Creating, showing and deleting carts.

use api::{Answer, Idempotent, IfMatch, Json, NoBody, Now, Path, Problem, Versioned, replay_or_run};
use axum::extract::State;
use domain::cart::Cart;
use domain::{CartId, Currency};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::view::CartView;

/// The cart to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCart {
    /// The currency of all its prices. It cannot be changed later.
    currency: Currency,
}

/// Creates an empty cart.
///
/// The id is a capability: whoever knows it may use the cart.
#[utoipa::path(post, path = "/v1/carts", request_body = CreateCart, responses((status = CREATED, body = CartView)))]
pub async fn create_cart(
    State(app): State<App>,
    Now(now): Now,
    Json(asked): Json<CreateCart>,
) -> Result<Answer, Problem> {
    let mut cart = Cart::new(platform::ids(now).cart_id(), asked.currency, now);
    cart.version = app.carts.save(&cart).await?;
    let priced = app.priced(&cart, &domain::pricing::CatalogSnapshot::default()).await?;
    Ok(Answer::created(format!("/v1/carts/{}", cart.id), &CartView::new(&cart, &priced))?.with_version(cart.version))
}

/// Shows a cart at current prices.
///
/// Nothing is written, so the call does not extend the cart's lifetime.
#[utoipa::path(
    get, path = "/v1/carts/{id}", params(("id" = CartId, Path, description = "The cart.")),
    responses((status = OK, body = CartView))
)]
pub async fn show_cart(
    State(app): State<App>,
    Now(now): Now,
    Path(id): Path<CartId>,
) -> Result<Versioned<CartView>, Problem> {
    let cart = app.cart(id, now).await?;
    let snapshot = app.snapshot(&cart).await?;
    let priced = app.priced(&cart, &snapshot).await?;
    Ok(Versioned { version: cart.version, body: CartView::new(&cart, &priced) })
}

/// Deletes a cart that has not been ordered.
#[utoipa::path(
    delete, path = "/v1/carts/{id}",
    params(("id" = CartId, Path, description = "The cart.")),
    responses((status = NO_CONTENT))
)]
pub async fn delete_cart(
    State(app): State<App>,
    Now(now): Now,
    Path(id): Path<CartId>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let call = asked.call.scoped_to(id);
    replay_or_run(app.stored_response(id, &call), async {
        let cart = app.open_cart(id, expected.as_ref(), now).await?;
        let answer = Answer::no_content();
        app.carts.storing(call.stored(&answer)?).delete(&cart).await?;
        Ok(answer)
    })
    .await
}
