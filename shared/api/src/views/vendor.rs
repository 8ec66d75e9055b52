//! A seller's file as its own people and the operator see it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChecklistItem, Document, DocumentKind, Membership, Role, VendorAccount, VendorState, VendorStep};
use crate::text::{Email, Handle, Line, LongText, Name, Phone};
use crate::upload::FileLink;
use crate::{Currency, Money, Timestamp, UserId, VendorId};

/// A seller's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VendorView {
    /// Id.
    pub id: VendorId,
    /// Handle of the shop page.
    pub handle: Handle,
    /// Name of the shop.
    pub name: Name,
    /// Where it stands with the operator.
    pub state: VendorState,
    /// What the application needs, and whether it is there.
    pub checklist: Vec<ChecklistItem>,
    /// The seller's own currency.
    pub currency: Currency,
    /// Where news for the shop goes.
    pub email: Email,
    /// Telephone number.
    pub phone: Option<Phone>,
    /// The name in the register of companies.
    pub legal_name: Option<Name>,
    /// A few words about the shop, as plain text.
    pub about: Option<LongText>,
    /// One flat rate for delivery per currency.
    pub shipping_rates: Vec<Money>,
    /// Documents handed in.
    pub documents: Vec<DocumentView>,
    /// Why the operator turned it down or stopped it.
    pub reason: Option<LongText>,
    /// What happened, oldest first.
    pub history: Vec<VendorHistoryView>,
    /// Since when.
    pub created_at: Timestamp,
}

/// A document handed in with an application. The file itself is for the operator only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// What it shows.
    pub kind: DocumentKind,
    /// The name of the file.
    pub filename: Line,
    /// When it was handed in.
    pub at: Timestamp,
    /// Where the file can be fetched. Only the operator who looks at the vendor is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<FileLink>,
}

impl DocumentView {
    /// A document without its file.
    pub fn of(document: &Document) -> Self {
        Self { kind: document.kind, filename: document.filename.clone(), at: document.at, link: None }
    }

    /// Whether it shows this document.
    pub fn is_of(&self, document: &Document) -> bool {
        (self.kind, &self.filename, self.at) == (document.kind, &document.filename, document.at)
    }
}

/// One thing that happened to a seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VendorHistoryView {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: VendorStep,
}

/// Somebody of a shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemberView {
    /// The person.
    pub user_id: UserId,
    /// The address by which the person was added.
    pub email: Email,
    /// What the person may do there.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
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
            about: account.about.clone(),
            shipping_rates: account.shipping_rates.clone(),
            documents: account.documents.iter().map(DocumentView::of).collect(),
            reason: account.reason.clone(),
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
            role: membership.role,
            since: membership.since,
        }
    }
}

/// Work for the background on a seller's behalf, as a queue carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VendorJob {
    /// Bring the seller's products in line with the shop: `{"sync_products":{"vendor_id":"ven_…","after":null}}`. What is to be
    /// done stands in the shop and not here, so that a late or repeated message does no harm.
    #[serde(alias = "follow_shop")]
    SyncProducts {
        /// Whose products.
        vendor_id: VendorId,
        /// The product after which to go on; nothing at the start.
        after: Option<crate::ProductId>,
    },
    /// Work on an import of a product file: `{"import":{"vendor_id":"ven_…","id":"imp_…"}}`.
    Import {
        /// Whose.
        vendor_id: VendorId,
        /// Which.
        id: crate::ImportId,
    },
    /// Work on an export: `{"export":{"vendor_id":"ven_…","id":"exp_…"}}`.
    Export {
        /// Whose.
        vendor_id: VendorId,
        /// Which.
        id: crate::ExportId,
    },
}
