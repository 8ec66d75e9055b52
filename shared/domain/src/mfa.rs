//! The second factor of a person: the codes of an authenticator app
//! ([RFC 6238](https://www.rfc-editor.org/rfc/rfc6238)), and codes on paper for the day on which the app is lost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::code::{Code, Refusal};
use crate::sealed::Sealed;
use crate::stored::Kept;
use crate::{Timestamp, UserId};

/// How long an app shows one code, in seconds.
pub const STEP_S: i64 = 30;
/// How many codes on paper a person gets.
pub const RECOVERY_CODES: usize = 10;
/// How long a second factor is young.
pub const YOUNG: Duration = Duration::from_secs(72 * 3_600);
/// How long a sign-in counts as fresh enough for what a stolen token must not do.
pub const FRESH: Duration = Duration::from_secs(10 * 60);

/// A person's second factor as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mfa {
    pub user: UserId,
    /// 32 random bytes in base64url without padding, with which `secret` is sealed.
    pub key: String,
    /// What the app computes its codes from.
    pub secret: Sealed,
    /// When it was begun to be set up.
    pub begun_at: Timestamp,
    /// Since when it is needed to sign in; nothing while no code of the app was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The step of the last code that was taken: each works once.
    #[serde(default)]
    pub last_step: u64,
    /// Hashes of the codes on paper that are left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery: Vec<String>,
    /// Incremented by each write, which is conditional on it.
    #[serde(skip)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// The step in which an app shows a code at this time.
pub fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.seconds().div_euclid(STEP_S)).unwrap_or(0)
}

impl Mfa {
    /// Whether it is being set up: for a moment only, so that nobody finishes what somebody else has begun.
    pub fn is_begun(&self, now: Timestamp) -> bool {
        self.since.is_none() && now.since(self.begun_at) <= FRESH
    }

    /// Whether it was set up a short time ago: whoever chooses another password with a mailed code takes it away with
    /// that, since they prove more than whoever knew the password before.
    pub fn is_young(&self, now: Timestamp) -> bool {
        self.since.is_none_or(|since| now.since(since) <= YOUNG)
    }

    /// The steps whose codes are taken now: this one, and one to each side for a clock that is wrong by half a minute,
    /// but none up to the last that was used.
    pub fn steps(&self, now: Timestamp) -> impl Iterator<Item = u64> + use<> {
        let (current, last) = (step_at(now), self.last_step);
        (current.saturating_sub(1)..=current + 1).filter(move |step| *step > last)
    }

    /// Uses up a code on paper. False when it is none of those that are left.
    pub fn uses_recovery(&mut self, hashes: &[String]) -> bool {
        let before = self.recovery.len();
        self.recovery.retain(|known| !hashes.contains(known));
        self.recovery.len() < before
    }
}

/// How somebody came in who wants to do more than anybody: when they signed in, and since when their second factor is
/// needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The `auth_time` of the token.
    pub signed_in_at: Timestamp,
    /// When they want to do it.
    pub now: Timestamp,
    pub mfa_since: Option<Timestamp>,
    /// Whether nobody may do this without a second factor.
    pub is_required: bool,
}

impl Proof {
    /// How nobody came in: whoever has not been looked at may do nothing.
    pub const NONE: Self = Self {
        signed_in_at: Timestamp::from_millis(0),
        now: Timestamp::from_millis(0),
        mfa_since: None,
        is_required: true,
    };

    /// Fails with `mfa_required` when a second factor is needed and was not shown: nobody signs in without it once it
    /// is set up, so only a token from before, or a person without one, has not shown it.
    pub fn check(&self) -> Result<(), Refusal> {
        let detail = match self.mfa_since {
            // Tokens count in seconds.
            Some(since) if self.signed_in_at.seconds() > since.seconds() => return Ok(()),
            None if !self.is_required => return Ok(()),
            Some(_) => "sign in again, with the code of your authenticator app",
            None => "set up an authenticator app first: POST /v1/me/mfa",
        };
        Err(Refusal::because(Code::MfaRequired, detail))
    }

    /// Fails with `step_up_needed` when the sign-in is too long ago for what must not be done with a token that was
    /// stolen. Whoever has no second factor is not asked, since signing in again proves nothing more.
    pub fn check_fresh(&self) -> Result<(), Refusal> {
        if self.mfa_since.is_none() || self.now.since(self.signed_in_at) <= FRESH {
            return Ok(());
        }
        Err(Refusal::of(Code::StepUpNeeded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Coded;
    use crate::examples::{NOW, after};

    fn mfa() -> Mfa {
        Mfa {
            user: "00000000-0000-4000-8000-000000000004".parse().unwrap(),
            key: "key".to_owned(),
            secret: Sealed { master: "m".to_owned(), key: "k".to_owned(), text: "c".to_owned() },
            begun_at: NOW,
            since: Some(NOW),
            last_step: 0,
            recovery: vec!["one".to_owned(), "two".to_owned()],
            version: 1,
            kept: Kept::default(),
        }
    }

    #[test]
    fn a_code_is_taken_one_step_early_or_late_and_once() {
        let now = step_at(NOW);
        assert_eq!(mfa().steps(NOW).collect::<Vec<_>>(), [now - 1, now, now + 1]);
        let used = Mfa { last_step: now, ..mfa() };
        assert_eq!(used.steps(NOW).collect::<Vec<_>>(), [now + 1]);
        assert_eq!(Mfa { last_step: now + 1, ..mfa() }.steps(NOW).count(), 0);
    }

    #[test]
    fn what_is_begun_ends_after_ten_minutes_and_what_is_set_up_is_young_for_three_days() {
        let begun = Mfa { since: None, ..mfa() };
        assert!(begun.is_begun(after(600)) && !begun.is_begun(after(601)) && !mfa().is_begun(NOW));
        assert!(
            begun.is_young(after(1)) && mfa().is_young(after(72 * 3_600)) && !mfa().is_young(after(72 * 3_600 + 1))
        );
    }

    #[test]
    fn a_code_on_paper_works_once() {
        let mut known = mfa();
        assert!(!known.uses_recovery(&["three".to_owned()]));
        assert!(known.uses_recovery(&["three".to_owned(), "one".to_owned()]));
        assert_eq!(known.recovery, ["two"]);
        assert!(!known.uses_recovery(&["one".to_owned()]));
    }

    #[test]
    fn only_a_sign_in_after_the_second_factor_was_set_up_has_shown_it() {
        let code = |mfa_since, signed_in_at, is_required| {
            let proof = Proof { signed_in_at, now: after(1), mfa_since, is_required };
            proof.check().err().map(|refusal| refusal.code())
        };
        assert_eq!(code(None, NOW, false), None);
        assert_eq!(code(None, NOW, true), Some(Code::MfaRequired));
        assert_eq!(code(Some(after(1)), NOW, false), Some(Code::MfaRequired), "a token from before");
        assert_eq!(code(Some(NOW), NOW, true), Some(Code::MfaRequired));
        assert_eq!(code(Some(NOW), after(1), true), None);
    }

    #[test]
    fn a_sign_in_is_fresh_for_ten_minutes() {
        let code = |mfa_since, seconds| {
            let proof = Proof { signed_in_at: NOW, now: after(seconds), mfa_since, is_required: false };
            proof.check_fresh().err().map(|refusal| refusal.code())
        };
        assert_eq!(code(Some(NOW), 600), None);
        assert_eq!(code(Some(NOW), 601), Some(Code::StepUpNeeded));
        assert_eq!(code(None, 601), None);
        assert!(Proof::NONE.check().is_err());
    }
}
