//! The edge: a CloudFront distribution before the gateway and a bucket, with the behaviours of the template.
//!
//! It asks an origin with what the policies forward and nothing else, keeps answers as long as they say, and compresses
//! them. Simpler than at AWS: there is one place, what is stale is asked for again before it is answered, whatever
//! `stale-while-revalidate` says, and compressing is gzip. Answers that are ranges are not kept.

mod cache;
mod compress;
mod origin_request;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;

use self::cache::{Cache, Key};
use crate::clock::Clock;
use crate::gateway::BoxFuture;

/// The address from which the edge asks an origin, which is none of the viewers': one of RFC 5737's for documentation.
const OWN_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 443);

/// A distribution as the template describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    pub origins: Vec<Origin>,
    /// The first whose pattern fits a path counts; the last fits all.
    pub behaviors: Vec<Behavior>,
    /// For how many seconds errors are kept, by their status.
    pub errors: BTreeMap<u16, u64>,
}

/// Where answers come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub id: String,
    /// The host that is asked.
    pub domain: String,
    /// Headers, in lower case, that the edge adds to what it asks.
    pub headers: Vec<(String, String)>,
}

/// What is done with the requests for some paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behavior {
    /// A path with `*` for any text and `?` for any character.
    pub pattern: String,
    /// The id of the origin.
    pub origin: String,
    pub methods: Vec<String>,
    pub compresses: bool,
    pub lifetime: Lifetime,
    /// The headers, in lower case, by which answers are told apart; they reach the origin too, as the next two do.
    pub key_headers: Names,
    pub key_cookies: Names,
    pub key_query: bool,
    /// The headers, in lower case, that reach the origin besides.
    pub headers: Names,
    pub cookies: Names,
    pub query: bool,
    /// Headers that answers get.
    pub response_headers: Vec<(String, String)>,
}

/// For how many seconds answers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    pub least: u64,
    /// When the answer says nothing.
    pub default: u64,
    pub most: u64,
}

/// Which headers or cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    All,
    Only(Vec<String>),
}

impl Names {
    pub(crate) fn map(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::All => Self::All,
            Self::Only(names) => Self::Only(names.iter().map(|name| change(name)).collect()),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|known| known == name),
        }
    }
}

impl Distribution {
    /// The behaviour for a path.
    pub fn behavior(&self, path: &str) -> Option<&Behavior> {
        self.behaviors.iter().find(|behavior| fits(behavior.pattern.as_bytes(), path.as_bytes()))
    }
}

