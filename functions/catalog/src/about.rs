//! What describes the API itself.

use api::{Cached, CachedBytes, Json};
use axum::body::Bytes;
use domain::dispute::{DisputeState, DisputeStep};
use domain::order::{OrderState, OrderStep, ParcelState, ParcelStep, VendorOrderState, VendorOrderStep};
use domain::payment::{PaymentState, PaymentStep, RefundState, RefundStep};
use domain::returns::{ReturnState, ReturnStep};
use domain::unmatched::{UnmatchedState, UnmatchedStep};
use domain::vendor::{VendorState, VendorStep};
use serde::Serialize;
use utoipa::ToSchema;

/// The committed OpenAPI document; a test keeps it equal to the code.
const DOCUMENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The running service.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// The version of the running code.
    #[schema(examples("0.1.0"))]
    version: &'static str,
}

/// Shows the running version.
#[utoipa::path(get, path = "/v1/health", responses((status = OK, body = Health)))]
pub async fn show_health() -> Json<Health> {
    Json(Health { version: env!("CARGO_PKG_VERSION") })
}

/// Serves the OpenAPI 3.1 document.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = OK, body = Object, description = "OpenAPI 3.1")))]
pub async fn show_openapi() -> CachedBytes {
    let bytes = Bytes::from_static(DOCUMENT);
    CachedBytes { content_type: "application/json", bytes, fresh_s: 300, stale_s: 3600 }
}

/// One transition of a state machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct Transition {
    /// The state before it.
    #[schema(value_type = String, examples("awaiting_payment"))]
    from: serde_json::Value,
    /// The step that causes it.
    #[schema(value_type = String, examples("paid"))]
    step: serde_json::Value,
    /// The state after it.
    #[schema(value_type = String, examples("paid"))]
    to: serde_json::Value,
}

/// A state machine: its states and all its transitions. A step that has no transition is refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateMachine {
    /// What has these states, such as `order`.
    #[schema(examples("order"))]
    name: &'static str,
    /// All states.
    #[schema(value_type = Vec<String>)]
    states: Vec<serde_json::Value>,
    /// The states that it may start in.
    #[schema(value_type = Vec<String>)]
    initial: Vec<serde_json::Value>,
    /// The states without a transition out of them.
    #[schema(value_type = Vec<String>)]
    r#final: Vec<serde_json::Value>,
    /// All transitions.
    transitions: Vec<Transition>,
}

/// The state machines of orders, vendor orders, payments, disputes, unmatched payments, refunds, returns and vendors.
#[derive(Debug, Serialize, ToSchema)]
pub struct States {
    /// One state machine for each of them.
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
    /// A value that can be written as JSON, without its type: fewer generics keep the code of [`super::machine`] small.
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
        machine(
            "unmatched_payment",
            &UnmatchedState::ALL,
            &UnmatchedState::INITIAL,
            &UnmatchedStep::ALL,
            UnmatchedState::after,
        ),
        machine("refund", &RefundState::ALL, &RefundState::INITIAL, &RefundStep::ALL, RefundState::after),
        machine("parcel", &ParcelState::ALL, &ParcelState::INITIAL, &ParcelStep::ALL, ParcelState::after),
        machine("return", &ReturnState::ALL, &ReturnState::INITIAL, &ReturnStep::ALL, ReturnState::after),
        machine("vendor", &VendorState::ALL, &[VendorState::Draft], &VendorStep::ALL, VendorState::after),
    ]
}

/// Serves the state machines as data.
///
/// They are generated from the code that decides, so that the two cannot differ.
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
order: awaiting_confirmation awaiting_payment confirmed .. cancelled completed (12)
vendor_order: pending .. declined lost returned_to_sender returned completed (15)
payment: created .. refunded (30)
dispute: opened .. lost (3)
unmatched_payment: retrying .. matched resolved (4)
refund: queued .. resolved (7)
parcel: shipped .. delivered lost returned_to_sender (3)
return: requested .. declined refunded expired (5)
vendor: draft ..  (6)
";
        assert_eq!(served, expected);
    }
}
