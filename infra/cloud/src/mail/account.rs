//! The state of the SES account: which identities are verified, whether it may send, and how much.

use serde::{Deserialize, Serialize};

use super::address::Mailbox;

/// The account, which a test or `PUT /_local/ses` changes. In the beginning it is out of the sandbox and has no limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// Addresses and domains. A domain covers its subdomains and all their addresses.
    pub identities: Vec<Identity>,
    /// Whether mail goes to verified identities only.
    pub sandbox: bool,
    pub sending: Sending,
    pub configuration_sets: Vec<String>,
    /// Addresses that nobody has, in lower case: mail to them bounces.
    pub unknown_mailboxes: Vec<String>,
    /// The account's suppression list: addresses in lower case.
    pub suppressed: Vec<String>,
    /// Recipients a second; `None` is no limit.
    pub send_rate: Option<u32>,
    /// Recipients in 24 hours; `None` is no limit.
    pub daily_quota: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// An address or a domain in lower case.
    pub name: String,
    pub verified: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sending {
    #[default]
    Enabled,
    /// By AWS or the owner, until somebody allows it again.
    Paused,
    /// By AWS, for good.
    Suspended,
}

impl Account {
    /// An account with these verified identities.
    pub fn with_identities(names: impl IntoIterator<Item = String>) -> Self {
        let identities = names.into_iter().map(|name| Identity { name: name.to_lowercase(), verified: true });
        Self { identities: identities.collect(), ..Self::default() }
    }

    /// Verifies an identity, or takes its verification away.
    pub fn set_verified(&mut self, name: &str, verified: bool) {
        let name = name.to_lowercase();
        match self.identities.iter_mut().find(|identity| identity.name == name) {
            Some(identity) => identity.verified = verified,
            None => self.identities.push(Identity { name, verified }),
        }
    }

    /// The most specific identity of a mailbox: its address, its domain, or a domain above that.
    pub(super) fn identity_of(&self, mailbox: &Mailbox) -> Option<&Identity> {
        let address = mailbox.address.to_lowercase();
        let domain = mailbox.domain();
        let named = |name: &str| self.identities.iter().find(|identity| identity.name == name);
        let above = domain.match_indices('.').filter_map(|(at, _)| domain.get(at + 1..));
        named(&address).or_else(|| std::iter::once(domain.as_str()).chain(above).find_map(named))
    }

    /// The mailboxes without a verified identity, of the sender and, in the sandbox, of the recipients.
    pub(super) fn unverified<'a>(&self, sender: &'a Mailbox, recipients: &'a [Mailbox]) -> Vec<&'a str> {
        let checked = if self.sandbox { recipients } else { &[] };
        std::iter::once(sender)
            .chain(checked.iter().filter(|mailbox| !mailbox.is_simulated()))
            .filter(|mailbox| !self.identity_of(mailbox).is_some_and(|identity| identity.verified))
            .map(|mailbox| mailbox.address.as_str())
            .collect()
    }
}
