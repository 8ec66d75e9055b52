//! Every route that costs something is limited: by the list of its function, by counters of its own, or it stands here
//! with the reason why not. A new route fails until it is in one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use local::contract;
use serde_json::Value;

/// Routes with counters of their own, under these names in the keys of the counts.
const OWN: [(&str, &[&str]); 27] = [
    ("POST /v1/auth/code", &["code-request", "mail"]),
    ("POST /v1/auth/code/sign-in", &["code"]),
    ("POST /v1/auth/confirm", &["confirm"]),
    ("POST /v1/auth/forgot-password", &["code-request", "mail"]),
    ("POST /v1/auth/resend", &["code-request", "mail"]),
    ("POST /v1/auth/reset-password", &["reset"]),
    ("POST /v1/auth/sign-in", &["sign-in"]),
    ("POST /v1/auth/sign-up", &["code-request", "mail"]),
    ("POST /v1/checkout", &["checkout"]),
    ("POST /v1/invitations/accept", &["invitation-answer"]),
    ("POST /v1/invitations/decline", &["invitation-answer"]),
    ("POST /v1/operator-invitations/accept", &["invitation-answer"]),
    ("POST /v1/me/contact", &["code-request", "mail"]),
    ("POST /v1/me/contact/confirm", &["contact"]),
    ("POST /v1/me/mfa/confirm", &["mfa"]),
    ("POST /v1/me/mfa/recovery-codes", &["mfa"]),
    ("POST /v1/me/orders/{id}/settle", &["settle"]),
    ("POST /v1/me/password", &["sign-in"]),
    ("GET /v1/orders/{id}", &["order-token"]),
    ("POST /v1/orders/{id}/confirm", &["confirm"]),
    ("POST /v1/orders/{id}/payments", &["payment"]),
    ("POST /v1/orders/{id}/settle", &["settle"]),
    ("POST /v1/vendor/exports", &["export"]),
    ("POST /v1/vendor/imports", &["import"]),
    ("POST /v1/vendor/media", &["upload", "upload-size"]),
    ("POST /v1/vendors/me/invitations", &["invitation"]),
    ("POST /v1/admin/vendors/{id}/owner", &["invitation"]),
];

/// Routes that are not limited by us, by the reason.
const UNLIMITED: [(&str, &[&str]); 7] = [
    (
        "public and made to be cached; the gateway throttles it",
        &[
            "GET /v1/categories",
            "GET /v1/terms",
            "GET /v1/health",
            "GET /v1/openapi.json",
            "GET /v1/products",
            "GET /v1/products/{handle}",
            "GET /v1/states",
            "GET /v1/vendors/{handle}",
        ],
    ),
    (
        "read by whoever has the cart's id, at one or two reads; the gateway throttles it, and a write for each would \
         cost more",
        &["GET /v1/carts/{id}", "GET /v1/carts/{id}/payment-methods"],
    ),
    (
        "changes one cart, whose id only its owner has and whose making is counted; the gateway throttles it",
        &[
            "DELETE /v1/carts/{id}",
            "DELETE /v1/carts/{id}/items/{variant_id}",
            "POST /v1/carts/{id}/claim",
            "POST /v1/carts/{id}/shipping-options",
            "PUT /v1/carts/{id}/items/{variant_id}",
            "PUT /v1/carts/{id}/shipping",
        ],
    ),
    (
        "read by who is signed in; the gateway throttles it, and a write for each would cost more",
        &[
            "GET /v1/admin/categories",
            "GET /v1/admin/disputes",
            "GET /v1/admin/orders",
            "GET /v1/admin/orders/{id}",
            "GET /v1/admin/payments",
            "GET /v1/admin/payments/unmatched",
            "GET /v1/admin/rebuilds/{id}",
            "GET /v1/admin/refunds",
            "GET /v1/admin/refunds/failed",
            "GET /v1/admin/settings/{area}",
            "GET /v1/admin/settings/{area}/{id}",
            "GET /v1/admin/settings/{area}/{id}/history",
            "GET /v1/admin/settlements",
            "GET /v1/admin/summary",
            "GET /v1/admin/suppressions",
            "GET /v1/admin/vendor-orders/late",
            "GET /v1/admin/vendors",
            "GET /v1/admin/vendors/{id}",
            "GET /v1/admin/vendors/{id}/imports",
            // What it answers 429 for is the user pool's own limit.
            "GET /v1/me",
            "GET /v1/me/addresses",
            "GET /v1/me/orders",
            "GET /v1/me/orders/{id}",
            "GET /v1/me/sessions",
            "GET /v1/vendor/exports",
            "GET /v1/vendor/exports/{id}",
            "GET /v1/vendor/import-mapping",
            "GET /v1/vendor/imports",
            "GET /v1/vendor/imports/{id}",
            "GET /v1/vendor/media/{id}",
            "GET /v1/vendor/orders",
            "GET /v1/vendor/orders/{id}",
            "GET /v1/vendor/products",
            "GET /v1/vendor/products/{id}",
            "GET /v1/vendor/settlements",
            "GET /v1/vendor/summary",
            "GET /v1/vendors/me",
            "GET /v1/vendors/me/invitations",
            "GET /v1/vendors/me/members",
            "GET /v1/admin/members",
            "GET /v1/admin/members/invitations",
            "GET /v1/admin/papers/expired",
            "GET /v1/admin/terms/{text}",
        ],
    ),
    (
        "a step of an order or a return: it is made once, and there are as many as orders",
        &[
            "POST /v1/vendor/orders/{id}/accept",
            "POST /v1/vendor/orders/{id}/decline",
            "POST /v1/vendor/orders/{id}/deliver",
            "POST /v1/vendor/orders/{id}/parcels/{number}/deliver",
            "POST /v1/vendor/orders/{id}/parcels/{number}/lost",
            "POST /v1/vendor/orders/{id}/parcels/{number}/returned-to-sender",
            "POST /v1/vendor/orders/{id}/refunds",
            "POST /v1/vendor/orders/{id}/refuse",
            "POST /v1/vendor/orders/{id}/returns/{number}/approve",
            "POST /v1/vendor/orders/{id}/returns/{number}/decline",
            "POST /v1/vendor/orders/{id}/returns/{number}/receive",
            "POST /v1/vendor/orders/{id}/ship",
        ],
    ),
    ("takes back what was counted when it was made", &["DELETE /v1/vendors/me/invitations"]),
    (
        "the signature of the provider is checked before anything is read or written; a limit would lose payments",
        &["POST /v1/webhooks/{provider}"],
    ),
];

