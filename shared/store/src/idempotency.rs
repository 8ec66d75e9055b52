//! Idempotency keys: the response to a request is stored in the transaction of its change, both or neither. Where it
//! would name a person, only that the request was carried out.
//!
//! One conditional write decides which request with a key is the first. Later ones get the record with the cancellation
//! of their transaction: there is no second read, and no waiting for a lock. A request that goes on after its
//! transaction, as checkout does to open the payment, stores its record without a response first: a repeat waits, or
//! takes over when the first request must have died.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{Code, Coded, IdempotentRequest, OrderId, Outcome, Prepared, Refusal, StoredResponse, Timestamp};
use ring::digest;

use crate::error::Failure;
use crate::item::{Attributes, Condition, integer, key, number, put, raw_item, string, text};
use crate::transaction::{Purpose, Transaction};
use crate::{Error, retry};

/// `kind` of a record.
const IDEMPOTENCY: &str = "idempotency";
/// How long a key is remembered.
const RETENTION: Duration = Duration::from_secs(48 * 3600);
/// How long a request may run before a repeat with the same key may take it over.
pub(crate) const TAKEOVER_AFTER: Duration = Duration::from_secs(30);
/// The largest response that is stored, in bytes: an item holds at most 400 KB.
const MAX_RESPONSE_SIZE: usize = 350 * 1024;

/// `KEY#<hash of scope and key>` / `KEY`, in every table that stores responses: one partition per record. The same key
/// from another caller, or for another route, is another key.
pub(crate) fn record_key(request: &IdempotentRequest) -> Attributes {
    use std::fmt::Write as _;
    let IdempotentRequest { caller, route, key: sent, .. } = request;
    // The lengths keep the parts apart, so that no two scopes give the same text.
    let scope = format!("{}:{caller}{}:{route}{sent}", caller.len(), route.len());
    let mut hash = String::with_capacity(64);
    for byte in digest::digest(&digest::SHA256, scope.as_bytes()).as_ref() {
        let _ = write!(hash, "{byte:02x}");
    }
    key(format!("KEY#{hash}"), "KEY")
}

/// The record of a key that was used before, for the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// The stored response.
    Answered(String),
    /// The request was carried out; its response is not stored.
    CarriedOut,
    /// The request has begun, and has no response yet.
    Begun {
        /// The order that it places or pays.
        order: OrderId,
        /// Until when a repeat has to wait.
        running_until: Timestamp,
    },
}

impl KeyUse {
    /// Reads a record. The key is refused when it was used for another request.
    pub(crate) fn of(found: &Attributes, request: &IdempotentRequest) -> Result<Self, Refusal> {
        let reused = || Refusal::of(Code::IdempotencyKeyReused);
        if text(found, "body_hash") != Some(&request.fingerprint) {
            return Err(reused());
        }
        if let Some(response) = text(found, "answer_body") {
            return Ok(Self::Answered(response.to_owned()));
        }
        if !found.contains_key("order_id") {
            return Ok(Self::CarriedOut);
        }
        let order = text(found, "order_id").and_then(|id| id.parse().ok()).ok_or_else(reused)?;
        let running_until = Timestamp::from_millis(integer(found, "running_until").unwrap_or(0));
        Ok(Self::Begun { order, running_until })
    }

    /// The outcome for a request that does not go on after its transaction.
    pub(crate) fn replayed<R>(self) -> Result<Outcome<R>, Refusal> {
        match self {
            Self::Answered(response) => Ok(Outcome::Replayed(response)),
            Self::CarriedOut => Ok(Outcome::Repeated(None)),
            Self::Begun { .. } => Err(Refusal::of(Code::IdempotencyKeyReused)),
        }
    }
}

/// The action that writes the record of a request, if its key is unused. TTL deletes late, so an expired record counts
/// as absent.
pub(crate) fn put_record_action(
    table: &str,
    request: &IdempotentRequest,
    state: &KeyUse,
) -> Result<TransactWriteItem, Error> {
    let mut record = raw_item(record_key(request), IDEMPOTENCY, 1, "{}".to_owned());
    record.insert("body_hash".to_owned(), string(&request.fingerprint));
    record.insert("expires_at_s".to_owned(), number((request.at + RETENTION).seconds()));
    match state {
        KeyUse::Answered(response) if response.len() > MAX_RESPONSE_SIZE => {
            let detail = "the response is too large to be stored; send the request without an Idempotency-Key";
            return Err(Refusal::because(Code::TooLarge, detail).into());
        }
        KeyUse::Answered(response) => drop(record.insert("answer_body".to_owned(), string(response))),
        KeyUse::CarriedOut => {}
        KeyUse::Begun { order, running_until } => {
            record.insert("order_id".to_owned(), string(order.to_string()));
            record.insert("running_until".to_owned(), number(running_until.millis()));
        }
    }
    let unused =
        Condition::of("attribute_not_exists(pk) OR expires_at_s <= :now").value(":now", number(request.at.seconds()));
    put(table, record, &unused)
}

/// Runs a transaction together with the record of a response, if there is one.
pub(crate) async fn transact<R>(
    client: &Client,
    table: &str,
    mut transaction: Transaction,
    (response, stored): Prepared<R>,
) -> Result<Outcome<R>, Failure> {
    let Some(StoredResponse { request, response: record }) = stored else {
        return transaction.run(client).await.map(|()| Outcome::Done(response));
    };
    let known = record.map_or(KeyUse::CarriedOut, KeyUse::Answered);
    transaction.add(Purpose::Key, put_record_action(table, &request, &known)?);
    match transaction.run(client).await {
        Ok(()) => Ok(Outcome::Done(response)),
        Err(Failure::Cancelled(cancelled)) => match cancelled.existing(Purpose::Key) {
            Some(known) => KeyUse::of(known, &request).and_then(KeyUse::replayed).map_err(Failure::Refused),
            None => Err(Failure::Cancelled(cancelled)),
        },
        Err(other) => Err(other),
    }
}

