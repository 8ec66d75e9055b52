//! Idempotency keys: a repeated request with the same key is not carried out again. It gets the stored response, or one
//! that is made of what the first one changed.

use crate::{Refusal, Timestamp};

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
    /// The response in the form in which it is replayed. Only its caller can read it. Nothing when a replay is answered
    /// with what the request changed, as that stands by then: so that no response that names a person is stored.
    pub response: Option<String>,
}

/// What a request comes to that may be a repeat.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<R> {
    /// It was carried out.
    Done(R),
    /// An earlier request with the same key was carried out, and this one has changed nothing. Holds the stored
    /// response.
    Replayed(String),
    /// The same, without a stored response: it is made of what the earlier request changed, as that stands now. Nothing
    /// until that is read.
    Repeated(Option<R>),
}

/// A response that is about to be sent, and what is stored of it when its request has a key.
pub type Prepared<R> = (R, Option<StoredResponse>);

/// When a request came, how it answers, and under which idempotency key. A use case makes the response from what it is
/// about to write, so that both are written in one transaction.
pub struct Call<'a, T: ?Sized, R> {
    at: Timestamp,
    key: Option<Key<'a, R>>,
    respond: &'a (dyn Fn(&T) -> Result<R, Refusal> + Send + Sync),
}

/// A request with its key, and the form in which its response is stored.
type Key<'a, R> = (&'a IdempotentRequest, fn(&R) -> Result<String, Refusal>);

impl<T: ?Sized, R> Clone for Call<'_, T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized, R> Copy for Call<'_, T, R> {}

impl<T: ?Sized, R> std::fmt::Debug for Call<'_, T, R> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Call").field("request", &self.request()).finish_non_exhaustive()
    }
}

impl<'a, T: ?Sized, R> Call<'a, T, R> {
    /// A request that answers with what `respond` makes of the result. With a key, `record` gives the stored form.
    pub fn new(
        at: Timestamp,
        request: Option<&'a IdempotentRequest>,
        record: fn(&R) -> Result<String, Refusal>,
        respond: &'a (dyn Fn(&T) -> Result<R, Refusal> + Send + Sync),
    ) -> Self {
        Self { at, key: request.map(|request| (request, record)), respond }
    }

    /// When the request came.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The request, if it has a key.
    pub fn request(&self) -> Option<&'a IdempotentRequest> {
        self.key.map(|(request, _)| request)
    }

    /// The response, and what is stored of it.
    ///
    /// # Errors
    /// What `respond` fails with; a response that cannot be serialized.
    pub fn answer(&self, result: &T) -> Result<Prepared<R>, Refusal> {
        let response = (self.respond)(result)?;
        let stored = self.key.map(|(request, record)| {
            record(&response).map(|response| StoredResponse { request: request.clone(), response: Some(response) })
        });
        Ok((response, stored.transpose()?))
    }

    /// The response to a request whose record is written apart from it.
    ///
    /// # Errors
    /// What `respond` fails with.
    pub fn respond(&self, result: &T) -> Result<R, Refusal> {
        (self.respond)(result)
    }

    /// The response, of which only is stored that the request was carried out: for what names a person. A replay is
    /// answered by [`Call::again`].
    ///
    /// # Errors
    /// What `respond` fails with.
    pub fn answer_unstored(&self, result: &T) -> Result<Prepared<R>, Refusal> {
        let stored = self.key.map(|(request, _)| StoredResponse { request: request.clone(), response: None });
        Ok(((self.respond)(result)?, stored))
    }

    /// The response to a replay, made of what the first request changed as it stands now.
    ///
    /// # Errors
    /// What `respond` fails with.
    pub fn again(&self, result: &T) -> Result<Outcome<R>, Refusal> {
        (self.respond)(result).map(|response| Outcome::Repeated(Some(response)))
    }
}
