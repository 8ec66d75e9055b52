//! Idempotency keys: a repeated request with the same key gets the stored response and is not carried out again.

use crate::Timestamp;

/// A request with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Whose key it is: a buyer, a member of a vendor, a cart or an order. Keys of two callers never meet.
    pub caller: String,
    /// Method and route.
    pub route: String,
    /// The `Idempotency-Key` header as it was sent.
    pub key: String,
    /// A digest of the request: the same key with another digest fails with `idempotency_key_reused`.
    pub fingerprint: String,
    /// When the request came.
    pub at: Timestamp,
}

/// The stored response to a request, for its replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// The request that it answers.
    pub request: IdempotentRequest,
    /// The response in the form in which it is replayed. Only its caller can read it.
    pub response: String,
}
