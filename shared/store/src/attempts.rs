//! Counters with an expiry, in the table Carts: how often somebody has tried something lately.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use domain::{Code, Refusal, Timestamp};

use crate::error::Failure;
use crate::item::{Attributes, Condition, key, number, string};
use crate::{Error, retry};

const ATTEMPTS: &str = "attempts";

/// Key: `ATTEMPTS#<what>#<window>` / `ATTEMPTS`: a new counter for each window.
fn counter_key(what: &str, window: i64) -> Attributes {
    key(format!("ATTEMPTS#{what}#{window}"), "ATTEMPTS")
}

/// Attempts by name. A name holds no address in plain text: hash it.
#[derive(Clone, Debug)]
pub struct Attempts {
    client: Client,
    table: String,
}

impl Attempts {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Counts one attempt, and refuses it when there were `most` in this window already. A window begins at a multiple of
    /// its length, so that across a boundary twice as many may pass.
    pub async fn count(&self, what: &str, most: u32, window: Duration, now: Timestamp) -> Result<(), Error> {
        let length = i64::try_from(window.as_secs()).unwrap_or(i64::MAX).max(1);
        let begun = now.seconds().div_euclid(length);
        let ends = begun.saturating_add(1).saturating_mul(length);
        let below = Condition::of("attribute_not_exists(pk) OR attempts < :most")
            .name("#kind", "kind")
            .name("#version", "version")
            .value(":most", number(most))
            .value(":one", number(1))
            .value(":kind", string(ATTEMPTS))
            .value(":ends", number(ends));
        let change = "SET #kind = :kind, #version = :one, expires_at_s = :ends ADD attempts :one";
        match retry::update_one(&self.client, &self.table, counter_key(what, begun), change, &below).await {
            Ok(_) => Ok(()),
            Err(Failure::Condition) => Err(Refusal::of(Code::TooManyRequests).into()),
            Err(other) => Err(other.into()),
        }
    }
}
