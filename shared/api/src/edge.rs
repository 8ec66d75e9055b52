//! The edge: the distribution before the API, which shows a secret and tells from where a request comes.
//!
//! A function behind an edge takes the client's address from it and from nobody else, and may refuse whoever comes past
//! it. Without an edge nothing here is done.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use domain::Code;
use http::{HeaderMap, HeaderName};
use ring::hmac;
use serde::Deserialize;

use crate::{Problem, identity, router};

/// The header with the secret, which the distribution adds to what it asks. `X-Edge-…` and `X-Amz-…` cannot be added.
pub const EDGE_SECRET: HeaderName = HeaderName::from_static("bozor-edge");
/// The header in which CloudFront names the viewer. It writes over what a viewer has sent under this name.
pub const VIEWER_ADDRESS: HeaderName = HeaderName::from_static("cloudfront-viewer-address");

/// What a function is told of the edge cannot be read. It keeps the function from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("EDGE is neither empty nor `open` or `only` with a secret")]
pub struct Malformed;

/// The edge as a function knows it.
struct Edge {
    /// Whether whoever comes past it is refused.
    is_only: bool,
    /// The secrets that count, each as a key with the tag that it gives itself.
    secrets: Vec<(hmac::Key, hmac::Tag)>,
}

#[derive(Deserialize)]
struct Secrets {
    current: String,
    #[serde(default)]
    previous: Option<String>,
}

/// The router behind the edge that the variable `EDGE` describes: `open` or `only`, a space, and the JSON of the secret
/// (`current`, and `previous` while it is replaced). Without a value it is the router as it is.
///
/// # Errors
/// When the value is something else.
pub fn behind_edge(router: Router, described: Option<&str>) -> Result<Router, Malformed> {
    let Some(described) = described else { return Ok(router) };
    let edge = Arc::new(Edge::read(described).ok_or(Malformed)?);
    Ok(router.layer(from_fn(move |request: Request, next: Next| admit(Arc::clone(&edge), request, next))))
}

impl Edge {
    fn read(described: &str) -> Option<Self> {
        let (mode, secrets) = described.split_once(' ')?;
        let is_only = match mode {
            "open" => false,
            "only" => true,
            _ => return None,
        };
        let Secrets { current, previous } = serde_json::from_str(secrets).ok()?;
        let each = std::iter::once(current).chain(previous).filter(|secret| !secret.is_empty());
        let secrets: Vec<_> = each
            .map(|secret| {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                let tag = hmac::sign(&key, secret.as_bytes());
                (key, tag)
            })
            .collect();
        // Nobody could be let in.
        (!secrets.is_empty()).then_some(Self { is_only, secrets })
    }

    /// Whether a secret is right. Tags are compared instead of the texts, in constant time, so that the time discloses
    /// nothing about the right one.
    fn knows(&self, shown: &[u8]) -> bool {
        self.secrets.iter().any(|(key, tag)| hmac::verify(key, shown, tag.as_ref()).is_ok())
    }

    /// Whether the request comes through the edge: it shows one secret, and the right one.
    fn sent(&self, headers: &HeaderMap) -> bool {
        let mut shown = headers.get_all(EDGE_SECRET).iter();
        matches!((shown.next(), shown.next()), (Some(only), None) if self.knows(only.as_bytes()))
    }
}

/// Puts the viewer's address in the place of the edge's own where the gateway says whom it saw, so that whoever reads a
/// client's address reads the viewer's. The secret goes no further.
async fn admit(edge: Arc<Edge>, mut request: Request, next: Next) -> Response {
    let is_through_edge = edge.sent(request.headers());
    request.headers_mut().remove(EDGE_SECRET);
    if is_through_edge {
        match viewer(request.headers()) {
            Some(viewer) => identity::set_source(request.extensions_mut(), viewer),
            None => tracing::warn!("the edge names no viewer: its own address counts as the client"),
        }
    } else if edge.is_only {
        let route = identity::route_key(request.extensions()).unwrap_or_default();
        let id = identity::request_id(request.extensions()).unwrap_or_default();
        // Without the address: the access log has none either.
        tracing::warn!(http.route = route, request.id = id, "a request came past the edge and was refused");
        return router::refused(&request, Problem::because(Code::Forbidden, "Call the shop at its public address."));
    }
    next.run(request).await
}

