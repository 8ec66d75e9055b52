//! Invitations: a vendor's owner, or the operator, asks a person to become a member, and the person decides. Until they
//! have accepted, nothing of theirs changes.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contact::{ContactPoint, PhoneNumber, point_of};
use crate::marketplace::OperatorRole;
use crate::sealed::Sealed;
use crate::stored::Kept;
use crate::text::Email;
use crate::vendor::Role;
use crate::{LookUp, Timestamp, UserId, VendorId};

/// How long an invitation can be accepted.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Who is invited: one of the two is there. It is sealed where it is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    #[serde(default, deserialize_with = "crate::text::kept_optional_email", skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
}

impl Invited {
    pub fn new(contact: &ContactPoint) -> Self {
        Self { email: contact.email().cloned(), phone: contact.phone().cloned() }
    }

    /// Nothing in one that was damaged.
    pub fn contact(&self) -> Option<ContactPoint> {
        point_of(self.email.as_ref(), self.phone.as_ref())
    }
}

/// Nothing of a person reaches a log.
impl fmt::Debug for Invited {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Invited(…)")
    }
}

/// An invitation as it is stored: one for each vendor and contact. Inviting again takes its place, and its token with
/// it. The token follows from `key` under the master secret: it is stored nowhere, and compared by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    pub vendor: VendorId,
    /// What the contact is looked up by.
    pub contact: LookUp,
    /// 32 random bytes in base64url without padding.
    pub key: String,
    /// [`Invited`].
    pub sealed: Sealed,
    /// SHA-256 of the token's secret, in base64url without padding.
    pub hash: String,
    /// The role at the vendor; it means nothing in an invitation of the marketplace's.
    pub role: Role,
    /// The role at the marketplace, in invitations that it makes for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_role: Option<OperatorRole>,
    /// Who has made it: an owner, or the operator.
    pub by: UserId,
    /// Whether the operator has made it, who needs no membership for it.
    #[serde(default)]
    pub by_operator: bool,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    /// Whether it was mailed.
    #[serde(default)]
    pub sent: bool,
    /// Incremented by each write, which is conditional on it.
    #[serde(skip)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl Invitation {
    /// Whether it can still be accepted.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }

    /// Whether a token with this hash opens it. Hashes of random secrets are compared, so that timing discloses
    /// nothing.
    pub fn opens_with(&self, hash: &str, now: Timestamp) -> bool {
        self.is_open(now) && self.hash == hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{NOW, after};

    fn invitation() -> Invitation {
        Invitation {
            vendor: VendorId::from_bits(1),
            contact: LookUp::from_bytes([7; 16]),
            key: "k".to_owned(),
            sealed: Sealed { master: "m".to_owned(), key: "k".to_owned(), text: "c".to_owned() },
            hash: "right".to_owned(),
            role: Role::Manager,
            operator_role: None,
            by: "00000000-0000-4000-8000-000000000004".parse().unwrap(),
            by_operator: false,
            at: NOW,
            expires_at: NOW + INVITATION_LIFETIME,
            sent: false,
            version: 1,
            kept: Kept::default(),
        }
    }

    #[test]
    fn an_invitation_opens_with_its_own_token_for_seven_days() {
        let open = invitation();
        assert!(open.opens_with("right", NOW) && open.opens_with("right", after(7 * 86_400 - 1)));
        assert!(!open.opens_with("wrong", NOW) && !open.opens_with("", NOW));
        assert!(!open.opens_with("right", after(7 * 86_400)));
    }

    #[test]
    fn who_is_invited_is_not_printed() {
        let invited = Invited::new(&ContactPoint::parse("aziza@people.test").unwrap());
        assert_eq!(format!("{invited:?}"), "Invited(…)");
        assert!(!format!("{:?}", invitation()).contains('@'));
    }
}
