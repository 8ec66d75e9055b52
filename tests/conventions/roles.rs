//! IAM roles grant what is needed and nothing more.
//!
//! Three tests together show that every statement is needed. One exercises the whole marketplace and checks that each
//! action of each statement was used; one checks that no two statements of a role overlap, so that a call is refused
//! without its statement; and one removes statements and checks that such a refusal makes the function fail.

mod files;
mod pages;
mod phones;
mod staff;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cloud::iam::{Roles, Statement};
use cloud::sqs::MessageAttribute;
use domain::sealed::KeyOwner;
use local::seed::PASSWORD;
use local::{LocalCloud, Options};
use serde_json::{Value, json};

use crate::shop::pictures::dot;
use crate::shop::{App, Client, Guest, Product, Shop, Vendor, address};

/// Actions that are needed, but not exercised here: a sandbox in Lambda opens its connection by reading an absent key
/// (`store::connected`), a job of more than half a minute's work sends a message for its next slice, an import deletes
/// the listing rows of a product that leaves a category, and housekeeping reads stock only for a late payment of an
/// order that was ended concurrently.
const NOT_EXERCISED: [(&str, &str, &str); 7] = [
    // A person of an earlier release who never confirmed and signs up again.
    ("AccountFunction", "KeepPeople", "cognito-idp:AdminUpdateUserAttributes"),
    // An order that expires while its earlier payment is closed for another one, and was paid.
    ("CheckoutFunction", "TakeCart", "dynamodb:PutItem"),
    ("HousekeepingFunction", "ReleaseStock", "dynamodb:BatchGetItem"),
    // An order that expires while its payment is looked up and paid.
    ("HousekeepingFunction", "ReopenCarts", "dynamodb:GetItem"),
    ("HousekeepingFunction", "ReopenCarts", "dynamodb:PutItem"),
    ("ImportsFunction", "WriteProducts", "dynamodb:DeleteItem"),
    ("ProjectionsFunction", "ReadStock", "dynamodb:GetItem"),
];

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

async fn get_all(client: &Client, paths: &[String]) {
    for path in paths {
        client.get(path).await.expect(200);
    }
}

/// Accounts: sign-up, profile, addresses, password reset, sign-in and sign-out.
async fn people(shop: &Shop) {
    const AZIZA: &str = "aziza@people.test";
    let person = shop.buyer("aziza").await;
    let weak = json!({"email": "nobody@people.test", "password": "weak"});
    shop.anon().post("/v1/auth/sign-up", &weak).await.expect_problem(400, "invalid");
    shop.anon().post("/v1/auth/resend", &json!({ "email": AZIZA })).await.expect(202);
    person.patch("/v1/me", &json!({"language": "uz"})).await.expect(200);
    person.put("/v1/me/addresses", &json!({"items": [{"address": address()}]})).await.expect(200);
    get_all(&person, &["/v1/me".to_owned(), "/v1/me/addresses".to_owned(), "/v1/me/orders".to_owned()]).await;
    shop.anon().post("/v1/auth/forgot-password", &json!({ "email": AZIZA })).await.expect(202);
    let reset = json!({"email": AZIZA, "code": shop.code_for(AZIZA).await, "password": PASSWORD});
    shop.anon().post("/v1/auth/reset-password", &reset).await.expect(200);
    let signed_in = shop.anon().post("/v1/auth/sign-in", &json!({"email": AZIZA, "password": PASSWORD})).await;
    shop.anon().post("/v1/auth/code", &json!({ "contact": AZIZA })).await.expect(202);
    let entered = json!({"contact": AZIZA, "code": shop.code_for(AZIZA).await});
    shop.anon().post("/v1/auth/code/sign-in", &entered).await.expect(200);
    let refresh = json!({"refresh_token": text(signed_in.expect(200), "refresh_token")});
    shop.anon().post("/v1/auth/refresh", &refresh).await.expect(200);
    person.post("/v1/auth/sign-out", &json!({})).await.expect_success();
    let client = shop.signed_in(AZIZA).await;
    let app = App::set_up(shop, &client).await;
    shop.advance(Duration::from_secs(30)).await;
    let entered = json!({"session": shop.challenged(AZIZA).await, "code": app.code(shop)});
    let signed_in = shop.anon().post("/v1/auth/challenge", &entered).await.expect(200).clone();
    let client = shop.anon().with_token(text(&signed_in, "access_token"));
    let entered = json!({"code": app.next_code(shop)});
    client.json(reqwest::Method::DELETE, "/v1/me/mfa", &entered).await.expect_success();
}

