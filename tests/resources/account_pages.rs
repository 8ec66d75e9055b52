//! The account in the browser, without script: made, signed in to, kept to its owner, and left.

use std::time::Duration;

use local::seed::PASSWORD;
use serde_json::json;

use super::storefront::{ADDRESS, check_out, order_in, put};
use crate::shop::{App, Browser, Page, Shop, confirmation_code};

/// The contact of the guest in [`ADDRESS`].
const AZIZA: &str = "aziza@guests.test";
/// An address of the address book, as its form asks for it.
const HOME: [(&str, &str); 7] = [
    ("name", "Aziza Karimova"),
    ("phone", "+998 71 200-00-00"),
    ("country", "UZ"),
    ("region", "Tashkent"),
    ("district", "Yunusobod"),
    ("city", "Tashkent"),
    ("line1", "12 Navoi Street"),
];
/// Where whoever is not signed in is led from the account.
const TO_SIGN_IN: &str = "/en/sign-in?next=%2Fen%2Faccount";
/// Places on other hosts: as they are, and as an address holds them.
const ELSEWHERE: [(&str, &str); 4] = [
    ("//evil.example", "%2F%2Fevil.example"),
    ("/\\evil.example", "%2F%5Cevil.example"),
    ("https://evil.example", "https%3A%2F%2Fevil.example"),
    ("/\t/evil.example", "%2F%09%2Fevil.example"),
];

/// Enters the newest code on the page that asks for it, with these fields besides.
pub(crate) async fn enter_code(
    shop: &Shop,
    browser: &Browser,
    (path, contact): (&str, &str),
    more: &[(&str, &str)],
) -> Page {
    let (page, code) = (browser.visit(path).await.expect(200), shop.code_for(contact).await);
    let request = page.value("request");
    assert_eq!(page.value("contact"), contact);
    let mut fields = vec![("request", &*request), ("contact", contact), ("code", &*code)];
    fields.extend_from_slice(more);
    browser.submit(path, &fields).await
}

/// Makes an account through the pages. Nobody is signed in by it.
pub(crate) async fn sign_up(shop: &Shop, browser: &Browser, contact: &str) {
    let fields = [("contact", contact), ("password", PASSWORD), ("name", "Aziza <b>")];
    assert_eq!(browser.submit("/en/sign-up", &fields).await.expect(303).location(), "/en/confirm");
    let confirmed = enter_code(shop, browser, ("/en/confirm", contact), &[]).await.expect(303);
    assert_eq!(confirmed.location(), "/en/sign-in?note=confirmed");
}

/// Signs in with the password of the tests.
pub(crate) async fn sign_in(browser: &Browser, contact: &str) -> Page {
    browser.submit("/en/sign-in", &[("contact", contact), ("password", PASSWORD)]).await
}

/// Enters the code of an order on its page, where one is asked for.
pub(crate) async fn confirm_order(browser: &Browser, id: &str) {
    let base = format!("/en/orders/{id}");
    if browser.visit(&base).await.expect(200).html.contains(&format!("action=\"{base}/confirm\"")) {
        let code = confirmation_code(id, 1);
        browser.submit(&format!("{base}/confirm"), &[("do", "confirm"), ("code", &code)]).await.expect(303);
    }
}

/// Begins to set an authenticator app up, and reads what it needs from the page.
pub(crate) async fn begin_app(browser: &Browser) -> App {
    let page = browser.submit("/en/account/security/app", &[]).await.expect(200).shows("<svg width=");
    let secret = page.html.split_once("<dt class=\"muted\">Key</dt><dd>").and_then(|(_, rest)| rest.split_once('<'));
    App::reading(&json!({"secret": secret.expect("a key").0}))
}

/// Asserts that a cookie opens nothing.
async fn opens_nothing(shop: &Shop, cookie: &str) {
    let thief = shop.browser();
    thief.set_cookie("session", cookie);
    for path in ["/en/account", "/en/account/orders", "/en/account/security"] {
        let page = thief.visit(path).await.expect(303);
        assert!(page.location().starts_with(TO_SIGN_IN), "{path}: {}", page.location());
    }
}

