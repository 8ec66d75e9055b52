//! What a page's handler answers with.

use api::Problem;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, LOCATION, REFRESH, SET_COOKIE, VARY};
use http::{HeaderValue, StatusCode};
use ring::digest;

use crate::Jar;
use crate::policy::Leads;

const HTML: &str = "text/html; charset=utf-8";

/// Names the file that says which links a browser may ask for before they are followed.
const SPECULATION_RULES: HeaderName = HeaderName::from_static("speculation-rules");

/// Says to the worker of the pages that it may keep a private page.
const KEEP: HeaderName = HeaderName::from_static("bozor-keep");

/// A page, a file or a redirection.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    kind: &'static str,
    body: Bytes,
    location: Option<String>,
    cache: Option<String>,
    varies: Option<&'static str>,
    jar: Jar,
    leads: Leads,
    refresh: Option<u32>,
    kept: bool,
    speculates: bool,
}

/// Marks a public answer, whose `ETag` is a hash of its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Public;

impl Reply {
    fn of(status: StatusCode, kind: &'static str, body: Bytes) -> Self {
        let (jar, leads) = (Jar::default(), Leads::default());
        Self {
            status,
            kind,
            body,
            location: None,
            cache: None,
            varies: None,
            jar,
            leads,
            refresh: None,
            kept: false,
            speculates: false,
        }
    }

    /// A page that only its visitor may see: nobody keeps it.
    pub fn private(page: String) -> Self {
        Self::of(StatusCode::OK, HTML, Bytes::from(page))
    }

    /// A page with nothing personal in it, fresh for so many seconds in shared caches and shown stale for `stale_s`
    /// more.
    pub fn public(page: String, fresh_s: u32, stale_s: u32) -> Self {
        Self { speculates: true, ..Self::file(HTML, Bytes::from(page), fresh_s, stale_s) }
    }

    /// Any other public answer.
    pub fn file(kind: &'static str, body: Bytes, fresh_s: u32, stale_s: u32) -> Self {
        let cache = format!("public, max-age=0, s-maxage={fresh_s}, stale-while-revalidate={stale_s}");
        Self { cache: Some(cache), ..Self::of(StatusCode::OK, kind, body) }
    }

    /// A public file that is asked for anew each time, and answered with 304 while it is the same.
    pub fn checked(kind: &'static str, body: Bytes) -> Self {
        Self { cache: Some("no-cache".to_owned()), ..Self::of(StatusCode::OK, kind, body) }
    }

    /// To another page of ours, which is asked for with GET: after a form, so that reloading repeats nothing.
    pub fn see(path: impl Into<String>) -> Self {
        Self { location: Some(path.into()), ..Self::of(StatusCode::SEE_OTHER, HTML, Bytes::new()) }
    }

    /// To where something is for good.
    pub fn moved(path: impl Into<String>) -> Self {
        let cache = Some("public, max-age=0, s-maxage=300".to_owned());
        Self { location: Some(path.into()), cache, ..Self::of(StatusCode::MOVED_PERMANENTLY, HTML, Bytes::new()) }
    }

    /// To where it is for this visitor.
    pub fn found(path: impl Into<String>) -> Self {
        Self { location: Some(path.into()), ..Self::of(StatusCode::FOUND, HTML, Bytes::new()) }
    }

    /// The same page with another status: that of a form that has to be mended.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same page, shown because of a problem: with its status.
    #[must_use]
    pub fn because(self, problem: &Problem) -> Self {
        self.with_status(problem.status())
    }

    #[must_use]
    pub fn with_cookies(self, jar: Jar) -> Self {
        Self { jar, ..self }
    }

    /// The same page, whose forms may lead to these origins: the pages of payment providers.
    #[must_use]
    pub fn leading_to(self, origins: Vec<&'static str>) -> Self {
        Self { leads: Leads(origins), ..self }
    }

    /// The same page, which the browser asks for again after so many seconds: for what goes on meanwhile.
    #[must_use]
    pub fn refreshing(self, after_s: u32) -> Self {
        Self { refresh: Some(after_s), ..self }
    }

    /// The same private page, which its visitor's own browser may keep for when there is no network, until they sign
    /// out. Only what says so is kept, so no page gets there by being forgotten in a list.
    #[must_use]
    pub fn kept_offline(self) -> Self {
        Self { kept: true, ..self }
    }

    /// Says to caches by what the answer differs.
    #[must_use]
    pub fn varying_by(self, headers: &'static str) -> Self {
        Self { varies: Some(headers), ..self }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let tag = self.cache.as_ref().filter(|_| self.location.is_none()).map(|_| {
            let hash = digest::digest(&digest::SHA256, &self.body);
            format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash.as_ref().first_chunk::<16>().unwrap_or(&[0; 16])))
        });
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let private = HeaderValue::from_static("private, no-store");
        headers.insert(CACHE_CONTROL, self.cache.and_then(|cache| cache.try_into().ok()).unwrap_or(private));
        headers.extend(self.varies.map(|varies| (VARY, HeaderValue::from_static(varies))));
        headers.extend(self.location.and_then(|path| Some((LOCATION, HeaderValue::try_from(path).ok()?))));
        headers.extend(tag.as_deref().and_then(|tag| Some((ETAG, HeaderValue::try_from(tag).ok()?))));
        headers.extend(self.kept.then(|| (KEEP, HeaderValue::from_static("1"))));
        headers.extend(
            self.speculates.then(|| (SPECULATION_RULES, HeaderValue::from_static("\"/speculation-rules.json\""))),
        );
        headers.extend(self.refresh.map(|after_s| (REFRESH, HeaderValue::from(after_s))));
        for cookie in self.jar.into_lines() {
            headers.append(SET_COOKIE, cookie);
        }
        if tag.is_some() {
            response.extensions_mut().insert(Public);
        }
        response.extensions_mut().insert(self.leads);
        response
    }
}