/// Categories and products: created, changed, published and deleted, with pictures.
async fn goods(shop: &Shop, vendor: &Vendor) -> Product {
    let operator = shop.operator().await;
    for name in ["Kitchen", "Cookware"] {
        let etag = operator.get("/v1/admin/categories").await.header("etag").to_owned();
        let tree = json!({"items": [{"handle": "kitchen", "name": name, "children": []}]});
        operator.clone().with("if-match", etag).put("/v1/admin/categories", &tree).await.expect(200);
    }
    let unpaid = "/v1/admin/settings/limits/unpaid-orders";
    let chief = operator.clone().with("if-match", "*");
    chief.put(unpaid, &json!({"most": 40})).await.expect(200);
    chief.post(&format!("{unpaid}/restore"), &json!({"version": 1})).await.expect(200);
    let (media, unused) = (vendor.has_picture(shop).await, vendor.uploads(shop, "image/png", &dot()).await);
    shop.wait_until_idle().await;
    // What was looked at is missing when its notification comes again.
    shop.repeat_upload_notification(&vendor.id, text(&unused, "id"));
    let asked = json!({"content_type": "image/png", "size": 100});
    let never = vendor.client.post("/v1/vendor/media", &asked).await.expect(201).clone();
    shop.repeat_upload_notification(&vendor.id, text(&never, "id"));
    vendor.client.get(&format!("/v1/vendor/media/{}", text(&unused, "id"))).await.expect(200);

    let bowl = vendor.product("blue-bowl").set("category", json!("kitchen")).stock(6).shards(3).publish().await;
    let path = format!("/v1/vendor/products/{}", bowl.id);
    let etag = vendor.client.get(&path).await.header("etag").to_owned();
    let variants = json!([{"id": bowl.variant, "prices": [{"amount": "13.00", "currency": "USD"}], "shards": 3, "low_stock_at": 7}]);
    let changed = json!({
        "handle": "azure-bowl", "title": "Azure bowl", "description_html": "<p>Glazed.</p>", "category": "kitchen", "variants": variants,
        "images": [{"src": media, "alt": "A bowl"}],
    });
    vendor.client.clone().with("if-match", etag).put(&path, &changed).await.expect(200);
    for (verb, body) in [("hide", json!({"reason": "Counterfeit."})), ("show", json!({}))] {
        operator.post(&format!("/v1/admin/products/{}/{verb}", bowl.id), &body).await.expect(200);
    }
    let stock = format!("{path}/variants/{}/stock", bowl.variant);
    // With a key, the response is stored with the stock, and a refused change looks for a stored response.
    let keyed = |key: &str| vendor.client.clone().with("idempotency-key", key);
    keyed("more").put(&stock, &json!({"adjust": 3})).await.expect(200);
    for what in ["availability", "listings", "categories", "settings", "pictures"] {
        let begun = operator.post("/v1/admin/rebuilds", &json!({"what": what})).await;
        operator.get(begun.header("location")).await.expect(200);
    }
    keyed("less").put(&stock, &json!({"adjust": -1_000})).await.expect_problem(409, "out_of_stock");
    vendor.client.put(&stock, &json!({"on_hand": 9})).await.expect(200);
    vendor.client.post(&format!("{path}/unpublish"), &json!({})).await.expect(200);
    vendor.client.post(&format!("{path}/publish"), &json!({})).await.expect(200);
    // The drafts of who is not approved are counted.
    shop.applicant("sketcher").await.product("sketch").draft().await;
    let mistake = vendor.product("mistake").stock(1).publish().await;
    vendor.client.delete(&format!("/v1/vendor/products/{}", mistake.id)).await.expect(204);
    shop.wait_until_idle().await;
    get_all(&vendor.client, &["/v1/vendor/products".to_owned(), path]).await;
    Product { handle: "azure-bowl".to_owned(), ..bowl }
}

