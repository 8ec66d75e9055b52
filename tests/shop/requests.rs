//! Requests for codes as an app makes them: it keeps the token that it asked with, and sends it with the code. Tests
//! that are about these tokens send them themselves.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};

/// The last token for each server, purpose and contact.
type Known = BTreeMap<(String, &'static str, String), String>;

static KNOWN: Mutex<Known> = Mutex::new(Known::new());

/// A token of nobody's request.
pub(crate) const NO_REQUEST: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().expect("no test has died with it")
}

/// What a code is asked for at this path, and whether it is entered there.
fn purpose(path: &str) -> Option<(&'static str, bool)> {
    match path {
        "/v1/auth/sign-up" | "/v1/auth/resend" => Some(("sign-up", false)),
        "/v1/auth/confirm" => Some(("sign-up", true)),
        "/v1/auth/forgot-password" => Some(("reset", false)),
        "/v1/auth/reset-password" => Some(("reset", true)),
        "/v1/auth/code" => Some(("sign-in", false)),
        "/v1/auth/code/sign-in" => Some(("sign-in", true)),
        _ => None,
    }
}

fn contact(body: &Value) -> Option<String> {
    let contact = body.get("contact").or_else(|| body.get("email"))?.as_str()?;
    Some(contact.trim().to_lowercase())
}

/// The body with the token of the last request, unless it has one or needs none.
pub(super) fn with_request(server: &str, path: &str, body: &Value) -> Value {
    let mut body = body.clone();
    if let (Some((purpose, true)), Some(contact)) = (purpose(path), contact(&body))
        && body.get("request").is_none()
    {
        let token = known().get(&(server.to_owned(), purpose, contact)).cloned();
        body["request"] = json!(token.unwrap_or_else(|| NO_REQUEST.to_owned()));
    }
    body
}

/// Keeps the token that a request was answered with.
pub(super) fn keep(server: &str, path: &str, body: &Value, answer: &Value) {
    if let (Some((purpose, false)), Some(contact), Some(token)) =
        (purpose(path), contact(body), answer["request"].as_str())
    {
        let key = (server.to_owned(), purpose, contact);
        // A code that is sent again is entered with the request that the password came with.
        if path == "/v1/auth/resend" {
            known().entry(key).or_insert_with(|| token.to_owned());
        } else {
            known().insert(key, token.to_owned());
        }
    }
}
