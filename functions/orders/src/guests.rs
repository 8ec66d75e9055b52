//! A guest's order: whoever holds its token may see it and call it off.

use api::{Answer, Json, KeyHeader, Keyed, NoBody, Now, OrderToken, Path, Problem, SourceIp};
use axum::extract::State;
use domain::order::{Actor, OrderFile, OrderView};
use domain::{Code, OrderId, Refusal, Timestamp};
use store::attempts::Target;

use crate::App;
use crate::cancelling::for_the_buyer;

impl App {
    /// The order, for whoever holds its token; to everybody else it does not exist. Only wrong tokens are counted: guessing
    /// from an address is never in the way of those who share it.
    async fn shown_by_token(
        &self,
        id: OrderId,
        token: &OrderToken,
        client: &str,
        now: Timestamp,
    ) -> Result<OrderFile, Problem> {
        let secret = self.token_secret.value().await?;
        if let Err(closed) = token.opens(id, secret.accepted()) {
            let limit = self.settings.current().await?.limits.wrong_token;
            self.attempts.count_one("order-token", Target::Client(client), limit, now).await?;
            return Err(closed);
        }
        self.orders.file(id).await?.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }
}

/// Shows an order.
#[utoipa::path(
    get, path = "/v1/orders/{id}",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ("Order-Token" = String, Header, description = "The order's token.")
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
    let file = app.shown_by_token(id, &token, &client, now).await?;
    Ok(Json(OrderView::from(&file)))
}

/// Calls an order off, as long as nothing of it was shipped. What was paid goes back.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ("Order-Token" = String, Header, description = "The order's token."),
        KeyHeader
    ),
    responses((status = OK, body = OrderView))
)]
pub async fn cancel_order(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Path(id): Path<OrderId>,
    token: OrderToken,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    let file = app.shown_by_token(id, &token, &client, now).await?;
    app.cancel(file, Actor::Buyer, asked.call.of(id), for_the_buyer, now).await
}

/// Asks the provider how the payment of an order stands that waits for its money: for a buyer who is back from paying before
/// the provider's message is there. Asking again does no harm.
#[utoipa::path(
    post, path = "/v1/orders/{id}/settle",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ("Order-Token" = String, Header, description = "The order's token.")
    ),
    responses((status = OK, body = OrderView))
)]
pub async fn settle_order(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Path(id): Path<OrderId>,
    token: OrderToken,
) -> Result<Json<OrderView>, Problem> {
    let file = app.shown_by_token(id, &token, &client, now).await?;
    Ok(Json(OrderView::from(&app.settled_on_return(file, &client, now).await?)))
}
