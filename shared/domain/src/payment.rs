//! Payment attempts: each asks one provider once for the money of an order.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::frozen_opening::FrozenOpening;
pub use crate::processing::{Processing, SLOW_DEADLINE};
pub use crate::refund::{Refund, RefundPart, RefundReason, RefundState, RefundStep, RefundedUnits};
pub use crate::refund_rules::{RefundRules, UnpayableRefund};
use crate::stored::Kept;
pub use crate::transaction::{Transaction, TransactionRefused};
use crate::{Money, OrderId, PaymentId, Timestamp};

/// Payment provider: who collects and refunds the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// Stripe, through PaymentIntents.
    Stripe,
    /// The carrier collects cash on delivery.
    CashOnDelivery,
    /// Nobody: the total is zero, so the order is paid when it is placed.
    #[serde(rename = "none")]
    #[schema(rename = "none")]
    Unneeded,
    /// A provider that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

impl ProviderName {
    /// Those who collect money.
    pub const ALL: [Self; 2] = [Self::Stripe, Self::CashOnDelivery];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::CashOnDelivery => "cash_on_delivery",
            Self::Unneeded => "none",
            Self::Other => "other",
        }
    }

    /// One of those who collect money.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// Whether the goods are shipped before the money comes in.
    pub const fn is_on_delivery(self) -> bool {
        matches!(self, Self::CashOnDelivery)
    }
}

/// What the buyer's client has to do next to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// Confirm the payment with the provider's own library.
    ClientSecret {
        /// Secret for the provider's library, valid for this payment only.
        #[schema(examples("pi_3Qx7Yb2eZvKYlo2C_secret_1"))]
        client_secret: String,
        /// The public key that the provider's library is loaded with; absent only for attempts of releases before
        /// 2026-12-02.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false, examples("pk_live_51Qx7Yb2eZvKYlo2C"))]
        publishable_key: Option<String>,
        /// Where the buyer comes back to, as it was asked for: to be handed to the provider's library, which needs it
        /// for ways of paying that leave the page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false, format = "uri", examples("https://shop.example/orders"))]
        return_url: Option<String>,
    },
    /// Send the buyer to an address of the provider.
    Redirect {
        /// Absolute address of the page.
        #[schema(format = "uri", examples("https://pay.example/checkout"))]
        url: String,
    },
    /// Show a QR code to the buyer.
    Qr {
        /// Text that the QR code encodes.
        #[schema(examples("https://pay.example/qr/1"))]
        content: String,
    },
    /// The provider does not answer: ask for another attempt with `POST /v1/orders/{id}/payments`.
    Retry,
    /// Enter the code that was mailed: `POST /v1/orders/{id}/confirm`.
    Confirm,
    /// There is nothing to do.
    None,
    /// Something that only a newer release knows: shown, and never changed by this one.
    #[serde(other)]
    Other,
}

/// State of a payment attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Stored here; the provider may not know of it yet.
    Created,
    /// The provider waits for the buyer, or has not decided.
    Pending,
    /// The money is reserved and not yet captured.
    Authorized,
    /// The money was captured.
    Captured,
    /// The provider declined it. A later attempt at the same payment may still succeed.
    Failed,
    /// It was cancelled before any money was captured.
    Cancelled,
    /// The order's deadline passed before any money was captured.
    Expired,
    /// The provider captured another amount or currency than was asked for: the operator decides.
    #[serde(alias = "conflicted")]
    AmountMismatch,
    /// A part of the money was refunded.
    PartiallyRefunded,
    /// All of the money was refunded.
    Refunded,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// What can happen to a payment attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStep {
    /// The provider knows of it and waits.
    Pending,
    /// The money was reserved.
    Authorized,
    /// The money was captured.
    Captured,
    /// The provider declined it.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// The order's deadline passed.
    Expired,
    /// Another amount or currency was captured than was asked for.
    AmountMismatch,
    /// The operator accepted the mismatched amount.
    Accepted,
    /// A part of the money was refunded.
    PartiallyRefunded,
    /// The rest of the money was refunded.
    Refunded,
}

impl PaymentState {
    pub const ALL: [Self; 10] = [
        Self::Created,
        Self::Pending,
        Self::Authorized,
        Self::Captured,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::AmountMismatch,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];

