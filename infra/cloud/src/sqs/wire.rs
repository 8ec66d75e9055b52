//! What the AWS JSON protocols have in common: the operation in `X-Amz-Target`, the caller's access key, and errors
//! in the shape that the SDKs turn into their typed ones.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use ring::rand::{SecureRandom, SystemRandom};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Whether the holder of an access key (first) may perform an action such as `sqs:SendMessage` (second) on a resource's
/// ARN (third).
pub type Permit = Arc<dyn Fn(&str, &str, &str) -> bool + Send + Sync>;

/// An error response with the service's code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The name of the error's shape, such as `QueueDoesNotExist`.
    pub(crate) code: &'static str,
    /// The code of the older query protocol, which the SDK still reads (SQS only).
    pub(crate) query_code: Option<&'static str>,
    pub(crate) message: String,
}

impl Refusal {
    /// A client error: status 400.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, query_code: None, message: message.into() }
    }

    /// Adds the code that the query protocol had for it.
    pub(crate) fn with_query_code(mut self, code: &'static str) -> Self {
        self.query_code = Some(code);
        self
    }

    /// The caller's role does not allow the action.
    pub(crate) fn denied(key: &str, action: &str, resource: &str) -> Self {
        Self::new(
            "AccessDeniedException",
            format!("User: {key} is not authorized to perform: {action} on resource: {resource}"),
        )
    }

    /// A failure of the service itself: the cause is logged and not sent to the caller.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "an embedded service failed");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalFailure",
            query_code: None,
            message: "The request processing has failed because of an unknown error.".into(),
        }
    }

    /// The response in AWS JSON.
    pub(crate) fn response(&self, content_type: &'static str) -> Response<Bytes> {
        let body = json!({ "__type": self.code, "message": self.message });
        let mut response = json_response(self.status, content_type, &body);
        if let Some(code) = self.query_code
            && let Ok(header) = HeaderValue::from_str(&format!("{code};Sender"))
        {
            response.headers_mut().insert("x-amzn-query-error", header);
        }
        response
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(cause: rusqlite::Error) -> Self {
        Self::internal(&cause)
    }
}

/// One call of an AWS JSON service.
pub(crate) struct Call<'a> {
    /// What follows the dot in `X-Amz-Target`.
    pub(crate) operation: &'a str,
    /// The caller's access key id; empty when the request is not signed.
    pub(crate) access_key: &'a str,
    body: &'a [u8],
}

impl<'a> Call<'a> {
    /// Reads a call of `service`, which is what `X-Amz-Target` has before the dot.
    pub(crate) fn read(parts: &'a Parts, body: &'a Bytes, service: &str) -> Result<Self, Refusal> {
        let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let operation = target
            .strip_prefix(service)
            .and_then(|rest| rest.strip_prefix('.'))
            .filter(|operation| !operation.is_empty())
            .ok_or_else(|| Refusal::new("UnknownOperationException", format!("no operation {target:?} here")))?;
        Ok(Self { operation, access_key: access_key(parts), body })
    }

    pub(crate) fn input<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(self.body)
            .map_err(|cause| Refusal::new("SerializationException", format!("the request cannot be read: {cause}")))
    }

    /// Rejects a caller whose role does not allow the action.
    pub(crate) fn require(&self, permit: &Permit, action: &str, resource: &str) -> Result<(), Refusal> {
        if permit(self.access_key, action, resource) {
            Ok(())
        } else {
            Err(Refusal::denied(self.access_key, action, resource))
        }
    }

    /// The error for an operation that this subset does not implement.
    pub(crate) fn unknown(&self) -> Refusal {
        Refusal::new("UnknownOperationException", format!("the embedded cloud has no operation {}", self.operation))
    }
}

/// The access key id in a signature's `Credential=`; empty when there is none.
pub(crate) fn access_key(parts: &Parts) -> &str {
    parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, credential)| credential.split(['/', ',', ' ']).next())
        .unwrap_or_default()
}

/// A JSON response with the request id that the SDKs report.
pub(crate) fn json_response(status: StatusCode, content_type: &'static str, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(&random_uuid()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// Cryptographically random bytes; zeros when the operating system has no random source.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Constant ids are accepted in that case instead of an error in every caller: nothing local needs the protection.
    if SystemRandom::new().fill(&mut bytes).is_err() {
        tracing::error!("the operating system has no random source");
    }
    bytes
}

/// A random UUID in the form of AWS's ids.
pub(crate) fn random_uuid() -> String {
    uuid::Builder::from_random_bytes(random_bytes()).into_uuid().to_string()
}
