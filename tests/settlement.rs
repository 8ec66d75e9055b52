//! Settlement: what becomes of an order when its money comes early, late, twice, wrong, not at all, or goes back.

use std::time::Duration;

use local::faults::{Fault, Kind};
use serde_json::{Value, json};

use crate::shop::{Answer, Client, Product, Shop};

/// How long an order waits for its money, and a little more.
const PAST_THE_DEADLINE: Duration = Duration::from_secs(16 * 60);
/// Where the operator reads what nobody else can see to.
const OPERATOR: &str = "shop@bozor.test";
/// Until housekeeping comes round again.
const A_ROUND: Duration = Duration::from_secs(61);

/// One shop, one product, and an order of it.
struct Sale {
    shop: Shop,
    bowl: Product,
    id: String,
    email: String,
    reader: Client,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The events of a history.
fn events(order: &Value) -> Vec<String> {
    order["history"].as_array().expect("a history").iter().map(|entry| text(&entry["event"])).collect()
}

fn count(order: &Value, event: &str) -> usize {
    events(order).iter().filter(|known| *known == event).count()
}

impl Sale {
    /// An order of one bowl for 12.50 USD, delivered for 5.00 USD, that awaits its payment. Five were there.
    async fn of_one() -> Self {
        let shop = Shop::open().await;
        let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
        Self::of(shop, bowl, 1).await
    }

