//! The operator's own people: members of the marketplace, and what they may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::{Code, Refusal};
use crate::contact::PhoneNumber;
use crate::mfa::Proof;
use crate::stored::Kept;
use crate::text::Email;
use crate::{Timestamp, UserId, VendorId};

/// The id under which the marketplace's own invitations are kept among those of vendors: no vendor ever has it, since
/// theirs begin with a time.
pub const MARKETPLACE: VendorId = VendorId::from_bits(0);

/// Role of one of the operator's people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperatorRole {
    /// May do everything.
    Owner,
    /// May read vendors and orders, cancel orders, decide returns, refund up to a limit, and let mail go again.
    Support,
    /// May decide on vendors, hide products and change categories.
    Catalog,
    /// May read vendors, orders and money, and decide on payments and refunds.
    Finance,
    /// A role that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// A permission of one of the operator's people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperatorPermission {
    /// Read what waits, in numbers.
    ReadSummary,
    /// Read vendors and their imports.
    ReadVendors,
    /// Open the papers of vendors, approve, reject, suspend and reinstate them.
    DecideVendors,
    /// Put an owner into a vendor.
    InviteVendorOwners,
    /// Hide and show single products.
    HideProducts,
    /// Read categories.
    ReadCategories,
    /// Replace categories.
    EditCategories,
    /// Read orders.
    ReadOrders,
    /// Cancel orders, open and decide returns.
    ChangeOrders,
    /// Give money of an order back, support up to its limit only.
    GrantRefunds,
    /// Read payments, refunds, disputes and settlements.
    ReadMoney,
    /// Decide on amount mismatches, failed refunds and unmatched payments.
    DecideMoney,
    /// Read the addresses that nothing is mailed to, and lift them.
    Suppressions,
    /// Read settings.
    ReadSettings,
    /// Change settings.
    EditSettings,
    /// Start rebuilds, and follow them.
    Rebuild,
    /// Read the list of the operator's people and of the open invitations.
    ReadMembers,
    /// Invite and remove the operator's people, and change their roles.
    EditMembers,
}

impl OperatorRole {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Support, Self::Catalog, Self::Finance];

    pub const fn allows(self, permission: OperatorPermission) -> bool {
        use OperatorPermission as P;
        match self {
            Self::Owner => true,
            Self::Support => matches!(
                permission,
                P::ReadSummary
                    | P::ReadVendors
                    | P::ReadCategories
                    | P::ReadOrders
                    | P::ChangeOrders
                    | P::GrantRefunds
                    | P::Suppressions
            ),
            Self::Catalog => matches!(
                permission,
                P::ReadSummary
                    | P::ReadVendors
                    | P::DecideVendors
                    | P::HideProducts
                    | P::ReadCategories
                    | P::EditCategories
            ),
            Self::Finance => matches!(
                permission,
                P::ReadSummary | P::ReadVendors | P::ReadOrders | P::GrantRefunds | P::ReadMoney | P::DecideMoney
            ),
            Self::Other => false,
        }
    }

    /// Whether what it gives back of one order is limited by a setting.
    pub const fn has_refund_limit(self) -> bool {
        !matches!(self, Self::Owner | Self::Finance)
    }
}

/// A person's membership of the marketplace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorMembership {
    pub user: UserId,
    /// The address by which they were invited; neither this nor a number for the first owner, who is known by their id
    /// alone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::text::kept_optional_email")]
    pub email: Option<Email>,
    /// The telephone number by which they were invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    pub role: OperatorRole,
    pub since: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(skip)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// The operator's people as they were read together, with the version that every change of them is conditional on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorTeam {
    pub members: Vec<OperatorMembership>,
    /// 0 as long as there never was an owner.
    pub version: u64,
}

impl OperatorTeam {
    /// The member with this id.
    pub fn member(&self, user: UserId) -> Option<&OperatorMembership> {
        self.members.iter().find(|member| member.user == user)
    }

    /// Refuses what would leave the marketplace without an owner.
    pub fn check_another_owner(&self, leaving: UserId) -> Result<(), Refusal> {
        let is_another = |member: &&OperatorMembership| member.user != leaving && member.role == OperatorRole::Owner;
        match self.members.iter().find(is_another) {
            Some(_) => Ok(()),
            None => Err(Refusal::because(Code::WrongState, "the marketplace keeps at least one owner")),
        }
    }
}

/// One of the operator's people, as they came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    pub user: UserId,
    pub role: OperatorRole,
    pub proof: Proof,
}

impl Operator {
    /// Refuses what the role does not allow, and changes of people and settings after a sign-in that is too long ago:
    /// a stolen token must not let others in.
    pub fn may(&self, permission: OperatorPermission) -> Result<(), Refusal> {
        if !self.role.allows(permission) {
            return Err(Refusal::of(Code::Forbidden));
        }
        self.proof.check()?;
        match permission {
            OperatorPermission::EditMembers
            | OperatorPermission::InviteVendorOwners
            | OperatorPermission::EditSettings
            | OperatorPermission::GrantRefunds => self.proof.check_fresh(),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{NOW, after};

    fn user(number: u8) -> UserId {
        format!("00000000-0000-4000-8000-0000000000{number:02}").parse().unwrap()
    }

    fn operator(role: OperatorRole, proof: Proof) -> Operator {
        Operator { user: user(4), role, proof }
    }

    fn proof(mfa_since: Option<Timestamp>, now: Timestamp) -> Proof {
        Proof { signed_in_at: after(1), now, mfa_since, is_required: false }
    }

    #[test]
    fn only_owners_change_people_and_settings() {
        for role in [OperatorRole::Support, OperatorRole::Catalog, OperatorRole::Finance, OperatorRole::Other] {
            for permission in
                [OperatorPermission::EditMembers, OperatorPermission::EditSettings, OperatorPermission::Rebuild]
            {
                assert!(operator(role, proof(None, NOW)).may(permission).is_err(), "{role:?} {permission:?}");
            }
        }
        assert!(operator(OperatorRole::Owner, proof(None, NOW)).may(OperatorPermission::EditMembers).is_ok());
        assert!(operator(OperatorRole::Owner, Proof::NONE).may(OperatorPermission::ReadSummary).is_err());
    }

    #[test]
    fn who_signed_in_long_ago_reads_and_changes_nobody() {
        let long_ago = proof(Some(NOW), after(3_600));
        let owner = operator(OperatorRole::Owner, long_ago);
        assert!(owner.may(OperatorPermission::ReadMembers).is_ok());
        assert_eq!(owner.may(OperatorPermission::EditMembers), Err(Refusal::of(Code::StepUpNeeded)));
    }

    #[test]
    fn the_last_owner_stays() {
        let member = |number, role| OperatorMembership {
            user: user(number),
            email: None,
            phone: None,
            role,
            since: NOW,
            version: 1,
            kept: Kept::default(),
        };
        let mut team = OperatorTeam {
            members: vec![member(1, OperatorRole::Owner), member(2, OperatorRole::Support)],
            version: 3,
        };
        assert!(team.check_another_owner(user(1)).is_err());
        assert!(team.check_another_owner(user(2)).is_ok());
        team.members.push(member(3, OperatorRole::Owner));
        assert!(team.check_another_owner(user(1)).is_ok());
    }
}
