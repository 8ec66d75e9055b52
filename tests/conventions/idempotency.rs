//! Idempotency keys: a request with a key is executed once, however often it is repeated.

mod calls;
mod side;

use std::collections::BTreeMap;

use cloud::faults::{Fault, Kind};
use futures_util::future::join_all;
use local::contract;
use reqwest::Method;
use serde_json::{Value, json};

use self::calls::{Prepared, World};
use crate::shop::invariants::items;
use crate::shop::{Answer, Client, Guest, Shop};

/// Unsafe operations that ignore an `Idempotency-Key`, and why.
const IGNORING: [(&str, &str); 25] = [
    ("POST /v1/auth/code", "nobody is signed in; asking again sends the same code"),
    ("POST /v1/auth/code/sign-in", "nobody is signed in, and a code works once"),
    ("DELETE /v1/me/mfa", "a code works once"),
    ("DELETE /v1/me/sessions/{id}", "a session ends once"),
    ("POST /v1/auth/challenge", "nobody is signed in yet, and a code works once"),
    ("POST /v1/auth/confirm", "nobody is signed in, and a code works once"),
    ("POST /v1/auth/forgot-password", "nobody is signed in; asking again sends the code again"),
    ("POST /v1/auth/refresh", "nobody is signed in; another session does no harm"),
    ("POST /v1/auth/resend", "nobody is signed in; asking again sends the code again"),
    ("POST /v1/auth/reset-password", "nobody is signed in, and a code works once"),
    ("POST /v1/auth/sign-in", "nobody is signed in; another session does no harm"),
    ("POST /v1/auth/sign-out", "signing out at Cognito is idempotent"),
    ("POST /v1/auth/sign-up", "nobody is signed in, and an address has one account"),
    ("POST /v1/carts", "there is no cart yet, and another empty one does no harm"),
    ("POST /v1/me/contact", "asking again sends the code again"),
    ("POST /v1/me/contact/confirm", "a code works once"),
    ("POST /v1/me/mfa", "another secret does no harm before its first code"),
    ("POST /v1/me/mfa/confirm", "a code works once"),
    ("POST /v1/me/mfa/recovery-codes", "a code works once"),
    ("POST /v1/me/password", "the password of before does not match any more"),
    ("POST /v1/me/orders/{id}/settle", "it reads the payment from the provider, and repeating that does no harm"),
    ("POST /v1/orders/{id}/confirm", "an order is confirmed once, and repeating that does no harm"),
    ("POST /v1/orders/{id}/confirm/resend", "asking again mails another code, a minute later and at most twice"),
    ("POST /v1/orders/{id}/settle", "it reads the payment from the provider, and repeating that does no harm"),
    ("POST /v1/webhooks/{provider}", "the provider's events have ids of their own"),
];

/// Every unsafe operation of the document, with whether it declares the header.
fn unsafe_operations() -> BTreeMap<String, bool> {
    let document: Value = serde_json::from_str(contract::COMMITTED).expect("a document");
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in ["post", "put", "patch", "delete"] {
            let Some(operation) = item.get(method) else { continue };
            let declared = operation["parameters"].as_array().is_some_and(|parameters| {
                parameters.iter().any(|one| one["name"] == "Idempotency-Key" && one["in"] == "header")
            });
            found.insert(format!("{} {path}", method.to_uppercase()), declared);
        }
    }
    found
}

#[test]
fn every_unsafe_operation_takes_a_key_or_has_a_reason_not_to() {
    for (route, declared) in unsafe_operations() {
        let ignoring = IGNORING.iter().find(|(known, _)| *known == route);
        assert!(declared != ignoring.is_some(), "{route}: declared {declared}, ignoring {ignoring:?}");
    }
    let routes = unsafe_operations();
    let orphans: Vec<_> = IGNORING.iter().filter(|(route, _)| !routes.contains_key(*route)).collect();
    assert!(orphans.is_empty(), "no operations: {orphans:?}");
}

async fn sent(call: &Prepared, body: &Value, key: &str) -> Answer {
    let client = call.client.clone().with("idempotency-key", key);
    let bytes = (!body.is_null()).then(|| body.to_string().into_bytes());
    let content_type = if body.is_null() { "" } else { "application/json" };
    client.send(call.method.clone(), &call.path, bytes, content_type).await
}

