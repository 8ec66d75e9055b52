//! Orders of releases that stored their persons in the clear are sealed by a rebuild, and stay the orders that they
//! were.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{FIRST, RestoredShop, UNSEALED, all};
use crate::shop::invariants::items;

impl RestoredShop {
    /// Every order as the operator sees it, without its version, which a rebuild increments.
    async fn all_seen(&self) -> BTreeMap<String, Value> {
        let mut seen = BTreeMap::new();
        for fate in self.release.names_with("order_") {
            let path = format!("/v1/admin/orders/{}", self.release.named(&fate));
            let mut order = self.operator.get(&path).await.expect(200).clone();
            order.as_object_mut().expect("an order").remove("version");
            seen.insert(fate, order);
        }
        seen
    }

    /// Seals all orders, and returns how many were examined, rewritten and left as they are.
    async fn seal(&self) -> [u64; 3] {
        let begun = self.operator.post("/v1/admin/rebuilds", &json!({"what": "orders"})).await;
        begun.expect(202);
        self.shop.wait_until_idle().await;
        let rebuilt = self.operator.get(begun.header("location")).await.expect(200).clone();
        assert_eq!(rebuilt["state"], "completed", "{rebuilt}");
        ["examined", "rewritten", "unreadable"].map(|name| rebuilt[name].as_u64().expect("a number"))
    }

    /// What stands in the table Orders, but for stored responses, which expire after two days.
    async fn texts(&self) -> Vec<String> {
        let stored = items(&self.shop, "OrdersTable").await;
        stored.into_iter().filter(|item| item["kind"]["S"] != "idempotency").map(|item| item.to_string()).collect()
    }
}

/// What tells who placed the orders.
fn told(orders: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let of_order = |order: &Value| {
        let parts =
            [&order["email"], &order["contact"]["phone"], &order["address"]["name"], &order["address"]["line1"]];
        parts.into_iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    orders.values().flat_map(of_order).collect()
}

#[tokio::test]
async fn orders_of_each_release_are_sealed_once_and_stay_what_they_are() {
    for release in [FIRST, "2026-11-30", UNSEALED] {
        let restored = RestoredShop::of(release).await;
        // One of them is moved by a function that seals nobody.
        let refunded = restored.order("backordered").to_owned();
        restored.operator.post(&format!("/v1/admin/orders/{refunded}/cancel"), &json!({})).await.expect(200);
        restored.shop.wait_until_idle().await;
        let before = restored.all_seen().await;
        let persons = told(&before);
        assert!(persons.len() >= 3, "{release}: {persons:?}");
        let texts = restored.texts().await;
        for person in &persons {
            assert!(texts.iter().any(|text| text.contains(person.as_str())), "{release}: {person}");
        }
        let address = before.values().find_map(|order| order["email"].as_str()).expect("an address").to_owned();
        let listed = all(&restored.operator, &format!("/v1/admin/orders?email={address}")).await;
        assert!(!listed.is_empty());

        let heads = items(&restored.shop, "OrdersTable").await;
        let orders = heads.iter().filter(|item| item["kind"]["S"] == "order").count().try_into().expect("a count");
        // One that was sealed is met once more, in its new place.
        let [examined, rewritten, unreadable] = restored.seal().await;
        assert!(examined >= orders, "{release}: {examined}");
        assert_eq!((rewritten, unreadable), (orders, 0), "{release}");
        assert_eq!(restored.all_seen().await, before, "{release}");
        assert_eq!(all(&restored.operator, &format!("/v1/admin/orders?email={address}")).await, listed);
        for text in restored.texts().await {
            for person in &persons {
                assert!(!text.contains(person.as_str()), "{release}: {person} in {text}");
            }
        }
        assert_eq!(restored.seal().await[1..], [0, 0], "{release}: a second round has nothing to do");

        // What counts as unpaid does so once, in a set that names nobody.
        let sets = items(&restored.shop, "OrdersTable").await;
        let id = restored.order("awaiting");
        let counting =
            sets.iter().filter(|item| item["kind"]["S"] == "unpaid" && item["unpaid"].to_string().contains(id));
        assert_eq!(counting.count(), 1, "{release}");
    }
}
