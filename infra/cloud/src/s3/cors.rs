//! CORS by a bucket's rules (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>).

use axum::body::Body;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::{CorsRule, Refusal};

/// A browser's request, as far as the rules check it.
#[derive(Debug)]
pub(super) struct CorsRequest {
    origin: HeaderValue,
    method: String,
    headers: Vec<String>,
}

impl CorsRequest {
    /// None when the request has no `Origin`, that is, when no page sent it.
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        let origin = parts.headers.get(header::ORIGIN)?.clone();
        Some(Self { origin, method: parts.method.as_str().to_owned(), headers: Vec::new() })
    }
}

impl CorsRule {
    fn allows(&self, cors_request: &CorsRequest) -> bool {
        let origin = String::from_utf8_lossy(cors_request.origin.as_bytes());
        self.origins.iter().any(|allowed| fits(allowed, &origin))
            && self.methods.contains(&cors_request.method)
            && cors_request.headers.iter().all(|header| {
                self.headers.iter().any(|allowed| fits(&allowed.to_ascii_lowercase(), &header.to_ascii_lowercase()))
            })
    }
}

/// Whether a text matches a pattern with at most one `*`.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
    }
}

/// The response to a preflight; none when the request is not one.
pub(super) fn preflight(rules: &[CorsRule], parts: &Parts) -> Option<Response<Body>> {
    if parts.method != Method::OPTIONS {
        return None;
    }
    let list = |name: HeaderName| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect::<Vec<_>>()
    };
    let cors_request =
        parts.headers.get(header::ORIGIN).zip(parts.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)).map(
            |(origin, method)| CorsRequest {
                origin: origin.clone(),
                method: String::from_utf8_lossy(method.as_bytes()).into_owned(),
                headers: list(header::ACCESS_CONTROL_REQUEST_HEADERS),
            },
        );
    let Some(cors_request) = cors_request else {
        return Some(
            Refusal::invalid("BadRequest", "Insufficient information. Origin request header needed.")
                .into_response(&parts.method),
        );
    };
    if !rules.iter().any(|rule| rule.allows(&cors_request)) {
        return Some(
            Refusal::forbidden("AccessForbidden", "CORSResponse: This CORS request is not allowed.")
                .into_response(&parts.method),
        );
    }
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::OK;
    mark(rules, &cors_request, answer.headers_mut());
    put(answer.headers_mut(), header::ACCESS_CONTROL_ALLOW_HEADERS, &cors_request.headers.join(", "));
    Some(answer)
}

/// Adds the CORS headers of the first rule that allows the request.
pub(super) fn mark(rules: &[CorsRule], cors_request: &CorsRequest, answer: &mut HeaderMap) {
    let Some(rule) = rules.iter().find(|rule| rule.allows(cors_request)) else { return };
    let to_all = rule.origins.iter().any(|origin| origin == "*");
    let origin = if to_all { HeaderValue::from_static("*") } else { cors_request.origin.clone() };
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    put(answer, header::ACCESS_CONTROL_ALLOW_METHODS, &rule.methods.join(", "));
    put(answer, header::ACCESS_CONTROL_EXPOSE_HEADERS, &rule.exposed.join(", "));
    if let Some(seconds) = rule.max_age {
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, seconds.into());
    }
    let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
    answer.append(header::VARY, HeaderValue::from_static(vary));
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
