//! Requests that go on after their transaction, and are taken over by a repeat when they must have died.

use domain::{IdempotentRequest, Timestamp};

use super::Orders;
use crate::Error;
use crate::error::Failure;
use crate::idempotency::{self, KeyUse, TAKEOVER_AFTER, record_key};
use crate::item::{Condition, number};
use crate::retry::update_one;

impl Orders {
    /// The use of a request's key; `None` when it is new.
    ///
    /// # Errors
    /// `idempotency_key_reused` when the key was used for another request; the table does not answer.
    pub async fn key_use(&self, request: &IdempotentRequest) -> Result<Option<KeyUse>, Error> {
        idempotency::key_use(&self.client, &self.table, request).await
    }

    /// Takes over a request that was begun and never answered. Returns false when it may still run, another repeat has
    /// taken it over, or it was answered in the meantime.
    pub async fn take_over(&self, request: &IdempotentRequest, running_until: Timestamp) -> Result<bool, Error> {
        if running_until > request.at {
            return Ok(false);
        }
        let condition = Condition::of("running_until = :seen AND attribute_not_exists(answer_body)")
            .name("#version", "version")
            .value(":seen", number(running_until.millis()))
            .value(":until", number((request.at + TAKEOVER_AFTER).millis()))
            .value(":one", number(1));
        let change = "SET running_until = :until ADD #version :one";
        match update_one(&self.client, &self.table, record_key(request), change, &condition).await {
            Ok(_) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }
}
