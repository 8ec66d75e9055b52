//! Putting products up for sale, and taking them down.

use std::time::Duration;

use api::{
    Answer, Buyer, Call, IfMatch, IfMatchHeader, KeyHeader, Keyed, NoBody, Now, Path, Problem, UnclaimedCall,
    VendorHeader, VendorIdHeader, once,
};
use axum::extract::State;
use domain::catalogue::ProductState;
use domain::vendor::{Permission, VendorState};
use domain::{Code, ProductId, Refusal, Timestamp, VendorId};
use store::Error;
use store::accounts::Standing;

use crate::products::spreads;
use crate::view::{VendorProduct, shown};
use crate::{App, of_member};

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
    post, path = "/v1/vendor/products/{id}/publish",
    params(("id" = ProductId, Path, description = "The product."), VendorIdHeader, IfMatchHeader, KeyHeader),
    responses((status = OK, body = VendorProduct))
)]
pub async fn publish_product(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
    Keyed { call, .. }: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    let wanted = Wanted { id, state: ProductState::Published, expected, now };
    app.publish_or_not(buyer, named, wanted, call).await
}

/// Takes a product down. Doing it twice is doing it once.
#[utoipa::path(
    post, path = "/v1/vendor/products/{id}/unpublish",
    params(("id" = ProductId, Path, description = "The product."), VendorIdHeader, IfMatchHeader, KeyHeader),
    responses((status = OK, body = VendorProduct))
)]
pub async fn unpublish_product(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
    Keyed { call, .. }: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    let wanted = Wanted { id, state: ProductState::Draft, expected, now };
    app.publish_or_not(buyer, named, wanted, call).await
}

impl App {
    async fn publish_or_not(
        &self,
        buyer: Buyer,
        named: Option<VendorId>,
        wanted: Wanted,
        call: UnclaimedCall,
    ) -> Result<Answer, Problem> {
        let standing = self.standing(buyer.user, named, Permission::EditProducts).await?;
        let vendor = standing.file.card.id;
        let call = of_member(call, buyer.user, vendor);
        once(self.catalog.kept(call.named()), self.change_state(buyer, standing, &wanted, &call)).await
    }

    async fn change_state(
        &self,
        buyer: Buyer,
        mut standing: Standing,
        wanted: &Wanted,
        call: &Call,
    ) -> Result<Answer, Problem> {
        let vendor = standing.file.card.id;
        if wanted.state == ProductState::Published && standing.file.state != VendorState::Approved {
            return Err(Refusal::because(Code::WrongState, "the shop has to be approved first").into());
        }
        for attempt in 1..=PATIENT_TRIES {
            // The shop may have been suspended while this waited.
            if attempt > 1 {
                tokio::time::sleep(PAUSE * attempt).await;
                standing = self.standing(buyer.user, Some(vendor), Permission::EditProducts).await?;
            }
            let loaded = self.own_product(wanted.id, vendor).await?;
            IfMatch::check_if_given(wanted.expected.as_ref(), loaded.product.version)?;
            let counters = self.stock.counters(&spreads(&loaded.product)).await?;
            if loaded.product.state == wanted.state {
                let answer = shown(&loaded, &counters, &standing.file)?;
                self.catalog.keeping(call.keeps(&answer)?).keep().await?;
                return Ok(answer);
            }
            let mut changed = loaded.clone();
            changed.product.state = wanted.state;
            if wanted.state == ProductState::Published {
                // It was checked when it was written; the rules may have become stricter since.
                changed.product.check()?;
                changed.product.published_at.get_or_insert(wanted.now);
                changed.product.listed = true;
            }
            let mut stored = changed.clone();
            stored.product.version = self.catalog.version_after(&loaded, &changed);
            let answer = shown(&stored, &counters, &standing.file)?;
            match self.catalog.keeping(call.keeps(&answer)?).save(&loaded, &changed).await {
                Ok(_) => return Ok(answer),
                Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }
}