/// The catalog, and a cart from empty to deleted.
async fn browsing(shop: &Shop, bowl: &Product) {
    let lists = ["", "?sort=price", "?category=kitchen", "?vendor=ceramics&sort=-price"]
        .map(|query| format!("/v1/products{query}"));
    get_all(&shop.anon(), &lists).await;
    let pages =
        ["health", "states", "openapi.json", "categories", "vendors/ceramics"].map(|page| format!("/v1/{page}"));
    get_all(&shop.anon(), &pages).await;
    shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await.expect(200);

    let guest = shop.guest().await.takes(&[(bowl, 1)]).await;
    let choice = json!([{"vendor_id": bowl.vendor.id, "option_id": "flat"}]);
    guest.client.put(&guest.path("/shipping"), &choice).await.expect(200);
    guest.client.get(&guest.path("/payment-methods")).await.expect(200);
    guest.client.delete(&guest.path(&format!("/items/{}", bowl.variant))).await.expect(200);
    guest.client.delete(&guest.path("")).await.expect(204);
}

/// An order, with a client that shows its token.
struct Placed {
    id: String,
    vendor_order: String,
    reader: Client,
}

async fn placed(shop: &Shop, guest: &Guest, provider: &str) -> Placed {
    let order = guest.checks_out(provider, "once").await.expect(201).clone();
    let reader = shop.anon().with("order-token", text(&order, "token"));
    Placed { id: text(&order, "id").to_owned(), vendor_order: text(&order["vendors"][0], "id").to_owned(), reader }
}

/// A buyer's cart with one of these.
async fn claimed(shop: &Shop, buyer: &Client, bowl: &Product) -> Guest {
    let guest = shop.guest().await.takes(&[(bowl, 1)]).await;
    let claimed = buyer.post(&guest.path("/claim"), &json!({})).await.expect(200).clone();
    Guest { cart: text(&claimed, "id").to_owned(), ..guest }
}

async fn bought(shop: &Shop, bowl: &Product, units: u32, provider: &str) -> Placed {
    placed(shop, &shop.guest().await.takes(&[(bowl, units)]).await, provider).await
}

impl Placed {
    async fn state(&self) -> String {
        text(self.reader.get(&format!("/v1/orders/{}", self.id)).await.expect(200), "state").to_owned()
    }
}

/// The product with a new session of its vendor, whose access token has expired.
async fn with_new_session(shop: &Shop, bowl: &Product) -> Product {
    let client = shop.sign_in(&format!("{}@people.test", bowl.vendor.handle)).await;
    Product { vendor: Vendor { client, ..bowl.vendor.clone() }, ..bowl.clone() }
}

