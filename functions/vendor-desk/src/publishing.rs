//! Putting products up for sale, and taking them down.

use std::time::Duration;

use api::{Buyer, IfMatch, Now, Path, Problem, VendorHeader, Versioned};
use axum::extract::State;
use domain::catalogue::ProductState;
use domain::vendor::{Permission, VendorState};
use domain::{Code, ProductId, Refusal, Timestamp};
use store::Error;

use crate::App;
use crate::view::VendorProduct;

/// How often a product is tried whose availability changes meanwhile: the first stock of a new product with a hundred variants
/// comes in one by one. With the pauses, up to four seconds.
const PATIENT_TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(20);

/// What is asked for.
struct Wanted {
    id: ProductId,
    state: ProductState,
    expected: Option<IfMatch>,
    now: Timestamp,
}

/// Puts a product up for sale. Doing it twice is doing it once.
#[utoipa::path(
    post, path = "/v1/vendor/products/{id}/publish", params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = VendorProduct))
)]
pub async fn publish_product(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
) -> Result<Versioned<VendorProduct>, Problem> {
    app.change_state(buyer, named, Wanted { id, state: ProductState::Published, expected, now }).await
}

/// Takes a product down. Doing it twice is doing it once.
#[utoipa::path(
    post, path = "/v1/vendor/products/{id}/unpublish", params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = VendorProduct))
)]
pub async fn unpublish_product(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
) -> Result<Versioned<VendorProduct>, Problem> {
    app.change_state(buyer, named, Wanted { id, state: ProductState::Draft, expected, now }).await
}

impl App {
    async fn change_state(
        &self,
        buyer: Buyer,
        named: Option<domain::VendorId>,
        wanted: Wanted,
    ) -> Result<Versioned<VendorProduct>, Problem> {
        let mut standing = self.standing(buyer.user, named, Permission::EditProducts).await?;
        if wanted.state == ProductState::Published && standing.file.state != VendorState::Approved {
            return Err(Refusal::because(Code::WrongState, "the shop has to be approved first").into());
        }
        for attempt in 1..=PATIENT_TRIES {
            // The shop may have been suspended while this waited.
            if attempt > 1 {
                tokio::time::sleep(PAUSE * attempt).await;
                standing = self.standing(buyer.user, named, Permission::EditProducts).await?;
            }
            let loaded = self.own_product(wanted.id, standing.file.card.id).await?;
            IfMatch::check_if_given(wanted.expected.as_ref(), loaded.product.version)?;
            let stored = if loaded.product.state == wanted.state {
                loaded
            } else {
                let mut changed = loaded.clone();
                changed.product.state = wanted.state;
                if wanted.state == ProductState::Published {
                    // It was checked when it was written; the rules may have become stricter since.
                    changed.product.check()?;
                    changed.product.published_at.get_or_insert(wanted.now);
                    changed.product.listed = true;
                }
                match self.catalog.save(&loaded, &changed).await {
                    Ok(stored) => stored,
                    Err(Error::Conflict) => continue,
                    Err(other) => return Err(other.into()),
                }
            };
            return Ok(Versioned { version: stored.product.version, body: self.seen(&stored, &standing.file).await? });
        }
        Err(Error::Conflict.into())
    }
}
