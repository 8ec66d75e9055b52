//! What is on hand.

use api::{Buyer, Json, Path, Problem, VendorHeader, Versioned};
use axum::extract::State;
use domain::catalogue::{MOST_ON_HAND, MOST_SHARDS};
use domain::vendor::Permission;
use domain::{Code, ProductId, Refusal, VariantId, VendorId};
use serde::Deserialize;
use store::Error;
use store::catalog::StoredProduct;
use utoipa::ToSchema;

use crate::view::VendorProduct;
use crate::{App, TRIES};

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
    params(("id" = ProductId, Path, description = "The product."), ("variant_id" = VariantId, Path, description = "The variant.")),
    request_body = ChangeStock, responses((status = OK, body = VendorProduct))
)]
pub async fn change_stock(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path((id, variant_id)): Path<(ProductId, VariantId)>,
    Json(asked): Json<ChangeStock>,
) -> Result<Versioned<VendorProduct>, Problem> {
    let standing = app.standing(buyer.user, named, Permission::EditStock).await?;
    if asked.on_hand.is_some() && asked.adjust.is_some()
        || asked.on_hand.is_none() && asked.adjust.is_none() && asked.shards.is_none()
    {
        return Err(Refusal::field("", "ambiguous", "give exactly one of on_hand and adjust").into());
    }
    let bounded = |pointer: &str, units: i64, least: i64| {
        if (least..=MOST_ON_HAND).contains(&units) {
            Ok(units)
        } else {
            Err(Refusal::field(pointer, "out_of_range", format!("{least} to {MOST_ON_HAND}")))
        }
    };
    let on_hand = asked.on_hand.map(|units| bounded("/on_hand", units, 0)).transpose()?;
    let by = asked.adjust.map(|units| bounded("/adjust", units, -MOST_ON_HAND)).transpose()?;
    let stored = match asked.shards {
        Some(shards) => app.spread_over(id, variant_id, standing.file.card.id, shards).await?,
        None => app.own_product(id, standing.file.card.id).await?,
    };
    let variant = stored.product.variant(variant_id).ok_or_else(|| Refusal::of(Code::NotFound))?;
    if let Some(units) = on_hand {
        app.stock.set_on_hand(variant.id, variant.layout(), units).await?;
    }
    if let Some(by) = by {
        app.stock.adjust(variant.id, variant.layout(), by).await?;
    }
    Ok(Versioned { version: stored.product.version, body: app.seen(&stored, &standing.file).await? })
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
