//! Secrets: read when first needed, cached for five minutes, read again when a signature fails.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_secretsmanager::error::SdkError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::text::OneTimeCode;
use domain::{Code, Coded, OrderId};
use ring::hmac;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::{Config, Fatal};

const CACHE_TTL: Duration = Duration::from_secs(5 * 60);
/// However many bad signatures arrive, they cause at most one read a minute.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// A secret that can be rotated: during a rotation it has two values.
#[derive(Clone, Deserialize, PartialEq, Eq)]
pub struct Rotating {
    /// The value with which new signatures are made.
    pub current: String,
    /// The value before, which is still accepted.
    #[serde(default)]
    pub previous: Option<String>,
}

impl Rotating {
    /// The token of an order in base64url, 43 characters: its holder may see and cancel the order. It is derived
    /// and not stored: the HMAC-SHA256 of the order's id under the current secret.
    pub fn order_token(&self, order: OrderId) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&key(&self.current), order_message(order).as_bytes()))
    }

    /// Whether this is the order's token under the current secret, or under the previous one while secrets are rotated.
    /// Tags are compared in constant time, so that the time discloses nothing about the right token.
    pub fn is_order_token(&self, shown: &str, order: OrderId) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(shown) else { return false };
        let message = order_message(order);
        let mut accepted = std::iter::once(&self.current).chain(&self.previous);
        accepted.any(|secret| hmac::verify(&key(secret), message.as_bytes(), &tag).is_ok())
    }
}

impl Rotating {
    /// The code with this number that confirms an order: six digits. It is derived like the token, and stored nowhere.
    pub fn confirmation_code(&self, order: OrderId, number: u8) -> String {
        code_under(&self.current, order, number)
    }

    /// Whether this is the order's code with this number. Compared in constant time.
    pub fn is_confirmation_code(&self, shown: &OneTimeCode, order: OrderId, number: u8) -> bool {
        let is_code_under = |secret: &String| {
            // Tags of both texts under a key of their own are compared instead of the texts.
            let key = key(secret);
            let tag = hmac::sign(&key, code_under(secret, order, number).as_bytes());
            hmac::verify(&key, shown.as_str().as_bytes(), tag.as_ref()).is_ok()
        };
        std::iter::once(&self.current).chain(&self.previous).any(is_code_under)
    }
}

/// The first 64 bits of a tag, modulo a million: no code is noticeably likelier than another.
fn code_under(secret: &str, order: OrderId, number: u8) -> String {
    let tag = hmac::sign(&key(secret), format!("order-confirmation:{order}:{number}").as_bytes());
    let bits = tag.as_ref().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    format!("{:06}", bits % 1_000_000)
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

/// The signed message. Its prefix separates purposes: a tag that the same secret makes for something else is not an
/// order token.
fn order_message(order: OrderId) -> String {
    format!("order-token:{order}")
}

impl std::fmt::Debug for Rotating {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Rotating(…)")
    }
}

/// Why a secret is not available.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SecretError {
    /// Nobody has put a value yet: the stack makes a provider's secret without one.
    #[error("the secret {arn} has no value")]
    Missing { arn: String },
    /// Secrets Manager did not answer, or refused.
    #[error("the secret {arn} could not be read: {reason}")]
    Unreadable {
        arn: String,
        /// The service's error; never the value.
        reason: String,
    },
    /// Its text is not JSON of the expected type.
    #[error("the secret {arn} has not the expected form")]
    Malformed { arn: String },
}

impl Coded for SecretError {
    fn code(&self) -> Code {
        Code::Unavailable
    }
}

/// A JSON secret in Secrets Manager.
#[derive(Debug)]
pub struct Secret<T> {
    client: aws_sdk_secretsmanager::Client,
    arn: String,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    value: Option<(Arc<T>, Instant)>,
    /// When it was last seen that there is no value. Kept like a value, or each call would ask again.
    missing: Option<Instant>,
    refreshed: Option<Instant>,
}

impl Config {
    /// The secret whose ARN this variable holds. It is not read yet.
    ///
    /// # Errors
    /// When the variable, the region or the keys are missing.
    pub fn secret<T: DeserializeOwned>(&self, variable: &str) -> Result<Secret<T>, Fatal> {
        Ok(Secret {
            client: self.secrets()?,
            arn: self.required(variable)?.to_owned(),
            state: Mutex::new(State { value: None, missing: None, refreshed: None }),
        })
    }

    /// [`Self::secret`] for a function that never reads it where the variable is empty: there reading it fails.
    ///
    /// # Errors
    /// When the region or the keys are missing.
    pub fn secret_where_named<T: DeserializeOwned>(&self, variable: &str) -> Result<Secret<T>, Fatal> {
        Ok(Secret {
            client: self.secrets()?,
            arn: self.optional(variable).unwrap_or_default().to_owned(),
            state: Mutex::new(State { value: None, missing: None, refreshed: None }),
        })
    }
}

