//! The operator's decisions on vendors.

use api::views::{ImportView, VendorView};
use api::{
    Answer, Idempotent, IfMatch, Json, Limit, NoBody, Now, Operator, OrDefault, Page, PageQuery, Path, Problem, Query,
    SourceIp, UnscopedRequest, Versioned,
};
use axum::extract::State;
use desk::{Decision, InviteOwner, Inviter};
use domain::marketplace::OperatorPermission;
use domain::text::LongText;
use domain::vendor::{VendorAccount, VendorState, VendorStep};
use domain::{Refusal, VendorId};
use serde::{Deserialize, Serialize};
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
    pub(crate) reason: LongText,
}

/// What the operator says to a vendor that is approved.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// That it may have the name of another vendor.
    #[serde(default)]
    same_name: bool,
}

/// An empty object: the answer is the same whether or not the address is somebody's.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnerInvited {}

/// Lists vendors in a state, newest first.
#[utoipa::path(get, path = "/v1/admin/vendors", params(ListVendors), responses((status = OK, body = Page<VendorView>)))]
pub async fn list_vendors_as_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Query(asked): Query<ListVendors>,
) -> Result<Json<Page<VendorView>>, Problem> {
    operator.may(OperatorPermission::ReadVendors)?;
    let state = asked.state.unwrap_or(VendorState::Submitted);
    let vendors = app.vendors_in(state, &asked.limit.page(asked.cursor)).await?;
    Ok(Json(Page::of(vendors, |account| VendorView::from(&account))))
}

/// Shows a vendor's account.
///
/// For whoever decides on vendors, each document has a download link that expires after ten minutes.
#[utoipa::path(
    get, path = "/v1/admin/vendors/{id}", params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn show_vendor_as_operator(
    State(App { desk: app }): State<App>,
    Now(now): Now,
    Operator(operator): Operator,
    Path(id): Path<VendorId>,
) -> Result<Versioned<VendorView>, Problem> {
    operator.may(OperatorPermission::ReadVendors)?;
    let account = app.vendor(id).await?;
    let mut view = VendorView::from(&account);
    // Whoever does not decide on the vendor need not see a passport.
    if operator.may(OperatorPermission::DecideVendors).is_ok() {
        for (document, shown) in account.documents.iter().zip(&mut view.documents) {
            shown.link = app.document_link(document, now).await?;
        }
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
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<VendorId>,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<ImportView>>, Problem> {
    operator.may(OperatorPermission::ReadVendors)?;
    let imports = app.imports_of(id, &asked.page()).await?;
    Ok(Json(Page::of(imports, |job| ImportView::new(&job, Vec::new()))))
}

/// Approves a vendor's application, so that it may sell.
///
/// A vendor whose name looks like that of another one is approved with `same_name` only.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/approve", params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = Option<Approval>, responses((status = OK, body = VendorView))
)]
pub async fn approve_vendor(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Idempotent { body: OrDefault(approval), call }: Idempotent<OrDefault<Approval>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::DecideVendors)?;
    let decision = Decision { step: VendorStep::Approved, reason: None, same_name: approval.same_name };
    decide(&app, id, decision, (operator, expected, call)).await
}

/// Rejects a vendor's application.
///
/// The vendor may improve it and submit it again.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reject", params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn reject_vendor(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<DecisionReason>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::DecideVendors)?;
    decide(&app, id, of_reason(VendorStep::Rejected, &asked.reason), (operator, expected, call)).await
}

/// Suspends a vendor.
///
/// Its products are hidden, and its members may only read, ship and deliver.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/suspend", params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = DecisionReason, responses((status = OK, body = VendorView))
)]
pub async fn suspend_vendor(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<DecisionReason>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::DecideVendors)?;
    decide(&app, id, of_reason(VendorStep::Suspended, &asked.reason), (operator, expected, call)).await
}

/// Reinstates a suspended vendor.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/reinstate", params(("id" = VendorId, Path, description = "The vendor.")),
    responses((status = OK, body = VendorView))
)]
pub async fn reinstate_vendor(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<VendorId>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::DecideVendors)?;
    let decision = Decision { step: VendorStep::Reinstated, reason: None, same_name: false };
    decide(&app, id, decision, (operator, expected, asked.call)).await
}

/// Invites a person to be an owner of a vendor, by mail.
///
/// For a vendor whose only owner is gone, in whatever state it is. The person becomes an owner when they accept.
#[utoipa::path(
    post, path = "/v1/admin/vendors/{id}/owner", params(("id" = VendorId, Path, description = "The vendor.")),
    request_body = InviteOwner, responses((status = ACCEPTED, body = OwnerInvited))
)]
pub async fn invite_owner_as_operator(
    State(App { desk: app }): State<App>,
    SourceIp(client): SourceIp,
    Operator(operator): Operator,
    Path(id): Path<VendorId>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<InviteOwner>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::InviteVendorOwners)?;
    let call = call.scoped_to(operator.user);
    let invited = |(): &()| Answer::accepted(format!("/v1/admin/vendors/{id}"), &OwnerInvited {});
    let by = Inviter { user: operator.user, client: &client };
    Answer::of(app.invite_owner(id, &asked, by, call.responding(&invited)).await?)
}

const fn of_reason(step: VendorStep, reason: &LongText) -> Decision<'_> {
    Decision { step, reason: Some(reason), same_name: false }
}

async fn decide(
    app: &desk::Operator,
    id: VendorId,
    decision: Decision<'_>,
    (operator, expected, call): (domain::marketplace::Operator, Option<IfMatch>, UnscopedRequest),
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(operator.user));
    let decided = |account: &VendorAccount| -> Result<Answer, Refusal> {
        Ok(Answer::ok(&VendorView::from(account))?.with_version(account.version))
    };
    Answer::of(app.decide(id, decision, operator.user, &expected, call.responding(&decided)).await?)
}
