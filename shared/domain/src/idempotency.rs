//! Calls that their callers name, so that a repeat of one is known for what it is.

use crate::Timestamp;

/// A call with an idempotency key: whose it is, which call it is, and what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// The caller: a buyer, a seller's member, a cart or an order.
    pub caller: String,
    /// Method and route.
    pub route: String,
    /// The key as it was sent.
    pub key: String,
    /// A fingerprint of the request: the same key with another one is refused.
    pub fingerprint: String,
    /// When it came.
    pub at: Timestamp,
}

/// The answer to a call, as it is kept for a repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// The call.
    pub request: IdempotentRequest,
    /// The answer in the form in which it is given again. Only who made it can read it.
    pub response: String,
}
