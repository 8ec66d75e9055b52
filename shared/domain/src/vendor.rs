//! Vendors: their public face, their private file, their people.

mod view;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::{Code, FieldError, Refusal};
use crate::text::{Email, Handle, Line, LongText, Name, Phone};
use crate::{Currency, Money, Timestamp, UserId, VendorId};

pub use self::view::{DocumentView, MemberView, VendorHistoryView, VendorJob, VendorView};

/// What a product page says of its seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorCard {
    /// Id.
    pub id: VendorId,
    /// Handle of the shop page.
    pub handle: Handle,
    /// Name.
    pub name: Name,
}

/// Where a seller stands with the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorState {
    /// Being filled in.
    Draft,
    /// Waiting for the operator.
    Submitted,
    /// May sell.
    Approved,
    /// Turned down; may be improved and submitted again.
    Rejected,
    /// May not sell any more, for now.
    Suspended,
}

/// What can happen to a seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorStep {
    /// The applicant asks for approval.
    Submitted,
    /// The operator approves.
    Approved,
    /// The operator turns the application down.
    Rejected,
    /// The operator stops the shop.
    Suspended,
    /// The operator lets the shop go on.
    Reinstated,
}

impl VendorState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Submitted, Self::Approved, Self::Rejected, Self::Suspended];

    /// The state after a step; nothing when the step cannot happen now.
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

impl VendorStep {
    /// Every step.
    pub const ALL: [Self; 5] = [Self::Submitted, Self::Approved, Self::Rejected, Self::Suspended, Self::Reinstated];
}

/// What a member of a shop may do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but money and members.
    Manager,
    /// Orders, returns and stock.
    Fulfilment,
    /// Reads orders and money.
    Finance,
}

/// Something that a role allows or does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read the shop's own file and profile.
    ReadShop,
    /// Change the profile, hand in documents, submit.
    EditShop,
    /// Read products and stock.
    ReadProducts,
    /// Change products, import, upload pictures.
    EditProducts,
    /// Change what is on hand.
    EditStock,
    /// Read orders.
    ReadOrders,
    /// Accept and refuse orders, handle returns.
    DecideOrders,
    /// Ship and deliver: what a suspended shop may still do.
    FulfilOrders,
    /// Invite and remove members.
    EditMembers,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Manager, Self::Fulfilment, Self::Finance];

    /// Whether the role allows it.
    pub const fn allows(self, permission: Permission) -> bool {
        match self {
            Self::Owner => true,
            Self::Manager => !matches!(permission, Permission::EditMembers),
            Self::Fulfilment => matches!(
                permission,
                Permission::ReadShop
                    | Permission::ReadProducts
                    | Permission::EditStock
                    | Permission::ReadOrders
                    | Permission::DecideOrders
                    | Permission::FulfilOrders
            ),
            Self::Finance => matches!(permission, Permission::ReadShop | Permission::ReadOrders),
        }
    }
}

impl Permission {
    /// Whether a suspended shop keeps it: it may only read, ship and deliver.
    pub const fn allowed_while_suspended(self) -> bool {
        matches!(self, Self::ReadShop | Self::ReadProducts | Self::ReadOrders | Self::FulfilOrders)
    }
}

/// A person's place in a shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The shop.
    pub vendor: VendorId,
    /// The person.
    pub user: UserId,
    /// The address by which the person was invited.
    pub email: Email,
    /// What the person may do there.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
}

impl Membership {
    /// Refuses what the role, or the shop's suspension, does not allow.
    pub fn check(&self, state: VendorState, permission: Permission) -> Result<(), Refusal> {
        if !self.role.allows(permission) {
            return Err(Refusal::of(Code::Forbidden));
        }
        if state == VendorState::Suspended && !permission.allowed_while_suspended() {
            return Err(Refusal::of(Code::VendorSuspended));
        }
        Ok(())
    }
}

/// A seller's public face, as the shop page and the checkout read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// Id, handle and name.
    #[serde(flatten)]
    pub card: VendorCard,
    /// A few words about the shop: sanitised HTML.
    #[serde(default)]
    pub about_html: String,
    /// Where the seller stands; only an approved one is shown.
    pub state: VendorState,
    /// The seller's own currency.
    pub currency: Currency,
    /// One flat rate for delivery per currency.
    #[serde(default)]
    pub shipping_rates: Vec<Money>,
    /// Since when.
    pub created_at: Timestamp,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

