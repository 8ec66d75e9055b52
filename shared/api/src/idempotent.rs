//! Calls that may carry an `Idempotency-Key`: all unsafe ones that have a buyer, a member, a cart or an order behind them.
//!
//! A handler takes its body through [`Idempotent`], says whose the call is as soon as it knows that the caller may do it, and does
//! its work inside [`once`]. It makes its answer before it writes, and hands it to the table with the change: both are
//! written, or neither is.

use std::fmt::Display;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use domain::code::Code;
use domain::{Coded, IdempotentRequest, StoredResponse, Timestamp};
use http::request::Parts;

use crate::body::RawBody;
use crate::idempotency::{IdempotencyKey, fingerprint};
use crate::{Answer, Now, Problem};

/// A body, and the name that the caller gave to the call.
#[derive(Clone, Debug)]
pub struct Idempotent<B> {
    /// What was asked for.
    pub body: B,
    /// The name, until it is said whose it is.
    pub call: UnscopedRequest,
}

/// The body of a call that needs none: whatever comes is passed over.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

/// What a caller named, when nobody has said yet who the caller is. Without a key there is nothing in it.
#[derive(Clone, Debug)]
pub struct UnscopedRequest(Option<KeyedRequest>);

#[derive(Clone, Debug)]
struct KeyedRequest {
    route: String,
    key: String,
    fingerprint: String,
    at: Timestamp,
}

/// A call of somebody. Without a key there is nothing in it.
#[derive(Clone, Debug)]
pub struct ScopedRequest(Option<IdempotentRequest>);

impl UnscopedRequest {
    /// Says whose it is: the same key of another caller is another key.
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
    /// Its name, for the table that knows whether it was answered before.
    pub const fn as_idempotent(&self) -> Option<&IdempotentRequest> {
        self.0.as_ref()
    }

    /// The answer, to be kept with the change that it tells of. Nothing when the call has no key.
    ///
    /// # Errors
    /// 500; it does not happen, an answer is text and numbers.
    pub fn stored(&self, answer: &Answer) -> Result<Option<StoredResponse>, Problem> {
        let stored_response =
            |call: &IdempotentRequest| Ok(StoredResponse { request: call.clone(), response: answer.to_record()? });
        self.0.as_ref().map(stored_response).transpose()
    }
}

/// Does the work, unless it was done before under the same key: then the first answer is given again.
///
/// The write itself says so when it is refused for that reason, and nothing more is read. Work that is refused earlier may be
/// refused only because the first call has succeeded: its version is gone, its cart is. So a refusal asks `kept`.
///
/// # Errors
/// What the work is refused for, when the key is new; `idempotency_key_reused` when it was used for something else.
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

/// Method and route, whatever stands in the place of its parameters.
fn route(parts: &Parts) -> Result<String, Problem> {
    let path = parts.extensions.get::<MatchedPath>().ok_or_else(|| Problem::internal("a handler without a route"))?;
    Ok(format!("{} {}", parts.method, path.as_str()))
}

/// What was asked for: of which thing, with which parameters, with which body.
fn request_fingerprint(parts: &Parts, body: &[u8]) -> String {
    let mut bytes = parts.uri.path().as_bytes().to_vec();
    bytes.push(b'?');
    bytes.extend_from_slice(parts.uri.query().unwrap_or_default().as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(body);
    fingerprint(&bytes)
}
