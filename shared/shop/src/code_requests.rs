//! Requests for codes: how many there may be, and their tokens, without which a code opens nothing.
//!
//! A code is short, so what keeps it from being guessed is how often it may be tried. Counted for the contact,
//! strangers would hold up its owner; counted for the client, many clients would have many guesses. So each request has
//! its own guesses, and the number of requests for a contact is bounded.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::proof::{CodePurpose, CodeRequest};
use domain::{Identifier, LookUp, Timestamp};
use platform::PersonsSecret;
use ring::digest;
use store::rate_limits::Target;

use crate::credentials::RequestToken;
use crate::people::Limited;
use crate::{Error, People};

/// A request that is within its limits.
pub(crate) struct Counted {
    pub(crate) contact: LookUp,
    pub(crate) persons: Arc<PersonsSecret>,
    /// Whether a code that was sent already may be sent again. The first message of a code is always sent: otherwise
    /// whoever uses up the messages of a contact takes its owner's code away.
    pub(crate) may_send_again: bool,
}

/// What a code was asked for with: 32 random bytes in base64url without padding.
pub(crate) fn new_token() -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(PersonsSecret::new_key()?.bytes()))
}

/// SHA-256 of a token in base64url.
fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()))
}

impl People {
    /// Counts a request for a code: for the pair of client and contact first, so that one client uses up nothing of
    /// what others have; then for the client and for the contact.
    ///
    /// Where many have used up the requests of a contact, a client goes on that was right about it before.
    pub(crate) async fn count_request(&self, by: Limited<'_>) -> Result<Counted, Error> {
        let (settings, persons) = tokio::join!(self.settings.current(), self.persons.value());
        let (settings, persons) = (settings?, persons?);
        // Of a prefix to which nothing is sent at all, which says nothing about whose number it is.
        settings.phone_messages.check_reaches(by.contact, "/contact")?;
        let (limits, to_numbers) = (settings.limits, settings.phone_messages.per_client);
        let pair = (persons.look_up(Identifier::Client(by.client)), persons.look_up(by.contact));
        let (client, contact) = (Target::Client(pair.0), Target::Contact(pair.1));
        let of_pair = Target::Pair(pair.0, pair.1);
        self.rate_limits.count_one("code-request", of_pair, limits.code_request.per_client, by.now).await?;
        // What one client has sent to numbers costs money, whosever they are.
        let by_number = async {
            match by.contact.phone() {
                Some(_) => self.rate_limits.count_one("code-to-number", client, to_numbers, by.now).await,
                None => Ok(()),
            }
        };
        let (by_client, by_number, mails, requests) = tokio::join!(
            self.rate_limits.count_one("mail", client, limits.mail.per_client, by.now),
            by_number,
            self.rate_limits.count_one("mail", contact, limits.mail.per_target, by.now),
            self.rate_limits.count_one("code-request", contact, limits.code_request.per_target, by.now)
        );
        by_client?;
        by_number?;
        if let Err(refused) = requests {
            let is_full = matches!(refused, store::Error::TooMany { .. });
            if !is_full || !self.rate_limits.is_remembered(pair, by.now).await? {
                return Err(refused.into());
            }
        }
        let may_send_again = match mails {
            Ok(()) => true,
            Err(store::Error::TooMany { .. }) => false,
            Err(failed) => return Err(failed.into()),
        };
        Ok(Counted { contact: pair.1, persons, may_send_again })
    }

    /// Stores a request for a code, and answers with its token.
    pub(crate) async fn put_request(
        &self,
        purpose: CodePurpose,
        contact: LookUp,
        request: CodeRequest,
    ) -> Result<String, Error> {
        let token = new_token()?;
        self.sessions.put_request((purpose, contact), &hash(&token), request).await?;
        Ok(token)
    }

    /// The request of a contact that has this token, with one try less; nothing when there is none, or its guesses are
    /// used up. Nothing is counted for a contact whose request it is not.
    pub(crate) async fn try_request(
        &self,
        purpose: CodePurpose,
        contact: LookUp,
        token: &RequestToken,
        now: Timestamp,
    ) -> Result<Option<CodeRequest>, Error> {
        Ok(self.sessions.try_request((purpose, contact), &hash(token.as_str()), now).await?)
    }

    /// Counts a code that is entered for its client: how often it may be tried is counted by its request.
    pub(crate) async fn count_entry(&self, call: &str, by: Limited<'_>) -> Result<(LookUp, Arc<PersonsSecret>), Error> {
        let (settings, persons) = tokio::join!(self.settings.current(), self.persons.value());
        let (limit, persons) = (settings?.limits.sign_in.per_client, persons?);
        let client = Target::Client(persons.look_up(Identifier::Client(by.client)));
        self.rate_limits.count_one(call, client, limit, by.now).await?;
        Ok((persons.look_up(by.contact), persons))
    }

    /// Forgets a client's requests for codes of a contact after a right one, and remembers that it was right: who signs
    /// in often is not who guesses.
    pub(crate) async fn entered_right(&self, contact: LookUp, persons: &PersonsSecret, by: Limited<'_>) {
        let pair = (persons.look_up(Identifier::Client(by.client)), contact);
        // Read a moment ago, so it is there.
        let Ok(settings) = self.settings.current().await else { return };
        let limit = settings.limits.code_request.per_client;
        tokio::join!(
            self.rate_limits.forget_one("code-request", Target::Pair(pair.0, pair.1), limit, by.now),
            self.rate_limits.remember(pair, by.now)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_are_alike_and_a_hash_says_nothing_of_its_token() {
        let (one, other) = (new_token().unwrap(), new_token().unwrap());
        assert_eq!((one.len(), other.len()), (43, 43));
        assert_ne!(one, other);
        assert!(hash(&one).len() == 43 && hash(&one) != one && hash(&one) != hash(&other));
    }
}
