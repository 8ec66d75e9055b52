//! Valid requests to the operator's routes, and what each of them refuses.

use serde_json::{Value, json};

use super::cases::Expected;
use super::row::{Row, Who, row};
use super::rows::invalid;
use super::world::World;

pub(super) async fn of_operators(world: &World) -> Vec<Row> {
    let operator = |route| row(route, Who::Operator);
    let decided = |route| operator(route).id(&world.applicant);
    let reason = json!({"reason": "Complaints."});
    let vendors = world.cursor_of(Who::Operator, "/v1/admin/vendors?limit=1&state=submitted").await;
    let orders = world.cursor_of(Who::Operator, "/v1/admin/orders?limit=1&state=awaiting_payment").await;
    let payments = world.cursor_of(Who::Operator, "/v1/admin/payments?limit=1&state=pending").await;
    let unmatched = world.shop.unmatched_payment("pi_nobodys").await;
    for email in ["gone@guests.test", "away@guests.test"] {
        world.shop.mail_bounced(email).await;
    }
    let of_vendor = format!("/v1/admin/vendors/{}/imports", world.owner.id);
    let imports = world.cursor_of(Who::Operator, &format!("{of_vendor}?limit=1")).await;
    let suppressions = world.cursor_of(Who::Operator, "/v1/admin/suppressions?limit=1").await;
    let mut deep = json!({"handle": "e", "name": "E"});
    for handle in ["d", "c", "b", "a"] {
        deep = json!({"handle": handle, "name": handle, "children": [deep]});
    }
    let mut bottomless = json!({"handle": "x", "name": "X"});
    for _ in 0..100 {
        bottomless = json!({"handle": "x", "name": "X", "children": [bottomless]});
    }
    let leaf = |index: usize| json!({"handle": format!("c{index}"), "name": "C"});
    let too_many_names: Value =
        ["uz", "ru", "kk", "ky", "tg", "tk", "tr", "zh", "ko"].map(|tag| (tag, "C")).into_iter().collect();
    vec![
        operator("GET /v1/admin/vendors").query("state=submitted").cursors(vendors.clone(), &orders),
        operator("GET /v1/admin/vendors/{id}").id(&world.applicant),
        operator("GET /v1/admin/vendors/{id}/imports").id(&world.owner.id).cursors(imports, &vendors),
        decided("POST /v1/admin/vendors/{id}/approve").body(json!({"same_name": true})).may_be_empty(),
        operator("POST /v1/admin/products/{id}/hide").id(&world.draft.id).body(reason.clone()),
        operator("POST /v1/admin/products/{id}/show").id(&world.draft.id),
        decided("POST /v1/admin/vendors/{id}/reject").body(reason.clone()),
        decided("POST /v1/admin/vendors/{id}/suspend")
            .body(reason)
            .refuses_body("too early", json!({"reason": "Complaints."}), Expected::Problem(409, "wrong_state", None)),
        decided("POST /v1/admin/vendors/{id}/reinstate"),
        decided("POST /v1/admin/vendors/{id}/owner").body(json!({"contact": "signer@people.test"})),
        operator("GET /v1/admin/members"),
        operator("GET /v1/admin/members/invitations"),
        operator("GET /v1/admin/papers/expired"),
        operator("GET /v1/admin/vendor-orders/late"),
        operator("GET /v1/admin/terms/{text}").at("text", "offer"),
        operator("POST /v1/admin/terms/{text}")
            .at("text", "offer")
            .body(json!({"texts": {"en": "The offer."}, "grace_days": 7}))
            .refuses("/grace_days", [json!(366), json!(-1)])
            .refuses("/texts", [json!({}), json!([])]),
        operator("PATCH /v1/admin/members/{id}")
            .id(&world.helper)
            .body(json!({"role": "catalog"}))
            .refuses("/role", ["boss", "other"].map(Value::from)),
        operator("DELETE /v1/admin/members/{id}").id(&world.helper),
        operator("POST /v1/admin/members/invitations")
            .body(json!({"contact": "signer@people.test", "role": "support"}))
            .refuses("/role", ["boss", "other"].map(Value::from)),
        operator("DELETE /v1/admin/members/invitations").body(json!({"contact": "signer@people.test"})),
        operator("GET /v1/admin/orders").query("state=awaiting_payment").cursors(orders, &vendors),
        operator("GET /v1/admin/orders/{id}").id(&world.order),
        operator("POST /v1/admin/orders/{id}/cancel").id(&world.order),
        operator("POST /v1/admin/orders/{id}/payments/{payment_id}/decide")
            .id(&world.order)
            .at("payment_id", &world.payment)
            .body(json!({"decision": "accept"}))
            .refuses("/decision", ["keep", "Accept"].map(Value::from))
            .refuses_body(
                "nothing to decide",
                json!({"decision": "refund"}),
                Expected::Problem(409, "wrong_state", None),
            ),
        operator("POST /v1/admin/orders/{id}/refunds")
            .id(&world.order)
            .body(json!({"amount": {"amount": "1.00", "currency": "USD"}, "reason": "It came late."}))
            .with("idempotency-key", "bad-input")
            .not_given(&["lines", "shipping", "vendor_id", "variant_id", "quantity"])
            .refuses_body("nothing", json!({"reason": "It came late."}), invalid("/amount"))
            .refuses_body(
                "an amount beside a delivery",
                json!({"amount": {"amount": "1.00", "currency": "USD"}, "shipping": true, "reason": "It came late."}),
                invalid("/amount"),
            )
            .refuses_body(
                "an order that was not paid",
                json!({"shipping": true, "reason": "It came late."}),
                Expected::Problem(409, "wrong_state", None),
            ),
        operator("POST /v1/admin/vendor-orders/{id}/returns")
            .id(&world.vendor_order)
            .with("idempotency-key", "bad-input")
            .body(json!({"lines": [{"variant_id": world.bowl.variant, "quantity": 1}], "reason": "damaged"}))
            .refuses("/reason", ["other", "Damaged"].map(Value::from)),
        operator("POST /v1/admin/vendor-orders/{id}/returns/{number}/decide")
            .id(&world.vendor_order)
            .at("number", "1")
            .body(json!({"decision": "decline", "reason": "It was worn.", "restock": false}))
            .refuses("/decision", ["keep", "Approve"].map(Value::from)),
        operator("POST /v1/admin/orders/{id}/refunds/{refund_id}/retry").id(&world.order).at("refund_id", "ref_00000000000000000000000001"),
        operator("POST /v1/admin/orders/{id}/refunds/{refund_id}/resolve")
            .id(&world.order)
            .at("refund_id", "ref_00000000000000000000000001")
            .body(json!({"note": "In cash."}))
            .refuses("/note", [json!("")]),
        operator("GET /v1/admin/payments").query("state=pending").cursors(payments, &vendors),
        operator("GET /v1/admin/payments/unmatched"),
        operator("POST /v1/admin/payments/unmatched/{id}/resolve")
            .id(&unmatched)
            .body(json!({"note": "A test of the till."}))
            .refuses("/note", [json!(""), json!("x".repeat(2_001))]),
        operator("GET /v1/admin/refunds"),
        operator("GET /v1/admin/refunds/failed"),
        operator("GET /v1/admin/disputes"),
        operator("GET /v1/admin/settlements").query("from=2026-01-01&to=2028-01-01"),
        operator("GET /v1/admin/summary"),
        operator("GET /v1/admin/settings/{area}").at("area", "limits"),
        operator("GET /v1/admin/settings/{area}/{id}").at("area", "limits").id("unpaid-orders"),
        operator("PUT /v1/admin/settings/{area}/{id}")
            .at("area", "limits")
            .id("checkout")
            .with("if-match", "*")
            .body(json!({
                "per_client": {"most": 100, "within_s": 60}, "per_target": {"most": 30, "within_s": 60},
            }))
            .not_given(&["most", "within_s", "bytes", "rows", "seconds", "offered", "position", "kinds", "basis_points", "days", "way_back", "exceptions", "allowed"])
            .not_given(&["amounts", "roles", "vendors", "channels", "prefixes", "per_number", "per_prefix"])
            .not_given(&["daily_spend", "order_texts"])
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
        operator("GET /v1/admin/suppressions").cursors(suppressions, &vendors),
        operator("DELETE /v1/admin/suppressions").body(json!({"email": "gone@guests.test"})).refuses_body(
            "an address that is not suppressed",
            json!({"email": "here@guests.test"}),
            Expected::Problem(404, "not_found", None),
        ),
        operator("POST /v1/admin/rebuilds")
            .body(json!({"what": "listings"}))
            .refuses("/what", ["carts", "other", "Listings"].map(Value::from)),
        operator("GET /v1/admin/rebuilds/{id}").id(&world.rebuild),
        operator("GET /v1/admin/categories"),
        operator("PUT /v1/admin/categories")
            .with("if-match", &world.categories_etag)
            .body(json!({"items": [
                {
                    "handle": "kitchen", "name": "Kitchen", "names": {"ru": "Кухня"},
                    "children": [{"handle": "cups", "name": "Cups", "children": []}],
                },
            ]}))
            .refuses("/items/0/handle", ["No Such"].map(Value::from))
            .refuses("/items/0/names", [json!(["Кухня"]), too_many_names])
            .refuses_body(
                "a category that occurs twice",
                json!({"items": [leaf(1), {"handle": "a", "name": "A", "children": [leaf(1)]}]}),
                invalid("/items/1/children/0/handle"),
            )
            .refuses("/items", [json!([deep]), json!((0..1_001).map(leaf).collect::<Vec<_>>())])
            .refuses_body(
                "a tree without bottom",
                json!({"items": [bottomless]}),
                Expected::Problem(400, "malformed", None),
            ),
    ]
}
