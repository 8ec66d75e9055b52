//! Stored data outlives the code: this build reads every kind of item and queued message that a release has written.
//!
//! `fixtures/RELEASE/` holds what [`world`] leaves in the tables and queues under that release. To add one before a
//! change of what is stored: `BOZOR_WRITE_FIXTURES=RELEASE cargo test --workspace --test http -- stored_data::`.

mod people;
mod poison;
mod release;
mod renamed;
mod sealing;
mod tomorrow;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use self::release::Release;
use crate::shop::sale::{events, text};
use crate::shop::{Client, Shop};

/// The release before names changed.
const FIRST: &str = "0.1.0";

/// The last release that did not seal who ordered, and whose orders hold their history.
const UNSEALED: &str = "2026-12-01";

/// What the build before the last change of stored data wrote: the first to keep texts in several languages, and the
/// last to publish uploads as they were.
const LATEST: &str = "2026-12-06";

/// A cloud with the items of a release, and its operator, vendor and buyer, signed in anew.
struct RestoredShop {
    shop: Shop,
    release: Release,
    operator: Client,
    vendor: Client,
    buyer: Client,
}

impl RestoredShop {
    async fn of(name: &str) -> Self {
        let shop = Shop::open().await;
        let (vendor, buyer) = (shop.buyer("ceramics").await, shop.buyer("aziza").await);
        let (owner, customer) = (sub(&vendor).await, sub(&buyer).await);
        shop.wait_until_idle().await;
        let release = Release::read(name, &[("owner", &owner), ("buyer", &customer)]);
        release.restore(&shop).await;
        let operator = shop.operator().await;
        Self { shop, release, operator, vendor, buyer }
    }

    /// The id of the order with this fate, such as `shipped`.
    fn order(&self, fate: &str) -> &str {
        self.release.named(&format!("order_{fate}"))
    }

    async fn seen_by_operator(&self, fate: &str) -> Value {
        self.operator.get(&format!("/v1/admin/orders/{}", self.order(fate))).await.expect(200).clone()
    }
}

async fn sub(client: &Client) -> String {
    text(&client.get("/v1/me").await.expect(200)["id"])
}

/// All items of a list, over all its pages.
async fn all(client: &Client, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut page = client.get(path).await;
    loop {
        items.extend(page.expect(200)["items"].as_array().expect("items").clone());
        let Some(next) = page.json["next"].as_str() else { return items };
        let joint = if path.contains('?') { '&' } else { '?' };
        page = client.get(&format!("{path}{joint}cursor={next}")).await;
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "whoever writes new fixtures says so by the environment")]
async fn the_fixtures_have_every_kind_of_item_and_message() {
    let shop = Shop::open().await;
    let names = world::make(&shop).await;
    let written = Release::of(&shop, names).await;
    let mut kinds = kinds_of_the_store();
    for kind in written.kinds() {
        kinds.remove(&kind);
    }
    assert!(kinds.is_empty(), "the world leaves no item of these kinds: {kinds:?}");
    for (queue, messages) in written.queues() {
        assert!(!messages.is_empty(), "no message is left in {queue}");
    }
    if let Some(name) = std::env::var_os("BOZOR_WRITE_FIXTURES") {
        written.write(name.to_str().expect("the name of a release"));
    }
}

#[test]
fn the_newest_fixtures_have_what_the_build_before_them_stored() {
    let newest = Release::read(LATEST, &[]);
    let stored = newest.kinds();
    for kind in [
        "setting",
        "setting_history",
        "settings_revision",
        "rebuild",
        "suppression",
        "email",
        "cart",
        "stock",
        "session",
        "sessions_ended",
        "key",
        "history",
        "legal_version",
        "contacts",
        "mfa",
    ] {
        assert!(stored.contains(kind), "{kind} is missing of {stored:?}");
    }
    assert!(stored.len() >= 35, "{stored:?}");
    for (queue, messages) in newest.queues() {
        assert!(!messages.is_empty(), "{queue}");
    }
}