    /// The state after a step; nothing when the step is not allowed in this state.
    pub const fn after(self, step: PaymentStep) -> Option<Self> {
        use PaymentState as S;
        use PaymentStep as E;
        match (self, step) {
            (S::Created | S::Pending, E::Pending) => Some(S::Pending),
            (S::Created | S::Pending, E::Authorized) => Some(S::Authorized),
            (S::Created | S::Pending | S::Authorized, E::Captured) => Some(S::Captured),
            (S::Created | S::Pending, E::Failed) => Some(S::Failed),
            (S::Created | S::Pending | S::Authorized, E::Cancelled) => Some(S::Cancelled),
            (S::Created | S::Pending | S::Authorized, E::Expired) => Some(S::Expired),
            // Late: the provider decides whether money was captured, whatever was stored before.
            (S::Failed | S::Cancelled | S::Expired, E::Captured) => Some(S::Captured),
            // In whichever order the news arrives, a captured amount other than the requested one is a mismatch.
            (S::Created | S::Pending | S::Authorized | S::Failed | S::Cancelled | S::Expired, E::AmountMismatch) => {
                Some(S::AmountMismatch)
            }
            // The operator decides: the mismatched amount is accepted, or it is refunded.
            (S::AmountMismatch, E::Accepted) => Some(S::Captured),
            (S::AmountMismatch, E::Refunded) => Some(S::Refunded),
            (S::Captured | S::PartiallyRefunded, E::PartiallyRefunded) => Some(S::PartiallyRefunded),
            (S::Captured | S::PartiallyRefunded, E::Refunded) => Some(S::Refunded),
            _ => None,
        }
    }

    /// Whether money may still come in without another request to the provider.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Pending | Self::Authorized)
    }

    /// The states in which an attempt can begin.
    pub const INITIAL: [Self; 1] = [Self::Created];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::AmountMismatch => "amount_mismatch",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Other => "other",
        }
    }

    /// Whether the provider captured money, whether or not it was refunded since.
    pub const fn took_money(self) -> bool {
        matches!(self, Self::Captured | Self::PartiallyRefunded | Self::Refunded | Self::AmountMismatch)
    }
}

impl PaymentStep {
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Authorized,
        Self::Captured,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::AmountMismatch,
        Self::Accepted,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];
}

