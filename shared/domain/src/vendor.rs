//! Vendors: their shop, their account with its application, and their members.

mod identity;
mod job;
mod member;
mod paper;
pub mod reserved;
mod rules;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::{Code, FieldError, Refusal};
use crate::stored::Kept;
use crate::text::{Email, Handle, Line, LongText, Name, Phone, look_of};
use crate::{Currency, Money, Timestamp, UserId, VendorId};

pub use self::identity::{IdentityChange, IdentityField, Licence, MAX_IDENTITY_CHANGES, PublicIdentity, VendorKind};
pub use self::job::{NamedAt, PictureJob, VendorJob};
pub use self::member::{Member, Membership, Permission, Role};
pub use self::paper::Paper;

/// A vendor as products and carts show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorCard {
    /// Id of the vendor.
    pub id: VendorId,
    /// Handle of the shop page.
    pub handle: Handle,
    /// Name of the shop.
    pub name: Name,
}

/// State of a vendor's application and shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorState {
    /// The application is being filled in.
    Draft,
    /// The application waits for the operator.
    Submitted,
    /// The operator approved the vendor: they may sell.
    Approved,
    /// The operator rejected the application; it may be changed and submitted again.
    Rejected,
    /// The operator suspended the vendor: they may only read, ship and deliver.
    Suspended,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// What can happen to a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorStep {
    /// The vendor submitted the application.
    Submitted,
    /// The operator approved the application.
    Approved,
    /// The operator rejected the application.
    Rejected,
    /// The operator suspended the vendor.
    Suspended,
    /// The operator ended the suspension.
    Reinstated,
    /// A step that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

impl VendorState {
    pub const ALL: [Self; 5] = [Self::Draft, Self::Submitted, Self::Approved, Self::Rejected, Self::Suspended];

    /// The state after a step; nothing when the step is not allowed in this state.
    pub const fn after(self, step: VendorStep) -> Option<Self> {
        match (self, step) {
            (Self::Draft | Self::Rejected, VendorStep::Submitted) => Some(Self::Submitted),
            (Self::Submitted, VendorStep::Approved) => Some(Self::Approved),
            (Self::Submitted, VendorStep::Rejected) => Some(Self::Rejected),
            (Self::Approved, VendorStep::Suspended) => Some(Self::Suspended),
            (Self::Suspended, VendorStep::Reinstated) => Some(Self::Approved),
            _ => None,
        }
    }
}

impl VendorState {
    /// Whether a vendor in this state keeps others from its handle.
    pub const fn holds_handle(self) -> bool {
        matches!(self, Self::Approved | Self::Suspended | Self::Other)
    }
}

impl VendorStep {
    pub const ALL: [Self; 5] = [Self::Submitted, Self::Approved, Self::Rejected, Self::Suspended, Self::Reinstated];
}

/// A vendor's public profile, which the shop page and the checkout read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// Id, handle and name.
    #[serde(flatten)]
    pub card: VendorCard,
    /// A description of the shop as sanitised HTML.
    #[serde(default)]
    pub about_html: String,
    /// Only the shop of an approved vendor is shown.
    pub state: VendorState,
    /// The vendor's own currency, for prices and payouts.
    pub currency: Currency,
    /// One flat rate for delivery per currency; without one, the shop does not deliver in that currency.
    #[serde(default)]
    pub shipping_rates: Vec<Money>,
    /// The greatest total of one of its orders that is collected on delivery, per currency; without one, the shop takes
    /// no cash in that currency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cash_on_delivery: Vec<Money>,
    /// Who sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_identity: Option<PublicIdentity>,
    pub created_at: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl Shop {
    /// Whether its handle is its own: it is or was approved. Others only wish for theirs, and keep nobody from it.
    pub const fn holds_handle(&self) -> bool {
        self.state.holds_handle()
    }

    /// Whether it may sell.
    pub fn sells(&self) -> bool {
        self.state == VendorState::Approved
    }

    /// The flat rate for delivery in this currency; nothing when the shop does not deliver in it.
    pub fn shipping_rate(&self, currency: Currency) -> Option<Money> {
        self.shipping_rates.iter().copied().find(|rate| rate.currency() == currency)
    }

    /// The greatest total of one of its orders that is collected on delivery; nothing when it takes no cash.
    pub fn collects_up_to(&self, currency: Currency) -> Option<Money> {
        self.cash_on_delivery.iter().copied().find(|most| most.currency() == currency)
    }
}