    async fn of(shop: Shop, bowl: Product, units: u32) -> Self {
        let guest = shop.guest().await.takes(&[(&bowl, units)]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        let reader = shop.anon().with("order-token", text(&order["token"]));
        Self { id: text(&order["id"]), email: guest.email, reader, shop, bowl }
    }

    async fn act(&self, what: &str) {
        self.shop.stripe(&self.id, what).await;
    }

    async fn seen(&self) -> Value {
        self.reader.get(&format!("/v1/orders/{}", self.id)).await.expect(200).clone()
    }

    async fn seen_by_operator(&self) -> Value {
        self.shop.admin().await.get(&format!("/v1/admin/orders/{}", self.id)).await.expect(200).clone()
    }

    async fn operator_posts(&self, path: &str, body: &Value) -> Answer {
        self.shop.admin().await.post(&format!("/v1/admin/orders/{}/{path}", self.id), body).await
    }

    async fn decide(&self, decision: &str) -> Answer {
        let payment = text(&self.seen().await["payment"]["id"]);
        self.operator_posts(&format!("payments/{payment}/decide"), &json!({"decision": decision})).await
    }

    async fn stock(&self) -> (i64, i64, i64) {
        let client = self.shop.sign_in("ceramics@people.test").await;
        let mut bowl = self.bowl.clone();
        bowl.vendor.client = client;
        bowl.stock().await
    }

    async fn adjust(&self, by: i64) {
        let client = self.shop.sign_in("ceramics@people.test").await;
        let path = format!("/v1/vendor/products/{}/variants/{}/stock", self.bowl.id, self.bowl.variant);
        client.put(&path, &json!({"adjust": by})).await.expect(200);
    }

    async fn part(&self) -> Value {
        let client = self.shop.sign_in("ceramics@people.test").await;
        let part = text(&self.seen().await["vendors"][0]["id"]);
        client.get(&format!("/v1/vendor/orders/{part}")).await.json
    }

    async fn step(&self, step: &str) -> Answer {
        let client = self.shop.sign_in("ceramics@people.test").await;
        let part = text(&self.seen().await["vendors"][0]["id"]);
        client.post(&format!("/v1/vendor/orders/{part}/{step}"), &json!({})).await
    }

    /// The provider's names for the attempts, oldest first.
    async fn references(&self) -> Vec<String> {
        let seen = self.seen_by_operator().await;
        let named = |payment: &Value| payment["reference"].as_str().map(str::to_owned);
        seen["payments"].as_array().expect("payments").iter().filter_map(named).collect()
    }

    /// The provider tells of something, with its signature.
    async fn told(&self, name: &str, object: Value) -> Answer {
        let now = self.shop.cloud.clock().now();
        let event = json!({
            "id": format!("evt_{name}"), "object": "event", "created": now.seconds(), "livemode": false, "type": name,
            "data": {"object": object},
        });
        let signed = payments::stripe::sign(event.to_string().as_bytes(), now, "whsec_local");
        self.shop.anon().with("stripe-signature", signed).post("/v1/webhooks/stripe", &event).await
    }

    /// The provider tells that the money of an attempt was taken.
    async fn told_paid(&self, reference: &str, amount: i64) -> Answer {
        self.told("payment_intent.succeeded", self.intent(reference, amount, "succeeded")).await
    }

    fn intent(&self, reference: &str, amount: i64, status: &str) -> Value {
        json!({
            "id": reference, "object": "payment_intent", "amount": amount, "amount_received": amount, "currency": "usd",
            "status": status, "metadata": {"order_id": self.id},
        })
    }

    fn dispute(reference: &str, status: &str) -> Value {
        json!({
            "id": "du_1", "object": "dispute", "amount": 1750, "charge": "ch_1", "currency": "usd", "metadata": {},
            "payment_intent": reference, "reason": "fraudulent", "status": status,
        })
    }

    async fn expires(&self) {
        self.shop.advance(PAST_THE_DEADLINE).await;
        assert_eq!(self.seen().await["state"], "expired");
    }

    fn mail(&self) -> Vec<String> {
        self.shop.mail_to(&self.email)
    }

    fn operators_mail(&self) -> Vec<String> {
        self.shop.mail_to(OPERATOR)
    }
}

#[tokio::test]
async fn news_of_the_money_may_come_before_the_answer_to_checkout() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    // The provider knows of the payment, but its answer was lost.
    shop.cloud.services().faults.add(Fault::nth("stripe", "CreatePaymentIntent", 1, Kind::After));
    let sale = Sale::of(shop, bowl, 1).await;
    assert_eq!(sale.references().await, Vec::<String>::new());
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "paid");
    assert_eq!(sale.references().await.len(), 1, "its name was in the news");
    assert_eq!(count(&sale.seen().await, "paid"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_that_comes_many_times_at_once_pays_once() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    let news = (0..8).map(|_| sale.told_paid(&reference, 1750));
    for answer in futures_util::future::join_all(news).await {
        answer.expect(200);
    }
    sale.act("succeed_twice").await;
    sale.shop.settled().await;
    let seen = sale.seen().await;
    assert_eq!((count(&seen, "paid"), seen["refunds"].is_null()), (1, true));
    assert_eq!(sale.stock().await, (5, 1, 4));
    assert_eq!(sale.mail().len(), 1, "{:?}", sale.mail());
}

#[tokio::test]
async fn money_of_which_no_news_comes_is_found_by_asking() {
    let sale = Sale::of_one().await;
    let faults = &sale.shop.cloud.services().faults;
    faults.add(Fault { every: true, ..Fault::nth("stripe", "Webhook", 1, Kind::Before) });
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "awaiting_payment");
    sale.shop.advance(PAST_THE_DEADLINE).await;
    let seen = sale.seen().await;
    assert_eq!((text(&seen["state"]), text(&seen["payment"]["state"])), ("paid".to_owned(), "captured".to_owned()));
    assert_eq!(sale.stock().await, (5, 1, 4));
}

#[tokio::test]
async fn older_news_changes_nothing() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    sale.act("succeed").await;
    let paid = sale.seen().await;
    for (name, status) in [
        ("payment_intent.processing", "processing"),
        ("payment_intent.payment_failed", "requires_payment_method"),
        ("payment_intent.canceled", "canceled"),
    ] {
        sale.told(name, sale.intent(&reference, 1750, status)).await.expect(200);
        assert_eq!(sale.seen().await, paid, "{name}");
    }
}