/// A payment attempt of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Also the provider's idempotency key.
    pub id: PaymentId,
    pub order: OrderId,
    pub provider: ProviderName,
    /// The amount that is asked for.
    pub amount: Money,
    pub state: PaymentState,
    /// The provider's id of the payment; nothing until the provider has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Other ids by which the provider may speak of it: of a receipt, a document of its own, or the page on which it is
    /// paid. A page may be known before the payment is, which some providers make only when the buyer pays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_references: Vec<String>,
    /// What the buyer's client has to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The captured amount; zero when it cannot be expressed as [`Money`], nothing when none was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Money>,
    /// Why it failed: the provider's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What is sent to the provider besides ids and amount; nothing for an attempt of a release that sent nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<FrozenOpening>,
    /// What the provider can pay back, fixed when the attempt was made; nothing when it pays back any amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunds: Option<RefundRules>,
    /// The provider's transaction, if the provider drives the payment itself and has begun one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Transaction>,
    /// The time in which a bank that takes days has to decide; nothing in attempts of releases before 2026-12-02.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_deadline: Option<Duration>,
    /// Set while its provider works on it and cannot stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing: Option<Processing>,
    /// When its provider said that it cannot be paid any more; nothing as long as money may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Whether its provider is asked until it cannot bring money any more, because the order does not wait for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_followed: bool,
    pub created_at: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl Payment {
    /// Whether it brought the requested amount, or one that the operator accepted. Refunds since do not matter.
    pub fn has_paid(&self) -> bool {
        match self.state {
            PaymentState::Captured | PaymentState::PartiallyRefunded => true,
            // A mismatched amount that was refunded as a whole was never accepted.
            PaymentState::Refunded => self.captured == Some(self.amount),
            _ => false,
        }
    }

    /// Records the provider's id of the page on which it is paid. Answers whether it was not known.
    pub(crate) fn add_page(&mut self, page: Option<&str>) -> bool {
        let Some(page) = page.filter(|page| !self.references().any(|known| known == *page)) else { return false };
        self.further_references.push(page.to_owned());
        true
    }

    /// All ids by which the provider may speak of it.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.reference.iter().chain(&self.further_references).map(String::as_str)
    }

    /// Whether a buyer was ever given a way to pay it: a secret or a page of the provider. Without one it cannot bring
    /// money, whatever the provider has of it.
    pub const fn was_handed_out(&self) -> bool {
        let has_way = matches!(
            self.action,
            Some(Action::ClientSecret { .. } | Action::Redirect { .. } | Action::Qr { .. } | Action::Other)
        );
        self.reference.is_some() || has_way
    }

    /// Whether another attempt has to count it as one that may bring money. One that is being opened counts: its answer
    /// may hand it out any moment. One that was left with `retry` does not.
    pub const fn may_bring_money(&self) -> bool {
        let is_being_opened = matches!(self.state, PaymentState::Created) && self.action.is_none();
        self.may_be_paid() && (is_being_opened || self.was_handed_out())
    }

    /// Whether the buyer can still pay it: after a declined card, the payment at the provider still accepts another
    /// card, until it is closed there.
    pub const fn may_be_paid(&self) -> bool {
        let declined =
            matches!(self.state, PaymentState::Failed) && self.reference.is_some() && self.closed_at.is_none();
        !self.provider.is_on_delivery() && (self.state.is_open() || declined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_payment_and_a_declined_one_that_its_provider_has_may_be_paid() {
        let order = crate::OrderId::from_bits(1);
        let may_be_paid = |state, reference: Option<&str>, provider| {
            let payment = crate::examples::payment(2, order, provider, crate::examples::usd(1_250));
            Payment { state, reference: reference.map(str::to_owned), ..payment }.may_be_paid()
        };
        for state in PaymentState::ALL {
            let is_open = state.is_open();
            assert_eq!(may_be_paid(state, None, ProviderName::Stripe), is_open, "{state:?}");
            let known = may_be_paid(state, Some("pi_1"), ProviderName::Stripe);
            assert_eq!(known, is_open || state == PaymentState::Failed, "{state:?}");
            assert!(!may_be_paid(state, Some("pi_1"), ProviderName::CashOnDelivery), "{state:?}");
        }
    }

    #[test]
    fn an_attempt_may_bring_money_while_it_is_opened_and_once_it_was_handed_out() {
        let order = crate::OrderId::from_bits(1);
        let known = crate::examples::payment(2, order, ProviderName::Stripe, crate::examples::usd(1_250));
        let may_bring_money = |state, reference: Option<&str>, action: Option<Action>| {
            let reference = reference.map(str::to_owned);
            Payment { state, reference, action, ..known.clone() }.may_bring_money()
        };
        let page = || Some(Action::Redirect { url: "https://pay.test".to_owned() });
        for (state, reference, action, expected) in [
            (PaymentState::Created, None, None, true),
            (PaymentState::Created, None, Some(Action::Retry), false),
            (PaymentState::Pending, None, page(), true),
            (PaymentState::Pending, Some("pi_1"), None, true),
            (PaymentState::Failed, Some("pi_1"), None, true),
            (PaymentState::Failed, None, Some(Action::Retry), false),
            (PaymentState::Cancelled, Some("pi_1"), page(), false),
            (PaymentState::Captured, Some("pi_1"), None, false),
        ] {
            assert_eq!(
                may_bring_money(state, reference, action.clone()),
                expected,
                "{state:?} {reference:?} {action:?}"
            );
        }
    }

    #[test]
    fn the_life_of_a_payment_is_exactly_this() {
        let mut life = String::new();
        for state in PaymentState::ALL {
            for step in PaymentStep::ALL {
                if let Some(next) = state.after(step) {
                    life.push_str(&format!("{state:?} + {step:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        Created + Pending -> Pending
        Created + Authorized -> Authorized
        Created + Captured -> Captured
        Created + Failed -> Failed
        Created + Cancelled -> Cancelled
        Created + Expired -> Expired
        Created + AmountMismatch -> AmountMismatch
        Pending + Pending -> Pending
        Pending + Authorized -> Authorized
        Pending + Captured -> Captured
        Pending + Failed -> Failed
        Pending + Cancelled -> Cancelled
        Pending + Expired -> Expired
        Pending + AmountMismatch -> AmountMismatch
        Authorized + Captured -> Captured
        Authorized + Cancelled -> Cancelled
        Authorized + Expired -> Expired
        Authorized + AmountMismatch -> AmountMismatch
        Captured + PartiallyRefunded -> PartiallyRefunded
        Captured + Refunded -> Refunded
        Failed + Captured -> Captured
        Failed + AmountMismatch -> AmountMismatch
        Cancelled + Captured -> Captured
        Cancelled + AmountMismatch -> AmountMismatch
        Expired + Captured -> Captured
        Expired + AmountMismatch -> AmountMismatch
        AmountMismatch + Accepted -> Captured
        AmountMismatch + Refunded -> Refunded
        PartiallyRefunded + PartiallyRefunded -> PartiallyRefunded
        PartiallyRefunded + Refunded -> Refunded
        ");
    }
}
