//! What the edge asks an origin: only what the policies forward, and what it adds itself.

use std::net::SocketAddr;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::{Behavior, Names, Origin};

/// The headers in which CloudFront tells of the viewer begin like this. What a viewer sends under such a name goes no
/// further.
const OF_THE_EDGE: &str = "cloudfront-";
const VIEWER_ADDRESS: &str = "cloudfront-viewer-address";

/// Turns a viewer's request into the one for the origin.
pub(super) fn parts(
    mut parts: Parts,
    behavior: &Behavior,
    origin: &Origin,
    viewer: SocketAddr,
    compressed: bool,
) -> Parts {
    let sent = std::mem::take(&mut parts.headers);
    let forwards = |name: &str| behavior.headers.has(name) || behavior.key_headers.has(name);
    // These have meanings of their own below.
    let own = [header::HOST, header::COOKIE, header::ACCEPT_ENCODING, header::USER_AGENT];
    for (name, value) in &sent {
        let frames_the_body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::RANGE].contains(name);
        let is_forwarded = forwards(name.as_str()) && !name.as_str().starts_with(OF_THE_EDGE) && !own.contains(name);
        if frames_the_body || is_forwarded {
            parts.headers.append(name, value.clone());
        }
    }
    put(&mut parts.headers, header::HOST, &origin.domain);
    let agent = sent.get(header::USER_AGENT).filter(|_| forwards("user-agent")).and_then(|agent| agent.to_str().ok());
    put(&mut parts.headers, header::USER_AGENT, agent.unwrap_or("Amazon CloudFront"));
    if compressed {
        put(&mut parts.headers, header::ACCEPT_ENCODING, "gzip");
    }
    let cookies = cookies(&sent, |name| behavior.cookies.has(name) || behavior.key_cookies.has(name));
    if !cookies.is_empty() {
        put(&mut parts.headers, header::COOKIE, &cookies.join("; "));
    }
    let ahead = sent.get("x-forwarded-for").and_then(|ahead| ahead.to_str().ok());
    let ahead = ahead.map(|ahead| format!("{ahead}, ")).unwrap_or_default();
    put(&mut parts.headers, HeaderName::from_static("x-forwarded-for"), &format!("{ahead}{}", viewer.ip()));
    if behavior.headers.has(VIEWER_ADDRESS) {
        // An IPv6 address has no brackets there.
        let address = format!("{}:{}", viewer.ip(), viewer.port());
        put(&mut parts.headers, HeaderName::from_static(VIEWER_ADDRESS), &address);
    }
    for (name, value) in &origin.headers {
        if let Ok(name) = HeaderName::try_from(name) {
            put(&mut parts.headers, name, value);
        }
    }
    if !(behavior.query || behavior.key_query)
        && let Ok(bare) = parts.uri.path().parse::<Uri>()
    {
        parts.uri = bare;
    }
    parts
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The cookies with these names, as they were sent.
pub(super) fn cookies(headers: &HeaderMap, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let each = lines.flat_map(|line| line.split(';')).map(str::trim).filter(|cookie| !cookie.is_empty());
    each.filter(|cookie| wanted(cookie.split_once('=').map_or(cookie, |(name, _)| name))).map(str::to_owned).collect()
}

/// The values of the headers with these names, in the order of the names.
pub(super) fn values(headers: &HeaderMap, names: &Names) -> Vec<(String, String)> {
    let Names::Only(names) = names else { return Vec::new() };
    let of = |name: &String| {
        let values = headers.get_all(name.as_str()).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        (name.clone(), values.collect::<Vec<_>>().join(","))
    };
    names.iter().map(of).collect()
}
