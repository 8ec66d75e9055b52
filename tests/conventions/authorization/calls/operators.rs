//! The operator's routes.

use serde_json::json;

use super::super::caller::Caller;
use super::super::world::{NEWCOMER, World, id};
use super::{Call, unknown};

/// None of the operator's people: who may not change them is not told who they are.
const NOBODY: &str = "00000000-0000-4000-8000-000000000009";

pub(super) async fn of_operators(world: &World, route: &str, caller: Caller, call: &impl Fn(&str) -> Call) -> Call {
    let reason = json!({"reason": "Complaints."});
    let decided = |vendor: &str, verb: &str| call(&format!("/v1/admin/vendors/{vendor}/{verb}"));
    let is_operator = caller == Caller::Operator;
    let path = route.split_once(' ').expect("method and path").1;
    match route {
        "GET /v1/admin/summary" => call("/v1/admin/summary"),
        "GET /v1/admin/vendors" => call("/v1/admin/vendors?state=approved"),
        // The vendor's own owner is refused as well.
        "GET /v1/admin/vendors/{id}" => call(&format!("/v1/admin/vendors/{}", world.target.owner.id)),
        "GET /v1/admin/vendors/{id}/imports" => call(&format!("/v1/admin/vendors/{}/imports", world.target.owner.id)),
        "POST /v1/admin/vendors/{id}/approve" | "POST /v1/admin/vendors/{id}/reject" => {
            let vendor = if is_operator { world.new_submitted().await } else { world.submitted.clone() };
            let verb = if route.ends_with("approve") { "approve" } else { "reject" };
            if verb == "approve" { decided(&vendor, verb) } else { decided(&vendor, verb).body(reason) }
        }
        "POST /v1/admin/products/{id}/hide" => {
            let product = world.product(caller).await;
            call(&format!("/v1/admin/products/{}/hide", product.id)).body(reason)
        }
        "POST /v1/admin/products/{id}/show" => {
            call(&format!("/v1/admin/products/{}/show", world.product(caller).await.id))
        }
        "POST /v1/admin/vendors/{id}/owner" => {
            call(&format!("/v1/admin/vendors/{}/owner", world.target.owner.id)).body(json!({"contact": NEWCOMER}))
        }
        "POST /v1/admin/vendors/{id}/suspend" => {
            let vendor = if is_operator { world.new_approved().await } else { world.target.owner.id.clone() };
            decided(&vendor, "suspend").body(reason)
        }
        // The suspended owner is refused as well.
        "POST /v1/admin/vendors/{id}/reinstate" => {
            let vendor = if is_operator { world.new_suspended().await } else { world.suspended.owner.id.clone() };
            decided(&vendor, "reinstate")
        }
        "GET /v1/admin/terms/{text}" => call(path).at("{text}", "offer"),
        "POST /v1/admin/terms/{text}" => {
            call(path).at("{text}", "offer").body(json!({"texts": {"en": "The public offer."}}))
        }
        "GET /v1/admin/papers/expired"
        | "GET /v1/admin/vendor-orders/late"
        | "GET /v1/admin/members"
        | "GET /v1/admin/members/invitations" => call(path),
        "PATCH /v1/admin/members/{id}" => {
            let id = if is_operator { world.new_operator().await } else { NOBODY.to_owned() };
            call(path).at("{id}", &id).body(json!({"role": "catalog"}))
        }
        "DELETE /v1/admin/members/{id}" => {
            let id = if is_operator { world.new_operator().await } else { NOBODY.to_owned() };
            call(path).at("{id}", &id)
        }
        "POST /v1/admin/members/invitations" => call(path).body(json!({"contact": NEWCOMER, "role": "support"})),
        "DELETE /v1/admin/members/invitations" => {
            let invite = json!({"contact": NEWCOMER, "role": "support"});
            world.client(Caller::Operator).post(path, &invite).await.expect(202);
            call(path).body(json!({"contact": NEWCOMER}))
        }
        "GET /v1/admin/orders" => call("/v1/admin/orders?state=awaiting_payment"),
        "GET /v1/admin/orders/{id}" => call(&format!("/v1/admin/orders/{}", id(&world.guest_order))),
        "POST /v1/admin/orders/{id}/cancel" => {
            let order = if is_operator { world.new_guest_order().await } else { world.guest_order.clone() };
            call(&format!("/v1/admin/orders/{}/cancel", id(&order)))
        }
        "POST /v1/admin/orders/{id}/payments/{payment_id}/decide" => {
            let order = if is_operator { world.new_mismatched_order().await } else { world.guest_order.clone() };
            let path = format!("/v1/admin/orders/{}/payments/{}/decide", id(&order), id(&order["payment"]));
            call(&path).body(json!({"decision": "accept"}))
        }
        "POST /v1/admin/orders/{id}/refunds" => {
            let order = if is_operator { world.new_guest_order().await } else { world.guest_order.clone() };
            if is_operator {
                world.shop.stripe(&id(&order), "succeed").await;
            }
            let body = json!({"amount": {"amount": "1.00", "currency": "USD"}, "reason": "It came late."});
            call(&format!("/v1/admin/orders/{}/refunds", id(&order))).with("idempotency-key", "late").body(body)
        }
        "POST /v1/admin/orders/{id}/refunds/{refund_id}/retry"
        | "POST /v1/admin/orders/{id}/refunds/{refund_id}/resolve" => {
            let operator = world.client(Caller::Operator);
            let path = if is_operator {
                world.shop.refund_fails(&operator, &id(&world.new_guest_order().await)).await
            } else {
                format!("/v1/admin/orders/{}/refunds/ref_00000000000000000000000001", id(&world.guest_order))
            };
            if route.ends_with("retry") {
                call(&format!("{path}/retry"))
            } else {
                call(&format!("{path}/resolve")).body(json!({"note": "In cash."}))
            }
        }
        "POST /v1/admin/vendor-orders/{id}/returns" => {
            let vendor_order = world.returning(Caller::Owner, false).await;
            let lines = json!([{"variant_id": world.target.bowl.variant, "quantity": 1}]);
            let path = format!("/v1/admin/vendor-orders/{vendor_order}/returns");
            if is_operator {
                let decide = format!("{path}/1/decide");
                let decline = json!({"decision": "decline", "reason": "It was worn."});
                world.client(Caller::Operator).post(&decide, &decline).await.expect(200);
            }
            call(&path).with("idempotency-key", "goodwill").body(json!({"lines": lines, "reason": "damaged"}))
        }
        "POST /v1/admin/vendor-orders/{id}/returns/{number}/decide" => {
            let vendor_order = world.returning(Caller::Owner, false).await;
            let path = format!("/v1/admin/vendor-orders/{vendor_order}/returns/1/decide");
            call(&path).body(json!({"decision": "approve"}))
        }
        "GET /v1/admin/payments" => call("/v1/admin/payments?state=amount_mismatch"),
        "GET /v1/admin/payments/unmatched" => call("/v1/admin/payments/unmatched"),
        "POST /v1/admin/payments/unmatched/{id}/resolve" => {
            let unmatched = world.shop.unmatched_payment("pi_nobodys").await;
            call(&format!("/v1/admin/payments/unmatched/{unmatched}/resolve")).body(json!({"note": "A test."}))
        }
        "GET /v1/admin/refunds" => call("/v1/admin/refunds"),
        "GET /v1/admin/disputes" => call("/v1/admin/disputes?state=opened"),
        "GET /v1/admin/settlements" => call("/v1/admin/settlements?from=2026-01-01&to=2027-01-01"),
        "GET /v1/admin/refunds/failed" => call("/v1/admin/refunds/failed"),
        "GET /v1/admin/settings/{area}" => call("/v1/admin/settings/limits"),
        "GET /v1/admin/settings/{area}/{id}" => call("/v1/admin/settings/limits/checkout"),
        "PUT /v1/admin/settings/{area}/{id}" => {
            call("/v1/admin/settings/limits/unpaid-orders").with("if-match", "*").body(json!({"most": 50}))
        }
        "DELETE /v1/admin/settings/{area}/{id}" => {
            call("/v1/admin/settings/limits/unpaid-orders").with("if-match", "*")
        }
        "GET /v1/admin/settings/{area}/{id}/history" => call("/v1/admin/settings/limits/unpaid-orders/history"),
        "POST /v1/admin/settings/{area}/{id}/restore" => {
            call("/v1/admin/settings/limits/unpaid-orders/restore").with("if-match", "*").body(json!({"version": 1}))
        }
        "GET /v1/admin/suppressions" => call("/v1/admin/suppressions"),
        "DELETE /v1/admin/suppressions" => {
            world.shop.mail_bounced("gone@guests.test").await;
            call("/v1/admin/suppressions").body(json!({"email": "gone@guests.test"}))
        }
        "POST /v1/admin/rebuilds" => call("/v1/admin/rebuilds").body(json!({"what": "listings"})),
        "GET /v1/admin/rebuilds/{id}" => call(&format!("/v1/admin/rebuilds/{}", world.rebuild)),
        "GET /v1/admin/categories" => call("/v1/admin/categories"),
        "PUT /v1/admin/categories" => {
            let etag = world.etag(&world.client(Caller::Operator), "/v1/admin/categories").await;
            let tree = json!({"items": [{"handle": "kitchen", "name": "Kitchen", "children": []}]});
            call("/v1/admin/categories").with("if-match", etag).body(tree)
        }
        _ => unknown(route),
    }
}
