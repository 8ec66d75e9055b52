//! Texts of the operator, in versions: those that people agree to, which are the public offer to buyers and the
//! agreement with vendors, and those that pages show.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::{Code, FieldError, Refusal};
use crate::stored::Kept;
use crate::text::LongText;
use crate::{Timestamp, UserId};

/// The most characters of a text in one language: its item has at most 400 KB.
pub const MAX_TEXT_LENGTH: usize = 30_000;
/// The most languages of a version.
pub const MAX_LANGUAGES: usize = 8;
/// The longest version in UTF-8, all languages together: an item of DynamoDB holds 400 KB, and a request 256 KB.
const MAX_TEXTS_BYTES: usize = 240_000;
/// The longest time that members may have, in days.
pub const MAX_GRACE_DAYS: u16 = 365;

/// A text, by who agrees to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LegalText {
    /// The public offer: buyers, with each order.
    Offer,
    /// The agreement with vendors: everybody who works for a vendor.
    Agreement,
    /// How parcels come: a page that nobody agrees to.
    Delivery,
    /// How goods are given back: a page that nobody agrees to.
    Returns,
    /// What is kept of people, and why: a page that nobody agrees to.
    Privacy,
}

impl LegalText {
    pub const ALL: [Self; 5] = [Self::Offer, Self::Agreement, Self::Delivery, Self::Returns, Self::Privacy];

    /// Its name on the wire and in keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Agreement => "agreement",
            Self::Delivery => "delivery",
            Self::Returns => "returns",
            Self::Privacy => "privacy",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// A version of a text as it is stored. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalVersion {
    pub number: u32,
    /// By the tag of their language.
    pub texts: BTreeMap<String, LongText>,
    pub published_at: Timestamp,
    pub by: UserId,
    /// Until when members may go on with what they have agreed to before.
    pub grace_until: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(skip)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// Which version is in force; nothing was published before the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    pub number: u32,
    pub published_at: Timestamp,
    pub grace_until: Timestamp,
    /// The last version whose grace was over when this one was published: the grace of this one is not for who has not
    /// accepted that one. 0 when there was none.
    #[serde(default)]
    pub required: u32,
    /// Incremented by each write, which is conditional on it.
    #[serde(skip)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// The versions in force of the texts that people agree to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegalTexts {
    pub offer: Option<InForce>,
    pub agreement: Option<InForce>,
}

fn not_accepted(pointer: &str, number: u32) -> Refusal {
    let detail = format!("version {number} is in force: show it, and send its number");
    Refusal::fields(Code::TermsNotAccepted, vec![FieldError::new(pointer, "not_current", detail)])
}

impl InForce {
    /// The least version that members need at a time; 0 as long as they need none.
    pub fn required_at(&self, at: Timestamp) -> u32 {
        if self.grace_until <= at { self.number } else { self.required }
    }
}

impl LegalTexts {
    pub const fn of(&self, text: LegalText) -> Option<&InForce> {
        match text {
            LegalText::Offer => self.offer.as_ref(),
            LegalText::Agreement => self.agreement.as_ref(),
            LegalText::Delivery | LegalText::Returns | LegalText::Privacy => None,
        }
    }

    /// Refuses whoever has not agreed to the version in force, and returns what is kept: its number.
    ///
    /// # Errors
    /// `terms_not_accepted`.
    pub fn check(&self, text: LegalText, accepted: Option<u32>) -> Result<Option<u32>, Refusal> {
        match self.of(text) {
            None => Ok(None),
            Some(current) if accepted == Some(current.number) => Ok(accepted),
            Some(current) => Err(not_accepted("/accepted_terms", current.number)),
        }
    }

    /// The version that a member has to agree to before they change anything more; nothing while they need not.
    pub fn due(&self, accepted: Option<u32>, now: Timestamp) -> Option<u32> {
        let current = self.agreement.as_ref()?;
        (accepted.unwrap_or(0) < current.required_at(now)).then_some(current.number)
    }
}

/// Refuses a member who has to agree to a version first.
///
/// # Errors
/// `terms_not_accepted`.
pub fn check_due(due: Option<u32>) -> Result<(), Refusal> {
    due.map_or(Ok(()), |number| Err(not_accepted("/version", number)))
}