/// Puts one item, if there is one, and the record of a response, if there is one: alone or both in one transaction.
pub(crate) async fn put_one<R>(
    client: &Client,
    table: &str,
    item: Option<(Attributes, &Condition)>,
    response: Prepared<R>,
) -> Result<Outcome<R>, Failure> {
    let mut transaction = Transaction::default();
    match item {
        Some((item, condition)) if response.1.is_none() => {
            return retry::put_one(client, table, item, condition).await.map(|()| Outcome::Done(response.0));
        }
        Some((item, condition)) => transaction.add(Purpose::Item, put(table, item, condition)?),
        None => {}
    }
    transact(client, table, transaction, response).await
}

/// The use of a request's key; `None` when it is new.
pub(crate) async fn key_use(
    client: &Client,
    table: &str,
    request: &IdempotentRequest,
) -> Result<Option<KeyUse>, Error> {
    let found = retry::get(client, table, record_key(request), true).await?;
    let current = |found: &Attributes| integer(found, "expires_at_s").is_some_and(|until| until > request.at.seconds());
    found.filter(current).map(|known| KeyUse::of(&known, request)).transpose().map_err(Error::from)
}

/// Runs the work of a request, and replays the stored response when an earlier request with the same key has succeeded.
///
/// A new key, the common case, costs no extra read: the work's write finds out that a key is taken. Work that is
/// refused before its write may be refused only because the first request succeeded, which changed the version or
/// deleted the cart. So after a refusal the key is looked up, and the refusal stands only when nothing is stored. After
/// a failure of ours nothing is looked up: the client tries again with the same key.
pub(crate) async fn once<R, E: Coded + From<Error>>(
    client: &Client,
    table: &str,
    request: Option<&IdempotentRequest>,
    work: impl Future<Output = Result<Outcome<R>, E>>,
) -> Result<Outcome<R>, E> {
    let refused = match work.await {
        Err(refused) => refused,
        done => return done,
    };
    let Some(request) = request else { return Err(refused) };
    if refused.code().is_failure() || refused.code() == Code::IdempotencyKeyReused {
        return Err(refused);
    }
    match key_use(client, table, request).await? {
        Some(known) => known.replayed().map_err(|reused| Error::from(reused).into()),
        None => Err(refused),
    }
}

/// The methods of every table that stores responses. Its handle has the fields `client` and `table`.
macro_rules! stores_responses {
    ($table:ty) => {
        impl $table {
            /// Runs the work of a request, and replays the stored response when an earlier request with the same key
            /// has succeeded.
            ///
            /// # Errors
            /// What the work fails with; `idempotency_key_reused` when the key was used for another request.
            pub async fn once<R, E: domain::Coded + From<crate::Error>>(
                &self,
                request: Option<&domain::IdempotentRequest>,
                work: impl Future<Output = Result<domain::Outcome<R>, E>>,
            ) -> Result<domain::Outcome<R>, E> {
                crate::idempotency::once(&self.client, &self.table, request, work).await
            }

            /// Answers a request that changes nothing, and stores its response.
            ///
            /// # Errors
            /// What the response cannot be made or stored for.
            pub async fn answer<T: ?Sized, R>(
                &self,
                call: domain::Call<'_, T, R>,
                result: &T,
            ) -> Result<domain::Outcome<R>, crate::Error> {
                let nothing = crate::transaction::Transaction::default();
                Ok(crate::idempotency::transact(&self.client, &self.table, nothing, call.answer(result)?).await?)
            }

            /// The outcome of an earlier request with the same key; `None` when the key is new.
            ///
            /// # Errors
            /// `idempotency_key_reused` when the key was used for another request; the table does not answer.
            pub async fn earlier<R>(
                &self,
                request: Option<&domain::IdempotentRequest>,
            ) -> Result<Option<domain::Outcome<R>>, crate::Error> {
                let Some(request) = request else { return Ok(None) };
                let known = crate::idempotency::key_use(&self.client, &self.table, request).await?;
                Ok(known.map(crate::idempotency::KeyUse::replayed).transpose()?)
            }
        }
    };
}

pub(crate) use stores_responses;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(caller: &str, route: &str, key: &str, fingerprint: &str) -> IdempotentRequest {
        let at = Timestamp::from_millis(0);
        let [caller, route, key, fingerprint] = [caller, route, key, fingerprint].map(str::to_owned);
        IdempotentRequest { caller, route, key, fingerprint, at }
    }

    #[test]
    fn no_two_scopes_share_a_record() {
        let record = |caller, route, key| record_key(&request(caller, route, key, ""));
        assert_ne!(record("ab", "c", "k"), record("a", "bc", "k"));
        assert_ne!(record("a", "b", "kk"), record("a", "bk", "k"));
        assert_eq!(record("a", "b", "k"), record("a", "b", "k"));
    }

    #[test]
    fn a_record_answers_its_own_request_and_refuses_another() {
        let call = |fingerprint| request("crt_1", "PUT /v1/carts", "once", fingerprint);
        let record = Attributes::from([
            ("body_hash".to_owned(), string("same")),
            ("answer_body".to_owned(), string("the first answer")),
        ]);
        assert_eq!(KeyUse::of(&record, &call("same")), Ok(KeyUse::Answered("the first answer".to_owned())));
        let refused = KeyUse::of(&record, &call("other")).unwrap_err();
        assert_eq!(refused.code(), Code::IdempotencyKeyReused);
    }
}