impl Shop {
    /// Whether it may sell.
    pub fn sells(&self) -> bool {
        self.state == VendorState::Approved
    }

    /// What delivery costs in this currency; nothing when the shop does not deliver in it.
    pub fn shipping_rate(&self, currency: Currency) -> Option<Money> {
        self.shipping_rates.iter().copied().find(|rate| rate.currency() == currency)
    }
}

/// A document handed in with an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// What it shows.
    pub kind: DocumentKind,
    /// Where it lies in the private bucket.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
    /// The name of the file.
    pub filename: Line,
    /// When it was handed in.
    pub at: Timestamp,
}

/// The kinds of documents an application can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// Who the applicant is.
    Identity,
    /// That the business exists.
    Registration,
    /// Where it pays its taxes.
    Tax,
}

/// A seller's private file: what the operator and the shop's own people see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorAccount {
    /// Id, handle and name.
    #[serde(flatten)]
    pub card: VendorCard,
    /// Where the seller stands.
    pub state: VendorState,
    /// The seller's own currency.
    pub currency: Currency,
    /// Where news for the shop goes.
    pub email: Email,
    /// Telephone number.
    pub phone: Option<Phone>,
    /// The name in the register of companies.
    pub legal_name: Option<Name>,
    /// A few words about the shop.
    pub about: Option<LongText>,
    /// One flat rate for delivery per currency.
    #[serde(default)]
    pub shipping_rates: Vec<Money>,
    /// Documents handed in.
    #[serde(default)]
    pub documents: Vec<Document>,
    /// Why the operator turned it down or stopped it.
    pub reason: Option<LongText>,
    /// What happened, oldest first.
    #[serde(default)]
    pub history: Vec<VendorHistory>,
    /// Since when.
    pub created_at: Timestamp,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

/// One thing that happened to a seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorHistory {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: VendorStep,
    /// Who: a user's id.
    pub by: UserId,
}

/// One thing an application needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChecklistItem {
    /// What: `legal_name`, `phone`, `shipping_rates`.
    pub code: String,
    /// Whether it is there.
    pub done: bool,
}

impl VendorAccount {
    /// What an application needs before it can be submitted.
    pub fn checklist(&self) -> Vec<ChecklistItem> {
        let item = |code: &str, done| ChecklistItem { code: code.to_owned(), done };
        vec![
            item("legal_name", self.legal_name.is_some()),
            item("phone", self.phone.is_some()),
            item("shipping_rates", !self.shipping_rates.is_empty()),
        ]
    }

    /// Refuses a file in which something is missing that the operator asks for.
    pub fn check_complete(&self) -> Result<(), Refusal> {
        let missing: Vec<_> = self
            .checklist()
            .into_iter()
            .filter(|item| !item.done)
            .map(|item| FieldError::new(format!("/{}", item.code), "missing", "must be filled in"))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::ChecklistIncomplete, missing)) }
    }

    /// The file after a step.
    pub fn after(&self, step: VendorStep, by: UserId, at: Timestamp) -> Result<Self, Refusal> {
        let state = self.state.after(step).ok_or_else(|| Refusal::of(Code::WrongState))?;
        if step == VendorStep::Submitted {
            self.check_complete()?;
        }
        let mut next = self.clone();
        next.state = state;
        next.history.push(VendorHistory { at, event: step, by });
        Ok(next)
    }

    /// What the public sees of it. The description is escaped text: a seller's profile carries no markup.
    pub fn shop(&self) -> Shop {
        Shop {
            card: self.card.clone(),
            about_html: self.about.as_ref().map(|text| escaped(text.as_str())).unwrap_or_default(),
            state: self.state,
            currency: self.currency,
            shipping_rates: self.shipping_rates.clone(),
            created_at: self.created_at,
            version: self.version,
        }
    }
}

/// Text as HTML: nothing in it is markup, and lines stay lines.
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
