//! Functions are replaced one by one, so today's release changes what a newer one has written. Here the newer one is
//! today's with one more field in every object, one more attribute on every item, and one more value of every enum.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{FIRST, RestoredShop, all};
use crate::shop::invariants::{items, put_item};
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, text};
use crate::shop::{Answer, Client, Shop};

/// What a newer release has added to every object.
const ADDED: &str = "from_tomorrow";
/// The attribute that a newer release has added to every item, for an index of its own.
const ADDED_ATTRIBUTE: &str = "tomorrow_key";
/// The tables with items that this release reads and writes again.
pub(super) const TABLES: [&str; 6] =
    ["AccountsTable", "CartsTable", "CatalogTable", "OrdersTable", "SettingsTable", "StockTable"];
/// Objects whose keys are ids or attribute names, by kind of item: they are maps, and nobody adds fields to a map.
#[rustfmt::skip]
const MAPS: [(&str, &str); 8] = [
    ("product", "pictures"), ("product", "translations"), ("availability", "available"), ("export", "after"),
    ("cart", "shipping"), ("import", "mapping"), ("column_mapping", "columns"), ("file_columns", "columns"),
];

/// Adds a field to every object, and counts them.
fn grow(of_kind: &str, value: &mut Value) {
    match value {
        // By language as a whole.
        Value::Object(_) if of_kind == "descriptions" => {}
        Value::Object(fields) => {
            for (name, nested) in fields.iter_mut() {
                if !MAPS.contains(&(of_kind, name.as_str())) {
                    grow(of_kind, nested);
                }
            }
            fields.insert(ADDED.to_owned(), json!({"kind": "new", "count": 1}));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| grow(of_kind, element)),
        _ => {}
    }
}

/// Whether a document is parsed when it is read: stored responses and cards are passed on as they are.
fn is_read_again(item: &Value) -> bool {
    !["idempotency", "listing"].contains(&kind(item))
}

pub(super) fn kind(item: &Value) -> &str {
    item["kind"]["S"].as_str().unwrap_or_default()
}

fn data(item: &Value) -> Option<Value> {
    serde_json::from_str(item["data"]["S"].as_str()?).ok()
}

fn key_of(item: &Value) -> String {
    format!("{} / {}", text(&item["pk"]["S"]), text(&item["sk"]["S"]))
}

/// Rewrites every stored item that has a document.
async fn rewrite(shop: &Shop, change: impl Fn(&mut Value, &mut Value) -> bool) -> usize {
    let mut changed = 0;
    for table in TABLES {
        for mut item in items(shop, table).await {
            let Some(mut document) = data(&item) else { continue };
            if change(&mut item, &mut document) {
                item["data"] = json!({"S": document.to_string()});
                put_item(shop, table, &item).await;
                changed += 1;
            }
        }
    }
    shop.wait_until_idle().await;
    changed
}

/// The items by key, with how often a newer release's field is in each.
async fn grown(shop: &Shop) -> BTreeMap<String, (String, usize, bool)> {
    let mut found = BTreeMap::new();
    for table in TABLES {
        for item in items(shop, table).await {
            let text = item["data"]["S"].as_str().unwrap_or_default();
            let fields = text.matches(ADDED).count();
            found.insert(key_of(&item), (kind(&item).to_owned(), fields, item.get(ADDED_ATTRIBUTE).is_some()));
        }
    }
    found
}

/// The payment of an order of the release, as it is stored.
async fn payment_of(restored: &RestoredShop, fate: &str) -> Value {
    let partition = format!("ORDER#{}", restored.order(fate));
    let found = items(&restored.shop, "OrdersTable").await;
    let payment = found.iter().find(|item| item["pk"]["S"] == partition.as_str() && kind(item) == "payment");
    payment.and_then(data).unwrap_or_else(|| panic!("{fate} has a payment"))
}

/// A webhook of Stripe that is taken.
async fn stripe_tells(shop: &Shop, name: &str, object: &Value) {
    stripe_says(shop, name, object).await.expect(200);
}