impl<T: DeserializeOwned> Secret<T> {
    /// The secret, read again when the cached value is five minutes old. When that read fails, the cached value stays
    /// in use.
    ///
    /// # Errors
    /// When no value is cached and the secret cannot be read.
    pub async fn value(&self) -> Result<Arc<T>, SecretError> {
        // The lock is held while reading, so that concurrent callers cause one read.
        let mut state = self.state.lock().await;
        let cached = match &state.value {
            Some((value, at)) if at.elapsed() < CACHE_TTL => return Ok(Arc::clone(value)),
            Some((value, _)) => Some(Arc::clone(value)),
            None if state.missing.is_some_and(|at| at.elapsed() < CACHE_TTL) => {
                return Err(SecretError::Missing { arn: self.arn.clone() });
            }
            None => None,
        };
        let value = match (self.read().await, cached) {
            (Ok(value), _) => value,
            (Err(error), Some(cached)) => {
                tracing::warn!(cause = %error, "a secret could not be read again; the cached value stays in use");
                cached
            }
            (Err(error), None) => {
                if matches!(error, SecretError::Missing { .. }) {
                    tracing::warn!(secret.arn = self.arn, "a secret has no value yet");
                    state.missing = Some(Instant::now());
                }
                return Err(error);
            }
        };
        state.value = Some((Arc::clone(&value), Instant::now()));
        Ok(value)
    }

    /// Reads the secret again because a signature did not match: it may have been rotated. At most once a minute; a
    /// call before that gets `None`, and the signature counts as wrong.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn refresh_after_failure(&self) -> Result<Option<Arc<T>>, SecretError> {
        let mut state = self.state.lock().await;
        if state.refreshed.is_some_and(|at| at.elapsed() < MIN_REFRESH_INTERVAL) {
            return Ok(None);
        }
        state.refreshed = Some(Instant::now());
        let value = self.read().await?;
        state.value = Some((Arc::clone(&value), Instant::now()));
        Ok(Some(value))
    }

    async fn read(&self) -> Result<Arc<T>, SecretError> {
        let text = text_of(self.client.clone(), self.arn.clone()).await?;
        // The cause is dropped, because serde's message would quote a part of the value.
        serde_json::from_str(&text).map(Arc::new).map_err(|_| SecretError::Malformed { arn: self.arn.clone() })
    }
}

