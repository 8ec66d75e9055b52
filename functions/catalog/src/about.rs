//! What describes the API itself.

use api::conditional::cached_bytes;
use api::{Cached, Json};
use axum::response::Response;
use domain::order::{OrderEvent, OrderState, VendorOrderEvent, VendorOrderState};
use domain::payment::{PaymentEvent, PaymentState, RefundEvent, RefundState};
use domain::vendor::{VendorEvent, VendorState};
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
pub async fn health() -> Json<Health> {
    Json(Health { version: env!("CARGO_PKG_VERSION") })
}

/// Serves the OpenAPI 3.1 document.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = OK, content_type = "application/json", description = "OpenAPI 3.1")))]
pub async fn openapi() -> Response {
    cached_bytes("application/json", axum::body::Bytes::from_static(DOCUMENT), 300, 3600)
}

/// One step in the life of something.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// From this state.
    from: serde_json::Value,
    /// By this event.
    event: serde_json::Value,
    /// To this state.
    to: serde_json::Value,
}

/// The life of something: its states, and every step there is. A step that is not listed is refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct Machine {
    /// Whose life.
    name: &'static str,
    /// All states.
    states: Vec<serde_json::Value>,
    /// All steps.
    steps: Vec<Step>,
}

/// The lives of orders, sub-orders, payments, refunds and sellers.
#[derive(Debug, Serialize, ToSchema)]
pub struct States {
    /// One machine each.
    items: Vec<Machine>,
}

fn machine<S: Copy + Serialize, E: Copy + Serialize>(
    name: &'static str,
    states: &[S],
    events: &[E],
    after: impl Fn(S, E) -> Option<S>,
) -> Machine {
    let written = |value: &dyn erased::Written| value.written();
    let mut steps = Vec::new();
    for state in states {
        for event in events {
            if let Some(next) = after(*state, *event) {
                steps.push(Step { from: written(state), event: written(event), to: written(&next) });
            }
        }
    }
    Machine { name, states: states.iter().map(|state| written(state)).collect(), steps }
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

/// Serves the state machines as data.
#[utoipa::path(get, path = "/v1/states", responses((status = OK, body = States)))]
pub async fn states() -> Cached<States> {
    let items = vec![
        machine("order", &OrderState::ALL, &OrderEvent::ALL, OrderState::after),
        machine("vendor_order", &VendorOrderState::ALL, &VendorOrderEvent::ALL, VendorOrderState::after),
        machine("payment", &PaymentState::ALL, &PaymentEvent::ALL, PaymentState::after),
        machine("refund", &RefundState::ALL, &RefundEvent::ALL, RefundState::after),
        machine("vendor", &VendorState::ALL, &VendorEvent::ALL, VendorState::after),
    ];
    Cached::new(States { items }, 3600, 86_400)
}