/// The kinds of items that the store writes: the string constants of its modules, without those that are no kinds.
fn kinds_of_the_store() -> BTreeSet<String> {
    // Constants that are no kinds: attribute names, partition keys, texts of problems.
    let others = [
        "CHANGE",
        "TOO_MANY",
        "RATE_LIMIT_PREFIX",
        "SUPPRESSED",
        "FAILED_REFUNDS",
        "RETRIED_UNMATCHED",
        "LATE",
        "UNMATCHED_PREFIX",
        "OPEN_DISPUTES",
        "WRITTEN",
        "COUNT",
        "COUNT_ANEW",
        "DUE",
        "GIVEN_UP",
        "UNUSED",
        "EXPIRED",
        "EXPIRES",
        "GUESSES",
        "INVITATION_PREFIX",
        "SESSION_PREFIX",
        "LEADS_UNTIL",
        "NEEDS",
        "TAKE",
        "TITLES",
        "TORN",
        // A kind that no provider of this release has written: none of them drives its payments.
        "STATED",
    ];
    let mut kinds = BTreeSet::new();
    for (_, source) in crate::conventions::house::sources("shared/store/src") {
        for line in source.lines() {
            let Some((_, constant)) = line.split_once("const ") else { continue };
            let Some((name, value)) = constant.split_once(": &str = \"") else { continue };
            if !others.contains(&name) {
                kinds.insert(value.trim_end_matches("\";").to_owned());
            }
        }
    }
    kinds
}

#[tokio::test]
async fn every_order_of_the_first_release_is_shown_to_operator_vendor_and_buyer() {
    let restored = RestoredShop::of(FIRST).await;
    for (fate, state, history) in [
        ("awaiting", "awaiting_payment", &["placed"][..]),
        ("shipped", "paid", &["placed", "paid", "accepted", "shipped"]),
        ("expired", "expired", &["placed", "cancelled", "expired"]),
        ("cancelled", "cancelled", &["placed", "paid", "cancelled", "refund_queued", "cancelled", "refunded"]),
    ] {
        let seen = restored.seen_by_operator(fate).await;
        assert_eq!((text(&seen["state"]), &events(&seen)[..]), (state.to_owned(), &to_owned(history)[..]), "{fate}");
    }
    // Values that were renamed since are read by their old names.
    for fate in restored.release.names_with("order_") {
        let seen = restored.operator.get(&format!("/v1/admin/orders/{}", restored.release.named(&fate))).await;
        assert!(!events(seen.expect(200)).is_empty(), "{fate}");
    }
    let mine = all(&restored.buyer, "/v1/me/orders").await;
    assert_eq!(mine.len(), 1, "the buyer's own order");
    let own = all(&restored.vendor, "/v1/vendor/orders").await;
    assert!(own.len() >= 8, "{own:?}");
    for vendor_order in own {
        let path = format!("/v1/vendor/orders/{}", text(&vendor_order["id"]));
        let seen = restored.vendor.get(&path).await;
        // The release wrote the id with another prefix, for instance into its mail.
        let by_old_id = restored.vendor.get(&path.replace("/vor_", "/sub_")).await;
        assert_eq!(by_old_id.expect(200), seen.expect(200));
    }
}

fn to_owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn orders_of_the_first_release_go_on() {
    let restored = RestoredShop::of(FIRST).await;
    let vendor = &restored.vendor;
    let mut steps = BTreeMap::new();
    for vendor_order in all(vendor, "/v1/vendor/orders").await {
        let path = format!("/v1/vendor/orders/{}", text(&vendor_order["id"]));
        let step = match vendor_order["state"].as_str().expect("a state") {
            "pending" => "accept",
            "accepted" => "ship",
            "shipped" => "deliver",
            _ => continue,
        };
        let answer = vendor.post(&format!("{path}/{step}"), &json!({})).await;
        if answer.json["code"] == "payment_disputed" {
            continue;
        }
        answer.expect(200);
        steps.insert(step, answer.json["state"].clone());
    }
    assert_eq!(
        steps,
        [("accept", json!("accepted")), ("ship", json!("shipped")), ("deliver", json!("delivered"))].into()
    );
    let cancelled = restored.order("backordered").to_owned();
    let path = format!("/v1/admin/orders/{cancelled}/cancel");
    let answer = restored.operator.post(&path, &json!({})).await;
    answer.expect(200);
    assert_eq!(restored.seen_by_operator("backordered").await["state"], "cancelled");
}

