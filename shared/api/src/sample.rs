//! Requests with the context that the gateway adds, for this crate's tests.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::Method;
use http_body_util::BodyExt;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::Problem;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The gateway's context of a request at 2027-01-01T00:00:00Z, with these claims from its authorizer.
pub(crate) fn context(claims: Option<Value>) -> RequestContext {
    context_of("GET /", claims)
}

fn context_of(route_key: &str, claims: Option<Value>) -> RequestContext {
    let mut context = json!({
        "accountId": "1", "apiId": "a", "stage": "$default", "requestId": "req-1", "routeKey": route_key,
        "time": "01/Jan/2027:00:00:00 +0000", "timeEpoch": 1_798_761_600_000_i64,
        "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "curl"},
    });
    if let Some(claims) = claims {
        context["authorizer"] = json!({"jwt": {"claims": claims, "scopes": ["bozor/api"]}});
    }
    serde_json::from_value(context).unwrap()
}

/// A request without a body that the gateway matched to the route with this key, whatever its path is.
pub(crate) fn routed(method: Method, path: &str, route_key: &str) -> Request {
    let request = http::Request::builder().method(method).uri(path);
    request.extension(context_of(route_key, None)).body(Body::empty()).unwrap()
}

pub(crate) fn get(path: &str) -> Request {
    let route = path.split('?').next().unwrap();
    routed(Method::GET, path, &format!("GET {route}"))
}

pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request {
    http::Request::post(path)
        .header("content-type", "application/json")
        .extension(context_of(&format!("POST {path}"), None))
        .body(body.into())
        .unwrap()
}

pub(crate) async fn answer_of(router: Router, request: Request) -> Answer {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status: parts.status.as_u16(), headers: parts.headers, text, json }
}

pub(crate) fn gone_wrong() -> Problem {
    Problem::internal("a secret cause")
}
