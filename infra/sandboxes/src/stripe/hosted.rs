//! Stripe's hosted page: what a buyer does on the page of a session, and on the page of their bank.
//!
//! The id of a session is 120 random bits, and so is that of a bank's page: whoever has the address was given it. A
//! page acts on its own session only, while that is open, and on the bank's confirmation that is asked for now.

use bytes::Bytes;
use cloud::time::Timestamp;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;

use super::acting::{self, Act, ActError, Done};
use super::checkout_page::{self, Shown};
use super::objects::{self, Intent, Status};
use super::session::{self, Session, State};
use super::store::Transaction;
use super::{Stripe, answer, local_error};

/// A button of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Button {
    /// Pays at once.
    Pay,
    /// Pays with a card that is declined: the page says so, and another card can be tried.
    Decline,
    /// Pays with a card whose bank asks the buyer to confirm.
    #[serde(rename = "3ds")]
    Challenge,
    /// Pays by a bank that takes days.
    Slow,
    /// Goes back to the shop without paying.
    Leave,
}

/// A button of the bank's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Confirm,
    Fail,
}

/// What a form sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pressed<T> {
    r#do: T,
}

/// Where the buyer is sent after a button, and what the shop is told.
struct Next {
    location: String,
    done: Option<Done>,
}

impl Next {
    const fn to(location: String) -> Self {
        Self { location, done: None }
    }
}

impl Stripe {
    pub(super) fn show_checkout(&self, id: &str) -> Response<Bytes> {
        let now = self.inner.clock.now();
        let shown = self.inner.store.write(|transaction| {
            let session = find(transaction, id, now)?;
            let intent: Option<Intent> =
                session.payment_intent.as_ref().map(|id| transaction.find(id)).transpose()?.flatten();
            let page = Shown { names: session.names(transaction)?, intent: intent.as_ref(), session: &session };
            Ok::<_, ActError>((checkout_page::write(&page), session))
        });
        html(shown)
    }

    pub(super) async fn act_on_checkout(&self, id: &str, headers: &HeaderMap, body: &Bytes) -> Response<Bytes> {
        let pressed = match pressed::<Button>(headers, body) {
            Ok(button) => button,
            Err((status, why)) => return local_error(status, why),
        };
        let now = self.inner.clock.now();
        let pages = self.pages();
        let next = self.inner.store.write(|transaction| {
            let session = find(transaction, id, now)?;
            press(transaction, session, pressed, &pages, now)
        });
        // Relative to the page's own URL, so that it works under any prefix.
        self.go_on(next, id).await
    }

    pub(super) fn show_challenge(&self, id: &str, challenge: &str) -> Response<Bytes> {
        let now = self.inner.clock.now();
        let shown = self.inner.store.write(|transaction| {
            let (session, intent) = challenged(transaction, id, challenge, now)?;
            Ok::<_, ActError>((checkout_page::write_challenge(&session, &intent), session))
        });
        html(shown)
    }