/// All stored items, read past the roles, apart from rate limits: a replay counts as a request.
async fn everything(shop: &Shop) -> Vec<String> {
    let mut found = Vec::new();
    for table in ["CatalogTable", "StockTable", "CartsTable", "OrdersTable", "AccountsTable"] {
        let items = items(shop, table).await;
        let counted = items.iter().filter(|item| item["kind"]["S"] != "attempts");
        found.extend(counted.map(|item| format!("{table} {item}")));
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_key_replays_the_response_and_changes_nothing() {
    let world = World::open().await;
    let mut wrong = Vec::new();
    let routes = unsafe_operations().into_iter().filter(|(_, declared)| *declared).map(|(route, _)| route);
    // With an offer in force every checkout has to accept it.
    let (last, first): (Vec<String>, Vec<String>) = routes.partition(|route| route.starts_with("POST /v1/admin/terms"));
    for route in first.into_iter().chain(last) {
        if let Err(mismatch) = check_replay(&world, &route).await {
            wrong.push(format!("{route}: {mismatch}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Loses the response to the write of a route's first request, and repeats the request.
async fn check_replay(world: &World, route: &str) -> Result<(), String> {
    let call = world.call(route, 0).await;
    let faults = &world.shop.cloud.services().faults;
    faults.clear();
    faults.add(Fault { route: Some(route.to_owned()), ..Fault::nth("dynamodb", "TransactWriteItems", 1, Kind::After) });
    let first = sent(&call, &call.body, "key-1").await;
    if faults.triggered().len() != 1 || !(200..300).contains(&first.status) || !first.header(REPLAYED).is_empty() {
        return Err(format!("first {} {} after {:?}", first.status, first.text, faults.triggered()));
    }
    let before = everything(&world.shop).await;

    let again = sent(&call, &call.body, "key-1").await;
    if (again.status, &again.text, again.header(REPLAYED)) != (first.status, &first.text, "true") {
        return Err(format!("again {} {} instead of {} {}", again.status, again.text, first.status, first.text));
    }
    for header in ["location", "etag"] {
        if first.header(header) != again.header(header) {
            return Err(format!("another {header}: {} and {}", first.header(header), again.header(header)));
        }
    }
    let other = sent(&call, &call.other, "key-1").await;
    if (other.status, other.json["code"].as_str()) != (409, Some("idempotency_key_reused")) {
        return Err(format!("another body {} {}", other.status, other.text));
    }
    let after = everything(&world.shop).await;
    if before != after {
        let new: Vec<_> = after.iter().filter(|item| !before.contains(item)).collect();
        return Err(format!("something was written: {new:#?}"));
    }
    // There is only one operator, so no second caller with the same key.
    if !route.contains("/admin/") {
        let stranger = world.call(route, 1).await;
        let answer = sent(&stranger, &stranger.body, "key-1").await;
        if !(200..300).contains(&answer.status) || !answer.header(REPLAYED).is_empty() {
            return Err(format!("another caller's key {} {}", answer.status, answer.text));
        }
    }
    Ok(())
}

const REPLAYED: &str = "idempotent-replayed";

#[tokio::test]
async fn a_refusal_is_not_stored() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let path = format!("/v1/vendor/products/{}/variants/{}/stock", bowl.id, bowl.variant);
    let desk = bowl.vendor.client.clone().with("idempotency-key", "less");
    desk.put(&path, &json!({"adjust": -7})).await.expect_problem(409, "out_of_stock");
    bowl.vendor.client.put(&path, &json!({"adjust": 3})).await.expect(200);
    let done = desk.put(&path, &json!({"adjust": -7})).await;
    assert_eq!((done.expect(200)["variants"][0]["available"].as_i64(), done.header(REPLAYED)), (Some(1), ""));
    assert_eq!(desk.put(&path, &json!({"adjust": -7})).await.header(REPLAYED), "true");
    assert_eq!(bowl.stock().await, (1, 0, 1));
}

/// A guest who put two bowls into their cart with the key `line`, and the path of that line.
async fn keyed_line() -> (Shop, Guest, String) {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await;
    let path = guest.path(&format!("/items/{}", bowl.variant));
    let keyed = guest.client.clone().with("idempotency-key", "line");
    keyed.put(&path, &json!({"quantity": 2})).await.expect(200);
    (shop, guest, path)
}

#[tokio::test]
async fn an_idempotency_key_is_kept_for_one_day_and_forgotten_after_two() {
    let (shop, guest, path) = keyed_line().await;
    let keyed = guest.client.clone().with("idempotency-key", "line");
    shop.advance(std::time::Duration::from_secs(25 * 3600)).await;
    assert_eq!(keyed.put(&path, &json!({"quantity": 2})).await.header(REPLAYED), "true");
    shop.advance(std::time::Duration::from_secs(24 * 3600)).await;
    let anew = keyed.put(&path, &json!({"quantity": 3})).await;
    assert_eq!((anew.expect(200)["version"].as_u64(), anew.header(REPLAYED)), (Some(3), ""));
}

#[tokio::test]
async fn a_removed_member_gets_no_replay() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let worker = shop.buyer("worker").await;
    shop.member(&vendor.client, "worker@people.test", "manager").await;
    let media = json!({"content_type": "image/png", "size": 100});
    let keyed = worker.clone().with("idempotency-key", "picture");
    keyed.post("/v1/vendor/media", &media).await.expect(201);
    let gone = json!({"email": "worker@people.test"});
    vendor.client.json(Method::DELETE, "/v1/vendors/me/members", &gone).await.expect(204);
    keyed.post("/v1/vendor/media", &media).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn the_old_id_of_a_claimed_cart_gets_no_replay() {
    let (shop, guest, path) = keyed_line().await;
    let keyed = guest.client.clone().with("idempotency-key", "line");
    shop.buyer("aziza").await.post(&guest.path("/claim"), &json!({})).await.expect(200);
    keyed.put(&path, &json!({"quantity": 2})).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_replay_renews_an_expired_upload_url() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let csv = "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\nred-bowl,Red bowl,R,3,9.50\n";
    let cases = [
        ("/v1/vendor/media", json!({"content_type": "image/png", "size": csv.len()})),
        ("/v1/vendor/imports", json!({"filename": "goods.csv", "size": csv.len()})),
        (
            "/v1/vendors/me/documents",
            json!({"kind": "identity", "filename": "p.pdf", "content_type": "application/pdf", "size": csv.len()}),
        ),
    ];
    let desk = vendor.client.clone().with("idempotency-key", "once");
    let mut first = Vec::new();
    for (path, body) in &cases {
        first.push(desk.post(path, body).await.expect_success().clone());
    }
    shop.advance(std::time::Duration::from_secs(660)).await;
    let signed_in = async || shop.sign_in("ceramics@people.test").await.with("idempotency-key", "once");
    let desk = signed_in().await;
    for ((path, body), first) in cases.iter().zip(first) {
        assert_eq!(shop.anon().upload(&first["upload"], csv.as_bytes()).await.status, 403, "{path}");
        let again = desk.post(path, body).await;
        assert_eq!(again.header(REPLAYED), "true");
        let mut renewed = again.expect_success().clone();
        shop.anon().upload(&renewed["upload"], csv.as_bytes()).await.expect(200);
        renewed["upload"] = first["upload"].clone();
        assert_eq!(renewed, first, "nothing else changed");
    }
    shop.wait_until_idle().await;
    // A job that has its file gets no new upload URL.
    let again = desk.post(cases[1].0, &cases[1].1).await;
    shop.advance(std::time::Duration::from_secs(660)).await;
    let desk = signed_in().await;
    assert_eq!(desk.post(cases[1].0, &cases[1].1).await.expect(202)["upload"], again.expect(202)["upload"]);
    let job = desk.get(again.header("location")).await.expect(200).clone();
    assert_eq!((&job["state"], &job["products"]), (&json!("completed"), &json!(1)));
}

#[tokio::test]
async fn a_replay_finishes_what_the_first_request_left_undone() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let faults = &shop.cloud.services().faults;
    let broken = |service: &str, operation: &str, route: &str| {
        faults.add(Fault {
            every: true,
            route: Some(route.to_owned()),
            ..Fault::nth(service, operation, 1, Kind::Before)
        });
    };
    let desk = vendor.client.clone().with("idempotency-key", "once");

    // The product is created, but its initial stock is not written.
    let bowl = json!({
        "handle": "bowl", "title": "Bowl",
        "variants": [{"prices": [{"amount": "12.50", "currency": "USD"}], "on_hand": 4}],
    });
    for nth in 2..=4 {
        let stock = Fault::nth("dynamodb", "TransactWriteItems", nth, Kind::Before);
        faults.add(Fault { route: Some("POST /v1/vendor/products".to_owned()), ..stock });
    }
    desk.post("/v1/vendor/products", &bowl).await.expect_problem(503, "unavailable");
    faults.clear();
    let made = desk.post("/v1/vendor/products", &bowl).await;
    assert_eq!((made.expect(201)["variants"][0]["on_hand"].as_i64(), made.header(REPLAYED)), (Some(4), "true"));
    let path = format!("/v1/vendor/products/{}", made.json["id"].as_str().expect("an id"));
    assert_eq!(vendor.client.get(&path).await.expect(200)["variants"][0]["available"], 4);

    // The import is created, but its file is not stored.
    let csv = "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\nred-bowl,Red bowl,R,3,9.50\n";
    let import = async || desk.send(Method::POST, "/v1/vendor/imports", Some(csv.into()), "text/csv").await;
    broken("s3", "PutObject", "POST /v1/vendor/imports");
    import().await.expect_problem(503, "unavailable");
    faults.clear();
    let asked = import().await;
    assert_eq!((asked.status, asked.header(REPLAYED)), (202, "true"), "{}", asked.text);
    shop.wait_until_idle().await;
    let job = vendor.client.get(asked.header("location")).await.expect(200).clone();
    assert_eq!((&job["state"], &job["products"]), (&json!("completed"), &json!(1)));

    // The export is created, but its message is not sent.
    broken("sqs", "SendMessage", "POST /v1/vendor/exports");
    desk.post("/v1/vendor/exports", &json!({})).await.expect_problem(503, "unavailable");
    faults.clear();
    let asked = desk.post("/v1/vendor/exports", &json!({})).await;
    assert_eq!((asked.status, asked.header(REPLAYED)), (202, "true"), "{}", asked.text);
    shop.wait_until_idle().await;
    assert_eq!(vendor.client.get(asked.header("location")).await.expect(200)["state"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_used_many_times_at_once_orders_once() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let total = guest.seen().await["totals"]["total"].clone();
    let call = || guest.checks_out_for("stripe", "once", &total);
    let answers = join_all((0..8).map(|_| call())).await;
    assert!(answers.iter().any(|answer| answer.status == 201));
    let mut orders: Vec<String> = Vec::new();
    for answer in &answers {
        if answer.status == 201 {
            orders.push(answer.json["id"].as_str().unwrap().to_owned());
        } else {
            // A request during the first one is not held: it is answered at once, with when to retry.
            answer.expect_problem(409, "idempotency_in_progress");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
        }
    }
    let last = call().await;
    assert_eq!(last.header(REPLAYED), "true");
    orders.push(last.expect(201)["id"].as_str().unwrap().to_owned());
    orders.dedup();
    assert_eq!((orders.len(), bowl.stock().await), (1, (9, 2, 7)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_used_many_times_at_once_changes_stock_once() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).shards(4).publish().await;
    let path = format!("/v1/vendor/products/{}/variants/{}/stock", bowl.id, bowl.variant);
    let desk = bowl.vendor.client.clone().with("idempotency-key", "came");
    let change = json!({"adjust": 5});
    let answers = join_all((0..8).map(|_| desk.put(&path, &change))).await;
    for answer in &answers {
        assert_eq!(answer.expect(200), answers[0].expect(200));
    }
    assert_eq!(answers.iter().filter(|answer| answer.header(REPLAYED).is_empty()).count(), 1);
    assert_eq!(bowl.stock().await, (14, 0, 14));
}

#[tokio::test]
async fn a_checkout_whose_function_crashed_can_be_retried_after_30_seconds() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let total = guest.seen().await["totals"]["total"].clone();
    let call = async || guest.checks_out_for("stripe", "once", &total).await;
    let dies = Fault::nth("dynamodb", "TransactWriteItems", 1, Kind::CrashAfter);
    shop.cloud.services().faults.add(Fault { route: Some("POST /v1/checkout".to_owned()), ..dies });
    assert!(call().await.status >= 500);
    let waits = call().await;
    waits.expect_problem(409, "idempotency_in_progress");
    assert!(waits.header("retry-after").parse::<u64>().unwrap() > 0);
    shop.advance(std::time::Duration::from_secs(31)).await;
    let order = call().await;
    assert_eq!(order.expect(201)["payment"]["action"]["type"], "client_secret");
    assert_eq!(call().await.expect(201)["id"], order.json["id"]);
    assert_eq!(bowl.stock().await, (9, 2, 7));
}

/// The round trips to DynamoDB that the last call of a route took.
fn round_trips(shop: &Shop, route: &str) -> u64 {
    shop.cloud.services().usage.snapshot()[route].last.round_trips
}

#[tokio::test]
async fn a_cart_is_changed_in_three_round_trips_with_a_key_and_without() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await;
    let route = "PUT /v1/carts/{id}/items/{variant_id}";
    let path = guest.path(&format!("/items/{}", bowl.variant));
    let keyed = |key: &str| -> Client { guest.client.clone().with("idempotency-key", key) };
    for (client, quantity) in [(guest.client.clone(), 1), (keyed("one"), 2), (keyed("two"), 3)] {
        client.put(&path, &json!({"quantity": quantity})).await.expect(200);
        assert!(round_trips(&shop, route) <= 3, "{}", round_trips(&shop, route));
    }
    let known = keyed("one").put(&path, &json!({"quantity": 2})).await;
    assert_eq!((known.header(REPLAYED), known.status), ("true", 200));
    assert!(known.text.contains(r#""quantity":3"#), "{}", known.text);
    assert!(round_trips(&shop, route) <= 5, "the refused write finds the key used, and the cart is read as it stands");
}