fn session_of(browser: &Browser) -> String {
    browser.cookie("session").expect("somebody is signed in")
}

#[tokio::test]
async fn a_guest_makes_an_account_keeps_the_cart_and_orders_again_with_a_saved_address() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let browser = shop.browser();
    put(&browser, &bowl, "1").await;
    let first = order_in(&check_out(&browser, "cash_on_delivery").await);
    confirm_order(&browser, &first).await;
    put(&browser, &bowl, "2").await;
    let guests = browser.cookie("cart").expect("a cart");

    sign_up(&shop, &browser, AZIZA).await;
    assert_eq!(browser.cookie("session"), None, "nobody is signed in by a code that is mailed");
    let to_account = browser.visit("/en/account").await.expect(303).location();
    assert_eq!(to_account, TO_SIGN_IN);
    assert_eq!(sign_in(&browser, AZIZA).await.expect(303).location(), "/en/account");
    assert_ne!(browser.cookie("cart").expect("a cart"), guests, "others may know the one of the guest");
    browser.visit("/en/cart").await.expect(200).shows("bowl").shows("value=\"2\"");

    let incomplete = browser.submit("/en/account/addresses", &HOME[..6]).await.expect(400);
    assert_eq!(incomplete.errors(), ["line1"]);
    for _ in 0..2 {
        let saved = browser.submit("/en/account/addresses", &HOME).await.expect(303);
        assert_eq!(saved.location(), "/en/account/addresses?note=saved");
    }
    let book = browser.visit("/en/account/addresses").await.expect(200).shows("12 Navoi Street");
    assert_eq!(book.names("address").iter().filter(|name| *name == "address").count(), 1, "two alike are one");
    browser.visit("/en/checkout").await.expect(200).shows("value=\"12 Navoi Street\"");
    let second = order_in(&check_out(&browser, "cash_on_delivery").await);
    confirm_order(&browser, &second).await;
    shop.wait_until_idle().await;
    // What was ordered before the account was there is of the address that was proven.
    let orders = |id: &str| format!("href=\"/en/orders/{id}\"");
    browser.visit("/en/account/orders").await.expect(200).shows(&orders(&first)).shows(&orders(&second));
    let elsewhere = shop.browser_of(AZIZA).await;
    elsewhere.visit("/en/account").await.expect(200).shows(&orders(&second));
    for id in [&first, &second] {
        elsewhere.visit(&format!("/en/orders/{id}")).await.expect(200).shows("12 Navoi Street");
    }
}

#[tokio::test]
async fn what_was_typed_wrong_at_sign_up_is_told_at_once_and_a_wrong_code_makes_no_account() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    for (contact, wrong) in [("nobody", "contact"), (AZIZA, "password")] {
        let typed = [("contact", contact), ("password", "sh0rt-1"), ("name", "<b>\"Aziza\"")];
        let page = browser.submit("/en/sign-up", &typed).await.expect(400);
        assert_eq!(page.errors(), [wrong]);
        let page = page.shows(&format!("value=\"{contact}\"")).shows("role=\"alert\"");
        assert!(!page.html.contains("sh0rt-1") && !page.html.contains("<b>\"Aziza"), "{}", page.html);
    }

    browser.submit("/en/sign-up", &[("contact", AZIZA), ("password", PASSWORD)]).await.expect(303);
    let request = browser.visit("/en/confirm").await.expect(200).value("request");
    let code = shop.code_for(AZIZA).await;
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let fields = |code| [("request", &*request), ("contact", AZIZA), ("code", code)];
    let page = browser.submit("/en/confirm", &fields(wrong)).await.expect(400);
    assert_eq!(page.errors(), ["code"]);
    sign_in(&browser, AZIZA).await.expect(401);
    browser.submit("/en/confirm", &fields(&code)).await.expect(303);
    sign_in(&browser, AZIZA).await.expect(303);
}

