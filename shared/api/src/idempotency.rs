//! The parts of idempotent requests: the `Idempotency-Key` header, the fingerprint of a request, and the response that
//! is stored for a replay. [`crate::idempotent`] puts them together.

use std::str::FromStr;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::upload::Upload;
use domain::{Code, Outcome, Refusal, Timestamp};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use ring::digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::identity::{bad_header, header};
use crate::{Problem, conditional};

/// The request header with the client's idempotency key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The response header, with the value `true`, that marks the answer to a repeat.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// An idempotency key, chosen by the client for one operation and sent again with each retry: 1 to 255 visible ASCII
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as it was sent, without the blanks around it.
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

/// SHA-256 of these bytes in base64url without padding: 43 characters.
pub fn fingerprint(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes))
}

/// How long after its expiry an upload URL is signed again for a replay. Later its file may be in use, and must not be
/// replaced.
const RENEW_WINDOW: Duration = Duration::from_secs(3_000);
/// The member of a response that says how to upload.
const UPLOAD: &str = "upload";

fn unwritten(error: &serde_json::Error) -> Refusal {
    Refusal::because(Code::Internal, format!("a response cannot be written: {error}"))
}

/// A response that can be stored in the same transaction as the change it reports, and replayed for a retry.
///
/// It holds what a replay has to reproduce: status, `Location`, version (`ETag`) and JSON body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    body: String,
    /// True when an earlier request was carried out, and this one was not. Not stored itself: the record always holds
    /// the first response.
    #[serde(skip)]
    replayed: bool,
}

impl Answer {
    /// A 200 response with a JSON body.
    ///
    /// # Errors
    /// `internal` when the body cannot be written as JSON.
    pub fn ok(body: &impl Serialize) -> Result<Self, Refusal> {
        let body = serde_json::to_string(body).map_err(|error| unwritten(&error))?;
        Ok(Self { status: StatusCode::OK.as_u16(), location: None, version: None, body, replayed: false })
    }

    /// A 201 response with a JSON body and the path of the created resource in `Location`.
    ///
    /// # Errors
    /// `internal` when the body cannot be written as JSON.
    pub fn created(location: String, body: &impl Serialize) -> Result<Self, Refusal> {
        Ok(Self { status: StatusCode::CREATED.as_u16(), location: Some(location), ..Self::ok(body)? })
    }

    /// A 202 response with a JSON body and, in `Location`, the path under which the outcome can be polled.
    ///
    /// # Errors
    /// `internal` when the body cannot be written as JSON.
    pub fn accepted(location: String, body: &impl Serialize) -> Result<Self, Refusal> {
        Ok(Self { status: StatusCode::ACCEPTED.as_u16(), location: Some(location), ..Self::ok(body)? })
    }

    /// A 204 response, without a body.
    pub const fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT.as_u16(),
            location: None,
            version: None,
            body: String::new(),
            replayed: false,
        }
    }

    /// The same response as 201, with the path of the created resource in `Location`.
    #[must_use]
    pub fn at(self, location: String) -> Self {
        Self { status: StatusCode::CREATED.as_u16(), location: Some(location), ..self }
    }

    /// The same response with the `ETag` of this version.
    #[must_use]
    pub fn with_version(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// The id of what was created, from a `Location` of this path with the id behind it. After a replay it is what the
    /// first call created.
    ///
    /// # Errors
    /// 500 when the location is another one.
    pub fn created_at<T: FromStr>(&self, path: &str) -> Result<T, Problem> {
        let id = self.location.as_deref().and_then(|location| location.strip_prefix(path)?.parse().ok());
        id.ok_or_else(|| Problem::internal(format!("nothing was created at {path}")))
    }

    /// The version that its `ETag` is made from, if any.
    pub const fn version(&self) -> Option<u64> {
        self.version
    }

    /// Whether this is a replay of a stored response: then this call has changed nothing.
    pub const fn is_replayed(&self) -> bool {
        self.replayed
    }

    /// A member of the JSON object in the body; none when it is absent or does not deserialize as `T`.
    pub fn member<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let mut body: Map<String, Value> = serde_json::from_str(&self.body).ok()?;
        body.remove(name).and_then(|found| serde_json::from_value(found).ok())
    }

    /// The same response with an upload URL that is still valid: an expired one in a stored response is signed again by
    /// `sign`, within an hour of the first request.
    ///
    /// # Errors
    /// What `sign` fails with; 500 when the body is not a JSON object.
    pub async fn with_upload_renewed<E>(
        self,
        now: Timestamp,
        sign: impl Future<Output = Result<Upload, E>>,
    ) -> Result<Self, Problem>
    where
        Problem: From<E>,
    {
        match self.member::<Upload>(UPLOAD) {
            Some(upload) if upload.expires_at <= now && now < upload.expires_at + RENEW_WINDOW => {
                let mut body: Map<String, Value> = serde_json::from_str(&self.body).map_err(Problem::internal)?;
                body.insert(UPLOAD.to_owned(), serde_json::to_value(sign.await?).map_err(Problem::internal)?);
                Ok(Self { body: serde_json::to_string(&body).map_err(Problem::internal)?, ..self })
            }
            _ => Ok(self),
        }
    }

    /// The response as JSON text, to be stored for a replay.
    ///
    /// # Errors
    /// `internal` when serialization fails, which strings and numbers do not cause.
    pub fn to_record(&self) -> Result<String, Refusal> {
        serde_json::to_string(self).map_err(|error| unwritten(&error))
    }

    /// The response to a request that was carried out, or the stored one of its first try.
    ///
    /// # Errors
    /// 500 when the record does not deserialize.
    pub fn of(outcome: Outcome<Self>) -> Result<Self, Problem> {
        match outcome {
            Outcome::Done(answer) => Ok(answer),
            Outcome::Replayed(record) => Self::from_record(&record),
            Outcome::Repeated(Some(answer)) => Ok(Self { replayed: true, ..answer }),
            Outcome::Repeated(None) => Err(Problem::internal("nothing was read for the answer to a replay")),
        }
    }

    /// Reads back what [`to_record`](Self::to_record) wrote, as a replay: it is sent with `Idempotent-Replayed: true`.
    ///
    /// # Errors
    /// 500 when the record does not deserialize.
    fn from_record(record: &str) -> Result<Self, Problem> {
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

    #[test]
    fn a_key_is_short_visible_ascii() {
        assert_eq!(key("8e03978e-40d5").unwrap().unwrap().as_str(), "8e03978e-40d5");
        for bad in ["", "two words", &"k".repeat(256)] {
            assert_eq!(key(bad), Err(Code::Malformed), "{bad}");
        }
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
