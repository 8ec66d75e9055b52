//! Idempotency records of orders: one conditional write decides which request with a key is the first.

use domain::{OrderId, Timestamp};

use super::{Entry, Orders};
use crate::Error;
use crate::error::Failure;
use crate::idempotency::{IDEMPOTENCY, KeyScope, RETENTION};
use crate::item::{Attributes, Condition, integer, number, raw_item, string, text};
use crate::retry::{get, update_one};

/// How long a request may run before a repeat with the same key may take it over.
const TAKEOVER_AFTER: std::time::Duration = std::time::Duration::from_secs(30);

/// An idempotency record, to be written in the transaction of the request's change.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// [`KeyScope::hash`].
    pub hash: String,
    /// The fingerprint of the body, so that the same key with another body is detected.
    pub body: String,
    /// The order that the request places or pays.
    pub order: OrderId,
    /// Until when a repeat has to wait.
    pub running_until: Timestamp,
    /// Until when the key is remembered.
    pub expires_at: Timestamp,
}

impl KeyRecord {
    /// The record of a request that begins now.
    pub fn new(scope: KeyScope<'_>, digest: &str, order: OrderId, now: Timestamp) -> Self {
        Self {
            hash: scope.hash(),
            body: digest.to_owned(),
            order,
            running_until: now + TAKEOVER_AFTER,
            expires_at: now + RETENTION,
        }
    }
}

/// A stored response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
}

/// The record of a key that was used before.
#[derive(Clone, Debug)]
pub struct KeyUse {
    body: String,
    /// The order that the request placed or paid.
    pub order: OrderId,
    /// The stored response, once there is one.
    pub answer: Option<Answer>,
    /// Until when a repeat has to wait.
    pub running_until: Timestamp,
    /// Until when the key is remembered.
    pub expires_at: Timestamp,
}

impl KeyUse {
    /// Whether the key was used with a body of this fingerprint.
    pub fn has_fingerprint(&self, digest: &str) -> bool {
        self.body == digest
    }

    pub(super) fn of(found: &Attributes) -> Result<Self, Error> {
        let millis = |name: &str| Timestamp::from_millis(integer(found, name).unwrap_or(0));
        let answer = text(found, "answer_body").map(|body| Answer {
            status: integer(found, "answer_status").and_then(|status| u16::try_from(status).ok()).unwrap_or(200),
            body: body.to_owned(),
        });
        Ok(Self {
            body: text(found, "body_hash").unwrap_or_default().to_owned(),
            order: text(found, "order_id")
                .and_then(|id| id.parse().ok())
                .ok_or_else(|| Error::Failed("an idempotency record names no order".to_owned()))?,
            answer,
            running_until: millis("running_until"),
            expires_at: Timestamp::from_millis(integer(found, "expires_at_s").unwrap_or(0).saturating_mul(1000)),
        })
    }
}

pub(super) fn record_item(record: &KeyRecord) -> Result<Attributes, Error> {
    let mut written = raw_item(Entry::Key(&record.hash).key(), IDEMPOTENCY, 1, "{}".to_owned());
    written.insert("body_hash".to_owned(), string(&record.body));
    written.insert("order_id".to_owned(), string(record.order.to_string()));
    written.insert("running_until".to_owned(), number(record.running_until.millis()));
    written.insert("expires_at_s".to_owned(), number(record.expires_at.seconds()));
    Ok(written)
}

impl Orders {
    /// The record of a key; `None` when it was never used, or the record has expired.
    pub async fn key_use(&self, hash: &str, now: Timestamp) -> Result<Option<KeyUse>, Error> {
        let found = get(&self.client, &self.table, Entry::Key(hash).key(), true).await?;
        let known = found.as_ref().map(KeyUse::of).transpose()?;
        Ok(known.filter(|known| known.expires_at > now))
    }

    /// Takes over a request that was begun and never answered. Returns false when another repeat has taken it over, or
    /// it was answered, in the meantime.
    pub async fn take_over(&self, hash: &str, known: &KeyUse, now: Timestamp) -> Result<bool, Error> {
        let condition = Condition::of("running_until = :seen AND attribute_not_exists(answer_body)")
            .name("#version", "version")
            .value(":seen", number(known.running_until.millis()))
            .value(":until", number((now + TAKEOVER_AFTER).millis()))
            .value(":one", number(1));
        let change = "SET running_until = :until ADD #version :one";
        match update_one(&self.client, &self.table, Entry::Key(hash).key(), change, &condition).await {
            Ok(_) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }
}
