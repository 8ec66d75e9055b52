//! What is on hand.

use api::{Answer, Buyer, Call, Json, KeyHeader, Keyed, Path, Problem, VendorHeader, VendorIdHeader, once};
use axum::extract::State;
use domain::catalogue::{MOST_ON_HAND, MOST_SHARDS};
use domain::stock::Counter;
use domain::vendor::{Permission, VendorFile};
use domain::{Code, ProductId, Refusal, VariantId, VendorId};
use serde::Deserialize;
use store::Error;
use store::catalog::StoredProduct;
use utoipa::ToSchema;

use crate::products::spreads;
use crate::view::{VendorProduct, shown};
use crate::{App, TRIES, of_member};

/// What is on hand, by one of the two, and over how many counters it is spread.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeStock {
    /// So many units are in the house, those that were ordered and not yet shipped included.
    #[serde(default)]
    on_hand: Option<i64>,
    /// So many units more, or fewer, than before.
    #[serde(default)]
    adjust: Option<i64>,
    /// Over how many counters it is spread, for a rush: 1 to 32. It may change while units are sold.
    #[serde(default)]
    shards: Option<u16>,
}

/// Changes the stock of a variant. A sale at the same moment is never lost.
#[utoipa::path(
    put, path = "/v1/vendor/products/{id}/variants/{variant_id}/stock",
    params(
        ("id" = ProductId, Path, description = "The product."),
        ("variant_id" = VariantId, Path, description = "The variant."),
        VendorIdHeader, KeyHeader
    ),
    request_body = ChangeStock, responses((status = OK, body = VendorProduct))
)]
pub async fn change_stock(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(ids): Path<(ProductId, VariantId)>,
    Keyed { body: Json(asked), call }: Keyed<Json<ChangeStock>>,
) -> Result<Answer, Problem> {
    let standing = app.standing(buyer.user, named, Permission::EditStock).await?;
    let call = of_member(call, buyer.user, standing.file.card.id);
    once(app.stock.kept(call.named()), app.restock(&standing.file, ids, &asked, &call)).await
}

impl App {
    async fn restock(
        &self,
        file: &VendorFile,
        (id, variant): (ProductId, VariantId),
        asked: &ChangeStock,
        call: &Call,
    ) -> Result<Answer, Problem> {
        let units = asked.units()?;
        if asked.shards.is_some()
            && let Some(known) = self.stock.kept(call.named()).await?
        {
            // A late repeat must not undo what was chosen since.
            return Answer::from_record(&known);
        }
        let stored = match asked.shards {
            Some(shards) => self.spread_over(id, variant, file.card.id, shards).await?,
            None => self.own_product(id, file.card.id).await?,
        };
        let variant = stored.product.variant(variant).ok_or_else(|| Refusal::of(Code::NotFound))?;
        let others = self.stock.counters(&spreads(&stored.product)).await?;
        let answer = |after: &[Counter]| {
            let mut counters = others.clone();
            counters.insert(variant.id, after.to_vec());
            shown(&stored, &counters, file)
        };
        let kept = |after: &[Counter]| {
            let kept = answer(after).and_then(|answer| call.keeps(&answer));
            kept.map_err(|_| Error::Failed("an answer cannot be written".to_owned()))
        };
        let after = match units {
            Some(Units::OnHand(units)) => self.stock.set_on_hand(variant.id, variant.layout(), units, &kept).await?,
            Some(Units::More(by)) => self.stock.adjust(variant.id, variant.layout(), by, &kept).await?,
            None => {
                let answer = shown(&stored, &others, file)?;
                self.stock.keeping(call.keeps(&answer)?).keep().await?;
                return Ok(answer);
            }
        };
        answer(&after)
    }
}

/// What is asked for, within its bounds.
enum Units {
    OnHand(i64),
    More(i64),
}

impl ChangeStock {
    fn units(&self) -> Result<Option<Units>, Refusal> {
        let bounded = |pointer: &str, units: i64, least: i64| {
            if (least..=MOST_ON_HAND).contains(&units) {
                Ok(units)
            } else {
                Err(Refusal::field(pointer, "out_of_range", format!("{least} to {MOST_ON_HAND}")))
            }
        };
        match (self.on_hand, self.adjust) {
            (Some(units), None) => Ok(Some(Units::OnHand(bounded("/on_hand", units, 0)?))),
            (None, Some(by)) => Ok(Some(Units::More(bounded("/adjust", by, -MOST_ON_HAND)?))),
            (None, None) if self.shards.is_some() => Ok(None),
            _ => Err(Refusal::field("", "ambiguous", "give exactly one of on_hand and adjust")),
        }
    }
}

impl App {
    /// Spreads the stock of a variant over so many counters. The product says so first: whoever reads it from then on looks
    /// into all counters that may hold units, and only then units move.
    async fn spread_over(
        &self,
        id: ProductId,
        variant: VariantId,
        vendor: VendorId,
        shards: u16,
    ) -> Result<StoredProduct, Problem> {
        if !(1..=MOST_SHARDS).contains(&shards) {
            return Err(Refusal::field("/shards", "out_of_range", format!("1 to {MOST_SHARDS}")).into());
        }
        for _ in 0..TRIES {
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
            self.level_out(&spread).await;
            return Ok(stored);
        }
        Err(Error::Conflict.into())
    }
}
