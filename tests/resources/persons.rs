//! Who ordered is sealed: after a sale nothing names them but the tables that are about people, and erasing one row
//! erases them from every order.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};

use domain::sealed::KeyOwner;
use serde_json::{Value, json};

use super::keys::keys_of;
use crate::shop::sale::{PAST_PAYMENT_DEADLINE, text};
use crate::shop::{Client, Dump, Product, Shop};

/// What is told of a person in these tests and in no other, so that it is found in what all tests log.
const NAME: &str = "Zulfizar Qodirjonova";
const STREET: &str = "71 Shota Rustaveli Street";
const CITY: &str = "Kattakurgan";
const PHONE: &str = "+998912345671";
const GUEST: &str = "zulfizar.guest@guests.test";
const BUYER: &str = "zulfizar.buyer";

/// Lines that were logged in this process, by whichever test, and name the person.
static NAMED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps those of the lines that name the person.
#[derive(Clone, Copy)]
struct Watch;

impl Write for Watch {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line).to_lowercase();
        if words().iter().any(|word| text.contains(&word.to_lowercase())) {
            NAMED.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn watch_the_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let watch = tracing_subscriber::fmt().json().with_writer(|| Watch).with_max_level(tracing::Level::INFO);
        watch.init();
    });
}

/// What nobody may find, each alone: a part of a name is a name.
fn words() -> Vec<String> {
    let (first, last) = NAME.split_once(' ').expect("two names");
    [first, last, "Rustaveli", CITY, PHONE.trim_start_matches('+'), "zulfizar."].map(str::to_owned).to_vec()
}

/// The tables, queues and buckets in which something of the person stands.
fn places(dump: &Dump) -> BTreeSet<String> {
    words().iter().flat_map(|word| dump.with(word)).map(|(place, _)| place.to_owned()).collect()
}

fn address() -> Value {
    json!({
        "name": NAME, "phone": PHONE, "line1": STREET, "district": "Xonqa", "city": CITY, "region": "Xorazm",
        "postal_code": "140100", "country": "UZ",
    })
}

/// An order that was placed, with its token.
struct Placed {
    id: String,
    reader: Client,
    body: Value,
}

async fn orders(shop: &Shop, client: &Client, (email, bowl): (&str, &Product), key: &str) -> Placed {
    let cart = fill(shop, client, bowl, "USD").await;
    check_out(shop, client, (&cart, email), key).await
}

/// A cart with one unit and an address, which was given twice under a key.
async fn fill(shop: &Shop, client: &Client, bowl: &Product, currency: &str) -> String {
    let mut cart = text(&client.post("/v1/carts", &json!({"currency": currency})).await.expect(201)["id"]);
    if client.is_signed_in() {
        cart = text(&client.post(&format!("/v1/carts/{cart}/claim"), &json!({})).await.expect(200)["id"]);
    }
    let path = |rest: &str| format!("/v1/carts/{cart}{rest}");
    client.put(&path(&format!("/items/{}", bowl.variant)), &json!({"quantity": 1})).await.expect(200);
    let keyed = client.clone().with("idempotency-key", "address");
    let options = keyed.post(&path("/shipping-options"), &json!({"address": address()})).await.expect(200).clone();
    let again = keyed.post(&path("/shipping-options"), &json!({"address": address()})).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.expect(200), &options);
    assert!(places(&shop.dump().await).contains("CartsTable"), "the search finds an address in an open cart");
    cart
}

/// Checks a cart out, twice under one key.
async fn check_out(shop: &Shop, client: &Client, (cart, email): (&str, &str), key: &str) -> Placed {
    let (keyed, path) = (client.clone().with("idempotency-key", key), format!("/v1/carts/{cart}"));
    let total = client.get(&path).await.expect(200)["totals"]["total"].clone();
    let asked = json!({
        "cart_id": cart, "contact": {"email": email, "phone": PHONE}, "payment": {"provider": "stripe"},
        "expected_total": total,
    });
    let placed = keyed.post("/v1/checkout", &asked).await;
    let body = placed.expect(201).clone();
    assert_eq!(body["address"]["line1"], STREET);
    let again = keyed.post("/v1/checkout", &asked).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.expect(201), &body, "a repeat is answered with the order as it stands, and that is the same");
    assert_eq!(client.get(&path).await.expect(200)["address"], Value::Null, "the order has the address now");
    Placed { id: text(&body["id"]), reader: shop.anon().with("order-token", text(&body["token"])), body }
}

impl Placed {
    fn path(&self) -> String {
        format!("/v1/orders/{}", self.id)
    }

    async fn seen(&self) -> Value {
        self.reader.get(&self.path()).await.expect(200).clone()
    }
}

