//! Parcels: a vendor order that is shipped in parts, and parcels that do not arrive.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, count, events, text};
use crate::shop::{Answer, Client, Ledger, Product, Shop};

/// A paid order of three bowls for 12.50 USD each and two plates for 8.00 USD each, delivered for 5.00 USD.
struct Parts {
    sale: Sale,
    plate: Product,
    vendor_order: String,
}

impl Parts {
    async fn accepted(provider: &str) -> Self {
        let shop = Shop::open().await;
        let ceramics = shop.vendor("ceramics").await;
        let bowl = ceramics.product("bowl").stock(5).publish().await;
        let plate = ceramics.product("plate").price("8.00").stock(4).publish().await;
        let guest = shop.guest().await.takes(&[(&bowl, 3), (&plate, 2)]).await;
        let order = guest.checks_out(provider, "once").await.expect(201).clone();
        let reader = shop.anon().with("order-token", text(&order["token"]));
        let vendor_order = text(&order["vendors"][0]["id"]);
        let sale = Sale { id: text(&order["id"]), email: guest.email, reader, shop, bowl };
        if provider == "stripe" {
            sale.act("succeed").await;
        }
        let parts = Self { sale, plate, vendor_order };
        parts.posts("accept", &json!({})).await.expect(200);
        parts
    }

    fn vendor(&self) -> &Client {
        &self.sale.bowl.vendor.client
    }

    async fn posts(&self, step: &str, body: &Value) -> Answer {
        self.vendor().post(&format!("/v1/vendor/orders/{}/{step}", self.vendor_order), body).await
    }

    /// Ships so many bowls and plates.
    async fn ships(&self, bowls: u32, plates: u32, number: &str) -> Answer {
        let lines = [(&self.sale.bowl, bowls), (&self.plate, plates)].into_iter().filter(|(_, units)| *units > 0);
        let lines: Vec<Value> = lines.map(|(of, units)| json!({"variant_id": of.variant, "quantity": units})).collect();
        self.posts("ship", &json!({"carrier": "UzPost", "tracking_number": number, "lines": lines})).await
    }

    async fn seen(&self) -> Value {
        self.sale.seen().await
    }

    async fn part(&self) -> Value {
        self.seen().await["vendors"][0].clone()
    }

    async fn stock(&self) -> [(i64, i64, i64); 2] {
        [self.sale.bowl.stock().await, self.plate.stock().await]
    }

    /// Violations of what must hold once nothing is pending. `received`: bowls and plates.
    async fn violations(&self, received: [i64; 2]) -> Vec<String> {
        self.sale.shop.wait_until_idle().await;
        self.sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
        self.sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
        let ledger = Ledger::read(&self.sale.shop).await;
        let variants = [self.sale.bowl.variant.clone(), self.plate.variant.clone()];
        let mut violations = ledger.always(&variants.into_iter().zip(received).collect());
        violations.extend(ledger.at_rest());
        violations
    }

    fn refunds(seen: &Value) -> Vec<(String, String)> {
        let refunds = seen["refunds"].as_array().cloned().unwrap_or_default();
        let mut refunds: Vec<_> =
            refunds.iter().map(|one| (text(&one["amount"]["amount"]), text(&one["reason"]))).collect();
        refunds.sort();
        refunds
    }
}

