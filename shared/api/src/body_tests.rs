use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::routing::{get as on_get, post as on_post};
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::sample::{Answer, answer_of, get, post, routed};
use crate::{Limit, router};

#[derive(Debug, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    quantity: u32,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
struct Basket {
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    #[serde(default)]
    limit: Limit,
    max_price: Option<u32>,
}

async fn fill(body: Json<Basket>) -> Json<Basket> {
    body
}

async fn search(Query(search): Query<Search>) -> Json<(u16, Option<u32>)> {
    Json((search.limit.page(None).limit, search.max_price))
}

async fn order(Path(id): Path<domain::OrderId>) -> Json<domain::OrderId> {
    Json(id)
}

async fn large(RawBody(bytes): RawBody) -> Json<usize> {
    Json(bytes.len())
}

fn shop() -> Router {
    let routes = Router::new()
        .route("/baskets", on_post(fill))
        .route("/search", on_get(search))
        .route("/orders/{id}", on_get(order))
        .route("/large", on_post(large).layer(DefaultBodyLimit::max(1024 * 1024)));
    router(routes, ())
}

async fn sent(body: &str) -> Answer {
    answer_of(shop(), post("/baskets", body.to_owned())).await
}

/// The parts of a refusal that clients rely on: status, code, pointer and code of the first field error.
fn refusal_of(answer: &Answer) -> (u16, &str, &str, &str) {
    let text = |pointer: &str| answer.json.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default();
    (answer.status, text("/code"), text("/errors/0/pointer"), text("/errors/0/code"))
}

#[tokio::test]
async fn a_good_body_is_read_and_an_answer_is_json() {
    let answer = sent(r#"{"lines":[{"quantity":2}]}"#).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json, json!({"lines": [{"quantity": 2, "note": null}]}));
}

#[tokio::test]
async fn a_byte_order_mark_before_a_body_is_skipped() {
    assert_eq!(sent("\u{feff}{\"lines\":[{\"quantity\":2}]}").await.status, 200);
}

#[tokio::test]
async fn broken_json_is_malformed_and_says_where() {
    let answer = sent("{\"lines\":\n [}").await;
    assert_eq!(refusal_of(&answer), (400, "malformed", "", ""));
    assert!(answer.json["detail"].as_str().unwrap().contains("line 2, column 3"), "{}", answer.text);
    for broken in ["", "{", "{\"lines\":[]} x", "\u{feff}", "{\"lines\":[]}\u{feff}", "\u{feff}\u{feff}{}"] {
        assert_eq!(refusal_of(&sent(broken).await), (400, "malformed", "", ""), "{broken}");
    }
}

#[test]
fn a_body_that_is_too_deep_is_malformed() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(parse_json::<serde_json::Value>(deep.as_bytes()).unwrap_err().code(), Code::Malformed);
}

#[tokio::test]
async fn wrong_content_is_invalid_and_points_at_the_place() {
    for (body, pointer, fault) in [
        (r#"{"lines":[{"quantity":1},{"quantity":"2"}]}"#, "/lines/1/quantity", "wrong_type"),
        (r#"{"lines":[{"quantity":-1}]}"#, "/lines/0/quantity", "invalid_value"),
        (r#"{"lines":[{"quantity":99999999999}]}"#, "/lines/0/quantity", "invalid_value"),
        (r#"{"lines":[{"quantity":1.5}]}"#, "/lines/0/quantity", "wrong_type"),
        (r#"{"lines":[{"note":"x"}]}"#, "/lines/0/quantity", "missing"),
        (r#"{"lines":[{"quantity":1,"a/b":1}]}"#, "/lines/0/a~1b", "unknown_field"),
        (r#"{"lines":[],"lines":[]}"#, "/lines", "duplicate_field"),
        (r#"{}"#, "/lines", "missing"),
        (r#"7"#, "", "wrong_type"),
    ] {
        assert_eq!(refusal_of(&sent(body).await), (400, "invalid", pointer, fault), "{body}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_repeat_a_megabyte() {
    let answer = sent(&format!(r#"{{"lines":"{}"}}"#, "x".repeat(100_000))).await;
    assert_eq!(refusal_of(&answer), (400, "invalid", "/lines", "wrong_type"));
    assert!(answer.text.len() < 1_000);
}

#[tokio::test]
async fn only_json_is_taken_as_json() {
    for (content_type, status) in [
        (Some("application/json"), 200),
        (Some("Application/JSON; charset=utf-8"), 200),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (None, 415),
    ] {
        let mut request = post("/baskets", r#"{"lines":[]}"#);
        match content_type {
            Some(named) => request.headers_mut().insert("content-type", named.parse().unwrap()),
            None => request.headers_mut().remove("content-type"),
        };
        assert_eq!(answer_of(shop(), request).await.status, status, "{content_type:?}");
    }
}

#[tokio::test]
async fn a_body_has_a_limit_and_some_routes_a_larger_one() {
    let body = " ".repeat(300 * 1024);
    let answer = answer_of(shop(), post("/baskets", body.clone())).await;
    assert_eq!(refusal_of(&answer), (413, "too_large", "", ""));
    assert_eq!(answer_of(shop(), post("/large", body)).await.text, "307200");
    assert_eq!(answer_of(shop(), post("/large", " ".repeat(1024 * 1024 + 1))).await.status, 413);
}

#[tokio::test]
async fn a_query_is_read_strictly() {
    assert_eq!(answer_of(shop(), get("/search")).await.json, json!([20, null]));
    assert_eq!(answer_of(shop(), get("/search?limit=100&max_price=5")).await.json, json!([100, 5]));
    for (query, name, fault) in [
        ("limit=0", "limit", "invalid_value"),
        ("limit=101", "limit", "invalid_value"),
        ("limit=ten", "limit", "invalid_value"),
        ("max_price=-1", "max_price", "invalid"),
        ("colour=red", "colour", "unknown_field"),
        ("limit=1&limit=2", "limit", "duplicate_field"),
    ] {
        let answer = answer_of(shop(), get(&format!("/search?{query}"))).await;
        assert_eq!(refusal_of(&answer), (400, "invalid", name, fault), "{query}");
    }
}

const ORDER: &str = "GET /orders/{id}";

#[tokio::test]
async fn an_id_that_is_none_names_nothing() {
    let id = domain::OrderId::from_bits(4);
    assert_eq!(answer_of(shop(), routed(Method::GET, &format!("/orders/{id}"), ORDER)).await.json, json!(id));
    let answer = answer_of(shop(), routed(Method::GET, "/orders/prd_1", ORDER)).await;
    assert_eq!(refusal_of(&answer), (404, "not_found", "", ""));
}
