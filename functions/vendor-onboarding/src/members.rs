//! The members of a vendor. Only owners may list or change them.

use api::views::MemberView;
use api::{Answer, Idempotent, Json, Member, Page, Problem};
use axum::extract::State;
use desk::{ChangedMember, PutMember, RemoveMember};

use crate::App;

const MEMBERS: &str = "/v1/vendors/me/members";

/// Lists the members of the vendor.
#[utoipa::path(get, path = "/v1/vendors/me/members", responses((status = OK, body = Page<MemberView>)))]
pub async fn list_vendor_members(
    State(app): State<App>,
    Member(member): Member,
) -> Result<Json<Page<MemberView>>, Problem> {
    let members = app.vendors.members(&member).await?;
    Ok(Json(Page { items: members.iter().map(MemberView::from).collect(), next: None }))
}

/// Adds a member, or changes the role of one.
///
/// Answers 201 for a new member and 200 for one who is a member already. The person must have an account.
#[utoipa::path(
    post, path = "/v1/vendors/me/members", request_body = PutMember,
    responses((status = CREATED, body = MemberView), (status = OK, body = MemberView))
)]
pub async fn put_vendor_member(
    State(app): State<App>,
    Member(member): Member,
    Idempotent { body: Json(asked), call }: Idempotent<Json<PutMember>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let changed = |changed: &ChangedMember| {
        let answer = Answer::ok(&MemberView::from(&changed.membership))?;
        Ok(if changed.is_new { answer.at(MEMBERS.to_owned()) } else { answer })
    };
    Answer::of(app.vendors.put_member(&member, &asked, call.responding(&changed)).await?)
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
