//! What waits for the operator.

use api::{Json, Operator, Problem};
use axum::extract::State;
use desk::OperatorSummary;
use domain::Count;
use domain::marketplace::OperatorPermission;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// What waits for the operator. Each is counted up to 99.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorSummaryView {
    /// Vendors to approve or reject.
    submitted_vendors: Count,
    /// Orders whose payment is awaited.
    unpaid_orders: Count,
    /// Payment attempts with another amount than was asked for, to accept or refund.
    amount_mismatches: Count,
    /// Payments, refunds and disputes at a provider that no order knows.
    unmatched_payments: Count,
    /// Refunds that did not reach the buyer, to be made manually.
    failed_refunds: Count,
    /// Disputes that the buyer's bank has not decided.
    open_disputes: Count,
    /// Vendor orders that should have been shipped.
    late_vendor_orders: Count,
}

impl From<OperatorSummary> for OperatorSummaryView {
    fn from(summary: OperatorSummary) -> Self {
        let OperatorSummary { submitted_vendors, waiting } = summary;
        Self {
            submitted_vendors,
            unpaid_orders: waiting.unpaid_orders,
            amount_mismatches: waiting.amount_mismatches,
            unmatched_payments: waiting.unmatched_payments,
            failed_refunds: waiting.failed_refunds,
            open_disputes: waiting.open_disputes,
            late_vendor_orders: waiting.late_vendor_orders,
        }
    }
}

/// Shows what waits for the operator.
///
/// Disputes of releases before 2026-12-01 are counted once the lists of orders were rebuilt.
#[utoipa::path(get, path = "/v1/admin/summary", responses((status = OK, body = OperatorSummaryView)))]
pub async fn show_operator_summary(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
) -> Result<Json<OperatorSummaryView>, Problem> {
    operator.may(OperatorPermission::ReadSummary)?;
    Ok(Json(OperatorSummaryView::from(app.summary().await?)))
}