#[tokio::test]
async fn the_lists_of_the_operator_find_what_the_first_release_wrote() {
    let restored = RestoredShop::of(FIRST).await;
    let operator = &restored.operator;
    for state in ["awaiting_payment", "confirmed", "paid", "expired", "cancelled"] {
        let listed = all(operator, &format!("/v1/admin/orders?state={state}")).await;
        assert!(!listed.is_empty(), "no order is {state}");
    }
    for path in [
        world::AMOUNT_MISMATCHES,
        world::UNMATCHED_PAYMENTS,
        "/v1/admin/refunds/failed",
        "/v1/admin/vendors?state=submitted",
        "/v1/admin/vendors?state=suspended",
    ] {
        assert!(!all(operator, path).await.is_empty(), "{path} is empty");
    }
}

#[tokio::test]
async fn vendor_orders_refunds_and_disputes_of_each_release_get_into_their_lists_by_state() {
    for release in [FIRST, "2026-11-30", UNSEALED, "2026-12-04", "2026-12-05", LATEST] {
        let restored = RestoredShop::of(release).await;
        let own = all(&restored.vendor, "/v1/vendor/orders").await;
        let by_state = async |state: &str| all(&restored.vendor, &format!("/v1/vendor/orders?state={state}")).await;
        let mut states: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for vendor_order in own {
            states.entry(text(&vendor_order["state"])).or_default().push(vendor_order);
        }
        assert!(states.len() > 2, "{states:?}");
        for (state, expected) in &states {
            assert_eq!(&by_state(state).await, expected, "{release} {state}");
        }
        let begun = restored.operator.post("/v1/admin/rebuilds", &json!({"what": "order_lists"})).await;
        begun.expect(202);
        restored.shop.wait_until_idle().await;
        let rebuilt = restored.operator.get(begun.header("location")).await.expect(200).clone();
        assert_eq!((&rebuilt["state"], &rebuilt["unreadable"]), (&json!("completed"), &json!(0)), "{rebuilt}");
        for (state, expected) in &states {
            assert_eq!(&by_state(state).await, expected, "{release} {state}");
        }
        let (mut refunds, mut disputes) = (BTreeSet::new(), BTreeSet::new());
        for fate in restored.release.names_with("order_") {
            let seen = restored.operator.get(&format!("/v1/admin/orders/{}", restored.release.named(&fate))).await;
            let ids = |name: &str| -> Vec<String> {
                seen.json[name].as_array().into_iter().flatten().map(|part| text(&part["id"])).collect()
            };
            refunds.extend(ids("refunds"));
            disputes.extend(ids("disputes"));
        }
        assert!(!refunds.is_empty() && !disputes.is_empty());
        for (path, expected) in [("/v1/admin/refunds", refunds), ("/v1/admin/disputes", disputes)] {
            let listed: BTreeSet<String> =
                all(&restored.operator, path).await.iter().map(|entry| text(&entry["id"])).collect();
            assert_eq!(listed, expected, "{release} {path}");
        }
    }
}