#[tokio::test]
async fn a_vendor_order_is_shipped_in_parcels_and_delivered_with_the_last_of_them() {
    let parts = Parts::accepted("stripe").await;
    let first = parts.ships(2, 0, "RR 1 UZ").await.expect(200).clone();
    assert_eq!(first["state"], "partially_shipped");
    assert_eq!(parts.stock().await, [(3, 1, 2), (4, 2, 2)], "two bowls have left, and the rest is still reserved");
    // The same parcel again is no other parcel; another box under its number is, and so is one without a name.
    assert_eq!(parts.ships(2, 0, "RR 1 UZ").await.expect(200)["parcels"].as_array().unwrap().len(), 1);
    parts.ships(2, 1, "RR 1 UZ").await.expect_problem(409, "wrong_state");
    let unnamed = json!({"lines": [{"variant_id": parts.plate.variant, "quantity": 1}]});
    parts.posts("ship", &unnamed).await.expect_problem(400, "idempotency_key_missing");
    parts.ships(2, 1, "RR 2 UZ").await.expect_problem(409, "wrong_state");
    parts.posts("parcels/1/deliver", &json!({})).await.expect(200);
    assert_eq!(parts.part().await["state"], "partially_shipped", "the rest is still to be shipped");
    let rest = parts.posts("ship", &json!({"tracking_number": "RR 2 UZ"})).await.expect(200).clone();
    assert_eq!((&rest["state"], &rest["shipment"]["tracking_number"]), (&json!("shipped"), &json!("RR 2 UZ")));
    let units: Vec<Vec<u64>> = rest["parcels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parcel| {
            parcel["lines"].as_array().unwrap().iter().map(|line| line["quantity"].as_u64().unwrap()).collect()
        })
        .collect();
    assert_eq!(units, [vec![2], vec![1, 2]]);
    parts.posts("deliver", &json!({})).await.expect(200);
    let part = parts.part().await;
    let states: Vec<&str> =
        part["parcels"].as_array().unwrap().iter().filter_map(|one| one["state"].as_str()).collect();
    assert_eq!((&part["state"], states), (&json!("delivered"), vec!["delivered", "delivered"]));
    let of_vendor_order = ["partially_shipped", "parcel_delivered", "shipped", "delivered"];
    let seen = parts.seen().await;
    assert_eq!(events(&seen).iter().filter(|event| of_vendor_order.contains(&event.as_str())).count(), 4);
    assert!(parts.violations([5, 4]).await.is_empty());
    // Subjects, newest first: each parcel is mailed with what is in it.
    let mails = parts.sale.messages_to_buyer();
    let about = |word: &str| mails.iter().filter(|mail| mail.contains(word)).cloned().collect::<Vec<_>>();
    let (one, two) = (about("RR 1 UZ"), about("RR 2 UZ"));
    assert_eq!((one.len(), two.len()), (1, 1), "{mails:#?}");
    assert!(one[0].contains("- 2 x bowl") && !one[0].contains("plate") && one[0].contains("another parcel"));
    assert!(two[0].contains("- 1 x bowl\n- 2 x plate") && !two[0].contains("another parcel"), "{}", two[0]);
}

#[tokio::test]
async fn a_lost_parcel_is_refunded_to_the_unit_and_the_rest_goes_on() {
    let parts = Parts::accepted("stripe").await;
    parts.ships(1, 1, "RR 1 UZ").await.expect(200);
    parts.ships(2, 1, "RR 2 UZ").await.expect(200);
    // Twice at once, and again: one refund.
    let nothing = json!({});
    let lose = || parts.posts("parcels/1/lost", &nothing);
    let (first, second) = tokio::join!(lose(), lose());
    first.expect(200);
    second.expect(200);
    parts.posts("parcels/1/lost", &json!({})).await.expect(200);
    parts.posts("parcels/1/deliver", &json!({})).await.expect_problem(409, "wrong_state");
    parts.posts("parcels/3/lost", &json!({})).await.expect_problem(404, "not_found");
    parts.posts("parcels/0/lost", &json!({})).await.expect_problem(404, "not_found");
    let seen = parts.seen().await;
    assert_eq!(Parts::refunds(&seen), [("20.50".to_owned(), "lost".to_owned())]);
    assert_eq!((&seen["state"], count(&seen, "parcel_lost")), (&json!("paid"), 1));
    parts.posts("parcels/2/deliver", &json!({})).await.expect(200);
    assert_eq!(parts.part().await["state"], "delivered", "one at least was delivered");
    assert!(parts.violations([5, 4]).await.is_empty());
    assert_eq!(parts.seen().await["refunds"][0]["state"], "succeeded");
    let lost = parts.sale.mail().into_iter().filter(|subject| subject.contains("was lost")).count();
    assert_eq!(lost, 1, "{:?}", parts.sale.mail());
}

#[tokio::test]
async fn an_order_whose_only_parcel_is_lost_is_refunded_whole_and_completed() {
    let parts = Parts::accepted("stripe").await;
    parts.posts("ship", &json!({})).await.expect(200);
    parts.posts("parcels/1/lost", &json!({})).await.expect(200);
    let seen = parts.seen().await;
    assert_eq!(Parts::refunds(&seen), [("58.50".to_owned(), "lost".to_owned())], "with the delivery");
    assert_eq!((&seen["state"], &seen["vendors"][0]["state"]), (&json!("completed"), &json!("lost")));
    assert!(parts.violations([5, 4]).await.is_empty());
    assert_eq!(parts.stock().await, [(2, 0, 2), (2, 0, 2)], "what is lost is not in stock");
}

