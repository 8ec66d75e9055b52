//! For each route and caller a request that is valid apart from who sends it.

mod operators;
mod second_factors;

use domain::Timestamp;
use local::seed::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

use self::operators::of_operators;
use self::second_factors::of_second_factors;
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

    fn at(mut self, parameter: &str, value: &str) -> Self {
        self.path = self.path.replace(parameter, value);
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
        "me" if ["contact", "mfa", "sessions", "password"]
            .iter()
            .any(|part| path.starts_with(&format!("/v1/me/{part}"))) =>
        {
            of_second_factors(world, route, caller, &call).await
        }
        "me" => of_buyers(world, route, caller, &call).await,
        "invitations" => {
            let token = match caller {
                Caller::Anonymous | Caller::Guest | Caller::Token => "none".to_owned(),
                _ => world.new_invitation().await,
            };
            call(path).body(json!({"token": token}))
        }
        "operator-invitations" => call(path).body(json!({"token": world.new_team_invitation().await})),
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
            call.body(json!({"email": email, "code": world.shop.code_for(&email).await}))
        }
        "POST /v1/auth/resend" => call.body(json!({"email": world.new_sign_up().await})),
        "POST /v1/auth/sign-in" => call.body(json!({"email": SIGNER, "password": PASSWORD})),
        "POST /v1/auth/code" => call.body(json!({"contact": world.new_account().await})),
        "POST /v1/auth/code/sign-in" => {
            let contact = world.new_account().await;
            world.shop.anon().post("/v1/auth/code", &json!({ "contact": contact })).await.expect(202);
            call.body(json!({"contact": contact, "code": world.shop.code_for(&contact).await}))
        }
        "POST /v1/auth/refresh" => call.body(json!({"refresh_token": world.refresh_token})),
        "POST /v1/auth/challenge" => {
            let (email, app) = world.new_app().await;
            let session = world.shop.challenged(&email).await;
            call.body(json!({"session": session, "code": app.next_code(&world.shop)}))
        }
        "POST /v1/auth/sign-out" => call,
        "POST /v1/auth/forgot-password" => call.body(json!({"email": world.new_account().await})),
        "POST /v1/auth/reset-password" => {
            let email = world.new_account().await;
            world.shop.anon().post("/v1/auth/forgot-password", &json!({"email": email})).await.expect(202);
            call.body(json!({"email": email, "code": world.shop.code_for(&email).await, "password": PASSWORD}))
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
        "GET /v1/vendors/me" | "GET /v1/vendors/me/members" | "GET /v1/vendors/me/invitations" => made,
        "PATCH /v1/vendors/me" => made.body(json!({"about": world.fresh("Bowls and cups")})),
        "POST /v1/vendors/me/documents" => made.body(json!({
            "kind": "identity", "filename": "passport.pdf", "content_type": "application/pdf", "size": 1000,
        })),
        "POST /v1/vendors/me/submit" => {
            let draft = match caller {
                Caller::Owner => world.new_draft().await,
                Caller::Suspended => world.suspended.owner.id.clone(),
                _ => world.draft.clone(),
            };
            // Every caller names the draft as the vendor.
            return match caller {
                Caller::Anonymous | Caller::Guest | Caller::Token => made,
                _ => made.with("vendor-id", draft),
            };
        }
        "POST /v1/vendors/me/invitations" => made.body(json!({"contact": NEWCOMER, "role": "fulfilment"})),
        "DELETE /v1/vendors/me/invitations" => {
            let invite = json!({"contact": NEWCOMER, "role": "fulfilment"});
            world.target.owner.client.post("/v1/vendors/me/invitations", &invite).await.expect(202);
            made.body(json!({"contact": NEWCOMER}))
        }
        "DELETE /v1/vendors/me/members" => {
            world.shop.member(&world.target.owner.client, LEAVER, "finance").await;
            made.body(json!({"email": LEAVER}))
        }
        "POST /v1/vendors/me/terms" => made.body(json!({"version": 1})),
        "POST /v1/vendors/me/leave" => {
            return match caller {
                Caller::Anonymous | Caller::Guest | Caller::Token => made,
                Caller::Suspended => made.with("vendor-id", &world.suspended.owner.id),
                _ => made.with("vendor-id", &world.leaving),
            };
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
        "GET /v1/vendor/media/{id}" => call(&format!("/v1/vendor/media/{}", vendor_fixture.picture)),
        "GET /v1/vendor/imports" => call("/v1/vendor/imports"),
        "POST /v1/vendor/imports" => call("/v1/vendor/imports").body(json!({"filename": "goods.csv", "size": 100})),
        "GET /v1/vendor/imports/{id}" => call(&format!("/v1/vendor/imports/{}", vendor_fixture.import)),
        "GET /v1/vendor/import-mapping" => call("/v1/vendor/import-mapping"),
        "PUT /v1/vendor/import-mapping" => {
            call("/v1/vendor/import-mapping").body(json!({"columns": {"Kod": "sku", "Nomi": "title"}}))
        }
        "GET /v1/vendor/exports" => call("/v1/vendor/exports"),
        "POST /v1/vendor/exports" => {
            // A shop has one export at a time.
            world.shop.wait_until_idle().await;
            call("/v1/vendor/exports")
        }
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

/// Fails for a route that has no call yet.
fn unknown(route: &str) -> ! {
    panic!("say in tests/conventions/authorization/calls.rs how {route} is called")
}