impl LegalVersion {
    /// The next version of a text.
    ///
    /// # Errors
    /// `invalid` for no text or too many, an empty or too long one, and what is no tag of a language.
    pub fn new(
        last: Option<&InForce>,
        texts: BTreeMap<String, LongText>,
        grace_days: u16,
        (by, at): (UserId, Timestamp),
    ) -> Result<Self, Refusal> {
        let mut wrong = Vec::new();
        if texts.is_empty() || texts.len() > MAX_LANGUAGES {
            wrong.push(FieldError::new("/texts", "wrong_length", format!("1 to {MAX_LANGUAGES} languages")));
        }
        for (language, text) in &texts {
            let is_tag = (2..=16).contains(&language.len())
                && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !is_tag {
                wrong.push(FieldError::new("/texts", "invalid", format!("{language} is no tag of a language")));
            } else if !(1..=MAX_TEXT_LENGTH).contains(&text.as_str().chars().count()) {
                let detail = format!("1 to {MAX_TEXT_LENGTH} characters");
                wrong.push(FieldError::new(format!("/texts/{language}"), "wrong_length", detail));
            }
        }
        if texts.values().map(|text| text.as_str().len()).sum::<usize>() > MAX_TEXTS_BYTES {
            let detail = format!("at most {MAX_TEXTS_BYTES} bytes in all languages together");
            wrong.push(FieldError::new("/texts", "wrong_length", detail));
        }
        if grace_days > MAX_GRACE_DAYS {
            wrong.push(FieldError::new("/grace_days", "out_of_range", format!("at most {MAX_GRACE_DAYS}")));
        }
        if !wrong.is_empty() {
            return Err(Refusal::fields(Code::Invalid, wrong));
        }
        let grace = Duration::from_secs(u64::from(grace_days) * 24 * 3_600);
        Ok(Self {
            number: last.map_or(0, |last| last.number).saturating_add(1),
            texts,
            published_at: at,
            by,
            grace_until: at + grace,
            version: 0,
            kept: Kept::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Coded;
    use crate::examples::{NOW, after};

    fn version(texts: &[(&str, &str)]) -> Result<LegalVersion, Refusal> {
        let texts = texts.iter().map(|(tag, text)| ((*tag).to_owned(), LongText::parse(text).unwrap())).collect();
        let by = "00000000-0000-4000-8000-000000000004".parse().unwrap();
        LegalVersion::new(None, texts, 7, (by, NOW))
    }

    #[test]
    fn a_version_has_a_text_in_each_of_its_languages() {
        assert_eq!(version(&[("en", "The offer."), ("uz-Latn", "Taklif.")]).unwrap().number, 1);
        for bad in [&[][..], &[("e n", "x")], &[("en", "")]] {
            assert_eq!(version(bad).unwrap_err().code(), Code::Invalid, "{bad:?}");
        }
    }

    fn in_force(number: u32, required: u32) -> InForce {
        let kept = Kept::default();
        InForce { number, published_at: NOW, grace_until: after(60), required, version: 1, kept }
    }

    #[test]
    fn members_are_asked_again_after_the_grace_and_buyers_at_once() {
        let in_force = in_force(2, 0);
        let texts = LegalTexts { offer: Some(in_force.clone()), agreement: Some(in_force) };
        assert_eq!(texts.check(LegalText::Offer, Some(1)).unwrap_err().code(), Code::TermsNotAccepted);
        assert_eq!(texts.check(LegalText::Offer, Some(2)), Ok(Some(2)));
        assert_eq!((texts.due(Some(1), after(59)), texts.due(Some(1), after(60))), (None, Some(2)));
        assert_eq!((texts.due(Some(2), after(60)), texts.due(None, after(60))), (None, Some(2)));
        assert_eq!(LegalTexts::default().check(LegalText::Offer, None), Ok(None));
    }

    #[test]
    fn the_grace_of_a_version_is_not_for_who_has_not_accepted_the_one_before() {
        let stored = serde_json::json!({"number": 1, "published_at": NOW, "grace_until": after(60)});
        let first: InForce = serde_json::from_value(stored).unwrap();
        assert_eq!((first.required_at(after(59)), first.required_at(after(60))), (0, 1));
        assert_eq!((in_force(3, 1).required_at(after(59)), in_force(3, 1).required_at(after(60))), (1, 3));
        let due = |accepted: Option<u32>, at: u64| {
            let texts = LegalTexts { offer: None, agreement: Some(in_force(3, 2)) };
            texts.due(accepted, after(at))
        };
        assert_eq!([None, Some(1), Some(2), Some(3)].map(|accepted| due(accepted, 0)), [Some(3), Some(3), None, None]);
        assert_eq!([Some(2), Some(3), Some(4)].map(|accepted| due(accepted, 60)), [Some(3), None, None]);
    }
}
