//! Opening a vendor as a draft, and submitting the application.

use api::views::VendorView;
use api::{Answer, Caller, Idempotent, IfMatch, Json, Member, NoBody, Problem};
use axum::extract::State;
use desk::OpenVendor;
use domain::vendor::VendorAccount;

use crate::App;
use crate::profile::{OWN_VENDOR, answer};

/// Opens a vendor as a draft, with the caller as its owner.
#[utoipa::path(post, path = "/v1/vendors", request_body = OpenVendor, responses((status = CREATED, body = VendorView)))]
pub async fn open_vendor(
    State(app): State<App>,
    caller: Caller,
    Idempotent { body: Json(asked), call }: Idempotent<Json<OpenVendor>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(caller.user);
    let opened = |account: &VendorAccount| Ok(answer(account)?.at(OWN_VENDOR.to_owned()));
    Answer::of(app.vendors.open(asked, caller.user, call.responding(&opened)).await?)
}

/// Submits the vendor's application, if it is complete.
#[utoipa::path(post, path = "/v1/vendors/me/submit", responses((status = OK, body = VendorView)))]
pub async fn submit_vendor(
    State(app): State<App>,
    Member(member): Member,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let (expected, call) = (IfMatch::or_any(expected), asked.call.scoped_to(member.key_scope()));
    Answer::of(app.vendors.submit(&member, &expected, call.responding(&answer)).await?)
}
