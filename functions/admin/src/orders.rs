//! Finding and showing any order.

use api::views::OperatorOrderView;
use api::{Json, Limit, Operator, Page, Path, Problem, Query};
use axum::extract::State;
use desk::OrderSummary;
use domain::contact::{ContactPoint, PhoneNumber};
use domain::marketplace::OperatorPermission;
use domain::order::OrderState;
use domain::payment::ProviderName;
use domain::pricing::Totals;
use domain::text::Email;
use domain::{Currency, OrderId, Period, Refusal, TimeBound, Timestamp, UserId, VendorId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Which orders are listed: those that are all of this.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrders {
    /// The order number, such as `4TQKF-F04HM`, as people type it: in either case, with blanks and hyphens or without,
    /// with `O` for `0` and `I` or `L` for `1`.
    number: Option<String>,
    /// The e-mail address that the orders were placed with.
    #[serde(default, deserialize_with = "domain::text::kept_optional_email")]
    email: Option<Email>,
    /// The telephone number that guests without an e-mail address have ordered with.
    phone: Option<PhoneNumber>,
    /// Only orders with a vendor order of this vendor. One appears once the vendor sees it: when it is paid, or payable
    /// on delivery.
    vendor: Option<VendorId>,
    /// Only orders in this state.
    state: Option<OrderState>,
    /// Only orders placed at this time or later; a date is its beginning in UTC.
    placed_from: Option<TimeBound>,
    /// Only orders placed before this time; a date is its beginning in UTC.
    placed_before: Option<TimeBound>,
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
            buyer_id: order.buyer,
            currency: order.currency,
            totals: order.totals,
            provider: order.provider,
            placed_at: order.placed_at,
        }
    }
}

/// What the orders were placed with, by at most one of both parameters.
fn contact_of(email: Option<Email>, phone: Option<PhoneNumber>) -> Result<Option<ContactPoint>, Refusal> {
    match (email, phone) {
        (Some(_), Some(_)) => Err(Refusal::field("phone", "mismatch", "cannot be given together with email")),
        (email, phone) => Ok(email.map(ContactPoint::Email).or_else(|| phone.map(ContactPoint::Phone))),
    }
}

/// Lists orders, newest first.
///
/// Without parameters, all of them. A page of a list with `vendor`, `email` or `phone` together with other parameters
/// than times looks at up to 1,000 orders: it may have fewer items than `limit`, even none, and goes on with `next`.
#[utoipa::path(
    get, path = "/v1/admin/orders", params(ListOrders), responses((status = OK, body = Page<OperatorOrderSummary>))
)]
pub async fn list_orders_as_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Query(asked): Query<ListOrders>,
) -> Result<Json<Page<OperatorOrderSummary>>, Problem> {
    operator.may(OperatorPermission::ReadOrders)?;
    let ListOrders { number, email, phone, vendor, state, placed_from, placed_before, limit, cursor } = asked;
    let placed = Period::between(("placed_from", placed_from), ("placed_before", placed_before))?;
    let contact = contact_of(email, phone)?;
    let asked = desk::ListOrders { number, vendor, contact, state, placed };
    let found = app.find_orders(asked, &limit.page(cursor)).await?;
    Ok(Json(Page::of(found, OperatorOrderSummary::from)))
}

/// Shows an order with all that belongs to it.
///
/// It includes every payment attempt and dispute, with the provider's references.
#[utoipa::path(
    get, path = "/v1/admin/orders/{id}", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OperatorOrderView))
)]
pub async fn show_order_as_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Path(id): Path<OrderId>,
) -> Result<Json<OperatorOrderView>, Problem> {
    operator.may(OperatorPermission::ReadOrders)?;
    let order = app.order(id).await?;
    let suppressed =
        !app.suppressed_among(order.person.iter().filter_map(|person| person.email.as_ref())).await?.is_empty();
    Ok(Json(OperatorOrderView::new(&order, suppressed)))
}