#[tokio::test]
async fn nothing_names_who_ordered_but_the_accounts_of_people() {
    watch_the_log();
    let shop = Shop::open().await;
    let ceramics = shop.vendor("ceramics").await;
    let bowl = ceramics.product("bowl").stock(50).publish().await;
    let guest = shop.anon();
    let [paid, cancelled, expired, left] =
        ["paid", "cancelled", "expired", "left"].map(|key| orders(&shop, &guest, (GUEST, &bowl), key));
    let (paid, cancelled, expired) = (paid.await, cancelled.await, expired.await);

    // Everything that can be done to an order, each under a key and twice.
    shop.stripe(&paid.id, "succeed").await;
    shop.wait_until_idle().await;
    let vendor_order = text(&ceramics.newest_order().await.expect("the vendor sees it")["id"]);
    for step in ["accept", "ship", "deliver"] {
        let vendor = ceramics.client.clone().with("idempotency-key", step);
        let path = format!("/v1/vendor/orders/{vendor_order}/{step}");
        let first = vendor.post(&path, &json!({})).await.expect(200).clone();
        assert_eq!(first["address"]["line1"], STREET, "{step}");
        let again = vendor.post(&path, &json!({})).await;
        assert_eq!((again.header("idempotent-replayed"), again.expect(200)), ("true", &first), "{step}");
    }
    shop.stripe(&cancelled.id, "succeed").await;
    let cancel = cancelled.reader.clone().with("idempotency-key", "off");
    let first = cancel.post(&format!("{}/cancel", cancelled.path()), &json!({})).await.expect(200).clone();
    assert_eq!(first["address"]["line1"], STREET);
    let again = cancel.post(&format!("{}/cancel", cancelled.path()), &json!({})).await;
    assert_eq!((again.header("idempotent-replayed"), &again.expect(200)["address"]), ("true", &first["address"]));
    shop.stripe(&expired.id, "fail").await;
    let retry = expired.reader.clone().with("idempotency-key", "retry");
    let asked = json!({"provider": "stripe"});
    retry.post(&format!("{}/payments", expired.path()), &asked).await.expect(201);
    retry.post(&format!("{}/payments", expired.path()), &asked).await.expect(201);
    shop.advance(PAST_PAYMENT_DEADLINE).await;
    shop.wait_until_idle().await;
    assert_eq!(expired.seen().await["state"], "expired");
    assert!(!shop.mail_to(GUEST).is_empty(), "mail finds its way all the same");

    // What waits in streams and queues names nobody either.
    shop.cloud.kill_sources().await;
    left.await;
    let dump = shop.dump().await;
    assert_eq!(places(&dump), BTreeSet::new());
    let named = NAMED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(named.is_empty(), "{named:#?}");
}

#[tokio::test]
async fn a_buyer_has_one_key_and_is_named_in_the_accounts_only() {
    watch_the_log();
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(50).publish().await;
    let buyer = shop.buyer(BUYER).await;
    let email = format!("{BUYER}@people.test");
    let first = orders(&shop, &buyer, (&email, &bowl), "first").await;
    let second = orders(&shop, &buyer, (&email, &bowl), "second").await;
    shop.stripe(&first.id, "succeed").await;
    shop.wait_until_idle().await;
    let dump = shop.dump().await;
    assert_eq!(dump.of("KeysTable").len(), 1, "one row for all orders of a buyer");
    assert_eq!(places(&dump), BTreeSet::from(["AccountsTable".to_owned()]));
    for placed in [&first, &second] {
        let seen = buyer.get(&format!("/v1/me/orders/{}", placed.id)).await.expect(200).clone();
        assert_eq!((&seen["address"]["name"], &seen["contact"]["phone"]), (&json!(NAME), &json!(PHONE)));
    }
}

#[tokio::test]
async fn two_first_orders_of_a_buyer_at_once_are_both_readable() {
    let shop = Shop::open().await;
    let ceramics = shop.vendor("ceramics").await;
    let rates = json!([{"amount": "5.00", "currency": "USD"}, {"amount": "5.00", "currency": "EUR"}]);
    ceramics.client.patch("/v1/vendors/me", &json!({"shipping_rates": rates})).await.expect(200);
    let prices = json!([{"amount": "12.50", "currency": "USD"}, {"amount": "12.50", "currency": "EUR"}]);
    let bowl =
        ceramics.product("bowl").stock(50).set("variants", json!([{"prices": prices, "on_hand": 50}])).publish().await;
    let buyer = shop.buyer("twice").await;
    // A buyer has one cart for each currency.
    let mut carts = Vec::new();
    for currency in ["USD", "EUR"] {
        carts.push(fill(&shop, &buyer, &bowl, currency).await);
    }
    let (one, other) = tokio::join!(
        check_out(&shop, &buyer, (&carts[0], "twice@people.test"), "one"),
        check_out(&shop, &buyer, (&carts[1], "twice@people.test"), "other")
    );
    assert_eq!(shop.dump().await.of("KeysTable").len(), 1);
    for placed in [&one, &other] {
        assert_eq!(placed.seen().await["address"]["line1"], STREET);
    }
}