/// Orders: paid, retried, declined, disputed, shipped, cancelled, expired, paid late, and refunded.
async fn selling(shop: &Shop, bowl: &Product) {
    let vendor = &bowl.vendor.client;
    let step = async |order: &Placed, step: &str| {
        vendor.post(&format!("/v1/vendor/orders/{}/{step}", order.vendor_order), &json!({})).await.expect(200);
    };
    // Paid at the second attempt, then declined by the vendor and refunded.
    let paid = bought(shop, bowl, 1, "stripe").await;
    shop.stripe(&paid.id, "fail").await;
    let again = paid.reader.clone().with("idempotency-key", "again");
    let path = format!("/v1/orders/{}/payments", paid.id);
    let first = again.post(&path, &json!({"provider": "stripe"})).await.expect(201).clone();
    assert_eq!(again.post(&path, &json!({"provider": "stripe"})).await.expect(201), &first);
    shop.stripe(&paid.id, "succeed").await;
    shop.wait_until_idle().await;
    assert_eq!(paid.state().await, "paid");
    // A wrong token.
    let guesser = shop.anon().with("order-token", "guess");
    guesser.get(&format!("/v1/orders/{}", paid.id)).await.expect_problem(404, "not_found");
    get_all(vendor, &["/v1/vendor/orders".to_owned(), format!("/v1/vendor/orders/{}", paid.vendor_order)]).await;
    step(&paid, "decline").await;
    shop.advance(Duration::from_secs(120)).await;
    let disputed = bought(shop, bowl, 1, "stripe").await;
    shop.stripe(&disputed.id, "succeed").await;
    shop.stripe(&disputed.id, "dispute").await;

    // Paid on delivery.
    let sent = bought(shop, bowl, 1, "cash_on_delivery").await;
    for name in ["accept", "ship", "deliver"] {
        step(&sent, name).await;
    }
    // Too late for both steps; their keys have no stored response.
    let ship = format!("/v1/vendor/orders/{}/ship", sent.vendor_order);
    vendor.clone().with("idempotency-key", "ship").post(&ship, &json!({})).await.expect_problem(409, "wrong_state");
    let cancel = format!("/v1/orders/{}/cancel", sent.id);
    let reader = sent.reader.clone().with("idempotency-key", "off");
    reader.post(&cancel, &json!({})).await.expect_problem(409, "wrong_state");

    // A buyer's order on delivery is declined, and holds no unpaid place of theirs any more.
    let farida = shop.buyer("farida").await;
    let own = claimed(shop, &farida, bowl).await;
    step(&placed(shop, &own, "cash_on_delivery").await, "decline").await;

    // A buyer and a guest cancel their unpaid orders.
    let buyer = shop.buyer("bobur").await;
    let own = placed(shop, &claimed(shop, &buyer, bowl).await, "stripe").await;
    get_all(&buyer, &["/v1/me/orders".to_owned(), format!("/v1/me/orders/{}", own.id)]).await;
    buyer.post(&format!("/v1/me/orders/{}/cancel", own.id), &json!({})).await.expect(200);
    let guests = bought(shop, bowl, 1, "stripe").await;
    guests.reader.post(&format!("/v1/orders/{}/cancel", guests.id), &json!({})).await.expect(200);

    // Expired, and paid late.
    let late = bought(shop, bowl, 2, "stripe").await;
    let [with_more, odd] = [shop.guest().await, shop.guest().await];
    let [with_more, odd] = [with_more.takes(&[(bowl, 1)]).await, odd.takes(&[(bowl, 1)]).await];
    let later = placed(shop, &with_more, "stripe").await;
    let odd_cart = odd.clone();
    let odd = placed(shop, &odd, "stripe").await;
    shop.stripe(&odd.id, "wrong_amount").await;
    shop.advance(Duration::from_secs(24 * 3600)).await;
    assert_eq!(late.state().await, "expired");
    pays_late(shop, &late).await;
    assert_eq!(late.state().await, "paid");
    // Their carts are open again, and have more than was ordered.
    for cart in [with_more, odd_cart] {
        cart.takes(&[(bowl, 3)]).await;
    }
    pays_late(shop, &later).await;
    assert_eq!(later.state().await, "paid");
    // An amount mismatch that the operator accepts after the order has expired.
    let operator = shop.operator().await;
    let seen = operator.get(&format!("/v1/admin/orders/{}", odd.id)).await.expect(200).clone();
    operator.get("/v1/admin/vendor-orders/late").await.expect(200);
    let decide = format!("/v1/admin/orders/{}/payments/{}/decide", odd.id, text(&seen["payment"], "id"));
    operator.post(&decide, &json!({"decision": "accept"})).await.expect(200);
    // Money of nobody: one that the operator resolves, and one that housekeeping tries again.
    let resolve = format!("/v1/admin/payments/unmatched/{}/resolve", shop.unmatched_payment("pi_of_strangers").await);
    operator.post(&resolve, &json!({"note": "A test."})).await.expect(200);
    assert_eq!(odd.state().await, "paid");

    // More units than one shard holds, so that the order is allocated over several.
    let (bowl, operator) = (&with_new_session(shop, bowl).await, shop.operator().await);
    let (_, _, left) = bowl.stock().await;
    let most = bought(shop, bowl, u32::try_from(left).expect("units"), "cash_on_delivery").await;
    let seen = operator.get(&format!("/v1/admin/orders/{}", most.id)).await.expect(200).clone();
    crate::resources::operator_lists::every_list_is_read(shop, &bowl.vendor, &seen).await;

    // An order of a release that sealed nobody.
    shop.put_in_the_clear(&most.id, "aziza@guests.test").await;
    let owner = KeyOwner::Order(most.id.parse().expect("an id"));
    crate::resources::keys::keys_of(shop).erase(owner).await.expect("it is erased");
    operator.post("/v1/admin/rebuilds", &json!({"what": "orders"})).await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(most.reader.get(&format!("/v1/orders/{}", most.id)).await.expect(200)["email"], "aziza@guests.test");
}

/// Posts the webhook of a late payment.
async fn pays_late(shop: &Shop, order: &Placed) {
    let seen = order.reader.get(&format!("/v1/orders/{}", order.id)).await.expect(200).clone();
    let books = shop.anon().get(&format!("/_local/pay/stripe/orders/{}", order.id)).await.expect(200).clone();
    let intent = text(&books["intents"][0], "id").to_owned();
    let amount: i64 = text(&seen["totals"]["total"], "amount").replace('.', "").parse().expect("an amount");
    tells_of_payment(shop, &intent, amount, &json!({"order_id": order.id})).await;
    // And one that names no order and is of none.
    tells_of_payment(shop, "pi_of_nobody", amount, &json!({})).await;
}