    pub(super) async fn answer_challenge(
        &self,
        id: &str,
        challenge: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Response<Bytes> {
        let pressed = match pressed::<Answer>(headers, body) {
            Ok(button) => button,
            Err((status, why)) => return local_error(status, why),
        };
        let now = self.inner.clock.now();
        let page = format!("../../{id}");
        let next = self.inner.store.write(|transaction| {
            let (session, mut intent) = challenged(transaction, id, challenge, now)?;
            if pressed == Answer::Confirm {
                let done = Act::Succeed.on_intent(transaction, intent, now)?;
                return Ok(Next { location: session.after_success(), done: Some(done) });
            }
            intent.fail_challenge();
            transaction.put(&intent)?;
            let event = transaction.record("payment_intent.payment_failed", &intent, &intent.id, now)?;
            let done = acting::finish(transaction, intent, vec![event], false, now)?;
            Ok(Next { location: page.clone(), done: Some(done) })
        });
        self.go_on(next, &page).await
    }

    /// Sends the events, and then the buyer on. Who pressed a button too late, or twice, sees how it stands on `page`.
    async fn go_on(&self, next: Result<Next, ActError>, page: &str) -> Response<Bytes> {
        let location = match next {
            Ok(Next { location, done }) => {
                if let Some(done) = done
                    && let Err(error) = self.send_events(done.events, done.at_once).await
                {
                    return local_error(error.status(), &error.to_string());
                }
                self.inner.enqueued.notify_one();
                location
            }
            Err(ActError::State(_)) => page.to_owned(),
            Err(error) => return local_error(error.status(), &error.to_string()),
        };
        let mut sent = answer(StatusCode::SEE_OTHER, "text/plain", String::new());
        if let Ok(location) = HeaderValue::from_str(&location) {
            sent.headers_mut().insert(LOCATION, location);
        }
        sent
    }
}

fn find(transaction: &Transaction<'_>, id: &str, now: Timestamp) -> Result<Session, ActError> {
    session::expire_overdue(transaction, now)?;
    transaction.find(id)?.ok_or(ActError::UnknownPage)
}

fn press(
    transaction: &Transaction<'_>,
    mut session: Session,
    pressed: Button,
    pages: &str,
    now: Timestamp,
) -> Result<Next, ActError> {
    if pressed == Button::Leave {
        let back = session.cancel_url.clone().ok_or_else(|| ActError::State("there is no way back".to_owned()))?;
        return Ok(Next::to(back));
    }
    if session.status != State::Open {
        return Err(ActError::State("the page is closed".to_owned()));
    }
    let (act, location) = match pressed {
        Button::Pay => (Act::Succeed, session.after_success()),
        Button::Slow => (Act::Process, session.after_success()),
        Button::Decline => (Act::Fail, session.id.clone()),
        Button::Challenge => {
            let mut intent = session.intent(transaction, now)?;
            acting::payable(transaction, &intent)?;
            let place = format!("{}/3ds/{}", session.id, objects::id("3ds"));
            intent.challenge(&format!("{pages}/c/pay/{place}"), &format!("{pages}/c/pay/{}", session.id));
            transaction.put(&intent)?;
            let event = transaction.record("payment_intent.requires_action", &intent, &intent.id, now)?;
            let done = acting::finish(transaction, intent, vec![event], false, now)?;
            return Ok(Next { location: place, done: Some(done) });
        }
        Button::Leave => return Ok(Next::to(session.id)),
    };
    Ok(Next { location, done: Some(act.on_session(transaction, session, now)?) })
}

/// The payment that waits for this confirmation of a bank, and for no other.
fn challenged(
    transaction: &Transaction<'_>,
    id: &str,
    challenge: &str,
    now: Timestamp,
) -> Result<(Session, Intent), ActError> {
    let session = find(transaction, id, now)?;
    let intent: Option<Intent> = session.payment_intent.as_ref().map(|id| transaction.find(id)).transpose()?.flatten();
    let intent = intent.filter(|_| session.status == State::Open).ok_or(ActError::UnknownPage)?;
    let asked = intent.next_action.as_ref().and_then(|action| action.pointer("/redirect_to_url/url"));
    let asked = asked.and_then(serde_json::Value::as_str).unwrap_or_default();
    let is_asked = asked.ends_with(&format!("/c/pay/{id}/3ds/{challenge}"));
    if intent.status == Status::RequiresAction && is_asked { Ok((session, intent)) } else { Err(ActError::UnknownPage) }
}

/// The button that was pressed on the page itself. A form of another site is refused, though it would have to know the
/// page's address.
fn pressed<T: serde::de::DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, (StatusCode, &'static str)> {
    let from = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if from.is_some_and(|site| site != "same-origin") {
        return Err((StatusCode::FORBIDDEN, "the form is of another site"));
    }
    serde_urlencoded::from_bytes::<Pressed<T>>(body)
        .map(|pressed| pressed.r#do)
        .map_err(|_| (StatusCode::BAD_REQUEST, "no such button"))
}

/// A page of a session. It contains text from outside: with its policy nothing in it can run or load anything, and its
/// forms lead back to the page and to the shop, since a redirect after a form counts.
fn html(shown: Result<(String, Session), ActError>) -> Response<Bytes> {
    let (page, session) = match shown {
        Ok(shown) => shown,
        Err(error) => {
            let page = checkout_page::write_missing(&error.to_string());
            return with_policy(answer(error.status(), "text/html; charset=utf-8", page), "");
        }
    };
    let mut shops: Vec<String> =
        std::iter::once(&session.success_url).chain(&session.cancel_url).filter_map(|url| origin(url)).collect();
    shops.dedup();
    with_policy(answer(StatusCode::OK, "text/html; charset=utf-8", page), &shops.join(" "))
}

fn with_policy(mut page: Response<Bytes>, shops: &str) -> Response<Bytes> {
    let policy = format!(
        "default-src 'none'; style-src '{}'; form-action 'self' {shops}; base-uri 'none'; frame-ancestors 'none'",
        checkout_page::style_hash()
    );
    let headers = page.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(HeaderName::from_static("content-security-policy"), policy);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    page
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> Option<String> {
    let uri: http::Uri = url.split('{').next()?.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}
