//! The operator's decisions on vendors.

use api::views::{ImportView, VendorView};
use api::{
    Answer, Idempotent, IfMatch, Json, Limit, NoBody, Now, Operator, Page, PageQuery, Path, Problem, Query,
    UnscopedRequest, Versioned,
};
use axum::extract::State;
use domain::text::LongText;
use domain::vendor::{VendorAccount, VendorState, VendorStep};
use domain::{Refusal, VendorId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Filter of the operator's list of vendors.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListVendors {
    /// The state of the vendors; by default `submitted`, those that wait for a decision.
    state: Option<VendorState>,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// The reason of a decision against a vendor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionReason {
    /// The reason, 1 to 2,000 characters. The vendor can read it.
    reason: LongText,
}

/// Lists vendors in a state, newest first.
#[utoipa::path(get, path = "/v1/admin/vendors", params(ListVendors), responses((status = OK, body = Page<VendorView>)))]
pub async fn list_vendors_as_operator(
    State(app): State<App>,
    _: Operator,
    Query(asked): Query<ListVendors>,
) -> Result<Json<Page<VendorView>>, Problem> {
    let state = asked.state.unwrap_or(VendorState::Submitted);
    let vendors = app.vendors_in(state, &asked.limit.page(asked.cursor)).await?;
    Ok(Json(Page::of(vendors, |account| VendorView::from(&account))))
}

/// Shows a vendor's account.
///
/// Each document has a download link that expires after ten minutes.
#[utoipa::path(
    get, path = "/v1/admin/vendors/{id}", params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn show_vendor_as_operator(
    State(app): State<App>,
    Now(now): Now,
    _: Operator,
    Path(id): Path<VendorId>,
) -> Result<Versioned<VendorView>, Problem> {
    let account = app.vendor(id).await?;
    let mut view = VendorView::from(&account);
    for (document, shown) in account.documents.iter().zip(&mut view.documents) {
        shown.link = app.document_link(document, now).await?;
    }
    Ok(Versioned { version: account.version, body: view })
}

/// Lists a vendor's imports, newest first.
///
/// Each is shown without its report, whose entries are all counted by `more_errors`, `more_warnings` and
/// `more_infos`.
#[utoipa::path(
    get, path = "/v1/admin/vendors/{id}/imports",
    params(("id" = VendorId, Path, description = "The vendor."), PageQuery),
    responses((status = OK, body = Page<ImportView>))
)]
pub async fn list_vendor_imports_as_operator(
    State(app): State<App>,
    _: Operator,
    Path(id): Path<VendorId>,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<ImportView>>, Problem> {
    let imports = app.imports_of(id, &asked.page()).await?;
    Ok(Json(Page::of(imports, |job| ImportView::new(&job, Vec::new()))))
}

/// Approves a vendor's application, so that it may sell.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/approve", params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn approve_vendor(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    decide(&app, id, (VendorStep::Approved, None), (operator, expected, asked.call)).await
}

/// Rejects a vendor's application.
///
/// The vendor may improve it and submit it again.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reject", params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn reject_vendor(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<DecisionReason>>,
) -> Result<Answer, Problem> {
    decide(&app, id, (VendorStep::Rejected, Some(&asked.reason)), (operator, expected, call)).await
}

/// Suspends a vendor.
///
/// Its products are hidden, and its members may only read, ship and deliver.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/suspend", params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn suspend_vendor(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<DecisionReason>>,
) -> Result<Answer, Problem> {
    decide(&app, id, (VendorStep::Suspended, Some(&asked.reason)), (operator, expected, call)).await
}

/// Reinstates a suspended vendor.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reinstate", params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn reinstate_vendor(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    decide(&app, id, (VendorStep::Reinstated, None), (operator, expected, asked.call)).await
}

async fn decide(
    app: &App,
    id: VendorId,
    step: (VendorStep, Option<&LongText>),
    (operator, expected, call): (Operator, Option<IfMatch>, UnscopedRequest),
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(operator.user));
    let decided = |account: &VendorAccount| -> Result<Answer, Refusal> {
        Ok(Answer::ok(&VendorView::from(account))?.with_version(account.version))
    };
    Answer::of(app.decide(id, step, operator.user, &expected, call.responding(&decided)).await?)
}
