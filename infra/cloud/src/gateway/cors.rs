//! CORS as configured on an HTTP API: the gateway answers preflights and adds the headers to every response.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde::Deserialize;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Origins that may call, or `*`.
    #[serde(rename = "AllowOrigins")]
    pub origins: Vec<String>,
    /// Methods that may be used, or `*`.
    #[serde(rename = "AllowMethods")]
    pub methods: Vec<String>,
    /// Request headers that may be sent, or `*`.
    #[serde(rename = "AllowHeaders")]
    pub headers: Vec<String>,
    /// Response headers that scripts may read.
    #[serde(rename = "ExposeHeaders")]
    pub exposed: Vec<String>,
    /// Seconds for which a browser may cache a preflight.
    #[serde(rename = "MaxAge")]
    pub max_age: Option<u32>,
}

impl Cors {
    /// The response to a preflight; `None` if the request is not one.
    pub(crate) fn preflight(&self, parts: &Parts) -> Option<Response<Bytes>> {
        let is_preflight = parts.method == Method::OPTIONS
            && parts.headers.contains_key(header::ORIGIN)
            && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return None;
        }
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        if self.allowed(&parts.headers).is_some() {
            let headers = answer.headers_mut();
            put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &self.methods.join(","));
            put(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &self.headers.join(","));
            if let Some(seconds) = self.max_age {
                headers.insert(header::ACCESS_CONTROL_MAX_AGE, seconds.into());
            }
        }
        Some(answer)
    }

    /// Sets the CORS headers for an origin that may read the response, and removes those that the function sent.
    pub(crate) fn mark(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        answer.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        answer.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        answer.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
        if let Some(origin) = self.allowed(request) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            put(answer, header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.exposed.join(","));
        }
    }

    /// The value of `Access-Control-Allow-Origin` for this request; `None` if its origin is not allowed.
    fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(header::ORIGIN)?;
        if self.origins.iter().any(|allowed| allowed == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }
}

fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
