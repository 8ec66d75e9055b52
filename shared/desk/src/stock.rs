//! Changing the units on hand and the number of shards of a variant.

use domain::catalog::{MAX_ON_HAND, MAX_SHARDS};
use domain::stock::StockShard;
use domain::vendor::{Member, Permission};
use domain::{Call, Code, Outcome, ProductId, Refusal, VariantId};
use serde::Deserialize;
use store::Decision;
use store::catalog::StoredProduct;
use utoipa::ToSchema;

use crate::products::{OwnProduct, own, shard_counts};
use crate::{Desk, Done, Error};

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

impl Desk {
    /// Changes the stock of a variant. Orders placed at the same time are counted either before or after the change and
    /// are never lost.
    pub async fn change_stock<R>(
        &self,
        member: &Member,
        (id, variant): (ProductId, VariantId),
        asked: &ChangeStock,
        call: Call<'_, OwnProduct, R>,
    ) -> Done<R> {
        member.may(Permission::EditStock)?;
        let work = async {
            let units = asked.units()?;
            if asked.shards.is_some()
                && let Some(known) = self.stock.earlier(call.request()).await?
            {
                // A late replay must not undo a number of shards that was set after the first call.
                return Ok(known);
            }
            let stored = match asked.shards {
                Some(shards) => self.spread_over(member, (id, variant), shards).await?,
                None => self.own_product(id, member.vendor()).await?,
            };
            let variant = stored.product.variant(variant).ok_or_else(|| Refusal::of(Code::NotFound))?;
            let others = self.stock.shards(&shard_counts(&stored.product)).await?;
            let respond = |after: &[StockShard]| {
                let mut shards = others.clone();
                shards.insert(variant.id, after.to_vec());
                call.answer(&OwnProduct::new(&stored, &shards, member))
            };
            let (layout, stock) = (variant.layout(), &self.stock);
            Ok::<_, Error>(match units {
                Some(Units::OnHand(units)) => stock.set_on_hand(variant.id, layout, units, &respond).await?,
                Some(Units::Adjust(by)) => stock.adjust(variant.id, layout, by, &respond).await?,
                None => stock.answer(call, &OwnProduct::new(&stored, &others, member)).await?,
            })
        };
        self.stock.once(call.request(), work).await
    }

    /// Spreads the stock of a variant over this many shards. The product is written first, so that everyone who reads
    /// it from then on reads all shards that may hold units; only then are units moved.
    async fn spread_over(
        &self,
        member: &Member,
        (id, variant): (ProductId, VariantId),
        shards: u16,
    ) -> Result<StoredProduct, Error> {
        if !(1..=MAX_SHARDS).contains(&shards) {
            return Err(Refusal::field("/shards", "out_of_range", format!("1 to {MAX_SHARDS}")).into());
        }
        let decide = |stored: StoredProduct| async {
            let loaded = own(stored, member.vendor())?;
            let mut changed = loaded.clone();
            let known = changed.product.variants.iter_mut().find(|known| known.id == variant);
            let known = known.ok_or_else(|| Refusal::of(Code::NotFound))?;
            known.spread_over(shards);
            let spread = known.clone();
            if changed != loaded {
                changed.product.check()?;
            }
            Ok::<_, Error>(Decision::Write(changed, spread))
        };
        let respond = |stored: &StoredProduct, _: &_| Ok((stored.clone(), None));
        match self.catalog.change(id, decide, respond).await? {
            (Outcome::Done(stored), spread) => {
                self.rebalance(&spread).await;
                Ok(stored)
            }
            (Outcome::Replayed(_) | Outcome::Repeated(_), _) => {
                Err(Refusal::because(Code::Internal, "a replay of what has no key").into())
            }
        }
    }
}
