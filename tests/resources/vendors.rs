//! Vendors: application, approval, members, documents and suspension.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::{Client, Shop, Vendor, identity};

async fn own_account(vendor: &Vendor) -> Value {
    vendor.client.get("/v1/vendors/me").await.expect(200).clone()
}

async fn decide(shop: &Shop, vendor: &Vendor, verb: &str) -> crate::shop::Answer {
    let body = if matches!(verb, "reject" | "suspend") { json!({"reason": "Complaints."}) } else { json!({}) };
    shop.operator().await.post(&format!("/v1/admin/vendors/{}/{verb}", vendor.id), &body).await
}

/// Codes of the checklist's items that are not done.
fn open_items(account: &Value) -> Vec<&str> {
    let items = account["checklist"].as_array().expect("a checklist");
    items.iter().filter(|item| item["done"] == false).map(|item| item["code"].as_str().expect("a code")).collect()
}

async fn listed(client: &Client) -> Vec<String> {
    let page = client.get("/v1/products").await.expect(200).clone();
    page["items"].as_array().expect("items").iter().map(|card| card["handle"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_application_is_filled_in_submitted_and_approved() {
    let shop = Shop::open().await;
    let client = shop.buyer("dilshod").await;
    let asked = json!({"name": "Chorsu Ceramics", "currency": "USD"});
    let made = client.post("/v1/vendors", &asked).await;
    let account = made.expect(201).clone();
    assert_eq!((&account["handle"], &account["state"]), (&json!("chorsu-ceramics"), &json!("draft")));
    assert_eq!((&account["email"], made.header("location")), (&json!("dilshod@people.test"), "/v1/vendors/me"));
    let vendor = Vendor {
        client: client.with("vendor-id", account["id"].as_str().unwrap()),
        id: account["id"].as_str().unwrap().to_owned(),
        handle: "chorsu-ceramics".to_owned(),
    };
    let client = &vendor.client;
    assert_eq!(open_items(&account), ["legal_name", "phone", "shipping_rates", "public_identity"]);

    let incomplete = client.post("/v1/vendors/me/submit", &json!({})).await;
    let problem = incomplete.expect_problem(409, "checklist_incomplete");
    let missing: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(missing, ["/legal_name", "/phone", "/shipping_rates", "/public_identity"]);
    decide(&shop, &vendor, "approve").await.expect_problem(409, "wrong_state");

    let profile = json!({
        "legal_name": "Chorsu LLC", "phone": "+998 71 200 00 00", "public_identity": identity("Chorsu LLC"),
    });
    assert_eq!(open_items(client.patch("/v1/vendors/me", &profile).await.expect(200)), ["shipping_rates"]);
    let rates = json!({"shipping_rates": [{"amount": "5.00", "currency": "USD"}]});
    assert!(open_items(client.patch("/v1/vendors/me", &rates).await.expect(200)).is_empty());

    // Products can be prepared before the approval, but not published.
    let bowl = vendor.product("bowl").stock(1).draft().await;
    let publish = format!("/v1/vendor/products/{}/publish", bowl.id);
    client.post(&publish, &json!({})).await.expect_problem(409, "wrong_state");
    shop.anon().get("/v1/vendors/chorsu-ceramics").await.expect_problem(404, "not_found");

    assert_eq!(client.post("/v1/vendors/me/submit", &json!({})).await.expect(200)["state"], "submitted");
    client.post("/v1/vendors/me/submit", &json!({})).await.expect_problem(409, "wrong_state");
    let waiting = shop.operator().await.get("/v1/admin/vendors").await.expect(200).clone();
    assert_eq!(waiting["items"][0]["id"], vendor.id.as_str());
    let renamed = client.patch("/v1/vendors/me", &json!({"name": "Other"})).await;
    assert_eq!(renamed.expect_problem(409, "wrong_state")["errors"][0]["pointer"], "/name");

    assert_eq!(decide(&shop, &vendor, "approve").await.expect(200)["state"], "approved");
    decide(&shop, &vendor, "approve").await.expect_problem(409, "wrong_state");
    client.post(&publish, &json!({})).await.expect(200);
    let page = shop.anon().get("/v1/vendors/chorsu-ceramics").await.expect(200).clone();
    assert_eq!((&page["id"], &page["name"]), (&json!(vendor.id), &json!("Chorsu Ceramics")));
    for private in ["legal_name", "phone", "email", "reason", "documents"] {
        assert!(page.get(private).is_none(), "{private} is private");
    }
    let history = own_account(&vendor).await["history"].clone();
    let events: Vec<&Value> = history.as_array().unwrap().iter().map(|step| &step["event"]).collect();
    assert_eq!(events, ["submitted", "approved"]);
}

#[tokio::test]
async fn a_rejected_application_is_improved_and_submitted_again() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("ceramics").await;
    vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    assert_eq!(decide(&shop, &vendor, "reject").await.expect(200)["state"], "rejected");
    assert_eq!(own_account(&vendor).await["reason"], "Complaints.");
    decide(&shop, &vendor, "approve").await.expect_problem(409, "wrong_state");
    vendor.client.patch("/v1/vendors/me", &json!({"legal_name": "Better LLC"})).await.expect(200);
    let again = vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200).clone();
    assert_eq!((&again["state"], &again["reason"]), (&json!("submitted"), &Value::Null));
    decide(&shop, &vendor, "approve").await.expect(200);
    shop.anon().get("/v1/vendors/ceramics").await.expect(200);
}

#[tokio::test]
async fn a_handle_belongs_to_the_first_vendor_who_is_approved_with_it() {
    let shop = Shop::open().await;
    let squatter = shop.applicant("ceramics").await;
    let person = shop.buyer("other").await;
    let asked = json!({
        "handle": "ceramics", "name": "Other", "currency": "USD", "legal_name": "Other", "phone": "+998 71 200 00 00",
        "shipping_rates": [{"amount": "5.00", "currency": "USD"}], "public_identity": identity("Other"),
    });
    let id = person.post("/v1/vendors", &asked).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let other = Vendor { client: person.with("vendor-id", &id), id, handle: "ceramics".to_owned() };
    for vendor in [&squatter, &other] {
        vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    }
    decide(&shop, &other, "approve").await.expect(200);
    assert_eq!(shop.anon().get("/v1/vendors/ceramics").await.expect(200)["id"], other.id.as_str());
    decide(&shop, &squatter, "approve").await.expect_problem(409, "handle_taken");

    decide(&shop, &squatter, "reject").await.expect(200);
    let taken = json!({"handle": "ceramics"});
    assert_eq!(squatter.client.patch("/v1/vendors/me", &json!({"handle": "me"})).await.status, 400);
    squatter.client.patch("/v1/vendors/me", &json!({"handle": "pottery"})).await.expect(200);
    squatter.client.patch("/v1/vendors/me", &taken).await.expect_problem(409, "handle_taken");
    squatter.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    let fixed = squatter.client.patch("/v1/vendors/me", &json!({"handle": "vases"})).await;
    assert_eq!(fixed.expect_problem(409, "wrong_state")["errors"][0]["pointer"], "/handle");
    decide(&shop, &squatter, "approve").await.expect(200);
    assert_eq!(shop.anon().get("/v1/vendors/pottery").await.expect(200)["id"], squatter.id.as_str());
    let third = shop.buyer("third").await;
    let asked = json!({"handle": "ceramics", "name": "Third", "currency": "USD"});
    third.post("/v1/vendors", &asked).await.expect_problem(409, "handle_taken");
    third.get("/v1/vendors/me").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_suspended_vendor_can_only_read_ship_and_deliver() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(9).publish().await;
    let other = shop.vendor("silk").await.product("scarf").stock(9).publish().await;
    let mut vendor_orders = Vec::new();
    for accepted in [true, false] {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
        let vendor_order = order["vendors"][0]["id"].as_str().unwrap().to_owned();
        if accepted {
            vendor.client.post(&format!("/v1/vendor/orders/{vendor_order}/accept"), &json!({})).await.expect(200);
        }
        vendor_orders.push(vendor_order);
    }
    let (accepted, pending) = (&vendor_orders[0], &vendor_orders[1]);
    let shopper = shop.guest().await.takes(&[(&bowl, 1), (&other, 1)]).await;

    decide(&shop, &vendor, "suspend").await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!(listed(&shop.anon()).await, ["scarf"]);
    shop.anon().get("/v1/products/bowl").await.expect_problem(404, "not_found");
    shop.anon().get("/v1/vendors/ceramics").await.expect_problem(404, "not_found");
    shop.guest().await.put(&bowl.variant, 1).await.expect_problem(404, "not_found");
    let expected = json!({"amount": "100.00", "currency": "USD"});
    shopper.checks_out_for("stripe", "once", &expected).await.expect_problem(409, "not_available");

    let client = &vendor.client;
    assert_eq!(own_account(&vendor).await["reason"], "Complaints.");
    for path in ["/v1/vendors/me/members", "/v1/vendor/products", "/v1/vendor/orders"] {
        client.get(path).await.expect(200);
    }
    let stock = format!("/v1/vendor/products/{}/variants/{}/stock", bowl.id, bowl.variant);
    client.put(&stock, &json!({"on_hand": 1})).await.expect_problem(403, "vendor_suspended");
    let product = json!({"title": "New", "variants": [{"prices": [{"amount": "1.00", "currency": "USD"}]}]});
    client.post("/v1/vendor/products", &product).await.expect_problem(403, "vendor_suspended");
    client.patch("/v1/vendors/me", &json!({"about": "Us"})).await.expect_problem(403, "vendor_suspended");
    for verb in ["publish", "unpublish"] {
        let path = format!("/v1/vendor/products/{}/{verb}", bowl.id);
        client.post(&path, &json!({})).await.expect_problem(403, "vendor_suspended");
    }
    for verb in ["accept", "decline"] {
        let path = format!("/v1/vendor/orders/{pending}/{verb}");
        client.post(&path, &json!({})).await.expect_problem(403, "vendor_suspended");
    }
    for (verb, state) in [("ship", "shipped"), ("deliver", "delivered")] {
        let done = client.post(&format!("/v1/vendor/orders/{accepted}/{verb}"), &json!({})).await;
        assert_eq!(done.expect(200)["state"], state);
    }

    decide(&shop, &vendor, "reinstate").await.expect(200);
    shop.wait_until_idle().await;
    let mut back = listed(&shop.anon()).await;
    back.sort();
    assert_eq!(back, ["bowl", "scarf"]);
    shop.anon().get("/v1/products/bowl").await.expect(200);
    assert!(own_account(&vendor).await["reason"].is_null());
    client.post(&format!("/v1/vendor/orders/{pending}/accept"), &json!({})).await.expect(200);
    shopper.checks_out("stripe", "again").await.expect(201);
}

#[tokio::test]
async fn reinstating_a_vendor_lists_only_what_was_published_before() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    vendor.product("bowl").stock(1).publish().await;
    vendor.product("draft").draft().await;
    for verb in ["suspend", "reinstate"] {
        decide(&shop, &vendor, verb).await.expect(200);
        shop.wait_until_idle().await;
    }
    assert_eq!(listed(&shop.anon()).await, ["bowl"]);
    shop.anon().get("/v1/products/draft").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_members_new_role_applies_from_the_next_request_on() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(9).publish().await;
    let member = shop.buyer("helper").await;
    let stock = format!("/v1/vendor/products/{}/variants/{}/stock", bowl.id, bowl.variant);
    let edit = json!({"title": "New", "variants": [{"prices": [{"amount": "1.00", "currency": "USD"}]}]});
    member.get("/v1/vendor/products").await.expect_problem(403, "forbidden");

    for (role, products, on_hand, orders) in
        [("fulfilment", 403, 200, 200), ("finance", 403, 403, 200), ("manager", 201, 200, 200)]
    {
        shop.member(&vendor.client, "helper@people.test", role).await;
        assert_eq!(member.post("/v1/vendor/products", &edit).await.status, products, "{role}");
        assert_eq!(member.put(&stock, &json!({"on_hand": 9})).await.status, on_hand, "{role}");
        assert_eq!(member.get("/v1/vendor/orders").await.status, orders, "{role}");
        member.get("/v1/vendors/me/members").await.expect_problem(403, "forbidden");
        assert_eq!(member.get("/v1/me").await.expect(200)["memberships"][0]["role"], role);
    }
    let removed = vendor
        .client
        .json(reqwest::Method::DELETE, "/v1/vendors/me/members", &json!({"email": "helper@people.test"}))
        .await;
    removed.expect(204);
    member.get("/v1/vendor/orders").await.expect_problem(403, "forbidden");
    let members = vendor.client.get("/v1/vendors/me/members").await.expect(200)["items"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_last_owner_cannot_be_removed_or_demoted() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let second = shop.buyer("second").await;
    let members = "/v1/vendors/me/members";
    let own = json!({"email": "ceramics@people.test"});
    let remove = async |client: &Client, body: &Value| client.json(reqwest::Method::DELETE, members, body).await;

    remove(&vendor.client, &own).await.expect_problem(409, "wrong_state");
    let demoted = json!({"contact": "ceramics@people.test", "role": "manager"});
    vendor.client.post("/v1/vendors/me/invitations", &demoted).await.expect(202);
    let token = json!({"token": shop.invitation_for("ceramics@people.test").await});
    vendor.client.post("/v1/invitations/accept", &token).await.expect_problem(409, "wrong_state");
    shop.member(&vendor.client, "second@people.test", "owner").await;
    let other_role = json!({"email": "second@people.test", "role": "finance"});
    remove(&vendor.client, &other_role).await.expect_problem(409, "conflict");
    assert_eq!(vendor.client.post("/v1/invitations/accept", &token).await.expect(200)["role"], "manager");
    vendor.client.get(members).await.expect_problem(403, "forbidden");
    remove(&second, &json!({"email": "second@people.test"})).await.expect_problem(409, "wrong_state");
    remove(&second, &own).await.expect(204);
    vendor.client.get("/v1/vendors/me").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_member_of_two_vendors_names_one_in_the_vendor_id_header() {
    let shop = Shop::open().await;
    let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
    let rival = shop.vendor("rival").await;
    let helper = shop.buyer("helper").await;
    for vendor in [&ceramics, &silk] {
        shop.member(&vendor.client, "helper@people.test", "manager").await;
    }
    let unnamed = helper.get("/v1/vendors/me").await;
    assert_eq!(unnamed.expect_problem(400, "invalid")["errors"][0]["pointer"], "Vendor-Id");
    for vendor in [&ceramics, &silk] {
        let named = helper.clone().with("vendor-id", &vendor.id);
        assert_eq!(named.get("/v1/vendors/me").await.expect(200)["handle"], vendor.handle.as_str());
    }
    helper.clone().with("vendor-id", &rival.id).get("/v1/vendors/me").await.expect_problem(403, "forbidden");
    let bowl = ceramics.product("bowl").draft().await;
    let path = format!("/v1/vendor/products/{}", bowl.id);
    helper.clone().with("vendor-id", &ceramics.id).get(&path).await.expect(200);
    helper.clone().with("vendor-id", &silk.id).get(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn only_who_has_exactly_one_approved_vendor_may_leave_the_header_out() {
    let shop = Shop::open().await;
    let person = shop.buyer("aziza").await;
    let opened = person.post("/v1/vendors", &json!({"name": "First", "currency": "USD"})).await.expect(201).clone();
    let missing = person.get("/v1/vendors/me").await;
    assert_eq!(missing.expect_problem(400, "invalid")["errors"][0]["pointer"], "Vendor-Id", "a draft is named");
    let named = person.clone().with("vendor-id", opened["id"].as_str().unwrap());
    assert_eq!(named.get("/v1/vendors/me").await.expect(200)["handle"], "first");

    let vendor = shop.vendor("ceramics").await;
    let owner = shop.sign_in_again(&vendor).await;
    owner.post("/v1/vendors", &json!({"name": "Second", "currency": "USD"})).await.expect(201);
    assert_eq!(owner.get("/v1/vendors/me").await.expect(200)["id"], vendor.id.as_str(), "a draft is not meant");
    decide(&shop, &vendor, "suspend").await.expect(200);
    owner.get("/v1/vendors/me").await.expect_problem(400, "invalid");
}

#[tokio::test]
async fn documents_are_listed_without_their_urls() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("ceramics").await;
    let asked = json!({"kind": "identity", "filename": "passport.pdf", "content_type": "application/pdf", "size": 4});
    let made = vendor.client.post("/v1/vendors/me/documents", &asked).await.expect(201).clone();
    vendor.client.upload(&made["upload"], b"%PDF").await.expect(200);
    let account = own_account(&vendor).await;
    assert_eq!(account["documents"][0]["filename"], "passport.pdf");
    for hidden in ["key", "url", "link"] {
        assert!(account["documents"][0].get(hidden).is_none(), "{hidden} is not shown");
    }
    let longer = vendor.client.upload(&made["upload"], b"%PDF and more").await;
    assert!(longer.status >= 400, "only what was announced: {}", longer.status);
}

#[tokio::test]
async fn the_operator_downloads_an_applicants_documents() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("ceramics").await;
    let papers: [(&str, &[u8]); 2] =
        [("application/pdf", b"%PDF-1.7 passport"), ("image/png", b"\x89PNG\r\n\x1a\n tax")];
    for (content_type, paper) in papers {
        let asked = json!({
            "kind": "identity", "filename": "paper", "content_type": content_type, "size": paper.len(),
        });
        let noted = vendor.client.post("/v1/vendors/me/documents", &asked).await.expect(201).clone();
        assert!(noted["document"].get("link").is_none(), "{noted}");
        vendor.client.upload(&noted["upload"], paper).await.expect(200);
    }
    vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);

    let (operator, path) = (shop.operator().await, format!("/v1/admin/vendors/{}", vendor.id));
    let seen = operator.get(&path).await;
    let account = seen.expect(200).clone();
    assert_eq!((&account["state"], account["documents"].as_array().map(Vec::len)), (&json!("submitted"), Some(2)));
    let now = shop.cloud.now();
    let mut urls = Vec::new();
    for ((content_type, paper), document) in papers.into_iter().zip(account["documents"].as_array().unwrap()) {
        assert_eq!(document["link"]["expires_at"], json!(now + Duration::from_secs(600)));
        let url = document["link"]["url"].as_str().unwrap();
        let fetched = shop.anon().bytes(url).await;
        assert_eq!(fetched, (200, content_type.to_owned(), paper.to_vec()));
        let disposition = shop.anon().get(url).await.header("content-disposition").to_owned();
        assert_eq!(disposition, "attachment; filename*=UTF-8''paper", "no browser opens it");
        assert_eq!(shop.anon().get(url.split('?').next().unwrap()).await.status, 403, "only with its signature");
        urls.push(url.to_owned());
    }
    // The decision is bound to the version that the operator has seen.
    operator
        .clone()
        .with("if-match", seen.header("etag"))
        .post(&format!("{path}/approve"), &json!({}))
        .await
        .expect(200);

    shop.advance(Duration::from_secs(600)).await;
    assert_eq!(shop.anon().get(&urls[0]).await.status, 403, "the link has expired");
    operator.get("/v1/admin/vendors/ven_00000000000000000000000000").await.expect_problem(404, "not_found");
    for list in
        [shop.operator().await.get("/v1/admin/vendors?state=approved").await, decide(&shop, &vendor, "suspend").await]
    {
        assert!(!list.text.contains("\"link\""), "{}", list.text);
    }
}
