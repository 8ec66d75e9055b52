//! Invitations to a vendor's staff: made and taken back by its owners, accepted or declined by whom they were sent to.

use api::views::{InvitationView, JoinedView};
use api::{Answer, Caller, Idempotent, Json, Member, Now, Page, Problem, SourceIp};
use axum::extract::State;
use desk::{Accepted, AnswerInvitation, Invite, Inviter, TakeBackInvitation};
use domain::Timestamp;
use domain::marketplace::{OperatorMembership, OperatorRole};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

const INVITATIONS: &str = "/v1/vendors/me/invitations";

/// An empty object: the answer is the same whether or not the contact is somebody's.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invited {}

/// Invites a person to the vendor's staff.
///
/// The answer is the same for everybody. The person becomes a member when they accept, within seven days. Inviting the
/// same contact again takes the place of the earlier invitation. It is also how a member gets another role, and how a
/// vendor gets another owner.
#[utoipa::path(
    post, path = "/v1/vendors/me/invitations", request_body = Invite, responses((status = ACCEPTED, body = Invited))
)]
pub async fn invite_vendor_member(
    State(app): State<App>,
    SourceIp(client): SourceIp,
    Member(member): Member,
    Idempotent { body: Json(asked), call }: Idempotent<Json<Invite>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let invited = |(): &()| Answer::accepted(INVITATIONS.to_owned(), &Invited {});
    Answer::of(app.vendors.invite(&member, &asked, &client, call.responding(&invited)).await?)
}

/// Lists the open invitations of the vendor, newest first.
#[utoipa::path(
    get, path = "/v1/vendors/me/invitations", responses((status = OK, body = Page<InvitationView>))
)]
pub async fn list_vendor_invitations(
    State(app): State<App>,
    Now(now): Now,
    Member(member): Member,
) -> Result<Json<Page<InvitationView>>, Problem> {
    let open = app.vendors.invitations(&member, now).await?;
    let view = |one: desk::OpenInvitation| InvitationView {
        contact: one.contact,
        role: one.role,
        at: one.at,
        expires_at: one.expires_at,
    };
    Ok(Json(Page { items: open.into_iter().map(view).collect(), next: None }))
}

/// Takes an open invitation back.
#[utoipa::path(
    delete, path = "/v1/vendors/me/invitations", request_body = TakeBackInvitation, responses((status = NO_CONTENT))
)]
pub async fn take_back_vendor_invitation(
    State(app): State<App>,
    Member(member): Member,
    Idempotent { body: Json(asked), call }: Idempotent<Json<TakeBackInvitation>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let taken_back = |(): &()| Ok(Answer::no_content());
    Answer::of(app.vendors.take_back_invitation(&member, &asked, call.responding(&taken_back)).await?)
}

/// Accepts an invitation to a vendor's staff.
///
/// The caller has to have proven the contact that was invited. A token is good once.
#[utoipa::path(
    post, path = "/v1/invitations/accept", request_body = AnswerInvitation,
    responses((status = OK, body = JoinedView))
)]
pub async fn accept_invitation(
    State(app): State<App>,
    SourceIp(client): SourceIp,
    caller: Caller,
    Idempotent { body: Json(asked), call }: Idempotent<Json<AnswerInvitation>>,
) -> Result<Answer, Problem> {
    let by = Inviter { user: caller.user, client: &client };
    let call = call.scoped_to(caller.user);
    let joined = |accepted: &Accepted| Answer::ok(&JoinedView::new(&accepted.account, &accepted.membership));
    Answer::of(app.vendors.accept_invitation(by, &asked, call.responding(&joined)).await?)
}

/// Declines an invitation to a vendor's staff.
#[utoipa::path(
    post, path = "/v1/invitations/decline", request_body = AnswerInvitation, responses((status = NO_CONTENT))
)]
pub async fn decline_invitation(
    State(app): State<App>,
    SourceIp(client): SourceIp,
    caller: Caller,
    Idempotent { body: Json(asked), call }: Idempotent<Json<AnswerInvitation>>,
) -> Result<Answer, Problem> {
    let by = Inviter { user: caller.user, client: &client };
    let call = call.scoped_to(caller.user);
    let declined = |(): &()| Ok(Answer::no_content());
    Answer::of(app.vendors.decline_invitation(by, &asked, call.responding(&declined)).await?)
}

/// What an accepted invitation to the operator's people has made.
#[derive(Debug, Serialize, ToSchema)]
pub struct JoinedMarketplaceView {
    /// The caller's role, which decides what they may do for the marketplace.
    role: OperatorRole,
    /// Since when the caller is a member.
    since: Timestamp,
}

/// Accepts an invitation to the operator's people.
///
/// The caller has to have proven the contact that was invited. A token is good once. It is declined as any other.
#[utoipa::path(
    post, path = "/v1/operator-invitations/accept", request_body = AnswerInvitation,
    responses((status = OK, body = JoinedMarketplaceView))
)]
pub async fn accept_operator_invitation(
    State(app): State<App>,
    SourceIp(client): SourceIp,
    caller: Caller,
    Idempotent { body: Json(asked), call }: Idempotent<Json<AnswerInvitation>>,
) -> Result<Answer, Problem> {
    let by = Inviter { user: caller.user, client: &client };
    let call = call.scoped_to(caller.user);
    let joined =
        |member: &OperatorMembership| Answer::ok(&JoinedMarketplaceView { role: member.role, since: member.since });
    Answer::of(app.vendors.join_marketplace(by, &asked, call.responding(&joined)).await?)
}