#[tokio::test]
async fn a_row_that_is_erased_takes_its_person_out_of_every_copy_of_the_order() {
    let shop = Shop::open().await;
    let ceramics = shop.vendor("ceramics").await;
    let bowl = ceramics.product("bowl").stock(50).publish().await;
    let guest = shop.anon();
    let erased = orders(&shop, &guest, ("gone@guests.test", &bowl), "erased").await;
    let kept = orders(&shop, &guest, ("gone@guests.test", &bowl), "kept").await;
    let operator = shop.operator().await;
    for placed in [&erased, &kept] {
        shop.stripe(&placed.id, "succeed").await;
    }
    shop.wait_until_idle().await;
    let found = operator.get("/v1/admin/orders?email=gone@guests.test").await.expect(200).clone();
    assert_eq!(found["items"].as_array().map(Vec::len), Some(2));
    let mailed = shop.mail_to("gone@guests.test").len();

    // The tables stay as they are, like a copy of them that was made before.
    let owner = KeyOwner::Order(erased.id.parse().expect("an id"));
    keys_of(&shop).erase(owner).await.expect("it is erased");

    assert_eq!(erased.body["address"]["line1"], STREET);
    let seen = erased.seen().await;
    assert_eq!((&seen["address"], &seen["contact"]), (&Value::Null, &json!({})), "{seen}");
    assert_eq!(seen["state"], "paid");
    let seen = operator.get(&format!("/v1/admin/orders/{}", erased.id)).await.expect(200).clone();
    assert_eq!(seen["address"], Value::Null, "{seen}");
    assert_eq!(kept.seen().await["address"]["line1"], STREET);

    // Their vendor goes on, and nobody is written to.
    let of_order = |own: &&Value| text(&own["id"]).contains(erased.id.trim_start_matches("ord_"));
    let listed = ceramics.client.get("/v1/vendor/orders").await.expect(200).clone();
    let own = listed["items"].as_array().and_then(|all| all.iter().find(of_order)).expect("the vendor's part").clone();
    let path = format!("/v1/vendor/orders/{}", text(&own["id"]));
    let accepted = ceramics.client.post(&format!("{path}/accept"), &json!({})).await.expect(200).clone();
    assert_eq!((&accepted["state"], &accepted["address"]), (&json!("accepted"), &Value::Null));
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to("gone@guests.test").len(), mailed);
    assert_eq!(shop.depth("OrderEventsQueue").visible + shop.depth("OrderEventsDeadLetters").visible, 0);
}

/// The master secret of functions that have not read one yet: each keeps what it has read.
fn put_master(shop: &Shop, current: &str, previous: Option<&str>) {
    let services = shop.cloud.services();
    let secret = services.template.secrets.iter().find(|secret| secret.id == "PersonsSecret").expect("a secret");
    assert!(services.secrets.replace(&secret.arn, &json!({"current": current, "previous": previous}).to_string()));
}

#[tokio::test]
async fn orders_are_sealed_again_under_a_new_secret_and_go_on_where_theirs_is_gone() {
    let [old, new, lost] = ["a former master secret", "a new master secret", "another master secret"];
    let shop = Shop::open().await;
    // The function of rebuilds reads it at the first decision on a vendor.
    put_master(&shop, new, Some(old));
    let ceramics = shop.vendor("ceramics").await;
    shop.wait_until_idle().await;
    let bowl = ceramics.product("bowl").stock(50).publish().await;
    put_master(&shop, old, None);
    let placed = orders(&shop, &shop.anon(), ("turned@guests.test", &bowl), "turned").await;
    shop.stripe(&placed.id, "succeed").await;
    shop.wait_until_idle().await;
    put_master(&shop, new, None);
    let operator = shop.operator().await;
    let path = "/v1/admin/orders?email=turned@guests.test";
    assert_eq!(operator.get(path).await.expect(200)["items"], json!([]), "it stands under the former secret");
    let begun = operator.post("/v1/admin/rebuilds", &json!({"what": "orders"})).await;
    begun.expect(202);
    shop.wait_until_idle().await;
    let rebuilt = operator.get(begun.header("location")).await.expect(200).clone();
    assert_eq!((&rebuilt["rewritten"], &rebuilt["unreadable"]), (&json!(1), &json!(0)), "{rebuilt}");
    assert_eq!(placed.seen().await["address"]["line1"], STREET, "the former secret is not needed any more");
    assert_eq!(operator.get(path).await.expect(200)["items"][0]["id"], placed.id);

    // Somebody has lost it: goods and money go on.
    put_master(&shop, lost, None);
    let listed = ceramics.client.get("/v1/vendor/orders").await.expect(200).clone();
    let path = format!("/v1/vendor/orders/{}", text(&listed["items"][0]["id"]));
    assert_eq!(ceramics.client.get(&path).await.expect(200)["address"], Value::Null);
    for step in ["accept", "ship"] {
        ceramics.client.post(&format!("{path}/{step}"), &json!({})).await.expect(200);
    }
}
