//! The rows of the settings.

use serde_json::json;

use super::cases::invalid;
use super::row::{Row, Who, row};

pub(super) fn rows() -> Vec<Row> {
    let operator = |route| row(route, Who::Operator);
    vec![
        operator("GET /v1/admin/settings/{area}").at("area", "limits"),
        operator("GET /v1/admin/settings/{area}/{id}").at("area", "limits").id("unpaid-orders"),
        operator("PUT /v1/admin/settings/{area}/{id}")
            .at("area", "limits")
            .id("checkout")
            .with("if-match", "*")
            .body(json!({
                "per_client": {"most": 100, "within_s": 60}, "per_target": {"most": 30, "within_s": 60},
            }))
            .not_given(&["most", "within_s", "seconds", "offered", "position", "basis_points"])
            .refuses("/per_client/most", [json!(0), json!(10_000_001), json!(4_294_967_296_u64)])
            .refuses("/per_target/within_s", [json!(0), json!(86_401)])
            .refuses_body(
                "a field of another kind",
                json!({
                    "per_client": {"most": 9, "within_s": 60}, "per_target": {"most": 9, "within_s": 60}, "seconds": 600,
                }),
                invalid("/seconds"),
            )
            .refuses_body("nothing", json!({}), invalid("/per_client")),
        operator("DELETE /v1/admin/settings/{area}/{id}")
            .at("area", "limits")
            .id("unpaid-orders")
            .with("if-match", "*")
            .idempotent_delete(),
        operator("GET /v1/admin/settings/{area}/{id}/history").at("area", "limits").id("unpaid-orders"),
        operator("POST /v1/admin/settings/{area}/{id}/restore")
            .at("area", "limits")
            .id("unpaid-orders")
            .with("if-match", "*")
            .body(json!({"version": 1}))
            .refuses("/version", [json!(0), json!(99)]),
    ]
}
