//! One call to Stripe: a form is sent, JSON comes back, and failures are classified.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{StripeSecret, VERSION};
use crate::Failure;
use crate::transport::{Http, HttpFailure};

#[derive(Clone)]
pub(super) struct Connection {
    pub(super) http: Arc<dyn Http>,
    pub(super) url: Arc<str>,
}

/// Why a call failed, before it is known what that means for its idempotency key.
enum CallFailure {
    /// Answered with a 5xx.
    Server(String),
    Other(Failure),
}

impl From<Failure> for CallFailure {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

/// <https://docs.stripe.com/api/errors>
#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorPart,
}

#[derive(Deserialize)]
struct ErrorPart {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
}

impl Connection {
    /// Sends a form. With an idempotency key it takes effect once, however often it is sent.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        secret: &StripeSecret,
        path: &str,
        form: &[(&str, &str)],
        idempotency_key: Option<&str>,
    ) -> Result<T, Failure> {
        let body = serde_urlencoded::to_string(form).map_err(|error| unsendable(&error))?;
        let mut request = Request::builder()
            .method(Method::POST)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let answered = self.call(secret, path, request, Bytes::from(body)).await;
        // "The resulting status code and body of the first request […] regardless of whether it succeeds or fails.
        // Subsequent requests with the same key return the same result, including 500 errors"
        // (<https://docs.stripe.com/api/idempotent_requests>), for a day. The same is assumed of a 5xx that does not
        // look like Stripe's: a new key is good in any case.
        answered.map_err(|failure| match failure {
            CallFailure::Server(code) if idempotency_key.is_some() => Failure::KeySpent(code),
            CallFailure::Server(code) => Failure::Unclear(code),
            CallFailure::Other(failure) => failure,
        })
    }

    /// Sends a request without a body.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        secret: &StripeSecret,
        method: Method,
        path: &str,
    ) -> Result<T, Failure> {
        let answered = self.call(secret, path, Request::builder().method(method), Bytes::new()).await;
        answered.map_err(|failure| match failure {
            CallFailure::Server(code) => Failure::Unclear(code),
            CallFailure::Other(failure) => failure,
        })
    }

    async fn call<T: DeserializeOwned>(
        &self,
        secret: &StripeSecret,
        path: &str,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<T, CallFailure> {
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {}", secret.api_key())).map_err(|error| unsendable(&error))?;
        bearer.set_sensitive(true);
        let request = request
            .uri(format!("{}{path}", self.url))
            .header(AUTHORIZATION, bearer)
            .header("stripe-version", HeaderValue::from_static(VERSION))
            .body(body)
            .map_err(|error| unsendable(&error))?;
        let answer = self.http.send(request).await.map_err(|failure| {
            // The reason is logged once, here; callers only act on the kind.
            tracing::warn!(failure = %failure, "Stripe did not answer");
            match failure {
                HttpFailure::Unsent(reason) => Failure::Unavailable(reason),
                HttpFailure::Unclear(reason) => Failure::Unclear(reason),
            }
        })?;
        if answer.status().is_success() {
            return serde_json::from_slice(answer.body()).map_err(|error| {
                tracing::warn!(error = %error, "Stripe's answer cannot be read");
                Failure::Unclear("the answer cannot be read".into()).into()
            });
        }
        Err(failure(&answer))
    }
}

/// Nothing was sent, and nothing will be until the configuration is corrected.
fn unsendable(error: &dyn std::fmt::Display) -> Failure {
    tracing::error!(error = %error, "a request to Stripe cannot be made");
    Failure::Unavailable("the request cannot be made".into())
}

/// Classifies an answer without success.
fn failure(answer: &Response<Bytes>) -> CallFailure {
    let status = answer.status();
    let error = serde_json::from_slice::<ErrorBody>(answer.body()).ok().map(|body| body.error);
    let kind = error.as_ref().map_or("", |error| error.r#type.as_str());
    let code = error
        .as_ref()
        .and_then(|error| error.decline_code.clone().or_else(|| error.code.clone()))
        .unwrap_or_else(|| if kind.is_empty() { status.as_str().to_owned() } else { kind.to_owned() });
    let request_id = answer.headers().get("request-id").and_then(|id| id.to_str().ok()).unwrap_or("");
    tracing::warn!(
        http.status = status.as_u16(),
        stripe.error = kind,
        stripe.code = code,
        stripe.request_id = request_id,
        "Stripe refused a call"
    );
    if status.is_server_error() {
        return CallFailure::Server(code);
    }
    CallFailure::Other(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::NoKey(code),
        // Rate limited, or another call has locked the object: both are refused before anything is done.
        StatusCode::TOO_MANY_REQUESTS => Failure::Unavailable(code),
        // Another call with the same key is still running, and will have its own effect.
        StatusCode::CONFLICT => Failure::Unclear(code),
        // An error that is not in Stripe's format comes from a proxy in between and says nothing about the payment.
        _ if status.is_client_error() && error.is_some() => Failure::Refused { code },
        _ => Failure::Unclear(code),
    })
}
