//! Conditional requests (RFC 9110, 13): `ETag`, `If-Match`, and responses that shared caches may store.

use axum::body::Bytes;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::text::ContentLanguage;
use domain::{Code, Expected};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, ETAG, IF_MATCH};
use http::request::Parts;
use ring::digest;
use serde::Serialize;

use crate::body::json_response;
use crate::identity::{bad_header, header};
use crate::{Json, Problem};

/// The strong entity tag of a version: the number in double quotes, `"3"`.
pub fn etag_of(version: u64) -> HeaderValue {
    quoted(&version.to_string())
}

fn quoted(opaque: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{opaque}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// A 200 response with a JSON body and the `ETag` of its version, for `If-Match` in a later change.
#[derive(Clone, Debug)]
pub struct Versioned<T> {
    /// The version number of the stored item, which becomes the `ETag`.
    pub version: u64,
    /// The resource, serialized as the JSON body.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        response.headers_mut().insert(ETAG, etag_of(self.version));
        response
    }
}

/// A public JSON response that shared caches may store. Its `ETag` is a hash of the body's bytes.
#[derive(Clone, Debug)]
pub struct Cached<T> {
    body: T,
    fresh_s: u32,
    stale_s: u32,
}

impl<T> Cached<T> {
    /// A response that is fresh for `fresh_s` seconds (`s-maxage`), and may be served stale for `stale_s` more while
    /// the cache fetches a new one (`stale-while-revalidate`).
    pub const fn new(body: T, fresh_s: u32, stale_s: u32) -> Self {
        Self { body, fresh_s, stale_s }
    }
}

impl<T: Serialize> IntoResponse for Cached<T> {
    fn into_response(self) -> Response {
        let written = serde_json::to_vec(&self.body);
        let tag = written.as_ref().ok().map(|bytes| tag_of_bytes(bytes));
        let mut response = json_response(written);
        if let Some(tag) = tag {
            mark_public(&mut response, tag, self.fresh_s, self.stale_s);
        }
        response
    }
}

/// A public response of raw bytes that shared caches may store, with a hash of the bytes as its `ETag`.
#[derive(Clone, Debug)]
pub struct CachedBytes {
    /// The `Content-Type` header.
    pub content_type: &'static str,
    /// The body, sent unchanged.
    pub bytes: Bytes,
    /// The seconds for which they are fresh (`s-maxage`).
    pub fresh_s: u32,
    /// The seconds after that for which a cache may serve them while it fetches new ones (`stale-while-revalidate`).
    pub stale_s: u32,
}

impl CachedBytes {
    /// JSON that is written already.
    pub fn json(written: Vec<u8>, fresh_s: u32, stale_s: u32) -> Self {
        Self { content_type: "application/json", bytes: Bytes::from(written), fresh_s, stale_s }
    }
}

impl IntoResponse for CachedBytes {
    fn into_response(self) -> Response {
        let tag = tag_of_bytes(&self.bytes);
        let mut response = ([(http::header::CONTENT_TYPE, self.content_type)], self.bytes).into_response();
        mark_public(&mut response, tag, self.fresh_s, self.stale_s);
        response
    }
}

/// A response in a language, which `Content-Language` names; nothing where it is not known.
#[derive(Clone, Debug)]
pub struct InLanguage<T> {
    /// The language that it is in.
    pub language: Option<ContentLanguage>,
    /// The response itself.
    pub reply: T,
}

impl<T: IntoResponse> IntoResponse for InLanguage<T> {
    fn into_response(self) -> Response {
        let mut response = self.reply.into_response();
        let language = self.language.and_then(|language| HeaderValue::try_from(language.as_str()).ok());
        if let Some(language) = language {
            response.headers_mut().insert(CONTENT_LANGUAGE, language);
        }
        response
    }
}

/// Marks a response whose `ETag` is a hash of its bytes: only for such a response does the router answer 304. A version
/// tag does not qualify, because a body may change without its version: prices, stock and signed links are computed at
/// each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashOfBody;

