//! Mail and short messages in the language of whoever reads them.

use local::seed::PASSWORD;
use serde_json::json;

use super::account_pages::enter_code;
use super::storefront::{check_out, order_in, put};
use crate::shop::invariants::{items, put_item};
use crate::shop::{Client, Shop, confirmation_code};

#[tokio::test]
async fn a_buyer_is_written_to_in_the_language_of_the_order_and_a_vendor_in_that_of_the_shop() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    vendor.client.patch("/v1/vendors/me", &json!({"language": "zh-Hans"})).await.expect(200);
    let title = json!("</td><script>alert(1)</script>");
    let bowl = vendor.product("bowl").set("title", title).stock(9).publish().await;
    for (language, subject) in [
        (json!("ru"), "оплачен"),
        (json!("uz-Cyrl-UZ"), "тўлов келди"),
        (json!("zh"), "已付款"),
        (json!("tlh"), "is paid"),
        (json!(null), "is paid"),
    ] {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        let mut asked = json!({
            "cart_id": guest.cart, "email": guest.email, "payment": {"provider": "stripe"},
            "expected_total": guest.seen().await["totals"]["total"], "language": language,
        });
        if language.is_null() {
            asked.as_object_mut().expect("an object").remove("language");
        }
        let placed = guest.client.clone().with("idempotency-key", "once").post("/v1/checkout", &asked).await;
        let id = placed.expect(201)["id"].as_str().expect("an id").to_owned();
        shop.stripe(&id, "succeed").await;
        shop.wait_until_idle().await;
        let mail = shop.cloud.services().mail.messages(Some(&guest.email)).expect("mail can be read");
        let message = &mail[0].message;
        assert!(message.subject.contains(subject), "{language}: {}", message.subject);
        let html = message.html.clone().expect("an HTML part");
        assert!(!html.contains("<script>") && html.contains("&#60;script&#62;"), "{html}");
        assert!(message.text.contains("</td><script>") && message.text.contains("/r/"), "{}", message.text);
    }
    let told = shop.mail_to("ceramics@people.test");
    assert!(told.iter().any(|subject| subject.contains("新订单")), "{told:?}");
    let refused = vendor.client.patch("/v1/vendors/me", &json!({"language": "русский"})).await;
    refused.expect_problem(400, "invalid");
}

#[tokio::test]
async fn pages_have_codes_and_orders_told_in_their_language() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    let fields = [("contact", "aziza@guests.test"), ("name", "Aziza"), ("password", PASSWORD)];
    browser.submit("/ru/sign-up", &fields).await.expect(303);
    shop.wait_until_idle().await;
    let subjects = shop.mail_to("aziza@guests.test");
    assert_eq!(subjects, ["Bozor: ваш код"], "a code by the page in Russian");

    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    put(&browser, &bowl, "1").await;
    let placed = check_out(&browser, "cash_on_delivery").await;
    let id = order_in(&placed);
    let page = browser.visit(&placed).await.expect(200);
    let code = confirmation_code(&id, 1);
    assert!(page.html.contains("Confirm your order"), "{}", page.html);
    browser.submit(&format!("/en/orders/{id}/confirm"), &[("do", "confirm"), ("code", &code)]).await.expect(303);
    shop.wait_until_idle().await;
    let subjects = shop.mail_to("aziza@guests.test");
    assert!(subjects[0].starts_with("Order ") && subjects[0].ends_with("is confirmed"), "{subjects:?}");
}

/// Chooses this password instead of the one of the tests, and returns what the person is told, newest first.
async fn told_of_password(shop: &Shop, client: &Client, (before, password): (&str, &str)) -> Vec<String> {
    let asked = json!({"current_password": before, "password": password});
    client.post("/v1/me/password", &asked).await.expect(200);
    shop.wait_until_idle().await;
    shop.mail_to("aziza@guests.test")
}

#[tokio::test]
async fn a_person_is_written_to_in_the_language_they_signed_up_in_until_they_choose_another() {
    let shop = Shop::open().await;
    let contact = "aziza@guests.test";
    let browser = shop.browser();
    let fields = [("contact", contact), ("name", "Aziza"), ("password", PASSWORD)];
    browser.submit("/ru/sign-up", &fields).await.expect(303);
    shop.anon().post("/v1/auth/resend", &json!({ "contact": contact })).await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(contact), ["Bozor: ваш код"; 2], "a code that is asked for again forgets no language");
    shop.anon().post("/v1/auth/resend", &json!({"contact": contact, "language": "en"})).await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(contact)[0], "Bozor: your code");
    shop.anon().post("/v1/auth/resend", &json!({"contact": contact, "language": "ru"})).await.expect(202);
    enter_code(&shop, &browser, ("/ru/confirm", contact), &[]).await.expect(303);

    let person = shop.sign_in(contact).await;
    assert_eq!(person.get("/v1/me").await.expect(200)["language"], "ru");
    let told = told_of_password(&shop, &person, (PASSWORD, "Another horse 2")).await;
    assert!(told[0].ends_with("новый пароль"), "{told:?}");
    let sign_in = json!({"email": contact, "password": "Another horse 2"});
    let signed_in = shop.anon().post("/v1/auth/sign-in", &sign_in).await.expect(200).clone();
    let person = shop.anon().with_token(signed_in["access_token"].as_str().expect("a token"));
    person.patch("/v1/me", &json!({"language": "zh"})).await.expect(200);
    let told = told_of_password(&shop, &person, ("Another horse 2", "Another horse 3")).await;
    assert!(told[0].ends_with("密码已修改"), "{told:?}");
}

#[tokio::test]
async fn who_reads_at_the_address_before_is_told_in_the_language_of_the_person() {
    let shop = Shop::open().await;
    let person = shop.buyer("aziza").await;
    person.patch("/v1/me", &json!({"language": "ru"})).await.expect(200);
    let moved = "aziza@moved.test";
    let request = person.post("/v1/me/contact", &json!({ "contact": moved })).await.expect(202)["request"].clone();
    let code = shop.code_for(moved).await;
    let entered = json!({"contact": moved, "code": code, "request": request});
    person.post("/v1/me/contact/confirm", &entered).await.expect(200);
    shop.wait_until_idle().await;
    let told = shop.mail_to("aziza@people.test");
    assert!(told[0].ends_with("смена почты или телефона"), "{told:?}");
}

#[tokio::test]
async fn a_person_whose_profile_cannot_be_read_is_told_of_another_password_all_the_same() {
    let shop = Shop::open().await;
    let person = shop.buyer("aziza").await;
    person.patch("/v1/me", &json!({"language": "ru"})).await.expect(200);
    let mut profile = items(&shop, "AccountsTable").await;
    profile.retain(|item| item["kind"]["S"] == "profile");
    profile[0]["data"] = json!({"S": "{"});
    put_item(&shop, "AccountsTable", &profile[0]).await;
    let asked = json!({"current_password": PASSWORD, "password": "Another horse 2"});
    person.post("/v1/me/password", &asked).await.expect(200);
    shop.wait_until_idle().await;
    let told = shop.mail_to("aziza@people.test");
    assert!(told[0].ends_with("another password"), "{told:?}");
}
