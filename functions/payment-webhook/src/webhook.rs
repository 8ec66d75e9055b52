//! The webhook endpoint.

use api::{Json, Now, Path, Problem, RawBody};
use axum::extract::State;
use domain::payment::ProviderName;
use domain::{Code, Refusal};
use http::HeaderMap;
use payments::WebhookError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::settlement::settle;

/// The acknowledgement of a webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct Received {
    /// Always `true`.
    received: bool,
}

/// Receives a webhook of a payment provider.
///
/// The signature over the raw bytes is verified before the content is read.
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
) -> Result<Json<Received>, Problem> {
    let provider = ProviderName::parse(&provider).ok_or_else(|| Refusal::of(Code::NotFound))?;
    let news = app.providers.verify(provider, &headers, &body, now).await.inspect_err(|refused| match refused {
        // A metric filter in the template matches this message.
        WebhookError::BadSignature | WebhookError::Stale => {
            tracing::warn!(provider = provider.as_str(), reason = %refused, "the signature of a webhook was refused");
        }
        _ => tracing::warn!(provider = provider.as_str(), reason = %refused, "a webhook was not accepted"),
    })?;
    settle(&app.orders, &news, now).await?;
    Ok(Json(Received { received: true }))
}
