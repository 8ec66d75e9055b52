//! Compressing, as CloudFront does it, with gzip alone
//! (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html>).

use std::io::Write;
use std::ops::RangeInclusive;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// How long what is compressed may be, in bytes.
const SIZES: RangeInclusive<usize> = 1_000..=10_000_000;

/// The types that are compressed, those of them that a shop might send.
const TYPES: [&str; 12] = [
    "application/javascript",
    "application/json",
    "application/rss+xml",
    "application/xhtml+xml",
    "application/xml",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/plain",
    "text/xml",
];

/// Whether the viewer takes gzip.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|offer| {
        let (coding, weight) = offer.split_once(';').unwrap_or((offer, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        let is_refused = weight.chars().all(|digit| matches!(digit, '0' | '.'));
        coding.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

pub(super) fn is_worthwhile(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    [200, 403, 404].contains(&status.as_u16())
        && !headers.contains_key(header::CONTENT_ENCODING)
        && TYPES.contains(&kind.as_str())
        && SIZES.contains(&body.len())
}

pub(super) fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut writer = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::new(6));
    writer.write_all(body).ok()?;
    writer.finish().ok().map(Bytes::from)
}

/// Says of an answer that it is compressed. Its tag is weak now: other bytes stand for the same.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned) else { return };
    if !tag.starts_with("W/")
        && let Ok(weak) = HeaderValue::try_from(format!("W/{tag}"))
    {
        headers.insert(header::ETAG, weak);
    }
}
