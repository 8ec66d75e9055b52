//! Codes through Telegram Gateway, which writes the sentence around them itself and is paid for in advance.
//! <https://core.telegram.org/gateway/api>

use std::time::Duration;

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ::http::{Request, StatusCode};
use bytes::Bytes;
use domain::contact::ContactPoint;
use domain::proof::CODE_LIFETIME;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Messenger, Outgoing, Unsent};
use crate::{Config, Fatal, HttpClient, Secret};

const TIMEOUT: Duration = Duration::from_secs(4);
/// After which time a message that was not delivered is withdrawn, and its fee given back: from 30 seconds to an hour.
const TTL: Duration = CODE_LIFETIME;
/// The longest payload that Telegram takes, in bytes.
const MAX_PAYLOAD: usize = 128;

#[derive(Deserialize)]
struct Token {
    token: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

/// Telegram's answer to any call.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    result: Option<Status>,
    /// A name such as `ACCESS_TOKEN_INVALID`.
    #[serde(default)]
    error: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Status {
    request_id: String,
}

/// Codes through Telegram Gateway.
#[derive(Debug)]
pub struct TelegramGateway {
    http: HttpClient,
    url: String,
    secret: Secret<Token>,
}

impl TelegramGateway {
    /// The gateway of this deployment; nothing where there is none.
    ///
    /// # Errors
    /// A variable is missing.
    pub fn new(config: &Config) -> Result<Option<Self>, Fatal> {
        let url = config.optional("TELEGRAM_GATEWAY_URL").map(|url| url.trim_end_matches('/').to_owned());
        let secret = config.secret("TELEGRAM_GATEWAY_SECRET_ARN")?;
        let Some(url) = url else { return Ok(None) };
        Ok(Some(Self { http: config.outbound()?, url, secret }))
    }

    async fn call(&self, method: &str, body: &Value) -> Result<Status, Unsent> {
        let secret = self.secret.value().await.map_err(|error| Unsent::Later(error.to_string()))?;
        let authorization = HeaderValue::from_str(&format!("Bearer {}", secret.token));
        let authorization = authorization.map_err(|_| Unsent::Later("its token is no header".to_owned()))?;
        let request = Request::post(format!("{}/{method}", self.url))
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, authorization)
            .body(Bytes::from(body.to_string()))
            .map_err(|error| Unsent::Later(error.to_string()))?;
        let answer = self.http.send(request, TIMEOUT).await.map_err(|error| Unsent::Later(error.to_string()))?;
        judged(answer.status(), answer.body())
    }
}

/// What an answer means. The documentation names no list of errors, so only those are told apart that say nothing about
/// the number: a wrong token, an empty balance, too many calls.
fn judged(status: StatusCode, body: &[u8]) -> Result<Status, Unsent> {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return Err(Unsent::Later(format!("Telegram answers {status} without its form")));
    };
    match answer {
        Answer { ok: true, result: Some(result), .. } => Ok(result),
        Answer { ok: true, result: None, .. } => Err(Unsent::Later("Telegram answers nothing".to_owned())),
        Answer { error, .. } => {
            let error = error.unwrap_or_default();
            let is_name = |one: char| one.is_ascii_uppercase() || one.is_ascii_digit() || one == '_';
            // Nothing else gets into the log.
            let name: String = error.chars().take_while(|one| is_name(*one)).take(64).collect();
            let is_ours = ["ACCESS_TOKEN", "BALANCE", "FLOOD"].iter().any(|ours| name.starts_with(ours));
            let reason = format!("Telegram refuses it with {status} {name}");
            if is_ours || status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                return Err(Unsent::Later(reason));
            }
            Err(Unsent::NotHere(reason))
        }
    }
}

impl Messenger for TelegramGateway {
    /// Asks first whether the number has Telegram. The fee of that is the message's: who sends with the request's id
    /// pays no second one.
    async fn send(&self, to: &ContactPoint, message: &Outgoing) -> Result<(), Unsent> {
        let (Some(number), Some(code)) = (to.phone(), &message.code) else {
            return Err(Unsent::NotHere("it is no code to a telephone number".to_owned()));
        };
        let able = self.call("checkSendAbility", &json!({ "phone_number": number })).await?;
        let payload: &str = if message.id.len() <= MAX_PAYLOAD { &message.id } else { "" };
        let message = json!({
            "phone_number": number, "request_id": able.request_id, "code": code, "ttl": TTL.as_secs(), "payload": payload,
        });
        self.call("sendVerificationMessage", &message).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_something_about_the_number_is_given_up() {
        let of = |status: u16, body: &str| judged(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let taken =
            of(200, r#"{"ok":true,"result":{"request_id":"r1","phone_number":"+998712000000","request_cost":0.01}}"#);
        assert_eq!(taken.map(|status| status.request_id), Ok("r1".to_owned()));
        let refused = of(200, r#"{"ok":false,"error":"PHONE_NUMBER_INVALID +998712000000"}"#).err();
        assert_eq!(refused, Some(Unsent::NotHere("Telegram refuses it with 200 OK PHONE_NUMBER_INVALID".to_owned())));
        for (status, body) in [
            (200, r#"{"ok":false,"error":"ACCESS_TOKEN_INVALID"}"#),
            (200, r#"{"ok":false,"error":"BALANCE_NOT_ENOUGH"}"#),
            (429, r#"{"ok":false,"error":"FLOOD_WAIT_3"}"#),
            (500, r#"{"ok":false,"error":"INTERNAL"}"#),
            (200, r#"{"ok":true}"#),
            (502, "<html>"),
        ] {
            assert!(matches!(of(status, body).err(), Some(Unsent::Later(_))), "{body}");
        }
    }
}
