//! Vendors on the wire: the account and its members; and the queue messages of their background jobs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use domain::contact::{ContactPoint, PhoneNumber};
use domain::text::{Email, Handle, Line, LongText, Name, Phone};
use domain::upload::FileLink;
use domain::vendor::{
    ChecklistItem, Document, DocumentKind, IdentityChange, Membership, PublicIdentity, Role, VendorAccount,
    VendorState, VendorStep,
};
use domain::{Currency, Money, Timestamp, UserId, VendorId};

/// A vendor's account, as its members and the operator see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VendorView {
    /// Id of the vendor.
    pub id: VendorId,
    /// Handle of the shop page.
    pub handle: Handle,
    /// Name of the shop.
    pub name: Name,
    /// State of the application and the shop.
    pub state: VendorState,
    /// Requirements of the application, and whether each is met.
    pub checklist: Vec<ChecklistItem>,
    /// The vendor's own currency, for prices and payouts.
    pub currency: Currency,
    /// Address for messages to the vendor.
    pub email: Email,
    /// Telephone number; null when it is not filled in.
    #[schema(required = true)]
    pub phone: Option<Phone>,
    /// Name in the commercial register; null when it is not filled in.
    #[schema(required = true)]
    pub legal_name: Option<Name>,
    /// The language of messages to the vendor (BCP 47); null when none was told.
    #[schema(required = true)]
    pub language: Option<String>,
    /// A description of the shop as plain text; null when there is none.
    #[schema(required = true)]
    pub about: Option<LongText>,
    /// One flat rate for delivery per currency.
    pub shipping_rates: Vec<Money>,
    /// The greatest total of one of its orders that is collected on delivery, per currency; none when it takes no cash.
    pub cash_on_delivery: Vec<Money>,
    /// Who sells, as buyers see it; null when it is not filled in.
    #[schema(required = true)]
    pub public_identity: Option<PublicIdentity>,
    /// Its changes after the approval, oldest first: the last 20.
    pub identity_changes: Vec<IdentityChange>,
    /// Documents uploaded for the application.
    pub documents: Vec<DocumentView>,
    /// Why the operator rejected the application or suspended the vendor; null otherwise.
    #[schema(required = true)]
    pub reason: Option<LongText>,
    /// Other vendors whose names looked like this one's when the application was submitted.
    pub same_name: Vec<VendorId>,
    /// Steps of the vendor's state, oldest first.
    pub history: Vec<VendorHistoryView>,
    /// When the application was begun.
    pub created_at: Timestamp,
}

/// A document uploaded for an application. Only the operator can download the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// What the document proves.
    pub kind: DocumentKind,
    /// Name of the file as the vendor gave it.
    pub filename: Line,
    /// When it was uploaded.
    pub at: Timestamp,
    /// When it expires; absent for what does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<Timestamp>,
    /// Where the file can be downloaded; only present when the operator reads one vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub link: Option<FileLink>,
}

impl DocumentView {
    /// The document without a link to its file.
    pub fn of(document: &Document) -> Self {
        let Document { kind, filename, at, expires_at, .. } = document;
        Self { kind: *kind, filename: filename.clone(), at: *at, expires_at: *expires_at, link: None }
    }

    /// Whether it is the view of this document.
    pub fn is_of(&self, document: &Document) -> bool {
        (self.kind, &self.filename, self.at) == (document.kind, &document.filename, document.at)
    }
}

/// A step of a vendor's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VendorHistoryView {
    /// When it happened.
    pub at: Timestamp,
    /// The step.
    pub event: VendorStep,
}

/// A member of a vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemberView {
    /// Id of the user.
    pub user_id: UserId,
    /// The address by which they were invited; null where that was a number.
    #[schema(required = true)]
    pub email: Option<Email>,
    /// The telephone number by which they were invited.
    #[schema(required = true)]
    pub phone: Option<PhoneNumber>,
    /// Role, which decides what they may do for the vendor.
    pub role: Role,
    /// Since when they are a member.
    pub since: Timestamp,
    /// The version of the agreement that they have accepted; null when they have accepted none.
    #[schema(required = true)]
    pub accepted_terms: Option<u32>,
}

/// An open invitation to a vendor's staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvitationView {
    /// The address or number that was invited.
    pub contact: ContactPoint,
    /// The role that the person gets when they accept.
    pub role: Role,
    /// When the person was invited.
    pub at: Timestamp,
    /// Until when they can accept.
    pub expires_at: Timestamp,
}

/// What an accepted invitation has made: the caller works for this vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct JoinedView {
    /// The vendor's id, as the header `Vendor-Id` takes it.
    pub vendor_id: VendorId,
    /// The handle in the address of the vendor's shop page.
    pub handle: Handle,
    /// The vendor's name.
    pub name: Name,
    /// The caller's role, which decides what they may do for the vendor.
    pub role: Role,
    /// Since when the caller is a member.
    pub since: Timestamp,
}

impl JoinedView {
    /// The view of a membership at this vendor.
    pub fn new(account: &VendorAccount, membership: &Membership) -> Self {
        let (card, role, since) = (&account.card, membership.role, membership.since);
        Self { vendor_id: card.id, handle: card.handle.clone(), name: card.name.clone(), role, since }
    }
}

impl From<&VendorAccount> for VendorView {
    fn from(account: &VendorAccount) -> Self {
        Self {
            id: account.card.id,
            handle: account.card.handle.clone(),
            name: account.card.name.clone(),
            state: account.state,
            checklist: account.checklist(),
            currency: account.currency,
            email: account.email.clone(),
            phone: account.phone.clone(),
            legal_name: account.legal_name.clone(),
            language: account.language.clone(),
            about: account.about.clone(),
            shipping_rates: account.shipping_rates.clone(),
            cash_on_delivery: account.cash_on_delivery.clone(),
            public_identity: account.public_identity.clone(),
            identity_changes: account.identity_changes.clone(),
            documents: account.documents.iter().map(DocumentView::of).collect(),
            reason: account.reason.clone(),
            same_name: account.same_name.clone(),
            history: account.history.iter().map(|one| VendorHistoryView { at: one.at, event: one.event }).collect(),
            created_at: account.created_at,
        }
    }
}

impl From<&Membership> for MemberView {
    fn from(membership: &Membership) -> Self {
        Self {
            user_id: membership.user,
            email: membership.email.clone(),
            phone: membership.phone.clone(),
            role: membership.role,
            since: membership.since,
            accepted_terms: membership.accepted_terms,
        }
    }
}
