//! Claiming: a guest signs in, and the cart becomes the buyer's.

use api::{Answer, Buyer, Now, Path, Problem};
use axum::extract::State;
use domain::cart::{Cart, LIFE};
use domain::{CartId, Code, Refusal};
use store::Error;

use crate::view::CartView;
use crate::{App, TRIES};

/// Takes over a guest's cart, and merges it with the one the buyer had. The answer is a cart with a new id: the old one,
/// which others may know, is gone.
#[utoipa::path(
    post, path = "/v1/carts/{id}/claim", params(("id" = CartId, Path, description = "The guest's cart.")),
    responses((status = OK, body = CartView))
)]
pub async fn claim_cart(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    Path(id): Path<CartId>,
) -> Result<Answer, Problem> {
    for _ in 0..TRIES {
        let guest = app.cart(id, now).await?;
        guest.check_open(now)?;
        if guest.buyer.is_some_and(|owner| owner != buyer.user) {
            return Err(Refusal::of(Code::NotFound).into());
        }
        if guest.buyer == Some(buyer.user) {
            let shelf = app.shelf(&guest).await?;
            let priced = app.priced(&guest, &shelf).await?;
            return Ok(Answer::ok(&CartView::new(&guest, &priced))?.with_version(guest.version));
        }
        // A former cart in another currency stays as it is: prices are never converted.
        let former = app.carts.of_buyer(buyer.user, now).await?;
        let former =
            former.filter(|cart| cart.order.is_none() && cart.currency == guest.currency && cart.id != guest.id);
        let mut claimed =
            Cart { buyer: Some(buyer.user), ..Cart::new(platform::mint(now).cart_id(), guest.currency, now) };
        claimed.merge(&guest)?;
        if let Some(former) = &former {
            claimed.merge(former)?;
        }
        claimed.expires_at = now + LIFE;
        let replaced: Vec<&Cart> = std::iter::once(&guest).chain(&former).collect();
        match app.carts.claim(&claimed, buyer.user, &replaced).await {
            Ok(version) => {
                claimed.version = version;
                let shelf = app.shelf(&claimed).await?;
                let priced = app.priced(&claimed, &shelf).await?;
                return Ok(Answer::ok(&CartView::new(&claimed, &priced))?.with_version(version));
            }
            Err(Error::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::Conflict.into())
}
