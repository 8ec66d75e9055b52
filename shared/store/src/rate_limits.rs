//! Rate limits, in the table Carts: one expiring item per call, target and window of time.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use domain::settings::{CallLimits, Limit};
use domain::{LookUp, OrderId, Timestamp};
use ring::digest;

use crate::Error;
use crate::dispatch::Dispatch;
use crate::error::{Failure, failure};
use crate::item::{Attributes, key, number, string};

const RATE_LIMIT: &str = "attempts";
const TOO_MANY: &str = "Too many attempts; try again later.";

/// The prefix of all rate limits' partitions, by which their cost is told apart from that of the calls themselves.
pub const RATE_LIMIT_PREFIX: &str = "ATTEMPTS#";

/// Timeout of counting, after which the call passes: a slow table must not delay callers within their limits.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Key: `ATTEMPTS#<call>#<target>#<window>` / `ATTEMPTS`: a new item for each window.
fn rate_limit_key(call: &str, target: Target, window: i64) -> Attributes {
    key(format!("{RATE_LIMIT_PREFIX}{call}#{}#{window}", target.name()), "ATTEMPTS")
}

/// Whose calls, or calls to what, a rate limit counts. Whatever identifies a person, or can be guessed, is an HMAC: a
/// plain hash of an address is found by hashing all of them.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// The network address that the call comes from.
    Client(LookUp),
    /// An e-mail address or a telephone number, whether or not it is the caller's.
    Contact(LookUp),
    /// A code that can be guessed.
    Code(LookUp),
    Order(OrderId),
}

impl Target {
    /// The target's name in a key.
    fn name(self) -> String {
        match self {
            Self::Client(address) => format!("client#{address}"),
            Self::Contact(contact) => format!("contact#{contact}"),
            Self::Code(code) => format!("code#{code}"),
            Self::Order(order) => order.to_string(),
        }
    }
}

/// The first 16 bytes of a SHA-256 in hexadecimal, under which the unpaid orders of an e-mail address are kept.
pub(crate) fn hashed(text: &str) -> String {
    use std::fmt::Write as _;
    let mut name = String::with_capacity(32);
    for byte in digest::digest(&digest::SHA256, text.as_bytes()).as_ref().iter().take(16) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

enum Counted {
    Allowed,
    /// Over the limit; the next window begins after this many seconds.
    Exceeded(u32),
}

#[derive(Clone, Debug)]
pub struct RateLimits {
    client: Client,
    table: String,
}

impl RateLimits {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Counts a call for its client and for its target, both at once, and refuses it when either is over its limit.
    /// Await it together with the first read of the call: then it adds no latency.
    ///
    /// When the table does not answer, the call passes: an outage of the rate limits must not become one of the shop.
    pub async fn count(
        &self,
        call: &str,
        client: LookUp,
        target: Target,
        limits: CallLimits,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (by_client, by_target) = tokio::join!(
            self.count_one(call, Target::Client(client), limits.per_client, now),
            self.count_one(call, target, limits.per_target, now)
        );
        by_client.and(by_target)
    }

    /// [`RateLimits::count`] for one target.
    ///
    /// Windows begin at multiples of their length, so up to twice the limit may pass around a boundary.
    pub async fn count_one(&self, call: &str, target: Target, limit: Limit, now: Timestamp) -> Result<(), Error> {
        let counted = tokio::time::timeout(TIMEOUT, self.add(call, target, limit, now)).await;
        let unreachable = match counted {
            Ok(Ok(Counted::Allowed)) => return Ok(()),
            Ok(Ok(Counted::Exceeded(seconds))) => {
                return Err(Error::TooMany { reason: TOO_MANY, retry_after: seconds });
            }
            Ok(Err(Failure::Retryable(cause) | Failure::Unavailable(cause))) => cause,
            // A defect on our side, which would stay unnoticed if the call passed.
            Ok(Err(other)) => return Err(other.into()),
            Err(_) => "no answer within the timeout".to_owned(),
        };
        tracing::warn!(call, cause = unreachable, "a rate limit could not be counted, the request passes");
        Ok(())
    }

    async fn add(&self, call: &str, target: Target, limit: Limit, now: Timestamp) -> Result<Counted, Failure> {
        let window = Window::of(limit.within, now);
        if limit.most == 0 {
            return Ok(Counted::Exceeded(window.seconds_left(now)));
        }
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(rate_limit_key(call, target, window.number)))
            .update_expression("SET #kind = :kind, #version = :one, expires_at_s = :ends ADD attempts :one")
            .condition_expression("attribute_not_exists(pk) OR attempts < :most")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":most", number(limit.most))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":kind", string(RATE_LIMIT))
            .expression_attribute_values(":ends", number(window.ends))
            .dispatch()
            .await;
        match sent.map_err(|error| failure(&error)) {
            Ok(_) => Ok(Counted::Allowed),
            Err(Failure::ConditionFailed) => Ok(Counted::Exceeded(window.seconds_left(now))),
            Err(other) => Err(other),
        }
    }
}

/// A window of time in which calls are counted together.
struct Window {
    number: i64,
    /// In seconds since the epoch.
    ends: i64,
}

impl Window {
    fn of(length: Duration, now: Timestamp) -> Self {
        let length = i64::try_from(length.as_secs()).unwrap_or(i64::MAX).max(1);
        let number = now.seconds().div_euclid(length);
        Self { number, ends: number.saturating_add(1).saturating_mul(length) }
    }

    fn seconds_left(&self, now: Timestamp) -> u32 {
        u32::try_from(self.ends.saturating_sub(now.seconds())).unwrap_or(1).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_at_the_next_multiple_of_its_length() {
        let at = |seconds: i64| Window::of(Duration::from_secs(60), Timestamp::from_millis(seconds * 1_000));
        assert_eq!((at(119).number, at(119).ends, at(120).number), (1, 120, 2));
        assert_eq!(at(119).seconds_left(Timestamp::from_millis(119_500)), 1);
        assert_eq!(at(60).seconds_left(Timestamp::from_millis(60_000)), 60);
    }

    #[test]
    fn no_two_targets_share_a_key() {
        let one = LookUp::from_bytes([7; 16]);
        let targets =
            [Target::Client(one), Target::Contact(one), Target::Code(one), Target::Order(OrderId::from_bits(1))];
        let names = targets.map(Target::name);
        for (index, name) in names.iter().enumerate() {
            assert!(!names.iter().skip(index + 1).any(|other| other == name), "{name}");
        }
    }
}
