//! The members of a vendor. Only owners may list or change them.

use domain::stored::Kept;
use domain::text::Email;
use domain::vendor::{Member, Membership, Permission, Role, VendorAccount};
use domain::{Call, Code, Refusal, UserId};
use serde::Deserialize;
use store::Accounts;
use store::accounts::MemberChange;
use utoipa::ToSchema;

use crate::{Done, Error, Vendors};

/// The most members of a vendor.
const MAX_MEMBERS: usize = 100;

/// A member and their role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutMember {
    /// The address with which the person signs in. An account with it must exist.
    #[serde(deserialize_with = "domain::text::account_email")]
    email: Email,
    /// The member's role, which decides what they may do.
    role: Role,
}

/// The member who is to be removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveMember {
    /// The address with which the member signs in.
    #[serde(deserialize_with = "domain::text::kept_email")]
    email: Email,
    /// When given, the member is removed only if they still have this role.
    #[serde(default)]
    role: Option<Role>,
}

/// A member as they are after a change.
#[derive(Clone, Debug)]
pub struct ChangedMember {
    pub membership: Membership,
    pub is_new: bool,
}

impl Vendors {
    /// The members of the vendor.
    pub async fn members(&self, member: &Member) -> Result<Vec<Membership>, Error> {
        // `may(EditMembers)` would refuse the owner of a suspended vendor, who may still read the list.
        member.may(Permission::ReadShop)?;
        if !member.membership.role.allows(Permission::EditMembers) {
            return Err(Refusal::of(Code::Forbidden).into());
        }
        Ok(self.accounts.members(member.vendor()).await?)
    }

    /// Adds a member, or changes the role of one. The person must have an account.
    pub async fn put_member<R>(&self, member: &Member, asked: &PutMember, call: Call<'_, ChangedMember, R>) -> Done<R> {
        member.may(Permission::EditMembers)?;
        self.accounts.once(call.request(), self.add_or_change_member(&member.account, asked, call)).await
    }

    async fn add_or_change_member<R>(
        &self,
        account: &VendorAccount,
        asked: &PutMember,
        call: Call<'_, ChangedMember, R>,
    ) -> Done<R> {
        let now = call.at();
        let vendor = account.card.id;
        let person = self.people.with_email(&asked.email).await?;
        let person =
            person.ok_or_else(|| Refusal::because(Code::NotFound, "there is no account with this address yet"))?;
        // Read by its key: a list passes over what it cannot read, and that must not be written over.
        let known = self.accounts.membership(person.user, vendor).await?;
        let changed = match known {
            None => {
                let memberships = self.accounts.memberships(person.user).await?;
                let full = self.accounts.members(vendor).await?.len() >= MAX_MEMBERS;
                if full || memberships.len() >= Accounts::MAX_SHOPS {
                    let detail = "the vendor has the most members that are allowed, or the person the most vendors";
                    return Err(Refusal::because(Code::LimitReached, detail).into());
                }
                let (user, email) = (person.user, person.email);
                let membership =
                    Membership { vendor, user, email, role: asked.role, since: now, kept: Kept::default() };
                ChangedMember { membership, is_new: true }
            }
            Some(known) if known.role == asked.role => {
                return Ok(self.accounts.answer(call, &ChangedMember { membership: known, is_new: false }).await?);
            }
            Some(known) => {
                if known.role == Role::Owner {
                    self.check_another_owner(account, known.user).await?;
                }
                ChangedMember { membership: Membership { role: asked.role, ..known }, is_new: false }
            }
        };
        let put = Some(MemberChange::Put(&changed.membership));
        Ok(self.accounts.save_vendor(account, put, &self.catalog, |_| call.answer(&changed)).await?)
    }

    /// Removes a member. The last owner of a vendor cannot be removed.
    pub async fn remove_member<R>(&self, member: &Member, asked: &RemoveMember, call: Call<'_, (), R>) -> Done<R> {
        member.may(Permission::EditMembers)?;
        let account = &member.account;
        let work = async {
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
            let remove = Some(MemberChange::Remove(known.user));
            Ok::<_, Error>(self.accounts.save_vendor(account, remove, &self.catalog, |_| call.answer(&())).await?)
        };
        self.accounts.once(call.request(), work).await
    }

    /// Refuses to leave a vendor without an owner. The list of members is eventually consistent, so the membership of
    /// another owner is read itself. Every change of members is written under the version of the account, so they are
    /// still an owner when the change is written.
    async fn check_another_owner(&self, account: &VendorAccount, leaving: UserId) -> Result<(), Error> {
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
