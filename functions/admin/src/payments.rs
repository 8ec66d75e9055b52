//! Money that somebody has to look at.

use api::{Cursor, Json, Limit, Operator, Page, Problem, Query};
use axum::extract::State;
use domain::order::{OperatorPaymentView, RefundView};
use domain::payment::{PaymentState, Refund};
use domain::{OrderId, PaymentId, Timestamp, UnmatchedPayment};
use serde::{Deserialize, Serialize};
use store::Orders;
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// The attribute of the index that all lists are read from.
const STATE_KEY: &str = "state_key";

/// Which payments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPayments {
    /// In this state.
    state: PaymentState,
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// Lists attempts at paying in a state, newest first: those that are `amount_mismatch` wait for a decision.
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

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// A refund that did not reach its buyer.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedRefundView {
    /// Which order.
    order_id: OrderId,
    /// Out of which payment.
    payment_id: PaymentId,
    /// The refund.
    #[serde(flatten)]
    refund: RefundView,
    /// When it was made.
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

/// Lists refunds that did not reach their buyers, newest first: refused by the provider, or sent back by the buyer's bank.
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

/// Lists money that providers told of and that no order here knows, newest first: payments, refunds and disputes under an order
/// that is not here, or under none.
#[utoipa::path(
    get, path = "/v1/admin/payments/unmatched", params(PageQuery), responses((status = OK, body = Page<UnmatchedPayment>))
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
