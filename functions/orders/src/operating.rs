//! What the operator does to an order. It stands here and not at the operator's desk, because this function may write orders,
//! give stock back and call payments off already.

use api::{Admin, Answer, Call, Json, KeyHeader, Keyed, NoBody, Now, Path, Problem, once};
use axum::extract::State;
use domain::order::{Actor, OperatorOrderView, OrderFile};
use domain::{Code, OrderId, PaymentId, Refusal, Timestamp};
use payment_webhook::settlement::plan_to_reopen;
use serde::Deserialize;
use store::Error;
use utoipa::ToSchema;

use crate::App;

/// How often an order is read again that somebody else changes at the same time.
const TRIES: usize = 8;

/// What becomes of money that is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is as good as what was asked for: the order is paid.
    Accept,
    /// It goes back.
    Refund,
}

/// The operator's word on a payment that brought another amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideOnPayment {
    /// What becomes of it.
    decision: Decision,
}

/// The order as the operator sees it.
fn for_the_operator(file: &OrderFile) -> Result<Answer, Problem> {
    Answer::ok(&OperatorOrderView::from(file))
}

impl App {
    async fn any(&self, id: OrderId) -> Result<OrderFile, Problem> {
        self.orders.file(id).await?.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }

    /// Changes the order as the operator has decided. What was decided so already is not decided again, so that a repeat is
    /// harmless.
    async fn decide(
        &self,
        id: OrderId,
        payment: PaymentId,
        decision: Decision,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        for _ in 0..TRIES {
            let loaded = self.any(id).await?;
            if loaded.has_decided(payment, decision == Decision::Accept) {
                let answer = for_the_operator(&loaded)?;
                self.orders.keeping(call.keeps(&answer)?).keep().await?;
                return Ok(answer);
            }
            let mut changed = loaded.clone();
            let mut mint = platform::mint(now);
            match decision {
                Decision::Refund => changed.reject_amount(payment, &mut mint)?,
                Decision::Accept => {
                    // Refused before any counter is read.
                    loaded.clone().accept_amount(payment, &mut platform::mint(now))?;
                    if loaded.demand_to_reopen().is_some() {
                        // Its stock went back when its time was over, and is taken again from wherever it is.
                        let draws = Box::pin(plan_to_reopen(&self.orders, &loaded)).await?;
                        changed.draw_anew(draws.ok_or_else(|| Refusal::of(Code::OutOfStock))?)?;
                    }
                    changed.accept_amount(payment, &mut mint)?;
                }
            }
            let answer = for_the_operator(&changed)?;
            match self.orders.keeping(call.keeps(&answer)?).save(&loaded, &changed).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => {}
                // Somebody else took the units between the plan and the order: others may be left.
                Err(Error::Refused(refusal)) if domain::Coded::code(&refusal) == Code::OutOfStock => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }
}

/// Calls off whatever of an order was not shipped. Its stock goes back, and so does its money if it was paid.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/cancel", params(("id" = OrderId, Path, description = "The order."), KeyHeader),
    responses((status = OK, body = OperatorOrderView))
)]
pub async fn call_order_off(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path(id): Path<OrderId>,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    let file = app.any(id).await?;
    app.cancel(file, Actor::Admin, asked.call.of(admin.user), for_the_operator, now).await
}

/// Decides on a payment that brought another amount than was asked for: it is taken as good, or goes back.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/payments/{payment_id}/decide",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ("payment_id" = PaymentId, Path, description = "The attempt at paying it, in the state `conflicted`."),
        KeyHeader
    ),
    request_body = DecideOnPayment, responses((status = OK, body = OperatorOrderView))
)]
pub async fn decide_on_payment(
    State(app): State<App>,
    Now(now): Now,
    admin: Admin,
    Path((id, payment)): Path<(OrderId, PaymentId)>,
    Keyed { body: Json(asked), call }: Keyed<Json<DecideOnPayment>>,
) -> Result<Answer, Problem> {
    let call = call.of(admin.user);
    once(app.orders.kept(call.named()), app.decide(id, payment, asked.decision, &call, now)).await
}
