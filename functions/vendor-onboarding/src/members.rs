//! The people of a shop. Owners only.

use api::{
    Answer, Caller, IdempotencyKeyHeader, Idempotent, Json, Now, Page, Problem, ScopedRequest, VendorHeader,
    VendorIdHeader, replay_or_run,
};
use axum::extract::State;
use domain::text::Email;
use domain::vendor::{MemberView, Membership, Permission, Role, VendorAccount};
use domain::{Code, Refusal, Timestamp, UserId};
use serde::Deserialize;
use store::Accounts;
use store::accounts::MemberChange;
use utoipa::ToSchema;

use crate::{App, scoped_to_member};

/// Where the members are.
const MEMBERS: &str = "/v1/vendors/me/members";
/// The most people of one shop.
const MAX_MEMBERS: usize = 100;

/// Who is to work for the shop, as what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutMember {
    /// The address with which the person signs in. There must be an account with it.
    email: Email,
    /// What the person may do.
    role: Role,
}

/// Who is no longer to work for the shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveMember {
    /// The member's address.
    email: Email,
    /// If it is given, the person is removed only while having this role.
    #[serde(default)]
    role: Option<Role>,
}

/// Lists the people of a shop.
#[utoipa::path(
    get, path = "/v1/vendors/me/members",
    params(VendorIdHeader),
    responses((status = OK, body = Page<MemberView>))
)]
pub async fn list_vendor_members(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
) -> Result<Json<Page<MemberView>>, Problem> {
    let member = app.accounts.member(caller.user, vendor_id).await?;
    // A suspended shop may read, but only its owner reads this.
    member.may(Permission::ReadShop)?;
    if !member.membership.role.allows(Permission::EditMembers) {
        return Err(Refusal::of(Code::Forbidden).into());
    }
    let members = app.accounts.members(member.account.card.id).await?;
    Ok(Json(Page { items: members.iter().map(MemberView::from).collect(), next: None }))
}

/// Makes somebody with an account a member (201), or gives a member another role (200).
#[utoipa::path(
    post, path = "/v1/vendors/me/members", params(VendorIdHeader, IdempotencyKeyHeader), request_body = PutMember,
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
            person.ok_or_else(|| Refusal::because(Code::NotFound, "nobody has an account with this address yet"))?;
        let memberships = self.accounts.memberships(person.user).await?;
        let known = memberships.iter().find(|membership| membership.vendor == vendor).cloned();
        let Some(known) = known else {
            let full = self.accounts.members(vendor).await?.len() >= MAX_MEMBERS;
            if full || memberships.len() >= Accounts::MAX_SHOPS {
                let detail = "the shop has as many members, or the person as many shops, as there can be";
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

/// Takes a member out of the shop. The last owner stays.
#[utoipa::path(
    delete, path = "/v1/vendors/me/members",
    params(VendorIdHeader, IdempotencyKeyHeader),
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
            // The list may be a moment old; the person's membership is read as it is now.
            Some(listed) => self.accounts.membership(listed.user, account.card.id).await?,
            None => None,
        };
        let known = known.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if asked.role.is_some_and(|role| role != known.role) {
            return Err(Refusal::because(Code::Conflict, "the member has another role by now").into());
        }
        if known.role == Role::Owner {
            self.check_another_owner(account, known.user).await?;
        }
        self.change_member(account, MemberChange::Remove(known.user), call, Answer::no_content()).await
    }

    /// Refuses to leave a shop without an owner. The list of members lags, so another owner is looked at as he is now; and
    /// since every change of members needs the account as it was read, he still is one when the change is written.
    async fn check_another_owner(&self, account: &VendorAccount, leaving: UserId) -> Result<(), Problem> {
        let members = self.accounts.members(account.card.id).await?;
        for listed in members.iter().filter(|member| member.user != leaving && member.role == Role::Owner) {
            let now = self.accounts.membership(listed.user, account.card.id).await?;
            if now.is_some_and(|member| member.role == Role::Owner) {
                return Ok(());
            }
        }
        Err(Refusal::because(Code::WrongState, "a shop keeps at least one owner").into())
    }
}
