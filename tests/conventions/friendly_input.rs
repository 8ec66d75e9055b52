//! Input as people and their programs really send it is understood, and what it lacks is named.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Answer, Guest, Shop, address};

/// A shop with a product for 9 dollars, and a buyer who has it in the cart.
async fn shop_and_guest() -> (Shop, Guest) {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").price("9").stock(5).publish().await;
    let guest = shop.guest().await;
    guest.put(&bowl.variant, 1).await.expect(200);
    (shop, guest)
}

async fn deliver_to(guest: &Guest, address: &Value) -> Answer {
    guest.client.post(&guest.path("/shipping-options"), &json!({"address": address})).await
}

/// Checks out with these fields beside those that every checkout has.
async fn check_out(guest: &Guest, fields: &Value) -> Answer {
    let mut body = json!({
        "cart_id": guest.cart, "payment": {"provider": "stripe"},
        "expected_total": guest.seen().await["totals"]["total"],
    });
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    guest.client.clone().with("idempotency-key", &guest.cart).post("/v1/checkout", &body).await
}

#[tokio::test]
async fn an_amount_may_have_fewer_digits_than_its_currency() {
    let (_shop, guest) = shop_and_guest().await;
    deliver_to(&guest, &address()).await.expect(200);
    assert_eq!(guest.seen().await["totals"]["total"]["amount"], "14.00");
    let expected = json!({"email": guest.email, "expected_total": {"amount": "14", "currency": "USD"}});
    assert_eq!(check_out(&guest, &expected).await.expect(201)["totals"]["total"]["amount"], "14.00");
}

#[tokio::test]
async fn a_byte_order_mark_before_the_body_is_skipped() {
    let shop = Shop::open().await;
    let body = b"\xef\xbb\xbf{\"currency\": \"USD\"}".to_vec();
    shop.anon().send(Method::POST, "/v1/carts", Some(body), "application/json").await.expect(201);
}

#[tokio::test]
async fn an_address_may_have_every_field_that_a_country_uses_and_all_are_shown() {
    let (_shop, guest) = shop_and_guest().await;
    let typed = json!({
        "name": " Aziza Karimova ", "phone": "\u{ff0b}998 (71) 200-00-00", "country": "UZ", "region": "Tashkent",
        "district": "Yunusobod", "city": "Tashkent", "line1": "12 Navoi Street", "line2": "", "entrance": "2",
        "floor": "4", "apartment": "17", "postal_code": "100011",
        "landmark": "behind the bakery", "location": {"lat": 41.311_081, "lon": 69.240_562},
        "note": "Ring twice.\nThe dog is friendly.",
    });
    let kept = json!({
        "name": "Aziza Karimova", "phone": "+998712000000", "country": "UZ", "region": "Tashkent",
        "district": "Yunusobod", "city": "Tashkent", "line1": "12 Navoi Street", "entrance": "2",
        "floor": "4", "apartment": "17", "postal_code": "100011",
        "landmark": "behind the bakery", "location": {"lat": 41.311_081, "lon": 69.240_562},
        "note": "Ring twice.\nThe dog is friendly.",
    });
    deliver_to(&guest, &typed).await.expect(200);
    assert_eq!(guest.seen().await["address"], kept);
    let placed = check_out(&guest, &json!({"email": guest.email})).await;
    assert_eq!(placed.expect(201)["address"], kept);
}

#[tokio::test]
async fn an_address_says_which_field_is_missing_and_an_empty_one_is_missing() {
    let (_shop, guest) = shop_and_guest().await;
    for field in ["name", "country", "region", "district", "line1", "phone"] {
        for value in [None, Some(""), Some("  ")] {
            let mut incomplete = address();
            match value {
                Some(value) => incomplete[field] = json!(value),
                None => drop(incomplete.as_object_mut().expect("an object").remove(field)),
            }
            let refused = deliver_to(&guest, &incomplete).await;
            let problem = refused.expect_problem(400, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], format!("/address/{field}"), "{value:?}");
        }
    }
}

#[tokio::test]
async fn a_contact_is_kept_and_shown_to_whoever_serves_the_order() {
    let (shop, guest) = shop_and_guest().await;
    deliver_to(&guest, &address()).await.expect(200);
    let contact = json!({"email": guest.email, "phone": "+998 90 123-45-67"});
    let kept = json!({"email": guest.email, "phone": "+998901234567"});
    let placed = check_out(&guest, &json!({"contact": contact})).await;
    let order = placed.expect(201);
    assert_eq!((&order["contact"], &order["email"]), (&kept, &json!(guest.email)));
    let id = order["id"].as_str().expect("an id");
    let seen = shop.operator().await.get(&format!("/v1/admin/orders/{id}")).await;
    assert_eq!(seen.expect(200)["contact"], kept);
}

#[tokio::test]
async fn a_phone_needs_its_country_and_without_contact_there_is_no_order() {
    let (_shop, guest) = shop_and_guest().await;
    deliver_to(&guest, &address()).await.expect(200);
    for (fields, pointer, code) in [
        (json!({"contact": {"phone": "901234567"}}), "/contact/phone", "country_missing"),
        (json!({"contact": {"phone": "998901234567", "email": ""}}), "/contact/phone", "country_missing"),
        (json!({"contact": {}}), "/contact", "missing"),
        (json!({}), "/contact", "missing"),
        (json!({"email": ""}), "/contact", "missing"),
        (json!({"email": "a@guests.test", "contact": {"email": "b@guests.test"}}), "/email", "mismatch"),
    ] {
        let refused = check_out(&guest, &fields).await;
        let error = &refused.expect_problem(400, "invalid")["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{fields}");
    }
    check_out(&guest, &json!({"email": guest.email, "contact": {"email": guest.email}})).await.expect(201);
}

#[tokio::test]
async fn a_field_of_a_form_that_was_left_empty_asks_for_nothing() {
    let (shop, guest) = shop_and_guest().await;
    let query = "currency=USD&category=&vendor=&min_price=&max_price=&sort=&limit=";
    let listed = shop.anon().get(&format!("/v1/products?{query}")).await;
    assert_eq!(listed.expect(200)["items"].as_array().map(Vec::len), Some(1));
    shop.anon().get("/v1/products?surprise").await.expect_problem(400, "invalid");
    // A client that goes on from no cursor would begin again for ever.
    shop.anon().get("/v1/products?cursor=").await.expect_problem(400, "invalid_cursor");
    deliver_to(&guest, &address()).await.expect(200);
    let payment = json!({"provider": "stripe", "return_url": ""});
    check_out(&guest, &json!({"email": guest.email, "payment": payment})).await.expect(201);
}
