//! How often somebody who is signed in may change something: a limit for what has none of its own.

use domain::{Timestamp, UserId};
use store::rate_limits::Target;

use crate::{Desk, Error, Operator, Vendors};

impl Desk {
    /// Counts a call of a list of routes, and refuses it when it is over the limit.
    pub async fn count_change(&self, list: &str, user: UserId, now: Timestamp) -> Result<(), Error> {
        Ok(self.rate_limits.count_change(list, Target::Person(user), &self.settings, now).await?)
    }
}

impl Vendors {
    /// Counts a call of a list of routes, and refuses it when it is over the limit.
    pub async fn count_change(&self, list: &str, user: UserId, now: Timestamp) -> Result<(), Error> {
        self.inviting.count_change(list, user, now).await
    }
}

impl Operator {
    /// Counts a call of a list of routes, and refuses it when it is over the limit.
    pub async fn count_change(&self, list: &str, user: UserId, now: Timestamp) -> Result<(), Error> {
        self.inviting.count_change(list, user, now).await
    }
}