#[tokio::test]
async fn a_session_that_a_browser_had_before_is_not_the_one_after_signing_in() {
    let shop = Shop::open().await;
    for name in ["aziza", "mallory"] {
        shop.buyer(name).await;
    }
    let planted = session_of(&shop.browser_of("mallory@people.test").await);
    let browser = shop.browser();
    browser.set_cookie("session", &planted);
    sign_in(&browser, "aziza@people.test").await.expect(303);
    let own = session_of(&browser);
    assert_ne!(own, planted);
    opens_nothing(&shop, &planted).await;
    browser.visit("/en/account/profile").await.expect(200).shows("aziza@people.test");
    // And once more by the same person.
    sign_in(&browser, "aziza@people.test").await.expect(303);
    opens_nothing(&shop, &own).await;
    // One that nobody has given out is no session either.
    browser.set_cookie("session", "planted");
    browser.visit("/en/account").await.expect(303);
}

#[tokio::test]
async fn the_cookie_from_before_a_step_up_opens_nothing_after_it() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let email = "aziza@people.test";
    let browser = shop.browser_of(email).await;
    let kept = session_of(&browser);
    shop.advance(Duration::from_secs(11 * 60)).await;
    let change = [("contact", "aziza@moved.test")];
    let led = browser.submit("/en/account/contact", &change).await.expect(303).location();
    assert_eq!(led, "/en/sign-in?next=%2Fen%2Faccount%2Fcontact&note=fresh");
    let page = browser.visit(&led).await.expect(200).shows("Your sign-in is too long ago for this.");
    assert_eq!(session_of(&browser), kept, "who does not sign in again stays signed in");
    browser.visit("/en/account").await.expect(200);

    let next = page.value("next");
    let fields = [("contact", email), ("password", PASSWORD), ("next", &*next)];
    assert_eq!(browser.submit("/en/sign-in", &fields).await.expect(303).location(), "/en/account/contact");
    assert_ne!(session_of(&browser), kept);
    opens_nothing(&shop, &kept).await;
    let asked = browser.submit("/en/account/contact", &change).await.expect(303);
    assert_eq!(asked.location(), "/en/account/contact/enter");
}

#[tokio::test]
async fn after_signing_out_and_after_another_password_an_old_cookie_opens_nothing() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let email = "aziza@people.test";
    let browser = shop.browser_of(email).await;
    let kept = session_of(&browser);
    browser.visit("/en/sign-out").await.expect(200);
    browser.visit("/en/account").await.expect(200);
    assert_eq!(browser.submit("/en/sign-out", &[]).await.expect(303).location(), "/en/sign-in?note=out");
    assert_eq!(browser.cookie("session"), None);
    opens_nothing(&shop, &kept).await;

    let browser = shop.browser_of(email).await;
    let kept = session_of(&browser);
    let asks = shop.browser();
    assert_eq!(asks.submit("/en/reset", &[("contact", email)]).await.expect(303).location(), "/en/reset/enter");
    let chosen = "correct horse battery staple";
    let reset = enter_code(&shop, &asks, ("/en/reset/enter", email), &[("password", chosen)]).await.expect(303);
    assert_eq!(reset.location(), "/en/sign-in?note=password");
    assert_eq!(asks.cookie("session"), None, "who has the mail need not have the second factor");
    opens_nothing(&shop, &kept).await;
    sign_in(&browser, email).await.expect(401);
    browser.submit("/en/sign-in", &[("contact", email), ("password", chosen)]).await.expect(303);
    browser.visit("/en/account").await.expect(200);
}

