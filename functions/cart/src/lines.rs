//! Cart lines: setting the quantity of one, removing one.

use api::{Answer, Idempotent, IfMatch, Json, NoBody, Path, Problem};
use axum::extract::State;
use domain::{CartId, VariantId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::view::{CartView, answer};

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
        ("id" = CartId, Path, description = "The cart."),
        ("variant_id" = VariantId, Path, description = "The variant.")
    ),
    request_body = PutLine, responses((status = OK, body = CartView))
)]
pub async fn put_cart_line(
    State(carts): State<App>,
    Path((id, variant)): Path<(CartId, VariantId)>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<PutLine>>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(id));
    Answer::of(carts.put_line(id, (variant, asked.quantity), &expected, call.responding(&answer)).await?)
}

/// Removes a variant from a cart.
///
/// Removing a variant that is not in the cart changes nothing.
#[utoipa::path(
    delete, path = "/v1/carts/{id}/items/{variant_id}",
    params(
        ("id" = CartId, Path, description = "The cart."),
        ("variant_id" = VariantId, Path, description = "The variant.")
    ),
    responses((status = OK, body = CartView))
)]
pub async fn delete_cart_line(
    State(carts): State<App>,
    Path((id, variant)): Path<(CartId, VariantId)>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), asked.call.scoped_to(id));
    Answer::of(carts.put_line(id, (variant, 0), &expected, call.responding(&answer)).await?)
}
