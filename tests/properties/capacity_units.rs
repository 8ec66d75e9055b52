//! Read and write units of an order in DynamoDB, from checkout to paid: the figures that the README prints.

use std::fs;
use std::path::Path;

use cloud::usage::{Cost, Units};

use crate::shop::{Product, Shop};

/// The measured orders: number of lines, and of the vendors that they come from.
const ORDERS: [(usize, usize); 3] = [(1, 1), (3, 3), (40, 15)];

/// The cost of the last request to a route.
fn last(shop: &Shop, route: &str) -> Cost {
    shop.cloud.services().usage.snapshot()[route].last
}

/// The cost of checking out one unit of each of these products, and of the webhook that the order is paid.
async fn bought(shop: &Shop, products: &[Product]) -> (Cost, Cost) {
    let lines: Vec<(&Product, u32)> = products.iter().map(|product| (product, 1)).collect();
    let guest = shop.guest().await.takes(&lines).await;
    shop.wait_until_idle().await;
    let order = guest.checks_out("stripe", "once").await.expect(201)["id"].as_str().expect("an id").to_owned();
    let checkout = last(shop, "POST /v1/checkout");
    shop.wait_until_idle().await;
    shop.stripe(&order, "succeed").await;
    let paid = last(shop, "POST /v1/webhooks/{provider}");
    shop.wait_until_idle().await;
    (checkout, paid)
}

fn decimal(units: Units) -> String {
    let halves = units.in_halves();
    if halves.is_multiple_of(2) { (halves / 2).to_string() } else { format!("{}.5", halves / 2) }
}

fn figures() -> String {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project");
    fs::read_to_string(project.join("infra/figures.md")).expect("the figures")
}

/// The most write units of an order of one line from its checkout to its delivery. It is no fixed number, since what a
/// stream brings together is projected together.
const WHOLE_LIFE: u64 = 156;

/// The write units of all that a shop has done so far, rate limits included.
fn written(shop: &Shop) -> u64 {
    let routes = shop.cloud.services().usage.snapshot();
    let all =
        routes.values().map(|route| route.total.write_units.in_halves() + route.rate_limits.write_units.in_halves());
    all.sum::<u64>() / 2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_life_of_an_order_of_one_line_costs_no_more_than_the_figures_say() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(10).publish().await;
    bought(&shop, std::slice::from_ref(&bowl)).await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    shop.wait_until_idle().await;
    let before = written(&shop);
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    shop.wait_until_idle().await;
    shop.stripe(order["id"].as_str().expect("an id"), "succeed").await;
    shop.wait_until_idle().await;
    let path = format!("/v1/vendor/orders/{}", order["vendors"][0]["id"].as_str().expect("an id"));
    for step in ["accept", "ship", "deliver"] {
        bowl.vendor.client.post(&format!("{path}/{step}"), &serde_json::json!({})).await.expect(200);
        shop.wait_until_idle().await;
    }
    let units = written(&shop) - before;
    assert!(units <= WHOLE_LIFE, "{units}");

    let said = figures().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("takes at most {WHOLE_LIFE} write units")), "say so in infra/figures.md");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_costs_what_the_readme_says_however_many_lines_it_has() {
    let shop = Shop::open().await;
    let mut vendors = Vec::new();
    for number in 0..15 {
        vendors.push(shop.vendor(&format!("vendor-{number:02}")).await);
    }
    let mut products = Vec::new();
    for (number, vendor) in (0..40).zip(vendors.iter().cycle()) {
        products.push(vendor.product(&format!("product-{number:02}")).stock(10).publish().await);
    }
    // Not measured: each instance of a function reads settings and secrets once.
    bought(&shop, &products[..1]).await;

    let mut table = String::new();
    for (lines, vendors) in ORDERS {
        let (checkout, paid) = bought(&shop, &products[..lines]).await;
        assert_eq!((checkout.round_trips, paid.round_trips), (4, 2), "an order of {lines} lines");
        let units = [checkout.read_units, checkout.write_units, paid.read_units, paid.write_units].map(decimal);
        table.push_str(&format!("| {lines} | {vendors} | {} |\n", units.join(" | ")));
    }
    assert!(figures().contains(&table), "say in infra/figures.md what an order costs now:\n{table}");
}
