//! The operator's changes to an order. They are here and not in the function `admin`, because this function already has
//! the permissions to write orders, release stock and cancel payments.

use api::views::OperatorOrderView;
use api::{Answer, Idempotent, Json, NoBody, Now, Operator, Path, Problem, ScopedRequest, replay_or_run};
use axum::extract::State;
use domain::order::{Actor, PlacedOrder};
use domain::{Code, OrderId, PaymentId, Refusal, Timestamp};
use payment_webhook::settlement::allocate_to_reopen;
use serde::Deserialize;
use store::Error;
use utoipa::ToSchema;

use crate::App;

/// Attempts to save an order that is changed concurrently.
const MAX_ATTEMPTS: usize = 8;

/// What to do with a payment of another amount than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MismatchDecision {
    /// Accept it as full payment: the order is paid.
    Accept,
    /// Refund it.
    Refund,
}

/// The operator's decision on an amount mismatch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveAmountMismatch {
    /// What to do with the payment.
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

    /// Applies the operator's decision. The same decision again changes nothing, so that a repeat is harmless.
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
                    // Refuse before any shard is read.
                    loaded.clone().accept_amount(payment, &mut platform::ids(now))?;
                    if loaded.demand_to_reopen().is_some() {
                        // Its stock was released when the order ended: re-reserve it from any shards that have it.
                        let allocations = Box::pin(allocate_to_reopen(&self.orders, &loaded)).await?;
                        changed.reallocate(allocations.ok_or_else(|| Refusal::of(Code::OutOfStock))?)?;
                    }
                    changed.accept_amount(payment, &mut ids)?;
                }
            }
            let answer = answer_for_operator(&changed)?;
            match self.orders.storing(call.stored(&answer)?).save(&loaded, &changed).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => {}
                // The units were reserved by another order after they were allocated: other units may be left.
                Err(Error::Refused(refusal)) if domain::Coded::code(&refusal) == Code::OutOfStock => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }
}

/// Cancels whatever of an order was not shipped.
///
/// Its stock is released, and what was paid for it is refunded.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/cancel", params(("id" = OrderId, Path, description = "The order.")),
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

/// Resolves the amount mismatch of a payment.
///
/// A payment of another amount than was asked for is accepted as full payment or refunded.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/payments/{payment_id}/decide",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ("payment_id" = PaymentId, Path, description = "The attempt at paying it, in the state `amount_mismatch`.")
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
