//! Client request tokens: for ten minutes, a transaction that is sent again gets the stored response and is not
//! executed again.
//!
//! dynoxide implements them too, but scans all stored tokens at each transaction: at a hundred orders a second, that is
//! most of its work.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::time::Timestamp;
use serde_json::{Map, Value};

/// How long a token is valid
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>).
const TOKEN_LIFETIME: Duration = Duration::from_mins(10);

/// The longest token, in bytes; a longer one stays in the request, so that dynoxide rejects it.
const MAX_LENGTH: usize = 36;

const FIELD: &str = "ClientRequestToken";

/// A transaction's token, with a digest of the transaction's items.
#[derive(Debug)]
pub(super) struct Token {
    name: String,
    digest: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum TokenState {
    /// The token is unknown or has expired.
    New,
    /// The same transaction was executed, with this response (without the consumed capacity).
    Done(Map<String, Value>),
    /// The token was sent with another transaction.
    Mismatch,
}

/// The tokens of the last ten minutes.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    stored: HashMap<String, StoredResponse>,
    /// Oldest first.
    order: VecDeque<(Timestamp, String)>,
}

#[derive(Debug)]
struct StoredResponse {
    at: Timestamp,
    digest: u64,
    answer: Map<String, Value>,
}

impl Token {
    /// Removes the token from a transaction, so that dynoxide does not store it too. None without a token, or with one
    /// that dynoxide is to reject.
    pub(super) fn take(body: &mut Value) -> Option<Self> {
        let name =
            body.get(FIELD).and_then(Value::as_str).filter(|name| (1..=MAX_LENGTH).contains(&name.len()))?.to_owned();
        let digest = digest(body.get("TransactItems")?);
        body.as_object_mut()?.remove(FIELD);
        Some(Self { name, digest })
    }
}

impl Tokens {
    pub(super) fn find(&self, token: &Token, now: Timestamp) -> TokenState {
        match self.stored.get(&token.name).filter(|stored| now < stored.at + TOKEN_LIFETIME) {
            None => TokenState::New,
            Some(stored) if stored.digest == token.digest => TokenState::Done(stored.answer.clone()),
            Some(_) => TokenState::Mismatch,
        }
    }

    /// Stores the response to a transaction, and drops the expired ones.
    pub(super) fn store(&mut self, token: Token, answer: &[u8], now: Timestamp) {
        while let Some((at, name)) = self.order.pop_front_if(|(at, _)| *at + TOKEN_LIFETIME <= now) {
            if self.stored.get(&name).is_some_and(|stored| stored.at == at) {
                self.stored.remove(&name);
            }
        }
        let mut answer: Map<String, Value> = serde_json::from_slice(answer).unwrap_or_default();
        answer.remove("ConsumedCapacity");
        self.order.push_back((now, token.name.clone()));
        self.stored.insert(token.name, StoredResponse { at: now, digest: token.digest, answer });
    }
}

/// A hash of a JSON value that does not depend on the order of fields.
fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let mut hasher = DefaultHasher::new();
                (name, digest(value)).hash(&mut hasher);
                hasher.finish()
            };
            (0, fields.len(), fields.iter().map(field).fold(0, u64::wrapping_add)).hash(&mut hasher);
        }
        Value::Array(items) => {
            (1, items.len()).hash(&mut hasher);
            items.iter().for_each(|item| digest(item).hash(&mut hasher));
        }
        Value::String(text) => (2, text).hash(&mut hasher),
        other => (3, other.to_string()).hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(items: &Value) -> Token {
        Token::take(&mut json!({ FIELD: "t", "TransactItems": items })).unwrap()
    }

    #[test]
    fn a_token_is_known_for_ten_minutes_and_for_its_own_transaction() {
        let (mut tokens, now) = (Tokens::default(), Timestamp::from_millis(1_000));
        let (one, other) =
            (json!([{"Put": {"a": "1", "b": ["2", "3"]}}]), json!([{"Put": {"a": "1", "b": ["3", "2"]}}]));
        assert_eq!(tokens.find(&token(&one), now), TokenState::New);
        tokens.store(token(&one), br#"{"ConsumedCapacity": [], "ItemCollectionMetrics": {}}"#, now);
        let answer = json!({ "ItemCollectionMetrics": {} }).as_object().cloned().unwrap();
        let last = now + TOKEN_LIFETIME - Duration::from_millis(1);
        assert_eq!(tokens.find(&token(&json!([{"Put": {"b": ["2", "3"], "a": "1"}}])), last), TokenState::Done(answer));
        assert_eq!(tokens.find(&token(&other), last), TokenState::Mismatch);
        assert_eq!(tokens.find(&token(&other), now + TOKEN_LIFETIME), TokenState::New);

        // A token that is stored again does not expire with its earlier entry.
        tokens.store(token(&other), b"{}", now + TOKEN_LIFETIME);
        tokens.store(Token { name: "u".to_owned(), digest: 1 }, b"{}", now + TOKEN_LIFETIME);
        assert_eq!(tokens.find(&token(&other), now + TOKEN_LIFETIME), TokenState::Done(Map::new()));
        assert_eq!((tokens.stored.len(), tokens.order.len()), (2, 2));
    }

    #[test]
    fn what_differs_in_its_shape_only_differs() {
        let values =
            [json!({"a": {}}), json!({"a": []}), json!({"a": ""}), json!({"a": 0}), json!({"a": "0"}), json!([["a"]])];
        let digests: std::collections::HashSet<u64> = values.iter().map(digest).collect();
        assert_eq!(digests.len(), values.len());
    }

    #[test]
    fn a_token_that_is_refused_stays_for_the_refusal() {
        for name in [json!(""), json!("x".repeat(37)), json!(7)] {
            let mut body = json!({ FIELD: name, "TransactItems": [] });
            assert!(Token::take(&mut body).is_none());
            assert_eq!(body[FIELD], name);
        }
    }
}