#[tokio::test]
async fn news_of_what_nobody_knows_is_accepted_and_changes_nothing() {
    let sale = Sale::of_one().await;
    let before = sale.seen().await;
    let stranger = json!({"order_id": "ord_00000000000000000000000009"});
    let mut unknown_order = sale.intent("pi_unknown", 1750, "succeeded");
    unknown_order["metadata"] = stranger.clone();
    let mut no_order = sale.intent("pi_unknown", 1750, "succeeded");
    no_order["metadata"] = json!({});
    for (name, object) in [
        ("payment_intent.succeeded", unknown_order),
        ("payment_intent.succeeded", no_order),
        // An attempt that the order does not know: its money cannot be the order's.
        ("payment_intent.succeeded", sale.intent("pi_unknown", 1750, "succeeded")),
        ("charge.dispute.created", Sale::dispute("pi_unknown", "needs_response")),
        ("invoice.paid", json!({"id": "in_1", "object": "invoice"})),
    ] {
        sale.told(name, object).await.expect(200);
    }
    assert_eq!(sale.seen().await, before);
    // And what is not signed is refused, whatever it says.
    let event = json!({"id": "evt_1", "object": "event", "type": "payment_intent.succeeded"});
    let forged = sale.shop.anon().with("stripe-signature", format!("t=1800000000,v1={}", "0".repeat(64)));
    forged.post("/v1/webhooks/stripe", &event).await.expect_problem(400, "bad_signature");
    assert_eq!(sale.seen().await, before);
}

#[tokio::test]
async fn a_dispute_is_the_operators_business_in_whichever_order_it_is_told() {
    for won in [true, false] {
        let sale = Sale::of_one().await;
        sale.act("succeed").await;
        let reference = sale.references().await.remove(0);
        let (opened, status) = (Sale::dispute(&reference, "needs_response"), if won { "won" } else { "lost" });
        let closed = Sale::dispute(&reference, status);
        let mut told = vec![("charge.dispute.created", opened.clone()), ("charge.dispute.closed", closed.clone())];
        if won {
            told.reverse();
        }
        // Each of them comes again.
        told.extend(told.clone());
        for (name, object) in told {
            sale.told(name, object).await.expect(200);
        }
        sale.shop.settled().await;
        let seen = sale.seen_by_operator().await;
        let disputes = seen["disputes"].as_array().expect("disputes");
        assert_eq!(disputes.len(), 1);
        assert_eq!(
            (text(&disputes[0]["state"]), text(&disputes[0]["reference"])),
            (status.to_owned(), "du_1".to_owned())
        );
        assert_eq!(disputes[0]["amount"], json!({"amount": "17.50", "currency": "USD"}));
        assert!(disputes[0]["opened_at"].is_string() && disputes[0]["closed_at"].is_string());
        assert_eq!(
            (count(&seen, "dispute_opened"), count(&seen, &format!("dispute_{status}"))),
            (usize::from(!won), 1)
        );
        assert_eq!(sale.operators_mail().len(), if won { 1 } else { 2 }, "{:?}", sale.operators_mail());

        // Who buys and who sells learns that there is one, and nothing of the provider's names.
        for view in [sale.seen().await, sale.part().await] {
            assert!(events(&view).contains(&format!("dispute_{status}")));
            assert!(!view.to_string().contains("du_1") && !view.to_string().contains(&reference), "{view}");
        }
    }
}

#[tokio::test]
async fn the_sandbox_opens_a_dispute_and_decides_it() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.act("dispute").await;
    sale.act("dispute").await;
    assert_eq!(sale.seen_by_operator().await["disputes"][0]["state"], "opened");
    sale.act("lose_dispute").await;
    let seen = sale.seen_by_operator().await;
    assert_eq!((&seen["disputes"][0]["state"], seen["disputes"][1].is_null()), (&json!("lost"), true));
}

