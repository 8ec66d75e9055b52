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

/// That the message arrived.
#[derive(Debug, Serialize, ToSchema)]
pub struct Received {
    /// Always true.
    received: bool,
}

/// Takes a provider's message: the signature over its raw bytes first, its content last.
#[utoipa::path(
    post, path = "/v1/webhooks/{provider}", params(("provider" = String, Path, description = "The provider.")),
    request_body(content = String, content_type = "application/json"), responses((status = OK, body = Received))
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
        // Counted in the logs by this message.
        WebhookError::BadSignature | WebhookError::Stale => {
            tracing::warn!(provider = provider.as_str(), reason = %refused, "the signature of a webhook was refused");
        }
        _ => tracing::warn!(provider = provider.as_str(), reason = %refused, "a webhook was not taken"),
    })?;
    settle(&app.orders, &news, now).await?;
    Ok(Json(Received { received: true }))
}
