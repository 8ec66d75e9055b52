//! Claiming: a guest signs in, and the cart becomes the buyer's.

use api::{Answer, Buyer, Idempotent, NoBody, Now, Path, Problem, ScopedRequest, replay_or_run};
use axum::extract::State;
use domain::cart::{Cart, LIFETIME};
use domain::{CartId, Code, Refusal, Timestamp};
use store::Error;
use store::carts::Found;

use crate::view::{CartView, answer};
use crate::{App, MAX_ATTEMPTS};

/// Claims a guest's cart for the signed-in buyer.
///
/// It is merged with the cart that the buyer had. The answer is a cart with a new id: the old id, which others may
/// know, is no longer valid. Claiming the old id again answers the new cart.
#[utoipa::path(
    post, path = "/v1/carts/{id}/claim", params(("id" = CartId, Path, description = "The guest's cart.")),
    responses((status = OK, body = CartView))
)]
pub async fn claim_cart(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    Path(id): Path<CartId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let call = asked.call.scoped_to(buyer.user);
    replay_or_run(app.carts.stored_response(call.as_idempotent()), claim(&app, id, buyer, &call, now)).await
}

async fn claim(
    app: &App,
    mut id: CartId,
    buyer: Buyer,
    call: &ScopedRequest,
    now: Timestamp,
) -> Result<Answer, Problem> {
    for _ in 0..MAX_ATTEMPTS {
        let guest = app.resolve_claimed(&mut id, buyer).await?;
        guest.check_open(now)?;
        if guest.buyer.is_some_and(|owner| owner != buyer.user) {
            return Err(Refusal::of(Code::NotFound).into());
        }
        if guest.buyer == Some(buyer.user) {
            let snapshot = app.snapshot(&guest).await?;
            let answer = answer(&guest, &app.priced(&guest, &snapshot).await?)?;
            app.carts.storing(call.stored(&answer)?).store_response().await?;
            return Ok(answer);
        }
        // A former cart in another currency stays as it is: prices are never converted.
        let (pointed_at, former) = app.carts.of_buyer(buyer.user, now).await?.unzip();
        let former = former
            .flatten()
            .filter(|cart| cart.order.is_none() && cart.currency == guest.currency && cart.id != guest.id);
        let mut claimed =
            Cart { buyer: Some(buyer.user), ..Cart::new(platform::ids(now).cart_id(), guest.currency, now) };
        claimed.merge(&guest)?;
        if let Some(former) = &former {
            claimed.merge(former)?;
        }
        claimed.expires_at = now + LIFETIME;
        claimed.version = 1;
        let snapshot = app.snapshot(&claimed).await?;
        let answer = answer(&claimed, &app.priced(&claimed, &snapshot).await?)?;
        let replaced: Vec<&Cart> = std::iter::once(&guest).chain(&former).collect();
        match app.carts.storing(call.stored(&answer)?).claim(&claimed, buyer.user, pointed_at, &replaced).await {
            Ok(()) => return Ok(answer),
            Err(Error::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::Conflict.into())
}

/// Most claims that are followed from one cart to the next: more than a buyer makes in the lifetime of a cart.
const MAX_CLAIM_HOPS: usize = 100;

impl App {
    /// The cart with this id. If this buyer has claimed it, follows the claims to the cart that it was merged into, and
    /// sets `id` to that one.
    async fn resolve_claimed(&self, id: &mut CartId, buyer: Buyer) -> Result<Cart, Problem> {
        for _ in 0..MAX_CLAIM_HOPS {
            match self.carts.find(*id).await? {
                Some(Found::Cart(cart)) => return Ok(*cart),
                Some(Found::Claimed { by, into }) if by == buyer.user => *id = into,
                _ => break,
            }
        }
        Err(Refusal::of(Code::NotFound).into())
    }
}
