//! A query is no snapshot against transactions: here each change of an order is decided on items of which one is from
//! before the last transaction. The order ends right all the same.

use std::collections::BTreeMap;

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use crate::shop::invariants::{items, put_item};
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, text};
use crate::shop::{Answer, Client, Ledger, Product, Shop};

/// More items than any of these changes writes.
const MOST_ITEMS: u32 = 14;

/// A paid order from two vendors.
struct Bought {
    shop: Shop,
    products: [Product; 2],
    id: String,
    reader: Client,
}

impl Bought {
    async fn paid_with(act: &str) -> Self {
        let shop = Shop::open().await;
        let bowl = shop.vendor("ceramics").await.product("bowl").stock(100).publish().await;
        let scarf = shop.vendor("silk").await.product("scarf").price("30.00").stock(100).publish().await;
        let (id, reader) = order(&shop, [&bowl, &scarf], act).await;
        Self { shop, products: [bowl, scarf], id, reader }
    }

    /// Another such order of the same shop.
    async fn again(&mut self, act: &str) {
        let [bowl, scarf] = &self.products;
        (self.id, self.reader) = order(&self.shop, [bowl, scarf], act).await;
    }

    async fn seen(&self) -> Value {
        self.reader.get(&format!("/v1/orders/{}", self.id)).await.expect(200).clone()
    }

    async fn decline(&self, product: &Product) -> Answer {
        let seen = self.seen().await;
        let vendors = seen["vendors"].as_array().expect("vendor orders");
        let own = vendors.iter().find(|own| own["vendor"]["id"] == json!(product.vendor.id)).expect("its own");
        let client = self.shop.sign_in_again(&product.vendor).await;
        client.post(&format!("/v1/vendor/orders/{}/decline", text(&own["id"])), &json!({})).await
    }

    async fn cancel(&self) -> Answer {
        let client = self.reader.clone().with("idempotency-key", "off");
        client.post(&format!("/v1/orders/{}/cancel", self.id), &json!({})).await
    }

    async fn decide(&self, operator: &Client, decision: &str) -> Answer {
        let payment = text(&self.seen().await["payment"]["id"]);
        let path = format!("/v1/admin/orders/{}/payments/{payment}/decide", self.id);
        operator.post(&path, &json!({"decision": decision})).await
    }

    /// Tears the next query of a route.
    fn tear(&self, route: &str, item: u32) {
        let faults = &self.shop.cloud.services().faults;
        faults.clear();
        let route = Some(route.to_owned());
        faults.add(Fault { item, route, ..Fault::nth("dynamodb", "Query", 1, Kind::Torn) });
    }

    fn was_torn(&self) -> bool {
        !self.shop.cloud.services().faults.triggered().is_empty()
    }

    async fn rest(&self) {
        self.shop.cloud.services().faults.clear();
        self.shop.wait_until_idle().await;
        self.shop.advance(HOUSEKEEPING_INTERVAL).await;
        self.shop.wait_until_idle().await;
    }

    /// Its state, and what is refunded of it as decimals.
    async fn refunded(&self) -> (String, Vec<String>) {
        let seen = self.seen().await;
        let refunds = seen["refunds"].as_array().into_iter().flatten();
        let mut amounts: Vec<String> = refunds.map(|refund| text(&refund["amount"]["amount"])).collect();
        amounts.sort();
        (text(&seen["state"]), amounts)
    }

    /// All of it was refunded in two decisions, and the order is over.
    async fn has_ended_refunded(&self, item: u32) {
        self.rest().await;
        let refunds = vec!["30.00".to_owned(), "35.00".to_owned()];
        assert_eq!(self.refunded().await, ("cancelled".to_owned(), refunds), "item {item}");
        self.check().await;
    }

    async fn check(&self) {
        let received = self.products.iter().map(|product| (product.variant.clone(), 100)).collect::<BTreeMap<_, _>>();
        let violations = Ledger::read(&self.shop).await.always(&received);
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

async fn order(shop: &Shop, [bowl, scarf]: [&Product; 2], act: &str) -> (String, Client) {
    let guest = shop.guest().await.takes(&[(bowl, 2), (scarf, 1)]).await;
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    let id = text(&order["id"]);
    shop.stripe(&id, act).await;
    shop.wait_until_idle().await;
    (id, shop.anon().with("order-token", text(&order["token"])))
}

#[tokio::test]
async fn two_vendors_who_decline_last_cancel_the_order_and_all_of_it_is_refunded() {
    let mut bought = Bought::paid_with("succeed").await;
    let [bowl, scarf] = bought.products.clone();
    for item in 1..=MOST_ITEMS {
        bought.decline(&bowl).await.expect(200);
        bought.tear("POST /v1/vendor/orders/{id}/decline", item);
        bought.decline(&scarf).await.expect(200);
        assert!(bought.was_torn(), "the fault met no query");
        bought.has_ended_refunded(item).await;
        bought.again("succeed").await;
    }
}

#[tokio::test]
async fn an_amount_that_is_accepted_is_not_rejected_beside_and_the_other_way_round() {
    let mut bought = Bought::paid_with("wrong_amount").await;
    let operator = bought.shop.operator().await;
    for item in 1..=MOST_ITEMS {
        for (first, second, state, refunds) in
            [("accept", "refund", "paid", 0), ("refund", "accept", "awaiting_payment", 1)]
        {
            bought.decide(&operator, first).await.expect(200);
            bought.tear("POST /v1/admin/orders/{id}/payments/{payment_id}/decide", item);
            bought.decide(&operator, second).await.expect_problem(409, "wrong_state");
            assert!(bought.was_torn(), "the fault met no query");
            let (now, back) = bought.refunded().await;
            assert_eq!((now.as_str(), back.len()), (state, refunds), "item {item}: {first}, then {second}");
            bought.again("wrong_amount").await;
        }
    }
}

#[tokio::test]
async fn a_refund_beside_a_cancellation_gives_back_what_was_paid_and_no_more() {
    let mut bought = Bought::paid_with("succeed").await;
    let [bowl, _] = bought.products.clone();
    for item in 1..=MOST_ITEMS {
        bought.decline(&bowl).await.expect(200);
        bought.tear("POST /v1/orders/{id}/cancel", item);
        bought.cancel().await.expect(200);
        assert!(bought.was_torn(), "the fault met no query");
        bought.has_ended_refunded(item).await;
        bought.again("succeed").await;
    }
}

#[tokio::test]
async fn an_order_that_lacks_an_item_for_good_is_answered_with_503_and_stops_no_other() {
    let mut bought = Bought::paid_with("succeed").await;
    let (shop, own) = (&bought.shop, format!("ORDER#{}", bought.id));
    let of_order = items(shop, "OrdersTable").await.into_iter().filter(|item| item["pk"]["S"] == own.as_str());
    let mut terms = of_order.into_iter().find(|item| item["kind"]["S"] == "terms").expect("its terms");
    terms["kind"] = json!({"S": "lost"});
    put_item(shop, "OrdersTable", &terms).await;
    bought.reader.get(&format!("/v1/orders/{}", bought.id)).await.expect_problem(503, "unavailable");
    bought.cancel().await.expect_problem(503, "unavailable");
    bought.again("succeed").await;
    bought.cancel().await.expect(200);
}
