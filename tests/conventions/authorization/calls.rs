//! For each route and caller a request that is valid apart from who sends it.

use domain::Timestamp;
use local::seed::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::world::{LEAVER, NEWCOMER, SIGNER, Stage, World, id};
use crate::shop::{Answer, Client, Shop, address};

/// A request to send with a caller's client.
pub(super) struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

impl Call {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(super) async fn send(self, client: &Client) -> Answer {
        let client = self.headers.into_iter().fold(client.clone(), |client, (name, value)| client.with(name, value));
        match self.body {
            Some(body) => client.json(self.method, &self.path, &body).await,
            None => client.send(self.method, &self.path, None, "").await,
        }
    }
}

/// The request of this caller to this route.
pub(super) async fn of(world: &World, route: &str, caller: Caller) -> Call {
    let (method, path) = route.split_once(' ').expect("method and path");
    let call = |path: &str| Call {
        method: method.parse().expect("a method"),
        path: path.to_owned(),
        body: None,
        headers: Vec::new(),
    };
    match path.split('/').nth(2).expect("a first segment") {
        "carts" | "checkout" => of_carts(world, route, caller, &call).await,
        "orders" | "webhooks" => of_orders(world, route, caller, &call).await,
        "auth" => of_accounts(world, route, &call).await,
        "me" => of_buyers(world, route, caller, &call).await,
        "vendors" if !path.ends_with("/{handle}") => of_shops(world, route, caller, &call).await,
        "vendor" if path.starts_with("/v1/vendor/orders") => of_vendor_orders(world, route, caller, &call).await,
        "vendor" => of_goods(world, route, caller, &call).await,
        "admin" => of_operators(world, route, caller, &call).await,
        _ => call(
            &path.replace("{handle}", if path.contains("vendors") { "ceramics" } else { &world.target.bowl.handle }),
        ),
    }
}

async fn of_carts(world: &World, route: &str, caller: Caller, call: &impl Fn(&str) -> Call) -> Call {
    let variant = &world.target.bowl.variant;
    if route == "POST /v1/carts" {
        return call("/v1/carts").body(json!({"currency": "USD"}));
    }
    // Claiming takes a guest's cart. A caller who is not its buyer tries to claim one that was claimed already.
    if route == "POST /v1/carts/{id}/claim" {
        let cart = match caller {
            Caller::Anonymous | Caller::Guest | Caller::Token | Caller::Buyer => world.new_guest().await,
            _ => world.new_buyers_cart().await,
        };
        return call(&cart.path("/claim"));
    }
    let cart = world.cart_known_to(caller).await;
    match route {
        "GET /v1/carts/{id}" | "DELETE /v1/carts/{id}" => call(&cart.path("")),
        "PUT /v1/carts/{id}/items/{variant_id}" => {
            call(&cart.path(&format!("/items/{variant}"))).body(json!({"quantity": 2}))
        }
        "DELETE /v1/carts/{id}/items/{variant_id}" => call(&cart.path(&format!("/items/{variant}"))),
        "POST /v1/carts/{id}/shipping-options" => {
            call(&cart.path("/shipping-options")).body(json!({"address": address()}))
        }
        "PUT /v1/carts/{id}/shipping" => {
            let choice = json!([{"vendor_id": world.target.owner.id, "option_id": "flat"}]);
            call(&cart.path("/shipping")).body(choice)
        }
        "GET /v1/carts/{id}/payment-methods" => call(&cart.path("/payment-methods")),
        "POST /v1/checkout" => call("/v1/checkout").with("idempotency-key", "once").body(json!({
            "cart_id": cart.cart, "email": cart.email, "payment": {"provider": "stripe"},
            "expected_total": {"amount": "100000.00", "currency": "USD"},
        })),
        _ => unknown(route),
    }
}

