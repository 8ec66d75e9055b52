//! Problem details (RFC 9457): the only place where an error's code meets an HTTP status.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use domain::code::{Code, Coded, FieldError};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Ref;

/// The content type of every problem.
pub const CONTENT: &str = "application/problem+json";

/// The error type of every handler: why a request was refused or failed.
///
/// `?` makes one from any [`Coded`] error. The response to a failure of ours (5xx) has fixed words, so that it
/// discloses nothing; the error's text is in `cause`, which the router logs once together with the request's id.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    retry_after: Option<u32>,
    cause: Option<String>,
}

/// The document that a client gets, `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'a> {
    /// The kind of problem: `urn:bozor:problem:` and the code.
    #[schema(format = "uri", examples("urn:bozor:problem:out_of_stock"))]
    r#type: String,
    /// The kind of problem, for people.
    title: &'a str,
    /// The HTTP status.
    #[schema(value_type = u16, examples(409))]
    status: u16,
    /// What happened this time, for people. May change.
    detail: &'a str,
    /// The id of the request, to be quoted to support.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    /// The stable name of the problem: what a client should look at.
    #[schema(schema_with = code_reference)]
    code: &'a str,
    /// The parts of the input that it concerns.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

/// A reference to the shared schema `Code`, the closed list of codes, in the place of a plain string.
fn code_reference() -> Ref {
    Ref::from_schema_name("Code")
}

/// The document of a code with a sample request id, for the OpenAPI document.
pub(crate) fn example_of_problem(code: Code) -> serde_json::Value {
    serde_json::from_slice(&Problem::of(code).document(Some("syoen_PjfpevvB0="))).unwrap_or_default()
}

/// Whether a problem with this code may carry `Retry-After`. `wrong_state` has no default: the error may give a time.
pub(crate) const fn may_wait(code: Code) -> bool {
    default_retry_after(code).is_some() || matches!(code, Code::WrongState)
}

/// The statuses with which the gateway responds by itself: from its authorizer, its limit on bodies and its throttle,
/// and for a function that fails or times out.
pub(crate) fn statuses_of_gateway(is_secured: bool, has_body: bool) -> impl Iterator<Item = StatusCode> {
    [
        (StatusCode::UNAUTHORIZED, is_secured),
        (StatusCode::FORBIDDEN, is_secured),
        (StatusCode::PAYLOAD_TOO_LARGE, has_body),
        (StatusCode::TOO_MANY_REQUESTS, true),
        (StatusCode::INTERNAL_SERVER_ERROR, true),
        (StatusCode::SERVICE_UNAVAILABLE, true),
    ]
    .into_iter()
    .filter_map(|(status, does)| does.then_some(status))
}

/// The HTTP status of a code. The match is exhaustive, so a new code does not compile without one.
pub const fn status_of(code: Code) -> StatusCode {
    match code {
        Code::Malformed
        | Code::Invalid
        | Code::InvalidCursor
        | Code::IdempotencyKeyMissing
        | Code::CodeMismatch
        | Code::BadSignature => StatusCode::BAD_REQUEST,
        Code::Unauthorized | Code::InvalidCredentials => StatusCode::UNAUTHORIZED,
        Code::Forbidden
        | Code::MfaRequired
        | Code::StepUpNeeded
        | Code::RefundLimit
        | Code::VendorSuspended
        | Code::NotConfirmed => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::IdempotencyKeyReused
        | Code::IdempotencyInProgress
        | Code::WrongState
        | Code::PaymentDisputed
        | Code::Conflict
        | Code::HandleTaken
        | Code::AlreadyExists
        | Code::PasswordNeeded
        | Code::OutOfStock
        | Code::PriceChanged
        | Code::NoPriceInCurrency
        | Code::NotAvailable
        | Code::NotDeliverable
        | Code::CartEmpty
        | Code::AddressMissing
        | Code::CartOrdered
        | Code::CartFull
        | Code::PaymentMethodUnavailable
        | Code::ImportRunning
        | Code::ChecklistIncomplete
        | Code::TermsNotAccepted
        | Code::LimitReached => StatusCode::CONFLICT,
        Code::Expired | Code::CodeExpired | Code::TokenExpired => StatusCode::GONE,
        Code::VersionMismatch => StatusCode::PRECONDITION_FAILED,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::IfMatchMissing => StatusCode::PRECONDITION_REQUIRED,
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Unavailable | Code::NewerData => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The `Retry-After` in seconds for an error that gives none itself; none where a retry would fail again.
const fn default_retry_after(code: Code) -> Option<u32> {
    match status_of(code) {
        StatusCode::SERVICE_UNAVAILABLE => Some(2),
        StatusCode::TOO_MANY_REQUESTS => Some(60),
        // The first request with the key is still running.
        _ if matches!(code, Code::IdempotencyInProgress) => Some(2),
        // Most files are imported within a minute.
        _ if matches!(code, Code::ImportRunning) => Some(30),
        // Contention for the same items.
        _ if matches!(code, Code::Conflict) => Some(1),
        _ => None,
    }
}

impl Problem {
    /// A problem whose detail is the code's fixed meaning, with the code's default `Retry-After`.
    pub const fn of(code: Code) -> Self {
        Self { code, detail: None, errors: Vec::new(), retry_after: default_retry_after(code), cause: None }
    }

    /// A problem with this detail instead of the code's meaning. With a 5xx code the detail is not sent.
    pub fn because(code: Code, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::of(code) }
    }

    /// A failure on our side: the cause goes to the log, never to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..Self::of(Code::Internal) }
    }

    /// 400 `invalid` for one field: its JSON pointer or parameter name, a stable code, and a detail for people.
    pub fn field(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of(Code::Invalid).with_errors(vec![FieldError::new(pointer, code, detail)])
    }

    /// The same problem with these field errors. With a 5xx code they are not sent.
    #[must_use]
    pub fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// The stable code, from which status and title follow.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The HTTP status that [`status_of`] assigns to the code.
    pub const fn status(&self) -> StatusCode {
        status_of(self.code)
    }

    /// What happened this time, in words that may be shown; none for a failure of ours.
    pub fn detail_for_people(&self) -> Option<&str> {
        if self.status().is_server_error() { None } else { self.detail.as_deref() }
    }

    /// The parts of the input that it concerns; none for a failure of ours.
    pub fn errors(&self) -> &[FieldError] {
        if self.status().is_server_error() { &[] } else { &self.errors }
    }

    /// The error's text with its sources, for the log only. Only failures of ours (5xx) have one.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The JSON document, with the id of the request as `instance` when it is known.
    pub(crate) fn document(&self, instance: Option<&str>) -> Vec<u8> {
        let ours = self.status().is_server_error();
        let own_words = if ours { None } else { self.detail.as_deref() };
        serde_json::to_vec(&ProblemDocument {
            r#type: format!("urn:bozor:problem:{}", self.code.as_str()),
            title: self.code.meaning(),
            status: self.status().as_u16(),
            detail: own_words.unwrap_or(self.code.meaning()),
            instance,
            code: self.code.as_str(),
            errors: if ours { &[] } else { &self.errors },
        })
        .unwrap_or_default()
    }
}