#[tokio::test]
async fn a_parcel_that_comes_back_is_refunded_and_in_stock_again_if_the_vendor_says_so() {
    let parts = Parts::accepted("stripe").await;
    parts.ships(2, 0, "RR 1 UZ").await.expect(200);
    parts.posts("ship", &json!({})).await.expect(200);
    let restocked = json!({"restock": true});
    parts.posts("parcels/1/returned-to-sender", &restocked).await.expect(200);
    parts.posts("parcels/1/returned-to-sender", &restocked).await.expect(200);
    assert_eq!(parts.stock().await, [(4, 0, 4), (2, 0, 2)], "two bowls are back, once");
    // A mail names what was decided at its time.
    parts.sale.shop.cloud.clock().advance(Duration::from_secs(1));
    parts.posts("parcels/2/returned-to-sender", &json!({})).await.expect(200);
    assert_eq!(parts.stock().await, [(4, 0, 4), (2, 0, 2)], "nobody said that the rest can be sold again");
    for _ in 0..2 {
        parts.posts("parcels/2/returned-to-sender", &restocked).await.expect(200);
        assert_eq!(parts.stock().await, [(5, 0, 5), (4, 0, 4)], "said later, and once");
    }
    let seen = parts.seen().await;
    let reason = || "returned_to_sender".to_owned();
    assert_eq!(Parts::refunds(&seen), [("25.00".to_owned(), reason()), ("33.50".to_owned(), reason())]);
    assert_eq!(seen["vendors"][0]["state"], "returned_to_sender");
    assert!(parts.violations([8, 6]).await.is_empty());
    let mails = parts.sale.messages_to_buyer();
    let told = |sum: &str| mails.iter().filter(|mail| mail.contains(&format!("We are sending ${sum} back"))).count();
    assert_eq!((told("25.00"), told("33.50")), (1, 1), "each mail names its own refund: {mails:#?}");
}

#[tokio::test]
async fn what_came_back_of_a_deleted_product_is_refunded_and_not_in_stock() {
    let parts = Parts::accepted("stripe").await;
    parts.posts("ship", &json!({})).await.expect(200);
    let path = format!("/v1/vendor/products/{}", parts.plate.id);
    parts.vendor().send(reqwest::Method::DELETE, &path, None, "application/json").await.expect(204);
    let path = "parcels/1/returned-to-sender";
    parts.posts(path, &json!({"restock": true})).await.expect_problem(409, "wrong_state");
    parts.posts(path, &json!({})).await.expect(200);
    assert_eq!(Parts::refunds(&parts.seen().await)[0].0, "58.50");
}

#[tokio::test]
async fn a_vendor_cancels_the_rest_and_what_was_shipped_goes_on() {
    let parts = Parts::accepted("stripe").await;
    parts.ships(1, 2, "RR 1 UZ").await.expect(200);
    parts.posts("decline", &json!({})).await.expect(200);
    parts.posts("decline", &json!({})).await.expect(200);
    let seen = parts.seen().await;
    assert_eq!(Parts::refunds(&seen), [("25.00".to_owned(), "declined".to_owned())], "two bowls, once");
    let line = &seen["vendors"][0]["lines"][0];
    assert_eq!((&line["shipped"], &line["cancelled"], &line["refunded"]), (&json!(1), &json!(2), &json!(2)));
    assert_eq!((&seen["state"], &seen["vendors"][0]["state"]), (&json!("paid"), &json!("shipped")));
    assert_eq!(parts.stock().await, [(4, 0, 4), (2, 0, 2)]);
    parts.posts("ship", &json!({})).await.expect_problem(409, "wrong_state");
    parts.posts("deliver", &json!({})).await.expect(200);
    assert_eq!(parts.part().await["state"], "delivered");
    assert!(parts.violations([5, 4]).await.is_empty());
    let mails = parts.sale.messages_to_buyer();
    assert!(mails.iter().any(|mail| mail.contains("cannot send you:\n\n- 2 x bowl\n\n")), "{mails:#?}");
}

#[tokio::test]
async fn the_operator_cancels_the_rest_and_a_delivered_parcel_ends_the_vendor_order() {
    let parts = Parts::accepted("stripe").await;
    parts.ships(3, 1, "RR 1 UZ").await.expect(200);
    parts.posts("deliver", &json!({})).await.expect(200);
    assert_eq!(parts.part().await["state"], "partially_shipped");
    parts
        .sale
        .reader
        .post(&format!("/v1/orders/{}/cancel", parts.sale.id), &json!({}))
        .await
        .expect_problem(409, "wrong_state");
    parts.sale.operator_posts("cancel", &json!({})).await.expect(200);
    parts.sale.operator_posts("cancel", &json!({})).await.expect(200);
    let seen = parts.seen().await;
    assert_eq!(Parts::refunds(&seen), [("8.00".to_owned(), "cancelled".to_owned())]);
    assert_eq!((&seen["state"], &seen["vendors"][0]["state"]), (&json!("paid"), &json!("delivered")));
    assert!(parts.violations([5, 4]).await.is_empty());
}

