//! Links in messages: each opens its page for whoever it was sent to, once they have signed in.

use std::collections::BTreeSet;
use std::time::Duration;

use local::seed::{OPERATOR, PASSWORD};
use serde_json::json;

use super::desk_pages::CERAMICS;
use super::storefront::put;
use crate::shop::{Browser, Shop};

/// The addresses in all mail and short messages to somebody, below that of the shop.
async fn links(shop: &Shop, contact: &str) -> BTreeSet<String> {
    shop.advance(Duration::from_secs(45)).await;
    shop.wait_until_idle().await;
    let base = shop.cloud.base_url();
    let messages = shop.cloud.services().mail.messages(Some(contact)).expect("mail can be read");
    let mut found = BTreeSet::new();
    for stored in messages {
        for text in [stored.message.text, stored.message.html.unwrap_or_default()] {
            let rest =
                text.split(&base).skip(1).map(|rest| rest.split(['"', '<', ' ', '\n']).next().unwrap_or_default());
            found.extend(rest.map(str::to_owned));
        }
    }
    found
}

/// Follows a link to its page, through whatever chooses a shop on the way.
async fn opens(browser: &Browser, link: &str) -> String {
    let mut at = if link.is_empty() { "/en/".to_owned() } else { link.to_owned() };
    for _ in 0..3 {
        let page = browser.visit(&at).await;
        match page.status {
            200 => return at,
            303 => at = page.location(),
            status => panic!("{link} leads to {at}, which answers {status}: {}", page.html),
        }
    }
    panic!("{link} leads from one page to another")
}

#[tokio::test]
async fn every_link_to_a_desk_opens_the_page_that_it_names_also_for_who_works_for_two_shops() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let silk = shop.vendor("silk").await;
    shop.member(&silk.client, CERAMICS, "manager").await;
    let bowl = vendor.product("bowl").set("title", json!("Bowl")).stock(2).publish().await;
    let hidden = vendor.product("plate").publish().await;
    let hide = format!("/v1/admin/products/{}/hide", hidden.id);
    shop.operator().await.post(&hide, &json!({"reason": "Counterfeit."})).await.expect(200);
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = guest.checks_out("stripe", "once").await.expect(201)["id"].clone();
    shop.stripe(order.as_str().expect("an id"), "succeed").await;

    let found = links(&shop, CERAMICS).await;
    let browser = shop.browser_of(CERAMICS).await;
    for (link, opened) in [("/desk/orders/", 1), ("/desk/products/", 1), ("/desk/shop?", 1)] {
        let wanted: Vec<&String> = found.iter().filter(|found| found.starts_with(link)).collect();
        assert!(wanted.len() >= opened, "{link} in {found:?}");
    }
    for link in &found {
        let at = opens(&browser, link).await;
        // The code of an invitation has been used by now; everything else is the page itself.
        let page = link.split('?').next().unwrap_or_default();
        assert!(at == page || link.is_empty(), "{link} opens {at}");
    }
    // Who is not signed in is asked to, and gets there.
    let link = found.iter().find(|link| link.starts_with("/desk/orders/")).expect("a link");
    let stranger = shop.browser();
    let asked = stranger.visit(link).await.expect(303).location();
    let next = stranger.visit(&asked).await.expect(200).value("next").replace("&#38;", "&");
    let fields = [("contact", CERAMICS), ("password", PASSWORD), ("next", &*next)];
    let back = stranger.submit("/en/sign-in", &fields).await.expect(303).location();
    assert_eq!(opens(&stranger, &back).await, link.split('?').next().unwrap_or_default());
    let operator = shop.browser_of(OPERATOR).await;
    for link in links(&shop, "operator@bozor.test").await {
        opens(&operator, &link).await;
    }
}

#[tokio::test]
async fn who_is_told_of_their_account_is_led_to_where_they_do_something_about_it() {
    let shop = Shop::open().await;
    let person = shop.buyer("aziza").await;
    let contact = "aziza@people.test";
    person.patch("/v1/me", &json!({"language": "ru"})).await.expect(200);
    let asked = json!({"current_password": PASSWORD, "password": "Another horse 2"});
    person.post("/v1/me/password", &asked).await.expect(200);
    let again = json!({"contact": contact, "password": PASSWORD, "language": "zh"});
    shop.anon().post("/v1/auth/sign-up", &again).await.expect(202);
    let found = links(&shop, contact).await;
    for link in ["/ru/reset", "/zh/sign-in"] {
        assert!(found.contains(link), "{link} in {found:?}");
        shop.browser().visit(link).await.expect(200);
    }
}

#[tokio::test]
async fn who_works_on_a_device_after_somebody_else_is_in_their_own_shop() {
    let shop = Shop::open().await;
    let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
    let browser = shop.browser_of(CERAMICS).await;
    browser.visit(&format!("/desk?shop={}", ceramics.id)).await.expect(303);
    assert_eq!(browser.cookie("shop"), Some(ceramics.id.to_string()));
    browser.submit("/en/sign-out", &[]).await.expect(303);
    assert_eq!(browser.cookie("shop"), None);

    let browser = shop.browser_of("silk@people.test").await;
    browser.set_cookie("shop", &ceramics.id.to_string());
    for page in ["/desk/orders?tab=new", "/desk/products"] {
        assert_eq!(browser.visit(page).await.expect(303).location(), page);
        assert_eq!(browser.cookie("shop"), Some(silk.id.to_string()));
        browser.visit(page).await.expect(200);
        browser.set_cookie("shop", &ceramics.id.to_string());
    }
    let chosen = browser.visit("/desk?language=ru").await.expect(303);
    let cookie = chosen.header("set-cookie").to_owned();
    assert!(cookie.starts_with("language=ru;") && !cookie.contains("HttpOnly"), "scripts change it too: {cookie}");
    browser.visit("/desk").await.expect(200).shows("lang=\"ru\"");
}

#[tokio::test]
async fn what_is_in_the_cart_is_counted_for_pages_that_do_not_know() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let browser = shop.browser();
    put(&browser, &bowl, "2").await;
    assert_eq!(browser.cookie("items").as_deref(), Some("2"));
    browser.submit("/en/cart", &[("do", "remove"), ("variant", &bowl.variant)]).await.expect(303);
    assert_eq!(browser.cookie("items").as_deref(), Some("0"));
    put(&browser, &bowl, "3").await;
    shop.buyer("aziza").await;
    let fields = [("contact", "aziza@people.test"), ("password", PASSWORD)];
    browser.submit("/en/sign-in", &fields).await.expect(303);
    assert_eq!(browser.cookie("items").as_deref(), Some("3"));
    super::storefront::check_out(&browser, "cash_on_delivery").await;
    assert_eq!(browser.cookie("items").as_deref(), Some("0"));
}
