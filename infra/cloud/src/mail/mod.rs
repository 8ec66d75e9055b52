//! Mail: SES's `SendEmail`, which stores each message instead of sending it, and a viewer of the stored messages.
//!
//! It refuses what SES refuses, in its words: addresses ([`address`]), identities and limits ([`account`]), and the
//! rest by <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>.

mod account;
mod address;
mod feedback;
#[cfg(test)]
mod feedback_tests;
mod page;
mod received;
mod send_email;
mod suppression;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::time::Timestamp;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::json;

use crate::account::REGION;
use crate::clock::Clock;
use crate::sns::Topics;
use crate::sqlite;
use crate::sqs::Permit;
use crate::sqs::wire::{Refusal, random_uuid};

pub use self::account::{Account, Identity, Sending};
use self::address::Mailbox;
pub use self::address::is_sender_of_a_pool;
pub use self::feedback::{ConfigurationSet, Destination};
use self::feedback::{Fate, Feedback};
pub use self::page::Received;
use self::received::{asked_for, is_for_a_browser, page_of, show};
use self::send_email::mailbox;

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

const SECOND: i64 = 1_000;
const DAY: i64 = 24 * 60 * 60 * SECOND;

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
    account: Mutex<Account>,
    feedback: OnceLock<Feedback>,
}

impl Mail {
    /// Opens the mail stored in the SQLite file `path`, or in memory. The account has these verified identities.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(
        path: Option<&Path>,
        clock: Clock,
        permit: Permit,
        identities: impl IntoIterator<Item = String>,
    ) -> rusqlite::Result<Self> {
        let connection = Mutex::new(sqlite::open(path, SCHEMA)?);
        let account = Mutex::new(Account::with_identities(identities));
        let feedback = OnceLock::new();
        Ok(Self { inner: Arc::new(Inner { connection, clock, permit, account, feedback }) })
    }

    /// Makes the configuration sets, whose events go to these topics. Once only.
    #[must_use]
    pub fn with_configuration_sets(self, sets: Vec<ConfigurationSet>, topics: Topics) -> Self {
        let names = sets.iter().map(|set| set.name.clone()).collect();
        self.set_account(Account { configuration_sets: names, ..self.account() });
        // A second time changes nothing.
        let _ = self.inner.feedback.set(Feedback { sets, topics });
        self
    }

    pub fn account(&self) -> Account {
        self.inner.account()
    }

    pub fn set_account(&self, account: Account) {
        *self.inner.account_mut() = account;
    }

    /// Verifies an identity, or takes its verification away.
    pub fn set_verified(&self, identity: &str, verified: bool) {
        self.inner.account_mut().set_verified(identity, verified);
    }

    /// Stores a message of another service that does not send through this account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn deliver(&self, message: &Message) -> rusqlite::Result<()> {
        self.inner.store(std::slice::from_ref(message)).map(drop)
    }

    /// Sends a message of another service of the cloud, such as a code of Cognito's, through this account: everything
    /// is checked but a role. Its events go where the configuration set says.
    pub(crate) fn send(&self, message: &Message, set: Option<&str>) -> Result<(), Refusal> {
        let sender = mailbox(&message.from)?;
        let recipient = mailbox(&message.to)?;
        self.inner.check_account(&sender, std::slice::from_ref(&recipient))?;
        let message = Message { from: sender.written, ..message.clone() };
        Ok(self.inner.post(vec![(recipient, message)], set).map(drop)?)
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
        let answered = match (&parts.method, parts.uri.path()) {
            (&Method::POST, "/v2/email/outbound-emails") => {
                self.send_email(&parts, &body).map(|message_id| json!({ "MessageId": message_id }))
            }
            (&Method::DELETE, path) if path.starts_with(suppression::PATH) => {
                self.delete_suppressed_destination(&parts).map(|()| json!({}))
            }
            _ => Err(Refusal {
                status: StatusCode::NOT_FOUND,
                ..Refusal::new(
                    "NotFoundException",
                    "the embedded cloud's mail has only SendEmail and DeleteSuppressedDestination",
                )
            }),
        };
        match answered {
            Ok(answered) => answer(StatusCode::OK, "application/json", answered.to_string()),
            Err(refusal) => refused(&refusal),
        }
    }

    /// Serves the viewer's request `GET …?to=ADDRESS`: JSON, or a page for a browser.
    pub fn view(&self, parts: &Parts) -> Response<Bytes> {
        let to = asked_for(parts);
        let messages = match self.messages(to.as_deref()) {
            Ok(messages) => messages,
            Err(cause) => return refused(&Refusal::from(cause)),
        };
        if is_for_a_browser(parts) {
            let received: Vec<Received> = messages.into_iter().map(Received::by_mail).collect();
            return page_of("Mail", &received, to.as_deref());
        }
        answer(StatusCode::OK, "application/json", json!({ "items": messages }).to_string())
    }

    /// Serves `GET …?to=CONTACT` with the messages of third parties beside the mail: JSON, or a page for a browser.
    pub(crate) fn view_all(&self, parts: &Parts, others: impl Fn(Option<&str>) -> Vec<Received>) -> Response<Bytes> {
        let to = asked_for(parts);
        match self.messages(to.as_deref()) {
            Ok(mail) => {
                let mail = mail.into_iter().map(Received::by_mail);
                show(parts, mail.chain(others(to.as_deref())).collect(), to.as_deref())
            }
            Err(cause) => refused(&Refusal::from(cause)),
        }
    }
}

