//! The account's suppression list, and what becomes of a mail.

use http::StatusCode;
use http::request::Parts;

use super::address::Mailbox;
use super::feedback::{ConfigurationSet, Sent};
use super::{Fate, Inner, Mail, Message};
use crate::gateway::decoded;
use crate::sqs::wire::{Refusal, access_key};

/// The path of an entry of the list; the address follows.
pub(super) const PATH: &str = "/v2/email/suppression/addresses/";

const DELETE: &str = "ses:DeleteSuppressedDestination";

impl Mail {
    /// The call `DeleteSuppressedDestination`. It has no resource, so only a statement for all of them allows it
    /// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html>).
    pub(super) fn delete_suppressed_destination(&self, parts: &Parts) -> Result<(), Refusal> {
        let key = access_key(parts);
        if !(self.inner.permit)(key, DELETE, "*") {
            return Err(Refusal { status: StatusCode::FORBIDDEN, ..Refusal::denied(key, DELETE, "*") });
        }
        let written = parts.uri.path().strip_prefix(PATH).unwrap_or_default();
        let address = decoded(written).to_lowercase();
        let mut account = self.account();
        let before = account.suppressed.len();
        account.suppressed.retain(|suppressed| *suppressed != address);
        if account.suppressed.len() == before {
            // SES's words for this are not known.
            let message = format!("Email address {address} does not exist on your suppression list.");
            return Err(Refusal { status: StatusCode::NOT_FOUND, ..Refusal::new("NotFoundException", message) });
        }
        self.set_account(account);
        Ok(())
    }
}

impl Inner {
    /// Sends one mail to each of these recipients, and publishes what comes back. Returns its id.
    pub(super) fn post(&self, mails: Vec<(Mailbox, Message)>, set: Option<&str>) -> rusqlite::Result<String> {
        let feedback = self.feedback.get();
        let set = feedback.and_then(|feedback| feedback.set(set?));
        let account = self.account();
        let mails: Vec<(Fate, Mailbox, Message)> =
            mails.into_iter().map(|(to, message)| (Fate::of(&to, set, &account), to, message)).collect();
        let tried = mails.iter().filter(|(fate, ..)| fate.is_tried());
        let message_id = self.store(&tried.map(|(.., message)| message.clone()).collect::<Vec<_>>())?;
        let (Some(set), Some(feedback)) = (set, feedback) else { return Ok(message_id) };
        for (fate, to, message) in &mails {
            self.suppress(*fate, to, set);
            let sent = Sent { message_id: &message_id, message, address: &to.address, at: self.clock.now() };
            feedback.publish(set, *fate, &sent);
        }
        Ok(message_id)
    }

    /// Puts an address on the account's list, as the configuration set says.
    fn suppress(&self, fate: Fate, to: &Mailbox, set: &ConfigurationSet) {
        let listed = fate.suppresses_as().is_some_and(|reason| set.suppressed_reasons.iter().any(|own| own == reason));
        if listed && !to.is_simulated() {
            self.account_mut().suppressed.push(to.address.to_lowercase());
        }
    }
}
