//! The vendor orders that should have been shipped.

use api::views::VendorRef;
use api::{Json, Operator, Page, PageQuery, Problem, Query};
use axum::extract::State;
use domain::marketplace::OperatorPermission;
use domain::order::{VendorOrder, VendorOrderId, VendorOrderState};
use domain::pricing::Totals;
use domain::{OrderId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A vendor order that should have been shipped.
#[derive(Debug, Serialize, ToSchema)]
pub struct LateVendorOrder {
    /// Id of the vendor order.
    #[schema(value_type = VendorOrderId)]
    id: String,
    order_id: OrderId,
    /// The order number, such as `4TQKF-F04HM`.
    #[schema(examples("7HQ2K-9XY4M"))]
    number: String,
    /// The vendor.
    vendor: VendorRef,
    /// The vendor order's state: `accepted`, or `partially_shipped`.
    state: VendorOrderState,
    totals: Totals,
    placed_at: Timestamp,
    /// By when it should have been shipped. After as long again it is cancelled.
    #[schema(required = true)]
    due_at: Option<Timestamp>,
}

impl From<VendorOrder> for LateVendorOrder {
    fn from(late: VendorOrder) -> Self {
        Self {
            id: late.id().to_string(),
            order_id: late.order,
            number: late.order.number(),
            state: late.state,
            totals: late.totals,
            placed_at: late.placed_at,
            due_at: late.due_at(),
            vendor: VendorRef { id: late.vendor.id, name: late.vendor.name },
        }
    }
}

/// Lists vendor orders that should have been shipped.
///
/// That of the oldest order comes first. Those are here whose vendor has let the time to ship pass, which the operator
/// was told, until they are shipped or cancelled; one that is only to be accepted ends by itself. While a dispute holds
/// one, it is not late, and its vendor is awaited anew afterwards. Those that were late in releases up to 2026-12-04
/// appear once they are changed or the lists of orders are rebuilt. A page may have fewer items than `limit`, and goes
/// on with `next`.
#[utoipa::path(
    get, path = "/v1/admin/vendor-orders/late", params(PageQuery),
    responses((status = OK, body = Page<LateVendorOrder>))
)]
pub async fn list_late_vendor_orders(
    State(app): State<App>,
    Operator(operator): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<LateVendorOrder>>, Problem> {
    operator.may(OperatorPermission::ReadOrders)?;
    Ok(Json(Page::of(app.orders.late_vendor_orders(&asked.page()).await?, LateVendorOrder::from)))
}