#[test]
fn every_route_is_limited_or_stands_here_with_the_reason() {
    let limits = contract::limits();
    let own: BTreeMap<&str, &[&str]> = OWN.into_iter().collect();
    let unlimited: BTreeSet<&str> = UNLIMITED.iter().flat_map(|(_, routes)| *routes).copied().collect();
    let mut wrong = Vec::new();
    for (route, (list, may_refuse)) in &limits {
        let (is_own, is_unlimited) = (own.contains_key(route.as_str()), unlimited.contains(route.as_str()));
        if is_unlimited && (is_own || list.is_some()) {
            wrong.push(format!("{route} is limited, and stands here as one that is not"));
        } else if !is_unlimited && !is_own && list.is_none() {
            wrong.push(format!("{route} is limited by nothing: put it into its function's list, or say here why not"));
        } else if !is_unlimited && !may_refuse {
            wrong.push(format!("{route} does not declare TooManyRequests"));
        }
    }
    let known: BTreeSet<&str> = limits.keys().map(String::as_str).collect();
    wrong.extend(
        own.keys().chain(&unlimited).filter(|route| !known.contains(*route)).map(|route| format!("{route} is gone")),
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_limited_route_says_that_it_answers_when_to_try_again() {
    let document: Value = serde_json::from_str(contract::COMMITTED).expect("a document");
    let own: BTreeSet<&str> = OWN.iter().map(|(route, _)| *route).collect();
    let missing: Vec<String> = contract::limits()
        .into_iter()
        .filter(|(route, (list, _))| list.is_some() || own.contains(route.as_str()))
        .map(|(route, _)| route)
        .filter(|route| {
            let (method, path) = route.split_once(' ').expect("method and path");
            let answer = &document["paths"][path][method.to_lowercase()]["responses"]["429"];
            let answer = match answer["$ref"].as_str() {
                Some(named) => document.pointer(named.trim_start_matches('#')).expect("a response"),
                None => answer,
            };
            answer["headers"]["Retry-After"].is_null()
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// All sources of what counts.
fn sources() -> String {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project");
    let mut all = String::new();
    for folder in ["shared/shop/src", "shared/desk/src"] {
        for file in fs::read_dir(project.join(folder)).expect("a folder") {
            let path = file.expect("a file").path();
            if path.is_file() {
                all.push_str(&fs::read_to_string(path).expect("a source"));
            }
        }
    }
    all
}

#[test]
fn what_is_counted_apart_is_counted_in_a_use_case() {
    let sources = sources();
    for (route, names) in OWN {
        for name in names {
            let counts = [
                format!("count(\"{name}\""),
                format!("count_one(\"{name}\""),
                format!("count_units(\"{name}\""),
                format!("count_guess(\"{name}\""),
                format!("count_entry(\"{name}\""),
            ];
            assert!(counts.iter().any(|count| sources.contains(count)), "{route}: nobody counts {name}");
        }
    }
}
