//! Mail and short messages in the language of whoever reads them.

use serde_json::json;

use super::storefront::{check_out, order_in, put};
use crate::shop::{Shop, confirmation_code};

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
    let fields = [("contact", "aziza@guests.test"), ("name", "Aziza"), ("password", local::seed::PASSWORD)];
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
