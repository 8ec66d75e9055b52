//! The router of an HTTP function: its routes, and the middleware that all functions share.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use domain::code::Code;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::conditional::HashOfBody;
use crate::{Problem, conditional, identity};

/// The default limit on a request body in bytes: 256 KB. A larger one gets 413 `too_large`;
/// [`Routes::limit_bodies`](crate::Routes::limit_bodies) sets another limit.
pub const BODY_LIMIT: usize = 256 * 1024;

/// The router of a function. Around its routes it adds problems for unknown paths and methods, the limit on bodies,
/// request ids in problems, the log entry of a failure, 304 for a matching `If-None-Match`, and the headers that every
/// response carries.
pub fn router<App: Clone + Send + Sync + 'static>(routes: Router<App>, app: App) -> Router {
    routes
        .fallback(async || Problem::of(Code::NotFound))
        .method_not_allowed_fallback(async || Problem::of(Code::MethodNotAllowed))
        .with_state(app)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(finish))
}

/// For a year, which browsers that come over HTTP pass over.
const HTTPS_ONLY: &str = "max-age=31536000; includeSubDomains";
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// The response to a request that the gateway matched to no route of the API: 405 with `Allow` when the path has
/// other methods, else 404. `every_route` lists the routes of all functions, a path and its methods on each line,
/// separated by spaces.
pub fn unrouted(request: &Request, every_route: &str) -> Response {
    let sent: Vec<&str> = request.uri().path().split('/').collect();
    let is_sent = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        template.len() == sent.len()
            && template.iter().zip(&sent).all(
                |(step, sent)| {
                    if step.starts_with('{') { !sent.is_empty() } else { step == sent }
                },
            )
    };
    // The gateway looks at the method first: where two templates fit, each answers its own methods.
    let methods: BTreeSet<&str> = every_route
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(template, _)| is_sent(template))
        .flat_map(|(_, methods)| methods.split(' '))
        .collect();
    // Path and method have a route, yet the gateway did not match it: the raw path was in another form, such as
    // percent-encoded. A 405 whose `Allow` lists the method that was sent would contradict itself.
    if methods.is_empty() || methods.contains(request.method().as_str()) {
        return refused(request, Problem::of(Code::NotFound));
    }
    let mut response = refused(request, Problem::of(Code::MethodNotAllowed));
    if let Ok(allow) = HeaderValue::try_from(Vec::from_iter(methods).join(", ")) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// Whether this router matched the same route as the gateway. The gateway matches the raw path, but the function gets
/// it decoded, and a `..`, `/`, `?` or `#` that was percent-encoded has its meaning in a path again. Without this check
/// such a request could reach another route than the one whose authorizer, throttle and access log it has passed.
fn is_as_routed(request: &Request) -> bool {
    let (Some(key), Some(path)) =
        (identity::route_key(request.extensions()), request.extensions().get::<MatchedPath>())
    else {
        // No route here: the fallback answers. No gateway context: extractors that need it fail with 500.
        return true;
    };
    key.split_once(' ') == Some((request.method().as_str(), path.as_str()))
}

/// Logs why a request failed. What is not available is a warning: it heals by itself, the client repeats the request,
/// and the alarm on the API's rate of 5xx rings when it lasts. Anything else is a defect that somebody has to mend.
pub fn log_failure(problem: &Problem, route: &str, request_id: Option<&str>) {
    let (code, cause) = (problem.code().as_str(), problem.cause().unwrap_or_default());
    let id = request_id.unwrap_or_default();
    if matches!(problem.code(), Code::Unavailable | Code::NewerData) {
        tracing::warn!(code, http.route = route, request.id = id, cause, "request failed");
    } else {
        tracing::error!(code, http.route = route, request.id = id, cause, "request failed");
    }
}

async fn finish(request: Request, next: Next) -> Response {
    let request_id = identity::request_id(request.extensions()).map(str::to_owned);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let known = matches!(*request.method(), Method::GET | Method::HEAD)
        .then(|| request.headers().get(IF_NONE_MATCH).cloned())
        .flatten();

    let mut response =
        if is_as_routed(&request) { next.run(request).await } else { Problem::of(Code::NotFound).into_response() };

    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if problem.status().is_server_error() {
            log_failure(&problem, route.as_ref().map_or("", MatchedPath::as_str), request_id.as_deref());
        }
        // axum removes the body from a response to HEAD after it has set `Content-Length` from it.
        *response.body_mut() = Body::from(problem.document(request_id.as_deref()));
    } else if let Some(known) = known
        && response.status() == StatusCode::OK
        && response.extensions().get::<HashOfBody>().is_some()
        && response.headers().get(ETAG).is_some_and(|current| conditional::matches_weakly(&known, current))
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().remove(CONTENT_LENGTH);
    }

    complete(response.headers_mut());
    response
}