#[tokio::test]
async fn vendors_carts_and_jobs_of_the_first_release_can_be_read_and_changed() {
    let restored = RestoredShop::of(FIRST).await;
    let (shop, release, vendor) = (&restored.shop, &restored.release, &restored.vendor);
    let anon = shop.anon();
    let listed = all(&anon, "/v1/products?currency=USD").await;
    assert!(listed.len() >= 3, "{listed:?}");
    for product in &listed {
        anon.get(&format!("/v1/products/{}", text(&product["handle"]))).await.expect(200);
    }
    assert!(!anon.get("/v1/categories").await.expect(200)["items"].as_array().expect("a tree").is_empty());
    anon.get("/v1/vendors/ceramics").await.expect(200);
    for product in all(vendor, "/v1/vendor/products").await {
        let path = format!("/v1/vendor/products/{}", text(&product["id"]));
        let seen = vendor.get(&path).await;
        let variant = text(&seen.expect(200)["variants"][0]["id"]);
        vendor.put(&format!("{path}/variants/{variant}/stock"), &json!({"adjust": 1})).await.expect(200);
        vendor.post(&format!("{path}/unpublish"), &json!({})).await.expect(200);
    }
    for path in ["/v1/vendors/me", "/v1/vendors/me/members"] {
        vendor.get(path).await.expect(200);
    }
    vendor.patch("/v1/vendors/me", &json!({"phone": "+998 71 200 00 01"})).await.expect(200);
    for job in ["import", "export"] {
        let seen = vendor.get(&format!("/v1/vendor/{job}s/{}", release.named(job))).await;
        assert_eq!(seen.expect(200)["state"], "completed", "{job}");
        let listed = all(vendor, &format!("/v1/vendor/{job}s?limit=1")).await;
        assert!(listed.iter().any(|known| known["id"] == release.named(job)), "{listed:?}");
    }
    let import = vendor.get(&format!("/v1/vendor/imports/{}", release.named("import"))).await.expect(200).clone();
    assert_eq!(import["errors"].as_array().map(Vec::len), Some(2), "they were stored beside the import: {import}");
    let cart = format!("/v1/carts/{}", release.named("cart"));
    let lines = anon.get(&cart).await.expect(200)["groups"][0]["lines"].clone();
    let line = format!("{cart}/items/{}", text(&lines[0]["variant_id"]));
    anon.put(&line, &json!({"quantity": 0})).await.expect(200);
    // What was saved before more was needed of an address stays, beside a new one and without one.
    let mut book = restored.buyer.get("/v1/me/addresses").await.expect(200)["items"].clone();
    let kept = |book: &Value| -> Vec<Value> {
        let all = book.as_array().expect("items").iter();
        all.map(|saved| json!({"id": saved["id"], "address": saved["address"]})).collect()
    };
    let mut asked = kept(&book);
    asked.insert(0, json!({"address": crate::shop::address()}));
    let count = asked.len();
    book = restored.buyer.put("/v1/me/addresses", &json!({"items": asked})).await.expect(200)["items"].clone();
    assert_eq!(book.as_array().map(Vec::len), Some(count));
    for left in (0..count).rev() {
        let fewer: Vec<Value> = kept(&book).into_iter().skip(1).collect();
        book = restored.buyer.put("/v1/me/addresses", &json!({"items": fewer})).await.expect(200)["items"].clone();
        assert_eq!(book.as_array().map(Vec::len), Some(left));
    }
    assert_eq!(restored.buyer.get("/v1/me").await.expect(200)["name"], "Aziza");
}

#[tokio::test]
async fn a_browser_that_was_signed_in_under_the_release_before_still_is_and_languages_and_texts_are_kept() {
    let restored = RestoredShop::of(LATEST).await;
    let browser = restored.shop.browser();
    // A cookie begins with the bytes of the person's id, who has another one here.
    let mut cookie = URL_SAFE_NO_PAD.decode(restored.release.named("browser_session")).expect("a cookie");
    let id = restored.release.named("buyer").replace('-', "");
    let id = u128::from_str_radix(&id, 16).expect("an id").to_be_bytes();
    cookie.splice(..id.len(), id);
    let cookie = URL_SAFE_NO_PAD.encode(cookie);
    browser.set_cookie("session", &cookie);
    browser.visit("/en/account/profile").await.expect(200).shows("value=\"Aziza\"");
    browser.visit("/en/account/orders").await.expect(200);
    browser.submit("/en/sign-out", &[]).await.expect(303);
    browser.set_cookie("session", &cookie);
    browser.visit("/en/account").await.expect(303);
    assert_eq!(restored.buyer.get("/v1/me").await.expect(200)["language"], "ru");
    assert_eq!(restored.vendor.get("/v1/vendors/me").await.expect(200)["language"], "zh-Hans");
    restored.shop.browser().visit("/ru/delivery").await.expect(200).shows("Доставляем.");
}

