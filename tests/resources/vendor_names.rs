//! Names of shops: those of the marketplace, and those of other shops.

use serde_json::{Value, json};

use crate::shop::invariants::{items, put_item};
use crate::shop::{Shop, Vendor};

/// An application with this name that waits for the operator.
async fn submitted(shop: &Shop, handle: &str, name: &str) -> Vendor {
    let vendor = shop.applicant(handle).await;
    vendor.client.patch("/v1/vendors/me", &json!({"name": name})).await.expect(200);
    vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    vendor
}

#[tokio::test]
async fn the_names_of_the_marketplace_are_reserved_however_they_are_written() {
    let shop = Shop::open().await;
    let person = shop.buyer("aziza").await;
    for name in ["Bozor", "b o z o r", "\u{412}OZOR", "Support"] {
        let asked = json!({"handle": "a-shop", "name": name, "currency": "USD"});
        let refused = person.post("/v1/vendors", &asked).await;
        let problem = refused.expect_problem(400, "invalid");
        assert_eq!(
            (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
            (&json!("/name"), &json!("reserved"))
        );
    }
    for handle in ["me", "admin", "checkout"] {
        let asked = json!({"handle": handle, "name": "A shop", "currency": "USD"});
        let refused = person.post("/v1/vendors", &asked).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/handle", "{handle}");
    }
    let vendor = shop.applicant("ceramics").await;
    let renamed = vendor.client.patch("/v1/vendors/me", &json!({"name": "BOZOR"})).await;
    assert_eq!(renamed.expect_problem(400, "invalid")["errors"][0]["pointer"], "/name");
}

#[tokio::test]
async fn nobody_sells_under_the_name_that_the_marketplace_was_given() {
    let mut options = local::Options::for_tests();
    options.parameters.push(("ShopName", "Silk Road"));
    let shop = Shop::with(options).await;
    let person = shop.buyer("aziza").await;
    for name in ["Silk Road", "SILK ROAD", "Silk Road Support"] {
        let asked = json!({"handle": "a-shop", "name": name, "currency": "USD"});
        let refused = person.post("/v1/vendors", &asked).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["code"], "reserved", "{name}");
    }
    let asked = json!({"handle": "a-shop", "name": "Silk Road Ceramics", "currency": "USD"});
    person.post("/v1/vendors", &asked).await.expect(201);
}

#[tokio::test]
async fn a_shop_with_the_name_of_another_is_approved_only_when_the_operator_says_so() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    let approve = async |vendor: &Vendor, body: &Value| {
        operator.post(&format!("/v1/admin/vendors/{}/approve", vendor.id), body).await
    };
    let first = submitted(&shop, "silk", "Silk Comet").await;
    // Somebody else's application of the same name asks nobody: neither of them sells.
    let draft = submitted(&shop, "silk-draft", "Silk Comet").await;
    assert_eq!(approve(&first, &json!({})).await.expect(200)["same_name"], json!([]));

    // С, о, е are Cyrillic.
    let second = submitted(&shop, "silk-too", "SILK  \u{421}\u{43e}m\u{435}t").await;
    let waiting = operator.get("/v1/admin/vendors").await.expect(200)["items"].clone();
    let seen =
        waiting.as_array().expect("a list").iter().find(|one| one["id"] == second.id.as_str()).expect("it waits");
    assert_eq!(seen["same_name"], json!([first.id]));
    for vendor in [&second, &draft] {
        approve(vendor, &json!({})).await.expect_problem(409, "already_exists");
        approve(vendor, &json!({"same_name": false})).await.expect_problem(409, "already_exists");
    }
    assert_eq!(approve(&second, &json!({"same_name": true})).await.expect(200)["state"], "approved");

    let other = submitted(&shop, "silk-road", "Silk Road").await;
    approve(&other, &json!({})).await.expect(200);
}

#[tokio::test]
async fn a_name_that_was_given_up_asks_nobody_any_more() {
    let shop = Shop::open().await;
    let first = shop.applicant("silk").await;
    for name in ["Silk Comet", "Silk Star"] {
        first.client.patch("/v1/vendors/me", &json!({"name": name})).await.expect(200);
    }
    first.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    let operator = shop.operator().await;
    operator.post(&format!("/v1/admin/vendors/{}/approve", first.id), &json!({})).await.expect(200);
    let second = submitted(&shop, "silk-too", "Silk Comet").await;
    operator.post(&format!("/v1/admin/vendors/{}/approve", second.id), &json!({})).await.expect(200);
}

/// A handle item as releases before 2026-12-03 wrote it when a vendor was opened.
async fn held_by(shop: &Shop, handle: &str, vendor: &Vendor) {
    let item = json!({
        "pk": {"S": format!("HANDLE#vendor#{handle}")}, "sk": {"S": "HANDLE"}, "kind": {"S": "handle"},
        "version": {"N": "1"}, "data": {"S": "{}"}, "owner": {"S": vendor.id},
    });
    put_item(shop, "CatalogTable", &item).await;
}

/// One of them takes the handle from the other while that one is approved with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_vendors_who_are_approved_with_one_handle_at_once_do_not_both_get_it() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    for round in 0..5 {
        let handle = format!("silk-{round}");
        let first = submitted(&shop, &format!("first-{round}"), &format!("First {round}")).await;
        let second = submitted(&shop, &format!("second-{round}"), &format!("Second {round}")).await;
        for vendor in [&first, &second] {
            operator
                .post(&format!("/v1/admin/vendors/{}/reject", vendor.id), &json!({"reason": "Another handle."}))
                .await
                .expect(200);
            vendor.client.patch("/v1/vendors/me", &json!({"handle": handle})).await.expect(200);
            vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        }
        held_by(&shop, &handle, &first).await;
        let approve = async |vendor: &Vendor| {
            operator.post(&format!("/v1/admin/vendors/{}/approve", vendor.id), &json!({})).await
        };
        let (one, other) = tokio::join!(approve(&first), approve(&second));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", one.text, other.text);
        let refused = if one.status == 409 { &one } else { &other };
        refused.expect_problem(409, "handle_taken");
    }
}

#[tokio::test]
async fn a_handle_is_not_taken_from_who_was_approved_with_it_since_it_was_looked_at() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    let silk = submitted(&shop, "silk", "Silk").await;
    held_by(&shop, "silk", &silk).await;
    operator.post(&format!("/v1/admin/vendors/{}/approve", silk.id), &json!({})).await.expect(200);
    let items = items(&shop, "CatalogTable").await;
    let held = items.iter().find(|item| item["owner"]["S"] == silk.id.as_str()).expect("a handle");
    assert_eq!(held["version"]["N"], "2", "an approval writes the item, by which others see that it is not free");
}
