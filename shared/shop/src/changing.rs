//! How often somebody may change something: a limit for what has none of its own.

use std::sync::Arc;

use domain::{Identifier, Timestamp, UserId};
use platform::{PersonsSecret, Secret};
use store::rate_limits::Target;
use store::{RateLimits, SettingsTable};

use crate::Error;

/// Who changes something.
#[derive(Clone, Copy, Debug)]
pub enum Changing<'a> {
    /// Who is signed in.
    Person(UserId),
    /// The network address of somebody who is not.
    Client(&'a str),
}

/// What changes are counted with.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    pub(crate) rate_limits: RateLimits,
    pub(crate) settings: SettingsTable,
    pub(crate) persons: Arc<Secret<PersonsSecret>>,
}

impl Changes {
    pub(crate) async fn count(&self, list: &str, by: Changing<'_>, now: Timestamp) -> Result<(), Error> {
        let target = match by {
            Changing::Person(user) => Target::Person(user),
            Changing::Client(client) => match self.persons.value().await {
                Ok(persons) => Target::Client(persons.look_up(Identifier::Client(client))),
                // What is counted here can be done without the secret, so an outage of it must not become one of the
                // shop.
                Err(cause) => {
                    tracing::warn!(list, %cause, "a call is not counted: whose it is cannot be told");
                    return Ok(());
                }
            },
        };
        Ok(self.rate_limits.count_change(list, target, &self.settings, now).await?)
    }
}
