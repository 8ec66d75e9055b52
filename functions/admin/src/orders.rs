//! Finding and showing any order.

use api::views::OperatorOrderView;
use api::{Cursor, Json, Limit, Operator, Page, Path, Problem, Query};
use axum::extract::State;
use domain::order::OrderState;
use domain::payment::ProviderName;
use domain::pricing::Totals;
use domain::text::Email;
use domain::{Code, Currency, OrderId, Refusal, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use store::Orders;
use store::orders::OrderSummary;
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Longest accepted order number in bytes: ten letters and digits, a hyphen, and what people type around them.
const MAX_NUMBER_LENGTH: usize = 32;

/// Filter of the operator's order list: exactly one of `number`, `email` and `state`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrders {
    /// The order number, such as `4TQKF-F04HM`.
    number: Option<String>,
    /// The e-mail address that the orders were placed with.
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
    /// The signed-in buyer; `null` for a guest.
    #[schema(required = true)]
    buyer_id: Option<UserId>,
    currency: Currency,
    totals: Totals,
    /// The payment provider of the order.
    provider: ProviderName,
    placed_at: Timestamp,
}

impl From<OrderSummary> for OperatorOrderSummary {
    fn from(order: OrderSummary) -> Self {
        Self {
            id: order.id,
            number: order.id.number(),
            state: order.state,
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
    let limit = u16::try_from(asked.limit.get()).unwrap_or(20);
    let cursor = asked.cursor.as_deref();
    let start_key = |partition: &str, attribute: &str| {
        cursor.map(|cursor| Cursor::decode(cursor, partition, (attribute, &format!("s{partition}")))).transpose()
    };
    let (partition, page) = match (asked.number, asked.email, asked.state) {
        (Some(number), None, None) => {
            if cursor.is_some() {
                // A number finds one page at most, so no cursor is valid.
                return Err(Refusal::of(Code::InvalidCursor).into());
            }
            if number.len() > MAX_NUMBER_LENGTH {
                return Err(Refusal::field("number", "too_long", "is no order's number").into());
            }
            let items = app.orders.with_number(&number).await?;
            (String::new(), store::Slice { items, next: None })
        }
        (None, Some(email), None) => {
            let partition = Orders::email_partition(&email);
            let page = app.orders.of_email(&email, limit, start_key(&partition, "email_key")?).await?;
            (partition, page)
        }
        (None, None, Some(state)) => {
            let partition = Orders::state_partition(state);
            let page = app.orders.in_state(state, limit, start_key(&partition, "state_key")?).await?;
            (partition, page)
        }
        _ => return Err(Refusal::field("state", "one_needed", "exactly one of number, email and state").into()),
    };
    let next = page.next.map(|key| Cursor::encode(&partition, &key));
    Ok(Json(Page { items: page.items.into_iter().map(OperatorOrderSummary::from).collect(), next }))
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
    let order = app.orders.load(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
    Ok(Json(OperatorOrderView::from(&order)))
}
