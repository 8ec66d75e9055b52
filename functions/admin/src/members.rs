//! The operator's own people, and invitations to them.

use api::{Answer, Idempotent, Json, NoBody, Now, Operator, Page, Path, Problem, SourceIp};
use axum::extract::State;
use desk::{ChangeOperator, InviteOperator, TakeBackInvitation};
use domain::contact::{ContactPoint, PhoneNumber};
use domain::marketplace::{OperatorMembership, OperatorRole};
use domain::text::Email;
use domain::{Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

const INVITATIONS: &str = "/v1/admin/members/invitations";

/// One of the operator's people.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorMemberView {
    user_id: UserId,
    /// The address by which they were invited; null for the first owner, and where that was a number.
    #[schema(required = true)]
    email: Option<Email>,
    /// The telephone number by which they were invited.
    #[schema(required = true)]
    phone: Option<PhoneNumber>,
    /// Role, which decides what they may do for the marketplace.
    role: OperatorRole,
    /// Since when they are a member.
    since: Timestamp,
}

impl From<&OperatorMembership> for OperatorMemberView {
    fn from(member: &OperatorMembership) -> Self {
        let OperatorMembership { user, email, phone, role, since, .. } = member;
        Self { user_id: *user, email: email.clone(), phone: phone.clone(), role: *role, since: *since }
    }
}

/// An open invitation to the operator's people.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorInvitationView {
    /// The address or number that was invited.
    contact: ContactPoint,
    /// The role that the person gets when they accept.
    role: OperatorRole,
    /// When the person was invited.
    at: Timestamp,
    /// Until when they can accept.
    expires_at: Timestamp,
}

/// An empty object: the answer is the same whether or not the contact is somebody's.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorInvited {}

/// Lists the operator's people, the oldest member first.
#[utoipa::path(get, path = "/v1/admin/members", responses((status = OK, body = Page<OperatorMemberView>)))]
pub async fn list_operators(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
) -> Result<Json<Page<OperatorMemberView>>, Problem> {
    let team = app.team(&operator).await?;
    Ok(Json(Page { items: team.iter().map(OperatorMemberView::from).collect(), next: None }))
}

/// Gives one of the operator's people another role.
///
/// The last owner stays one. The person is told by mail, and so are the owners.
#[utoipa::path(
    patch, path = "/v1/admin/members/{id}", params(("id" = UserId, Path, description = "The person.")),
    request_body = ChangeOperator, responses((status = OK, body = OperatorMemberView))
)]
pub async fn change_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<UserId>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ChangeOperator>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(operator.user);
    let changed = |member: &OperatorMembership| Answer::ok(&OperatorMemberView::from(member));
    Answer::of(app.change_operator(&operator, id, asked, call.responding(&changed)).await?)
}

/// Removes one of the operator's people.
///
/// Anybody may remove themselves, but for the last owner. The person is told by mail, and so are the owners.
#[utoipa::path(
    delete, path = "/v1/admin/members/{id}", params(("id" = UserId, Path, description = "The person.")),
    responses((status = NO_CONTENT))
)]
pub async fn remove_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<UserId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let call = asked.call.scoped_to(operator.user);
    let removed = |(): &()| Ok(Answer::no_content());
    Answer::of(app.remove_operator(&operator, id, call.responding(&removed)).await?)
}

/// Lists the open invitations to the operator's people.
///
/// The newest comes first.
#[utoipa::path(
    get, path = "/v1/admin/members/invitations", responses((status = OK, body = Page<OperatorInvitationView>))
)]
pub async fn list_operator_invitations(
    State(App { desk: app }): State<App>,
    Now(now): Now,
    Operator(operator): Operator,
) -> Result<Json<Page<OperatorInvitationView>>, Problem> {
    let open = app.team_invitations(&operator, now).await?;
    let view = |one: desk::OpenTeamInvitation| OperatorInvitationView {
        contact: one.contact,
        role: one.role,
        at: one.at,
        expires_at: one.expires_at,
    };
    Ok(Json(Page { items: open.into_iter().map(view).collect(), next: None }))
}

/// Invites a person to the operator's people.
///
/// The answer is the same for everybody. The person becomes a member when they accept, within seven days. Inviting the
/// same contact again takes the place of the earlier invitation.
#[utoipa::path(
    post, path = "/v1/admin/members/invitations", request_body = InviteOperator,
    responses((status = ACCEPTED, body = OperatorInvited))
)]
pub async fn invite_operator(
    State(App { desk: app }): State<App>,
    SourceIp(client): SourceIp,
    Operator(operator): Operator,
    Idempotent { body: Json(asked), call }: Idempotent<Json<InviteOperator>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(operator.user);
    let invited = |(): &()| Answer::accepted(INVITATIONS.to_owned(), &OperatorInvited {});
    Answer::of(app.invite_operator(&operator, &asked, &client, call.responding(&invited)).await?)
}

/// Takes an open invitation to the operator's people back.
#[utoipa::path(
    delete, path = "/v1/admin/members/invitations", request_body = TakeBackInvitation,
    responses((status = NO_CONTENT))
)]
pub async fn take_back_operator_invitation(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Idempotent { body: Json(asked), call }: Idempotent<Json<TakeBackInvitation>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(operator.user);
    let taken_back = |(): &()| Ok(Answer::no_content());
    Answer::of(app.take_back_team_invitation(&operator, &asked, call.responding(&taken_back)).await?)
}
