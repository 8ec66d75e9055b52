//! The members of a vendor. Only owners may list or remove them, and anybody may leave.

use api::views::MemberView;
use api::{Answer, Caller, Idempotent, Json, Member, NamedVendor, NoBody, Page, Problem};
use axum::extract::State;
use desk::{AcceptTerms, RemoveMember};
use domain::vendor::Membership;

use crate::App;

/// Lists the members of the vendor.
#[utoipa::path(get, path = "/v1/vendors/me/members", responses((status = OK, body = Page<MemberView>)))]
pub async fn list_vendor_members(
    State(app): State<App>,
    Member(member): Member,
) -> Result<Json<Page<MemberView>>, Problem> {
    let members = app.vendors.members(&member).await?;
    Ok(Json(Page { items: members.iter().map(MemberView::from).collect(), next: None }))
}

/// Removes a member.
///
/// The last owner of a vendor cannot be removed.
#[utoipa::path(delete, path = "/v1/vendors/me/members", request_body = RemoveMember, responses((status = NO_CONTENT)))]
pub async fn remove_vendor_member(
    State(app): State<App>,
    Member(member): Member,
    Idempotent { body: Json(asked), call }: Idempotent<Json<RemoveMember>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let removed = |(): &()| Ok(Answer::no_content());
    Answer::of(app.vendors.remove_member(&member, &asked, call.responding(&removed)).await?)
}

/// Ends the caller's own membership.
///
/// The last owner of a vendor cannot leave it: invite another owner first.
#[utoipa::path(post, path = "/v1/vendors/me/leave", responses((status = NO_CONTENT)))]
pub async fn leave_vendor(
    State(app): State<App>,
    caller: Caller,
    NamedVendor(named): NamedVendor,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    // Whoever has left is no member any more, and gets the same answer again.
    let call = match named {
        Some(vendor) => asked.call.scoped_to(format!("{} of {vendor}", caller.user)),
        None => asked.call.scoped_to(caller.user),
    };
    let left = |(): &()| Ok(Answer::no_content());
    Answer::of(app.vendors.leave(caller.user, named, call.responding(&left)).await?)
}

/// Accepts the agreement in force.
///
/// A new version is asked for when its days of grace are over: until it is accepted, members read, ship and deliver
/// only, and anything else is 409 `terms_not_accepted`.
#[utoipa::path(
    post, path = "/v1/vendors/me/terms", request_body = AcceptTerms, responses((status = OK, body = MemberView))
)]
pub async fn accept_vendor_terms(
    State(app): State<App>,
    Member(member): Member,
    Idempotent { body: Json(asked), call }: Idempotent<Json<AcceptTerms>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let accepted = |membership: &Membership| Answer::ok(&MemberView::from(membership));
    Answer::of(app.vendors.accept_terms(&member, asked, call.responding(&accepted)).await?)
}
