//! Suppressed addresses: mail to them bounced for good, or their reader called it spam. Nothing is mailed to them until
//! the operator lifts that.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;
use crate::stored::Kept;
use crate::text::Email;

/// Why nothing is mailed to an address any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// A mail bounced for good: the address does not exist, or its server takes no mail of ours.
    Bounce,
    /// Its reader reported a mail as spam.
    Complaint,
    /// A reason that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// A suppressed address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    #[serde(deserialize_with = "crate::text::kept_email")]
    pub email: Email,
    pub reason: SuppressionReason,
    /// What the server of the address said, if it bounced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<String>,
    /// When the mail bounced or was reported.
    pub since: Timestamp,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl Suppression {
    /// The longest diagnosis that is kept, in characters.
    const MAX_DIAGNOSIS: usize = 500;

    pub fn new(email: Email, reason: SuppressionReason, diagnosis: Option<&str>, since: Timestamp) -> Self {
        let diagnosis = diagnosis.map(|text| text.chars().filter(|each| !each.is_control()).take(Self::MAX_DIAGNOSIS));
        Self { email, reason, diagnosis: diagnosis.map(Iterator::collect), since, version: 1, kept: Kept::default() }
    }
}