/// Boxed, so that the SDK's code for this call is compiled here once and not for each type of secret.
#[inline(never)]
fn text_of(
    client: aws_sdk_secretsmanager::Client,
    arn: String,
) -> Pin<Box<dyn Future<Output = Result<String, SecretError>> + Send>> {
    Box::pin(async move {
        match client.get_secret_value().secret_id(&arn).send().await {
            Ok(answer) => Ok(answer.secret_string.unwrap_or_default()),
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => {
                Err(SecretError::Missing { arn })
            }
            Err(error) => {
                let reason = aws_smithy_types::error::display::DisplayErrorContext(error).to_string();
                Err(SecretError::Unreadable { arn, reason })
            }
        }
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex as Lock;

    use aws_smithy_runtime_api::client::http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[derive(Clone, Debug)]
    pub(crate) struct Seen {
        pub(crate) uri: String,
        headers: BTreeMap<String, String>,
    }

    impl Seen {
        pub(crate) fn header(&self, name: &str) -> Option<&str> {
            self.headers.get(name).map(String::as_str)
        }
    }

    /// A fake AWS service that gives one answer and records the requests.
    #[derive(Clone, Debug)]
    pub(crate) struct Fake {
        answer: Arc<Lock<(u16, String)>>,
        seen: Arc<Lock<Vec<Seen>>>,
    }

    impl Fake {
        pub(crate) fn answering(status: u16, body: &str) -> Self {
            Self { answer: Arc::new(Lock::new((status, body.to_owned()))), seen: Arc::default() }
        }

        fn answers_now(&self, status: u16, body: &str) {
            *self.answer.lock().unwrap() = (status, body.to_owned());
        }

        pub(crate) fn seen(&self) -> Vec<Seen> {
            self.seen.lock().unwrap().clone()
        }

        pub(crate) fn client(&self) -> SharedHttpClient {
            SharedHttpClient::new(self.clone())
        }
    }

    impl HttpClient for Fake {
        fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
            SharedHttpConnector::new(self.clone())
        }
    }

    impl HttpConnector for Fake {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            self.seen.lock().unwrap().push(Seen { uri: request.uri().to_owned(), headers });
            let (status, body) = self.answer.lock().unwrap().clone();
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))))
        }
    }

    pub(crate) fn variables() -> BTreeMap<String, String> {
        [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "LOCALCatalogFunction"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "session"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9/_aws/dynamodb"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9/_aws/secrets"),
            ("ORDER_TOKEN_SECRET_ARN", "arn:order-token"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    pub(crate) fn environment() -> Config {
        Config::from_vars(variables())
    }

    fn holding(current: &str) -> String {
        let secret = serde_json::json!({"current": current, "previous": null}).to_string();
        serde_json::json!({"ARN": "arn:order-token", "Name": "order-token", "SecretString": secret}).to_string()
    }

    fn secret(fake: &Fake) -> Secret<Rotating> {
        environment().with_http(fake.client()).secret("ORDER_TOKEN_SECRET_ARN").unwrap()
    }

    #[test]
    fn a_code_confirms_its_order_only_and_the_one_before_it_nothing() {
        let secret = |current: &str, previous: Option<&str>| Rotating {
            current: current.to_owned(),
            previous: previous.map(str::to_owned),
        };
        let (one, other) = (OrderId::from_bits(1), OrderId::from_bits(2));
        let before = secret("a", None);
        let code = before.confirmation_code(one, 1);
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        let entered = |text: &str| OneTimeCode::parse(text).unwrap();
        let code = entered(&code);
        assert!(before.is_confirmation_code(&code, one, 1));
        assert!(!before.is_confirmation_code(&code, other, 1) && !before.is_confirmation_code(&code, one, 2));
        let wrong = if code.as_str() == "000000" { "000001" } else { "000000" };
        assert!(!before.is_confirmation_code(&entered(wrong), one, 1));
        assert!(secret("b", Some("a")).is_confirmation_code(&code, one, 1), "while secrets are rotated");
        assert!(!secret("b", None).is_confirmation_code(&code, one, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_read_once_in_five_minutes() {
        let fake = Fake::answering(200, &holding("one"));
        let secret = secret(&fake);
        assert_eq!(fake.seen().len(), 0);
        for _ in 0..3 {
            assert_eq!(secret.value().await.unwrap().current, "one");
        }
        assert_eq!(fake.seen().len(), 1);
        fake.answers_now(200, &holding("two"));
        tokio::time::advance(CACHE_TTL).await;
        assert_eq!(secret.value().await.unwrap().current, "two");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_signature_reads_it_again_but_not_every_time() {
        let fake = Fake::answering(200, &holding("one"));
        let secret = secret(&fake);
        secret.value().await.unwrap();
        fake.answers_now(200, &holding("two"));
        assert_eq!(secret.refresh_after_failure().await.unwrap().unwrap().current, "two");
        assert!(secret.refresh_after_failure().await.unwrap().is_none());
        assert_eq!(secret.value().await.unwrap().current, "two");
        assert_eq!(fake.seen().len(), 2);
        tokio::time::advance(MIN_REFRESH_INTERVAL).await;
        assert!(secret.refresh_after_failure().await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_without_a_value_is_asked_for_again_after_five_minutes() {
        let fake = Fake::answering(400, r#"{"__type":"ResourceNotFoundException","message":"no"}"#);
        let secret = secret(&fake);
        for _ in 0..3 {
            assert!(matches!(secret.value().await, Err(SecretError::Missing { .. })));
        }
        assert_eq!(fake.seen().len(), 1);
        fake.answers_now(200, &holding("first"));
        tokio::time::advance(CACHE_TTL).await;
        assert_eq!(secret.value().await.unwrap().current, "first");
    }

    #[tokio::test(start_paused = true)]
    async fn the_old_value_serves_on_when_the_service_is_down() {
        let fake = Fake::answering(200, &holding("one"));
        let secret = secret(&fake);
        secret.value().await.unwrap();
        fake.answers_now(500, "{}");
        tokio::time::advance(CACHE_TTL).await;
        assert_eq!(secret.value().await.unwrap().current, "one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_that_cannot_be_had_says_which_but_not_what() {
        let fake = Fake::answering(400, r#"{"__type":"AccessDeniedException","message":"no"}"#);
        let error = secret(&fake).value().await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
        assert!(error.to_string().contains("arn:order-token"), "{error}");

        fake.answers_now(200, r#"{"SecretString":"hunter2"}"#);
        let error = secret(&fake).value().await.unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_token_opens_its_order_under_the_current_and_the_previous_secret() {
        let secret = |current: &str, previous: Option<&str>| Rotating {
            current: current.to_owned(),
            previous: previous.map(str::to_owned),
        };
        let order = OrderId::from_bits(1);
        let token = secret("old", None).order_token(order);
        assert!(secret("new", Some("old")).is_order_token(&token, order));
        assert!(!secret("new", None).is_order_token(&token, order));
        let old = secret("old", None);
        assert!(!old.is_order_token(&token, OrderId::from_bits(2)));
        for bad in [&token[1..], "", "not base64!"] {
            assert!(!old.is_order_token(bad, order), "{bad}");
        }
    }
}