async fn of_orders(world: &World, route: &str, caller: Caller, call: &impl Fn(&str) -> Call) -> Call {
    if route == "POST /v1/webhooks/{provider}" {
        let event = json!({
            "id": "evt_1", "object": "event", "api_version": "2026-07-29.dahlia", "created": 1_800_000_000, "livemode": false,
            "type": "customer.created", "data": {"object": {"id": "cus_1", "object": "customer"}},
        });
        let now: Timestamp = world.shop.cloud.now();
        let signed = |secret| payments::stripe::sign(event.to_string().as_bytes(), now, secret);
        let call = call("/v1/webhooks/stripe");
        return match caller {
            Caller::Anonymous => call,
            Caller::Token => call.with("stripe-signature", signed("whsec_local")),
            _ => call.with("stripe-signature", signed("whsec_of_somebody_else")),
        }
        .body(event);
    }
    let changes = route != "GET /v1/orders/{id}";
    let confirms = route.contains("/confirm");
    let order = if confirms {
        let guest = world.shop.guest().await.takes(&[(&world.target.bowl, 1)]).await;
        let order = guest.checks_out_unconfirmed("once").await.expect(201).clone();
        if caller == Caller::Token && route.ends_with("/resend") {
            // A minute after the first code.
            world.shop.advance(std::time::Duration::from_secs(61)).await;
        }
        order
    } else if changes {
        world.new_guest_order().await
    } else {
        world.guest_order.clone()
    };
    let path = route.split_once(' ').expect("method and path").1.replace("{id}", &id(&order));
    let token = |order: &Value| order["token"].as_str().expect("a token").to_owned();
    let call = match caller {
        Caller::Token => call(&path).with("order-token", token(&order)),
        Caller::Guest => call(&path).with("order-token", token(&world.strangers_order)),
        _ => call(&path),
    };
    match route {
        "GET /v1/orders/{id}" | "POST /v1/orders/{id}/cancel" | "POST /v1/orders/{id}/settle" => call,
        "POST /v1/orders/{id}/returns" => {
            let vendor_order = world.shop.delivers(&world.target.owner.client, &order).await;
            let asked = Shop::gives_back(&vendor_order, &world.target.bowl.variant);
            call.with("idempotency-key", "return").body(asked)
        }
        "POST /v1/orders/{id}/confirm" => call.body(json!({"code": crate::shop::confirmation_code(&id(&order), 1)})),
        "POST /v1/orders/{id}/confirm/resend" => call,
        "POST /v1/orders/{id}/payments" => call.with("idempotency-key", "again").body(json!({"provider": "stripe"})),
        _ => unknown(route),
    }
}

async fn of_accounts(world: &World, route: &str, call: &impl Fn(&str) -> Call) -> Call {
    let call = call(route.split_once(' ').expect("method and path").1);
    match route {
        "POST /v1/auth/sign-up" => call
            .body(json!({"email": format!("{}@people.test", world.fresh("new")), "password": PASSWORD, "name": "New"})),
        "POST /v1/auth/confirm" => {
            let email = world.new_sign_up().await;
            call.body(json!({"email": email, "code": world.shop.code_for(&email)}))
        }
        "POST /v1/auth/resend" => call.body(json!({"email": world.new_sign_up().await})),
        "POST /v1/auth/sign-in" => call.body(json!({"email": SIGNER, "password": PASSWORD})),
        "POST /v1/auth/refresh" => call.body(json!({"refresh_token": world.refresh_token})),
        "POST /v1/auth/sign-out" => call,
        "POST /v1/auth/forgot-password" => call.body(json!({"email": world.new_account().await})),
        "POST /v1/auth/reset-password" => {
            let email = world.new_account().await;
            world.shop.anon().post("/v1/auth/forgot-password", &json!({"email": email})).await.expect(202);
            call.body(json!({"email": email, "code": world.shop.code_for(&email), "password": PASSWORD}))
        }
        _ => unknown(route),
    }
}

async fn of_buyers(world: &World, route: &str, caller: Caller, call: &impl Fn(&str) -> Call) -> Call {
    match route {
        "GET /v1/me" => call("/v1/me"),
        "PATCH /v1/me" => call("/v1/me").body(json!({"language": "uz"})),
        "GET /v1/me/addresses" => call("/v1/me/addresses"),
        "PUT /v1/me/addresses" => call("/v1/me/addresses").body(json!({"items": [{"address": address()}]})),
        "GET /v1/me/orders" => call("/v1/me/orders"),
        "GET /v1/me/orders/{id}" => call(&format!("/v1/me/orders/{}", world.new_buyers_order().await)),
        // A guest's token opens the guest's order, but not on these routes, which serve the orders of accounts.
        "POST /v1/me/orders/{id}/returns" => {
            let order = world.new_buyers_cart().await.checks_out("stripe", "once").await.expect(201).clone();
            let vendor_order = world.shop.delivers(&world.target.owner.client, &order).await;
            let path = format!("/v1/me/orders/{}/returns", id(&order));
            let asked = Shop::gives_back(&vendor_order, &world.target.bowl.variant);
            let call = call(&path).with("idempotency-key", "return").body(asked);
            match caller {
                Caller::Token => call.with("order-token", order["token"].as_str().expect("a token")),
                _ => call,
            }
        }
        "POST /v1/me/orders/{id}/cancel" | "POST /v1/me/orders/{id}/settle" => {
            let path = |id: &str| route.split_once(' ').expect("method and path").1.replace("{id}", id);
            match caller {
                Caller::Token => {
                    let token = world.guest_order["token"].as_str().expect("a token");
                    call(&path(&id(&world.guest_order))).with("order-token", token)
                }
                _ => call(&path(&world.new_buyers_order().await)),
            }
        }
        _ => unknown(route),
    }
}

