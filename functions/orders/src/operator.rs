//! What the operator does to an order. It stands here and not at the operator's desk, because this function may write orders,
//! give stock back and call payments off already.

use api::{
    Answer, IdempotencyKeyHeader, Idempotent, Json, NoBody, Now, Operator, Path, Problem, ScopedRequest, replay_or_run,
};
use axum::extract::State;
use domain::order::{Actor, OperatorOrderView, PlacedOrder};
use domain::{Code, OrderId, PaymentId, Refusal, Timestamp};
use payment_webhook::settlement::allocate_to_reopen;
use serde::Deserialize;
use store::Error;
use utoipa::ToSchema;

use crate::App;

/// How often an order is read again that somebody else changes at the same time.
const MAX_ATTEMPTS: usize = 8;

/// What becomes of money that is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MismatchDecision {
    /// It is as good as what was asked for: the order is paid.
    Accept,
    /// It goes back.
    Refund,
}

/// The operator's word on a payment that brought another amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveAmountMismatch {
    /// What becomes of it.
    decision: MismatchDecision,
}

/// The order as the operator sees it.
fn answer_for_operator(order: &PlacedOrder) -> Result<Answer, Problem> {
    Answer::ok(&OperatorOrderView::from(order))
}

impl App {
    async fn load(&self, id: OrderId) -> Result<PlacedOrder, Problem> {
        self.orders.load(id).await?.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }

    /// Changes the order as the operator has decided. What was decided so already is not decided again, so that a repeat is
    /// harmless.
    async fn decide(
        &self,
        id: OrderId,
        payment: PaymentId,
        decision: MismatchDecision,
        call: &ScopedRequest,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        for _ in 0..MAX_ATTEMPTS {
            let loaded = self.load(id).await?;
            if loaded.has_decided(payment, decision == MismatchDecision::Accept) {
                let answer = answer_for_operator(&loaded)?;
                self.orders.storing(call.stored(&answer)?).store_response().await?;
                return Ok(answer);
            }
            let mut changed = loaded.clone();
            let mut ids = platform::ids(now);
            match decision {
                MismatchDecision::Refund => changed.reject_amount(payment, &mut ids)?,
                MismatchDecision::Accept => {
                    // Refused before any shard is read.
                    loaded.clone().accept_amount(payment, &mut platform::ids(now))?;
                    if loaded.demand_to_reopen().is_some() {
                        // Its stock went back when its time was over, and is taken again from wherever it is.
                        let allocations = Box::pin(allocate_to_reopen(&self.orders, &loaded)).await?;
                        changed.draw_anew(allocations.ok_or_else(|| Refusal::of(Code::OutOfStock))?)?;
                    }
                    changed.accept_amount(payment, &mut ids)?;
                }
            }
            let answer = answer_for_operator(&changed)?;
            match self.orders.storing(call.stored(&answer)?).save(&loaded, &changed).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => {}
                // Somebody else took the units between the allocation and the order: others may be left.
                Err(Error::Refused(refusal)) if domain::Coded::code(&refusal) == Code::OutOfStock => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }
}

/// Cancels whatever of an order was not shipped. Its stock goes back, and so does its money if it was paid.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/cancel", params(("id" = OrderId, Path, description = "The order."), IdempotencyKeyHeader),
    responses((status = OK, body = OperatorOrderView))
)]
pub async fn cancel_order_as_operator(
    State(app): State<App>,
    Now(now): Now,
    operator: Operator,
    Path(id): Path<OrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let order = app.load(id).await?;
    app.cancel(order, Actor::Operator, asked.call.scoped_to(operator.user), answer_for_operator, now).await
}

/// Decides on a payment that brought another amount than was asked for: it is taken as good, or goes back.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/payments/{payment_id}/decide",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ("payment_id" = PaymentId, Path, description = "The attempt at paying it, in the state `amount_mismatch`."),
        IdempotencyKeyHeader
    ),
    request_body = ResolveAmountMismatch, responses((status = OK, body = OperatorOrderView))
)]
pub async fn resolve_amount_mismatch(
    State(app): State<App>,
    Now(now): Now,
    operator: Operator,
    Path((id, payment)): Path<(OrderId, PaymentId)>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ResolveAmountMismatch>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(operator.user);
    replay_or_run(app.orders.stored_response(call.as_idempotent()), app.decide(id, payment, asked.decision, &call, now))
        .await
}