async fn stripe_says(shop: &Shop, name: &str, object: &Value) -> Answer {
    let now = shop.cloud.now();
    let event = json!({
        "id": format!("evt_{}", now.millis()), "object": "event", "created": now.seconds(), "livemode": false, "type": name,
        "data": {"object": object},
    });
    let signed = payments::stripe::sign(event.to_string().as_bytes(), now, "whsec_local");
    shop.anon().with("stripe-signature", signed).post("/v1/webhooks/stripe", &event).await
}

/// One order is paid, and another one disputed: a dispute that is lost in the end.
async fn tell_of_money(restored: &RestoredShop) {
    let awaiting = payment_of(restored, "awaiting").await;
    let intent = json!({
        "id": awaiting["reference"], "object": "payment_intent", "amount": 1750, "amount_received": 1750,
        "currency": "usd", "status": "succeeded", "metadata": {"order_id": awaiting["order"]},
    });
    stripe_tells(&restored.shop, "payment_intent.succeeded", &intent).await;
    let shipped = payment_of(restored, "shipped").await;
    for (name, status) in [("charge.dispute.created", "needs_response"), ("charge.dispute.closed", "lost")] {
        let dispute = Sale::dispute(shipped["reference"].as_str().expect("a reference"), status);
        stripe_tells(&restored.shop, name, &dispute).await;
        restored.shop.wait_until_idle().await;
    }
}

