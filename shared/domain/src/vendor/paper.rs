//! Papers that expire: the last one of each kind is followed, and a newer one takes its place.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Document, DocumentKind, VendorAccount};
use crate::code::{Code, Refusal};
use crate::stored::Kept;
use crate::{Timestamp, VendorId};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How long before it expires the vendor is told, first and last.
const AHEAD: [Duration; 2] = [Duration::from_secs(30 * 24 * 3_600), Duration::from_secs(7 * 24 * 3_600)];
/// When all is told.
const ALL_TOLD: u8 = 3;
/// The most documents of a vendor: they lie in its account.
const MAX_DOCUMENTS: usize = 20;

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

impl Document {
    /// Whether it has expired.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

impl VendorAccount {
    /// Adds a document. When there are as many as there may be, the oldest one that has expired and was renewed since
    /// gives way: whoever renews papers for years can always hand in the next one.
    ///
    /// # Errors
    /// `limit_reached` when all of them still count.
    pub fn add_document(&mut self, document: Document) -> Result<(), Refusal> {
        let now = document.at;
        if self.documents.len() >= MAX_DOCUMENTS {
            let renewed = self.documents.iter().enumerate().position(|(index, known)| {
                let mut later = self.documents.iter().skip(index + 1).chain([&document]);
                known.has_expired(now) && later.any(|later| later.kind == known.kind)
            });
            let detail = format!("at most {MAX_DOCUMENTS} documents");
            self.documents.remove(renewed.ok_or_else(|| Refusal::because(Code::LimitReached, detail))?);
        }
        self.documents.push(document);
        Ok(())
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
    use serde_json::json;

    use super::*;
    use crate::Coded;
    use crate::examples::{NOW, after};
    use crate::settings::{CountryRule, VendorRules};
    use crate::text::Line;

    /// A document that was handed in and expires so many seconds after the start.
    fn document(kind: DocumentKind, at: u64, expires_at: Option<u64>) -> Document {
        let filename = Line::parse("paper.pdf").unwrap();
        Document { kind, key: None, filename, at: after(at), expires_at: expires_at.map(after) }
    }

    fn licence(at: u64, expires_at: u64) -> Document {
        document(DocumentKind::Licence, at, Some(expires_at))
    }

    fn account(documents: Vec<Document>) -> VendorAccount {
        let account: VendorAccount = serde_json::from_value(json!({
            "id": VendorId::from_bits(1), "handle": "chorsu", "name": "Chorsu", "state": "approved", "currency": "USD",
            "email": "chorsu@vendors.test", "created_at": NOW,
        }))
        .unwrap();
        VendorAccount { documents, ..account }
    }

    #[test]
    fn only_the_last_paper_of_a_kind_counts_and_only_until_it_expires() {
        let all = CountryRule { country: None, fields: Vec::new(), papers: vec![DocumentKind::Licence] };
        let rules = VendorRules { countries: vec![all], grace_days: 14 };
        let missing = |documents: &[Document], at: u64| {
            account(documents.to_vec()).missing_papers(&rules, after(at)) == [DocumentKind::Licence]
        };
        assert!(missing(&[], 0) && missing(&[document(DocumentKind::Tax, 0, None)], 0));
        assert!(!missing(&[licence(0, 60)], 59) && missing(&[licence(0, 60)], 60));
        assert!(!missing(&[licence(0, 60), licence(30, 90), document(DocumentKind::Tax, 40, Some(50))], 60));
        assert!(missing(&[licence(0, 90), licence(30, 60)], 60), "the last one takes the place of the others");
        assert!(!missing(&[document(DocumentKind::Licence, 0, None)], 60), "of before licences had to expire");
    }

    #[test]
    fn a_paper_that_was_renewed_makes_room_for_the_next_one_and_no_other_does() {
        let mut renewed = account((0..20).map(|number| licence(number, 60)).collect());
        assert_eq!(renewed.add_document(licence(59, 200)).unwrap_err().code(), Code::LimitReached);
        renewed.add_document(licence(60, 200)).unwrap();
        assert_eq!((renewed.documents.len(), renewed.documents[0].at), (20, after(1)));
        assert_eq!(renewed.documents[19].at, after(60));

        // The last one of its kind stays, although it has expired, until there is another.
        let mut papers: Vec<Document> = (0..19).map(|number| document(DocumentKind::Tax, number, None)).collect();
        papers.insert(5, licence(0, 60));
        let mut last = account(papers);
        let another = document(DocumentKind::Identity, 70, None);
        assert_eq!(last.add_document(another.clone()).unwrap_err().code(), Code::LimitReached);
        last.add_document(licence(70, 200)).unwrap();
        assert_eq!((last.documents.len(), &last.documents[19]), (20, &licence(70, 200)));
        assert_eq!(last.add_document(another).unwrap_err().code(), Code::LimitReached);
    }

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
