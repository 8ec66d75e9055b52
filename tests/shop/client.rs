//! HTTP requests as a client sends them, and their responses.

use std::net::SocketAddr;

use local::LocalCloud;
use reqwest::Method;
use serde_json::Value;

use super::{document, requests};

/// An HTTP client with a base address and the headers that it sends with each request.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    headers: Vec<(String, String)>,
    /// Whether what it gets must be what the document of this build says.
    reads_todays_document: bool,
}

/// A response. `asked` names its request in failure messages.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
    asked: String,
}

impl Client {
    pub(crate) fn new(cloud: &LocalCloud) -> Self {
        Self::at(cloud.address())
    }

    /// A client of a cloud that listens at this address, in this process or in another.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        // An address instead of a host name saves the DNS lookup.
        Self { http, base: format!("http://{address}"), headers: Vec::new(), reads_todays_document: true }
    }

    /// The same client at another address of this machine, for instance `127.0.0.9`.
    pub(crate) fn from(self, address: [u8; 4]) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(std::net::IpAddr::from(address));
        Self { http: http.build().expect("a client"), ..self }
    }

    pub(crate) fn with_token(self, token: impl Into<String>) -> Self {
        let token: String = token.into();
        self.with("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == "authorization")
    }

    /// The same client with this header on each request.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same client, which may get what an earlier release answered.
    pub(crate) fn of_earlier_release(self) -> Self {
        Self { reads_todays_document: false, ..self }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PUT, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PATCH, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, "").await
    }

    pub(crate) async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let sent = requests::with_request(&self.base, path, body).to_string();
        let answer = self.send(method, path, Some(sent.into_bytes()), "application/json").await;
        requests::keep(&self.base, path, body, &answer.json);
        answer
    }

    /// Uploads a file as the `upload` object of a response says: with its method, its URL and exactly its headers.
    pub(crate) async fn upload(&self, upload: &Value, file: &[u8]) -> Answer {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let method = text(&upload["method"]).parse().expect("a method");
        let mut client = self.clone();
        for (name, value) in upload["headers"].as_object().expect("headers") {
            // The HTTP client sets these two from the body and the URL.
            if name != "content-length" && name != "host" {
                client = client.with(name, text(value));
            }
        }
        client.send(method, &text(&upload["url"]), Some(file.to_vec()), "").await
    }

    /// Downloads a file: status, content type and bytes.
    pub(crate) async fn bytes(&self, url: &str) -> (u16, String, Vec<u8>) {
        let response = self.http.get(url).send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().expect("a header is text"));
        let (status, kind) = (response.status().as_u16(), kind.to_owned());
        let bytes = response.bytes().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        (status, kind, bytes.to_vec())
    }

    /// How many bytes a file has as it is sent, and its `Content-Encoding`.
    pub(crate) async fn size_of(self, path: &str) -> (usize, String) {
        let mut request = self.http.get(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.expect("an answer");
        let coding = response.headers().get("content-encoding").map_or("", |coding| coding.to_str().expect("text"));
        let coding = coding.to_owned();
        (response.bytes().await.expect("a body").len(), coding)
    }

    /// What it sends as `Authorization`.
    pub(crate) fn authorization(&self) -> String {
        let sent = self.headers.iter().find(|(name, _)| name == "authorization");
        sent.map(|(_, value)| value.clone()).expect("somebody who is signed in")
    }

    /// Sends any request with any bytes as its body.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Vec<u8>>, content_type: &str) -> Answer {
        let asked = format!("{method} {path}");
        let called = method.clone();
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = self.http.request(method, url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{asked}: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap_or_else(|error| panic!("{asked}: {error}"));
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = Answer { status, headers, text, json, asked };
        if self.reads_todays_document
            && let Some(fault) = document::fault(&called, path, &answer)
        {
            panic!("{fault}");
        }
        answer
    }
}

impl Answer {
    /// An answer that nobody gave.
    pub(crate) fn made(status: u16, content_type: &str, body: &Value) -> Self {
        let kind = content_type.parse().expect("a header");
        let headers = [(reqwest::header::CONTENT_TYPE, kind)].into_iter().collect();
        Self { status, headers, text: body.to_string(), json: body.clone(), asked: String::new() }
    }

    /// The body. Fails unless the status is this one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        &self.json
    }

    /// The body. Fails unless the status is a 2xx.
    #[track_caller]
    pub(crate) fn expect_success(&self) -> &Value {
        assert!((200..300).contains(&self.status), "{}: {} {}", self.asked, self.status, self.text);
        &self.json
    }

    /// The body. Fails unless it is a problem document with this status and code.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, code: &str) -> &Value {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{}: {}", self.asked, self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.asked);
        assert_eq!(self.json["status"], status, "{}", self.asked);
        for field in ["type", "title", "detail", "instance"] {
            assert!(self.json[field].is_string(), "{}: no {field} in {}", self.asked, self.text);
        }
        &self.json
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header is text"))
    }
}
