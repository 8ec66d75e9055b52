//! Calls as a client makes them, and their answers.

use std::net::SocketAddr;

use local::LocalCloud;
use reqwest::Method;
use serde_json::Value;

/// Somebody who calls the API.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    headers: Vec<(String, String)>,
}

/// What came back.
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

    /// A client of a cloud that listens there, whichever process it runs in.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        // The address and not the name: nothing has to be looked up.
        Self { http, base: format!("http://{address}"), headers: Vec::new() }
    }

    pub(crate) fn with_token(self, token: impl Into<String>) -> Self {
        let token: String = token.into();
        self.with("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == "authorization")
    }

    /// The same client with another header on each call.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.into()));
        self
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
        self.send(method, path, Some(body.to_string().into_bytes()), "application/json").await
    }

    /// Uploads a file as an answer of the API says: its method, its address and exactly its headers.
    pub(crate) async fn upload(&self, upload: &Value, file: &[u8]) -> Answer {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let method = text(&upload["method"]).parse().expect("a method");
        let mut client = self.clone();
        for (name, value) in upload["headers"].as_object().expect("headers") {
            // The length is said by the body, and the host by the address.
            if name != "content-length" && name != "host" {
                client = client.with(name, text(value));
            }
        }
        client.send(method, &text(&upload["url"]), Some(file.to_vec()), "").await
    }

    /// A file as it is: status, type and bytes.
    pub(crate) async fn bytes(&self, url: &str) -> (u16, String, Vec<u8>) {
        let response = self.http.get(url).send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().expect("a header is text"));
        let (status, kind) = (response.status().as_u16(), kind.to_owned());
        let bytes = response.bytes().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        (status, kind, bytes.to_vec())
    }

    /// Any call with any bytes.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Vec<u8>>, content_type: &str) -> Answer {
        let asked = format!("{method} {path}");
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
        Answer { status, headers, text, json, asked }
    }
}

impl Answer {
    /// The body, if the status is this one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        &self.json
    }

    /// The body, if the status is a success.
    #[track_caller]
    pub(crate) fn expect_success(&self) -> &Value {
        assert!((200..300).contains(&self.status), "{}: {} {}", self.asked, self.status, self.text);
        &self.json
    }

    /// Fails unless this is exactly that problem.
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
