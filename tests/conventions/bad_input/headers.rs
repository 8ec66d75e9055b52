//! Cases with a missing, malformed or wrong header.

use super::cases::{Case, Expected};
use super::row::{Row, Who};
use super::world::World;
use super::{is_required, parameters};

/// The headers that a route may read, besides `Authorization`.
const HEADERS: [&str; 4] = ["Idempotency-Key", "If-Match", "Order-Token", "Vendor-Id"];

/// The headers that the document lists, and those that the route reads: it refuses a malformed value of these.
pub(super) async fn documented_and_read(world: &World, row: &Row) -> (Vec<String>, Vec<String>) {
    let mut read = Vec::new();
    for name in HEADERS {
        // What is read later is spoiled as well, so that a route that ignores the header changes nothing.
        let case = Case::of(row, name, malformed(&name.to_lowercase()));
        let case = case.header("idempotency-key", Some("é")).header(&name.to_lowercase(), Some("é"));
        let case = if row.body.is_some() { case.body("{") } else { case };
        if case.mismatch(world, row.who).await.is_none() {
            read.push(name.to_owned());
        }
    }
    let mut documented = parameters(row.route, "header");
    // Whatever it says, it refuses nothing.
    documented.retain(|name| name != "If-None-Match");
    documented.sort();
    (documented, read)
}

fn malformed(name: &str) -> Expected {
    Expected::Problem(400, "malformed", Some(name.to_owned()))
}

pub(super) fn of(row: &Row) -> Vec<Case> {
    let documented = parameters(row.route, "header");
    let needs = |name: &str| documented.iter().any(|one| one == name);
    let mut cases = Vec::new();
    let mut push = |name: &str, value: Option<&str>, expected: Expected| {
        let short: String = value.unwrap_or("(none)").chars().take(40).collect();
        cases.push(Case::of(row, format!("{name}: {short}"), expected).header(name, value));
    };
    if needs("Idempotency-Key") {
        if is_required(row.route, "Idempotency-Key") {
            push("idempotency-key", None, Expected::Problem(400, "idempotency_key_missing", None));
        }
        for bad in ["", " ", "two words", "clé", "\u{1f511}", &"k".repeat(256)] {
            push("idempotency-key", Some(bad), malformed("idempotency-key"));
        }
    }
    if needs("If-Match") {
        if is_required(row.route, "If-Match") {
            push("if-match", None, Expected::Problem(428, "if_match_missing", None));
        }
        for bad in ["1", "nonsense", "\"1", "\"1\", 2", "W/1", "é", ""] {
            push("if-match", Some(bad), malformed("if-match"));
        }
        for stale in ["\"99999\"", "W/\"1\"", "\"\"", "\"-1\"", "\"nonsense\"", "\"99999999999999999999999\""] {
            push("if-match", Some(stale), Expected::Problem(412, "version_mismatch", None));
        }
    }
    if needs("Order-Token") {
        push("order-token", None, Expected::Problem(404, "not_found", None));
        for bad in ["", "nonsense", &row.strangers_token, &"x".repeat(4_000)] {
            push("order-token", Some(bad), Expected::Problem(404, "not_found", None));
        }
        push("order-token", Some("é"), malformed("order-token"));
    }
    if needs("Vendor-Id") {
        for bad in ["", "nonsense", "ord_00000000000000000000000001", "ven_1", "é", &"v".repeat(4_000)] {
            push("vendor-id", Some(bad), malformed("vendor-id"));
        }
        push("vendor-id", Some("ven_00000000000000000000000000"), Expected::Problem(403, "forbidden", None));
    }
    if row.who != Who::Anyone {
        push("authorization", None, Expected::Gateway(401, "Unauthorized"));
        for bad in ["", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer a.b.c", "Bearer é"] {
            push("authorization", Some(bad), Expected::Gateway(401, "Unauthorized"));
        }
    }
    cases
}