/// The response to a request that is refused before it comes to a route.
pub(crate) fn refused(request: &Request, problem: Problem) -> Response {
    let document = problem.document(identity::request_id(request.extensions()));
    let mut response = problem.into_response();
    response.extensions_mut().remove::<Problem>();
    *response.body_mut() = if request.method() == Method::HEAD { Body::empty() } else { Body::from(document) };
    complete(response.headers_mut());
    response
}

/// Adds the headers that every response carries.
fn complete(headers: &mut HeaderMap) {
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    // Nothing here is a page: a browser that opens an answer runs nothing in it and shows it in no frame.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NO_PAGE));
}

#[cfg(test)]
mod tests {
    use axum::routing::get as on_get;

    use super::*;
    use crate::sample::{answer_of, get, gone_wrong, routed};
    use crate::{Cached, Json, Versioned};

    async fn things() -> Cached<[u8; 3]> {
        Cached::new([1, 2, 3], 60, 300)
    }

    async fn broken() -> Result<Json<()>, Problem> {
        Err(gone_wrong())
    }

    fn shop() -> Router {
        router(Router::new().route("/v1/things", on_get(things)).route("/v1/broken", on_get(broken)), ())
    }

    #[tokio::test]
    async fn what_has_no_route_is_a_problem_with_the_requests_id() {
        let answer = answer_of(shop(), get("/v1/nothing")).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json["code"], "not_found");
        assert_eq!(answer.json["instance"], "req-1");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("cache-control"), "private, no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000; includeSubDomains");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    }

    #[tokio::test]
    async fn a_method_that_the_path_does_not_know_is_named_as_such() {
        let answer = answer_of(shop(), routed(Method::DELETE, "/v1/things", "DELETE /v1/things")).await;
        assert_eq!((answer.status, &answer.json["code"]), (405, &"method_not_allowed".into()));
        assert_eq!(answer.header("allow"), "GET,HEAD");
    }

    #[tokio::test]
    async fn what_the_gateway_has_routed_elsewhere_is_not_found() {
        for key in ["GET /v1/things/{id}", "GET /v1/broken", "PUT /v1/things", "$default"] {
            let answer = answer_of(shop(), routed(Method::GET, "/v1/things", key)).await;
            assert_eq!((answer.status, &answer.json["code"]), (404, &"not_found".into()), "{key}");
            assert_eq!(answer.json["instance"], "req-1");
        }
    }

    #[tokio::test]
    async fn what_no_function_has_a_route_for_is_404_or_405_with_the_methods_there_are() {
        let every = "/v1/things GET HEAD\n/v1/things/{id} DELETE GET";
        let shop = || Router::new().fallback(async move |request: Request| unrouted(&request, every));
        for (method, path, status, allow) in [
            (Method::PUT, "/v1/things", 405, "GET, HEAD"),
            (Method::PATCH, "/v1/things/7", 405, "DELETE, GET"),
            (Method::GET, "/v1/things/", 404, ""),
            (Method::GET, "/v1/things/7/parts", 404, ""),
            (Method::GET, "/", 404, ""),
            // Has a route, but the gateway did not match its raw path.
            (Method::GET, "/v1/things", 404, ""),
        ] {
            let answer = answer_of(shop(), routed(method, path, "$default")).await;
            assert_eq!((answer.status, answer.header("allow")), (status, allow), "{path}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        let head = answer_of(shop(), routed(Method::HEAD, "/v1/nothing", "$default")).await;
        assert_eq!((head.status, head.text.as_str()), (404, ""));
    }

    #[tokio::test]
    async fn a_version_tag_is_no_reason_for_304() {
        async fn versioned() -> Versioned<u8> {
            Versioned { version: 3, body: 7 }
        }
        let shop = router(Router::new().route("/v1/cart", on_get(versioned)), ());
        for known in ["\"3\"", "*"] {
            let mut again = get("/v1/cart");
            again.headers_mut().insert(IF_NONE_MATCH, known.parse().unwrap());
            let answer = answer_of(shop.clone(), again).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, "7"), "{known}");
        }
    }

    #[tokio::test]
    async fn a_failure_of_ours_has_fixed_words() {
        let answer = answer_of(shop(), get("/v1/broken")).await;
        assert_eq!(answer.status, 500);
        assert!(!answer.text.contains("secret cause"), "{}", answer.text);
    }

    #[tokio::test]
    async fn what_the_caller_already_has_is_not_sent_again() {
        let first = answer_of(shop(), get("/v1/things")).await;
        assert_eq!((first.status, first.text.as_str()), (200, "[1,2,3]"));
        assert_eq!(first.header("cache-control"), "public, s-maxage=60, stale-while-revalidate=300");

        let mut again = get("/v1/things");
        again.headers_mut().insert(IF_NONE_MATCH, first.header("etag").parse().unwrap());
        let second = answer_of(shop(), again).await;
        assert_eq!((second.status, second.text.as_str()), (304, ""));
        assert_eq!(second.header("etag"), first.header("etag"));
        assert_eq!(second.header("cache-control"), first.header("cache-control"));
    }
}
