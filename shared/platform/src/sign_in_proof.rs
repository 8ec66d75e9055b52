//! The proof with which the account function signs somebody in whose code it has checked: an HMAC of whose it is and
//! when it was made, which counts for a minute.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use ring::hmac;

use crate::Rotating;

/// How long a proof counts, in seconds. It goes from one function through Cognito to another one.
const LIFETIME_S: i64 = 60;
/// By how many seconds the clock of the function that makes a proof may be ahead.
const SKEW_S: i64 = 5;

impl Rotating {
    /// A proof that this person (a `sub`) has just shown who they are: seconds since the epoch, a dot, and an HMAC in
    /// base64url.
    pub fn sign_in_proof(&self, sub: &str, now: Timestamp) -> String {
        let made = now.seconds();
        let tag = hmac::sign(&key(&self.current), message(sub, made).as_bytes());
        format!("{made}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Whether it is a proof of this person that counts now, under the previous secret too. Compared in constant time.
    pub fn is_sign_in_proof(&self, shown: &str, sub: &str, now: Timestamp) -> bool {
        let Some((made, tag)) = shown.split_once('.') else { return false };
        let (Ok(seconds), Ok(tag)) = (made.parse::<i64>(), URL_SAFE_NO_PAD.decode(tag)) else { return false };
        let age = now.seconds().saturating_sub(seconds);
        let message = message(sub, seconds);
        let mut accepted = std::iter::once(&self.current).chain(&self.previous);
        (-SKEW_S..LIFETIME_S).contains(&age)
            && accepted.any(|secret| hmac::verify(&key(secret), message.as_bytes(), &tag).is_ok())
    }
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

fn message(sub: &str, made: i64) -> String {
    format!("sign-in:{sub}:{made}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUB: &str = "0198f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1_000)
    }

    fn secret(current: &str, previous: Option<&str>) -> Rotating {
        Rotating { current: current.to_owned(), previous: previous.map(str::to_owned) }
    }

    #[test]
    fn a_proof_counts_for_its_person_and_for_a_minute() {
        let ours = secret("one", None);
        let proof = ours.sign_in_proof(SUB, at(0));
        for seconds in [-5, 0, 59] {
            assert!(ours.is_sign_in_proof(&proof, SUB, at(seconds)), "{seconds}");
        }
        for seconds in [-6, 60, 3_600] {
            assert!(!ours.is_sign_in_proof(&proof, SUB, at(seconds)), "{seconds}");
        }
        let other = "0198f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8e";
        assert!(!ours.is_sign_in_proof(&proof, other, at(0)));
        assert!(!ours.is_sign_in_proof(&proof, "", at(0)));
    }

    #[test]
    fn a_proof_with_another_time_or_tag_is_none() {
        let ours = secret("one", None);
        let proof = ours.sign_in_proof(SUB, at(0));
        let (made, tag) = proof.split_once('.').unwrap();
        let later = format!("{}.{tag}", made.parse::<i64>().unwrap() + 30);
        let short = format!("{made}.{}", &tag[..tag.len() - 2]);
        let strange = [later, short, format!("{made}."), format!("{made}{tag}"), format!(".{tag}"), String::new()];
        for shown in strange {
            assert!(!ours.is_sign_in_proof(&shown, SUB, at(30)), "{shown}");
        }
        assert!(!ours.is_sign_in_proof(&secret("two", None).sign_in_proof(SUB, at(0)), SUB, at(0)));
    }

    #[test]
    fn a_proof_under_the_previous_secret_counts_while_there_is_one() {
        let proof = secret("one", None).sign_in_proof(SUB, at(0));
        assert!(secret("two", Some("one")).is_sign_in_proof(&proof, SUB, at(1)));
        assert!(!secret("two", None).is_sign_in_proof(&proof, SUB, at(1)));
    }
}
