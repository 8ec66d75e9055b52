//! The payloads in `events/`: what AWS sends to each function, with the response that AWS would get.
//!
//! The ids in the files are examples. Each test creates the resources that its payload refers to and replaces their
//! ids; everything else is sent as it is in the file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloud::template::Template;
use local::TEMPLATE;
use serde_json::{Value, json};

use crate::shop::{Client, Guest, Product, Shop, Vendor};

const VENDOR: &str = "ven_01kf01ch00e6tvqd9mkrw2xhzb";
const VARIANT: &str = "var_01kf01ptr0f3na7y5s8c4m1zqe_1";
const CART: &str = "crt_5sq4kaz0y3wx9m2vcnd8h7trbe";
const ORDER: &str = "ord_01kf0291g8ewb6t3h9vx0rkn2c";
const ORDER_TOKEN: &str = "q1FZ7y2uXb0m5tCw8rJv3KdPa6sNe9LhTgUo4iRxEzc";
const PAYMENT: &str = "pay_01kf0291g8f7q4m8zb2d6c9tyw";
const INTENT: &str = "pi_3Qx7Yb2eZvKYlo2C0Bq4tWnD";
const SIGNATURE: &str = "t=1800000000,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd";
const EVENT: &str = "evt_01kf0291g8gm5r1ka7x3n8hqev";
const IMPORT: &str = "imp_01kf03a2k8hd4y6tw9m5c0qrbx";
const MEDIA: &str = "med_01kf04t7m2e9v8w3x5y6z0abcd";
/// The `sub` of the access token in the payloads of buyers and vendors.
const SUB: &str = "0198f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d";
const OPERATOR_SUB: &str = "0198f1f0-0a1b-7c2d-8e3f-4a5b6c7d8e9f";

/// A product file with one product.
const CSV: &str = "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\nred-bowl,Red bowl,BOWL-RED,3,9.50\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project").join("events")
}

