//! The vendor's own account.

use api::views::VendorView;
use api::{Answer, Idempotent, IfMatch, Json, Member, Problem, Versioned};
use axum::extract::State;
use desk::ChangeVendor;
use domain::Refusal;
use domain::vendor::VendorAccount;

use crate::App;

pub(crate) const OWN_VENDOR: &str = "/v1/vendors/me";

/// 200 with the account as its staff sees it, and its version.
pub(crate) fn answer(account: &VendorAccount) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&VendorView::from(account))?.with_version(account.version))
}

/// Shows the vendor's own account.
///
/// The answer also says what the application still needs.
#[utoipa::path(get, path = "/v1/vendors/me", responses((status = OK, body = VendorView)))]
pub async fn show_own_vendor(State(app): State<App>, Member(member): Member) -> Result<Versioned<VendorView>, Problem> {
    let account = app.vendors.own_account(&member)?;
    Ok(Versioned { version: account.version, body: VendorView::from(account) })
}

/// Changes the vendor's own account.
#[utoipa::path(
    patch, path = "/v1/vendors/me", request_body = ChangeVendor, responses((status = OK, body = VendorView))
)]
pub async fn change_own_vendor(
    State(app): State<App>,
    Member(member): Member,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ChangeVendor>>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), call.scoped_to(member.key_scope()));
    Answer::of(app.vendors.change(&member, asked, &expected, call.responding(&answer)).await?)
}