/// Everything that vendor, buyer and operator can do with what is stored. Nothing of it may be a failure of ours.
async fn use_everything(restored: &RestoredShop) -> usize {
    let (shop, vendor, operator, buyer) = (&restored.shop, &restored.vendor, &restored.operator, &restored.buyer);
    let mut done = 0;
    let mut see = |answer: &Answer, what: &str| {
        assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.json);
        done += usize::from(answer.status < 300);
    };
    for fate in restored.release.names_with("order_") {
        let path = format!("/v1/admin/orders/{}", restored.release.named(&fate));
        see(&operator.get(&path).await, &fate);
    }
    for vendor_order in all(vendor, "/v1/vendor/orders").await {
        let path = format!("/v1/vendor/orders/{}", text(&vendor_order["id"]));
        for step in ["accept", "ship", "deliver"] {
            see(&vendor.post(&format!("{path}/{step}"), &json!({})).await, step);
        }
    }
    for fate in ["backordered", "paid", "on_delivery", "amount_differs"] {
        let path = format!("/v1/admin/orders/{}/cancel", restored.order(fate));
        see(&operator.post(&path, &json!({})).await, fate);
    }
    tell_of_money(restored).await;
    for product in all(vendor, "/v1/vendor/products").await {
        let path = format!("/v1/vendor/products/{}", text(&product["id"]));
        let seen = vendor.get(&path).await;
        let mut document = seen.expect(200).clone();
        document["title"] = json!(format!("{} again", text(&document["title"])));
        let writable =
            ["title", "handle", "options", "variants", "images", "tags", "seo", "description_html", "category"];
        let document: serde_json::Map<String, Value> = document
            .as_object()
            .expect("a product")
            .clone()
            .into_iter()
            .filter(|(name, value)| writable.contains(&name.as_str()) && !value.is_null())
            .collect();
        let put = vendor.clone().with("if-match", "*").put(&path, &Value::Object(document)).await;
        see(&put, "a product is put");
        let variant = text(&seen.json["variants"][0]["id"]);
        see(&vendor.put(&format!("{path}/variants/{variant}/stock"), &json!({"adjust": 1})).await, "stock");
        see(&vendor.post(&format!("{path}/unpublish"), &json!({})).await, "unpublish");
        see(&vendor.post(&format!("{path}/publish"), &json!({})).await, "publish");
    }
    see(&vendor.patch("/v1/vendors/me", &json!({"phone": "+998 71 200 00 01"})).await, "vendor");
    let invite = json!({"contact": "helper@people.test", "role": "manager"});
    see(&vendor.post("/v1/vendors/me/invitations", &invite).await, "invitation");
    let token = json!({"token": shop.invitation_for("helper@people.test").await});
    // The user pool is no fixture: the name that the release has kept for them is taken up.
    let helper = shop.buyer("helper").await;
    see(&helper.post("/v1/invitations/accept", &token).await, "member");
    let cart = format!("/v1/carts/{}", restored.release.named("cart"));
    let anon = shop.anon();
    see(&anon.patch(&cart, &json!({"email": "somebody@people.test"})).await, "cart");
    let seen = anon.get(&cart).await;
    let line = text(&seen.expect(200)["groups"][0]["lines"][0]["variant_id"]);
    see(&anon.put(&format!("{cart}/items/{line}"), &json!({"quantity": 3})).await, "line");
    see(&buyer.patch("/v1/me", &json!({"name": "Aziza K."})).await, "profile");
    let mut book = buyer.get("/v1/me/addresses").await.expect(200).clone();
    for saved in book["items"].as_array_mut().expect("addresses") {
        *saved = json!({"id": saved["id"], "address": saved["address"]});
        saved["address"]["line2"] = json!("second floor");
    }
    see(&buyer.clone().with("if-match", "*").put("/v1/me/addresses", &json!({"items": book["items"]})).await, "book");
    let mut tree = operator.get("/v1/admin/categories").await.expect(200).clone();
    tree["items"][0]["name"] = json!("Tables");
    let put =
        operator.clone().with("if-match", "*").put("/v1/admin/categories", &json!({"items": tree["items"]})).await;
    see(&put, "categories");
    // Settings, rebuilds and suppressions, as far as the release had them.
    let unpaid = "/v1/admin/settings/limits/unpaid-orders";
    let any_version = operator.clone().with("if-match", "*");
    see(&any_version.put(unpaid, &json!({"most": 30})).await, "a setting");
    see(&any_version.delete(unpaid).await, "a setting is set back");
    see(&any_version.post(&format!("{unpaid}/restore"), &json!({"version": 1})).await, "a setting is restored");
    for what in ["availability", "listings", "categories", "settings"] {
        see(&operator.post("/v1/admin/rebuilds", &json!({"what": what})).await, what);
        shop.wait_until_idle().await;
    }
    for suppressed in all(operator, "/v1/admin/suppressions").await {
        let lifted = json!({"email": suppressed["email"]});
        see(&operator.json(Method::DELETE, "/v1/admin/suppressions", &lifted).await, "a suppression is lifted");
    }
    for (step, vendor) in [("suspend", "closing"), ("reinstate", "closing")] {
        let path = format!("/v1/admin/vendors/{}/{step}", restored.release.named(vendor));
        see(&operator.post(&path, &json!({"reason": "a reason"})).await, step);
    }
    restored.release.resend_grown(shop, |job| grow("a job", job));
    shop.wait_until_idle().await;
    for _ in 0..3 {
        shop.advance(HOUSEKEEPING_INTERVAL).await;
        shop.wait_until_idle().await;
    }
    for path in ["/v1/products?currency=USD", "/v1/products/bowl", "/v1/categories", "/v1/vendors/ceramics"] {
        see(&anon.get(path).await, path);
    }
    done
}

