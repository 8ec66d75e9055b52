//! Errors with Stripe's types, codes and messages.

use http::StatusCode;
use serde_json::{Map, Value, json};

/// An error response of Stripe's API.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    parts: Map<String, Value>,
    /// Whether it is stored under the idempotency key: a refusal because of an object's state is, one because of the
    /// parameters is not.
    pub(super) is_stored: bool,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status, kind, code, message: message.into(), parts: Map::new(), is_stored: false }
    }

    /// A parameter is missing or invalid.
    pub(super) fn invalid(code: &'static str, param: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", Some(code), message).with("param", param.into())
    }

    /// There is no such object.
    pub(super) fn missing(kind: &str, param: &str, id: &str) -> Self {
        let message = format!("No such {kind}: '{id}'");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", Some("resource_missing"), message)
            .with("param", param.into())
    }

    /// The state of the object does not allow it.
    pub(super) fn state(code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { is_stored: true, ..Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", code, message) }
    }

    pub(super) fn declined(decline_code: &str) -> Self {
        let refusal =
            Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", Some("card_declined"), "Your card was declined.");
        Self { is_stored: true, ..refusal }.with("decline_code", decline_code.into())
    }

    pub(super) fn unknown_url(method: &http::Method, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", None, message)
    }

    /// There is no API key, or it is not the account's.
    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", None, message)
    }

    /// The idempotency key was used with another request.
    pub(super) fn idempotency(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try \
             using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", None, message)
    }

    /// Another request with this idempotency key is running.
    pub(super) fn in_use() -> Self {
        let message = "There is currently another in-progress request using this idempotent key.";
        Self::new(StatusCode::CONFLICT, "idempotency_error", Some("idempotency_key_in_use"), message)
    }

    /// Something is wrong inside Stripe.
    pub(super) fn broken() -> Self {
        let message = "An unknown error occurred.";
        let refusal = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", None, message);
        Self { is_stored: true, ..refusal }
    }

    pub(super) fn throttled() -> Self {
        let message = "Request rate limit exceeded.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "invalid_request_error", Some("rate_limit"), message)
    }

    /// Adds a field to the error object.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.parts.insert(name.to_owned(), value);
        self
    }

    pub(super) fn body(&self) -> Value {
        let mut error = self.parts.clone();
        error.insert("type".to_owned(), self.kind.into());
        error.insert("message".to_owned(), self.message.clone().into());
        if let Some(code) = self.code {
            error.insert("code".to_owned(), code.into());
        }
        json!({ "error": error })
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(cause: rusqlite::Error) -> Self {
        tracing::error!(%cause, "the sandbox of Stripe cannot use its database");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", None, "the sandbox cannot use its database")
    }
}