#[tokio::test]
async fn a_session_elsewhere_is_shown_and_ended_and_a_code_signs_in() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let email = "aziza@people.test";
    let elsewhere = shop.browser_of(email).await;
    let browser = shop.browser();
    let asked = browser.submit("/en/sign-in/code", &[("contact", email), ("next", "/en/account/sessions")]).await;
    assert_eq!(asked.expect(303).location(), "/en/sign-in/code/enter");
    let next = [("next", "/en/account/sessions")];
    let entered = enter_code(&shop, &browser, ("/en/sign-in/code/enter", email), &next).await.expect(303);
    assert_eq!(entered.location(), "/en/account/sessions");
    // That of the client, and that of the other browser. The one that looks has no button.
    for left in [2, 1] {
        let page = browser.visit("/en/account/sessions").await.expect(200);
        assert_eq!(page.names("session").len(), left, "{}", page.html);
        let session = page.value("session");
        let ended = browser.submit("/en/account/sessions", &[("session", &session)]).await.expect(303);
        assert_eq!(ended.location(), "/en/account/sessions?note=saved");
    }
    elsewhere.visit("/en/account").await.expect(303);
    browser.visit("/en/account").await.expect(200);
}

#[tokio::test]
async fn another_address_is_proven_and_signs_in_from_then_on() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let (before, moved) = ("aziza@people.test", "aziza@moved.test");
    let (browser, elsewhere) = (shop.browser_of(before).await, shop.browser_of(before).await);
    let asked = browser.submit("/en/account/contact", &[("contact", moved)]).await.expect(303);
    assert_eq!(asked.location(), "/en/account/contact/enter");
    let entered = enter_code(&shop, &browser, ("/en/account/contact/enter", moved), &[]).await.expect(303);
    assert_eq!(entered.location(), "/en/account/profile?note=saved");
    browser.visit("/en/account/profile").await.expect(200).shows(moved);
    elsewhere.visit("/en/account").await.expect(303);
    sign_in(&elsewhere, before).await.expect(401);
    sign_in(&elsewhere, moved).await.expect(303);
}

#[tokio::test]
async fn nobody_is_led_to_another_host() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let email = "aziza@people.test";
    let browser = shop.browser();
    for (next, coded) in ELSEWHERE {
        for page in ["sign-in", "sign-in/code", "sign-up", "reset"] {
            let shown = browser.visit(&format!("/en/{page}?next={coded}")).await.expect(200);
            assert_eq!(shown.value("next"), "/en/account", "{page} {next:?}");
            assert!(!shown.html.contains("evil.example"), "{page} {next:?}: {}", shown.html);
        }
        let fields = [("contact", email), ("password", PASSWORD), ("next", next)];
        assert_eq!(browser.submit("/en/sign-in", &fields).await.expect(303).location(), "/en/account", "{next:?}");
        let fields = [("do", "add"), ("variant", &*bowl.variant), ("currency", "USD"), ("then", next)];
        assert_eq!(browser.submit("/en/cart", &fields).await.expect(303).location(), "/en/cart?added", "{next:?}");
    }
    // A cookie says where to go on to as well, and anybody may have put it there.
    browser.set_cookie("challenge", "token=x&next=%2F%2Fevil.example");
    assert_eq!(browser.visit("/en/challenge").await.expect(303).location(), "/en/sign-in");
    let fields = [("contact", email), ("password", PASSWORD), ("next", "/en/orders/x?y=//z")];
    assert_eq!(browser.submit("/en/sign-in", &fields).await.expect(303).location(), "/en/orders/x?y=//z");
}

#[tokio::test]
async fn a_cookie_gives_no_tokens_and_a_refresh_token_opens_no_page() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let email = "aziza@people.test";
    let browser = shop.browser_of(email).await;
    let cookie = json!({"refresh_token": session_of(&browser)});
    shop.anon().post("/v1/auth/refresh", &cookie).await.expect_problem(401, "unauthorized");
    browser.visit("/en/account").await.expect(200);

    let asked = json!({"email": email, "password": PASSWORD});
    let tokens = shop.anon().post("/v1/auth/sign-in", &asked).await.expect(200).clone();
    for token in ["refresh_token", "access_token"] {
        opens_nothing(&shop, tokens[token].as_str().expect("a token")).await;
    }
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    shop.anon().post("/v1/auth/refresh", &refresh).await.expect(200);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let mut answers = Vec::new();
    for contact in ["aziza@people.test", "nobody@people.test"] {
        let browser = shop.browser();
        let fields = [("contact", contact), ("password", "Another-2026-try"), ("next", "/en/account/orders")];
        let page = browser.submit("/en/sign-in", &fields).await.expect(401);
        let page = page.shows("role=\"alert\"").shows("do not belong together").shows(contact);
        assert_eq!(page.value("next"), "/en/account/orders");
        assert!(!page.headers.contains_key("set-cookie") && !page.html.contains("Another-2026-try"), "{}", page.html);
        answers.push(page.html.replace(contact, "somebody"));
        // A code is asked for in the same way, and comes for one of them only.
        for path in ["/en/sign-in/code", "/en/reset"] {
            let asked = browser.submit(path, &[("contact", contact)]).await.expect(303);
            assert_eq!(asked.location(), format!("{path}/enter"));
        }
    }
    assert_eq!(answers[0], answers[1]);
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to("nobody@people.test"), Vec::<String>::new());
}

