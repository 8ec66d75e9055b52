//! Rate limits, in the table Carts: one expiring item per call, target and window of time.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use domain::settings::{CallLimits, Limit, Limits};
use domain::{LookUp, OrderId, Timestamp, UserId, VendorId};
use ring::digest;

use crate::dispatch::Dispatch;
use crate::error::{Failure, failure};
use crate::item::{Attributes, Condition, integer, key, number, string};
use crate::retry::update_one;
use crate::{Error, SettingsTable};

const RATE_LIMIT: &str = "attempts";
/// How long nothing may be guessed before a client's guesses at a contact are forgotten: after that Cognito has
/// forgotten its failures too.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html>
const PAUSE: Duration = Duration::from_secs(15 * 60);
/// How long somebody is known who was right: see [`RateLimits::remember`].
const KNOWN: Duration = Duration::from_secs(90 * 86_400);
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
    /// A client and the contact that it names.
    Pair(LookUp, LookUp),
    /// A code that can be guessed.
    Code(LookUp),
    Order(OrderId),
    Vendor(VendorId),
    /// Who is signed in.
    Person(UserId),
    /// The numbers that begin with these digits.
    Prefix(u32),
    /// Everybody together.
    All,
}

impl Target {
    /// The target's name in a key.
    fn name(self) -> String {
        match self {
            Self::Client(address) => format!("client#{address}"),
            Self::Contact(contact) => format!("contact#{contact}"),
            Self::Pair(client, contact) => format!("pair#{client}#{contact}"),
            Self::Code(code) => format!("code#{code}"),
            Self::Order(order) => order.to_string(),
            Self::Vendor(vendor) => vendor.to_string(),
            Self::Person(user) => format!("person#{user}"),
            Self::Prefix(digits) => format!("prefix#{digits}"),
            Self::All => "all".to_owned(),
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
        both(by_client, by_target)
    }

    /// Counts a guess for its client, for the pair of client and contact, and for the contact alone, all three at once.
    /// The pair comes first: it is refused after `guesses` guesses until nothing was guessed for [`PAUSE`], or one was
    /// right (see [`Self::forget`]). Nobody is locked out by one client, and many together are held up as well.
    pub async fn count_guess(
        &self,
        call: &str,
        pair: (LookUp, LookUp),
        guesses: u32,
        limits: CallLimits,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (client, contact) = pair;
        self.count_pair(call, pair, guesses, now).await?;
        let (by_client, by_contact) = tokio::join!(
            self.count_one(call, Target::Client(client), limits.per_client, now),
            self.count_one(call, Target::Contact(contact), limits.per_target, now)
        );
        both(by_client, by_contact)
    }

    /// [`Self::count_guess`] for the pair alone.
    pub async fn count_pair(
        &self,
        call: &str,
        pair: (LookUp, LookUp),
        guesses: u32,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.passes(call, self.add_guess(call, pair, guesses, now)).await
    }

    /// Forgets the guesses of a client at a contact, since one was right. A table that does not answer is passed over:
    /// they are forgotten by themselves.
    pub async fn forget(&self, call: &str, (client, contact): (LookUp, LookUp)) {
        self.forget_key(call, rate_limit_key(call, Target::Pair(client, contact), 0)).await;
    }

    /// Counts a call that changes something, by the limits of such calls. Settings that cannot be read are the defaults
    /// here: they must not stop a call that needs none.
    pub async fn count_change(
        &self,
        list: &str,
        target: Target,
        settings: &SettingsTable,
        now: Timestamp,
    ) -> Result<(), Error> {
        let limits = settings.current().await.map_or_else(|_| Limits::default(), |settings| settings.limits);
        let limit = match target {
            Target::Client(_) => limits.change.per_client,
            _ => limits.change.per_target,
        };
        self.count_one(list, target, limit, now).await
    }

    /// Forgets what a target has in the present window, since it was rightly asked for.
    pub async fn forget_one(&self, call: &str, target: Target, limit: Limit, now: Timestamp) {
        self.forget_key(call, rate_limit_key(call, target, Window::of(limit.within, now).number)).await;
    }

    /// Remembers for 90 days that a client was right about a contact: where strangers have used up what all clients
    /// together may do, it goes on. A table that does not answer is passed over.
    pub async fn remember(&self, (client, contact): (LookUp, LookUp), now: Timestamp) {
        let key = rate_limit_key("known", Target::Pair(client, contact), 0);
        let condition = Condition::of("attribute_not_exists(pk) OR expires_at_s <= :ends")
            .name("#kind", "kind")
            .name("#version", "version")
            .value(":kind", string(RATE_LIMIT))
            .value(":one", number(1))
            .value(":ends", number((now + KNOWN).seconds()));
        let change = "SET #kind = :kind, #version = :one, expires_at_s = :ends";
        if let Err(failed) = update_one(&self.client, &self.table, key, change, &condition).await {
            let cause = Error::from(failed);
            tracing::warn!(%cause, "a client that was right is not remembered");
        }
    }

    /// Whether a client was right about a contact in the last 90 days. Asked by a write, which is all that counting may
    /// do with the table.
    pub async fn is_remembered(&self, (client, contact): (LookUp, LookUp), now: Timestamp) -> Result<bool, Error> {
        let key = rate_limit_key("known", Target::Pair(client, contact), 0);
        let condition = Condition::of("attribute_exists(pk) AND expires_at_s > :now")
            .name("#version", "version")
            .value(":now", number(now.seconds()))
            .value(":one", number(1));
        match update_one(&self.client, &self.table, key, "ADD #version :one", &condition).await {
            Ok(_) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    async fn forget_key(&self, call: &str, key: Attributes) {
        let exists = Condition::of("attribute_exists(pk)").value(":none", number(0));
        match update_one(&self.client, &self.table, key, "SET attempts = :none", &exists).await {
            Ok(_) | Err(Failure::ConditionFailed) => {}
            Err(failed) => {
                let cause = Error::from(failed);
                tracing::warn!(call, %cause, "guesses that led to the right one stay counted");
            }
        }
    }

    /// [`RateLimits::count`] for one target.
    ///
    /// Windows begin at multiples of their length, so up to twice the limit may pass around a boundary.
    pub async fn count_one(&self, call: &str, target: Target, limit: Limit, now: Timestamp) -> Result<(), Error> {
        self.count_units(call, target, (1, limit), now).await
    }

    /// [`RateLimits::count_one`] for a call that counts for several: what it would exceed the limit with is not
    /// counted.
    pub async fn count_units(
        &self,
        call: &str,
        target: Target,
        (units, limit): (u32, Limit),
        now: Timestamp,
    ) -> Result<(), Error> {
        self.passes(call, self.add(call, target, (units, limit), now)).await
    }

    /// [`RateLimits::count_units`] for what costs money: where it cannot be counted, it must not be spent.
    pub async fn spend(
        &self,
        call: &str,
        target: Target,
        (units, limit): (u32, Limit),
        now: Timestamp,
    ) -> Result<(), Error> {
        match tokio::time::timeout(TIMEOUT, self.add(call, target, (units, limit), now)).await {
            Ok(Ok(Counted::Allowed)) => Ok(()),
            Ok(Ok(Counted::Exceeded(seconds))) => Err(Error::TooMany { reason: TOO_MANY, retry_after: seconds }),
            Ok(Err(failed)) => Err(failed.into()),
            Err(_) => Err(Error::Unavailable("a limit could not be counted within the timeout".to_owned())),
        }
    }

    /// Takes back what was counted for a call that has not come about. A table that does not answer is passed over:
    /// then too much is counted, and not too little.
    pub async fn uncount(&self, call: &str, target: Target, (units, limit): (u32, Limit), now: Timestamp) {
        let key = rate_limit_key(call, target, Window::of(limit.within, now).number);
        let counted = Condition::of("attempts >= :units")
            .value(":units", number(units))
            .value(":less", number(-i64::from(units)));
        match update_one(&self.client, &self.table, key, "ADD attempts :less", &counted).await {
            Ok(_) | Err(Failure::ConditionFailed) => {}
            Err(failed) => {
                let cause = Error::from(failed);
                tracing::warn!(call, %cause, "what was not used stayed counted");
            }
        }
    }

    async fn passes(&self, call: &str, counted: impl Future<Output = Result<Counted, Failure>>) -> Result<(), Error> {
        let unreachable = match tokio::time::timeout(TIMEOUT, counted).await {
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

    async fn add(
        &self,
        call: &str,
        target: Target,
        (units, limit): (u32, Limit),
        now: Timestamp,
    ) -> Result<Counted, Failure> {
        let window = Window::of(limit.within, now);
        let Some(room) = limit.most.checked_sub(units) else {
            return Ok(Counted::Exceeded(window.seconds_left(now)));
        };
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(rate_limit_key(call, target, window.number)))
            .update_expression("SET #kind = :kind, #version = :one, expires_at_s = :ends ADD attempts :units")
            .condition_expression("attribute_not_exists(pk) OR attempts <= :room")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":room", number(room))
            .expression_attribute_values(":units", number(units))
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

    /// Counts a guess of a pair. The item has no window: it lasts until nothing was guessed for [`PAUSE`].
    async fn add_guess(
        &self,
        call: &str,
        (client, contact): (LookUp, LookUp),
        guesses: u32,
        now: Timestamp,
    ) -> Result<Counted, Failure> {
        const COUNT: &str = "SET #kind = :kind, #version = :one, expires_at_s = :ends ADD attempts :one";
        const COUNT_ANEW: &str = "SET #kind = :kind, #version = :one, expires_at_s = :ends, attempts = :one";
        let guess = |change: &'static str, condition: &'static str| {
            let key = rate_limit_key(call, Target::Pair(client, contact), 0);
            self.client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key))
                .update_expression(change)
                .condition_expression(condition)
                .expression_attribute_names("#kind", "kind")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":kind", string(RATE_LIMIT))
                .expression_attribute_values(":now", number(now.seconds()))
                .expression_attribute_values(":ends", number((now + PAUSE).seconds()))
        };
        let known = "attribute_not_exists(pk) OR (attempts < :most AND expires_at_s > :now)";
        let counted = guess(COUNT, known).expression_attribute_values(":most", number(guesses));
        match counted.dispatch().await.map_err(|error| failure(&error)) {
            Ok(_) => return Ok(Counted::Allowed),
            Err(Failure::ConditionFailed) => {}
            Err(other) => return Err(other),
        }
        let anew = guess(COUNT_ANEW, "expires_at_s <= :now");
        let sent = anew.return_values_on_condition_check_failure(AllOld).dispatch().await;
        let Err(error) = sent else { return Ok(Counted::Allowed) };
        let last = match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => refused.item(),
            _ => return Err(failure(&error)),
        };
        let ends = last.and_then(|last| integer(last, "expires_at_s")).unwrap_or_else(|| now.seconds());
        Ok(Counted::Exceeded(u32::try_from(ends.saturating_sub(now.seconds())).unwrap_or(1).max(1)))
    }
}

