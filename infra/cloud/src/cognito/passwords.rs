//! The password policy, and the hashing of passwords.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use super::invalid_parameter;
use crate::sqs::wire::{Refusal, random_bytes};

/// The longest password that Cognito accepts, in characters.
const MAX_LENGTH: usize = 256;

/// The characters that count as symbols
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html>).
const SYMBOLS: &str = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= ";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// In characters.
    pub minimum_length: usize,
    /// Whether a character from `a` to `z` is required.
    pub lowercase: bool,
    /// Whether a character from `A` to `Z` is required.
    pub uppercase: bool,
    /// Whether a digit is required.
    pub numbers: bool,
    /// Whether one of Cognito's symbol characters is required.
    pub symbols: bool,
    /// How long a password that `AdminCreateUser` or `AdminSetUserPassword` made temporary can be used.
    pub temporary_validity: Duration,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            minimum_length: 8,
            lowercase: true,
            uppercase: true,
            numbers: true,
            symbols: true,
            temporary_validity: Duration::from_hours(7 * 24),
        }
    }
}

impl PasswordPolicy {
    /// Rejects a password that breaks the policy, and names the first rule it breaks.
    pub(super) fn check(&self, password: &str) -> Result<(), Refusal> {
        let count = password.chars().count();
        let ends_blank = password.starts_with(char::is_whitespace) || password.ends_with(char::is_whitespace);
        if count == 0 || count > MAX_LENGTH || ends_blank {
            return Err(invalid_parameter(
                "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy \
                 regular expression pattern: ^[\\S]+.*[\\S]+$",
            ));
        }
        let has = |kind: fn(&char) -> bool| password.chars().any(|character| kind(&character));
        let reason = if count < self.minimum_length {
            "Password not long enough"
        } else if self.lowercase && !has(char::is_ascii_lowercase) {
            "Password must have lowercase characters"
        } else if self.uppercase && !has(char::is_ascii_uppercase) {
            "Password must have uppercase characters"
        } else if self.numbers && !has(char::is_ascii_digit) {
            "Password must have numeric characters"
        } else if self.symbols && !has(|character| SYMBOLS.contains(*character)) {
            "Password must have symbol characters"
        } else {
            return Ok(());
        };
        Err(Refusal::new("InvalidPasswordException", format!("Password did not conform with policy: {reason}")))
    }

    /// A random password that follows the policy.
    pub(super) fn generate(&self) -> String {
        const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let random = random_bytes::<MAX_LENGTH>();
        let length = self.minimum_length.clamp(12, MAX_LENGTH);
        // Four characters that satisfy every rule, then random ones.
        let mut password = String::from("aA1!");
        password.extend(
            random
                .iter()
                .take(length)
                .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()).copied().map(char::from)),
        );
        password.chars().take(MAX_LENGTH).collect()
    }
}

/// Password hashing with argon2id.
#[derive(Clone)]
pub struct Hashing {
    argon2: Argon2<'static>,
}

impl Hashing {
    /// The parameters that OWASP recommends: 19 MiB, two passes.
    pub fn strong() -> Self {
        Self { argon2: Argon2::default() }
    }

    /// The lowest parameters that argon2 permits, so that tests with many sign-ins stay fast.
    pub fn cheap() -> Self {
        let least = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None).unwrap_or_default();
        Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, least) }
    }

    /// Hashes on a blocking thread: hashing is slow on purpose and would hold up the async runtime.
    pub(super) async fn hash(&self, password: &str) -> Result<String, Refusal> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        let hashed =
            tokio::task::spawn_blocking(move || argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string()));
        match hashed.await {
            Ok(Ok(hash)) => Ok(hash),
            Ok(Err(cause)) => Err(Refusal::internal(&cause)),
            Err(cause) => Err(Refusal::internal(&cause)),
        }
    }

    /// Whether the password matches the hash; false without a hash.
    pub(super) async fn matches(&self, password: &str, hash: Option<&str>) -> Result<bool, Refusal> {
        let Some(hash) = hash else { return Ok(false) };
        let (argon2, password, hash) = (self.argon2.clone(), password.to_owned(), hash.to_owned());
        let verified =
            tokio::task::spawn_blocking(move || argon2.verify_password(password.as_bytes(), hash.as_str()).is_ok());
        verified.await.map_err(|cause| Refusal::internal(&cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_of_the_policy_is_named_when_it_is_broken() {
        let policy = PasswordPolicy::default();
        let outcome = |password: &str| policy.check(password).map_err(|refusal| (refusal.code, refusal.message));
        for (password, reason) in [
            ("aA1!", "Password not long enough"),
            ("AAAAAA1!", "Password must have lowercase characters"),
            ("aaaaaa1!", "Password must have uppercase characters"),
            ("aaaaaaA!", "Password must have numeric characters"),
            ("aaaaaaA1", "Password must have symbol characters"),
        ] {
            let message = format!("Password did not conform with policy: {reason}");
            assert_eq!(outcome(password), Err(("InvalidPasswordException", message)));
        }
        assert_eq!(outcome("aaaaaA1!"), Ok(()));
        for password in ["", " aaaaaA1!", &"aA1!".repeat(65)] {
            assert_eq!(outcome(password).unwrap_err().0, "InvalidParameterException");
        }
        for minimum_length in [6, 30, 99] {
            let policy = PasswordPolicy { minimum_length, ..PasswordPolicy::default() };
            assert_eq!(policy.check(&policy.generate()), Ok(()));
        }
    }

    #[tokio::test]
    async fn a_hash_matches_its_password_only_and_is_argon2id() {
        let hashing = Hashing::cheap();
        let hash = hashing.hash("secret").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(hashing.matches("secret", Some(&hash)).await.unwrap());
        assert!(!hashing.matches("Secret", Some(&hash)).await.unwrap());
        assert!(!hashing.matches("secret", None).await.unwrap());
        assert!(Hashing::strong().matches("secret", Some(&hash)).await.unwrap());
    }
}
