//! Changing the units on hand and the number of shards of a variant.

use api::{Answer, Idempotent, Json, Member, Path, Problem};
use axum::extract::State;
use desk::{ChangeStock, OwnProduct};
use domain::{ProductId, VariantId};

use crate::App;
use crate::view::{VendorProduct, answer};

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
    Member(member): Member,
    Path(ids): Path<(ProductId, VariantId)>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ChangeStock>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let shown = |own: &OwnProduct| answer(&app.desk, own);
    Answer::of(app.desk.change_stock(&member, ids, &asked, call.responding(&shown)).await?)
}