/// Whether a path fits a pattern, in time that grows with both lengths multiplied.
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    // Where to go on when what follows the last star does not fit: one character later.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), path.get(position)) {
            (Some(b'*'), _) => {
                retry = Some((at + 1, position));
                at += 1;
            }
            (Some(wanted), Some(found)) if wanted == found || *wanted == b'?' => {
                at += 1;
                position += 1;
            }
            (None, None) => return true,
            _ => match retry {
                Some((after, from)) if from < path.len() => {
                    retry = Some((after, from + 1));
                    (at, position) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
}

/// Asks an origin.
pub type Ask<'a> = &'a (dyn Fn(&Origin, Request) -> BoxFuture<'static, Response> + Send + Sync);

/// A running edge.
pub struct Edge {
    distribution: Distribution,
    cache: Mutex<Cache>,
    clock: Clock,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Edge").field("behaviors", &self.distribution.behaviors.len()).finish_non_exhaustive()
    }
}

impl Edge {
    pub fn new(distribution: Distribution, clock: Clock) -> Self {
        Self { distribution, cache: Mutex::new(Cache::default()), clock }
    }

    /// Answers a viewer's request, from what is kept or from an origin.
    pub async fn serve(&self, request: Request, ask: Ask<'_>) -> Response {
        let (parts, body) = request.into_parts();
        let behavior = self.distribution.behavior(parts.uri.path());
        let Some((behavior, origin)) = behavior.and_then(|behavior| {
            let origin = self.distribution.origins.iter().find(|origin| origin.id == behavior.origin)?;
            Some((behavior, origin))
        }) else {
            return refused(StatusCode::BAD_GATEWAY);
        };
        if !behavior.methods.iter().any(|method| method == parts.method.as_str()) {
            return refused(StatusCode::FORBIDDEN);
        }
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        let compressed = behavior.compresses && compress::is_accepted(&parts.headers);
        let key = (parts.method == Method::GET && !parts.headers.contains_key(header::RANGE))
            .then(|| Key::of(behavior, &parts, compressed));
        let (known, head) = (parts.headers.get(header::IF_NONE_MATCH).cloned(), parts.method == Method::HEAD);
        if let Some(kept) = key.as_ref().and_then(|key| self.kept(key)) {
            return finished(kept, known.as_ref(), "Hit from cloudfront");
        }
        let viewer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| *address);
        let viewer = viewer.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
        let mut asked = origin_request::parts(parts, behavior, origin, viewer, compressed);
        asked.extensions.insert(ConnectInfo(OWN_ADDRESS));
        let answered = ask(origin, Request::from_parts(asked, body)).await;
        let (mut parts, body) = answered.into_parts();
        let Ok(body) = body.collect().await else { return refused(StatusCode::BAD_GATEWAY) };
        let mut body = body.to_bytes();
        parts.headers.remove(header::CONTENT_LENGTH);
        for (name, value) in &behavior.response_headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                parts.headers.insert(name, value);
            }
        }
        let seconds = if reads { self.seconds_of(behavior, parts.status, &parts.headers) } else { 0 };
        let is_worthwhile = compressed && !head && compress::is_worthwhile(parts.status, &parts.headers, &body);
        if is_worthwhile && let Some(smaller) = compress::gzip(&body) {
            body = smaller;
            compress::mark(&mut parts.headers);
        }
        let answer = Response::from_parts(parts, body);
        match key {
            Some(key) if seconds > 0 => {
                let now = self.clock.now().millis();
                let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
                cache.keep(key, &answer, now, seconds);
                drop(cache);
                finished(answer, known.as_ref(), "Miss from cloudfront")
            }
            // What is not kept is the origin's to compare.
            _ => finished(answer, None, "Miss from cloudfront"),
        }
    }

    fn kept(&self, key: &Key) -> Option<http::Response<Bytes>> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.find(key, self.clock.now().millis())
    }

    /// For how many seconds an answer is kept.
    fn seconds_of(&self, behavior: &Behavior, status: StatusCode, headers: &HeaderMap) -> u64 {
        if status.is_client_error() || status.is_server_error() {
            let least = self.distribution.errors.get(&status.as_u16()).copied().unwrap_or(cache::ERROR_SECONDS);
            return cache::error_seconds(headers, least, behavior.lifetime.most);
        }
        let may_be_kept = [200, 203, 300, 301, 302, 307, 308].contains(&status.as_u16());
        if may_be_kept { cache::seconds(headers, behavior.lifetime) } else { 0 }
    }
}

/// The answer to a viewer who may have it already.
fn finished(mut answer: http::Response<Bytes>, known: Option<&HeaderValue>, how: &'static str) -> Response {
    answer.headers_mut().insert("x-cache", HeaderValue::from_static(how));
    let is_known = answer.status() == StatusCode::OK
        && known.is_some_and(|known| answer.headers().get(header::ETAG).is_some_and(|tag| has(known, tag)));
    if is_known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        *answer.body_mut() = Bytes::new();
        for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
            answer.headers_mut().remove(name);
        }
    }
    answer.map(Body::from)
}

/// Whether `If-None-Match` has a tag. Tags are compared weakly, since compressing makes them weak.
fn has(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|known| strong(known) == strong(tag))
}

/// An error of the edge itself.
fn refused(status: StatusCode) -> Response {
    (status, [("x-cache", "Error from cloudfront")], "The request could not be satisfied.").into_response()
}