#[tokio::test]
async fn money_that_was_given_back_at_the_provider_is_counted() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    let reference = sale.references().await.remove(0);
    let refund = |id: &str, amount: i64, status: &str| {
        json!({
            "id": id, "object": "refund", "amount": amount, "charge": "ch_1", "currency": "usd", "metadata": {},
            "payment_intent": reference, "status": status,
        })
    };
    for (name, status) in
        [("refund.created", "pending"), ("refund.updated", "succeeded"), ("refund.updated", "succeeded")]
    {
        sale.told(name, refund("re_part", 500, status)).await.expect(200);
    }
    let seen = sale.seen().await;
    assert_eq!(seen["payment"]["state"], "partially_refunded");
    let refunds = seen["refunds"].as_array().expect("refunds");
    assert_eq!(
        (refunds.len(), &refunds[0]["state"], &refunds[0]["reason"]),
        (1, &json!("succeeded"), &json!("provider"))
    );
    assert_eq!(refunds[0]["amount"]["amount"], "5.00");
    assert!(!seen.to_string().contains("re_part"));
    assert!(sale.seen_by_operator().await["refunds"].to_string().contains("re_part"));

    // What the seller refuses then takes only what is left with it.
    sale.step("refuse").await.expect(200);
    sale.shop.advance(A_ROUND).await;
    let refunds = sale.seen().await["refunds"].as_array().expect("refunds").clone();
    let refused = refunds.iter().find(|refund| refund["reason"] == "refused").expect("what the seller refused");
    assert_eq!(refused["amount"]["amount"], "12.50");

    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.act("refund").await;
    let seen = sale.seen().await;
    assert_eq!(
        (&seen["payment"]["state"], &seen["refunds"][0]["amount"]["amount"]),
        (&json!("refunded"), &json!("17.50"))
    );
}

#[tokio::test]
async fn a_refund_that_comes_back_is_shown_to_the_operator() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.step("refuse").await.expect(200);
    sale.shop.advance(A_ROUND).await;
    assert_eq!(sale.seen().await["payment"]["state"], "refunded");
    sale.act("fail_refund").await;
    sale.act("fail_refund").await;
    sale.shop.settled().await;
    let seen = sale.seen().await;
    assert_eq!(
        (&seen["refunds"][0]["state"], seen["refunds"][0]["returned_at"].is_string()),
        (&json!("succeeded"), true)
    );
    assert_eq!(count(&seen, "refund_returned"), 1);
    let operator = sale.shop.admin().await;
    let failed = operator.get("/v1/admin/refunds/failed").await.expect(200).clone();
    assert_eq!((failed["items"].as_array().map(Vec::len), &failed["items"][0]["order_id"]), (Some(1), &json!(sale.id)));
    assert!(failed["items"][0]["reference"].is_string());
    assert_eq!(sale.operators_mail().len(), 1);
}

#[tokio::test]
async fn another_amount_waits_for_the_operator_who_takes_it_as_good() {
    let sale = Sale::of_one().await;
    sale.act("wrong_amount").await;
    sale.shop.settled().await;
    let listed = sale.shop.admin().await.get("/v1/admin/payments?state=conflicted").await.expect(200).clone();
    assert_eq!(listed["items"][0]["order_id"], json!(sale.id));
    assert_eq!(listed["items"][0]["captured"]["amount"], "17.49");
    assert_eq!(sale.operators_mail().len(), 1);
    sale.step("accept").await.expect_problem(404, "not_found");

    let decided = sale.decide("accept").await.expect(200).clone();
    assert_eq!((&decided["state"], &decided["payment"]["state"]), (&json!("paid"), &json!("captured")));
    assert_eq!(sale.decide("accept").await.expect(200), &decided, "a repeat is harmless");
    sale.decide("refund").await.expect_problem(409, "wrong_state");
    let reference = sale.references().await.remove(0);
    sale.told_paid(&reference, 1749).await.expect(200);
    assert_eq!(sale.shop.admin().await.get("/v1/admin/payments?state=conflicted").await.json["items"], json!([]));
    sale.step("accept").await.expect(200);
    // Not more goes back than came.
    sale.step("refuse").await.expect(200);
    assert_eq!(sale.seen().await["refunds"][0]["amount"]["amount"], "17.49");
}

