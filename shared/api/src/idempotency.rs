//! Doing a thing once, however often it is asked for: the key, the fingerprint of a body, and the answer that is kept.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::code::Code;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use ring::digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::body::{RawBody, parse_json, require_json};
use crate::identity::{bad_header, header};
use crate::{Problem, conditional};

/// The header that names one attempt to do something.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that marks an answer as the first one, given again.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The caller's name for one attempt: 1 to 255 visible ASCII characters.
///
/// As an argument of its own type it is required (400 without it); as `Option<IdempotencyKey>` it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as the caller wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn read(parts: &Parts) -> Result<Option<Self>, Problem> {
        match header(parts, &IDEMPOTENCY_KEY)? {
            None => Ok(None),
            Some(key)
                if (1..=255).contains(&key.len()) && key.bytes().all(|character| character.is_ascii_graphic()) =>
            {
                Ok(Some(Self(key.to_owned())))
            }
            Some(_) => Err(bad_header(&IDEMPOTENCY_KEY, "1 to 255 visible ASCII characters.")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts)?.ok_or_else(|| Problem::of(Code::IdempotencyKeyMissing))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Self::read(parts)
    }
}

/// A JSON body together with the fingerprint of its bytes, which tells a repeated call from another one with the same key.
#[derive(Clone, Debug)]
pub struct Digested<T> {
    /// What was asked for.
    pub body: T,
    /// SHA-256 of the bytes, base64url.
    pub digest: String,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Digested<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        Ok(Self { body: parse_json(&bytes)?, digest: fingerprint(&bytes) })
    }
}

/// SHA-256 of some bytes, base64url.
pub fn fingerprint(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes))
}

/// An answer in a form that can be kept beside what it answers, and given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    body: String,
    /// True once it comes out of the record instead of from the work itself.
    #[serde(skip)]
    replayed: bool,
}

impl Answer {
    /// 200 with a body.
    ///
    /// # Errors
    /// 500 when the body cannot be written as JSON.
    pub fn ok(body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        Ok(Self { status: StatusCode::OK.as_u16(), location: None, version: None, body, replayed: false })
    }

    /// 201 with the place of what was made.
    ///
    /// # Errors
    /// 500 when the body cannot be written as JSON.
    pub fn created(location: String, body: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { status: StatusCode::CREATED.as_u16(), location: Some(location), ..Self::ok(body)? })
    }

    /// 202 with the place where the outcome will be seen.
    ///
    /// # Errors
    /// 500 when the body cannot be written as JSON.
    pub fn accepted(location: String, body: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { status: StatusCode::ACCEPTED.as_u16(), location: Some(location), ..Self::ok(body)? })
    }

    /// 204: it is gone.
    pub const fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT.as_u16(),
            location: None,
            version: None,
            body: String::new(),
            replayed: false,
        }
    }

    /// 201 instead, with the place of what was made.
    #[must_use]
    pub fn at(self, location: String) -> Self {
        Self { status: StatusCode::CREATED.as_u16(), location: Some(location), ..self }
    }

    /// The same answer with an `ETag` of this version.
    #[must_use]
    pub fn with_version(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// The place of what was made, when the answer names one.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// The version in its `ETag`.
    pub const fn version(&self) -> Option<u64> {
        self.version
    }

    /// Whether this is the first answer, given again: then the work itself was not done this time.
    pub const fn is_replayed(&self) -> bool {
        self.replayed
    }

    /// A member of the JSON object that it carries.
    pub fn member<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let mut body: Map<String, Value> = serde_json::from_str(&self.body).ok()?;
        body.remove(name).and_then(|found| serde_json::from_value(found).ok())
    }

    /// The same answer with another value of a member: of what an answer said, something may be good for a while only.
    ///
    /// # Errors
    /// 500 when the body is no JSON object.
    pub fn with_member(self, name: &str, value: &impl Serialize) -> Result<Self, Problem> {
        let mut body: Map<String, Value> = serde_json::from_str(&self.body).map_err(Problem::internal)?;
        body.insert(name.to_owned(), serde_json::to_value(value).map_err(Problem::internal)?);
        Ok(Self { body: serde_json::to_string(&body).map_err(Problem::internal)?, ..self })
    }

    /// The answer as the record keeps it.
    ///
    /// # Errors
    /// 500; it does not happen, an answer is text and numbers.
    pub fn to_record(&self) -> Result<String, Problem> {
        serde_json::to_string(self).map_err(Problem::internal)
    }

    /// The stored response, to be given again with `Idempotent-Replayed: true`.
    ///
    /// # Errors
    /// 500 when the record is not an answer.
    pub fn from_record(record: &str) -> Result<Self, Problem> {
        let stored: Self = serde_json::from_str(record).map_err(Problem::internal)?;
        Ok(Self { replayed: true, ..stored })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let empty = self.body.is_empty();
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        if !empty {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(location) = self.location.and_then(|location| HeaderValue::try_from(location).ok()) {
            headers.insert(LOCATION, location);
        }
        if let Some(version) = self.version {
            headers.insert(ETAG, conditional::etag_of(version));
        }
        if self.replayed {
            headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<Option<IdempotencyKey>, Code> {
        let (parts, ()) = http::Request::get("/").header(IDEMPOTENCY_KEY, text).body(()).unwrap().into_parts();
        IdempotencyKey::read(&parts).map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn a_key_is_short_visible_ascii_and_required_where_asked() {
        assert_eq!(key("8e03978e-40d5").unwrap().unwrap().as_str(), "8e03978e-40d5");
        for bad in ["", "two words", &"k".repeat(256)] {
            assert_eq!(key(bad), Err(Code::Malformed), "{bad}");
        }
        let (mut parts, ()) = http::Request::get("/").body(()).unwrap().into_parts();
        let missing = <IdempotencyKey as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!(missing.code(), Code::IdempotencyKeyMissing);
    }

    #[test]
    fn a_stored_response_is_replayed_as_it_was_and_says_so() {
        let first = Answer::created("/v1/orders/ord_1".to_owned(), &[1]).unwrap().with_version(3);
        let again = Answer::from_record(&first.to_record().unwrap()).unwrap();
        let (first, again) = (first.into_response(), again.into_response());
        assert_eq!((first.status(), again.status()), (StatusCode::CREATED, StatusCode::CREATED));
        assert_eq!(again.headers()[LOCATION], "/v1/orders/ord_1");
        assert_eq!(again.headers()[ETAG], "\"3\"");
        assert!(!first.headers().contains_key(IDEMPOTENT_REPLAYED));
        assert_eq!(again.headers()[IDEMPOTENT_REPLAYED], "true");
    }
}
