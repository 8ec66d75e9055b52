//! What the edge keeps, and for how long.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};

use super::origin_request::{cookies, values};
use super::{Behavior, Lifetime};

/// For how many seconds an error is kept of which the template says nothing.
pub(super) const ERROR_SECONDS: u64 = 10;
/// The most bytes that are kept; the oldest answers go first.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// What an answer without a body counts.
const BYTES_OF_A_HEAD: usize = 1_024;

/// By what answers are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
    compressed: bool,
}

impl Key {
    pub(super) fn of(behavior: &Behavior, parts: &Parts, compressed: bool) -> Self {
        let mut cookies = cookies(&parts.headers, |name| behavior.key_cookies.has(name));
        cookies.sort_unstable();
        Self {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().filter(|_| behavior.key_query).map(str::to_owned),
            headers: values(&parts.headers, &behavior.key_headers),
            cookies,
            compressed,
        }
    }
}

struct Kept {
    answer: Response<Bytes>,
    /// Milliseconds.
    since: i64,
    until: i64,
}

/// Answers by their keys.
#[derive(Default)]
pub(super) struct Cache {
    kept: HashMap<Key, Kept>,
    /// The keys in the order in which they came.
    order: VecDeque<Key>,
    bytes: usize,
}

impl Cache {
    /// What is kept and still fresh, with its age.
    pub(super) fn find(&mut self, key: &Key, now: i64) -> Option<Response<Bytes>> {
        let kept = self.kept.get(key).filter(|kept| now < kept.until)?;
        let mut answer = kept.answer.clone();
        answer.headers_mut().insert(header::AGE, HeaderValue::from(now.saturating_sub(kept.since) / 1_000));
        Some(answer)
    }

    pub(super) fn keep(&mut self, key: Key, answer: &Response<Bytes>, now: i64, seconds: u64) {
        let lasts = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        let kept = Kept { answer: answer.clone(), since: now, until: now.saturating_add(lasts) };
        self.bytes += size(&kept);
        match self.kept.insert(key.clone(), kept) {
            Some(before) => self.bytes = self.bytes.saturating_sub(size(&before)),
            None => self.order.push_back(key),
        }
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(gone) = self.kept.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(size(&gone));
            }
        }
    }
}

fn size(kept: &Kept) -> usize {
    kept.answer.body().len() + BYTES_OF_A_HEAD
}

/// What `Cache-Control` says.
enum Said {
    Seconds(u64),
    /// Shared caches may not keep it.
    Nothing,
    Silence,
}

fn said(headers: &HeaderMap) -> Said {
    let lines = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let directives: Vec<String> =
        lines.flat_map(|line| line.split(',')).map(|directive| directive.trim().to_ascii_lowercase()).collect();
    if directives.iter().any(|directive| ["no-store", "no-cache", "private"].contains(&directive.as_str())) {
        return Said::Nothing;
    }
    let of = |name: &str| {
        directives
            .iter()
            .find_map(|directive| directive.strip_prefix(name)?.strip_prefix('=')?.trim_matches('"').parse().ok())
    };
    of("s-maxage").or_else(|| of("max-age")).map_or(Said::Silence, Said::Seconds)
}

/// For how many seconds an answer is kept
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html>).
pub(super) fn seconds(headers: &HeaderMap, lifetime: Lifetime) -> u64 {
    match said(headers) {
        Said::Seconds(seconds) => seconds.clamp(lifetime.least, lifetime.most),
        Said::Nothing => lifetime.least,
        Said::Silence => lifetime.default,
    }
}

/// For how many seconds an error is kept: the least time counts whatever else it says of itself
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html>).
pub(super) fn error_seconds(headers: &HeaderMap, least: u64, most: u64) -> u64 {
    match said(headers) {
        Said::Seconds(seconds) => seconds.min(most).max(least),
        Said::Nothing | Said::Silence => least,
    }
}