#[tokio::test]
async fn another_amount_waits_for_the_operator_who_sends_it_back() {
    let sale = Sale::of_one().await;
    sale.act("wrong_amount").await;
    let decided = sale.decide("refund").await.expect(200).clone();
    assert_eq!((&decided["state"], &decided["payment"]["state"]), (&json!("awaiting_payment"), &json!("conflicted")));
    assert_eq!(sale.decide("refund").await.expect(200), &decided, "a repeat is harmless");
    sale.decide("accept").await.expect_problem(409, "wrong_state");
    sale.shop.advance(A_ROUND).await;
    let seen = sale.seen().await;
    assert_eq!((&seen["payment"]["state"], &seen["refunds"][0]["state"]), (&json!("refunded"), &json!("succeeded")));
    assert_eq!(seen["refunds"][0]["amount"]["amount"], "17.49");
    assert_eq!(sale.mail().len(), 1, "{:?}", sale.mail());

    // The order still waits, and is paid by another attempt.
    let again = sale.reader.clone().with("idempotency-key", "again");
    again.post(&format!("/v1/orders/{}/payments", sale.id), &json!({"provider": "stripe"})).await.expect(201);
    sale.act("succeed").await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], seen["refunds"].as_array().map(Vec::len)), (&json!("paid"), Some(1)));
}

#[tokio::test]
async fn another_amount_can_be_taken_as_good_when_the_order_is_over_if_there_is_stock() {
    let sale = Sale::of_one().await;
    sale.act("wrong_amount").await;
    sale.expires().await;
    assert_eq!(sale.stock().await, (5, 0, 5));
    sale.adjust(-5).await;
    sale.decide("accept").await.expect_problem(409, "out_of_stock");
    sale.adjust(2).await;
    assert_eq!(sale.decide("accept").await.expect(200)["state"], "paid");
    assert_eq!(sale.stock().await, (2, 1, 1));
}

#[tokio::test]
async fn late_money_finds_stock_that_lies_in_another_counter() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(1).shards(2).publish().await;
    let sale = Sale::of(shop, bowl, 1).await;
    let reference = sale.references().await.remove(0);
    sale.expires().await;
    // One more in the other counter, then one less in this one: what is left is where the order did not take it from.
    sale.adjust(1).await;
    sale.adjust(-1).await;
    sale.told_paid(&reference, 1750).await.expect(200);
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], &seen["vendors"][0]["state"]), (&json!("paid"), &json!("pending")));
    assert_eq!(sale.stock().await, (1, 1, 0));
    // And it gives back what it took, where it took it.
    sale.step("refuse").await.expect(200);
    assert_eq!(sale.stock().await, (1, 0, 1));
}

#[tokio::test]
async fn late_money_without_stock_goes_back_and_the_buyer_is_told() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    sale.expires().await;
    sale.adjust(-5).await;
    sale.told_paid(&reference, 1750).await.expect(200);
    sale.told_paid(&reference, 1750).await.expect(200);
    sale.shop.settled().await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], seen["refunds"].as_array().map(Vec::len)), (&json!("expired"), Some(1)));
    assert_eq!(
        (&seen["refunds"][0]["reason"], &seen["refunds"][0]["amount"]["amount"]),
        (&json!("late"), &json!("17.50"))
    );
    assert!(sale.mail()[0].contains("your money goes back"), "{:?}", sale.mail());
    assert_eq!(sale.stock().await, (0, 0, 0));
}

#[tokio::test]
async fn money_that_comes_twice_goes_back_once() {
    let sale = Sale::of_one().await;
    // The first attempt cannot be called off when the second begins, and both are paid.
    let down = Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) };
    sale.shop.cloud.services().faults.add(down);
    let again = sale.reader.clone().with("idempotency-key", "again");
    again.post(&format!("/v1/orders/{}/payments", sale.id), &json!({"provider": "stripe"})).await.expect(201);
    sale.shop.cloud.services().faults.clear();
    sale.act("succeed_twice").await;
    sale.shop.advance(A_ROUND).await;
    let seen = sale.seen_by_operator().await;
    let states: Vec<String> =
        seen["payments"].as_array().expect("payments").iter().map(|payment| text(&payment["state"])).collect();
    let mut sorted = states.clone();
    sorted.sort();
    assert_eq!((&seen["state"], sorted), (&json!("paid"), vec!["captured".to_owned(), "refunded".to_owned()]));
    assert_eq!(seen["refunds"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&seen["refunds"][0]["reason"], &seen["refunds"][0]["state"]),
        (&json!("duplicate"), &json!("succeeded"))
    );
}

