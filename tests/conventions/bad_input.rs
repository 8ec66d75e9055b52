//! Invalid requests: every route answers them with the exact problem, and changes nothing.
//!
//! Each route has a row with a valid request. The invalid ones are derived from it and from the route's entry in the
//! OpenAPI document: one thing is spoiled at a time, and the problem has to name exactly that.

mod account_rows;
mod cases;
mod headers;
mod operator_rows;
mod queries;
mod row;
mod rows;
mod webhooks;
mod world;

use std::collections::BTreeSet;

use local::contract;
use reqwest::Method;
use serde_json::{Value, json};

use self::cases::Case;
use self::row::{Row, Who};
use self::world::World;

/// The entry of a route in the OpenAPI document.
fn described(route: &str) -> Value {
    let document: Value = serde_json::from_str(contract::COMMITTED).expect("the document is JSON");
    let (method, path) = route.split_once(' ').expect("method and path");
    document["paths"][path][method.to_lowercase()].clone()
}

/// The names of a route's parameters in this location: `path`, `query` or `header`.
fn parameters(route: &str, location: &str) -> Vec<String> {
    let operation = described(route);
    let all = operation["parameters"].as_array().cloned().unwrap_or_default();
    let here = all.iter().filter(|one| one["in"] == location);
    here.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

/// Whether the document declares a parameter of a route as required.
fn is_required(route: &str, name: &str) -> bool {
    let operation = described(route);
    let all = operation["parameters"].as_array().cloned().unwrap_or_default();
    all.iter().any(|one| one["name"] == name && one["required"] == true)
}

/// Sends every case of a row. Returns how many there were, and each unexpected response.
async fn sweep(world: &World, row: &Row) -> (usize, Vec<String>) {
    let cases: Vec<Case> = [cases::of_bodies(row), cases::of_paths(row), queries::of(row), headers::of(row)].concat();
    let before = world.snapshot().await;
    let mut wrong = Vec::new();
    for case in &cases {
        if let Some(mismatch) = case.mismatch(world, row.who).await {
            wrong.push(format!("{}: {mismatch}", row.route));
        }
    }
    if !wrong.iter().any(|mismatch| mismatch.contains("changed")) && world.snapshot().await != before {
        wrong.push(format!("{}: a refused request changed something", row.route));
    }
    (cases.len(), wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_names_what_is_wrong_and_changes_nothing() {
    let world = World::open().await;
    let rows = rows::all(&world).await;
    let known: BTreeSet<&str> = rows.iter().map(|row| row.route).collect();
    let routes: Vec<String> =
        contract::operations().into_iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let missing: Vec<&String> = routes.iter().filter(|route| !known.contains(route.as_str())).collect();
    assert!(
        missing.is_empty(),
        "say in tests/conventions/bad_input/rows.rs or those beside it how these are called: {missing:#?}"
    );

    let (mut sent, mut wrong) = (0, Vec::new());
    for row in &rows {
        assert!(routes.iter().any(|route| route == row.route), "{} is no route", row.route);
        let (count, mismatches) = sweep(&world, row).await;
        sent += count;
        wrong.extend(mismatches);
    }
    assert!(wrong.is_empty(), "{} of {sent}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(sent > 1_000, "only {sent} requests: the table has lost its rows");
}

#[tokio::test]
async fn the_document_lists_every_header_that_a_route_reads() {
    let world = World::open().await;
    let mut wrong = Vec::new();
    for row in rows::all(&world).await {
        let (documented, read) = headers::documented_and_read(&world, &row).await;
        if documented != read {
            wrong.push(format!("{}: the document lists {documented:?}, and the route reads {read:?}", row.route));
        }
    }
    assert!(wrong.is_empty(), "name them in `params(...)` of the handlers:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_forged_cursor_is_refused() {
    let world = World::open().await;
    let mut wrong = Vec::new();
    for row in rows::all(&world).await {
        let Some((own, _)) = &row.cursors else { continue };
        let (client, path) = (world.client(row.who), row.path());
        let joined = if path.contains('?') { '&' } else { '?' };
        for cursor in queries::forged_cursors(own) {
            let answer = client.get(&format!("{path}{joined}cursor={cursor}")).await;
            if answer.status != 400 || answer.json["code"] != "invalid_cursor" {
                wrong.push(format!("{}: {} {}", row.route, answer.status, answer.json["code"]));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "forged cursors:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_unknown_route_is_404_and_a_known_path_with_another_method_405() {
    let world = World::open().await;
    let anon = world.client(Who::Anyone);
    for (method, path) in [
        (Method::GET, "/v1"),
        (Method::GET, "/v1/nothing"),
        (Method::GET, "/v1/products/"),
        (Method::GET, "//v1/products"),
    ] {
        anon.send(method, path, None, "").await.expect_problem(404, "not_found");
    }
    for (method, path, allowed) in [
        (Method::DELETE, "/v1/products", "GET, HEAD"),
        (Method::PATCH, "/v1/carts", "POST"),
        // Routes of pages with `{lang}` match these.
        (Method::GET, "/v1/checkout", "POST"),
        (Method::DELETE, "/v1/orders/x", "GET, HEAD"),
        (Method::GET, "/v1/orders/x/cancel", "POST"),
        (Method::PUT, world.guest.path("").as_str(), "DELETE, GET, HEAD"),
        (Method::POST, "/v1/vendors/me", "GET, HEAD, PATCH"),
    ] {
        let answer = anon.send(method, path, None, "").await;
        answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed, "{path}");
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let world = World::open().await;
    let anon = world.client(Who::Anyone);
    for path in ["/v1/products", "/v1/categories", "/v1/health", "/v1/states", "/v1/openapi.json"] {
        let (get, head) = (anon.get(path).await, anon.send(Method::HEAD, path, None, "").await);
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        for name in ["etag", "content-type", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    let missing = anon.send(Method::HEAD, "/v1/products/nothing", None, "").await;
    assert_eq!((missing.status, missing.text.as_str()), (404, ""));
}

#[tokio::test]
async fn an_encoded_path_reaches_no_other_route() {
    let world = World::open().await;
    let back_to_the_vendor_order =
        format!("/v1/vendor/products/x%2F%2E%2E%2F..%2Forders%2F{}%23/publish", world.vendor_order);
    for (who, method, path) in [
        // On this route the gateway checks no access token; on the other one it does.
        (Who::Anyone, Method::GET, "/v1/orders/%2e%2e%2fme%2forders"),
        (Who::Anyone, Method::GET, "/v1/products/%2e%2e%2fcategories"),
        (Who::Anyone, Method::GET, "/v1/products/%5C..%5C..%5Ccategories"),
        (Who::Owner, Method::GET, "/v1/vendor/products/%2e%2e%2forders"),
        // The other route has another method.
        (Who::Owner, Method::POST, &back_to_the_vendor_order),
    ] {
        world.client(who).send(method, path, None, "").await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_body_beyond_the_gateways_own_limit_never_reaches_a_function() {
    let world = World::open().await;
    let huge = vec![b' '; cloud::gateway::MAX_REQUEST_SIZE + 1];
    let answer = world.client(Who::Anyone).send(Method::POST, "/v1/carts", Some(huge), "application/json").await;
    assert_eq!(answer.expect(413), &json!({"message": "Request Entity Too Large"}));
}
