//! Requests that may carry an `Idempotency-Key`: all unsafe ones whose caller is a buyer, a member, a cart or an order.
//!
//! A handler takes its body through [`Idempotent`]. It authorizes the caller, scopes the key to them with
//! [`UnscopedRequest::scoped_to`], and works inside [`replay_or_run`]. It builds its response before it writes, and the
//! table writes the change and the stored response in one transaction: a crash leaves both or neither, so a retry
//! either replays or starts anew.

use std::fmt::Display;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use domain::code::Code;
use domain::{Coded, IdempotentRequest, StoredResponse, Timestamp};
use http::request::Parts;

use crate::body::RawBody;
use crate::idempotency::{IdempotencyKey, fingerprint};
use crate::{Answer, Now, Problem};

/// A request body together with its idempotency key, if the client sent one.
#[derive(Clone, Debug)]
pub struct Idempotent<B> {
    /// The body, read by its own extractor.
    pub body: B,
    /// Key, route and fingerprint. The handler scopes them to the caller before a table is asked.
    pub call: UnscopedRequest,
}

/// The body type of a request that needs no body. One that is sent is not parsed, but it is part of the fingerprint.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

/// Key, route and fingerprint of a request whose caller is not authorized yet. Empty without an `Idempotency-Key`.
///
/// No table accepts it, so that a handler cannot look up a key before it knows whose key it is.
#[derive(Clone, Debug)]
pub struct UnscopedRequest(Option<KeyedRequest>);

#[derive(Clone, Debug)]
struct KeyedRequest {
    route: String,
    key: String,
    fingerprint: String,
    at: Timestamp,
}

/// A request whose key is scoped to its caller. Empty without an `Idempotency-Key`: then nothing is stored or replayed.
#[derive(Clone, Debug)]
pub struct ScopedRequest(Option<IdempotentRequest>);

impl UnscopedRequest {
    /// Scopes the key to a caller: callers that choose the same key do not share it, and no caller can read another's
    /// stored response.
    pub fn scoped_to(self, caller: impl Display) -> ScopedRequest {
        ScopedRequest(self.0.map(|keyed| IdempotentRequest {
            caller: caller.to_string(),
            route: keyed.route,
            key: keyed.key,
            fingerprint: keyed.fingerprint,
            at: keyed.at,
        }))
    }
}

impl ScopedRequest {
    /// The scoped key, route and fingerprint, with which a table looks up the stored response.
    pub const fn as_idempotent(&self) -> Option<&IdempotentRequest> {
        self.0.as_ref()
    }

    /// The response in its stored form, to be written in one transaction with the change. None without a key.
    ///
    /// # Errors
    /// 500 when serialization fails, which strings and numbers do not cause.
    pub fn stored(&self, answer: &Answer) -> Result<Option<StoredResponse>, Problem> {
        let stored_response =
            |call: &IdempotentRequest| Ok(StoredResponse { request: call.clone(), response: answer.to_record()? });
        self.0.as_ref().map(stored_response).transpose()
    }
}

/// Runs the work, and replays the stored response when an earlier request with the same key has succeeded.
///
/// A new key, the common case, costs no extra read. The work's write is conditional on the key: when the key is taken,
/// the write fails with the stored response in the problem, and that is replayed. Work that fails before its write may
/// fail only because the first call succeeded, which changed the version or deleted the cart. So after any other 4xx
/// problem `stored_response` is awaited, and the problem is returned only when nothing is stored. After a 5xx problem
/// nothing is looked up: the client retries with the same key.
///
/// # Errors
/// The work's problem when no response is stored for the key; `idempotency_key_reused` when the key was used for a
/// request with another fingerprint; what `stored_response` fails with.
pub async fn replay_or_run<E: Coded>(
    stored_response: impl Future<Output = Result<Option<String>, E>>,
    work: impl Future<Output = Result<Answer, Problem>>,
) -> Result<Answer, Problem> {
    let refused = match work.await {
        Err(problem) => problem,
        done => return done,
    };
    if let Some(answer) = refused.stored_response() {
        return Answer::from_record(answer);
    }
    if !refused.status().is_client_error() || refused.code() == Code::IdempotencyKeyReused {
        return Err(refused);
    }
    match stored_response.await? {
        Some(answer) => Answer::from_record(&answer),
        None => Err(refused),
    }
}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;
    async fn from_request(_: Request, _: &S) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl<B: FromRequest<S, Rejection = Problem>, S: Send + Sync> FromRequest<S> for Idempotent<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let Some(key) = IdempotencyKey::read(&parts)? else {
            let body = B::from_request(Request::from_parts(parts, body), state).await?;
            return Ok(Self { body, call: UnscopedRequest(None) });
        };
        let Now(at) = Now::from_request_parts(&mut parts, state).await?;
        let RawBody(bytes) = RawBody::from_request(Request::from_parts(parts.clone(), body), state).await?;
        let keyed = KeyedRequest {
            route: route(&parts)?,
            key: key.as_str().to_owned(),
            fingerprint: request_fingerprint(&parts, &bytes),
            at,
        };
        let body = B::from_request(Request::from_parts(parts, Body::from(bytes)), state).await?;
        Ok(Self { body, call: UnscopedRequest(Some(keyed)) })
    }
}

/// Method and route template, as in `POST /v1/orders/{id}/cancel`. Which resource is meant is part of the fingerprint.
fn route(parts: &Parts) -> Result<String, Problem> {
    let path = parts.extensions.get::<MatchedPath>().ok_or_else(|| Problem::internal("a handler without a route"))?;
    Ok(format!("{} {}", parts.method, path.as_str()))
}

/// The fingerprint of a request: path, query and body. Headers such as `If-Match` are not part of it.
fn request_fingerprint(parts: &Parts, body: &[u8]) -> String {
    let mut bytes = parts.uri.path().as_bytes().to_vec();
    bytes.push(b'?');
    bytes.extend_from_slice(parts.uri.query().unwrap_or_default().as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(body);
    fingerprint(&bytes)
}
