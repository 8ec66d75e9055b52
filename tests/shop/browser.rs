//! A browser without script: it keeps cookies, fills in forms and follows no redirection by itself.

use std::collections::BTreeMap;
use std::sync::Mutex;

use local::seed::PASSWORD;
use reqwest::header::{COOKIE, HeaderMap, HeaderName, LOCATION, SET_COOKIE};
use reqwest::{Method, redirect};

use super::Shop;

/// A browser with the cookies of one person.
pub(crate) struct Browser {
    client: reqwest::Client,
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
    /// What it says of the site that a form is sent from.
    pub(crate) site: Option<&'static str>,
}

/// An answer as a browser gets it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// Where it leads, below the address of the shop.
    pub(crate) fn location(&self) -> String {
        let location = self.headers.get(LOCATION).and_then(|location| location.to_str().ok());
        location.unwrap_or_else(|| panic!("{} leads nowhere: {}", self.status, self.html)).to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}\n{}", self.headers, self.html);
        self
    }

    /// The value of the first field of this name.
    pub(crate) fn value(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let found = self.html.split_once(&mark).and_then(|(_, rest)| rest.split_once('"'));
        found.unwrap_or_else(|| panic!("no field {name} in {}", self.html)).0.to_owned()
    }

    /// The names of fields that begin so.
    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        let mark = format!("name=\"{prefix}");
        let rest = self.html.split(&mark).skip(1).filter_map(|part| part.split_once('"'));
        rest.map(|(name, _)| format!("{prefix}{name}")).collect()
    }

    /// What is wrong, beside each field.
    pub(crate) fn errors(&self) -> Vec<String> {
        let found = self.html.split("class=\"err\" id=\"f-").skip(1).filter_map(|part| part.split_once("-e\""));
        found.map(|(field, _)| field.to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn shows(self, text: &str) -> Self {
        assert!(self.html.contains(text), "{text} is not on the page:\n{}", self.html);
        self
    }
}

impl Shop {
    /// A browser that has never been here.
    pub(crate) fn browser(&self) -> Browser {
        let client =
            reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build().expect("a client");
        let base = self.cloud.base_url();
        Browser { client, base, cookies: Mutex::default(), site: Some("same-origin") }
    }

    /// A browser in which somebody with an account has signed in.
    pub(crate) async fn browser_of(&self, email: &str) -> Browser {
        let browser = self.browser();
        let page = browser.submit("/en/sign-in", &[("contact", email), ("password", PASSWORD)]).await;
        page.expect(303);
        browser
    }
}

impl Browser {
    async fn send(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Page {
        let pairs = fields.iter().map(|(name, value)| format!("{}={}", coded(name), coded(value)));
        let body = pairs.collect::<Vec<_>>().join("&").into_bytes();
        self.send_body(method, path, "application/x-www-form-urlencoded", body).await
    }

    async fn send_body(&self, method: Method, path: &str, content_type: &str, body: Vec<u8>) -> Page {
        let path = path.strip_prefix(&self.base).unwrap_or(path);
        let cookies: Vec<String> =
            self.cookies.lock().expect("cookies").iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if let Some(site) = self.site {
            request = request.header(HeaderName::from_static("sec-fetch-site"), site);
        }
        if method == Method::POST {
            request = request.header("content-type", content_type).body(body);
        }
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for line in headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            let (pair, rest) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a value");
            let mut cookies = self.cookies.lock().expect("cookies");
            if rest.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page { status, headers, html: answer.text().await.expect("a body") }
    }

    pub(crate) async fn visit(&self, path: &str) -> Page {
        self.send(Method::GET, path, &[]).await
    }

    /// A page as a browser asks for it before its link is followed.
    pub(crate) async fn prefetch(&self, path: &str) -> Page {
        let request = self.client.get(format!("{}{path}", self.base)).header("sec-purpose", "prefetch");
        let answer = request.header("sec-fetch-site", "same-origin").send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Page { status, headers, html: answer.text().await.expect("a body") }
    }

    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(Method::POST, path, fields).await
    }

    /// Sends a form with files.
    pub(crate) async fn post_body(&self, path: &str, content_type: &str, body: Vec<u8>) -> Page {
        self.send_body(Method::POST, path, content_type, body).await
    }

    /// Another method than a browser uses.
    pub(crate) async fn sends(&self, method: Method, path: &str) -> Page {
        self.send(method, path, &[]).await
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().expect("cookies").get(name).cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().expect("cookies").insert(name.to_owned(), value.to_owned());
    }
}

fn coded(text: &str) -> String {
    let coded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    coded.collect()
}
