//! Mail: SES's `SendEmail`, which stores each message instead of sending it, and a viewer of the stored messages.

mod page;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::time::Timestamp;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{ACCOUNT, REGION};
use crate::clock::Clock;
use crate::sqlite;
use crate::sqs::Permit;
use crate::sqs::wire::{Refusal, access_key, random_uuid};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        message_id TEXT NOT NULL,
        sender TEXT NOT NULL,
        recipient TEXT NOT NULL,
        address TEXT NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL,
        html TEXT,
        code TEXT,
        at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS messages_by_address ON messages (address, id);
";

/// The most messages that the viewer shows.
const MAX_SHOWN: u32 = 200;

/// SES's limit on the recipients of one call.
const MAX_RECIPIENTS: usize = 50;

/// A message to one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The recipient, as the caller wrote it: `Name <address>` or `address`.
    pub to: String,
    /// The sender, in the same form.
    pub from: String,
    pub subject: String,
    /// The body as plain text; empty when the caller gave HTML only.
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The code or temporary password that the message contains, so that tests and scripts need not search the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredMessage {
    #[serde(flatten)]
    pub message: Message,
    /// When it was sent, by the embedded cloud's clock.
    pub at: Timestamp,
}

/// All mail of an embedded cloud. Clones share it.
#[derive(Clone)]
pub struct Mail {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Mutex<Connection>,
    clock: Clock,
    permit: Permit,
}

impl Mail {
    /// Opens the mail stored in the SQLite file `path`, or in memory.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(path: Option<&Path>, clock: Clock, permit: Permit) -> rusqlite::Result<Self> {
        let connection = Mutex::new(sqlite::open(path, SCHEMA)?);
        Ok(Self { inner: Arc::new(Inner { connection, clock, permit }) })
    }

    /// Stores a message from inside the cloud, such as a code of Cognito's.
    ///
    /// # Errors
    /// When the database fails.
    pub fn deliver(&self, message: &Message) -> rusqlite::Result<()> {
        self.inner.store(std::slice::from_ref(message)).map(drop)
    }

    /// The newest messages, at most 200, newest first: all, or those to one address (in any case).
    ///
    /// # Errors
    /// When the database fails.
    pub fn messages(&self, to: Option<&str>) -> rusqlite::Result<Vec<StoredMessage>> {
        self.inner.messages(to)
    }

    /// Serves one SDK request.
    #[expect(clippy::unused_async, reason = "all services have the same signature")]
    pub async fn call(&self, parts: Parts, body: Bytes) -> Response<Bytes> {
        if parts.method != Method::POST || parts.uri.path() != "/v2/email/outbound-emails" {
            return refused(&Refusal {
                status: StatusCode::NOT_FOUND,
                ..Refusal::new("NotFoundException", "the embedded cloud's mail has only SendEmail")
            });
        }
        match self.send_email(&parts, &body) {
            Ok(message_id) => {
                answer(StatusCode::OK, "application/json", json!({ "MessageId": message_id }).to_string())
            }
            Err(refusal) => refused(&refusal),
        }
    }

    /// Serves the viewer's request `GET …?to=ADDRESS`: JSON, or a page for a browser.
    pub fn view(&self, parts: &Parts) -> Response<Bytes> {
        let to = parts.uri.query().and_then(|query| {
            let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
            pairs.into_iter().find(|(name, _)| name == "to").map(|(_, address)| address)
        });
        let messages = match self.messages(to.as_deref()) {
            Ok(messages) => messages,
            Err(cause) => return refused(&Refusal::from(cause)),
        };
        let accept = parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if accept.contains("text/html") {
            let mut response =
                answer(StatusCode::OK, "text/html; charset=utf-8", page::write(&messages, to.as_deref()));
            // A second barrier behind escaping: nothing in a message can run scripts or load anything.
            response.headers_mut().insert(
                HeaderName::from_static("content-security-policy"),
                HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
            );
            response
        } else {
            answer(StatusCode::OK, "application/json", json!({ "items": messages }).to_string())
        }
    }

    fn send_email(&self, parts: &Parts, body: &Bytes) -> Result<String, Refusal> {
        let input: SendEmailInput = serde_json::from_slice(body)
            .map_err(|cause| bad_request(format!("the request cannot be read: {cause}")))?;
        let from = input.from_email_address.ok_or_else(|| bad_request("FromEmailAddress is missing"))?;
        let address = address_of(&from).ok_or_else(|| bad_request(format!("Missing '@domain' in {from}")))?;
        self.permit_sender(access_key(parts), &address)?;
        let simple = match (input.content.simple, input.content.raw, input.content.template) {
            (Some(simple), None, None) => simple,
            _ => return Err(bad_request("the embedded cloud sends Simple content only, neither Raw nor Template")),
        };
        if simple.body.text.is_none() && simple.body.html.is_none() {
            return Err(bad_request("the body needs Text or Html"));
        }
        let destination = input.destination.unwrap_or_default();
        let recipients = [destination.to_addresses, destination.cc_addresses, destination.bcc_addresses].concat();
        if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
            return Err(bad_request("the recipients must be 1 to 50"));
        }
        let mut messages = Vec::new();
        for to in recipients {
            if address_of(&to).is_none() {
                return Err(bad_request(format!("Missing '@domain' in {to}")));
            }
            messages.push(Message {
                to,
                from: from.clone(),
                subject: simple.subject.data.clone(),
                text: simple.body.text.as_ref().map(|text| text.data.clone()).unwrap_or_default(),
                html: simple.body.html.as_ref().map(|html| html.data.clone()),
                code: None,
            });
        }
        Ok(self.inner.store(&messages)?)
    }

    /// Checks the sender's permission. A policy may name the address or its domain as the identity.
    fn permit_sender(&self, key: &str, address: &str) -> Result<(), Refusal> {
        let identity = |name: &str| format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/{name}");
        let domain = address.rsplit('@').next().unwrap_or_default();
        let allowed = [address, domain].iter().any(|name| (self.inner.permit)(key, "ses:SendEmail", &identity(name)));
        if allowed {
            return Ok(());
        }
        Err(Refusal { status: StatusCode::FORBIDDEN, ..Refusal::denied(key, "ses:SendEmail", &identity(domain)) })
    }
}

