//! What describes the API itself.

use api::conditional::cached_bytes;
use api::{Cached, Json};
use axum::response::Response;
use domain::dispute::{DisputeState, DisputeStep};
use domain::order::{OrderState, OrderStep, VendorOrderState, VendorOrderStep};
use domain::payment::{PaymentState, PaymentStep, RefundState, RefundStep};
use domain::returns::{ReturnState, ReturnStep};
use domain::vendor::{VendorState, VendorStep};
use serde::Serialize;
use utoipa::ToSchema;

/// The document as it is committed; a test keeps it equal to the code.
const DOCUMENT: &[u8] = include_bytes!("../../../infra/openapi.json");

/// That the shop is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// The version that runs.
    version: &'static str,
}

/// Says which version runs.
#[utoipa::path(get, path = "/v1/health", responses((status = OK, body = Health)))]
pub async fn show_health() -> Json<Health> {
    Json(Health { version: env!("CARGO_PKG_VERSION") })
}

/// Serves the OpenAPI 3.1 document.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = OK, content_type = "application/json", description = "OpenAPI 3.1")))]
pub async fn show_openapi() -> Response {
    cached_bytes("application/json", axum::body::Bytes::from_static(DOCUMENT), 300, 3600)
}

/// One step in the life of something.
#[derive(Debug, Serialize, ToSchema)]
pub struct Transition {
    /// From this state.
    from: serde_json::Value,
    /// By this step.
    step: serde_json::Value,
    /// To this state.
    to: serde_json::Value,
}

/// The life of something: its states, and every step there is. A step that is not listed is refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateMachine {
    /// Whose life.
    name: &'static str,
    /// All states.
    states: Vec<serde_json::Value>,
    /// Those in which it may begin.
    initial: Vec<serde_json::Value>,
    /// Those that nothing leads out of.
    r#final: Vec<serde_json::Value>,
    /// All steps.
    transitions: Vec<Transition>,
}

/// The lives of orders, sub-orders, payments, disputes, refunds, returns and sellers.
#[derive(Debug, Serialize, ToSchema)]
pub struct States {
    /// One machine each.
    items: Vec<StateMachine>,
}

fn machine<S: Copy + Serialize, E: Copy + Serialize>(
    name: &'static str,
    states: &[S],
    initial: &[S],
    steps: &[E],
    after: impl Fn(S, E) -> Option<S>,
) -> StateMachine {
    let written = |value: &dyn erased::Written| value.written();
    let (mut transitions, mut ends) = (Vec::new(), Vec::new());
    for state in states {
        let before = transitions.len();
        for step in steps {
            if let Some(next) = after(*state, *step) {
                transitions.push(Transition { from: written(state), step: written(step), to: written(&next) });
            }
        }
        if transitions.len() == before {
            ends.push(written(state));
        }
    }
    let all = |states: &[S]| states.iter().map(|state| written(state)).collect();
    StateMachine { name, states: all(states), initial: all(initial), r#final: ends, transitions }
}

mod erased {
    /// Something that can be written as JSON, without knowing its type: keeps [`super::machine`] small.
    pub(super) trait Written {
        fn written(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Written for T {
        fn written(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap_or_default()
        }
    }
}

fn machines() -> Vec<StateMachine> {
    use VendorOrderState as VendorOrders;
    vec![
        machine("order", &OrderState::ALL, &OrderState::INITIAL, &OrderStep::ALL, OrderState::after),
        machine("vendor_order", &VendorOrders::ALL, &VendorOrders::INITIAL, &VendorOrderStep::ALL, VendorOrders::after),
        machine("payment", &PaymentState::ALL, &PaymentState::INITIAL, &PaymentStep::ALL, PaymentState::after),
        machine("dispute", &DisputeState::ALL, &DisputeState::INITIAL, &DisputeStep::ALL, DisputeState::after),
        machine("refund", &RefundState::ALL, &RefundState::INITIAL, &RefundStep::ALL, RefundState::after),
        machine("return", &ReturnState::ALL, &ReturnState::INITIAL, &ReturnStep::ALL, ReturnState::after),
        machine("vendor", &VendorState::ALL, &[VendorState::Draft], &VendorStep::ALL, VendorState::after),
    ]
}

/// Serves the state machines as data: generated from what decides, so that the two cannot differ.
#[utoipa::path(get, path = "/v1/states", responses((status = OK, body = States)))]
pub async fn list_states() -> Cached<States> {
    Cached::new(States { items: machines() }, 3600, 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_is_served_with_its_beginning_and_its_ends() {
        let names = |values: &[serde_json::Value]| {
            values.iter().map(|value| value.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        let mut served = String::new();
        for machine in machines() {
            let (begins, ends) = (names(&machine.initial), names(&machine.r#final));
            served.push_str(&format!("{}: {begins} .. {ends} ({})\n", machine.name, machine.transitions.len()));
        }
        let expected = "\
order: awaiting_payment confirmed .. completed (10)
vendor_order: pending .. declined returned completed (10)
payment: created .. refunded (30)
dispute: opened .. won lost (2)
refund: queued .. succeeded failed (3)
return: requested .. declined refunded (4)
vendor: draft ..  (6)
";
        assert_eq!(served, expected);
    }
}
