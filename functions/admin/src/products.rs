//! Single products that the operator hides, and shows again.

use api::{Answer, Idempotent, Json, NoBody, Operator, Path, Problem};
use axum::extract::State;
use domain::catalog::{Product, ProductState};
use domain::marketplace::OperatorPermission;
use domain::text::{Handle, LongText, Title};
use domain::{ProductId, Refusal, Timestamp, VendorId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::vendors::DecisionReason;

/// A product as the operator sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorProduct {
    id: ProductId,
    vendor_id: VendorId,
    handle: Handle,
    title: Title,
    state: ProductState,
    /// Why the operator hides it; null when it is not hidden.
    #[schema(required = true)]
    hidden: Option<HiddenProduct>,
}

/// Why the operator hides a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct HiddenProduct {
    reason: LongText,
    /// Since when.
    at: Timestamp,
}

fn answer(product: &Product) -> Result<Answer, Refusal> {
    let hidden = product.hidden.as_ref();
    Answer::ok(&OperatorProduct {
        id: product.id,
        vendor_id: product.vendor.id,
        handle: product.handle.clone(),
        title: product.title.clone(),
        state: product.state,
        hidden: hidden.map(|hidden| HiddenProduct { reason: hidden.reason.clone(), at: hidden.at }),
    })
}

/// Hides a product from buyers.
///
/// Its vendor sees why, is told by mail, and cannot publish it meanwhile. Orders that have it go on.
#[utoipa::path(
    post, path = "/v1/admin/products/{id}/hide", params(("id" = ProductId, Path, description = "The product.")),
    request_body = DecisionReason, responses((status = OK, body = OperatorProduct))
)]
pub async fn hide_product(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<ProductId>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<DecisionReason>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::HideProducts)?;
    let call = call.scoped_to(operator.user);
    Answer::of(app.hide_product(id, &asked.reason, operator.user, call.responding(&answer)).await?)
}

/// Shows a hidden product again, published if it was so before.
#[utoipa::path(
    post, path = "/v1/admin/products/{id}/show", params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = OperatorProduct))
)]
pub async fn show_hidden_product(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<ProductId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::HideProducts)?;
    let call = asked.call.scoped_to(operator.user);
    Answer::of(app.show_product(id, call.responding(&answer)).await?)
}
