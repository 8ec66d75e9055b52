//! Claiming: a guest signs in, and the cart becomes the buyer's.

use api::{Answer, Buyer, Idempotent, NoBody, Path, Problem};
use axum::extract::State;
use domain::CartId;

use crate::App;
use crate::view::{CartView, answer};

/// Claims a guest's cart for the signed-in buyer.
///
/// It is merged with the cart that the buyer had. The answer is a cart with a new id: the old id, which others may
/// know, is no longer valid. Claiming the old id again answers the new cart.
#[utoipa::path(
    post, path = "/v1/carts/{id}/claim", params(("id" = CartId, Path, description = "The guest's cart.")),
    responses((status = OK, body = CartView))
)]
pub async fn claim_cart(
    State(carts): State<App>,
    buyer: Buyer,
    Path(id): Path<CartId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let call = asked.call.scoped_to(buyer.user);
    Answer::of(carts.claim(id, buyer.user, call.responding(&answer)).await?)
}
