//! The webhook endpoint.

use api::{Now, Path, Problem, RawBody, RawReply};
use axum::extract::State;
use domain::payment::ProviderName;
use domain::{Code, Refusal};
use http::{HeaderMap, Request};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// What Stripe gets for a webhook that was taken. The answer to each provider is its own: status, headers and bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Received {
    /// Always `true`.
    received: bool,
}

/// Answers a call of a payment provider.
///
/// A webhook's signature over the raw bytes is verified before the content is read. A provider that drives the payment
/// itself is answered in its own protocol, whatever the outcome.
#[utoipa::path(
    post, path = "/v1/webhooks/{provider}", params(("provider" = ProviderName, Path, description = "The provider.")),
    request_body(content = Object, content_type = "application/json"), responses((status = OK, body = Received))
)]
pub async fn receive_webhook(
    State(app): State<App>,
    Now(now): Now,
    Path(provider): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<RawReply, Problem> {
    let provider = ProviderName::parse(&provider).ok_or_else(|| Refusal::of(Code::NotFound))?;
    let mut request = Request::new(body);
    *request.headers_mut() = headers;
    Ok(RawReply(app.settlement.answer(provider, &request, now).await?))
}