impl Inner {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back, so the connection is still sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores one mail, as a message for each recipient, and returns its id.
    fn store(&self, messages: &[Message]) -> rusqlite::Result<String> {
        let message_id = random_uuid();
        let at = self.clock.now().millis();
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for message in messages {
            let address = address_of(&message.to).unwrap_or_else(|| message.to.to_lowercase());
            transaction
                .prepare_cached(
                    "INSERT INTO messages (message_id, sender, recipient, address, subject, text, html, code, at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    message_id,
                    message.from,
                    message.to,
                    address,
                    message.subject,
                    message.text,
                    message.html,
                    message.code,
                    at
                ])?;
        }
        transaction.commit()?;
        Ok(message_id)
    }

    fn messages(&self, to: Option<&str>) -> rusqlite::Result<Vec<StoredMessage>> {
        let address = to.map(|to| address_of(to).unwrap_or_else(|| to.to_lowercase()));
        self.connection()
            .prepare_cached(
                "SELECT recipient, sender, subject, text, html, code, at FROM messages
                 WHERE ?1 IS NULL OR address = ?1 ORDER BY id DESC LIMIT ?2",
            )?
            .query_map(params![address, MAX_SHOWN], |row| {
                Ok(StoredMessage {
                    message: Message {
                        to: row.get(0)?,
                        from: row.get(1)?,
                        subject: row.get(2)?,
                        text: row.get(3)?,
                        html: row.get(4)?,
                        code: row.get(5)?,
                    },
                    at: Timestamp::from_millis(row.get(6)?),
                })
            })?
            .collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmailInput {
    from_email_address: Option<String>,
    destination: Option<Destination>,
    content: Content,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Destination {
    to_addresses: Vec<String>,
    cc_addresses: Vec<String>,
    bcc_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Option<Simple>,
    raw: Option<Value>,
    template: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Text,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Option<Text>,
    html: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Text {
    data: String,
}

/// The bare address of `Name <address>` or `address`, in lower case.
fn address_of(written: &str) -> Option<String> {
    let address = match written.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>')?,
        None => written,
    };
    let (local, domain) = address.trim().rsplit_once('@')?;
    let whole = !local.is_empty() && !domain.is_empty() && !address.trim().contains(char::is_whitespace);
    whole.then(|| format!("{local}@{domain}").to_lowercase())
}

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::new("BadRequestException", message)
}

/// An error in AWS REST JSON, whose code is in a header.
fn refused(refusal: &Refusal) -> Response<Bytes> {
    let mut response = answer(refusal.status, "application/json", json!({ "message": refusal.message }).to_string());
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(refusal.code));
    response
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
