//! The second factor of a person, in Accounts.

use domain::UserId;
use domain::mfa::Mfa;

use super::{Accounts, Entry};
use crate::Error;
use crate::error::Failure;
use crate::item::Condition;
use crate::retry::{delete_one, get, mark, put_one};
use crate::stored::{read, write};

impl Accounts {
    /// A person's second factor, read consistently; one that was only begun too.
    pub async fn mfa(&self, user: UserId) -> Result<Option<Mfa>, Error> {
        let found = get(&self.client, &self.table, Entry::Mfa(user).key(), true).await?;
        found.as_ref().map(read).transpose()
    }

    /// Stores a second factor under the version that was read. False when somebody else has written it meanwhile, the
    /// same too: a code that is entered twice at once is taken once.
    pub async fn put_mfa(&self, mfa: &Mfa) -> Result<bool, Error> {
        let mut written = write(Entry::Mfa(mfa.user).key(), mfa.version + 1, mfa)?;
        written.extend([mark()]);
        let condition = match mfa.version {
            0 => Condition::absent(),
            loaded => Condition::at_version(loaded),
        };
        match put_one(&self.client, &self.table, written, &condition).await {
            Ok(()) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Takes a second factor away, if it is still at the version that was read. One that is gone counts as taken away.
    pub async fn remove_mfa(&self, mfa: &Mfa) -> Result<bool, Error> {
        let key = Entry::Mfa(mfa.user).key();
        match delete_one(&self.client, &self.table, key, &Condition::at_version(mfa.version)).await {
            Ok(()) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }
}
