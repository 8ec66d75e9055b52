//! The webhook endpoint.

use api::{Json, Now, Path, Problem, RawBody};
use axum::extract::State;
use domain::payment::ProviderName;
use domain::{Code, Refusal};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

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
    app.settlement.receive(provider, &headers, &body, now).await?;
    Ok(Json(Received { received: true }))
}
