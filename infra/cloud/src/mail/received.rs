//! The viewer of messages: JSON, or a page for a browser.

use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::json;

use super::page::Received;
use super::{answer, page};

/// The most messages that the viewer shows.
pub(crate) const MAX_SHOWN: usize = 200;

/// The contact that a viewer's request asks for: `…?to=CONTACT`.
pub(crate) fn asked_for(parts: &Parts) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(parts.uri.query()?).ok()?;
    pairs.into_iter().find(|(name, _)| name == "to").map(|(_, contact)| contact)
}

/// Whether the request comes from somebody who looks.
pub(super) fn is_for_a_browser(parts: &Parts) -> bool {
    parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default().contains("text/html")
}

/// A page with these messages.
pub(super) fn page_of(heading: &str, messages: &[Received], to: Option<&str>) -> Response<Bytes> {
    let mut response = answer(StatusCode::OK, "text/html; charset=utf-8", page::write(heading, messages, to));
    // A second barrier behind escaping: nothing in a message can run scripts or load anything.
    response.headers_mut().insert(
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
    );
    response
}

/// Shows messages of all channels, newest first.
pub(crate) fn show(parts: &Parts, mut messages: Vec<Received>, to: Option<&str>) -> Response<Bytes> {
    messages.sort_by_key(|received| std::cmp::Reverse(received.stored.at.millis()));
    messages.truncate(MAX_SHOWN);
    if is_for_a_browser(parts) {
        return page_of("Messages", &messages, to);
    }
    answer(StatusCode::OK, "application/json", json!({ "items": messages }).to_string())
}
