//! Payments, failed refunds and unmatched payments that the operator has to look at.

use api::views::{OperatorPaymentView, RefundView};
use api::{Cursor, Json, Limit, Operator, Page, Problem, Query};
use axum::extract::State;
use domain::payment::{PaymentState, Refund};
use domain::{OrderId, PaymentId, Timestamp, UnmatchedPayment};
use serde::{Deserialize, Serialize};
use store::Orders;
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// The partition key of the index that all these lists are read from.
const STATE_KEY: &str = "state_key";

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
    let partition = Orders::payment_partition(asked.state);
    let start = start_key(asked.cursor.as_deref(), &partition)?;
    let page = app.orders.payments_in_state(asked.state, u16::try_from(asked.limit.get()).unwrap_or(20), start).await?;
    let next = page.next.map(|key| Cursor::encode(&partition, &key));
    Ok(Json(Page { items: page.items.iter().map(OperatorPaymentView::from).collect(), next }))
}

/// Which page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
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
    get, path = "/v1/admin/refunds/failed", params(PageQuery),
    responses((status = OK, body = Page<FailedRefundView>))
)]
pub async fn list_failed_refunds(
    State(app): State<App>,
    _: Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<FailedRefundView>>, Problem> {
    let partition = Orders::failed_refund_partition();
    let start = start_key(asked.cursor.as_deref(), partition)?;
    let page = app.orders.failed_refunds(u16::try_from(asked.limit.get()).unwrap_or(20), start).await?;
    let next = page.next.map(|key| Cursor::encode(partition, &key));
    Ok(Json(Page { items: page.items.iter().map(FailedRefundView::from).collect(), next }))
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
    let partition = Orders::unmatched_partition();
    let start = start_key(asked.cursor.as_deref(), partition)?;
    let page = app.orders.unmatched(u16::try_from(asked.limit.get()).unwrap_or(20), start).await?;
    let next = page.next.map(|key| Cursor::encode(partition, &key));
    Ok(Json(Page { items: page.items, next }))
}

fn start_key(cursor: Option<&str>, partition: &str) -> Result<Option<store::PageKey>, Problem> {
    cursor.map(|cursor| Cursor::decode(cursor, partition, (STATE_KEY, &format!("s{partition}")))).transpose()
}