#[tokio::test]
async fn cash_is_collected_for_the_parcels_that_arrived() {
    let parts = Parts::accepted("cash_on_delivery").await;
    parts.ships(1, 1, "RR 1 UZ").await.expect(200);
    parts.ships(2, 0, "RR 2 UZ").await.expect(200);
    parts.posts("ship", &json!({"tracking_number": "RR 3 UZ"})).await.expect(200);
    parts.posts("parcels/2/returned-to-sender", &json!({"restock": true})).await.expect(200);
    parts.posts("parcels/1/deliver", &json!({})).await.expect(200);
    assert_eq!(parts.seen().await["state"], "confirmed", "a parcel is still on its way");
    parts.posts("parcels/3/deliver", &json!({})).await.expect(200);
    let seen = parts.sale.seen_by_operator().await;
    assert_eq!((&seen["state"], &seen["payments"][0]["captured"]["amount"]), (&json!("paid"), &json!("33.50")));
    assert!(parts.violations([7, 4]).await.is_empty());
    let dues: Vec<Value> =
        seen["vendors"][0]["parcels"].as_array().unwrap().iter().map(|one| one["due"].clone()).collect();
    assert_eq!(dues[0]["amount"], "25.50", "the vendor sees what the carrier collects");
    let mails = parts.sale.messages_to_buyer();
    for (parcel, due) in [("RR 1 UZ", "$25.50"), ("RR 2 UZ", "$25.00"), ("RR 3 UZ", "$8.00")] {
        let of_parcel =
            mails.iter().find(|mail| mail.contains("has sent you") && mail.contains(parcel)).expect("a mail");
        assert!(of_parcel.contains(&format!("have the money ready when it comes: {due}")), "{of_parcel}");
    }
    assert!(mails.iter().any(|mail| mail.contains("went back to the shop") && mail.contains("You do not pay for it.")));
}

#[tokio::test]
async fn an_order_on_delivery_of_which_nothing_arrives_is_cancelled_and_nobody_pays() {
    let parts = Parts::accepted("cash_on_delivery").await;
    parts.posts("ship", &json!({})).await.expect(200);
    parts.posts("parcels/1/returned-to-sender", &json!({"restock": true})).await.expect(200);
    let seen = parts.sale.seen_by_operator().await;
    assert_eq!((&seen["state"], &seen["payments"][0]["captured"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(seen["vendors"][0]["state"], "returned_to_sender");
    assert!(parts.violations([8, 6]).await.is_empty());
    assert_eq!(parts.stock().await, [(5, 0, 5), (4, 0, 4)]);
}

#[tokio::test]
async fn a_parcel_names_units_that_are_there() {
    let parts = Parts::accepted("stripe").await;
    let ship = async |lines: Value| parts.posts("ship", &json!({"lines": lines, "tracking_number": "RR 1"})).await;
    let bowl = &parts.sale.bowl.variant;
    ship(json!([])).await.expect_problem(400, "invalid");
    ship(json!([{"variant_id": bowl, "quantity": 0}])).await.expect_problem(400, "invalid");
    let twice = json!([{"variant_id": bowl, "quantity": 1}, {"variant_id": bowl, "quantity": 1}]);
    ship(twice).await.expect_problem(400, "invalid");
    let foreign = parts.sale.bowl.vendor.product("cup").stock(1).publish().await.variant;
    let refused = ship(json!([{"variant_id": foreign, "quantity": 1}])).await;
    assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/lines/0/variant_id");
    ship(json!([{"variant_id": bowl, "quantity": 4}])).await.expect_problem(409, "wrong_state");
    ship(json!([{"variant_id": bowl, "quantity": -1}])).await.expect_problem(400, "invalid");
    assert_eq!(parts.part().await["state"], "accepted");
    // Another vendor's parcel is hidden.
    let silk = parts.sale.shop.vendor("silk").await;
    parts.posts("ship", &json!({})).await.expect(200);
    let path = format!("/v1/vendor/orders/{}/parcels/1/lost", parts.vendor_order);
    silk.client.post(&path, &json!({})).await.expect_problem(404, "not_found");
}