#[tokio::test]
async fn nothing_that_a_newer_release_has_added_is_lost_by_any_change() {
    let restored = RestoredShop::of(super::LATEST).await;
    let shop = &restored.shop;
    let changed = rewrite(shop, |item, document| {
        grow(kind(item), document);
        item[ADDED_ATTRIBUTE] = json!({"S": "NEW#1"});
        is_read_again(item)
    })
    .await;
    assert!(changed > 100, "{changed} items");
    let before = grown(shop).await;
    let done = use_everything(&restored).await;
    assert!(done > 60, "only {done} calls did something");
    let after = grown(shop).await;
    let mut lost = Vec::new();
    for (key, (kind, fields, attribute)) in &before {
        // Made anew from the product with each change, and again by a newer release.
        if kind == "listing" || kind == "description" {
            continue;
        }
        // A new one takes the place of one that is over.
        if kind == "rebuild" {
            continue;
        }
        let Some((_, left, attribute_left)) = after.get(key) else { continue };
        if left < fields || attribute_left < attribute {
            lost.push(format!("{kind} {key}: {fields} fields before, {left} after; attribute {attribute_left}"));
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    for queue in ["OrderEventsDeadLetters", "ImportsDeadLetters", "ProjectionsDeadLetters"] {
        assert_eq!(shop.depth(queue).visible, 0, "{queue}");
    }
}

/// The documents of an order.
async fn documents_of(shop: &Shop, partition: &str) -> BTreeMap<String, Value> {
    let found = items(shop, "OrdersTable").await.into_iter().filter(|item| item["pk"]["S"] == partition);
    found.map(|item| (key_of(&item), item["data"].clone())).collect()
}

/// Stripe's webhook about a dispute of an order's payment that nobody has heard of.
async fn dispute_of(restored: &RestoredShop, order: &str) -> Answer {
    let partition = format!("ORDER#{order}");
    let found = items(&restored.shop, "OrdersTable").await;
    let payment = found.iter().find(|item| item["pk"]["S"] == partition.as_str() && kind(item) == "payment");
    let reference = text(&payment.and_then(data).expect("a payment")["reference"]);
    let mut dispute = Sale::dispute(&reference, "needs_response");
    dispute["id"] = json!("dp_another");
    stripe_says(&restored.shop, "charge.dispute.created", &dispute).await
}

/// One more value of an enum: in which kind of item, where, and the calls that show it and that change it.
struct NewValue {
    kind: &'static str,
    pointer: &'static str,
    of_order: Option<&'static str>,
}

const NEW_VALUES: [NewValue; 8] = [
    NewValue { kind: "order", pointer: "/state", of_order: Some("paid") },
    NewValue { kind: "order", pointer: "/provider", of_order: Some("paid") },
    NewValue { kind: "order", pointer: "/history/0/by", of_order: Some("paid") },
    NewValue { kind: "vendor_order", pointer: "/state", of_order: Some("paid") },
    NewValue { kind: "payment", pointer: "/state", of_order: Some("paid") },
    NewValue { kind: "payment", pointer: "/action/type", of_order: Some("awaiting") },
    NewValue { kind: "refund", pointer: "/reason", of_order: Some("refund_failed") },
    NewValue { kind: "dispute", pointer: "/state", of_order: Some("disputed") },
];

#[tokio::test]
async fn an_order_in_a_state_of_a_newer_release_is_shown_and_every_change_of_it_is_told_to_come_again() {
    let restored = RestoredShop::of(super::UNSEALED).await;
    let shop = &restored.shop;
    for NewValue { kind: of_kind, pointer, of_order } in NEW_VALUES {
        let order = restored.order(of_order.expect("an order")).to_owned();
        let partition = format!("ORDER#{order}");
        let mut before = Vec::new();
        for mut item in items(shop, "OrdersTable").await {
            if item["pk"]["S"] != partition.as_str() || kind(&item) != of_kind {
                continue;
            }
            let Some(mut document) = data(&item) else { continue };
            let Some(value) = document.pointer_mut(pointer) else { panic!("{of_kind} has no {pointer}: {document}") };
            *value = json!("frozen");
            before.push(item.clone());
            item["data"] = json!({"S": document.to_string()});
            put_item(shop, "OrdersTable", &item).await;
        }
        assert!(!before.is_empty(), "{of_kind} {pointer}");
        let path = format!("/v1/admin/orders/{order}");
        let seen = restored.operator.get(&path).await;
        // The order's own provider is shown by its payments, and an action to the buyer only.
        let is_shown = !["/provider", "/action/type"].contains(&pointer);
        let shown = seen.expect(200).to_string();
        assert!(!is_shown || shown.contains("\"other\""), "{of_kind} {pointer}: {shown}");
        all(&restored.operator, "/v1/admin/orders?state=paid").await;
        all(&restored.vendor, "/v1/vendor/orders").await;
        let refused = restored.operator.post(&format!("{path}/cancel"), &json!({})).await;
        assert_eq!(refused.expect(503)["code"], "newer_data", "{of_kind} {pointer}");
        assert_eq!(refused.header("retry-after"), "60");
        let webhook = dispute_of(&restored, &order).await;
        assert_eq!(webhook.expect(503)["code"], "newer_data", "a webhook: {of_kind} {pointer}");
        assert_eq!(webhook.header("retry-after"), "60");
        let stored = documents_of(shop, &partition).await;
        shop.advance(HOUSEKEEPING_INTERVAL).await;
        shop.wait_until_idle().await;
        assert_eq!(documents_of(shop, &partition).await, stored, "housekeeping: {of_kind} {pointer}");
        for item in before {
            put_item(shop, "OrdersTable", &item).await;
        }
    }
}

/// Sets a value in each item of a kind that has it, and returns how many there were.
async fn set(shop: &Shop, of_kind: &str, pointer: &str, value: &str) -> usize {
    rewrite(shop, |item, document| {
        let found = (kind(item) == of_kind).then(|| document.pointer_mut(pointer)).flatten();
        found.map(|found| *found = json!(value)).is_some()
    })
    .await
}

async fn is_refused(client: &Client, method: Method, path: &str, body: &Value) {
    let body = body.to_string().into_bytes();
    let answer = client.clone().with("if-match", "*").send(method, path, Some(body), "application/json").await;
    assert_eq!(answer.expect(503)["code"], "newer_data", "{path}");
}

#[tokio::test]
async fn products_vendors_and_members_of_a_newer_release_are_shown_and_not_changed() {
    let restored = RestoredShop::of(super::LATEST).await;
    let (shop, vendor) = (&restored.shop, &restored.vendor);
    let products = all(vendor, "/v1/vendor/products").await;
    let sketch = products.iter().find(|product| product["handle"] == "sketch");
    let product = text(&sketch.expect("a product that nobody has ordered")["id"]);
    let path = format!("/v1/vendor/products/{product}");
    assert!(set(shop, "product", "/state", "frozen").await > 3);
    assert_eq!(vendor.get(&path).await.expect(200)["state"], "other");
    is_refused(vendor, Method::POST, &format!("{path}/publish"), &json!({})).await;
    is_refused(vendor, Method::DELETE, &path, &json!({})).await;
    assert_eq!(shop.anon().get("/v1/products/bowl").await.status, 404, "what is not surely published is not shown");
    let cart = format!("/v1/carts/{}", restored.release.named("cart"));
    shop.anon().get(&cart).await.expect(200);

    assert!(set(shop, "member", "/role", "apprentice").await >= 1);
    assert_eq!(vendor.get("/v1/vendor/orders").await.status, 403, "an unknown role allows nothing");
    vendor.get("/v1/me").await.expect(200);
    assert!(set(shop, "member", "/role", "owner").await >= 1);

    let vendor_id = text(&vendor.get("/v1/vendors/me").await.expect(200)["id"]);
    assert!(set(shop, "vendor", "/state", "dormant").await >= 4);
    let seen = restored.operator.get(&format!("/v1/admin/vendors/{}", restored.release.named("closing"))).await;
    assert_eq!(seen.expect(200)["state"], "other");
    let suspend = format!("/v1/admin/vendors/{}/suspend", restored.release.named("closing"));
    is_refused(&restored.operator, Method::POST, &suspend, &json!({"reason": "a reason"})).await;
    // A state that is not known is no approved one, so the shop has to be named.
    let named = vendor.clone().with("vendor-id", vendor_id);
    let changed = named.patch("/v1/vendors/me", &json!({"phone": "+998 71 200 00 02"})).await;
    changed.expect_problem(403, "vendor_suspended");
}

#[tokio::test]
async fn an_item_that_cannot_be_read_stops_no_list_no_job_and_no_other_item() {
    let restored = RestoredShop::of(super::LATEST).await;
    let (shop, operator, vendor) = (&restored.shop, &restored.operator, &restored.vendor);
    let counts = async || {
        let mut counts = BTreeMap::new();
        for path in ["/v1/admin/orders?state=paid", "/v1/admin/refunds/failed", "/v1/admin/vendors?state=approved"] {
            counts.insert(path, all(operator, path).await.len());
        }
        counts.insert("vendor orders", all(vendor, "/v1/vendor/orders").await.len());
        counts.insert("products", all(vendor, "/v1/vendor/products").await.len());
        counts
    };
    let before = counts().await;
    // The first of each kind becomes unreadable.
    let mut poisoned = BTreeMap::new();
    for table in TABLES {
        for mut item in items(shop, table).await {
            let of_ceramics = !item.to_string().contains(restored.release.named("closing"));
            let poison =
                ["order", "vendor_order", "refund", "product", "availability", "listing", "event", "unclaimed"];
            if !poison.contains(&kind(&item)) || !of_ceramics || poisoned.contains_key(kind(&item)) {
                continue;
            }
            if kind(&item) == "order" && data(&item).is_none_or(|document| document["state"] != "paid") {
                continue;
            }
            if kind(&item) == "refund" && item["state_key"]["S"] != "REFUND#stranded" {
                continue;
            }
            poisoned.insert(kind(&item).to_owned(), key_of(&item));
            item["data"] = json!({"S": "no document"});
            put_item(shop, table, &item).await;
        }
    }
    assert_eq!(poisoned.len(), 8, "{poisoned:?}");
    let after = counts().await;
    assert_eq!(after["/v1/admin/orders?state=paid"] + 1, before["/v1/admin/orders?state=paid"], "{poisoned:?}");
    assert_eq!(after["/v1/admin/refunds/failed"] + 1, before["/v1/admin/refunds/failed"]);
    assert_eq!(after["/v1/admin/vendors?state=approved"], before["/v1/admin/vendors?state=approved"]);
    assert!(after["vendor orders"] + 1 >= before["vendor orders"] && after["products"] + 1 >= before["products"]);
    all(operator, super::world::UNMATCHED_PAYMENTS).await;
    all(&shop.anon(), "/v1/products?currency=USD").await;
    // Jobs and batches go on with everything else.
    restored.release.resend(shop);
    shop.wait_until_idle().await;
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    shop.wait_until_idle().await;
    let made = vendor.post("/v1/vendor/exports", &json!({})).await;
    let export = format!("/v1/vendor/exports/{}", text(&made.expect(202)["id"]));
    let vendor_id = restored.release.named("closing");
    let suspend = format!("/v1/admin/vendors/{vendor_id}/suspend");
    operator.post(&suspend, &json!({"reason": "a reason"})).await;
    shop.wait_until_idle().await;
    assert_eq!(vendor.get(&export).await.expect(200)["state"], "completed");
}

#[tokio::test]
async fn types_of_the_first_release_and_of_a_newer_one_take_turns() {
    let restored = RestoredShop::of(FIRST).await;
    let shop = &restored.shop;
    // What today's release has written of the first one's items, a newer one changes, and today's again.
    use_everything(&restored).await;
    rewrite(shop, |item, document| {
        grow(kind(item), document);
        is_read_again(item)
    })
    .await;
    let before = grown(shop).await;
    let operator = &restored.operator;
    for fate in ["paid", "refused", "shipped", "late"] {
        operator.get(&format!("/v1/admin/orders/{}", restored.order(fate))).await.expect(200);
    }
    tell_of_money(&restored).await;
    shop.wait_until_idle().await;
    let after = grown(shop).await;
    let lost: Vec<_> = before
        .iter()
        .filter(|(key, (kind, fields, _))| {
            kind != "listing" && after.get(*key).is_some_and(|(_, left, _)| left < fields)
        })
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}
