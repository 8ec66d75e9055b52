//! The people of a shop. Owners only.

use api::{Answer, Buyer, Call, Json, KeyHeader, Keyed, Now, Page, Problem, VendorHeader, VendorIdHeader, once};
use axum::extract::State;
use domain::text::Email;
use domain::vendor::{MemberView, Membership, Permission, Role, VendorFile};
use domain::{Code, Refusal, Timestamp, UserId};
use serde::Deserialize;
use store::Accounts;
use store::accounts::MemberChange;
use utoipa::ToSchema;

use crate::{App, of_member};

/// Where the members are.
const MEMBERS: &str = "/v1/vendors/me/members";
/// The most people of one shop.
const MOST_MEMBERS: usize = 100;

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
pub async fn list_members(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
) -> Result<Json<Page<MemberView>>, Problem> {
    let standing = app.accounts.standing(buyer.user, named).await?;
    // A suspended shop may read, but only its owner reads this.
    standing.may(Permission::ReadShop)?;
    if !standing.membership.role.allows(Permission::EditMembers) {
        return Err(Refusal::of(Code::Forbidden).into());
    }
    let members = app.accounts.members(standing.file.card.id).await?;
    Ok(Json(Page { items: members.iter().map(MemberView::from).collect(), next: None }))
}

/// Makes somebody with an account a member (201), or gives a member another role (200).
#[utoipa::path(
    post, path = "/v1/vendors/me/members", params(VendorIdHeader, KeyHeader), request_body = PutMember,
    responses((status = CREATED, body = MemberView), (status = OK, body = MemberView))
)]
pub async fn put_member(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Keyed { body: Json(asked), call }: Keyed<Json<PutMember>>,
) -> Result<Answer, Problem> {
    let file = app.file(buyer.user, named, Permission::EditMembers).await?;
    let call = of_member(call, buyer.user, &file);
    once(app.accounts.kept(call.named()), app.take_in(&file, asked, &call, now)).await
}

impl App {
    async fn take_in(
        &self,
        file: &VendorFile,
        asked: PutMember,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let vendor = file.card.id;
        let person = self.people.with_email(&asked.email).await?;
        let person =
            person.ok_or_else(|| Refusal::because(Code::NotFound, "nobody has an account with this address yet"))?;
        let places = self.accounts.memberships(person.user).await?;
        let known = places.iter().find(|place| place.vendor == vendor).cloned();
        let Some(known) = known else {
            let full = self.accounts.members(vendor).await?.len() >= MOST_MEMBERS;
            if full || places.len() >= Accounts::MOST_SHOPS {
                let detail = "the shop has as many members, or the person as many shops, as there can be";
                return Err(Refusal::because(Code::LimitReached, detail).into());
            }
            let member = Membership { vendor, user: person.user, email: person.email, role: asked.role, since: now };
            let answer = Answer::created(MEMBERS.to_owned(), &MemberView::from(&member))?;
            return self.change_member(file, MemberChange::Put(&member), call, answer).await;
        };
        if known.role == asked.role {
            let answer = Answer::ok(&MemberView::from(&known))?;
            self.accounts.keeping(call.keeps(&answer)?).keep().await?;
            return Ok(answer);
        }
        if known.role == Role::Owner {
            self.check_another_owner(file, known.user).await?;
        }
        let changed = Membership { role: asked.role, ..known };
        let answer = Answer::ok(&MemberView::from(&changed))?;
        self.change_member(file, MemberChange::Put(&changed), call, answer).await
    }

    async fn change_member(
        &self,
        file: &VendorFile,
        change: MemberChange<'_>,
        call: &Call,
        answer: Answer,
    ) -> Result<Answer, Problem> {
        self.accounts.keeping(call.keeps(&answer)?).change_member(file, change, &self.catalog).await?;
        Ok(answer)
    }
}

/// Takes a member out of the shop. The last owner stays.
#[utoipa::path(
    delete, path = "/v1/vendors/me/members",
    params(VendorIdHeader, KeyHeader),
    request_body = RemoveMember, responses((status = NO_CONTENT))
)]
pub async fn remove_member(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Keyed { body: Json(asked), call }: Keyed<Json<RemoveMember>>,
) -> Result<Answer, Problem> {
    let file = app.file(buyer.user, named, Permission::EditMembers).await?;
    let call = of_member(call, buyer.user, &file);
    once(app.accounts.kept(call.named()), app.let_go(&file, asked, &call)).await
}

impl App {
    async fn let_go(&self, file: &VendorFile, asked: RemoveMember, call: &Call) -> Result<Answer, Problem> {
        let members = self.accounts.members(file.card.id).await?;
        let listed = members.into_iter().find(|member| member.email == asked.email);
        let known = match listed {
            // The list may be a moment old; the person's place is read as it is now.
            Some(listed) => self.accounts.membership(listed.user, file.card.id).await?,
            None => None,
        };
        let known = known.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if asked.role.is_some_and(|role| role != known.role) {
            return Err(Refusal::because(Code::Conflict, "the member has another role by now").into());
        }
        if known.role == Role::Owner {
            self.check_another_owner(file, known.user).await?;
        }
        self.change_member(file, MemberChange::Remove(known.user), call, Answer::no_content()).await
    }

    /// Refuses to leave a shop without an owner. The list of members lags, so another owner is looked at as he is now; and
    /// since every change of members needs the file as it was read, he still is one when the change is written.
    async fn check_another_owner(&self, file: &VendorFile, leaving: UserId) -> Result<(), Problem> {
        let members = self.accounts.members(file.card.id).await?;
        for listed in members.iter().filter(|member| member.user != leaving && member.role == Role::Owner) {
            let now = self.accounts.membership(listed.user, file.card.id).await?;
            if now.is_some_and(|member| member.role == Role::Owner) {
                return Ok(());
            }
        }
        Err(Refusal::because(Code::WrongState, "a shop keeps at least one owner").into())
    }
}