impl<E: Coded> From<E> for Problem {
    fn from(error: E) -> Self {
        let code = error.code();
        let cause = status_of(code).is_server_error().then(|| chain(&error));
        Self {
            code,
            detail: error.detail(),
            errors: error.fields(),
            retry_after: error.retry_after().or(default_retry_after(code)),
            cause,
        }
    }
}

/// An error and its sources on one line, separated by colons.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        // Some wrappers already print their source: do not repeat it.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = source.source();
    }
    line
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.document(None)));
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // For the router's middleware, which adds the request's id to the body and logs the cause.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct TableDown(std::io::Error);

    impl std::fmt::Display for TableDown {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("the orders table does not answer")
        }
    }

    impl std::error::Error for TableDown {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    impl Coded for TableDown {
        fn code(&self) -> Code {
            Code::Unavailable
        }
        fn detail(&self) -> Option<String> {
            Some("table orders-7 in eu-1".to_owned())
        }
        fn retry_after(&self) -> Option<u32> {
            Some(7)
        }
    }

    fn json(problem: &Problem) -> serde_json::Value {
        serde_json::from_slice(&problem.document(Some("req-1"))).unwrap()
    }

    #[test]
    fn a_refusal_tells_the_client_what_and_where() {
        let problem = Problem::from(domain::code::Refusal::field("/quantity", "too_large", "at most 99"));
        let meaning = Code::Invalid.meaning();
        assert_eq!(
            json(&problem),
            serde_json::json!({
                "type": "urn:bozor:problem:invalid", "title": meaning, "status": 400, "detail": meaning,
                "instance": "req-1", "code": "invalid",
                "errors": [{"pointer": "/quantity", "code": "too_large", "detail": "at most 99"}],
            })
        );
    }

    #[test]
    fn a_failure_of_ours_keeps_its_reason_for_the_log() {
        let problem = Problem::from(TableDown(std::io::Error::other("connection reset")));
        let text = json(&problem).to_string();
        assert!(!text.contains("orders-7") && !text.contains("reset"), "{text}");
        assert_eq!(problem.cause(), Some("the orders table does not answer: connection reset"));
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "7");
    }

    #[test]
    fn whoever_may_retry_gets_retry_after() {
        for code in Code::ALL.iter().copied() {
            let status = status_of(code);
            let has_retry_after = Problem::of(code).into_response().headers().contains_key(RETRY_AFTER);
            let passes = matches!(code, Code::IdempotencyInProgress | Code::Conflict | Code::ImportRunning);
            let wanted = matches!(status.as_u16(), 429 | 503) || passes;
            assert_eq!(has_retry_after, wanted, "{}", code.as_str());
            assert!(status.is_client_error() || status.is_server_error(), "{}", code.as_str());
        }
    }
}
