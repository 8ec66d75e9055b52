//! The members of a vendor. Only owners may list or change them.

use api::views::MemberView;
use api::{Answer, Caller, Idempotent, Json, Now, Page, Problem, ScopedRequest, VendorHeader, replay_or_run};
use axum::extract::State;
use domain::text::Email;
use domain::vendor::{Membership, Permission, Role, VendorAccount};
use domain::{Code, Refusal, Timestamp, UserId};
use serde::Deserialize;
use store::Accounts;
use store::accounts::MemberChange;
use utoipa::ToSchema;

use crate::{App, scoped_to_member};

const MEMBERS: &str = "/v1/vendors/me/members";
/// The most members of a vendor.
const MAX_MEMBERS: usize = 100;

/// A member and their role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutMember {
    /// The address with which the person signs in. An account with it must exist.
    email: Email,
    /// The member's role, which decides what they may do.
    role: Role,
}

/// The member who is to be removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveMember {
    /// The address with which the member signs in.
    email: Email,
    /// When given, the member is removed only if they still have this role.
    #[serde(default)]
    role: Option<Role>,
}

/// Lists the members of the vendor.
#[utoipa::path(
    get, path = "/v1/vendors/me/members",
    responses((status = OK, body = Page<MemberView>))
)]
pub async fn list_vendor_members(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
) -> Result<Json<Page<MemberView>>, Problem> {
    let member = app.accounts.member(caller.user, vendor_id).await?;
    // `may(EditMembers)` would refuse the owner of a suspended vendor, who may still read the list.
    member.may(Permission::ReadShop)?;
    if !member.membership.role.allows(Permission::EditMembers) {
        return Err(Refusal::of(Code::Forbidden).into());
    }
    let members = app.accounts.members(member.account.card.id).await?;
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
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Idempotent { body: Json(asked), call }: Idempotent<Json<PutMember>>,
) -> Result<Answer, Problem> {
    let account = app.account(caller.user, vendor_id, Permission::EditMembers).await?;
    let call = scoped_to_member(call, caller.user, &account);
    replay_or_run(
        app.accounts.stored_response(call.as_idempotent()),
        app.add_or_change_member(&account, asked, &call, now),
    )
    .await
}

impl App {
    async fn add_or_change_member(
        &self,
        account: &VendorAccount,
        asked: PutMember,
        call: &ScopedRequest,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let vendor = account.card.id;
        let person = self.people.with_email(&asked.email).await?;
        let person =
            person.ok_or_else(|| Refusal::because(Code::NotFound, "there is no account with this address yet"))?;
        let memberships = self.accounts.memberships(person.user).await?;
        let known = memberships.iter().find(|membership| membership.vendor == vendor).cloned();
        let Some(known) = known else {
            let full = self.accounts.members(vendor).await?.len() >= MAX_MEMBERS;
            if full || memberships.len() >= Accounts::MAX_SHOPS {
                let detail = "the vendor has the most members that are allowed, or the person the most vendors";
                return Err(Refusal::because(Code::LimitReached, detail).into());
            }
            let member = Membership { vendor, user: person.user, email: person.email, role: asked.role, since: now };
            let answer = Answer::created(MEMBERS.to_owned(), &MemberView::from(&member))?;
            return self.change_member(account, MemberChange::Put(&member), call, answer).await;
        };
        if known.role == asked.role {
            let answer = Answer::ok(&MemberView::from(&known))?;
            self.accounts.storing(call.stored(&answer)?).store_response().await?;
            return Ok(answer);
        }
        if known.role == Role::Owner {
            self.check_another_owner(account, known.user).await?;
        }
        let changed = Membership { role: asked.role, ..known };
        let answer = Answer::ok(&MemberView::from(&changed))?;
        self.change_member(account, MemberChange::Put(&changed), call, answer).await
    }

    async fn change_member(
        &self,
        account: &VendorAccount,
        change: MemberChange<'_>,
        call: &ScopedRequest,
        answer: Answer,
    ) -> Result<Answer, Problem> {
        self.accounts.storing(call.stored(&answer)?).change_member(account, change, &self.catalog).await?;
        Ok(answer)
    }
}

/// Removes a member.
///
/// The last owner of a vendor cannot be removed.
#[utoipa::path(
    delete, path = "/v1/vendors/me/members",
    request_body = RemoveMember, responses((status = NO_CONTENT))
)]
pub async fn remove_vendor_member(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Idempotent { body: Json(asked), call }: Idempotent<Json<RemoveMember>>,
) -> Result<Answer, Problem> {
    let account = app.account(caller.user, vendor_id, Permission::EditMembers).await?;
    let call = scoped_to_member(call, caller.user, &account);
    replay_or_run(app.accounts.stored_response(call.as_idempotent()), app.drop_member(&account, asked, &call)).await
}

impl App {
    async fn drop_member(
        &self,
        account: &VendorAccount,
        asked: RemoveMember,
        call: &ScopedRequest,
    ) -> Result<Answer, Problem> {
        let members = self.accounts.members(account.card.id).await?;
        let listed = members.into_iter().find(|member| member.email == asked.email);
        let known = match listed {
            // The list is eventually consistent, so the membership itself is read.
            Some(listed) => self.accounts.membership(listed.user, account.card.id).await?,
            None => None,
        };
        let known = known.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if asked.role.is_some_and(|role| role != known.role) {
            return Err(Refusal::because(Code::Conflict, "the member has another role now").into());
        }
        if known.role == Role::Owner {
            self.check_another_owner(account, known.user).await?;
        }
        self.change_member(account, MemberChange::Remove(known.user), call, Answer::no_content()).await
    }

    /// Refuses to leave a vendor without an owner. The list of members is eventually consistent, so the membership of
    /// another owner is read itself. Every change of members is written under the version of the account, so they are
    /// still an owner when the change is written.
    async fn check_another_owner(&self, account: &VendorAccount, leaving: UserId) -> Result<(), Problem> {
        let members = self.accounts.members(account.card.id).await?;
        for listed in members.iter().filter(|member| member.user != leaving && member.role == Role::Owner) {
            let now = self.accounts.membership(listed.user, account.card.id).await?;
            if now.is_some_and(|member| member.role == Role::Owner) {
                return Ok(());
            }
        }
        Err(Refusal::because(Code::WrongState, "a vendor keeps at least one owner").into())
    }
}