/// The address in `CloudFront-Viewer-Address`: an address, a colon and a port, in which an IPv6 address has no brackets
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html>).
fn viewer(headers: &HeaderMap) -> Option<IpAddr> {
    let mut named = headers.get_all(VIEWER_ADDRESS).iter();
    let (Some(only), None) = (named.next(), named.next()) else { return None };
    let (address, port) = only.to_str().ok()?.trim().rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    let bare = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use axum::routing::get as on_get;
    use http::HeaderValue;

    use super::*;
    use crate::SourceIp;
    use crate::sample::{Answer, answer_of, get};

    const SECRETS: &str = r#"{"current":"new","previous":"old"}"#;
    /// What the gateway saw in all of these requests.
    const GATEWAY_SAW: &str = "203.0.113.9";

    fn shop(described: Option<&str>) -> Router {
        let who = async |SourceIp(client): SourceIp, headers: HeaderMap| {
            format!("{client} {}", if headers.contains_key(EDGE_SECRET) { "knows the secret" } else { "" })
        };
        behind_edge(router::router(Router::new().route("/v1/who", on_get(who)), ()), described).unwrap()
    }

    async fn asked(described: Option<&str>, headers: &[(HeaderName, &str)]) -> Answer {
        let mut request = get("/v1/who");
        for (name, value) in headers {
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        answer_of(shop(described), request).await
    }

    /// Whose address counts, with an edge that is open.
    async fn counted(headers: &[(HeaderName, &str)]) -> String {
        let answer = asked(Some(&format!("open {SECRETS}")), headers).await;
        assert_eq!(answer.status, 200, "{headers:?}");
        answer.text.trim_end().to_owned()
    }

    #[tokio::test]
    async fn the_client_is_the_viewer_that_the_edge_names() {
        for (named, client) in [
            ("198.51.100.10:46532", "198.51.100.10"),
            ("2001:db8:1:2:3:4:5:6:46532", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::1:46532", "2001:db8:1:2::/64"),
            ("[2001:db8:1:2::1]:46532", "2001:db8:1:2::/64"),
            ("::ffff:198.51.100.10:46532", "198.51.100.10"),
            (" 198.51.100.10:1 ", "198.51.100.10"),
        ] {
            for secret in ["new", "old"] {
                assert_eq!(counted(&[(EDGE_SECRET, secret), (VIEWER_ADDRESS, named)]).await, client, "{named}");
            }
        }
    }

    #[tokio::test]
    async fn an_address_that_somebody_without_the_secret_names_counts_nothing() {
        let forged = (VIEWER_ADDRESS, "198.51.100.10:46532");
        for secrets in [
            vec![],
            vec![(EDGE_SECRET, "")],
            vec![(EDGE_SECRET, "ne")],
            vec![(EDGE_SECRET, "neww")],
            vec![(EDGE_SECRET, "null")],
            vec![(EDGE_SECRET, "new, new")],
            vec![(EDGE_SECRET, "new"), (EDGE_SECRET, "new")],
            vec![(EDGE_SECRET, "forged"), (EDGE_SECRET, "new")],
        ] {
            let headers: Vec<_> = secrets.into_iter().chain([forged.clone()]).collect();
            assert_eq!(counted(&headers).await, GATEWAY_SAW, "{headers:?}");
        }
        let without_edge = asked(None, &[(EDGE_SECRET, "new"), forged]).await;
        assert!(without_edge.text.starts_with(GATEWAY_SAW), "{}", without_edge.text);
    }

    #[tokio::test]
    async fn what_is_no_address_leaves_the_one_that_the_gateway_saw() {
        assert_eq!(counted(&[(EDGE_SECRET, "new")]).await, GATEWAY_SAW);
        for malformed in ["", "198.51.100.10", "198.51.100.10:", "198.51.100.10:99999", "shop.example:443", ":1", "::1"]
        {
            let headers = [(EDGE_SECRET, "new"), (VIEWER_ADDRESS, malformed)];
            assert_eq!(counted(&headers).await, GATEWAY_SAW, "{malformed}");
        }
        let twice = [(EDGE_SECRET, "new"), (VIEWER_ADDRESS, "198.51.100.10:1"), (VIEWER_ADDRESS, "198.51.100.11:1")];
        assert_eq!(counted(&twice).await, GATEWAY_SAW);
    }

    #[tokio::test]
    async fn who_comes_past_the_only_edge_is_refused() {
        let only = format!("only {SECRETS}");
        for secret in ["", "forged", "NEW"] {
            let answer = asked(Some(&only), &[(EDGE_SECRET, secret)]).await;
            assert_eq!((answer.status, &answer.json["code"]), (403, &"forbidden".into()), "{secret}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.header("cache-control"), "private, no-store");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.json["instance"], "req-1");
            assert!(!answer.text.contains(GATEWAY_SAW), "{}", answer.text);
        }
        assert_eq!(asked(Some(&only), &[]).await.status, 403);
        for secret in ["new", "old"] {
            assert_eq!(asked(Some(&only), &[(EDGE_SECRET, secret)]).await.status, 200, "{secret}");
        }
    }

    #[test]
    fn what_is_said_of_an_edge_is_understood_or_the_function_does_not_start() {
        let read = |described: &str| behind_edge(Router::new(), Some(described)).map(drop);
        for fine in ["open {\"current\":\"a\"}", "only {\"current\":\"a\",\"previous\":null}"] {
            assert_eq!(read(fine), Ok(()), "{fine}");
        }
        let unresolved = "only {{resolve:secretsmanager:arn::::}}";
        for bad in ["only", "only ", "none {\"current\":\"a\"}", "only {\"current\":\"\"}", "only a", unresolved] {
            assert_eq!(read(bad), Err(Malformed), "{bad}");
        }
    }
}