/// Posts the webhook of a payment.
async fn tells_of_payment(shop: &Shop, intent: &str, amount: i64, metadata: &Value) {
    let now = shop.cloud.now();
    let object = json!({
        "id": intent, "object": "payment_intent", "amount": amount, "amount_received": amount, "currency": "usd",
        "status": "succeeded", "metadata": metadata,
    });
    let event = json!({
        "id": format!("evt_{intent}"), "object": "event", "created": now.seconds(), "livemode": false, "type": "payment_intent.succeeded",
        "data": {"object": object},
    });
    let signed = payments::stripe::sign(event.to_string().as_bytes(), now, "whsec_local");
    shop.anon().with("stripe-signature", signed).post("/v1/webhooks/stripe", &event).await.expect(200);
}

/// Background work: lost events are sent again, and a suspended vendor's products are unlisted and listed again.
async fn background(shop: &Shop, bowl: &Product) {
    shop.cloud.kill_sources().await;
    let stock = format!("/v1/vendor/products/{}/variants/{}/stock", bowl.id, bowl.variant);
    bowl.vendor.client.put(&stock, &json!({"adjust": 5})).await.expect(200);
    bought(shop, bowl, 1, "cash_on_delivery").await;
    // A dead letter, and one that was redriven as often as allowed.
    let services = shop.cloud.services();
    let dead_letters = &services.template.queue("OrderEventsDeadLetters").expect("a queue").name;
    for attributes in [vec![], vec![("redrives".to_owned(), MessageAttribute::string("3"))]] {
        let sent = services.queues.send(dead_letters, "no message of ours", &attributes.into_iter().collect());
        sent.expect("a dead letter");
    }
    shop.cloud.clock().advance(Duration::from_secs(600));
    shop.cloud.invoke("HousekeepingFunction", json!({})).await.expect("housekeeping runs");
    shop.cloud.restart_sources().expect("the sources start again");
    shop.wait_until_idle().await;

    let operator = shop.operator().await;
    let decide = format!("/v1/admin/vendors/{}", bowl.vendor.id);
    operator.post(&format!("{decide}/suspend"), &json!({"reason": "Complaints."})).await.expect(200);
    shop.advance(Duration::from_secs(120)).await;
    shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await.expect_problem(404, "not_found");
    operator.post(&format!("{decide}/reinstate"), &json!({})).await.expect(200);
    shop.advance(Duration::from_secs(120)).await;
    shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await.expect(200);
}

/// A picture that was taken out, and one that was never put in, are deleted.
async fn unused_pictures(shop: &Shop) {
    shop.send_to_pictures(&json!({"sweep": {}}));
    for pause in [Duration::from_secs(8 * 86_400), Duration::from_secs(600)] {
        shop.wait_until_idle().await;
        shop.cloud.clock().advance(pause);
        shop.send_to_pictures(&json!({"sweep": {}}));
    }
    shop.wait_until_idle().await;
}