/// A payload with its example ids replaced by real ones. Fails if it lacks one of the examples.
fn payload(name: &str, ids: &[(&str, &str)]) -> Value {
    let path = folder().join(name).with_extension("json");
    let mut text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (example, real) in ids {
        assert!(text.contains(example), "{name} does not contain {example}");
        text = text.replace(example, real);
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A function's response to the gateway: status, headers and body.
async fn invoke_http(shop: &Shop, function: &str, event: Value) -> (u64, Value, Value) {
    let answer = shop.cloud.invoke(function, event).await.expect("the function answers");
    let body = answer["body"].as_str().expect("a body");
    (
        answer["statusCode"].as_u64().expect("a status"),
        answer["headers"].clone(),
        serde_json::from_str(body).unwrap_or(Value::Null),
    )
}

/// The `sub` of a client's access token.
async fn sub(client: &Client) -> String {
    client.get("/v1/me").await.expect(200)["id"].as_str().expect("an id").to_owned()
}

/// A shop with an approved vendor and five bowls in stock, with its event sources stopped.
async fn shop_with_bowl() -> (Shop, Vendor, Product) {
    let shop = Shop::open().await;
    let vendor = shop.vendor("chorsu-ceramics").await;
    let bowl = vendor.product("blue-bowl").stock(5).publish().await;
    shop.wait_until_idle().await;
    shop.cloud.kill_sources().await;
    (shop, vendor, bowl)
}

async fn ordered(guest: &Guest, provider: &str) -> Value {
    guest.checks_out(provider, "once").await.expect(201).clone()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// All items of a table, read past the roles.
async fn items(shop: &Shop, table: &str) -> Vec<Value> {
    let name = &shop.cloud.services().template.table(table).expect("a table").name;
    let root = shop
        .anon()
        .with("authorization", "AWS4-HMAC-SHA256 Credential=LOCALROOT/20270115/us-east-1/dynamodb/aws4_request")
        .with("x-amz-target", "DynamoDB_20120810.Scan");
    let asked = json!({ "TableName": name }).to_string().into_bytes();
    let answer = root.send(reqwest::Method::POST, "/_aws/dynamodb/", Some(asked), "application/x-amz-json-1.0").await;
    answer.expect(200)["Items"].as_array().expect("items").clone()
}

#[test]
fn every_function_has_a_payload_and_every_payload_a_function() {
    let template =
        Template::parse(TEMPLATE, &local::site("http://localhost:3000")).expect("the template is understood");
    let functions: BTreeSet<String> = template.functions.iter().map(|function| function.binary.clone()).collect();
    let mut folders = BTreeSet::new();
    for entry in fs::read_dir(folder()).expect("the payloads") {
        let path = entry.expect("an entry").path();
        let files = fs::read_dir(&path).expect("a folder").map(|file| file.expect("a file").path());
        assert!(
            files.into_iter().any(|file| file.extension().is_some_and(|kind| kind == "json")),
            "{} is empty",
            path.display()
        );
        folders.insert(path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned());
    }
    assert_eq!(folders, functions, "a folder in events/ for each function of the template, and no other");
}

#[test]
fn every_http_payload_matches_a_route_of_its_function() {
    let template =
        Template::parse(TEMPLATE, &local::site("http://localhost:3000")).expect("the template is understood");
    for function in &template.functions {
        for entry in fs::read_dir(folder().join(&function.binary)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let event: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a file")).expect("JSON");
            let Some(key) = event["routeKey"].as_str() else { continue };
            let routes = template.api.routes.iter().filter(|route| route.function == function.id);
            let route = routes.into_iter().find(|route| route.key() == key);
            let route = route.unwrap_or_else(|| panic!("{}: {key} is no route of {}", path.display(), function.binary));
            let claims = !event["requestContext"]["authorizer"].is_null();
            assert_eq!(
                claims,
                route.authorizer,
                "{}: has claims exactly if the route has an authorizer",
                path.display()
            );
            assert_eq!(event["requestContext"]["routeKey"], key, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn account_signs_a_user_up() {
    let shop = Shop::open().await;
    let (status, _, body) = invoke_http(&shop, "AccountFunction", payload("account/sign-up", &[])).await;
    assert_eq!((status, body["request"].as_str().map(str::len)), (202, Some(43)));
    assert!(!shop.code_for("aziza@people.test").await.is_empty());
}

#[tokio::test]
async fn vendor_onboarding_opens_a_draft() {
    let shop = Shop::open().await;
    let person = sub(&shop.buyer("owner").await).await;
    let event = payload("vendor-onboarding/open-vendor", &[(SUB, &person)]);
    let (status, headers, body) = invoke_http(&shop, "VendorOnboardingFunction", event).await;
    assert_eq!((status, &body["handle"], &body["state"]), (201, &json!("chorsu-ceramics"), &json!("draft")));
    assert_eq!(headers["location"], "/v1/vendors/me");
}

#[tokio::test]
async fn admin_approves_an_application() {
    let shop = Shop::open().await;
    let applicant = shop.applicant("chorsu-ceramics").await;
    applicant.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    let operator = sub(&shop.operator().await).await;
    let event = payload("admin/approve-vendor", &[(VENDOR, &applicant.id), (OPERATOR_SUB, &operator)]);
    let (status, _, body) = invoke_http(&shop, "AdminFunction", event).await;
    assert_eq!((status, &body["id"], &body["state"]), (200, &json!(applicant.id), &json!("approved")));
}

#[tokio::test]
async fn vendor_desk_creates_a_product() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("chorsu-ceramics").await;
    let event = payload("vendor-desk/create-product", &[(VENDOR, &vendor.id), (SUB, &sub(&vendor.client).await)]);
    let (status, headers, body) = invoke_http(&shop, "VendorDeskFunction", event).await;
    assert_eq!((status, &body["handle"], &body["state"]), (201, &json!("blue-bowl"), &json!("draft")));
    assert_eq!(body["variants"][0]["available"], 5);
    assert_eq!(headers["location"], format!("/v1/vendor/products/{}", text(&body["id"])));
}

#[tokio::test]
async fn catalog_shows_a_product() {
    let (shop, _, bowl) = shop_with_bowl().await;
    let (status, headers, body) = invoke_http(&shop, "CatalogFunction", payload("catalog/show-product", &[])).await;
    assert_eq!((status, &body["id"]), (200, &json!(bowl.id)));
    assert_eq!(body["variants"][0]["price"], json!({"amount": "12.50", "currency": "USD"}));
    assert!(text(&headers["cache-control"]).starts_with("public"));
}

#[tokio::test]
async fn storefront_shows_a_product() {
    let (shop, _, bowl) = shop_with_bowl().await;
    let answer = shop.cloud.invoke("StorefrontFunction", payload("storefront/show-product", &[])).await;
    let answer = answer.expect("the function answers");
    let page = text(&answer["body"]);
    assert_eq!(answer["statusCode"], 200);
    assert!(page.contains(&bowl.variant) && page.contains("$12.50"), "{page}");
}

#[tokio::test]
async fn storefront_private_shows_an_empty_cart() {
    let (shop, ..) = shop_with_bowl().await;
    let answer = shop.cloud.invoke("StorefrontPrivateFunction", payload("storefront-private/show-cart", &[])).await;
    let answer = answer.expect("the function answers");
    assert_eq!(answer["statusCode"], 200);
    assert!(text(&answer["body"]).contains("Your cart is empty."));
}

#[tokio::test]
async fn storefront_desk_asks_to_sign_in() {
    let shop = Shop::open().await;
    let answer = shop.cloud.invoke("StorefrontDeskFunction", payload("storefront-desk/show-desk", &[])).await;
    let answer = answer.expect("the function answers");
    assert_eq!(answer["statusCode"], 303);
    assert_eq!(answer["headers"]["location"], "/uz/sign-in?next=%2Fdesk");
}

#[tokio::test]
async fn cart_sets_a_line() {
    let (shop, _, bowl) = shop_with_bowl().await;
    let guest = shop.guest().await;
    let event = payload("cart/set-line", &[(CART, &guest.cart), (VARIANT, &bowl.variant)]);
    let (status, _, body) = invoke_http(&shop, "CartFunction", event).await;
    assert_eq!((status, &body["groups"][0]["lines"][0]["quantity"]), (200, &json!(2)));
    assert_eq!(body["totals"]["items"]["amount"], "25.00");
}

#[tokio::test]
async fn checkout_places_an_order_once() {
    let (shop, _, bowl) = shop_with_bowl().await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let event = payload("checkout/check-out", &[(CART, &guest.cart)]);
    let (status, headers, placed) = invoke_http(&shop, "CheckoutFunction", event.clone()).await;
    assert_eq!(
        (status, &placed["state"], &placed["totals"]["total"]["amount"]),
        (201, &json!("awaiting_payment"), &json!("30.00"))
    );
    assert_eq!(headers["location"], format!("/v1/orders/{}", text(&placed["id"])));
    let (status, headers, again) = invoke_http(&shop, "CheckoutFunction", event).await;
    assert_eq!((status, again), (201, placed));
    assert_eq!(headers["idempotent-replayed"], "true");
    assert_eq!(bowl.stock().await, (5, 2, 3));
}

#[tokio::test]
async fn orders_shows_an_order_to_the_holder_of_its_token() {
    let (shop, _, bowl) = shop_with_bowl().await;
    let order = ordered(&shop.guest().await.takes(&[(&bowl, 2)]).await, "cash_on_delivery").await;
    let (id, token) = (text(&order["id"]), text(&order["token"]));
    let event = payload("orders/show-order", &[(ORDER, id), (ORDER_TOKEN, token)]);
    let (status, _, body) = invoke_http(&shop, "OrdersFunction", event).await;
    assert_eq!((status, &body["id"], &body["state"]), (200, &json!(id), &json!("confirmed")));
    let forged = payload("orders/show-order", &[(ORDER, id)]);
    assert_eq!(invoke_http(&shop, "OrdersFunction", forged).await.0, 404);
}

#[tokio::test]
async fn payment_webhook_settles_an_order() {
    let (shop, _, bowl) = shop_with_bowl().await;
    let order = ordered(&shop.guest().await.takes(&[(&bowl, 2)]).await, "stripe").await;
    let id = text(&order["id"]);
    let payments = items(&shop, "OrdersTable").await;
    let payment = payments.iter().find(|item| item["kind"]["S"] == "payment").expect("an attempt");
    let attempt: Value = serde_json::from_str(text(&payment["data"]["S"])).expect("an attempt");
    let ids = [(ORDER, id), (PAYMENT, text(&attempt["id"])), (INTENT, text(&attempt["reference"]))];

    let (status, _, body) =
        invoke_http(&shop, "PaymentWebhookFunction", payload("payment-webhook/payment-succeeded", &ids)).await;
    assert_eq!((status, &body["code"]), (400, &json!("bad_signature")), "the signature in the file is an example");

    let mut event = payload("payment-webhook/payment-succeeded", &ids);
    assert_eq!(event["headers"]["stripe-signature"], SIGNATURE);
    let signed = payments::stripe::sign(text(&event["body"]).as_bytes(), shop.cloud.now(), "whsec_local");
    event["headers"]["stripe-signature"] = json!(signed);
    let (status, _, body) = invoke_http(&shop, "PaymentWebhookFunction", event).await;
    assert_eq!((status, body), (200, json!({"received": true})));
    let reader = shop.anon().with("order-token", text(&order["token"]));
    assert_eq!(reader.get(&format!("/v1/orders/{id}")).await.expect(200)["state"], "paid");
}

#[tokio::test]
async fn order_events_notifies_buyer_and_vendor_once() {
    let (shop, vendor, bowl) = shop_with_bowl().await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = ordered(&guest, "cash_on_delivery").await;
    let events = items(&shop, "OrdersTable").await;
    let event = events.iter().find(|item| item["kind"]["S"] == "event").expect("an event");
    let id = text(&event["pk"]["S"]).trim_start_matches("EVENT#");
    let event = payload("order-events/order-confirmed", &[(EVENT, id), (ORDER, text(&order["id"]))]);
    let vendor_email = format!("{}@people.test", vendor.handle);
    let before = shop.mail_to(&vendor_email).len();
    for _ in 0..2 {
        let answer = shop.cloud.invoke("OrderEventsFunction", event.clone()).await.expect("an answer");
        assert_eq!(answer, json!({"batchItemFailures": []}));
        assert_eq!((shop.mail_to(&guest.email).len(), shop.mail_to(&vendor_email).len() - before), (1, 1));
    }
    let unknown = shop
        .cloud
        .invoke("OrderEventsFunction", payload("order-events/order-confirmed", &[]))
        .await
        .expect("an answer");
    assert_eq!(unknown, json!({"batchItemFailures": []}), "an unknown event is acknowledged");
    assert_eq!(shop.mail_to(&guest.email).len(), 1);
}

#[tokio::test]
async fn imports_processes_a_file_sent_with_the_request() {
    let (shop, vendor, _) = shop_with_bowl().await;
    let sent = vendor.client.send(reqwest::Method::POST, "/v1/vendor/imports", Some(CSV.into()), "text/csv").await;
    let id = text(&sent.expect(202)["id"]).to_owned();
    let event = payload("imports/import-asked", &[(VENDOR, &vendor.id), (IMPORT, &id)]);
    let answer = shop.cloud.invoke("ImportsFunction", event).await.expect("an answer");
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let job = vendor.client.get(&format!("/v1/vendor/imports/{id}")).await.expect(200).clone();
    assert_eq!((&job["state"], &job["products"], &job["errors"]), (&json!("completed"), &json!(1), &json!([])));
}

#[tokio::test]
async fn imports_processes_an_uploaded_file() {
    let (shop, vendor, _) = shop_with_bowl().await;
    let announced = json!({"filename": "goods.csv", "size": CSV.len()});
    let job = vendor.client.post("/v1/vendor/imports", &announced).await.expect(202).clone();
    let id = text(&job["id"]);
    shop.anon().upload(&job["upload"], CSV.as_bytes()).await.expect(200);
    let event = payload("imports/file-uploaded", &[(VENDOR, &vendor.id), (IMPORT, id)]);
    let answer = shop.cloud.invoke("ImportsFunction", event).await.expect("an answer");
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let job = vendor.client.get(&format!("/v1/vendor/imports/{id}")).await.expect(200).clone();
    assert_eq!((&job["state"], &job["products"]), (&json!("completed"), &json!(1)));
}

#[tokio::test]
async fn follow_up_hides_the_products_of_a_suspended_vendor() {
    let (shop, vendor, bowl) = shop_with_bowl().await;
    let suspend = format!("/v1/admin/vendors/{}/suspend", vendor.id);
    shop.operator().await.post(&suspend, &json!({"reason": "Complaints."})).await.expect(200);
    let page = format!("/v1/products/{}", bowl.handle);
    shop.anon().get(&page).await.expect(200);
    let event = payload("follow-up/vendor-decided", &[(VENDOR, &vendor.id)]);
    let answer = shop.cloud.invoke("FollowUpFunction", event).await.expect("the function answers");
    assert_eq!(answer, json!({"batchItemFailures": []}));
    shop.anon().get(&page).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn messages_tells_a_person_that_their_password_has_changed() {
    let shop = Shop::open().await;
    let client = shop.buyer("aziza").await;
    shop.wait_until_idle().await;
    let event = payload("messages/password-changed", &[(SUB, &sub(&client).await)]);
    let answer = shop.cloud.invoke("MessagesFunction", event).await.expect("the function answers");
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert!(shop.mail_to("aziza@people.test")[0].ends_with("another password"));
}

#[tokio::test]
async fn media_deletes_an_upload_that_is_no_picture() {
    let (shop, vendor, _) = shop_with_bowl().await;
    let media = vendor.uploads(&shop, "image/png", b"<svg></svg>").await;
    let event = payload("media/picture-uploaded", &[(VENDOR, &vendor.id), (MEDIA, text(&media["id"]))]);
    let answer = shop.cloud.invoke("MediaFunction", event).await.expect("the function answers");
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert!(shop.keys_in("UploadsBucket").is_empty());
    assert_eq!(vendor.picture(&media).await["fault"]["code"], "svg_drawing");
}

#[tokio::test]
async fn mail_feedback_suppresses_who_bounces_or_complains_and_takes_everything_else_in() {
    for (name, reason) in [
        ("hard-bounce", Some("bounce")),
        ("complaint", Some("complaint")),
        ("soft-bounce", None),
        ("rejected", None),
        ("trial", None),
    ] {
        let shop = Shop::open().await;
        let event = payload(&format!("mail-feedback/{name}"), &[]);
        let answer = shop.cloud.invoke("MailFeedbackFunction", event).await.expect("the function answers");
        assert_eq!(answer, json!({"batchItemFailures": []}), "{name}");
        let listed = shop.operator().await.get("/v1/admin/suppressions").await.expect(200)["items"].clone();
        assert_eq!(listed[0]["reason"].as_str(), reason, "{name}: {listed}");
        if reason.is_some() {
            assert_eq!(
                (&listed[0]["email"], &listed[0]["since"]),
                (&json!("recipient@example.com"), &json!("2027-01-15T08:00:00.669Z"))
            );
        }
    }
}

#[tokio::test]
async fn tokens_gives_our_scope_and_asks_for_one_proof() {
    let shop = Shop::open().await;
    let answered = async |name: &str| {
        let event = payload(&format!("tokens/{name}"), &[]);
        let mut answer = shop.cloud.invoke("TokensFunction", event.clone()).await.expect("the function answers");
        let response = answer["response"].take();
        answer["response"] = event["response"].clone();
        assert_eq!(answer, event, "the rest comes back as it was");
        response
    };
    let details = answered("token-asked").await["claimsAndScopeOverrideDetails"].clone();
    let scopes = json!({"scopesToAdd": ["bozor/api"], "scopesToSuppress": ["aws.cognito.signin.user.admin"]});
    assert_eq!(details["accessTokenGeneration"], scopes);
    assert_eq!(details["groupOverrideDetails"]["groupsToOverride"], json!(["admin"]));
    let defined = json!({"challengeName": "CUSTOM_CHALLENGE", "issueTokens": false, "failAuthentication": false});
    assert_eq!(answered("challenge-defined").await, defined);
    assert_eq!(answered("challenge-created").await["publicChallengeParameters"], json!({ "sub": SUB }));
    assert_eq!(
        answered("answer-verified").await,
        json!({"answerCorrect": false}),
        "the proof in the file is an example"
    );
}

#[tokio::test]
async fn imports_reports_an_unknown_message_as_failed() {
    let (shop, _, _) = shop_with_bowl().await;
    let mut event = payload("imports/import-asked", &[]);
    event["Records"][0]["body"] = json!("{\"bake\":{}}");
    let answer = shop.cloud.invoke("ImportsFunction", event.clone()).await.expect("an answer");
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}));
}

#[tokio::test]
async fn projections_updates_the_available_units() {
    let (shop, _, bowl) = shop_with_bowl().await;
    let page = format!("/v1/products/{}", bowl.handle);
    ordered(&shop.guest().await.takes(&[(&bowl, 5)]).await, "stripe").await;
    assert_eq!(
        shop.anon().get(&page).await.expect(200)["variants"][0]["available"],
        5,
        "the projection has not run yet"
    );
    let event = payload("projections/stock-changed", &[(VARIANT, &bowl.variant)]);
    let answer = shop.cloud.invoke("ProjectionsFunction", event).await.expect("an answer");
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(shop.anon().get(&page).await.expect(200)["variants"][0]["available"], 0);
}

#[tokio::test]
async fn housekeeping_expires_an_unpaid_order() {
    let (shop, _, bowl) = shop_with_bowl().await;
    let order = ordered(&shop.guest().await.takes(&[(&bowl, 2)]).await, "stripe").await;
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let path = format!("/v1/orders/{}", text(&order["id"]));
    let event = payload("housekeeping/each-minute", &[]);
    assert_eq!(shop.cloud.invoke("HousekeepingFunction", event.clone()).await.expect("an answer"), Value::Null);
    assert_eq!(reader.get(&path).await.expect(200)["state"], "awaiting_payment", "it still has time");
    shop.cloud.clock().advance(Duration::from_secs(24 * 3600));
    assert_eq!(shop.cloud.invoke("HousekeepingFunction", event).await.expect("an answer"), Value::Null);
    assert_eq!(reader.get(&path).await.expect(200)["state"], "expired");
}
