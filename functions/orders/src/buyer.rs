//! A buyer's orders.

use api::views::OrderView;
use api::{Answer, Buyer, Cursor, Idempotent, Json, Limit, NoBody, Now, Page, Path, Problem, Query, SourceIp};
use axum::extract::State;
use domain::order::{Actor, Order, OrderState, PlacedOrder};
use domain::pricing::Totals;
use domain::{Code, Currency, OrderId, Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use store::Orders;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::cancellation::answer_for_buyer;

/// Which page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListMyOrders {
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

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

impl From<&Order> for OrderSummary {
    fn from(order: &Order) -> Self {
        Self {
            id: order.id,
            number: order.id.number(),
            state: order.state,
            currency: order.currency,
            totals: order.totals,
            placed_at: order.placed_at,
        }
    }
}

/// Lists the buyer's orders, newest first.
#[utoipa::path(get, path = "/v1/me/orders", params(ListMyOrders), responses((status = OK, body = Page<OrderSummary>)))]
pub async fn list_my_orders(
    State(app): State<App>,
    buyer: Buyer,
    Query(asked): Query<ListMyOrders>,
) -> Result<Json<Page<OrderSummary>>, Problem> {
    let partition = Orders::buyer_partition(buyer.user);
    let scope = format!("GET /v1/me/orders|{partition}");
    let start = match &asked.cursor {
        Some(cursor) => Some(Cursor::decode(cursor, &scope, ("buyer_key", &format!("s{partition}")))?),
        None => None,
    };
    let limit = u16::try_from(asked.limit.get()).unwrap_or(20);
    let page = app.orders.of_buyer(buyer.user, limit, start).await?;
    let next = page.next.map(|key| Cursor::encode(&scope, &key));
    Ok(Json(Page { items: page.items.iter().map(OrderSummary::from).collect(), next }))
}

impl App {
    /// The order, if it is the buyer's; otherwise 404, which does not reveal whether it exists.
    async fn load_for_buyer(&self, id: OrderId, buyer: Buyer) -> Result<PlacedOrder, Problem> {
        let order = self.orders.load(id).await?.filter(|order| order.order.buyer == Some(buyer.user));
        order.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }
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
    Ok(Json(OrderView::from(&app.load_for_buyer(id, buyer).await?)))
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
    Now(now): Now,
    buyer: Buyer,
    Path(id): Path<OrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let order = app.load_for_buyer(id, buyer).await?;
    app.cancel(order, Actor::Buyer, asked.call.scoped_to(buyer.user), answer_for_buyer, now).await
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
    let order = app.load_for_buyer(id, buyer).await?;
    Ok(Json(OrderView::from(&app.refresh_payment(order, &client, now).await?)))
}
