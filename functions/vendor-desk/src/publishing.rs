//! Publishing and unpublishing products.

use std::time::Duration;

use api::{
    Answer, Caller, Idempotent, IfMatch, NoBody, Now, Path, Problem, ScopedRequest, UnscopedRequest, VendorHeader,
    replay_or_run,
};
use axum::extract::State;
use domain::catalog::ProductState;
use domain::vendor::{Permission, VendorState};
use domain::{Code, ProductId, Refusal, Timestamp, VendorId};
use store::Error;
use store::accounts::Member;

use crate::products::shard_counts;
use crate::view::{VendorProduct, product_answer};
use crate::{App, scoped_to_member};

/// Attempts to save a product whose availability is changed at the same time: the projection writes the first stock of
/// a new product with a hundred variants one by one. The pauses add up to about four seconds.
const MAX_PUBLISH_ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(20);

struct Wanted {
    id: ProductId,
    state: ProductState,
    expected: Option<IfMatch>,
    now: Timestamp,
}

/// Publishes a product.
///
/// Publishing a published product changes nothing.
#[utoipa::path(
    post, path = "/v1/vendor/products/{id}/publish",
    params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = VendorProduct))
)]
pub async fn publish_vendor_product(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
    Idempotent { call, .. }: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let wanted = Wanted { id, state: ProductState::Published, expected, now };
    app.publish_or_unpublish(caller, vendor_id, wanted, call).await
}

/// Unpublishes a product.
///
/// It becomes a draft again. Unpublishing a draft changes nothing.
#[utoipa::path(
    post, path = "/v1/vendor/products/{id}/unpublish",
    params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = VendorProduct))
)]
pub async fn unpublish_vendor_product(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
    Idempotent { call, .. }: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let wanted = Wanted { id, state: ProductState::Draft, expected, now };
    app.publish_or_unpublish(caller, vendor_id, wanted, call).await
}

impl App {
    async fn publish_or_unpublish(
        &self,
        caller: Caller,
        vendor_id: Option<VendorId>,
        wanted: Wanted,
        call: UnscopedRequest,
    ) -> Result<Answer, Problem> {
        let member = self.member(caller.user, vendor_id, Permission::EditProducts).await?;
        let vendor = member.account.card.id;
        let call = scoped_to_member(call, caller.user, vendor);
        replay_or_run(
            self.catalog.stored_response(call.as_idempotent()),
            self.change_state(caller, member, &wanted, &call),
        )
        .await
    }

    async fn change_state(
        &self,
        caller: Caller,
        mut member: Member,
        wanted: &Wanted,
        call: &ScopedRequest,
    ) -> Result<Answer, Problem> {
        let vendor = member.account.card.id;
        if wanted.state == ProductState::Published && member.account.state != VendorState::Approved {
            return Err(Refusal::because(Code::WrongState, "the vendor has to be approved first").into());
        }
        for attempt in 1..=MAX_PUBLISH_ATTEMPTS {
            // The vendor may have been suspended during the pause.
            if attempt > 1 {
                tokio::time::sleep(PAUSE * attempt).await;
                member = self.member(caller.user, Some(vendor), Permission::EditProducts).await?;
            }
            let loaded = self.own_product(wanted.id, vendor).await?;
            IfMatch::check_if_given(wanted.expected.as_ref(), loaded.product.version)?;
            let shards = self.stock.shards(&shard_counts(&loaded.product)).await?;
            if loaded.product.state == wanted.state {
                let answer = product_answer(&loaded, &shards, &member.account)?;
                self.catalog.storing(call.stored(&answer)?).store_response().await?;
                return Ok(answer);
            }
            let mut changed = loaded.clone();
            changed.product.state = wanted.state;
            if wanted.state == ProductState::Published {
                // It was checked when it was written, perhaps by an older version with laxer rules.
                changed.product.check()?;
                changed.product.published_at.get_or_insert(wanted.now);
                changed.product.listed = true;
            }
            let mut stored = changed.clone();
            stored.product.version = self.catalog.version_after(&loaded, &changed);
            let answer = product_answer(&stored, &shards, &member.account)?;
            match self.catalog.storing(call.stored(&answer)?).save(&loaded, &changed).await {
                Ok(_) => return Ok(answer),
                Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }
}
