//! Calls to the API, and the HTTP client that makes them.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::BenchError;

/// A request with the status that its response must have.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) request: Request<Bytes>,
    pub(super) expected: StatusCode,
}

impl Call {
    /// A `GET` request that must be answered with 200.
    pub(super) fn get(path: &str) -> Result<Self, BenchError> {
        Self::new(Method::GET, path, StatusCode::OK, None)
    }

    /// A request with a JSON body.
    pub(super) fn send(method: Method, path: &str, body: &Value, expected: StatusCode) -> Result<Self, BenchError> {
        Self::new(method, path, expected, Some(body))
    }

    fn new(method: Method, path: &str, expected: StatusCode, body: Option<&Value>) -> Result<Self, BenchError> {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(body).map_err(|error| BenchError::Call(path.to_owned(), error.to_string()))?;
        Ok(Self { request, expected })
    }

    /// Sets a header, replacing an earlier value.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Result<Self, BenchError> {
        let value =
            value.parse().map_err(|_| BenchError::Call(name.to_owned(), "it is no header's value".to_owned()))?;
        self.request.headers_mut().insert(name, value);
        Ok(self)
    }

    /// Method and path, for error messages.
    fn name(&self) -> String {
        format!("{} {}", self.request.method(), self.request.uri().path())
    }

    /// Checks the status of a response; the error quotes the first 400 characters of its body.
    pub(super) fn accept(&self, status: StatusCode, body: &[u8]) -> Result<(), BenchError> {
        if status == self.expected {
            return Ok(());
        }
        let body: String = String::from_utf8_lossy(body).chars().take(400).collect();
        Err(BenchError::Call(self.name(), format!("answered {status}: {body}")))
    }
}

/// An HTTP client of one cloud. Clones share the connection pool.
#[derive(Clone, Debug)]
pub(super) struct Client {
    address: SocketAddr,
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { address, http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// Makes a call and returns the response body; any status but the expected one is an error.
    pub(super) async fn call(&self, call: Call) -> Result<Bytes, BenchError> {
        let failed = |name: String, error: &dyn std::fmt::Display| BenchError::Call(name, error.to_string());
        let (mut parts, body) = call.request.clone().into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = format!("http://{}{path}", self.address).parse().map_err(|error| failed(call.name(), &error))?;
        parts.headers.remove(header::HOST);
        let request = Request::from_parts(parts, Full::new(body));
        let answer = self.http.request(request).await.map_err(|error| failed(call.name(), &error))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| failed(call.name(), &error))?.to_bytes();
        call.accept(status, &body)?;
        Ok(body)
    }

    /// [`Client::call`] for a JSON response.
    pub(super) async fn json(&self, call: Call) -> Result<Value, BenchError> {
        let name = call.name();
        let body = self.call(call).await?;
        serde_json::from_slice(&body).map_err(|error| BenchError::Call(name, error.to_string()))
    }
}
