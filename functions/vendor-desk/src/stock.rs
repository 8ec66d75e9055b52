//! Changing the units on hand and the number of shards of a variant.

use api::{Answer, Caller, Idempotent, Json, Path, Problem, ScopedRequest, VendorHeader, replay_or_run};
use axum::extract::State;
use domain::catalog::{MAX_ON_HAND, MAX_SHARDS};
use domain::stock::StockShard;
use domain::vendor::{Permission, VendorAccount};
use domain::{Code, ProductId, Refusal, VariantId, VendorId};
use serde::Deserialize;
use store::Error;
use store::catalog::StoredProduct;
use utoipa::ToSchema;

use crate::products::shard_counts;
use crate::view::{VendorProduct, product_answer};
use crate::{App, MAX_ATTEMPTS, scoped_to_member};

/// At most one of `on_hand` and `adjust`, and the number of shards. At least one of the three must be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"adjust": 5}))]
pub struct ChangeStock {
    /// The new units on hand, including those that were ordered and not yet shipped.
    #[serde(default)]
    on_hand: Option<i64>,
    /// Units to add; negative to remove some.
    #[serde(default)]
    adjust: Option<i64>,
    /// The number of shards over which the stock is spread, for a flash sale: 1 to 32. It may change during sales.
    #[serde(default)]
    shards: Option<u16>,
}

/// Changes the stock of a variant.
///
/// Orders placed at the same time are counted either before or after the change and are never lost.
#[utoipa::path(
    put, path = "/v1/vendor/products/{id}/variants/{variant_id}/stock",
    params(
        ("id" = ProductId, Path, description = "The product."),
        ("variant_id" = VariantId, Path, description = "The variant.")
    ),
    request_body = ChangeStock, responses((status = OK, body = VendorProduct))
)]
pub async fn change_vendor_stock(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(ids): Path<(ProductId, VariantId)>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ChangeStock>>,
) -> Result<Answer, Problem> {
    let member = app.member(caller.user, vendor_id, Permission::EditStock).await?;
    let call = scoped_to_member(call, caller.user, member.account.card.id);
    replay_or_run(app.stock.stored_response(call.as_idempotent()), app.restock(&member.account, ids, &asked, &call))
        .await
}

impl App {
    async fn restock(
        &self,
        account: &VendorAccount,
        (id, variant): (ProductId, VariantId),
        asked: &ChangeStock,
        call: &ScopedRequest,
    ) -> Result<Answer, Problem> {
        let units = asked.units()?;
        if asked.shards.is_some()
            && let Some(known) = self.stock.stored_response(call.as_idempotent()).await?
        {
            // A late replay must not undo a number of shards that was set after the first call.
            return Answer::from_record(&known);
        }
        let stored = match asked.shards {
            Some(shards) => self.spread_over(id, variant, account.card.id, shards).await?,
            None => self.own_product(id, account.card.id).await?,
        };
        let variant = stored.product.variant(variant).ok_or_else(|| Refusal::of(Code::NotFound))?;
        let others = self.stock.shards(&shard_counts(&stored.product)).await?;
        let answer = |after: &[StockShard]| {
            let mut shards = others.clone();
            shards.insert(variant.id, after.to_vec());
            product_answer(&stored, &shards, account)
        };
        let stored_response = |after: &[StockShard]| {
            let stored_response = answer(after).and_then(|answer| call.stored(&answer));
            stored_response.map_err(|_| Error::Failed("an answer cannot be written".to_owned()))
        };
        let after = match units {
            Some(Units::OnHand(units)) => {
                self.stock.set_on_hand(variant.id, variant.layout(), units, &stored_response).await?
            }
            Some(Units::Adjust(by)) => self.stock.adjust(variant.id, variant.layout(), by, &stored_response).await?,
            None => {
                let answer = product_answer(&stored, &others, account)?;
                self.stock.storing(call.stored(&answer)?).store_response().await?;
                return Ok(answer);
            }
        };
        answer(&after)
    }
}

/// A change of units, within its bounds.
enum Units {
    OnHand(i64),
    Adjust(i64),
}

impl ChangeStock {
    fn units(&self) -> Result<Option<Units>, Refusal> {
        let bounded = |pointer: &str, units: i64, least: i64| {
            if (least..=MAX_ON_HAND).contains(&units) {
                Ok(units)
            } else {
                Err(Refusal::field(pointer, "out_of_range", format!("{least} to {MAX_ON_HAND}")))
            }
        };
        match (self.on_hand, self.adjust) {
            (Some(units), None) => Ok(Some(Units::OnHand(bounded("/on_hand", units, 0)?))),
            (None, Some(by)) => Ok(Some(Units::Adjust(bounded("/adjust", by, -MAX_ON_HAND)?))),
            (None, None) if self.shards.is_some() => Ok(None),
            _ => Err(Refusal::field("", "ambiguous", "give exactly one of on_hand and adjust")),
        }
    }
}

impl App {
    /// Spreads the stock of a variant over this many shards. The product is written first, so that everyone who reads
    /// it from then on reads all shards that may hold units; only then are units moved.
    async fn spread_over(
        &self,
        id: ProductId,
        variant: VariantId,
        vendor: VendorId,
        shards: u16,
    ) -> Result<StoredProduct, Problem> {
        if !(1..=MAX_SHARDS).contains(&shards) {
            return Err(Refusal::field("/shards", "out_of_range", format!("1 to {MAX_SHARDS}")).into());
        }
        for _ in 0..MAX_ATTEMPTS {
            let loaded = self.own_product(id, vendor).await?;
            let mut changed = loaded.clone();
            let known = changed.product.variants.iter_mut().find(|known| known.id == variant);
            let known = known.ok_or_else(|| Refusal::of(Code::NotFound))?;
            known.spread_over(shards);
            let spread = known.clone();
            let stored = if changed.product == loaded.product {
                loaded
            } else {
                changed.product.check()?;
                match self.catalog.save(&loaded, &changed).await {
                    Ok(stored) => stored,
                    Err(Error::Conflict) => continue,
                    Err(other) => return Err(other.into()),
                }
            };
            self.rebalance(&spread).await;
            return Ok(stored);
        }
        Err(Error::Conflict.into())
    }
}
