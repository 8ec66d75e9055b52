//! Members of a vendor's staff, and what they may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{VendorAccount, VendorState};
use crate::code::{Code, Refusal};
use crate::contact::{ContactPoint, PhoneNumber, point_of};
use crate::legal;
use crate::mfa::Proof;
use crate::stored::Kept;
use crate::text::Email;
use crate::{Timestamp, UserId, VendorId};

/// Role of a member, which decides what they may do for the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything.
    Owner,
    /// May do everything except to read what is settled, and to invite and remove members.
    Manager,
    /// May read the shop and products, change stock, and handle orders and returns.
    Fulfilment,
    /// May read the shop, orders and what is settled.
    Finance,
    /// A role that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// A permission of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read the vendor's account and profile.
    ReadShop,
    /// Change the profile, upload documents, submit the application.
    EditShop,
    /// Read products and stock.
    ReadProducts,
    /// Change products, import, upload pictures.
    EditProducts,
    /// Change the units on hand.
    EditStock,
    /// Read orders.
    ReadOrders,
    /// Read what the operator and the vendor settle.
    ReadMoney,
    /// Accept and decline vendor orders, handle returns.
    DecideOrders,
    /// Ship and deliver, also while the vendor is suspended.
    FulfilOrders,
    /// Invite and remove members.
    EditMembers,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Manager, Self::Fulfilment, Self::Finance];

    /// Whether nobody does it without a second factor, where the marketplace asks for one.
    pub const fn needs_mfa(self) -> bool {
        matches!(self, Self::Owner | Self::Finance)
    }

    pub const fn allows(self, permission: Permission) -> bool {
        match self {
            Self::Owner => true,
            Self::Manager => !matches!(permission, Permission::EditMembers | Permission::ReadMoney),
            Self::Fulfilment => matches!(
                permission,
                Permission::ReadShop
                    | Permission::ReadProducts
                    | Permission::EditStock
                    | Permission::ReadOrders
                    | Permission::DecideOrders
                    | Permission::FulfilOrders
            ),
            Self::Finance => {
                matches!(permission, Permission::ReadShop | Permission::ReadOrders | Permission::ReadMoney)
            }
            Self::Other => false,
        }
    }
}

impl Permission {
    /// Whether members keep it while their vendor is suspended: they may only read, ship and deliver.
    pub const fn allowed_while_suspended(self) -> bool {
        matches!(self, Self::ReadShop | Self::ReadProducts | Self::ReadOrders | Self::ReadMoney | Self::FulfilOrders)
    }

    /// Whether members keep it while they have not accepted the agreement in force: they read, and what was ordered is
    /// shipped and delivered.
    pub const fn allowed_before_terms(self) -> bool {
        self.allowed_while_suspended()
    }

    /// Whether members keep it while their application is rejected: they may only read, mend the application, and let
    /// members go.
    pub const fn allowed_while_rejected(self) -> bool {
        matches!(
            self,
            Self::ReadShop
                | Self::ReadProducts
                | Self::ReadOrders
                | Self::ReadMoney
                | Self::EditShop
                | Self::EditMembers
        )
    }
}

/// A user's membership in a vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub vendor: VendorId,
    pub user: UserId,
    /// The address by which they were invited. Of this and the next field one is there: releases before 2026-12-02 know
    /// only this one.
    #[serde(default, deserialize_with = "crate::text::kept_optional_email", skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The telephone number by which they were invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    pub role: Role,
    pub since: Timestamp,
    /// The version of the agreement that they have accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_terms: Option<u32>,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl Membership {
    /// By what they were invited; nothing in one that was damaged.
    pub fn contact(&self) -> Option<ContactPoint> {
        point_of(self.email.as_ref(), self.phone.as_ref())
    }

    /// Whether this is one of the contacts that are shown of them.
    pub fn is_known_by(&self, contact: &ContactPoint) -> bool {
        match contact {
            ContactPoint::Email(email) => self.email.as_ref() == Some(email),
            ContactPoint::Phone(number) => self.phone.as_ref() == Some(number),
        }
    }

    /// The same membership of who was invited by this contact.
    #[must_use]
    pub fn invited_by(self, contact: &ContactPoint) -> Self {
        Self { email: contact.email().cloned(), phone: contact.phone().cloned(), ..self }
    }

    /// Fails with `forbidden` when the role does not have the permission, with `vendor_suspended` when the suspension
    /// takes it away, and with `wrong_state` when the rejection of the application does.
    pub fn check(&self, state: VendorState, permission: Permission) -> Result<(), Refusal> {
        if !self.role.allows(permission) {
            return Err(Refusal::of(Code::Forbidden));
        }
        // A state that only a newer release knows may be worse than a suspension.
        if matches!(state, VendorState::Suspended | VendorState::Other) && !permission.allowed_while_suspended() {
            return Err(Refusal::of(Code::VendorSuspended));
        }
        if state == VendorState::Rejected && !permission.allowed_while_rejected() {
            let detail = "the application was rejected: mend it and submit it again";
            return Err(Refusal::because(Code::WrongState, detail));
        }
        Ok(())
    }
}

/// A member of a vendor's staff, with the vendor's account.
#[derive(Clone, Debug)]
pub struct Member {
    pub membership: Membership,
    pub account: VendorAccount,
    /// How they came in.
    pub proof: Proof,
    /// The version of the agreement that they have to accept before they change anything.
    pub terms_due: Option<u32>,
}

impl Member {
    /// Refuses what the member's role, or a suspension of the vendor, does not allow.
    pub fn may(&self, permission: Permission) -> Result<(), Refusal> {
        self.membership.check(self.account.state, permission)?;
        self.proof.check()?;
        if !permission.allowed_before_terms() {
            legal::check_due(self.terms_due)?;
        }
        // A stolen token must not let others in.
        if permission == Permission::EditMembers { self.proof.check_fresh() } else { Ok(()) }
    }

    /// Refuses what only an approved vendor may do: show pictures to everybody, import, invite, publish.
    pub fn is_approved(&self) -> Result<(), Refusal> {
        if self.account.state == VendorState::Approved {
            return Ok(());
        }
        Err(Refusal::because(Code::WrongState, "the vendor has to be approved first"))
    }

    /// Refuses who may not read the lists of members and invitations. The owner of a suspended vendor may.
    pub fn may_list_members(&self) -> Result<(), Refusal> {
        self.may(Permission::ReadShop)?;
        if self.membership.role.allows(Permission::EditMembers) { Ok(()) } else { Err(Refusal::of(Code::Forbidden)) }
    }

    pub const fn vendor(&self) -> VendorId {
        self.membership.vendor
    }

    /// Whose idempotency keys a member's are: a person who works for two vendors may use the same key for both.
    pub fn key_scope(&self) -> String {
        format!("{} of {}", self.membership.user, self.membership.vendor)
    }
}