/// A document that the vendor uploaded for the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// What the document proves.
    pub kind: DocumentKind,
    /// Key of the file in the private bucket.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
    /// Name of the file as the vendor gave it.
    pub filename: Line,
    /// When it was uploaded.
    pub at: Timestamp,
    /// When it expires; nothing for what does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<Timestamp>,
}

/// What a document proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// Identity of the applicant.
    Identity,
    /// Registration of the business.
    Registration,
    /// Tax registration of the business.
    Tax,
    /// A licence of an authority, which expires.
    Licence,
    /// A kind that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

impl DocumentKind {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Registration => "registration",
            Self::Tax => "tax",
            Self::Licence => "licence",
            Self::Other => "other",
        }
    }
}

/// A vendor's account: the profile and the application, readable by its members and the operator only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorAccount {
    /// Id, handle and name.
    #[serde(flatten)]
    pub card: VendorCard,
    pub state: VendorState,
    /// The vendor's own currency, for prices and payouts.
    pub currency: Currency,
    /// Address for messages to the vendor.
    #[serde(deserialize_with = "crate::text::kept_email")]
    pub email: Email,
    pub phone: Option<Phone>,
    /// The language of messages to the vendor, as a BCP 47 tag; nothing when none was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Name in the commercial register.
    pub legal_name: Option<Name>,
    /// A description of the shop as plain text.
    pub about: Option<LongText>,
    /// One flat rate for delivery per currency.
    #[serde(default)]
    pub shipping_rates: Vec<Money>,
    /// The greatest total of one of its orders that is collected on delivery, per currency: none until it is turned on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cash_on_delivery: Vec<Money>,
    /// Who sells, as buyers see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_identity: Option<PublicIdentity>,
    /// Its changes after the approval, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_changes: Vec<IdentityChange>,
    /// Documents uploaded for the application.
    #[serde(default)]
    pub documents: Vec<Document>,
    /// Why the operator rejected the application or suspended the vendor.
    pub reason: Option<LongText>,
    /// The vendors whose names looked like this one's when the application was submitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_name: Vec<VendorId>,
    /// The look of the name under which it is found by others of the same look; empty before it was first kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name_key: String,
    /// Steps of the vendor's state, oldest first.
    #[serde(default)]
    pub history: Vec<VendorHistory>,
    pub created_at: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// A step of a vendor's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorHistory {
    /// When it happened.
    pub at: Timestamp,
    /// The step.
    pub event: VendorStep,
    /// The user who took the step.
    pub by: UserId,
}

/// The fields that an application requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChecklistCode {
    /// The name in the register of companies.
    LegalName,
    /// A telephone number.
    Phone,
    /// A shipping rate in one currency at least.
    ShippingRates,
    /// Who sells, as buyers see it.
    PublicIdentity,
}

impl ChecklistCode {
    /// The field's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LegalName => "legal_name",
            Self::Phone => "phone",
            Self::ShippingRates => "shipping_rates",
            Self::PublicIdentity => "public_identity",
        }
    }
}

/// A requirement of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChecklistItem {
    /// Field that is required.
    pub code: ChecklistCode,
    /// Whether it is filled in.
    pub done: bool,
}

impl VendorAccount {
    /// Requirements of the application, and whether each is met.
    pub fn checklist(&self) -> Vec<ChecklistItem> {
        let item = |code, done| ChecklistItem { code, done };
        vec![
            item(ChecklistCode::LegalName, self.legal_name.is_some()),
            item(ChecklistCode::Phone, self.phone.is_some()),
            item(ChecklistCode::ShippingRates, !self.shipping_rates.is_empty()),
            item(ChecklistCode::PublicIdentity, self.public_identity.is_some()),
        ]
    }