impl Inner {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back, so the connection is still sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn account_mut(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn account(&self) -> Account {
        self.account_mut().clone()
    }

    /// Checks that the account may send this now.
    ///
    /// The message about identities stands in <https://github.com/aws/aws-cdk/issues/18964>, that about the rate in
    /// <https://github.com/pm-pmaas/etailors_amazon_ses/issues/117>, that about paused sending in
    /// <https://github.com/GoodDollar/GoodServer/issues/419> (version 1, where its code is `MessageRejected`), and
    /// <https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html> has both limits.
    fn check_account(&self, sender: &Mailbox, recipients: &[Mailbox]) -> Result<(), Refusal> {
        let account = self.account();
        match account.sending {
            Sending::Enabled => {}
            Sending::Paused => {
                let message = "Sending paused for this account. For more information, please check the inbox of the \
                               email address associated with your AWS account.";
                return Err(Refusal::new("SendingPausedException", message));
            }
            Sending::Suspended => {
                let message = "The message can't be sent because the account's ability to send email has been \
                               permanently restricted.";
                return Err(Refusal::new("AccountSuspendedException", message));
            }
        }
        let unverified = account.unverified(sender, recipients);
        if !unverified.is_empty() {
            let message = format!(
                "Email address is not verified. The following identities failed the check in region {}: {}",
                REGION.to_uppercase(),
                unverified.join(", ")
            );
            return Err(Refusal::new("MessageRejected", message));
        }
        // What is left of a limit takes the whole call; the recipients above it delay those that follow.
        if account.daily_quota.is_some_and(|most| self.sent_within(DAY).is_ok_and(|sent| sent >= most)) {
            return Err(Refusal::new("LimitExceededException", "Daily message quota exceeded."));
        }
        if account.send_rate.is_some_and(|most| self.sent_within(SECOND).is_ok_and(|sent| sent >= most)) {
            return Err(Refusal {
                status: StatusCode::TOO_MANY_REQUESTS,
                ..Refusal::new("TooManyRequestsException", "Maximum sending rate exceeded.")
            });
        }
        Ok(())
    }

    /// How many recipients there were in the last milliseconds.
    fn sent_within(&self, period: i64) -> rusqlite::Result<u32> {
        let since = self.clock.now().millis() - period;
        self.connection().query_row("SELECT count(*) FROM messages WHERE at > ?1", [since], |row| row.get(0))
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
