//! Finding and looking at any order.

use api::{Cursor, Json, Limit, Operator, Page, Path, Problem, Query};
use axum::extract::State;
use domain::order::{OperatorOrderView, OrderState};
use domain::payment::ProviderName;
use domain::pricing::Totals;
use domain::text::Email;
use domain::{Code, Currency, OrderId, Refusal, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use store::Orders;
use store::orders::OrderSummary;
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Ten letters and digits, a hyphen, and what people put around them.
const MAX_NUMBER_LENGTH: usize = 32;

/// Which orders: exactly one of number, e-mail and state.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrders {
    /// The number that people read to each other.
    number: Option<String>,
    /// Placed with this address.
    email: Option<Email>,
    /// In this state.
    state: Option<OrderState>,
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// An order in the operator's list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorOrderSummary {
    id: OrderId,
    /// The number that people read to each other.
    number: String,
    /// Where it stands.
    state: OrderState,
    /// Where news for the buyer goes.
    email: Email,
    /// The buyer, when it was not a guest.
    buyer_id: Option<UserId>,
    currency: Currency,
    totals: Totals,
    /// Who moves the money.
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

/// Finds orders by number, by e-mail address or by state, newest first.
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
                // One number has one page.
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

/// Shows an order with everything that belongs to it: every attempt at paying, disputes, and the provider's names for them.
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