    /// Fails with `checklist_incomplete` when a required field is missing; `errors` names each.
    pub fn check_complete(&self) -> Result<(), Refusal> {
        let missing: Vec<_> = self
            .checklist()
            .into_iter()
            .filter(|item| !item.done)
            .map(|item| FieldError::new(format!("/{}", item.code.as_str()), "missing", "must be filled in"))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::ChecklistIncomplete, missing)) }
    }

    /// Fails with `checklist_incomplete` when a field is missing that was filled in before. What was not asked for when
    /// the vendor was approved stands in the way of no other change.
    pub fn check_as_complete_as(&self, before: &Self) -> Result<(), Refusal> {
        let had = before.checklist();
        let lost = self.checklist().into_iter().zip(had).filter(|(now, had)| !now.done && had.done);
        let missing: Vec<_> = lost
            .map(|(item, _)| FieldError::new(format!("/{}", item.code.as_str()), "missing", "must be filled in"))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::ChecklistIncomplete, missing)) }
    }

    /// The account after a step, for which there may be a reason. Fails with `wrong_state` when the state does not
    /// allow it, or with `checklist_incomplete` when the application is not complete.
    pub fn after(
        &self,
        step: VendorStep,
        reason: Option<LongText>,
        by: UserId,
        at: Timestamp,
    ) -> Result<Self, Refusal> {
        if self.state == VendorState::Other {
            return Err(Refusal::of(Code::NewerData));
        }
        let state = self.state.after(step).ok_or_else(|| Refusal::of(Code::WrongState))?;
        if step == VendorStep::Submitted {
            self.check_complete()?;
        }
        let mut next = self.clone();
        next.state = state;
        next.reason = reason;
        next.history.push(VendorHistory { at, event: step, by });
        Ok(next)
    }

    /// What its name looks like, by which it is compared with others.
    pub fn name_look(&self) -> String {
        look_of(self.card.name.as_str())
    }

    /// The public profile. The description is escaped: a vendor's profile has no markup of its own.
    pub fn shop(&self) -> Shop {
        Shop {
            card: self.card.clone(),
            about_html: self.about.as_ref().map(|text| escaped(text.as_str())).unwrap_or_default(),
            state: self.state,
            currency: self.currency,
            shipping_rates: self.shipping_rates.clone(),
            cash_on_delivery: self.cash_on_delivery.clone(),
            public_identity: self.public_identity.clone(),
            created_at: self.created_at,
            version: self.version,
            kept: Kept::default(),
        }
    }
}

/// Plain text as HTML: markup is escaped, line breaks are kept.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\n' => html.push_str("<br>"),
            '\r' => {}
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_vendor_is_exactly_this() {
        let mut life = Vec::new();
        for state in VendorState::ALL {
            for step in VendorStep::ALL {
                if let Some(next) = state.after(step) {
                    life.push(format!("{state:?} + {step:?} -> {next:?}"));
                }
            }
        }
        assert_eq!(
            life,
            [
                "Draft + Submitted -> Submitted",
                "Submitted + Approved -> Approved",
                "Submitted + Rejected -> Rejected",
                "Approved + Suspended -> Suspended",
                "Rejected + Submitted -> Submitted",
                "Suspended + Reinstated -> Approved",
            ]
        );
    }

    #[test]
    fn a_suspended_shop_may_only_read_ship_and_deliver() {
        let allowed: Vec<_> = [
            Permission::ReadShop,
            Permission::EditShop,
            Permission::ReadProducts,
            Permission::EditProducts,
            Permission::EditStock,
            Permission::ReadOrders,
            Permission::DecideOrders,
            Permission::FulfilOrders,
            Permission::EditMembers,
        ]
        .into_iter()
        .filter(|permission| permission.allowed_while_suspended())
        .collect();
        assert_eq!(
            allowed,
            [Permission::ReadShop, Permission::ReadProducts, Permission::ReadOrders, Permission::FulfilOrders]
        );
    }

    #[test]
    fn a_profile_carries_no_markup() {
        assert_eq!(escaped("<b>\"&\"\r\n"), "&lt;b&gt;&quot;&amp;&quot;<br>");
    }
}
