//! What is on hand.

use api::{Buyer, Json, Path, Problem, VendorHeader, Versioned};
use axum::extract::State;
use domain::catalogue::MOST_ON_HAND;
use domain::vendor::Permission;
use domain::{Code, ProductId, Refusal, VariantId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::view::VendorProduct;

/// What is on hand: exactly one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeStock {
    /// So many units are in the house, those that were ordered and not yet shipped included.
    #[serde(default)]
    on_hand: Option<i64>,
    /// So many units more, or fewer, than before.
    #[serde(default)]
    adjust: Option<i64>,
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
    let stored = app.own_product(id, standing.file.card.id).await?;
    let variant = stored.product.variant(variant_id).ok_or_else(|| Refusal::of(Code::NotFound))?;
    let bounded = |pointer: &str, units: i64, least: i64| {
        if (least..=MOST_ON_HAND).contains(&units) {
            Ok(units)
        } else {
            Err(Refusal::field(pointer, "out_of_range", format!("{least} to {MOST_ON_HAND}")))
        }
    };
    match (asked.on_hand, asked.adjust) {
        (Some(units), None) => {
            app.stock.set_on_hand(variant.id, variant.shards, bounded("/on_hand", units, 0)?).await?;
        }
        (None, Some(by)) => {
            let by = bounded("/adjust", by, -MOST_ON_HAND)?;
            app.stock.adjust(variant.id, variant.shards, by).await?;
        }
        _ => return Err(Refusal::field("", "ambiguous", "give exactly one of on_hand and adjust").into()),
    }
    Ok(Versioned { version: stored.product.version, body: app.seen(&stored, &standing.file).await? })
}
