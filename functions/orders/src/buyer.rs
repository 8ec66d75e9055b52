//! A buyer's orders.

use api::views::OrderView;
use api::{Answer, Buyer, Idempotent, Json, NoBody, Now, Page, PageQuery, Path, Problem, Query, SourceIp};
use axum::extract::State;
use domain::order::{Actor, OrderState};
use domain::pricing::Totals;
use domain::{Currency, OrderId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::guests::answer;

/// An order in the buyer's list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderSummary {
    id: OrderId,
    /// The order number, such as `4TQKF-F04HM`.
    #[schema(examples("7HQ2K-9XY4M"))]
    number: String,
    state: OrderState,
    currency: Currency,
    totals: Totals,
    placed_at: Timestamp,
}

impl From<shop::OrderSummary> for OrderSummary {
    fn from(order: shop::OrderSummary) -> Self {
        let shop::OrderSummary { id, state, currency, totals, placed_at, .. } = order;
        Self { id, number: id.number(), state, currency, totals, placed_at }
    }
}

/// Lists the buyer's orders, newest first.
#[utoipa::path(get, path = "/v1/me/orders", params(PageQuery), responses((status = OK, body = Page<OrderSummary>)))]
pub async fn list_my_orders(
    State(app): State<App>,
    buyer: Buyer,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<OrderSummary>>, Problem> {
    Ok(Json(Page::of(app.orders.of_buyer(buyer.user, &asked.page()).await?, OrderSummary::from)))
}

/// Shows one of the buyer's orders.
#[utoipa::path(
    get, path = "/v1/me/orders/{id}", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OrderView))
)]
pub async fn show_my_order(
    State(app): State<App>,
    buyer: Buyer,
    Path(id): Path<OrderId>,
) -> Result<Json<OrderView>, Problem> {
    let order = app.orders.buyers_order(id, buyer.user).await?;
    let suppressed = app.orders.is_suppressed(&order).await;
    Ok(Json(OrderView::new(&order, suppressed)))
}

/// Cancels one of the buyer's orders.
///
/// Possible as long as nothing was shipped. What was paid is refunded.
#[utoipa::path(
    post, path = "/v1/me/orders/{id}/cancel", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OrderView))
)]
pub async fn cancel_my_order(
    State(app): State<App>,
    buyer: Buyer,
    Path(id): Path<OrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let order = app.orders.buyers_order(id, buyer.user).await?;
    let call = asked.call.scoped_to(buyer.user);
    let answer = answer(app.orders.is_suppressed(&order).await);
    Answer::of(app.orders.cancel(order, Actor::Buyer, call.responding(&answer)).await?)
}

/// Refreshes the payment of one of the buyer's orders.
///
/// Asks the provider for the state of a payment that the order waits for. Repeating the call is harmless.
#[utoipa::path(
    post, path = "/v1/me/orders/{id}/settle", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OrderView))
)]
pub async fn refresh_my_payment(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    buyer: Buyer,
    Path(id): Path<OrderId>,
) -> Result<Json<OrderView>, Problem> {
    let order = app.orders.buyers_order(id, buyer.user).await?;
    let suppressed = app.orders.is_suppressed(&order).await;
    Ok(Json(OrderView::new(&app.orders.refresh_payment(order, &client, now).await?, suppressed)))
}
