//! The world of the fixtures: a marketplace with every kind of item and message that the code stores.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud::faults::{Fault, Kind};
use reqwest::Method;
use serde_json::{Value, json};

use super::sub;
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, PAST_PAYMENT_DEADLINE, Sale, text};
use crate::shop::{Client, Guest, Product, Shop, Vendor, address};

/// The path of the list of payments with an amount mismatch.
pub(super) const AMOUNT_MISMATCHES: &str = "/v1/admin/payments?state=amount_mismatch";
/// The path of the list of unmatched payments.
pub(super) const UNMATCHED_PAYMENTS: &str = "/v1/admin/payments/unmatched";

/// A product file with one good row and one that is not.
const FILE: &str = "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price,Image Src\n\
    red-bowl,Red bowl,BOWL-RED,3,9.50,https://pictures.test/red.png\nbad-bowl,Bad bowl,BOWL-BAD,many,x,\n";

type Names = BTreeMap<String, Value>;

struct World<'a> {
    shop: &'a Shop,
    vendor: Vendor,
    names: Names,
}

/// Makes the world, stops its event sources, and returns the recorded ids and bodies by name.
pub(super) async fn make(shop: &Shop) -> Names {
    let bowls = json!([{"handle": "bowls", "name": "Bowls"}]);
    let tree = json!({"items": [{"handle": "tableware", "name": "Tableware", "children": bowls}]});
    shop.operator().await.with("if-match", "*").put("/v1/admin/categories", &tree).await.expect(200);
    write_settings(shop).await;
    write_key(shop).await;
    let unpaid = json!({"most": 40});
    let chief = shop.operator().await.with("if-match", "*");
    chief.put("/v1/admin/settings/limits/unpaid-orders", &unpaid).await.expect(200);
    let vendor = shop.vendor("ceramics").await;
    let mut world = World { shop, names: Names::new(), vendor };
    world.names.insert("owner".to_owned(), json!(sub(&world.vendor.client).await));
    let products = world.products().await;
    world.other_vendors().await;
    world.jobs().await;
    world.carts(&products).await;
    world.buyer(&products).await;
    world.orders(&products).await;
    world.unmatched_payments().await;
    super::people::meet(shop, &world.vendor).await;
    let begun = shop.operator().await.post("/v1/admin/rebuilds", &json!({"what": "listings"})).await;
    shop.mail_bounced("gone@guests.test").await;
    world.record_name("rebuild", begun.expect(202)["id"].clone());
    shop.wait_until_idle().await;
    world.pending_work(&products).await;
    super::people::leave(shop).await;
    world.names
}

/// Writes the default settings, so that their table has an item.
async fn write_settings(shop: &Shop) {
    let services = shop.cloud.services();
    let table = &services.template.table("SettingsTable").expect("a table").name;
    let mut settings = domain::settings::Settings { version: 1, ..domain::settings::Settings::default() };
    settings.phone_messages.channels = vec![domain::settings::PhoneChannel::Sms];
    let item = json!({
        "pk": {"S": "SHOP"}, "sk": {"S": "SETTINGS"}, "kind": {"S": "settings"}, "version": {"N": "1"},
        "data": {"S": serde_json::to_string(&settings).expect("JSON")},
    });
    let put = json!({"TableName": table, "Item": item}).to_string();
    services.dynamodb.call(&cloud::dynamodb::Caller::root(), "PutItem", put.as_bytes()).await;
}

