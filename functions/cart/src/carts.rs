//! Creating, showing and deleting carts.

use api::{Answer, Idempotent, IfMatch, InLanguage, Json, NoBody, Now, Path, Problem, Query, Versioned};
use axum::extract::State;
use domain::text::ContentLanguage;
use domain::{CartId, Currency};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::view::{CartView, answer};

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
    State(carts): State<App>,
    Now(now): Now,
    Json(asked): Json<CreateCart>,
) -> Result<Answer, Problem> {
    let cart = carts.create(asked.currency, now).await?;
    Ok(answer(&cart)?.at(format!("/v1/carts/{}", cart.cart.id)))
}

/// How a cart is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowCart {
    /// The language of the titles, as a tag; one that is not there in it has its own.
    #[param(value_type = Option<String>, example = "uz")]
    lang: Option<ContentLanguage>,
}

/// Shows a cart at current prices.
///
/// Nothing is written, so the call does not extend the cart's lifetime.
#[utoipa::path(
    get, path = "/v1/carts/{id}", params(("id" = CartId, Path, description = "The cart."), ShowCart),
    responses((status = OK, body = CartView))
)]
pub async fn show_cart(
    State(carts): State<App>,
    Now(now): Now,
    Path(id): Path<CartId>,
    Query(asked): Query<ShowCart>,
) -> Result<InLanguage<Versioned<CartView>>, Problem> {
    let cart = carts.show(id, asked.lang.as_ref(), now).await?;
    let reply = Versioned { version: cart.cart.version, body: CartView::from(&cart) };
    Ok(InLanguage { language: asked.lang, reply })
}

/// Deletes a cart that has not been ordered.
#[utoipa::path(
    delete, path = "/v1/carts/{id}", params(("id" = CartId, Path, description = "The cart.")),
    responses((status = NO_CONTENT))
)]
pub async fn delete_cart(
    State(carts): State<App>,
    Path(id): Path<CartId>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), asked.call.scoped_to(id));
    Answer::of(carts.delete(id, &expected, call.responding(&|()| Ok(Answer::no_content()))).await?)
}