#[tokio::test]
async fn a_stranger_sees_nobodys_order() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    for name in ["aziza", "mallory"] {
        shop.buyer(name).await;
    }
    let (owner, other) = (shop.browser_of("aziza@people.test").await, shop.browser_of("mallory@people.test").await);
    put(&owner, &bowl, "1").await;
    let id = order_in(&check_out(&owner, "cash_on_delivery").await);
    let base = format!("/en/orders/{id}");
    owner.visit(&base).await.expect(200).shows("12 Navoi Street");
    let nobody = shop.browser();
    for path in [base.clone(), format!("{base}/cancel")] {
        let led = nobody.visit(&path).await.expect(303).location();
        assert_eq!(led, format!("/en/sign-in?next={}", base.replace('/', "%2F")), "{path}");
        let page = other.visit(&path).await.expect(404);
        assert!(!page.html.contains("Navoi") && !page.html.contains(ADDRESS[0].1), "{}", page.html);
    }
    for step in ["cancel", "pay", "refresh", "confirm", "return"] {
        let path = format!("{base}/{step}");
        nobody.submit(&path, &[("key", "k1")]).await.expect(303);
        other.submit(&path, &[("key", "k1")]).await.expect(404);
    }
    assert_eq!(bowl.stock().await, (5, 1, 4));
}

#[tokio::test]
async fn an_authenticator_app_is_set_up_and_asked_for_at_the_next_sign_in() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let email = "aziza@people.test";
    let browser = shop.browser_of(email).await;
    let (kept, app) = (session_of(&browser), begin_app(&browser).await);
    let confirm = "/en/account/security/app/confirm";
    let code = app.code(&shop);
    let wrong = if code == "000000" { "111111" } else { "000000" };
    browser.submit(confirm, &[("code", wrong)]).await.expect(400).shows("role=\"alert\"");
    browser.submit(confirm, &[("code", &code)]).await.expect(200).shows("signed out everywhere");
    assert_eq!(browser.cookie("session"), None);
    opens_nothing(&shop, &kept).await;

    shop.advance(Duration::from_secs(30)).await;
    let fields = [("contact", email), ("password", PASSWORD), ("next", "/en/account/security")];
    assert_eq!(browser.submit("/en/sign-in", &fields).await.expect(303).location(), "/en/challenge");
    assert_eq!(browser.cookie("session"), None, "the password alone opens nothing");
    browser.visit("/en/account").await.expect(303);
    browser.visit("/en/challenge").await.expect(200);
    let code = app.code(&shop);
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let refused = browser.submit("/en/challenge", &[("code", wrong)]).await.expect(400);
    assert_eq!(refused.errors(), ["code"]);
    let answered = browser.submit("/en/challenge", &[("code", &code)]).await.expect(303);
    assert_eq!(answered.location(), "/en/account/security");
    assert_eq!(browser.cookie("challenge"), None);

    // It is taken away with a code again, and with it every session.
    let code = app.next_code(&shop);
    let removed = browser.submit("/en/account/security/app/remove", &[("code", &code)]).await.expect(303);
    assert!(removed.location().starts_with("/en/sign-in?"), "{}", removed.location());
    assert_eq!(sign_in(&browser, email).await.expect(303).location(), "/en/account");
}
