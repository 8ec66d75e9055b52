//! Extractors and responses: JSON bodies, query and path parameters, raw bytes. Their rejections are problems.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::code::{Code, FieldError};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::Problem;
use crate::strict::Strict;

/// A JSON body: as an argument it is checked by [`parse_json`], as a result it is serialized with status 200.
///
/// Request types refuse unknown fields with `#[serde(deny_unknown_fields)]`, so that a misspelled one is not ignored.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// A body that may be missing: then no content type is required.
#[derive(Debug)]
pub struct OrDefault<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OrDefault<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        let mut said = Request::new(Body::from(bytes));
        *said.headers_mut() = headers;
        Json::from_request(said, state).await.map(|Json(said)| Self(said))
    }
}

/// Query parameters. Their type refuses unknown ones with `#[serde(deny_unknown_fields)]`, so that a misspelled filter
/// is not ignored.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// Path parameters. An id that does not parse cannot exist, so the response is 404 `not_found`, not 400.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

/// The unparsed bytes of a body: for webhook signatures, which cover the exact bytes, and for files.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

/// A response that somebody else has made: status, headers and bytes are passed on as they are.
#[derive(Clone, Debug)]
pub struct RawReply(pub http::Response<Bytes>);

impl IntoResponse for RawReply {
    fn into_response(self) -> Response {
        self.0.map(Body::from)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        parse_json(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json_response(serde_json::to_vec(&self.0))
    }
}

pub(crate) fn json_response(written: Result<Vec<u8>, serde_json::Error>) -> Response {
    match written {
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(error) => Problem::internal(error).into_response(),
    }
}

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(Problem::of(Code::TooLarge)),
            Err(_) => Err(Problem::because(Code::Malformed, "The body did not arrive completely.")),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // The form of a search sends every field: an empty one means that nothing was given, so it is dropped. Where
        // something is changed, an empty `dry_run` is a mistake, and an empty cursor would begin again for ever.
        let is_filled = |pair: &&str| match pair.split_once('=') {
            Some((name, "")) => !parts.method.is_safe() || name == "cursor",
            _ => true,
        };
        let query = parts.uri.query().unwrap_or_default();
        let filled = query.split('&').filter(is_filled).collect::<Vec<_>>().join("&");
        let pairs = form_urlencoded::parse(filled.as_bytes());
        serde_path_to_error::deserialize(Strict(serde_urlencoded::Deserializer::new(pairs)))
            .map(Self)
            .map_err(|error| bad_parameter(error.path(), &error.inner().to_string()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => Err(Problem::of(Code::NotFound)),
            Err(other) => Err(Problem::internal(other)),
        }
    }
}

/// Deserializes JSON and locates what is wrong with it. Arrays in the place of objects are refused as well.
///
/// # Errors
/// `malformed` with line and column when the bytes are not JSON; `invalid` with a JSON pointer (RFC 6901) when the JSON
/// does not fit the type.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Some clients on Windows begin a text with a byte order mark, which RFC 8259, 8.1 allows a parser to ignore.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Strict(&mut deserializer))
        .map_err(|error| bad_json(error.path(), error.inner()))?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// Requires `Content-Type: application/json`. An HTML form cannot send it, so a cross-site form post is refused (CSRF).
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = named.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Problem::because(Code::UnsupportedMediaType, "Send the body as application/json."))
    }
}

fn not_json(error: &serde_json::Error) -> Problem {
    let what = without_position(&error.to_string()).to_owned();
    let detail = format!("The body is not JSON: {what} (line {}, column {}).", error.line(), error.column());
    Problem::because(Code::Malformed, detail)
}

fn bad_json(path: &serde_path_to_error::Path, error: &serde_json::Error) -> Problem {
    if error.is_data() {
        let message = error.to_string();
        let (fault, field) = fault_of(without_position(&message));
        let pointer = path.iter().map(pointer_step).chain(missing_step(path, field)).collect::<String>();
        Problem::of(Code::Invalid).with_errors(vec![FieldError::new(
            pointer,
            fault,
            shortened(without_position(&message)),
        )])
    } else {
        not_json(error)
    }
}

fn bad_parameter(path: &serde_path_to_error::Path, message: &str) -> Problem {
    let (fault, field) = fault_of(message);
    let name = match (field, path.iter().next()) {
        (Some(field), _) => field.to_owned(),
        (None, Some(Segment::Map { key })) => key.clone(),
        (None, _) => String::new(),
    };
    Problem::of(Code::Invalid).with_errors(vec![FieldError::new(name, fault, shortened(message))])
}

/// One segment of a serde path as a reference token of a JSON pointer (RFC 6901).
fn pointer_step(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } | Segment::Enum { variant: key } => step(key),
        Segment::Unknown => String::new(),
    }
}

fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The pointer token of the field that an error names, unless the path already ends with it.
fn missing_step(path: &serde_path_to_error::Path, field: Option<&str>) -> Option<String> {
    let field = field?;
    match path.iter().next_back() {
        Some(Segment::Map { key }) if key == field => None,
        _ => Some(step(field)),
    }
}

/// The stable fault code for one of serde's messages, and the field that the message names. A message in other words is
/// `invalid`.
fn fault_of(message: &str) -> (&'static str, Option<&str>) {
    const FIELDS: [(&str, &str); 3] = [
        ("missing field `", "missing"),
        ("unknown field `", "unknown_field"),
        ("duplicate field `", "duplicate_field"),
    ];
    for (start, fault) in FIELDS {
        if let Some(rest) = message.strip_prefix(start) {
            return (fault, rest.split('`').next());
        }
    }
    const VALUES: [(&str, &str); 4] = [
        ("invalid type", "wrong_type"),
        ("invalid value", "invalid_value"),
        ("invalid length", "wrong_length"),
        ("unknown variant", "unknown_value"),
    ];
    let fault = VALUES.iter().find(|(start, _)| message.starts_with(start)).map_or("invalid", |(_, fault)| fault);
    (fault, None)
}

fn without_position(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(what, _)| what)
}

/// A message cut to 200 characters: serde quotes the wrong value, which may be as long as the body.
fn shortened(message: &str) -> String {
    const MAX_LENGTH: usize = 200;
    match message.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
