//! `POST /v1/orders/{id}/payments`: another payment attempt.

use api::views::OrderView;
use api::{Answer, GuestOrder, Keyed, Now, Problem, SourceIp};
use axum::extract::State;
use domain::payment::ProviderName;
use domain::{Call, OrderId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::check_out::answer;
use crate::{App, return_url};

/// The payment method of the next attempt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryPayment {
    /// One of the marketplace's payment methods, not necessarily the one of the last attempt.
    provider: ProviderName,
    /// An https address that the provider sends the buyer back to after a redirect.
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(format = "uri", examples("https://shop.example/orders"))]
    return_url: Option<String>,
}

/// Opens another payment attempt for an order.
///
/// For example after a declined card, or when the provider was unavailable.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ),
    request_body = RetryPayment, responses((status = CREATED, body = OrderView))
)]
pub async fn retry_payment(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    GuestOrder(order): GuestOrder,
    asked: Keyed<RetryPayment>,
) -> Result<Answer, Problem> {
    return_url::check(asked.body.return_url.as_deref(), "/return_url")?;
    let (asked, request) = asked.scoped_to(order.order.id);
    let call = Call::new(Some(&request), Answer::to_record, &answer);
    Answer::of(app.checkout.retry_payment(order, asked.provider, &client, call, now).await?)
}
