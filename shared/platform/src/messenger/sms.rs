//! Short messages through a gateway that takes JSON over HTTPS, as most of them do.
//!
//! Its URL and the form of its requests are parameters of the deployment and no settings: whoever could change them
//! while the shop runs would have its codes, and the gateway's secret, sent to themselves.

use std::time::Duration;

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use ::http::{Request, StatusCode, Uri};
use bytes::Bytes;
use domain::contact::{ContactPoint, PhoneNumber};
use serde::Deserialize;
use serde_json::Value;

use super::{Messenger, Outgoing, Unsent};
use crate::{Config, Fatal, HttpClient, Secret};

const TIMEOUT: Duration = Duration::from_secs(5);

/// What is put into the texts of a request: the number with its `+`, without it, the message, and its id.
const PLACES: [&str; 4] = ["{phone}", "{digits}", "{text}", "{id}"];

/// The gateway's secret: the value of `Authorization`, such as `Bearer …` or `Basic …`.
#[derive(Deserialize)]
struct Credentials {
    authorization: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}

/// Short messages through an HTTP gateway.
#[derive(Debug)]
pub struct SmsGateway {
    http: HttpClient,
    url: Uri,
    body: Value,
    secret: Secret<Credentials>,
}

impl SmsGateway {
    /// The gateway of this deployment; nothing where there is none.
    ///
    /// # Errors
    /// Its URL is none, or its body is no JSON with a place for the number and one for the text.
    pub fn new(config: &Config) -> Result<Option<Self>, Fatal> {
        let (url, body) = (config.optional("SMS_GATEWAY_URL"), config.optional("SMS_GATEWAY_BODY"));
        let secret = config.secret("SMS_GATEWAY_SECRET_ARN")?;
        let Some(url) = url else { return Ok(None) };
        let url = url.parse().map_err(|error| Fatal::new(format_args!("SMS_GATEWAY_URL: {error}")))?;
        let text = body.unwrap_or_default();
        let is_whole = text.contains("{text}") && (text.contains("{phone}") || text.contains("{digits}"));
        let body = serde_json::from_str(text).ok().filter(|_| is_whole);
        let body = body.ok_or_else(|| Fatal::new("SMS_GATEWAY_BODY is no JSON with {text} and {phone} or {digits}"))?;
        Ok(Some(Self { http: config.outbound()?, url, body, secret }))
    }

    async fn post(&self, to: &PhoneNumber, text: &str, id: &str) -> Result<(), Unsent> {
        let secret = self.secret.value().await.map_err(|error| Unsent::Later(error.to_string()))?;
        let authorization = HeaderValue::from_str(&secret.authorization);
        let authorization = authorization.map_err(|_| Unsent::Later("its secret is no header".to_owned()))?;
        let body = filled(&self.body, [to.as_str(), to.digits(), text, id]).to_string();
        let request = Request::post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, authorization)
            .header(HeaderName::from_static("idempotency-key"), id)
            .body(Bytes::from(body))
            .map_err(|error| Unsent::Later(error.to_string()))?;
        let answer = self.http.send(request, TIMEOUT).await.map_err(|error| Unsent::Later(error.to_string()))?;
        judged(answer.status())
    }
}

impl Messenger for SmsGateway {
    async fn send(&self, to: &ContactPoint, message: &Outgoing) -> Result<(), Unsent> {
        match (to.phone(), &message.short) {
            (Some(number), Some(text)) => self.post(number, text, &message.id).await,
            _ => Err(Unsent::NotHere("it is no short message to a telephone number".to_owned())),
        }
    }
}

/// What an answer means. Only its status is looked at: what gateways write into bodies is not the same, and may repeat
/// the number.
fn judged(status: StatusCode) -> Result<(), Unsent> {
    match status {
        // With a conflict it has a message with this id already: an earlier try arrived.
        taken if taken.is_success() || taken == StatusCode::CONFLICT => Ok(()),
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::UNPROCESSABLE_ENTITY => {
            Err(Unsent::NotHere(format!("the gateway refuses it with {status}")))
        }
        // Also a wrong secret: somebody mends it.
        other => Err(Unsent::Later(format!("the gateway answers {other}"))),
    }
}

/// The template with the values in the places of its texts. What is put in is not looked through again, so that a text
/// cannot ask for another value.
fn filled(template: &Value, values: [&str; 4]) -> Value {
    match template {
        Value::String(text) => Value::String(filled_text(text, values)),
        Value::Array(items) => items.iter().map(|item| filled(item, values)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), filled(field, values)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn filled_text(template: &str, values: [&str; 4]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let (before, place) = rest.split_at(start);
        text.push_str(before);
        let known = PLACES.iter().zip(values).find(|(name, _)| place.starts_with(**name));
        let (value, length) = known.map_or(("{", 1), |(name, value)| (value, name.len()));
        text.push_str(value);
        rest = place.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_has_the_gateways_form_and_a_text_fills_no_other_place() {
        let template = json!({"messages": [{"recipient": "{digits}", "to": "{phone}", "message-id": "{id}",
            "sms": {"originator": "4546", "content": {"text": "{text}!"}, "flash": false}}], "{id}": "{other"});
        let sent = filled(&template, ["+998712000000", "998712000000", "{id} \"{phone}\"", "m1"]);
        let expected = json!({"messages": [{"recipient": "998712000000", "to": "+998712000000", "message-id": "m1",
            "sms": {"originator": "4546", "content": {"text": "{id} \"{phone}\"!"}, "flash": false}}], "{id}": "{other"});
        assert_eq!(sent, expected);
    }

    #[test]
    fn only_what_the_gateway_refuses_for_good_is_given_up() {
        for taken in [200, 201, 202, 204, 409] {
            assert_eq!(judged(StatusCode::from_u16(taken).unwrap()), Ok(()), "{taken}");
        }
        for refused in [400, 404, 410, 422] {
            let judged = judged(StatusCode::from_u16(refused).unwrap());
            assert!(matches!(judged, Err(Unsent::NotHere(_))), "{refused}");
        }
        for later in [301, 401, 402, 403, 429, 500, 503] {
            let judged = judged(StatusCode::from_u16(later).unwrap());
            assert!(matches!(judged, Err(Unsent::Later(_))), "{later}");
        }
    }
}
