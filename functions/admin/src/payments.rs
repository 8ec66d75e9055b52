//! Money that somebody has to look at.

use api::{Admin, Cursor, Json, Limit, Page, Problem, Query};
use axum::extract::State;
use domain::order::{OperatorPaymentView, RefundView};
use domain::payment::{PaymentState, Refund};
use domain::{OrderId, PaymentId, Timestamp, Unclaimed};
use serde::{Deserialize, Serialize};
use store::Orders;
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// The attribute of the index that all lists are read from.
const KEY: &str = "state_key";

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

/// Lists attempts at paying in a state, newest first: those that are `conflicted` wait for a decision.
#[utoipa::path(
    get, path = "/v1/admin/payments", params(ListPayments), responses((status = OK, body = Page<OperatorPaymentView>))
)]
pub async fn list_payments(
    State(app): State<App>,
    _: Admin,
    Query(asked): Query<ListPayments>,
) -> Result<Json<Page<OperatorPaymentView>>, Problem> {
    let partition = Orders::payment_partition(asked.state);
    let start = started(asked.cursor.as_deref(), &partition)?;
    let page = app.orders.payments_in_state(asked.state, u16::try_from(asked.limit.get()).unwrap_or(20), start).await?;
    let next = page.next.map(|key| Cursor::encode(&partition, &key));
    Ok(Json(Page { items: page.items.iter().map(OperatorPaymentView::from).collect(), next }))
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageOfMoney {
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
    get, path = "/v1/admin/refunds/failed", params(PageOfMoney),
    responses((status = OK, body = Page<FailedRefundView>))
)]
pub async fn list_failed_refunds(
    State(app): State<App>,
    _: Admin,
    Query(asked): Query<PageOfMoney>,
) -> Result<Json<Page<FailedRefundView>>, Problem> {
    let partition = Orders::stranded_partition();
    let start = started(asked.cursor.as_deref(), partition)?;
    let page = app.orders.stranded_refunds(u16::try_from(asked.limit.get()).unwrap_or(20), start).await?;
    let next = page.next.map(|key| Cursor::encode(partition, &key));
    Ok(Json(Page { items: page.items.iter().map(FailedRefundView::from).collect(), next }))
}

/// Lists money that providers told of and that no order here knows, newest first: payments, refunds and disputes under an order
/// that is not here, or under none.
#[utoipa::path(
    get, path = "/v1/admin/payments/unclaimed", params(PageOfMoney), responses((status = OK, body = Page<Unclaimed>))
)]
pub async fn list_unclaimed_money(
    State(app): State<App>,
    _: Admin,
    Query(asked): Query<PageOfMoney>,
) -> Result<Json<Page<Unclaimed>>, Problem> {
    let partition = Orders::unclaimed_partition();
    let start = started(asked.cursor.as_deref(), partition)?;
    let page = app.orders.unclaimed(u16::try_from(asked.limit.get()).unwrap_or(20), start).await?;
    let next = page.next.map(|key| Cursor::encode(partition, &key));
    Ok(Json(Page { items: page.items, next }))
}

fn started(cursor: Option<&str>, partition: &str) -> Result<Option<store::PageKey>, Problem> {
    cursor.map(|cursor| Cursor::decode(cursor, partition, (KEY, &format!("s{partition}")))).transpose()
}