/// What two counts have come to. When both refuse, the longer wait is told: after the other one the call would only be
/// refused again.
fn both(one: Result<(), Error>, other: Result<(), Error>) -> Result<(), Error> {
    match (one, other) {
        (Err(Error::TooMany { reason, retry_after }), Err(Error::TooMany { retry_after: longer, .. })) => {
            Err(Error::TooMany { reason, retry_after: retry_after.max(longer) })
        }
        (one, other) => one.and(other),
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
    fn of_two_refusals_the_longer_wait_is_told() {
        let wait = |seconds: u32| Err(Error::TooMany { reason: TOO_MANY, retry_after: seconds });
        let told = |one, other| match both(one, other) {
            Err(Error::TooMany { retry_after, .. }) => Some(retry_after),
            _ => None,
        };
        assert_eq!([told(wait(60), wait(3_600)), told(wait(3_600), wait(60))], [Some(3_600); 2]);
        assert_eq!([told(wait(60), Ok(())), told(Ok(()), wait(60)), told(Ok(()), Ok(()))], [Some(60), Some(60), None]);
    }

    #[test]
    fn no_two_targets_share_a_key() {
        let one = LookUp::from_bytes([7; 16]);
        let order = Target::Order(OrderId::from_bits(1));
        let vendor = Target::Vendor(VendorId::from_bits(1));
        let person = Target::Person(UserId::from_bits(1));
        let targets = [
            Target::Client(one),
            Target::Contact(one),
            Target::Pair(one, one),
            Target::Code(one),
            order,
            vendor,
            person,
        ];
        let targets = targets.into_iter().chain([Target::Prefix(998), Target::Prefix(9), Target::All]);
        let names: Vec<String> = targets.map(Target::name).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names.iter().skip(index + 1).any(|other| other == name), "{name}");
        }
    }
}