#[tokio::test]
async fn a_product_of_the_release_before_languages_is_shown_to_all_and_gets_texts_in_them() {
    let restored = RestoredShop::of(LATEST).await;
    let anon = restored.shop.anon();
    let shown = anon.get("/v1/products/scarf?lang=ru").await.expect(200).clone();
    assert_eq!((&shown["title"], &shown["language"]), (&json!("scarf"), &Value::Null));
    let own = all(&restored.vendor, "/v1/vendor/products").await;
    let bowl = own.iter().find(|product| product["handle"] == "bowl").expect("a bowl");
    let path = format!("/v1/vendor/products/{}", text(&bowl["id"]));
    let mut written = restored.vendor.get(&path).await.expect(200).clone();
    let fields = written.as_object_mut().expect("an object");
    for shown_only in ["id", "state", "version", "created_at", "published_at", "hidden", "language"] {
        fields.remove(shown_only);
    }
    for variant in fields["variants"].as_array_mut().expect("variants") {
        let fields = variant.as_object_mut().expect("an object");
        for shown_only in ["on_hand", "reserved", "available", "price", "compare_at_price"] {
            fields.remove(shown_only);
        }
    }
    fields.insert("translations".to_owned(), json!({"ru": {"title": "Миска", "description_html": "<p>Глина</p>"}}));
    restored.vendor.with("if-match", "*").put(&path, &written).await.expect(200);
    let shown = anon.get("/v1/products/bowl?lang=ru").await.expect(200).clone();
    assert_eq!((&shown["title"], &shown["description_html"]), (&json!("Миска"), &json!("<p>Глина</p>")));
    let cards = all(&anon, "/v1/products?lang=ru").await;
    assert!(cards.iter().any(|card| card["title"] == "Миска"), "{cards:?}");
}

#[tokio::test]
async fn an_idempotency_key_of_the_first_release_replays_its_stored_response() {
    let restored = RestoredShop::of(FIRST).await;
    let release = &restored.release;
    // What was stored is given again byte by byte, also where today's document says more.
    let client = restored.shop.anon().with("idempotency-key", "once").of_earlier_release();
    let answer = client.post("/v1/checkout", release.body("checkout")).await;
    assert_eq!(answer.expect(201)["id"], json!(release.named("order_awaiting")));
    assert_eq!(answer.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn messages_of_the_first_release_are_processed() {
    let restored = RestoredShop::of(FIRST).await;
    restored.release.resend(&restored.shop);
    restored.shop.wait_until_idle().await;
    for (queue, messages) in restored.release.queues() {
        assert!(!messages.is_empty(), "{queue}");
        let depth = restored.shop.depth(queue);
        assert_eq!(depth.visible + depth.in_flight + depth.delayed, 0, "{queue} still holds messages");
    }
    for queue in [
        "OrderEventsDeadLetters",
        "ExportsDeadLetters",
        "FollowUpsDeadLetters",
        "ImportsDeadLetters",
        "PicturesDeadLetters",
        "ProjectionsDeadLetters",
    ] {
        assert_eq!(restored.shop.depth(queue).visible, 0, "{queue} has received a message that could not be processed");
    }
    let subjects = restored.shop.mail_to(restored.release.named("told"));
    assert!(!subjects.is_empty(), "the buyer of the pending order is notified");
}

#[test]
fn the_fixtures_of_the_first_release_are_complete() {
    let folder = release::folder(FIRST);
    let files = fs::read_dir(folder).expect("the fixtures").count();
    assert!(files >= 6, "a file for each table, one for the queues and one for the names");
}

#[tokio::test]
async fn a_picture_that_was_published_as_it_was_uploaded_is_shown_as_before_until_it_is_rebuilt() {
    let restored = RestoredShop::of(LATEST).await;
    let (shop, anon) = (&restored.shop, restored.shop.anon());
    let shown = async || anon.get("/v1/products/bowl").await.expect(200)["images"][1].clone();
    let before = shown().await;
    let (base, id) = before["url"].as_str().expect("an address").rsplit_once('/').expect("a path");
    assert_eq!(before, json!({"url": format!("{base}/{id}")}));
    let buckets = &shop.cloud.services().buckets;
    let bytes = crate::shop::pictures::png(400, 200, [64, 128, 192]);
    buckets.put("bozor-mediabucket", id, "image/png", bytes).await.expect("a bucket");
    let begun = restored.operator.post("/v1/admin/rebuilds", &json!({"what": "pictures"})).await;
    begun.expect(202);
    shop.wait_until_idle().await;
    let after = shown().await;
    assert_eq!((&after["width"], &after["sources"][0]["width"]), (&json!(400), &json!(320)), "{after}");
    assert_eq!(anon.get(before["url"].as_str().expect("an address")).await.status, 403, "what has a position is gone");
    anon.get(after["url"].as_str().expect("an address")).await.expect(200);
    // What cannot be written anew stays as it is.
    let rebuilt = restored.operator.get(begun.header("location")).await.expect(200).clone();
    assert_eq!((&rebuilt["state"], &rebuilt["unreadable"]), (&json!("completed"), &json!(0)), "{rebuilt}");
}
