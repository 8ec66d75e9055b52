//! A sale from the product to the paid order, and its fulfilment.

use local::Options;
use serde_json::json;

use crate::shop::Shop;

#[tokio::test]
async fn a_guest_buys_from_two_vendors_and_both_see_their_vendor_order() {
    buy_from_two_vendors(&Shop::open().await).await;
}

#[tokio::test]
async fn a_vendor_accepts_ships_and_delivers() {
    fulfil_on_delivery(&Shop::open().await).await;
}

#[tokio::test]
async fn a_sale_is_the_same_when_functions_call_the_services_over_sockets() {
    let shop = Shop::with(Options { sdk_over_http: true, ..Options::for_tests() }).await;
    buy_from_two_vendors(&shop).await;
}

/// From two vendors' products to a paid order and its mail.
pub(crate) async fn buy_from_two_vendors(shop: &Shop) {
    let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
    let bowl = ceramics.product("bowl").price("12.50").stock(5).publish().await;
    let scarf = silk.product("scarf").price("30.00").stock(2).publish().await;

    let guest = shop.guest().await.takes(&[(&bowl, 2), (&scarf, 1)]).await;
    let cart = guest.seen().await;
    assert_eq!(cart["totals"]["items"]["amount"], "55.00");
    assert_eq!(cart["totals"]["shipping"]["amount"], "10.00");
    assert_eq!(cart["totals"]["total"]["amount"], "65.00");

    let placed = guest.checks_out("stripe", "once").await;
    let order = placed.expect(201);
    assert_eq!(order["state"], "awaiting_payment");
    assert_eq!(order["payment"]["action"]["type"], "client_secret");
    assert_eq!(order["vendors"].as_array().map(Vec::len), Some(2));
    let (id, token) = (order["id"].as_str().unwrap(), order["token"].as_str().unwrap());
    assert_eq!(placed.header("location"), format!("/v1/orders/{id}"));
    assert_eq!(bowl.stock().await, (5, 2, 3));
    assert!(ceramics.newest_order().await.is_none(), "a vendor sees an order once it is paid");

    shop.stripe(id, "succeed").await;
    shop.wait_until_idle().await;

    let seen = shop.anon().with("order-token", token).get(&format!("/v1/orders/{id}")).await;
    assert_eq!(seen.expect(200)["state"], "paid");
    for (vendor, total) in [(&ceramics, "30.00"), (&silk, "35.00")] {
        let vendor_order = vendor.newest_order().await.expect("the vendor sees the order");
        assert_eq!(vendor_order["state"], "pending");
        assert_eq!(vendor_order["totals"]["total"]["amount"], total);
    }
    assert_eq!(bowl.stock().await, (5, 2, 3), "settlement never touches stock");
    assert!(!shop.mail_to(&guest.email).is_empty(), "the buyer is notified");
    assert!(
        shop.mail_to("ceramics@people.test").iter().any(|subject| subject.contains("order")),
        "the vendor is notified"
    );
}

/// From an order that is paid on delivery to its collected payment.
pub(crate) async fn fulfil_on_delivery(shop: &Shop) {
    let ceramics = shop.vendor("ceramics").await;
    let bowl = ceramics.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    assert_eq!(order["state"], "confirmed");

    let vendor_order = ceramics.newest_order().await.expect("payable on delivery, so the vendor may begin");
    let path = format!("/v1/vendor/orders/{}", vendor_order["id"].as_str().unwrap());
    let step = async |step: &str| {
        let answer = ceramics.client.post(&format!("{path}/{step}"), &json!({})).await;
        answer.expect(200)["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(step("accept").await, "accepted");
    assert_eq!(bowl.stock().await, (5, 2, 3));
    assert_eq!(step("ship").await, "shipped");
    assert_eq!(bowl.stock().await, (3, 0, 3), "shipped units are not on hand any more");
    assert_eq!(step("deliver").await, "delivered");

    let seen = shop.anon().with("order-token", order["token"].as_str().unwrap());
    let seen = seen.get(&format!("/v1/orders/{}", order["id"].as_str().unwrap())).await;
    assert_eq!(seen.expect(200)["state"], "paid", "the carrier has collected the money");
}
