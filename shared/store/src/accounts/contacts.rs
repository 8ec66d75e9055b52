//! The contacts that a person has proven to be theirs.

use domain::UserId;
use domain::contact::{ContactPoint, PhoneNumber};
use domain::stored::Kept;
use domain::text::{Email, Phone};
use serde::{Deserialize, Serialize};

use super::{Accounts, Entry};
use crate::error::Failure;
use crate::item::Condition;
use crate::retry::{get, put_one};
use crate::stored::{read, write};
use crate::{Backoff, Error};

/// What a person has proven last: orders that a guest has placed with it are theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenContacts {
    #[serde(default, deserialize_with = "domain::text::kept_optional_email", skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl ProvenContacts {
    pub fn points(&self) -> impl Iterator<Item = ContactPoint> {
        let number = self.phone.as_ref().and_then(PhoneNumber::of);
        self.email.clone().map(ContactPoint::Email).into_iter().chain(number.map(ContactPoint::Phone))
    }

    fn with(&self, contact: &ContactPoint) -> Self {
        match contact {
            ContactPoint::Email(email) => Self { email: Some(email.clone()), ..self.clone() },
            ContactPoint::Phone(number) => Self { phone: Some(number.as_phone().clone()), ..self.clone() },
        }
    }
}

impl Accounts {
    /// The contacts that a person has proven, read consistently; none of who has proven nothing since 2026-12-02.
    pub async fn proven_contacts(&self, user: UserId) -> Result<ProvenContacts, Error> {
        let found = get(&self.client, &self.table, Entry::Contacts(user).key(), true).await?;
        Ok(found.as_ref().map(read).transpose()?.unwrap_or_default())
    }

    /// Notes that a person has proven a contact.
    pub async fn note_proven(&self, user: UserId, contact: &ContactPoint) -> Result<(), Error> {
        let mut backoff = Backoff::default();
        while !self.put_proven(user, &self.proven_contacts(user).await?, contact).await? {
            backoff.pause().await?;
        }
        Ok(())
    }

    /// [`Self::note_proven`], if nothing was noted since these were read.
    pub async fn put_proven(
        &self,
        user: UserId,
        known: &ProvenContacts,
        contact: &ContactPoint,
    ) -> Result<bool, Error> {
        if known.points().any(|point| point == *contact) {
            return Ok(true);
        }
        let changed = known.with(contact);
        let written = write(Entry::Contacts(user).key(), known.version + 1, &changed)?;
        match put_one(&self.client, &self.table, written, &Condition::at_version(known.version)).await {
            Ok(()) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }
}
