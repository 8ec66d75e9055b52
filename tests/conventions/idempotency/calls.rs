//! For each unsafe route a call that succeeds, with another body for it, from either of two callers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::side::{Side, side};
use crate::shop::{Client, Guest, Shop, Vendor, address};

/// A request that is ready to be sent.
pub(super) struct Prepared {
    pub(super) client: Client,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Value,
    /// Another body that the route takes as well.
    pub(super) other: Value,
}

/// One marketplace for all routes, with its event sources stopped.
pub(super) struct World {
    pub(super) shop: Shop,
    operator: Client,
    sides: [Side; 2],
    count: AtomicU32,
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

impl World {
    pub(super) async fn open() -> Self {
        let shop = Shop::open().await;
        let operator = shop.operator().await;
        // Before anything has read the settings, which are kept for half a minute.
        let (setting, allowed) = ("/v1/admin/settings/refunds/by-vendors", json!({"allowed": true}));
        operator.clone().with("if-match", "*").put(setting, &allowed).await.expect(200);
        let sides = [side(&shop, "ceramics").await, side(&shop, "silk").await];
        shop.wait_until_idle().await;
        shop.cloud.kill_sources().await;
        Self { shop, operator, sides, count: AtomicU32::new(0) }
    }

    fn fresh(&self, name: &str) -> String {
        format!("{name}-{}", self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// A request to this route from one of the two callers. Creates what it needs.
    pub(super) async fn call(&self, route: &str, who: usize) -> Prepared {
        let side = &self.sides[who];
        let (method, path) = route.split_once(' ').expect("method and path");
        let call = |client: &Client, path: String, body: Value, other: Value| Prepared {
            client: client.clone(),
            method: method.parse().expect("a method"),
            path,
            body,
            other,
        };
        if path.starts_with("/v1/carts") || path == "/v1/checkout" {
            self.of_carts(route, side, &call).await
        } else if path.contains("/orders/") || path.contains("/vendor-orders/") {
            self.of_orders(route, side, &call).await
        } else if path.starts_with("/v1/vendor/") {
            self.of_goods(route, side, &call).await
        } else {
            self.of_people(route, side, &call).await
        }
    }

    async fn of_carts(
        &self,
        route: &str,
        side: &Side,
        call: &impl Fn(&Client, String, Value, Value) -> Prepared,
    ) -> Prepared {
        let cart = self.shop.guest().await.takes(&[(&side.bowl, 1)]).await;
        let line = cart.path(&format!("/items/{}", side.bowl.variant));
        let (guest, anything) = (cart.client.clone(), json!({"anything": "else"}));
        match route {
            "DELETE /v1/carts/{id}" => call(&guest, cart.path(""), Value::Null, anything),
            "PUT /v1/carts/{id}/items/{variant_id}" => {
                call(&guest, line, json!({"quantity": 3}), json!({"quantity": 4}))
            }
            "DELETE /v1/carts/{id}/items/{variant_id}" => call(&guest, line, Value::Null, anything),
            "POST /v1/carts/{id}/claim" => call(&side.buyer, cart.path("/claim"), json!({}), anything),
            "POST /v1/carts/{id}/shipping-options" => {
                let mut elsewhere = address();
                elsewhere["city"] = json!("Khiva");
                let path = cart.path("/shipping-options");
                call(&guest, path, json!({"address": address()}), json!({"address": elsewhere}))
            }
            "PUT /v1/carts/{id}/shipping" => {
                let choice = json!([{"vendor_id": side.vendor.id, "option_id": "flat"}]);
                call(&guest, cart.path("/shipping"), choice, json!([]))
            }
            "POST /v1/checkout" => {
                let order = |email: &str| {
                    json!({
                        "cart_id": cart.cart, "email": email, "payment": {"provider": "cash_on_delivery"},
                        "expected_total": {"amount": "17.50", "currency": "USD"},
                    })
                };
                call(&guest, "/v1/checkout".to_owned(), order("a@guests.test"), order("b@guests.test"))
            }
            other => panic!("no call for {other}"),
        }
    }

    /// An order of one bowl, and the client that may see it.
    async fn order(&self, side: &Side, cart: Guest, provider: &str) -> (Value, Client) {
        let cart = cart.takes(&[(&side.bowl, 1)]).await;
        let order = cart.checks_out(provider, &self.fresh("order")).await.expect(201).clone();
        let token = text(&order["token"]);
        (order, self.shop.anon().with("order-token", token))
    }

    async fn of_orders(
        &self,
        route: &str,
        side: &Side,
        call: &impl Fn(&Client, String, Value, Value) -> Prepared,
    ) -> Prepared {
        let path = route.split_once(' ').expect("method and path").1;
        let anything = json!({"anything": "else"});
        if path == "/v1/me/orders/{id}/cancel" {
            let guest = self.shop.guest().await.takes(&[(&side.bowl, 1)]).await;
            let claimed = side.buyer.post(&guest.path("/claim"), &json!({})).await.expect(200).clone();
            let own = Guest { cart: text(&claimed["id"]), ..guest };
            let (order, _) = self.order(side, own, "cash_on_delivery").await;
            return call(&side.buyer, path.replace("{id}", &text(&order["id"])), json!({}), anything);
        }
        if path.ends_with("/returns") || path.contains("/returns/") {
            return self.of_returns(path, side, call).await;
        }
        let by_card = path.ends_with("/payments") || path.ends_with("/decide") || path.contains("/refunds");
        let provider = if by_card { "stripe" } else { "cash_on_delivery" };
        let (order, reader) = self.order(side, self.shop.guest().await, provider).await;
        if path.ends_with("/payments") {
            self.shop.stripe(&text(&order["id"]), "fail").await;
            let body = |url: &str| json!({"provider": "stripe", "return_url": url});
            let path = path.replace("{id}", &text(&order["id"]));
            return call(&reader, path, body("http://localhost:5173/a"), body("http://localhost:5173/b"));
        }
        if path.ends_with("/decide") {
            self.shop.stripe(&text(&order["id"]), "wrong_amount").await;
            let seen = self.operator.get(&format!("/v1/admin/orders/{}", text(&order["id"]))).await.expect(200).clone();
            let path = path.replace("{id}", &text(&order["id"]));
            let path = path.replace("{payment_id}", &text(&seen["payments"][0]["id"]));
            return call(&self.operator, path, json!({"decision": "accept"}), json!({"decision": "refund"}));
        }
        if path.contains("/{refund_id}/") {
            let failed = self.shop.refund_fails(&self.operator, &text(&order["id"])).await;
            let verb = path.rsplit('/').next().expect("a verb");
            let note = |text: &str| if verb == "resolve" { json!({"note": text}) } else { json!({"anything": text}) };
            let first = if verb == "resolve" { note("In cash.") } else { Value::Null };
            return call(&self.operator, format!("{failed}/{verb}"), first, note("By bank transfer."));
        }
        if path.ends_with("/refunds") {
            self.shop.stripe(&text(&order["id"]), "succeed").await;
            let body = |sum: &str| json!({"amount": {"amount": sum, "currency": "USD"}, "reason": "It came late."});
            let path = path.replace("{id}", &text(&order["id"]));
            if path.starts_with("/v1/vendor/") {
                let path = format!("/v1/vendor/orders/{}/refunds", text(&order["vendors"][0]["id"]));
                return call(&side.vendor.client, path, body("1.00"), body("2.00"));
            }
            return call(&self.operator, path, body("1.00"), body("2.00"));
        }
        if path == "/v1/admin/orders/{id}/cancel" {
            return call(&self.operator, path.replace("{id}", &text(&order["id"])), Value::Null, anything);
        }
        if path == "/v1/orders/{id}/cancel" {
            return call(&reader, path.replace("{id}", &text(&order["id"])), Value::Null, anything);
        }
        let vendor_order = text(&order["vendors"][0]["id"]);
        let taken: &[&str] = match path.rsplit('/').next() {
            Some("ship") => &["accept"],
            Some("deliver" | "lost" | "returned-to-sender") => &["accept", "ship"],
            _ => &[],
        };
        for step in taken {
            side.vendor.client.post(&format!("/v1/vendor/orders/{vendor_order}/{step}"), &json!({})).await.expect(200);
        }
        let other = match path.rsplit('/').next() {
            Some("ship") => json!({"carrier": "UzPost"}),
            Some("returned-to-sender") => json!({"restock": true}),
            _ => anything,
        };
        let path = path.replace("{id}", &vendor_order).replace("{number}", "1");
        call(&side.vendor.client, path, json!({}), other)
    }

    async fn of_returns(
        &self,
        path: &str,
        side: &Side,
        call: &impl Fn(&Client, String, Value, Value) -> Prepared,
    ) -> Prepared {
        let lines = |quantity: u32| json!([{"variant_id": side.bowl.variant, "quantity": quantity}]);
        let cart = self.shop.guest().await.takes(&[(&side.bowl, 3)]).await;
        let own = path.starts_with("/v1/me/");
        let cart = if own {
            let claimed = side.buyer.post(&cart.path("/claim"), &json!({})).await.expect(200).clone();
            Guest { cart: text(&claimed["id"]), ..cart }
        } else {
            cart
        };
        let order = cart.checks_out("stripe", &self.fresh("order")).await.expect(201).clone();
        let vendor_order = self.shop.delivers(&side.vendor.client, &order).await;
        let reader = self.shop.anon().with("order-token", text(&order["token"]));
        if path.ends_with("/returns") {
            let asked = |quantity: u32| {
                let mut asked = json!({"lines": lines(quantity), "reason": "damaged"});
                if !path.contains("vendor-orders") {
                    asked["vendor_order_id"] = json!(vendor_order);
                }
                asked
            };
            let client = if own {
                &side.buyer
            } else if path.contains("vendor-orders") {
                &self.operator
            } else {
                &reader
            };
            let id = if path.contains("vendor-orders") { vendor_order.clone() } else { text(&order["id"]) };
            return call(client, path.replace("{id}", &id), asked(1), asked(2));
        }
        let asked = Shop::gives_back(&vendor_order, &side.bowl.variant);
        let keyed = reader.with("idempotency-key", self.fresh("return"));
        keyed.post(&format!("/v1/orders/{}/returns", text(&order["id"])), &asked).await.expect(200);
        let path = path.replace("{id}", &vendor_order).replace("{number}", "1");
        let desk = &side.vendor.client;
        match path.rsplit('/').next() {
            Some("decide") => {
                let decline = |reason: &str| json!({"decision": "decline", "reason": reason});
                call(&self.operator, path, decline("It was worn."), decline("It was washed."))
            }
            Some("decline") => {
                let reason = |text: &str| json!({"reason": text});
                call(desk, path, reason("It was worn."), reason("It was washed."))
            }
            Some("receive") => {
                let approve = format!("/v1/vendor/orders/{vendor_order}/returns/1/approve");
                desk.post(&approve, &json!({})).await.expect(200);
                call(desk, path, json!({}), json!({"restock": true}))
            }
            _ => call(desk, path, Value::Null, json!({"anything": "else"})),
        }
    }

    async fn of_goods(
        &self,
        route: &str,
        side: &Side,
        call: &impl Fn(&Client, String, Value, Value) -> Prepared,
    ) -> Prepared {
        let (desk, anything) = (&side.vendor.client, json!({"anything": "else"}));
        let product = |title: &str| json!({"title": title, "variants": [{"prices": [{"amount": "12.50", "currency": "USD"}], "on_hand": 2}]});
        let path = route.split_once(' ').expect("method and path").1;
        match route {
            "POST /v1/vendor/products" => call(desk, path.to_owned(), product("Plate"), product("Cup")),
            "POST /v1/vendor/media" => {
                let picture = |size: u32| json!({"content_type": "image/png", "size": size});
                call(desk, path.to_owned(), picture(100), picture(101))
            }
            "POST /v1/vendor/imports" => {
                let file = |size: u32| json!({"filename": "goods.csv", "size": size});
                call(desk, path.to_owned(), file(100), file(101))
            }
            "PUT /v1/vendor/import-mapping" => {
                let mapping = |header: &str| json!({"columns": {header: "sku"}});
                call(desk, path.to_owned(), mapping("Kod"), mapping("Artikul"))
            }
            "POST /v1/vendor/exports" => call(desk, path.to_owned(), json!({}), anything),
            _ => {
                let handle = self.fresh("cup");
                let cup = side.vendor.product(&handle).stock(5);
                let cup = if path.ends_with("/unpublish") { cup.publish().await } else { cup.draft().await };
                let path = path.replace("{id}", &cup.id).replace("{variant_id}", &cup.variant);
                if path.ends_with("/stock") {
                    return call(desk, path, json!({"adjust": 3}), json!({"adjust": 4}));
                }
                if route.starts_with("PUT ") {
                    let etag = desk.get(&path).await.header("etag").to_owned();
                    let written = |title: &str| {
                        let known = json!({"id": cup.variant, "prices": [{"amount": "13.00", "currency": "USD"}]});
                        json!({"title": title, "handle": handle, "variants": [known]})
                    };
                    return call(&desk.clone().with("if-match", etag), path, written("Old cup"), written("New cup"));
                }
                call(desk, path, Value::Null, anything)
            }
        }
    }

    async fn of_people(
        &self,
        route: &str,
        side: &Side,
        call: &impl Fn(&Client, String, Value, Value) -> Prepared,
    ) -> Prepared {
        let (owner, anything) = (&side.vendor.client, json!({"anything": "else"}));
        let path = route.split_once(' ').expect("method and path").1.to_owned();
        let next = |of: &Mutex<Vec<(Client, String)>>| of.lock().expect("no panic").pop().expect("one is left");
        match route {
            "PATCH /v1/me" => call(&side.buyer, path, json!({"language": "uz"}), json!({"language": "en"})),
            "PUT /v1/me/addresses" => {
                let book = |count: usize| json!({"items": vec![json!({"address": address()}); count]});
                call(&side.buyer, path, book(1), book(2))
            }
            "POST /v1/vendors" => {
                let shop = |name: &str| json!({"handle": self.fresh("shop"), "name": name, "currency": "USD"});
                call(&side.buyer, path, shop("One"), shop("Two"))
            }
            "PATCH /v1/vendors/me" => call(owner, path, json!({"about": "Good."}), json!({"about": "Better."})),
            "POST /v1/vendors/me/documents" => {
                let paper = |size: u32| json!({"kind": "identity", "filename": "p.pdf", "content_type": "application/pdf", "size": size});
                call(owner, path, paper(100), paper(101))
            }
            "POST /v1/vendors/me/submit" => {
                let applicant = side.applicants.lock().expect("no panic").pop().expect("one is left");
                call(&applicant.client, path, json!({}), anything)
            }
            "POST /v1/vendors/me/invitations" => {
                let contact = format!("{}@people.test", self.fresh("somebody"));
                let role = |role: &str| json!({"contact": contact, "role": role});
                call(owner, path, role("manager"), role("finance"))
            }
            "DELETE /v1/vendors/me/invitations" => {
                let contact = format!("{}@people.test", self.fresh("somebody"));
                let invite = json!({"contact": contact, "role": "manager"});
                owner.post("/v1/vendors/me/invitations", &invite).await.expect(202);
                call(owner, path, json!({"contact": contact}), json!({"contact": "nobody@people.test"}))
            }
            "POST /v1/invitations/accept" | "POST /v1/invitations/decline" => {
                let (person, token) = next(&side.invited);
                call(&person, path, json!({"token": token}), json!({"token": "another"}))
            }
            "POST /v1/operator-invitations/accept" => {
                let (person, token) = next(&side.future_operators);
                call(&person, path, json!({"token": token}), json!({"token": "another"}))
            }
            "PATCH /v1/admin/members/{id}" => {
                let role = |role: &str| json!({"role": role});
                call(&self.operator, path.replace("{id}", &next(&side.operators).1), role("catalog"), role("finance"))
            }
            "DELETE /v1/admin/members/{id}" => {
                call(&self.operator, path.replace("{id}", &next(&side.operators).1), Value::Null, anything)
            }
            "POST /v1/admin/members/invitations" => {
                let contact = format!("{}@people.test", self.fresh("somebody"));
                let role = |role: &str| json!({"contact": contact, "role": role});
                call(&self.operator, path, role("support"), role("catalog"))
            }
            "DELETE /v1/admin/members/invitations" => {
                let contact = format!("{}@people.test", self.fresh("somebody"));
                let invite = json!({"contact": contact, "role": "support"});
                self.operator.post(&path, &invite).await.expect(202);
                call(&self.operator, path, json!({"contact": contact}), json!({"contact": "nobody@people.test"}))
            }
            "POST /v1/vendors/me/terms" => {
                // Without an agreement nothing is written.
                if self.shop.anon().get("/v1/terms").await.expect(200)["agreement"].is_null() {
                    let text = json!({"texts": {"en": "The agreement."}, "grace_days": 365});
                    self.operator.post("/v1/admin/terms/agreement", &text).await.expect(200);
                }
                call(owner, path, json!({"version": 1}), json!({"version": 2}))
            }
            "POST /v1/admin/terms/{text}" => {
                let text = |text: &str| json!({"texts": {"en": text}});
                call(&self.operator, path.replace("{text}", "offer"), text("The offer."), text("Another."))
            }
            "POST /v1/vendors/me/leave" => call(&next(&side.members).0, path, Value::Null, anything),
            "DELETE /v1/vendors/me/members" => {
                let (_, email) = next(&side.members);
                call(owner, path, json!({"email": email}), json!({"email": email, "role": "manager"}))
            }
            "POST /v1/admin/products/{id}/hide" => {
                let cup = side.vendor.product(&self.fresh("cup")).draft().await;
                let reason = |reason: &str| json!({"reason": reason});
                call(&self.operator, path.replace("{id}", &cup.id), reason("Counterfeit."), reason("Dangerous."))
            }
            "POST /v1/admin/products/{id}/show" => {
                let cup = side.vendor.product(&self.fresh("cup")).draft().await;
                call(&self.operator, path.replace("{id}", &cup.id), Value::Null, anything)
            }
            "POST /v1/admin/vendors/{id}/owner" => {
                let contact = |name: &str| json!({"contact": format!("{name}@people.test")});
                call(&self.operator, path.replace("{id}", &side.vendor.id), contact("first"), contact("second"))
            }
            _ if path.starts_with("/v1/admin/settings/") => {
                let setting = path.replace("{area}", "limits").replace("{id}", "unpaid-orders");
                let client = self.operator.clone().with("if-match", "*");
                if path.ends_with("/restore") {
                    for most in [40, 41] {
                        let put = setting.replace("/restore", "");
                        client.put(&put, &json!({"most": most})).await.expect(200);
                    }
                    call(&client, setting, json!({"version": 1}), json!({"version": 2}))
                } else {
                    call(&client, setting, json!({"most": 42}), json!({"most": 43}))
                }
            }
            "DELETE /v1/admin/suppressions" => {
                let (email, other) = (self.fresh("gone"), self.fresh("gone"));
                let of = |name: &str| format!("{name}@guests.test");
                self.shop.mail_bounced(&of(&email)).await;
                call(&self.operator, path, json!({"email": of(&email)}), json!({"email": of(&other)}))
            }
            "POST /v1/admin/rebuilds" => {
                call(&self.operator, path, json!({"what": "listings"}), json!({"what": "availability"}))
            }
            "PUT /v1/admin/categories" => {
                let etag = self.operator.get(&path).await.header("etag").to_owned();
                let tree = |name: &str| json!({"items": [{"handle": "kitchen", "name": name, "children": []}]});
                call(&self.operator.clone().with("if-match", etag), path, tree("Kitchen"), tree("Cookware"))
            }
            "POST /v1/admin/payments/unmatched/{id}/resolve" => {
                let unmatched = self.shop.unmatched_payment(&self.fresh("pi_nobodys")).await;
                let note = |text: &str| json!({"note": text});
                call(&self.operator, path.replace("{id}", &unmatched), note("An invoice."), note("A donation."))
            }
            _ if path.starts_with("/v1/admin/vendors/{id}/") => {
                let vendor = self.decided_on(side, path.rsplit('/').next().expect("a decision")).await;
                let reasoned = path.ends_with("/reject") || path.ends_with("/suspend");
                let (body, other) = if reasoned {
                    (json!({"reason": "Complaints."}), json!({"reason": "Blurred."}))
                } else if path.ends_with("/approve") {
                    (Value::Null, json!({"same_name": true}))
                } else {
                    (Value::Null, anything)
                };
                call(&self.operator, path.replace("{id}", &vendor.id), body, other)
            }
            other => panic!("no call for {other}"),
        }
    }

    /// A vendor in a state that allows this decision of the operator.
    async fn decided_on(&self, side: &Side, decision: &str) -> Vendor {
        let applicant = side.applicants.lock().expect("no panic").pop().expect("one is left");
        applicant.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        if matches!(decision, "suspend" | "reinstate") {
            let path = format!("/v1/admin/vendors/{}", applicant.id);
            self.operator.post(&format!("{path}/approve"), &json!({})).await.expect(200);
            if decision == "reinstate" {
                let reason = json!({"reason": "Complaints."});
                self.operator.post(&format!("{path}/suspend"), &reason).await.expect(200);
            }
        }
        applicant
    }
}
