//! Responses: the gateway's own errors, and the conversion of a function's response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};

/// An error response of the gateway itself, without or instead of a function's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    BadRequest,
    Unauthorized,
    Forbidden,
    NoRoute,
    RequestTooLarge,
    TooManyRequests,
    HeadTooLarge,
    Internal,
    Unavailable,
}

impl Refusal {
    /// A failure of the gateway itself. It is logged here; the caller only gets a 500.
    pub(super) fn internal(failure: &dyn std::error::Error) -> Self {
        tracing::error!(error = %failure, "the gateway failed");
        Self::Internal
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        let (status, message) = match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "Bad Request"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::NoRoute => (StatusCode::NOT_FOUND, "Not Found"),
            Self::RequestTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
            Self::HeadTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        };
        let mut answer = Response::new(Bytes::from(format!("{{\"message\":\"{message}\"}}")));
        *answer.status_mut() = status;
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self == Self::Unauthorized {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

/// The HTTP response for a function's JSON in payload format 2.0; `None` if the JSON does not have that format.
///
/// `multiValueHeaders` is not part of the format, and API Gateway ignores it: only `cookies` can repeat.
pub(super) fn from_function(json: &[u8]) -> Option<Response<Bytes>> {
    let value: Value = serde_json::from_slice(json).ok()?;
    match value {
        Value::Object(answer) if answer.contains_key("statusCode") => stated(&answer),
        // Without a `statusCode` the whole JSON is the body of a 200.
        other => {
            let mut answer = Response::new(Bytes::from(serde_json::to_vec(&other).ok()?));
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Some(answer)
        }
    }
}

fn stated(stated: &Map<String, Value>) -> Option<Response<Bytes>> {
    let status = StatusCode::from_u16(stated.get("statusCode")?.as_u64()?.try_into().ok()?).ok()?;
    let mut answer = Response::new(body_of(stated)?);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    copy_headers(stated.get("headers"), headers)?;
    for cookie in stated.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    let has_body = !answer.body().is_empty();
    if has_body && !answer.headers().contains_key(header::CONTENT_TYPE) {
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Some(answer)
}

fn body_of(stated: &Map<String, Value>) -> Option<Bytes> {
    let body = match stated.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(body)) => body,
        Some(_) => return None,
    };
    if stated.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false) {
        STANDARD.decode(body).ok().map(Bytes::from)
    } else {
        Some(Bytes::copy_from_slice(body.as_bytes()))
    }
}

fn copy_headers(stated: Option<&Value>, headers: &mut HeaderMap) -> Option<()> {
    let stated = match stated {
        None | Some(Value::Null) => return Some(()),
        Some(stated) => stated.as_object()?,
    };
    for (name, value) in stated {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = match value {
            Value::String(text) => HeaderValue::from_str(text).ok()?,
            Value::Number(_) | Value::Bool(_) => HeaderValue::from_str(&value.to_string()).ok()?,
            _ => return None,
        };
        // The connection to the client is the gateway's own, and so are the headers that frame the body on it.
        let is_hop_by_hop =
            [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE].contains(&name);
        if !is_hop_by_hop {
            headers.insert(name, value);
        }
    }
    Some(())
}