/// Each action of each statement: role, Sid and action.
fn granted(roles: &Roles) -> BTreeSet<(String, String, String)> {
    let actions = |statement: &Statement| {
        let (role, sid) = (statement.role.clone(), statement.sid.clone());
        statement.actions.clone().into_iter().map(move |action| (role.clone(), sid.clone(), action))
    };
    roles.statements().flat_map(actions).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_of_every_statement_is_exercised() {
    let shop = Shop::open().await;
    people(&shop).await;
    staff::team(&shop).await;
    phones::orders_and_signs_in(&shop).await;
    let vendor = staff::open_vendor(&shop, "ceramics").await;
    let bowl = goods(&shop, &vendor).await;
    let awaited = files::exchange(&shop, &vendor).await;
    browsing(&shop, &bowl).await;
    selling(&shop, &bowl).await;
    let bowl = with_new_session(&shop, &bowl).await;
    files::fail_import_without_upload(&shop, &bowl.vendor, &awaited).await;
    background(&shop, &bowl).await;
    crate::resources::suppressions::a_bounce_is_lifted(&shop).await;
    pages::use_pages(&shop).await;
    unused_pictures(&shop).await;

    let roles = &shop.cloud.services().roles;
    let granted = granted(roles);
    let mut used = roles.exercised();
    for (role, sid, action) in NOT_EXERCISED {
        let new = used.insert((role.to_owned(), sid.to_owned(), action.to_owned()));
        assert!(new, "{role} {sid} {action} is exercised: remove the exception");
    }
    let mut idle: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (role, sid, action) in granted.difference(&used) {
        idle.entry(format!("{role} {sid}")).or_default().push(action.clone());
    }
    let unknown: Vec<_> = used.difference(&granted).collect();
    assert!(unknown.is_empty(), "an exception for what no statement grants: {unknown:?}");
    assert!(idle.is_empty(), "take out of template.yaml, since nothing needs it: {idle:#?}");
}

#[test]
fn no_two_statements_of_a_role_overlap() {
    let site = local::site("http://localhost:3000");
    let template = cloud::template::Template::parse(local::TEMPLATE, &site).expect("the template is understood");
    let roles = Roles::of(&template.stack, template.roles());
    let statements: Vec<&Statement> = roles.statements().collect();
    for (index, one) in statements.iter().enumerate() {
        for other in statements.iter().skip(index + 1).filter(|other| other.role == one.role) {
            assert_ne!(one.sid, other.sid, "two statements of {} have one Sid", one.role);
            for action in &other.actions {
                let both = other.resources.iter().find(|resource| one.is_about(action, resource));
                assert!(both.is_none(), "{}: {} and {} both allow {action}", one.role, one.sid, other.sid);
            }
        }
    }
    for statement in statements {
        let names = statement.actions.iter().all(|action| !action.contains('*'));
        assert!(names, "{} {} does not name its actions", statement.role, statement.sid);
        // IAM knows no resource for this one.
        let names = statement.sid == "LiftSuppressions" || statement.resources.iter().all(|resource| resource != "*");
        assert!(names, "{} {} does not name its resources", statement.role, statement.sid);
    }
}

/// Options of a cloud in which a role lacks a statement.
fn without(function: &str, sid: &str) -> Options {
    Options::for_tests().with_cloud(|cloud| cloud.removed_statement = Some((function.to_owned(), sid.to_owned())))
}

#[tokio::test]
async fn without_its_statement_a_function_fails() {
    let shop = Shop::with(without("CatalogFunction", "FindInCatalog")).await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(1).publish().await;
    shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await.expect_problem(500, "internal");

    let shop = Shop::with(without("CheckoutFunction", "ReserveStock")).await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(1).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    guest.checks_out("stripe", "once").await.expect_problem(500, "internal");
    assert_eq!(bowl.stock().await, (1, 0, 1));

    let shop = Shop::with(without("VendorDeskFunction", "SignMediaUploads")).await;
    let vendor = shop.vendor("ceramics").await;
    let asked = json!({"content_type": "image/png", "size": dot().len()});
    let media = vendor.client.post("/v1/vendor/media", &asked).await.expect(201).clone();
    assert_eq!(shop.anon().upload(&media["upload"], &dot()).await.status, 403);

    let shop = Shop::with(without("OrdersFunction", "CheckOrderToken")).await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(1).publish().await;
    let order = bought(&shop, &bowl, 1, "stripe").await;
    let refused = order.reader.get(&format!("/v1/orders/{}", order.id)).await;
    assert!((500..600).contains(&refused.status), "{}", refused.text);

    // Nobody guesses passwords uncounted.
    let shop = Shop::with(without("AccountFunction", "CountByHmac")).await;
    let guess = json!({"email": "aziza@people.test", "password": "Guess-1-guess"});
    shop.anon().post("/v1/auth/sign-in", &guess).await.expect_problem(503, "unavailable");

    let shop = Shop::with(without("HousekeepingFunction", "ReleaseStock")).await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(1).publish().await;
    let order = bought(&shop, &bowl, 1, "stripe").await;
    shop.advance(Duration::from_secs(24 * 3600)).await;
    assert_eq!(order.state().await, "awaiting_payment");
}

#[tokio::test]
async fn without_its_statement_an_event_source_or_a_pipe_does_not_start() {
    for (id, sid) in [
        ("OrderEventsFunction", "ConsumeQueue"),
        ("ImportsFunction", "ConsumeQueue"),
        ("FollowUpFunction", "ConsumeQueue"),
        ("ProjectionsFunction", "ReadStream"),
        ("ProjectionsFunction", "GiveUpOnRecords"),
        ("OrderEventsPipe", "ReadStream"),
        ("OrderEventsPipe", "SendEvents"),
    ] {
        let refused = LocalCloud::with(without(id, sid)).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("its role lacks")), "{id} without {sid}");
    }
}
