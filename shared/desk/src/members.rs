//! The members of a vendor. Only owners may list or remove them, and anybody may leave.

use domain::contact::ContactPoint;
use domain::notice::Notice;
use domain::vendor::{Member, Membership, Permission, Role, VendorAccount};
use domain::{Call, Code, Refusal, UserId, VendorId};
use serde::Deserialize;
use store::Backoff;
use store::accounts::Alongside;
use utoipa::ToSchema;

use crate::{Done, Error, Vendors};

/// The member who is to be removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveMember {
    /// The address or number by which the member was invited.
    #[serde(alias = "email", deserialize_with = "domain::contact::kept")]
    contact: ContactPoint,
    /// When given, the member is removed only if they still have this role.
    #[serde(default)]
    role: Option<Role>,
}

impl Vendors {
    /// The members of the vendor.
    pub async fn members(&self, member: &Member) -> Result<Vec<Membership>, Error> {
        member.may_list_members()?;
        Ok(self.accounts.members(member.vendor()).await?)
    }

    /// Removes a member. The last owner of a vendor cannot be removed.
    pub async fn remove_member<R>(&self, member: &Member, asked: &RemoveMember, call: Call<'_, (), R>) -> Done<R> {
        member.may(Permission::EditMembers)?;
        let work = async {
            let own = self.again(member).await?;
            own.may(Permission::EditMembers)?;
            let account = &own.account;
            let members = self.accounts.members(account.card.id).await?;
            let listed = members.into_iter().find(|member| member.is_known_by(&asked.contact));
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
            self.inviting.notify(account.card.id, Notice::Removed { user: known.user }).await?;
            let remove = Some(Alongside::Remove(known.user));
            Ok::<_, Error>(self.accounts.save_vendor(account, remove, &self.catalog, |_| call.answer(&())).await?)
        };
        self.accounts.once(call.request(), work).await
    }

    /// Ends the caller's own membership, whatever the state of the vendor. The last owner stays.
    pub async fn leave<R>(&self, user: UserId, named: Option<VendorId>, call: Call<'_, (), R>) -> Done<R> {
        let work = async {
            let mut backoff = Backoff::default();
            let mut is_told = false;
            let member = self.accounts.member(user, named).await?;
            loop {
                // Read again after a conflict: another owner may have left meanwhile.
                let Member { membership, account, .. } = self.again(&member).await?;
                if membership.role == Role::Owner {
                    self.check_another_owner(&account, user).await?;
                }
                if !std::mem::replace(&mut is_told, true) {
                    self.inviting.notify(account.card.id, Notice::Left { user }).await?;
                }
                let remove = Some(Alongside::Remove(user));
                match self.accounts.save_vendor(&account, remove, &self.catalog, |_| call.answer(&())).await {
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        self.accounts.once(call.request(), work).await
    }

    /// A member as they are now. The account comes first: whatever changes of its members behind it makes a write under
    /// its version fail.
    pub(crate) async fn again(&self, member: &Member) -> Result<Member, Error> {
        let (user, vendor) = (member.membership.user, member.vendor());
        let account = self.accounts.vendor(vendor).await?;
        let membership = self.accounts.membership(user, vendor).await?;
        let (Some(account), Some(membership)) = (account, membership) else {
            return Err(Refusal::because(Code::Forbidden, "you are not a member of this shop any more").into());
        };
        Ok(Member { membership, account, ..member.clone() })
    }

    /// Refuses to leave a vendor without an owner. The list of members is eventually consistent, so the membership of
    /// another owner is read itself. Every change of members is written under the version of the account, so they are
    /// still an owner when the change is written.
    pub(crate) async fn check_another_owner(&self, account: &VendorAccount, leaving: UserId) -> Result<(), Error> {
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