#[tokio::test]
async fn the_operator_ends_what_one_of_two_sellers_never_sends() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let scarf = shop.vendor("silk").await.product("scarf").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1), (&scarf, 2)]).await;
    let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let parts = order["vendors"].as_array().expect("parts").clone();
    let of = |product: &Product| {
        let found = parts.iter().find(|part| part["vendor"]["id"] == json!(product.vendor.id));
        text(&found.expect("a part")["id"])
    };
    for step in ["accept", "ship"] {
        bowl.vendor.client.post(&format!("/v1/vendor/orders/{}/{step}", of(&bowl)), &json!({})).await.expect(200);
    }
    let path = format!("/v1/admin/orders/{}/cancel", text(&order["id"]));
    let ended = shop.admin().await.post(&path, &json!({})).await.expect(200).clone();
    assert_eq!(ended["state"], "confirmed", "one parcel is on its way");
    assert_eq!(shop.admin().await.post(&path, &json!({})).await.expect(200), &ended, "a repeat is harmless");
    assert_eq!((bowl.stock().await, scarf.stock().await), ((4, 0, 4), (5, 0, 5)));

    // Who does not send it any more need not know where it would have gone.
    let own = scarf.vendor.client.get(&format!("/v1/vendor/orders/{}", of(&scarf))).await.expect(200).clone();
    assert_eq!((&own["state"], own["address"].is_null()), (&json!("cancelled"), true));
    let sent = bowl.vendor.client.get(&format!("/v1/vendor/orders/{}", of(&bowl))).await.expect(200).clone();
    assert!(sent["address"].is_object());

    bowl.vendor.client.post(&format!("/v1/vendor/orders/{}/deliver", of(&bowl)), &json!({})).await.expect(200);
    let seen = reader.get(&format!("/v1/orders/{}", text(&order["id"]))).await.expect(200).clone();
    assert_eq!((&seen["state"], &seen["payment"]["state"]), (&json!("paid"), &json!("captured")));
    shop.admin().await.post(&path, &json!({})).await.expect(200);
}

#[tokio::test]
async fn the_operator_calls_a_paid_order_off_and_its_money_goes_back() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    let ended = sale.operator_posts("cancel", &json!({})).await.expect(200).clone();
    assert_eq!((&ended["state"], &ended["refunds"][0]["amount"]["amount"]), (&json!("cancelled"), &json!("17.50")));
    assert_eq!(sale.operator_posts("cancel", &json!({})).await.expect(200), &ended);
    assert_eq!(sale.stock().await, (5, 0, 5));
    sale.shop.advance(A_ROUND).await;
    assert_eq!(sale.seen().await["payment"]["state"], "refunded");

    // One that waits for its money is called off at the provider first.
    let sale = Sale::of_one().await;
    assert_eq!(sale.operator_posts("cancel", &json!({})).await.expect(200)["payment"]["state"], "cancelled");
    let sale = Sale::of_one().await;
    sale.expires().await;
    sale.operator_posts("cancel", &json!({})).await.expect_problem(409, "wrong_state");
}

#[tokio::test]
async fn the_machines_are_served_as_data() {
    let shop = Shop::open().await;
    let served = shop.anon().get("/v1/states").await;
    let machines = served.expect(200)["items"].as_array().expect("machines").clone();
    let names: Vec<String> = machines.iter().map(|machine| text(&machine["name"])).collect();
    assert_eq!(names, ["order", "vendor_order", "payment", "dispute", "refund", "return", "vendor"]);
    let dispute = &machines[3];
    assert_eq!((&dispute["initial"], &dispute["final"]), (&json!(["opened"]), &json!(["won", "lost"])));
    assert_eq!(dispute["transitions"][0], json!({"from": "opened", "event": "won", "to": "won"}));
    assert!(!served.header("etag").is_empty() && served.header("cache-control").contains("s-maxage"));
    let again = shop.anon().with("if-none-match", served.header("etag")).get("/v1/states").await;
    assert_eq!(again.status, 304);
}
