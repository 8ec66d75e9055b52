//! Who signs in with an e-mail address.

use std::fmt;

use domain::Timestamp;
use domain::text::Email;
use serde::{Deserialize, Serialize};

use super::{Accounts, Entry};
use crate::Error;
use crate::error::Failure;
use crate::item::{Condition, body, item};
use crate::retry::{get, put_one};

const EMAIL: &str = "email";

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

/// The body of an `EMAIL#` item. It does not say that the person exists: a sign-up that breaks off behind it leaves a
/// reserved name, which the next one takes up.
#[derive(Serialize, Deserialize)]
struct Owner {
    username: Username,
    since: Timestamp,
}

impl Accounts {
    /// The name of whoever signs in with the address, read consistently.
    pub async fn username_of(&self, email: &Email) -> Result<Option<Username>, Error> {
        let found = get(&self.client, &self.table, Entry::Email(email).key(), true).await?;
        let owner: Option<Owner> = found.map(|found| body(&found, EMAIL)).transpose()?;
        Ok(owner.map(|owner| owner.username))
    }

    /// Gives the address to this name unless it belongs to another, and returns the name that it belongs to.
    pub async fn claim_email(&self, email: &Email, username: Username, now: Timestamp) -> Result<Username, Error> {
        let owner = Owner { username, since: now };
        let claimed = item(Entry::Email(email).key(), EMAIL, 1, &owner)?;
        match put_one(&self.client, &self.table, claimed, &Condition::absent()).await {
            Ok(()) => Ok(owner.username),
            Err(Failure::ConditionFailed) => self.username_of(email).await?.ok_or(Error::Conflict),
            Err(other) => Err(other.into()),
        }
    }
}
