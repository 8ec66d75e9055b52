//! What waits for the vendor's staff.

use api::{Json, Member, Problem};
use axum::extract::State;
use desk::{OpenVendorOrders, ShortProducts, VendorSummary};
use domain::Count;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// What waits for the vendor's staff.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorSummaryView {
    /// Vendor orders that are open; absent for a member who may not read orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    orders: Option<OrderCounts>,
    /// Published products that run short; absent for a member who may not read products.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    products: Option<ProductCounts>,
}

/// How many vendor orders are open.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderCounts {
    /// Those to accept or decline: in the state `pending`.
    to_accept: Count,
    /// Those to send: in the state `accepted`, and those of which a part was sent.
    to_send: Count,
    /// Those on their way: in the state `shipped`.
    on_the_way: Count,
}

/// How many published products run short.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductCounts {
    /// Those of which nothing can be bought: `stock=sold_out`.
    sold_out: Count,
    /// Those that can be bought and of which a variant is low: `stock=low`.
    low: Count,
}

impl From<OpenVendorOrders> for OrderCounts {
    fn from(open: OpenVendorOrders) -> Self {
        Self { to_accept: open.to_accept, to_send: open.to_ship, on_the_way: open.on_the_way }
    }
}

impl From<ShortProducts> for ProductCounts {
    fn from(short: ShortProducts) -> Self {
        Self { sold_out: short.sold_out, low: short.low }
    }
}

/// Shows what waits for the vendor's staff.
///
/// Each is counted up to 99. Products are counted among the newest 500; vendor orders among all, but among the newest
/// 1,000 in a marketplace from before 2026-12-01, until its lists of orders were rebuilt.
#[utoipa::path(get, path = "/v1/vendor/summary", responses((status = OK, body = VendorSummaryView)))]
pub async fn show_vendor_summary(
    State(app): State<App>,
    Member(member): Member,
) -> Result<Json<VendorSummaryView>, Problem> {
    let VendorSummary { orders, products } = app.desk.summary(&member).await?;
    Ok(Json(VendorSummaryView { orders: orders.map(OrderCounts::from), products: products.map(ProductCounts::from) }))
}