/// Writes a row of Keys: no order has one yet.
async fn write_key(shop: &Shop) {
    let (order, bytes) = (domain::OrderId::from_bits(1), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    let item = json!({
        "pk": {"S": format!("KEY#{order}")}, "sk": {"S": "KEY"}, "kind": {"S": "key"}, "version": {"N": "1"},
        "data": {"S": json!({"bytes": bytes}).to_string()},
    });
    shop.put_stored("KeysTable", &item).await;
}

/// What is said of a bowl of two sizes in another language.
fn translations() -> Value {
    let sizes = json!({"name": "Размер", "values": {"S": "Малая", "L": "Большая"}});
    json!({"ru": {
        "title": "Миска", "description_html": "<p>Ручная работа.</p>", "seo": {"title": "Миска"},
        "options": {"Size": sizes},
    }})
}

struct Products {
    bowl: Product,
    rare: Product,
    scarf: Product,
}

impl World<'_> {
    fn record_name(&mut self, name: &str, value: impl Into<Value>) {
        self.names.insert(name.to_owned(), value.into());
    }

    async fn products(&mut self) -> Products {
        self.vendor.has_picture(self.shop).await;
        let picture = json!({"content_type": "image/png", "size": 68});
        let media = self.vendor.client.post("/v1/vendor/media", &picture).await;
        let media = media.expect(201)["src"].clone();
        let usd = |amount: &str| json!({"amount": amount, "currency": "USD"});
        let variants = json!([
            {
                "sku": "BOWL-S", "options": {"Size": "S"}, "prices": [usd("12.50"), {"amount": "150000.00", "currency": "UZS"}],
                "compare_at_prices": [usd("15.00")], "on_hand": 90, "shards": 4, "grams": 300, "sale_unit": {"unit": "kg", "step": "0.3"}, "low_stock_at": 80,
            },
            {"sku": "BOWL-L", "options": {"Size": "L"}, "prices": [usd("20.00")], "on_hand": 5},
        ]);
        let bowl = self
            .vendor
            .product("bowl")
            .set("description_html", json!("<p>Made by hand.</p>"))
            .set("category", json!("bowls"))
            .set("options", json!([{"name": "Size", "values": ["S", "L"]}]))
            .set("variants", variants)
            .set("images", json!([{"src": "https://pictures.test/bowl.jpg", "alt": "A bowl"}, {"src": media}]))
            .set("tags", json!(["handmade", "blue"]))
            .set("seo", json!({"title": "Bowl", "description": "A bowl"}))
            .set("language", json!("en"))
            .set("translations", translations())
            .publish()
            .await;
        let oversold_variants = |inventory_policy: &str| {
            json!([{
                "prices": [usd("99.00")], "on_hand": 1, "inventory_policy": inventory_policy, "available_from": "2027-06-01T00:00:00Z",
                "oversell_limit": 5,
            }])
        };
        let rare = self.vendor.product("rare").set("variants", oversold_variants("backorder")).publish().await;
        self.vendor.product("early").set("variants", oversold_variants("preorder")).publish().await;
        self.vendor.product("sketch").draft().await;
        let silk = self.shop.vendor("silk").await;
        let scarf = silk.product("scarf").stock(20).publish().await;
        Products { bowl, rare, scarf }
    }

    /// Vendors in every state, with a document and a member.
    async fn other_vendors(&mut self) {
        let shop = self.shop;
        let operator = shop.operator().await;
        shop.applicant("draft").await.product("outline").draft().await;
        let submitted = shop.applicant("submitted").await;
        let paper =
            json!({"kind": "identity", "filename": "passport.pdf", "content_type": "application/pdf", "size": 4});
        let noted = submitted.client.post("/v1/vendors/me/documents", &paper).await.expect(201).clone();
        submitted.client.upload(&noted["upload"], b"%PDF").await.expect(200);
        submitted.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        let rejected = shop.applicant("rejected").await;
        rejected.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        let reason = json!({"reason": "a reason"});
        operator.post(&format!("/v1/admin/vendors/{}/reject", rejected.id), &reason).await.expect(200);
        let suspended = shop.vendor("suspended").await;
        suspended.product("hidden").stock(1).publish().await;
        operator.post(&format!("/v1/admin/vendors/{}/suspend", suspended.id), &reason).await.expect(200);
        let closing = shop.vendor("closing").await;
        closing.product("last-one").stock(1).publish().await;
        self.record_name("closing", closing.id);
        self.vendor.client.patch("/v1/vendors/me", &json!({"language": "zh-Hans"})).await.expect(200);
        let published = json!({"texts": {"uz": "Yetkazamiz.", "ru": "Доставляем."}});
        operator.post("/v1/admin/terms/delivery", &published).await.expect(200);
        shop.buyer("helper").await;
        shop.member(&self.vendor.client, "helper@people.test", "fulfilment").await;
        shop.wait_until_idle().await;
    }

    async fn jobs(&mut self) {
        let client = &self.vendor.client;
        let sent = client.send(Method::POST, "/v1/vendor/imports?publish=true", Some(FILE.into()), "text/csv").await;
        let import = sent.expect(202)["id"].clone();
        self.shop.wait_until_idle().await;
        // A file of another system, with a column that is only kept.
        let columns = json!({"columns": {"Kod": "sku", "Nomi": "title", "Narxi": "price"}});
        client.put("/v1/vendor/import-mapping", &columns).await.expect(200);
        let mapped = "Kod,Nomi,Narxi,Ombor\nM-1,Mapped cup,4.00,A2\n";
        client.send(Method::POST, "/v1/vendor/imports", Some(mapped.into()), "text/csv").await.expect(202);
        self.shop.wait_until_idle().await;
        let export = client.post("/v1/vendor/exports", &json!({})).await.expect(202)["id"].clone();
        self.shop.wait_until_idle().await;
        self.record_name("import", import);
        self.record_name("export", export);
    }

    async fn carts(&mut self, products: &Products) {
        let guest = self.shop.guest().await.takes(&[(&products.bowl, 2), (&products.scarf, 1)]).await;
        self.record_name("cart", guest.cart.clone());
        let keyed = guest.client.clone().with("idempotency-key", "line");
        keyed
            .put(&guest.path(&format!("/items/{}", products.bowl.variants[1])), &json!({"quantity": 1}))
            .await
            .expect(200);
    }

    /// A buyer with a profile, addresses, a claimed cart and an order.
    async fn buyer(&mut self, products: &Products) {
        let client = self.shop.buyer("aziza").await;
        self.record_name("buyer", sub(&client).await);
        client.patch("/v1/me", &json!({"name": "Aziza", "language": "ru"})).await.expect(200);
        let browser = self.shop.browser_of("aziza@people.test").await;
        self.record_name("browser_session", browser.cookie("session").expect("she is signed in"));
        let book = json!({"items": [{"address": address()}]});
        client.put("/v1/me/addresses", &book).await.expect(200);
        for units in [1, 2] {
            let guest = self.shop.guest().await.takes(&[(&products.bowl, units)]).await;
            let claimed = client.post(&guest.path("/claim"), &json!({})).await;
            let cart = text(&claimed.expect(200)["id"]);
            if units == 1 {
                let own = Guest { client: client.clone(), cart, email: "aziza@people.test".to_owned() };
                own.address().await.expect(200);
                let order = own.checks_out("cash_on_delivery", "mine").await.expect(201).clone();
                self.record_name("order_of_buyer", order["id"].clone());
            }
        }
    }

    /// An order by card, recorded by its fate, and what vendor, buyer and sandbox do with it.
    async fn order(&mut self, fate: &str, product: &Product, units: u32, acts: &[&str]) -> (Value, Guest) {
        let guest = self.shop.guest().await.takes(&[(product, units)]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        let id = text(&order["id"]);
        self.record_name(&format!("order_{fate}"), id.clone());
        for act in acts {
            match act.split_once(' ') {
                Some(("vendor", step)) => {
                    let path = format!("/v1/vendor/orders/{}/{step}", text(&order["vendors"][0]["id"]));
                    self.shop.sign_in_again(&product.vendor).await.post(&path, &json!({})).await.expect(200);
                }
                Some(("buyer", step)) => {
                    let client = self.reader(&order).with("idempotency-key", "off");
                    client.post(&format!("/v1/orders/{id}/{step}"), &json!({})).await.expect(200);
                }
                _ if *act == "a round" => self.shop.advance(HOUSEKEEPING_INTERVAL).await,
                _ => drop(self.shop.stripe(&id, act).await),
            }
            self.shop.wait_until_idle().await;
        }
        (order, guest)
    }

    fn reader(&self, order: &Value) -> Client {
        self.shop.anon().with("order-token", text(&order["token"]))
    }

    async fn orders(&mut self, products: &Products) {
        let (bowl, rare) = (&products.bowl, &products.rare);
        self.order("expired", bowl, 1, &[]).await;
        self.order("late", bowl, 1, &[]).await;
        self.shop.advance(PAST_PAYMENT_DEADLINE).await;
        let late = text(&self.names["order_late"]);
        let vendor = self.shop.sign_in_again(&bowl.vendor).await;
        let path = format!("/v1/vendor/products/{}/variants/{}/stock", bowl.id, bowl.variant);
        vendor.put(&path, &json!({"shards": 3})).await.expect(200);
        self.shop.stripe(&late, "succeed_late").await;
        self.order("declined_card", bowl, 1, &["fail"]).await;
        self.order("cancelled", bowl, 1, &["succeed", "buyer cancel", "a round"]).await;
        self.order("refused", bowl, 1, &["succeed", "vendor decline"]).await;
        self.order("refund_failed", bowl, 1, &["succeed", "vendor decline", "a round", "fail_refund"]).await;
        self.order("refunded_elsewhere", bowl, 1, &["succeed", "refund"]).await;
        self.order("amount_differs", bowl, 1, &["wrong_amount"]).await;
        self.order("disputed", bowl, 1, &["succeed", "dispute"]).await;
        self.order("won", bowl, 1, &["succeed", "dispute", "win_dispute"]).await;
        self.order("charged_back", bowl, 1, &["succeed", "dispute", "vendor decline", "lose_dispute"]).await;
        self.order("backordered", rare, 3, &["succeed"]).await;
        self.order("accepted", bowl, 1, &["succeed", "vendor accept"]).await;
        self.order("shipped", bowl, 1, &["succeed", "vendor accept", "vendor ship"]).await;
        self.order("delivered", bowl, 1, &["succeed", "vendor accept", "vendor ship", "vendor deliver"]).await;
        self.order("paid", bowl, 1, &["succeed"]).await;
        self.declined_in_part(products).await;
        // Both payment attempts of one order are captured.
        let faults = &self.shop.cloud.services().faults;
        faults.add(Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) });
        let (order, _) = self.order("twice", bowl, 1, &[]).await;
        let again = self.reader(&order).with("idempotency-key", "again");
        let path = format!("/v1/orders/{}/payments", text(&order["id"]));
        again.post(&path, &json!({"provider": "stripe"})).await.expect(201);
        faults.clear();
        self.shop.stripe(&text(&order["id"]), "succeed_twice").await;
    }

    /// A paid order from two vendors, one of which declines: its part is refunded.
    async fn declined_in_part(&mut self, products: &Products) {
        let guest = self.shop.guest().await.takes(&[(&products.bowl, 2), (&products.scarf, 3)]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        self.record_name("order_declined_in_part", order["id"].clone());
        self.shop.stripe(&text(&order["id"]), "succeed").await;
        self.shop.wait_until_idle().await;
        let vendor = self.shop.sign_in_again(&products.scarf.vendor).await;
        let own = vendor.get("/v1/vendor/orders").await.expect(200)["items"][0]["id"].clone();
        vendor.post(&format!("/v1/vendor/orders/{}/decline", text(&own)), &json!({})).await.expect(200);
        self.shop.wait_until_idle().await;
        self.shop.advance(HOUSEKEEPING_INTERVAL).await;
    }

    async fn unmatched_payments(&mut self) {
        let order = text(&self.names["order_paid"]);
        let intent = json!({
            "id": "pi_unknown", "object": "payment_intent", "amount": 1750, "amount_received": 1750, "currency": "usd",
            "status": "succeeded", "metadata": {"order_id": order},
        });
        let dispute = Sale::dispute("pi_nobodys", "needs_response");
        for (name, object) in [("payment_intent.succeeded", intent), ("charge.dispute.created", dispute)] {
            let now = self.shop.cloud.now();
            let event = json!({
                "id": format!("evt_{name}"), "object": "event", "created": now.seconds(), "livemode": false, "type": name,
                "data": {"object": object},
            });
            let signed = payments::stripe::sign(event.to_string().as_bytes(), now, "whsec_local");
            self.shop.anon().with("stripe-signature", signed).post("/v1/webhooks/stripe", &event).await.expect(200);
        }
    }

    /// Orders, jobs and uploads whose events and messages no function has processed: the sources stay stopped.
    async fn pending_work(&mut self, products: &Products) {
        let shop = self.shop;
        shop.cloud.kill_sources().await;
        // An order with a pending payment and event, and the request that replays its checkout.
        let guest = shop.guest().await.takes(&[(&products.bowl, 1)]).await;
        let total = guest.seen().await["totals"]["total"].clone();
        let order = guest.checks_out_for("stripe", "once", &total).await.expect(201).clone();
        let body = json!({
            "cart_id": guest.cart, "email": guest.email, "payment": {"provider": "stripe"}, "expected_total": total,
        });
        self.record_name("order_awaiting", order["id"].clone());
        self.record_name("checkout", body);
        let guest = shop.guest().await.takes(&[(&products.bowl, 1), (&products.scarf, 1)]).await;
        let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
        self.record_name("order_on_delivery", order["id"].clone());
        self.record_name("told", guest.email.clone());
        let vendor = shop.sign_in_again(&self.vendor).await;
        vendor.send(Method::POST, "/v1/vendor/imports", Some(FILE.into()), "text/csv").await.expect(202);
        vendor.post("/v1/vendor/exports", &json!({})).await.expect(202);
        let picture = b"\x89PNG\r\n\x1a\n";
        let asked = json!({"content_type": "image/png", "size": picture.len()});
        let media = vendor.post("/v1/vendor/media", &asked).await.expect(201).clone();
        vendor.upload(&media["upload"], picture).await.expect(200);
        let announced = json!({"filename": "bowls.csv", "size": FILE.len()});
        // Of another shop, since a shop has one import at a time.
        let silk = shop.sign_in("silk@people.test").await;
        let begun = silk.post("/v1/vendor/imports", &announced).await.expect(202).clone();
        silk.upload(&begun["upload"], FILE.as_bytes()).await.expect(200);
        let path = format!("/v1/admin/vendors/{}/suspend", text(&self.names["closing"]));
        shop.operator().await.post(&path, &json!({"reason": "a reason"})).await.expect(200);
        shop.queue_bounce("away@guests.test");
        shop.cloud.clock().advance(Duration::from_secs(1));
    }
}
