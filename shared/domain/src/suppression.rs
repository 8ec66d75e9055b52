//! Suppressed addresses: mail to them bounced for good, or their reader called it spam. Nothing is mailed to them until
//! the operator lifts that, and again when a later mail comes back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stored::Kept;
use crate::text::Email;
use crate::{Timestamp, UserId};

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
    /// When the operator let mail go there again, and who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// The end of a suppression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifted {
    pub at: Timestamp,
    pub by: UserId,
}

impl Suppression {
    /// The longest diagnosis that is kept, in characters.
    const MAX_DIAGNOSIS: usize = 500;

    pub fn new(email: Email, reason: SuppressionReason, diagnosis: Option<&str>, since: Timestamp) -> Self {
        let diagnosis = diagnosis.map(|text| text.chars().filter(|each| !each.is_control()).take(Self::MAX_DIAGNOSIS));
        Self {
            email,
            reason,
            diagnosis: diagnosis.map(Iterator::collect),
            since,
            lifted: None,
            version: 1,
            kept: Kept::default(),
        }
    }

    /// Whether nothing is mailed to the address.
    pub fn is_in_force(&self) -> bool {
        self.lifted.is_none()
    }

    /// What it becomes when another mail, sent at this time, comes back; nothing when that changes nothing: the address
    /// is suppressed already, or the mail was sent before the suppression was lifted.
    pub fn renewed(&self, news: &Self, sent: Timestamp) -> Option<Self> {
        let lifted = self.lifted.as_ref()?;
        (sent > lifted.at).then(|| Self { version: self.version, kept: self.kept.clone(), ..news.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suppressed(since: i64) -> Suppression {
        let email = Email::kept("gone@guests.test").expect("an address");
        Suppression::new(email, SuppressionReason::Bounce, None, Timestamp::from_millis(since))
    }

    #[test]
    fn a_lifted_address_is_suppressed_again_only_by_a_mail_that_was_sent_later() {
        let at = Timestamp::from_millis;
        let in_force = Suppression { version: 3, ..suppressed(1_000) };
        assert_eq!(in_force.renewed(&suppressed(9_000), at(8_000)), None, "it is suppressed already");
        let lifted = Lifted { at: at(5_000), by: "0192f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d".parse().expect("an id") };
        let lifted = Suppression { lifted: Some(lifted), ..in_force };
        assert!(!lifted.is_in_force());
        for late in [1_000, 5_000] {
            assert_eq!(lifted.renewed(&suppressed(9_000), at(late)), None, "{late}");
        }
        let renewed = lifted.renewed(&suppressed(9_000), at(5_001)).expect("a new suppression");
        assert!(renewed.is_in_force());
        assert_eq!((renewed.since, renewed.version), (at(9_000), 3));
    }
}
