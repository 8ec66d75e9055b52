//! A guest's order: whoever holds its token may see and cancel it.

use api::views::OrderView;
use api::{Answer, Idempotent, Json, NoBody, Now, OrderToken, Path, Problem, SourceIp};
use axum::extract::State;
use domain::order::{Actor, PlacedOrder};
use domain::{Code, OrderId, Refusal, Timestamp};
use store::rate_limits::Target;

use crate::App;
use crate::cancellation::answer_for_buyer;

impl App {
    /// The order, if the token belongs to it; otherwise 404. Only wrong tokens are counted against the rate limit, so
    /// that guessing from a shared address does not block those who hold a token.
    async fn load_by_token(
        &self,
        id: OrderId,
        token: &OrderToken,
        client: &str,
        now: Timestamp,
    ) -> Result<PlacedOrder, Problem> {
        let secret = self.token_secret.value().await?;
        if let Err(closed) = token.opens(id, secret.accepted()) {
            let limit = self.settings.current().await?.limits.wrong_token;
            self.rate_limits.count_one("order-token", Target::Client(client), limit, now).await?;
            return Err(closed);
        }
        self.orders.load(id).await?.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }
}

/// Shows an order to the holder of its token.
#[utoipa::path(
    get, path = "/v1/orders/{id}",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ),
    responses((status = OK, body = OrderView))
)]
pub async fn show_order(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Path(id): Path<OrderId>,
    token: OrderToken,
) -> Result<Json<OrderView>, Problem> {
    let order = app.load_by_token(id, &token, &client, now).await?;
    Ok(Json(OrderView::from(&order)))
}

/// Cancels an order for the holder of its token.
///
/// Possible as long as nothing was shipped. What was paid is refunded.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ),
    responses((status = OK, body = OrderView))
)]
pub async fn cancel_order(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Path(id): Path<OrderId>,
    token: OrderToken,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let order = app.load_by_token(id, &token, &client, now).await?;
    app.cancel(order, Actor::Buyer, asked.call.scoped_to(id), answer_for_buyer, now).await
}

/// Refreshes the payment of an order.
///
/// Asks the provider for the state of a payment that the order waits for: for a buyer who returns from paying before
/// the provider's webhook has arrived. Repeating the call is harmless.
#[utoipa::path(
    post, path = "/v1/orders/{id}/settle",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ),
    responses((status = OK, body = OrderView))
)]
pub async fn refresh_payment(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Path(id): Path<OrderId>,
    token: OrderToken,
) -> Result<Json<OrderView>, Problem> {
    let order = app.load_by_token(id, &token, &client, now).await?;
    Ok(Json(OrderView::from(&app.refresh_payment(order, &client, now).await?)))
}