/// Adds the `Vendor-Id` header with the vendor that the caller tries to reach. Where the path names one of that
/// vendor's resources, the rival sends the id of their own vendor, so that the resource itself is what is refused.
fn with_vendor_id(world: &World, route: &str, caller: Caller, call: Call) -> Call {
    match caller {
        Caller::Anonymous | Caller::Guest | Caller::Token => call,
        Caller::Rival if route.contains("{id}") => call.with("vendor-id", &world.rival.id),
        _ => call.with("vendor-id", &world.vendor_fixture(caller).owner.id),
    }
}

async fn of_shops(world: &World, route: &str, caller: Caller, call: &impl Fn(&str) -> Call) -> Call {
    let made = call(route.split_once(' ').expect("method and path").1);
    let call = match route {
        "POST /v1/vendors" => {
            made.body(json!({"handle": world.fresh("another"), "name": "Another", "currency": "USD"}))
        }
        "GET /v1/vendors/me" | "GET /v1/vendors/me/members" => made,
        "PATCH /v1/vendors/me" => made.body(json!({"about": world.fresh("Bowls and cups")})),
        "POST /v1/vendors/me/documents" => made.body(json!({
            "kind": "identity", "filename": "passport.pdf", "content_type": "application/pdf", "size": 1000,
        })),
        "POST /v1/vendors/me/submit" => {
            let draft = match caller {
                Caller::Owner | Caller::Manager => world.new_draft().await,
                Caller::Suspended => world.suspended.owner.id.clone(),
                _ => world.draft.clone(),
            };
            // Every caller names the draft as the vendor.
            return match caller {
                Caller::Anonymous | Caller::Guest | Caller::Token => made,
                _ => made.with("vendor-id", draft),
            };
        }
        "POST /v1/vendors/me/members" => made.body(json!({"email": NEWCOMER, "role": "fulfilment"})),
        "DELETE /v1/vendors/me/members" => {
            let member = json!({"email": LEAVER, "role": "finance"});
            world.target.owner.client.post("/v1/vendors/me/members", &member).await.expect_success();
            made.body(json!({"email": LEAVER}))
        }
        _ => unknown(route),
    };
    with_vendor_id(world, route, caller, call)
}

async fn of_goods(world: &World, route: &str, caller: Caller, call: &impl Fn(&str) -> Call) -> Call {
    let vendor_fixture = world.vendor_fixture(caller);
    let body = |title: &str| json!({"title": title, "variants": [{"prices": [{"amount": "12.50", "currency": "USD"}], "on_hand": 1}]});
    let asked = match route {
        "GET /v1/vendor/summary" => call("/v1/vendor/summary"),
        "GET /v1/vendor/settlements" => call("/v1/vendor/settlements?from=2026-01-01&to=2027-01-01"),
        "GET /v1/vendor/products" => call("/v1/vendor/products"),
        "POST /v1/vendor/products" => call("/v1/vendor/products").body(body(&world.fresh("Plate"))),
        "GET /v1/vendor/products/{id}" => call(&format!("/v1/vendor/products/{}", vendor_fixture.bowl.id)),
        "PUT /v1/vendor/products/{id}" => {
            let product = world.product(caller).await;
            let path = format!("/v1/vendor/products/{}", product.id);
            let etag = world.etag(&vendor_fixture.owner.client, &path).await;
            let variants = json!([{"id": product.variant, "prices": [{"amount": "13.50", "currency": "USD"}]}]);
            call(&path).with("if-match", etag).body(json!({"title": "Cup", "variants": variants}))
        }
        "DELETE /v1/vendor/products/{id}" => call(&format!("/v1/vendor/products/{}", world.product(caller).await.id)),
        "POST /v1/vendor/products/{id}/publish" => {
            call(&format!("/v1/vendor/products/{}/publish", world.product(caller).await.id))
        }
        "POST /v1/vendor/products/{id}/unpublish" => {
            let product = world.product(caller).await;
            if caller != Caller::Suspended {
                let path = format!("/v1/vendor/products/{}/publish", product.id);
                vendor_fixture.owner.client.post(&path, &json!({})).await.expect(200);
            }
            call(&format!("/v1/vendor/products/{}/unpublish", product.id))
        }
        "PUT /v1/vendor/products/{id}/variants/{variant_id}/stock" => {
            let product = world.product(caller).await;
            let path = format!("/v1/vendor/products/{}/variants/{}/stock", product.id, product.variant);
            call(&path).body(json!({"on_hand": 5}))
        }
        "POST /v1/vendor/media" => call("/v1/vendor/media").body(json!({"content_type": "image/png", "size": 1000})),
        "GET /v1/vendor/imports" => call("/v1/vendor/imports"),
        "POST /v1/vendor/imports" => call("/v1/vendor/imports").body(json!({"filename": "goods.csv", "size": 100})),
        "GET /v1/vendor/imports/{id}" => call(&format!("/v1/vendor/imports/{}", vendor_fixture.import)),
        "GET /v1/vendor/import-mapping" => call("/v1/vendor/import-mapping"),
        "PUT /v1/vendor/import-mapping" => {
            call("/v1/vendor/import-mapping").body(json!({"columns": {"Kod": "sku", "Nomi": "title"}}))
        }
        "GET /v1/vendor/exports" => call("/v1/vendor/exports"),
        "POST /v1/vendor/exports" => call("/v1/vendor/exports"),
        "GET /v1/vendor/exports/{id}" => call(&format!("/v1/vendor/exports/{}", vendor_fixture.export)),
        _ => unknown(route),
    };
    with_vendor_id(world, route, caller, asked)
}