fn mark_public(response: &mut Response, tag: HeaderValue, fresh_s: u32, stale_s: u32) {
    response.headers_mut().insert(ETAG, tag);
    response.extensions_mut().insert(HashOfBody);
    let policy = format!("public, s-maxage={fresh_s}, stale-while-revalidate={stale_s}");
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(CACHE_CONTROL, policy);
    }
}

fn tag_of_bytes(bytes: &[u8]) -> HeaderValue {
    let digest = digest::digest(&digest::SHA256, bytes);
    quoted(&URL_SAFE_NO_PAD.encode(digest.as_ref().first_chunk::<16>().unwrap_or(&[0; 16])))
}

/// Whether `If-None-Match` names this tag (RFC 9110, 13.1.2: weak comparison, `*` matches every tag).
pub fn matches_weakly(if_none_match: &HeaderValue, current: &HeaderValue) -> bool {
    let (Ok(given), Ok(current)) = (if_none_match.to_str(), current.to_str()) else { return false };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let current = opaque(current);
    given.trim() == "*" || given.split(',').any(|tag| opaque(tag) == current)
}

/// `If-Match`: the versions that the caller means to change. None are listed when no tag can be one of ours: then no
/// version matches.
///
/// As an argument of its own type it is required (428 without it); as `Option<IfMatch>` it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Expected);

impl IfMatch {
    /// The versions that an optional header names: any without one.
    pub fn or_any(given: Option<Self>) -> Expected {
        given.map_or(Expected::Any, |Self(expected)| expected)
    }

    fn read(parts: &Parts) -> Result<Option<Self>, Problem> {
        let Some(text) = header(parts, &IF_MATCH)? else { return Ok(None) };
        if text == "*" {
            return Ok(Some(Self(Expected::Any)));
        }
        let mut versions = Vec::new();
        for tag in text.split(',').map(str::trim) {
            let weak = tag.starts_with("W/");
            let opaque =
                tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let opaque = opaque.ok_or_else(|| bad_header(&IF_MATCH, "A tag stands in double quotes."))?;
            // `If-Match` compares strongly, so a weak tag never matches (RFC 9110, 13.1.1). Ours are numbers, so
            // another tag cannot match either.
            if let (false, Ok(version)) = (weak, opaque.parse()) {
                versions.push(version);
            }
        }
        Ok(Some(Self(Expected::Versions(versions))))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts)?.ok_or_else(|| Problem::of(Code::IfMatchMissing))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Self::read(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Result<Option<IfMatch>, Code> {
        let (parts, ()) = http::Request::get("/").header(IF_MATCH, text).body(()).unwrap().into_parts();
        IfMatch::read(&parts).map_err(|problem| problem.code())
    }

    #[test]
    fn a_change_goes_through_only_for_the_version_it_was_meant_for() {
        let check = |text: &str, current| IfMatch::or_any(given(text).unwrap()).check(current);
        assert!(check("\"7\"", 7).is_ok());
        assert_eq!(Problem::from(check("\"7\"", 8).unwrap_err()).status(), 412);
        assert!(check("\"5\", \"7\"", 7).is_ok());
        assert!(check("*", 1).is_ok());
        assert!(check("W/\"7\"", 7).is_err());
        assert!(check("\"seven\"", 7).is_err());
        assert_eq!(given("7"), Err(Code::Malformed));
        assert!(IfMatch::or_any(None).check(7).is_ok());
    }

    #[tokio::test]
    async fn where_a_version_is_needed_its_absence_is_428() {
        let (mut parts, ()) = http::Request::get("/").body(()).unwrap().into_parts();
        let missing = <IfMatch as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!(missing.status(), 428);
    }

    #[test]
    fn tags_compare_weakly_for_what_is_only_read() {
        let matches = |given: &str, current: &str| matches_weakly(&given.parse().unwrap(), &current.parse().unwrap());
        assert!(matches("W/\"a\"", "\"a\""));
        assert!(matches("\"b\", \"a\"", "\"a\""));
        assert!(matches("*", "\"a\""));
        assert!(!matches("\"b\"", "\"a\""));
    }
}
