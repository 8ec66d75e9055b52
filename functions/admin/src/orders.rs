//! Finding and showing any order.

use std::collections::BTreeSet;

use api::views::OperatorOrderView;
use api::{Json, Limit, Operator, Page, Path, Problem, Query};
use axum::extract::State;
use desk::{FindOrders, OrderSummary};
use domain::order::OrderState;
use domain::payment::ProviderName;
use domain::pricing::Totals;
use domain::text::Email;
use domain::{Currency, OrderId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Filter of the operator's order list: exactly one of `number`, `email` and `state`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrders {
    /// The order number, such as `4TQKF-F04HM`.
    number: Option<String>,
    /// The e-mail address that the orders were placed with.
    #[serde(default, deserialize_with = "domain::text::kept_optional_email")]
    email: Option<Email>,
    /// The state of the orders.
    state: Option<OrderState>,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// An order in the operator's list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorOrderSummary {
    id: OrderId,
    /// The order number, such as `4TQKF-F04HM`.
    #[schema(examples("7HQ2K-9XY4M"))]
    number: String,
    /// The order's state.
    state: OrderState,
    /// The address that receives mail about the order.
    email: Email,
    /// Whether no mail reaches that address: it is suppressed, or an earlier release accepted what cannot be mailed.
    undeliverable: bool,
    /// The signed-in buyer; `null` for a guest.
    #[schema(required = true)]
    buyer_id: Option<UserId>,
    currency: Currency,
    totals: Totals,
    /// The payment provider of the order.
    provider: ProviderName,
    placed_at: Timestamp,
}

impl OperatorOrderSummary {
    fn new(order: OrderSummary, suppressed: &BTreeSet<Email>) -> Self {
        Self {
            id: order.id,
            number: order.id.number(),
            state: order.state,
            undeliverable: !order.email.can_be_mailed() || suppressed.contains(&order.email),
            email: order.email,
            buyer_id: order.buyer,
            currency: order.currency,
            totals: order.totals,
            provider: order.provider,
            placed_at: order.placed_at,
        }
    }
}

/// Finds orders by number, e-mail address or state.
///
/// The newest orders come first.
#[utoipa::path(
    get, path = "/v1/admin/orders", params(ListOrders), responses((status = OK, body = Page<OperatorOrderSummary>))
)]
pub async fn list_orders_as_operator(
    State(app): State<App>,
    _: Operator,
    Query(asked): Query<ListOrders>,
) -> Result<Json<Page<OperatorOrderSummary>>, Problem> {
    let ListOrders { number, email, state, limit, cursor } = asked;
    let found = app.find_orders(FindOrders { number, email, state }, &limit.page(cursor)).await?;
    let suppressed = app.suppressed_among(found.items.iter().map(|order| &order.email)).await?;
    Ok(Json(Page::of(found, |order| OperatorOrderSummary::new(order, &suppressed))))
}

/// Shows an order with all that belongs to it.
///
/// It includes every payment attempt and dispute, with the provider's references.
#[utoipa::path(
    get, path = "/v1/admin/orders/{id}", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OperatorOrderView))
)]
pub async fn show_order_as_operator(
    State(app): State<App>,
    _: Operator,
    Path(id): Path<OrderId>,
) -> Result<Json<OperatorOrderView>, Problem> {
    let order = app.order(id).await?;
    let suppressed = !app.suppressed_among([&order.order.email]).await?.is_empty();
    Ok(Json(OperatorOrderView::new(&order, suppressed)))
}
