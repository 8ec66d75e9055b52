//! Payments, refunds, disputes and unmatched payments that the operator has to look at.

use api::views::{DisputeView, OperatorPaymentView, RefundView, UnmatchedPaymentView};
use api::{Json, Limit, Operator, Page, PageQuery, Problem, Query};
use axum::extract::State;
use domain::dispute::{Dispute, DisputeState};
use domain::marketplace::OperatorPermission;
use domain::payment::{PaymentState, Refund, RefundState};
use domain::{OrderId, PaymentId, Refusal, Timestamp, UnmatchedState};
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
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Query(asked): Query<ListPayments>,
) -> Result<Json<Page<OperatorPaymentView>>, Problem> {
    operator.may(OperatorPermission::ReadMoney)?;
    let payments = app.payments_in_state(asked.state, &asked.limit.page(asked.cursor)).await?;
    Ok(Json(Page::of(payments, |payment| OperatorPaymentView::from(&payment))))
}

/// Filter of the operator's list of refunds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRefunds {
    /// Only refunds in this state.
    state: Option<RefundState>,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// Order of the operator's list of disputes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeSort {
    /// The newest first.
    #[default]
    Newest,
    /// Those that have to be answered next first: only open ones.
    Deadline,
}

/// Filter of the operator's list of disputes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDisputes {
    /// Only disputes in this state.
    state: Option<DisputeState>,
    /// Their order.
    #[serde(default)]
    #[param(inline)]
    sort: DisputeSort,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// Filter of the list of unmatched payments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUnmatchedPayments {
    /// Only unmatched payments in this state; without it, those that wait for the operator.
    state: Option<UnmatchedState>,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// A refund in the operator's lists.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorRefundView {
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

impl From<&Refund> for OperatorRefundView {
    fn from(refund: &Refund) -> Self {
        Self {
            order_id: refund.order,
            payment_id: refund.payment,
            refund: RefundView {
                reference: refund.reference.clone(),
                resolution: refund.resolution.clone(),
                ..RefundView::from(refund)
            },
            created_at: refund.created_at,
        }
    }
}

/// A dispute in the operator's list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorDisputeView {
    /// The order whose payment is disputed.
    order_id: OrderId,
    /// The dispute, its fields beside these.
    #[serde(flatten)]
    dispute: DisputeView,
}

impl From<&Dispute> for OperatorDisputeView {
    fn from(dispute: &Dispute) -> Self {
        Self { order_id: dispute.order, dispute: DisputeView::from(dispute) }
    }
}

/// Lists refunds, newest first.
///
/// Those of releases before 2026-12-01 appear once the lists of orders were rebuilt. A page may have fewer items than
/// `limit`, and goes on with `next`.
#[utoipa::path(
    get, path = "/v1/admin/refunds", params(ListRefunds), responses((status = OK, body = Page<OperatorRefundView>))
)]
pub async fn list_refunds_as_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Query(asked): Query<ListRefunds>,
) -> Result<Json<Page<OperatorRefundView>>, Problem> {
    operator.may(OperatorPermission::ReadMoney)?;
    let refunds = app.refunds(asked.state, &asked.limit.page(asked.cursor)).await?;
    Ok(Json(Page::of(refunds, |refund| OperatorRefundView::from(&refund))))
}

/// Lists disputes, newest first or by deadline.
///
/// With `sort=deadline`, the open ones in the order of `evidence_due_at`; those without it come last, and those of
/// releases before 2026-12-03 are missing until the provider tells of them again. In the other order, those of
/// releases before 2026-12-01 appear once the lists of orders were rebuilt. A page may have fewer items than `limit`,
/// and goes on with `next`.
#[utoipa::path(
    get, path = "/v1/admin/disputes", params(ListDisputes), responses((status = OK, body = Page<OperatorDisputeView>))
)]
pub async fn list_disputes_as_operator(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Query(asked): Query<ListDisputes>,
) -> Result<Json<Page<OperatorDisputeView>>, Problem> {
    operator.may(OperatorPermission::ReadMoney)?;
    let page = asked.limit.page(asked.cursor);
    let disputes = match (asked.sort, asked.state) {
        (DisputeSort::Newest, state) => app.disputes(state, &page).await?,
        (DisputeSort::Deadline, None | Some(DisputeState::Opened)) => app.open_disputes(&page).await?,
        (DisputeSort::Deadline, Some(_)) => {
            return Err(Refusal::field("sort", "not_open", "only open disputes have a deadline").into());
        }
    };
    Ok(Json(Page::of(disputes, |dispute| OperatorDisputeView::from(&dispute))))
}

/// Lists failed refunds, newest first.
///
/// Their money did not reach the buyer: the provider refused the refund, or the buyer's bank sent it back.
#[utoipa::path(
    get, path = "/v1/admin/refunds/failed", params(PageQuery), responses((status = OK, body = Page<OperatorRefundView>))
)]
pub async fn list_failed_refunds(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<OperatorRefundView>>, Problem> {
    operator.may(OperatorPermission::ReadMoney)?;
    Ok(Json(Page::of(app.failed_refunds(&asked.page()).await?, |refund| OperatorRefundView::from(&refund))))
}

/// Lists unmatched payments, newest first.
///
/// They are payments, refunds and disputes that a provider reported and that match no order: they name none, an unknown
/// one, or one that has no such payment. Each is tried to match again for a day; then it waits for the operator.
#[utoipa::path(
    get, path = "/v1/admin/payments/unmatched", params(ListUnmatchedPayments),
    responses((status = OK, body = Page<UnmatchedPaymentView>))
)]
pub async fn list_unmatched_payments(
    State(App { desk: app }): State<App>,
    Operator(operator): Operator,
    Query(asked): Query<ListUnmatchedPayments>,
) -> Result<Json<Page<UnmatchedPaymentView>>, Problem> {
    operator.may(OperatorPermission::ReadMoney)?;
    let state = asked.state.unwrap_or_default();
    let found = app.unmatched_payments(state, &asked.limit.page(asked.cursor)).await?;
    Ok(Json(Page::of(found, |payment| UnmatchedPaymentView::from(&payment))))
}
