//! Papers that expire: the last one of each kind is followed, and a newer one takes its place.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Document, DocumentKind};
use crate::stored::Kept;
use crate::{Timestamp, VendorId};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How long before it expires the vendor is told, first and last.
const AHEAD: [Duration; 2] = [Duration::from_secs(30 * 24 * 3_600), Duration::from_secs(7 * 24 * 3_600)];
/// When all is told.
const ALL_TOLD: u8 = 3;

/// The last paper of its kind of a vendor, if it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    pub vendor: VendorId,
    pub kind: DocumentKind,
    pub expires_at: Timestamp,
    /// What was told: that it expires in thirty days, in seven, and that it has.
    #[serde(default)]
    pub told: u8,
    /// Incremented by each write, which is conditional on it. It begins with the time of the upload, so that what was
    /// read of an earlier paper does not overwrite a later one.
    #[serde(skip)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl DocumentKind {
    /// Whether every paper of this kind expires.
    pub const fn must_expire(self) -> bool {
        matches!(self, Self::Licence)
    }
}

impl Paper {
    /// The paper of a document, if it expires.
    pub fn of(vendor: VendorId, document: &Document) -> Option<Self> {
        let version = u64::try_from(document.at.millis()).unwrap_or(1);
        let expires_at = document.expires_at?;
        Some(Self { vendor, kind: document.kind, expires_at, told: 0, version, kept: Kept::default() })
    }

    /// When something is to be told of it next; nothing once it is known to have expired.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.told {
            0 => Some(self.expires_at - AHEAD[0]),
            1 => Some(self.expires_at - AHEAD[1]),
            2 => Some(self.expires_at),
            _ => None,
        }
    }

    /// What is to be told by now: the last of it, since of a paper that was uploaded late the rest is past.
    pub fn step(&self, now: Timestamp) -> u8 {
        let passed = [self.expires_at - AHEAD[0], self.expires_at - AHEAD[1], self.expires_at];
        u8::try_from(passed.iter().filter(|at| **at <= now).count()).unwrap_or(ALL_TOLD)
    }

    /// Whether it has expired for as many days as it may.
    pub fn is_over(&self, grace_days: u16, now: Timestamp) -> bool {
        self.expires_at + DAY * u32::from(grace_days) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{NOW, after};

    #[test]
    fn a_paper_is_told_of_thirty_and_seven_days_before_and_when_it_has_expired() {
        let days = |days: u64| after(days * 86_400);
        let mut paper = Paper {
            vendor: VendorId::from_bits(1),
            kind: DocumentKind::Licence,
            expires_at: days(40),
            told: 0,
            version: 1,
            kept: Kept::default(),
        };
        assert_eq!(paper.due_at(), Some(days(10)));
        assert_eq!([9, 10, 32, 33, 39, 40].map(|at| paper.step(days(at))), [0, 1, 1, 2, 2, 3]);
        for (told, due) in [(1, Some(days(33))), (2, Some(days(40))), (3, None)] {
            paper.told = told;
            assert_eq!(paper.due_at(), due);
        }
        assert!(!paper.is_over(14, days(53)) && paper.is_over(14, days(54)));
        assert_eq!(paper.step(NOW), 0);
    }
}
