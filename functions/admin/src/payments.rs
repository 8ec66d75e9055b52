//! Payments, failed refunds and unmatched payments that the operator has to look at.

use api::views::{OperatorPaymentView, RefundView};
use api::{Json, Limit, Operator, Page, PageQuery, Problem, Query};
use axum::extract::State;
use domain::payment::{PaymentState, Refund};
use domain::{OrderId, PaymentId, Timestamp, UnmatchedPayment};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Filter of the operator's list of payment attempts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPayments {
    /// The state of the payment attempts.
    state: PaymentState,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// Lists payment attempts in a state, newest first.
///
/// Those in the state `amount_mismatch` wait for a decision of the operator.
#[utoipa::path(
    get, path = "/v1/admin/payments", params(ListPayments), responses((status = OK, body = Page<OperatorPaymentView>))
)]
pub async fn list_payments_as_operator(
    State(app): State<App>,
    _: Operator,
    Query(asked): Query<ListPayments>,
) -> Result<Json<Page<OperatorPaymentView>>, Problem> {
    let payments = app.payments_in_state(asked.state, &asked.limit.page(asked.cursor)).await?;
    Ok(Json(Page::of(payments, |payment| OperatorPaymentView::from(&payment))))
}

/// A refund that did not reach the buyer.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedRefundView {
    /// The order that the refund belongs to.
    order_id: OrderId,
    /// The payment attempt that is refunded.
    payment_id: PaymentId,
    /// The refund, its fields beside these.
    #[serde(flatten)]
    refund: RefundView,
    /// When the refund was created.
    created_at: Timestamp,
}

impl From<&Refund> for FailedRefundView {
    fn from(refund: &Refund) -> Self {
        Self {
            order_id: refund.order,
            payment_id: refund.payment,
            refund: RefundView { reference: refund.reference.clone(), ..RefundView::from(refund) },
            created_at: refund.created_at,
        }
    }
}

/// Lists failed refunds, newest first.
///
/// Their money did not reach the buyer: the provider refused the refund, or the buyer's bank sent it back.
#[utoipa::path(
    get, path = "/v1/admin/refunds/failed", params(PageQuery), responses((status = OK, body = Page<FailedRefundView>))
)]
pub async fn list_failed_refunds(
    State(app): State<App>,
    _: Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<FailedRefundView>>, Problem> {
    Ok(Json(Page::of(app.failed_refunds(&asked.page()).await?, |refund| FailedRefundView::from(&refund))))
}

/// Lists unmatched payments, newest first.
///
/// They are payments, refunds and disputes that a provider reported and that match no order: they name none, an unknown
/// one, or one that has no such payment.
#[utoipa::path(
    get, path = "/v1/admin/payments/unmatched", params(PageQuery),
    responses((status = OK, body = Page<UnmatchedPayment>))
)]
pub async fn list_unmatched_payments(
    State(app): State<App>,
    _: Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<UnmatchedPayment>>, Problem> {
    Ok(Json(Page::of(app.unmatched_payments(&asked.page()).await?, |payment| payment)))
}
