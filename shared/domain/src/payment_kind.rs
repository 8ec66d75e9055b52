//! Kinds of payment methods that a provider may offer to the buyer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a buyer pays with at a provider that offers several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// Cards, and the wallets that hold cards. Takes every currency, and is decided at once.
    Card,
    /// SEPA direct debit: euros, decided within two weeks.
    SepaDebit,
    /// ACH direct debit: US dollars, decided within a week.
    AchDebit,
    /// Bacs direct debit: pounds, decided within a week.
    BacsDebit,
    /// A kind that only a newer release knows: never offered by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

impl PaymentKind {
    pub const ALL: [Self; 4] = [Self::Card, Self::SepaDebit, Self::AchDebit, Self::BacsDebit];
}
