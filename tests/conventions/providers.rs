//! A payment provider is there as a whole: in the code, in the template, in the sandbox, in its tests, and for a buyer.

use std::collections::BTreeMap;
use std::fs;

use domain::payment::ProviderName;
use local::TEMPLATE;
use serde_json::json;

use super::house::root;
use crate::shop::Shop;

/// The tests that speak of each provider that sends webhooks: recorded payloads, forged webhooks, settlement, faults.
const TESTS: [&str; 4] = [
    "tests/conventions/bad_input/webhooks.rs",
    "tests/resources/payment_webhooks.rs",
    "tests/resources/settlement.rs",
    "tests/properties/faults/cases.rs",
];

/// Providers that collect money online, by their names on the wire.
fn online() -> impl Iterator<Item = &'static str> {
    ProviderName::ALL.into_iter().filter(|name| !name.is_on_delivery()).map(ProviderName::as_str)
}

#[test]
fn a_provider_has_its_files_its_secret_and_its_tests() {
    let mut missing = Vec::new();
    let mut counts = BTreeMap::new();
    for name in ProviderName::ALL.map(ProviderName::as_str) {
        let file = format!("shared/payments/src/{name}.rs");
        if !root().join(&file).is_file() {
            missing.push(file);
        }
    }
    for name in online() {
        for path in [format!("shared/payments/src/{name}/tests.rs"), format!("infra/sandboxes/src/{name}")] {
            if !root().join(&path).exists() {
                missing.push(path);
            }
        }
        for test in TESTS {
            if !fs::read_to_string(root().join(test)).expect("a test").contains(name) {
                missing.push(format!("{test} says nothing of {name}"));
            }
        }
        let variable = format!("{}_SECRET_ARN:", name.to_uppercase());
        counts.insert(name, TEMPLATE.root.matches(&variable).count());
    }
    assert!(missing.is_empty(), "a provider lacks: {missing:#?}");
    let functions = counts.values().copied().max().unwrap_or_default();
    assert!(functions > 0, "no function of template.yaml gets a provider's secret: {counts:?}");
    for (name, count) in counts {
        assert_eq!(count, functions, "template.yaml gives the secret of {name} to {count} of {functions} functions");
    }
}

#[tokio::test]
async fn every_provider_is_offered_takes_an_order_and_refuses_a_forged_webhook() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    for name in ProviderName::ALL {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        let offered = guest.client.get(&guest.path("/payment-methods")).await;
        let methods = offered.expect(200)["items"].as_array().expect("methods").clone();
        assert!(methods.iter().any(|method| method["provider"] == name.as_str()), "{} is not offered", name.as_str());
        let placed = guest.checks_out(name.as_str(), "key").await;
        let order = placed.expect(201);
        let state = if name.is_on_delivery() { "confirmed" } else { "awaiting_payment" };
        assert_eq!(order["state"], state, "{}", name.as_str());
        let has_to_pay = order["payment"]["action"]["type"] != "none";
        assert_eq!(has_to_pay, !name.is_on_delivery(), "{}: {}", name.as_str(), order["payment"]);
        let forged = shop.anon().post(&format!("/v1/webhooks/{}", name.as_str()), &json!({"paid": true})).await;
        let status = if name.is_on_delivery() { 404 } else { 400 };
        assert_eq!(forged.status, status, "{}: {}", name.as_str(), forged.text);
    }
}
