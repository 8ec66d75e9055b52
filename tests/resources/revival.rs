//! Money that comes for an order that has ended: what was cancelled stays so, and what goes on is bought once.

use serde_json::json;

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, count, text};
use crate::shop::{Guest, Shop};

/// A guest with a bowl in the cart, ordered and not paid in time; the cart is open again.
async fn expired() -> (Sale, Guest) {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let sale = Sale { id: text(&order["id"]), email: guest.email.clone(), reader, shop, bowl };
    sale.expires().await;
    (sale, guest)
}

#[tokio::test]
async fn money_for_an_order_that_its_buyer_cancelled_goes_back_and_revives_nothing() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    sale.reader.post(&format!("/v1/orders/{}/cancel", sale.id), &json!({})).await.expect(200);
    sale.post_payment_succeeded(&reference, 1_750).await.expect(200);
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], &seen["refunds"][0]["reason"]), (&json!("cancelled"), &json!("late")));
    assert_eq!(sale.stock().await, (5, 0, 5));
    sale.shop.wait_until_idle().await;
    assert!(!sale.mail().iter().any(|subject| subject.contains("is paid")), "{:?}", sale.mail());
}

#[tokio::test]
async fn an_order_that_is_revived_takes_its_lines_out_of_the_cart() {
    let (sale, guest) = expired().await;
    assert_eq!(guest.seen().await["groups"][0]["lines"][0]["quantity"], 1);
    sale.act("succeed_late").await;
    assert_eq!(sale.seen().await["state"], "paid");
    let cart = guest.seen().await;
    assert_eq!(cart["order_id"], json!(sale.id), "the cart is the order again");
    guest.checks_out("stripe", "twice").await.expect_problem(409, "cart_ordered");
}

#[tokio::test]
async fn what_was_put_into_the_cart_beside_it_stays_there() {
    let (sale, guest) = expired().await;
    let guest = guest.takes(&[(&sale.bowl, 3)]).await;
    sale.act("succeed_late").await;
    assert_eq!(sale.seen().await["state"], "paid");
    let cart = guest.seen().await;
    assert_eq!((&cart["groups"][0]["lines"][0]["quantity"], cart["order_id"].is_null()), (&json!(2), true), "{cart}");
}

#[tokio::test]
async fn money_for_an_order_whose_cart_was_ordered_again_goes_back() {
    let (sale, guest) = expired().await;
    guest.address().await.expect(200);
    let again = guest.checks_out("stripe", "again").await.expect(201).clone();
    sale.shop.stripe(&text(&again["id"]), "succeed").await;
    sale.act("succeed_late").await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], &seen["refunds"][0]["state"]), (&json!("expired"), &json!("succeeded")));
    assert_eq!(count(&seen, "reopened"), 0);
    assert_eq!(sale.stock().await, (5, 1, 4));
}
