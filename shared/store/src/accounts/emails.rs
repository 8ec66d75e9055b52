//! Who signs in with an e-mail address or a telephone number.

use std::fmt;

use domain::Timestamp;
use domain::contact::ContactPoint;
use serde::{Deserialize, Serialize};

use super::{Accounts, Entry};
use crate::Error;
use crate::error::Failure;
use crate::item::{Condition, body, item};
use crate::retry::{delete_one, get, put_one};

const EMAIL: &str = "email";
const PHONE: &str = "phone";

/// A person's name in the user pool: random, because the pool cannot change one later, and an address can change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// A new name of these random bits.
    pub fn new(bits: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bits)))
    }

    /// A name that the user pool has already.
    pub fn known(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The body of an `EMAIL#` or `PHONE#` item. It does not say that the person exists: a sign-up that breaks off behind
/// it leaves a reserved name, which the next one takes up.
#[derive(Serialize, Deserialize)]
struct Owner {
    username: Username,
    since: Timestamp,
}

const fn entry_of(contact: &ContactPoint) -> (Entry<'_>, &'static str) {
    match contact {
        ContactPoint::Email(email) => (Entry::Email(email), EMAIL),
        ContactPoint::Phone(number) => (Entry::Phone(number), PHONE),
    }
}

impl Accounts {
    /// The name of whoever signs in with the contact, read consistently.
    pub async fn username_of(&self, contact: &ContactPoint) -> Result<Option<Username>, Error> {
        let (entry, kind) = entry_of(contact);
        let found = get(&self.client, &self.table, entry.key(), true).await?;
        let owner: Option<Owner> = found.map(|found| body(&found, kind)).transpose()?;
        Ok(owner.map(|owner| owner.username))
    }

    /// Gives the contact to this name unless it belongs to another, and returns the name that it belongs to.
    pub async fn claim_contact(
        &self,
        contact: &ContactPoint,
        username: Username,
        now: Timestamp,
    ) -> Result<Username, Error> {
        let owner = Owner { username, since: now };
        let (entry, kind) = entry_of(contact);
        let claimed = item(entry.key(), kind, 1, &owner)?;
        match put_one(&self.client, &self.table, claimed, &Condition::absent()).await {
            Ok(()) => Ok(owner.username),
            Err(Failure::ConditionFailed) => self.username_of(contact).await?.ok_or(Error::Conflict),
            Err(other) => Err(other.into()),
        }
    }

    /// Takes the contact from this name. One that belongs to nobody, or to another by now, stays as it is.
    pub async fn release_contact(&self, contact: &ContactPoint, username: &Username) -> Result<(), Error> {
        let (entry, kind) = entry_of(contact);
        let Some(found) = get(&self.client, &self.table, entry.key(), true).await? else { return Ok(()) };
        let owner: Owner = body(&found, kind)?;
        let Some(data) = found.get("data").filter(|_| owner.username == *username) else { return Ok(()) };
        // By what it says: once it is gone, somebody else may have claimed the contact.
        let as_read = Condition::of("#data = :read").name("#data", "data").value(":read", data.clone());
        match delete_one(&self.client, &self.table, entry.key(), &as_read).await {
            Ok(()) | Err(Failure::ConditionFailed) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}