async fn of_vendor_orders(world: &World, route: &str, caller: Caller, call: &impl Fn(&str) -> Call) -> Call {
    let path = async |stage: Stage| {
        let vendor_order = world.vendor_order(caller, stage).await;
        route.split_once(' ').expect("method and path").1.replace("{id}", &vendor_order)
    };
    let asked = match route {
        "GET /v1/vendor/orders" => call("/v1/vendor/orders"),
        "GET /v1/vendor/orders/{id}" => call(&format!("/v1/vendor/orders/{}", world.vendor_fixture(caller).pending)),
        "POST /v1/vendor/orders/{id}/accept" => call(&path(Stage::Pending).await),
        "POST /v1/vendor/orders/{id}/decline" | "POST /v1/vendor/orders/{id}/refuse" => {
            call(&path(Stage::Pending).await).body(json!({"reason": "Broken in the kiln."}))
        }
        "POST /v1/vendor/orders/{id}/ship" => call(&path(Stage::Accepted).await).body(json!({})),
        "POST /v1/vendor/orders/{id}/deliver" => call(&path(Stage::Shipped).await),
        "POST /v1/vendor/orders/{id}/refunds" => {
            let vendor_order = world.returning(caller, false).await;
            let body = json!({"amount": {"amount": "1.00", "currency": "USD"}, "reason": "It came late."});
            let call = call(&format!("/v1/vendor/orders/{vendor_order}/refunds"));
            call.with("idempotency-key", world.fresh("late")).body(body)
        }
        _ if route.starts_with("POST /v1/vendor/orders/{id}/returns/{number}/") => {
            let vendor_order = world.returning(caller, route.ends_with("receive")).await;
            let path = route.split_once(' ').expect("method and path").1;
            let call = call(&path.replace("{id}", &vendor_order).replace("{number}", "1"));
            if route.ends_with("decline") { call.body(json!({"reason": "It was worn."})) } else { call }
        }
        _ if route.starts_with("POST /v1/vendor/orders/{id}/parcels/{number}/") => {
            call(&path(Stage::Shipped).await.replace("{number}", "1"))
        }
        _ => unknown(route),
    };
    with_vendor_id(world, route, caller, asked)
}

async fn of_operators(world: &World, route: &str, caller: Caller, call: &impl Fn(&str) -> Call) -> Call {
    let reason = json!({"reason": "Complaints."});
    let decided = |vendor: &str, verb: &str| call(&format!("/v1/admin/vendors/{vendor}/{verb}"));
    let is_operator = caller == Caller::Operator;
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
        "POST /v1/admin/vendors/{id}/suspend" => {
            let vendor = if is_operator { world.new_approved().await } else { world.target.owner.id.clone() };
            decided(&vendor, "suspend").body(reason)
        }
        // The suspended owner is refused as well.
        "POST /v1/admin/vendors/{id}/reinstate" => {
            let vendor = if is_operator { world.new_suspended().await } else { world.suspended.owner.id.clone() };
            decided(&vendor, "reinstate")
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

/// Fails for a route that has no call yet.
fn unknown(route: &str) -> ! {
    panic!("say in tests/conventions/authorization/calls.rs how {route} is called")
}
