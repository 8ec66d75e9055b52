//! Requests that may carry an `Idempotency-Key`: all unsafe ones whose caller is a buyer, a member, a cart or an order.
//!
//! A handler takes its body through [`Idempotent`]. It authorizes the caller, scopes the key to them with
//! [`UnscopedRequest::scoped_to`], and calls a use case with [`ScopedRequest::responding`]. The use case makes the
//! response before it writes, and the table writes the change and the response in one transaction: a crash leaves both
//! or neither, so a retry either replays or starts anew. [`Keyed`] is for a request that has to have a key.

use std::fmt::Display;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use domain::{Call, Code, IdempotentRequest, Refusal, Timestamp};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::body::{RawBody, parse_json, require_json};
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

/// Time, key, route and fingerprint of a request whose caller is not authorized yet. Without an `Idempotency-Key` it
/// has its time only.
///
/// No table accepts it, so that a handler cannot look up a key before it knows whose key it is.
#[derive(Clone, Debug)]
pub struct UnscopedRequest {
    at: Timestamp,
    keyed: Option<KeyedRequest>,
}

#[derive(Clone, Debug)]
struct KeyedRequest {
    route: String,
    key: String,
    fingerprint: String,
    at: Timestamp,
}

/// A request whose key is scoped to its caller. Without an `Idempotency-Key` nothing is stored or replayed.
#[derive(Clone, Debug)]
pub struct ScopedRequest {
    at: Timestamp,
    request: Option<IdempotentRequest>,
}

/// A JSON body with the idempotency key that its request has to have. The fingerprint is that of the body's bytes
/// alone.
#[derive(Clone, Debug)]
pub struct Keyed<T> {
    /// The deserialized body.
    pub body: T,
    keyed: KeyedRequest,
}

impl KeyedRequest {
    fn scoped_to(self, caller: impl Display) -> IdempotentRequest {
        let Self { route, key, fingerprint, at } = self;
        IdempotentRequest { caller: caller.to_string(), route, key, fingerprint, at }
    }
}

impl UnscopedRequest {
    /// Scopes the key to a caller: callers that choose the same key do not share it, and no caller can read another's
    /// stored response.
    pub fn scoped_to(self, caller: impl Display) -> ScopedRequest {
        ScopedRequest { at: self.at, request: self.keyed.map(|keyed| keyed.scoped_to(caller)) }
    }
}

impl<T> Keyed<T> {
    /// The body, and the request with its key scoped to a caller.
    pub fn scoped_to(self, caller: impl Display) -> (T, ScopedRequest) {
        let at = self.keyed.at;
        (self.body, ScopedRequest { at, request: Some(self.keyed.scoped_to(caller)) })
    }
}

impl ScopedRequest {
    /// The request as a use case takes it: it answers with what `respond` makes of the result, which is stored under
    /// the key, if there is one.
    pub fn responding<'a, T: ?Sized>(
        &'a self,
        respond: &'a (dyn Fn(&T) -> Result<Answer, Refusal> + Send + Sync),
    ) -> Call<'a, T, Answer> {
        Call::new(self.at, self.request.as_ref(), Answer::to_record, respond)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Keyed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let key = IdempotencyKey::read(&parts)?.ok_or_else(|| Problem::of(Code::IdempotencyKeyMissing))?;
        require_json(&parts.headers)?;
        let Now(at) = Now::from_request_parts(&mut parts, state).await?;
        let (route, key) = (route(&parts)?, key.as_str().to_owned());
        let RawBody(bytes) = RawBody::from_request(Request::from_parts(parts, body), state).await?;
        let keyed = KeyedRequest { route, key, fingerprint: fingerprint(&bytes), at };
        Ok(Self { body: parse_json(&bytes)?, keyed })
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
        let Now(at) = Now::from_request_parts(&mut parts, state).await?;
        let Some(key) = IdempotencyKey::read(&parts)? else {
            let body = B::from_request(Request::from_parts(parts, body), state).await?;
            return Ok(Self { body, call: UnscopedRequest { at, keyed: None } });
        };
        let RawBody(bytes) = RawBody::from_request(Request::from_parts(parts.clone(), body), state).await?;
        let keyed = KeyedRequest {
            route: route(&parts)?,
            key: key.as_str().to_owned(),
            fingerprint: request_fingerprint(&parts, &bytes),
            at,
        };
        let body = B::from_request(Request::from_parts(parts, Body::from(bytes)), state).await?;
        Ok(Self { body, call: UnscopedRequest { at, keyed: Some(keyed) } })
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
