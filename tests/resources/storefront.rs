//! The shop in the browser, without script: a sale from the home page to the order and back.

use serde_json::{Value, json};

use crate::shop::{Browser, Product, Shop, confirmation_code};

/// The address and contact of a guest, as the form of the checkout asks for them.
pub(crate) const ADDRESS: [(&str, &str); 9] = [
    ("contact.email", "aziza@guests.test"),
    ("contact.phone", "+998 "),
    ("address.name", "Aziza Karimova"),
    ("address.country", "UZ"),
    ("address.region", "Tashkent"),
    ("address.district", "Yunusobod"),
    ("address.city", "Tashkent"),
    ("address.phone", "+998 71 200-00-00"),
    ("address.line1", "12 Navoi Street"),
];

/// Puts a product into the cart from its page.
pub(crate) async fn put(browser: &Browser, product: &Product, quantity: &str) {
    let page = browser.visit(&format!("/en/p/{}", product.handle)).await.expect(200);
    let (variant, currency) = (page.value("variant"), page.value("currency"));
    let fields = [("do", "add"), ("variant", &*variant), ("quantity", quantity), ("currency", &*currency)];
    let added = browser.submit("/en/cart", &fields).await.expect(303);
    assert_eq!(added.location(), "/en/cart?added");
}

/// Goes through the three steps of the checkout, and answers with where the last one leads.
pub(crate) async fn check_out(browser: &Browser, provider: &str) -> String {
    let addressed = browser.submit("/en/checkout", &ADDRESS).await.expect(303);
    assert_eq!(addressed.location(), "/en/checkout/delivery");
    let delivery = browser.visit("/en/checkout/delivery").await.expect(200);
    let names = delivery.names("delivery.");
    let chosen: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "flat")).collect();
    let chosen = browser.submit("/en/checkout/delivery", &chosen).await.expect(303);
    assert_eq!(chosen.location(), "/en/checkout/payment");
    let payment = browser.visit("/en/checkout/payment").await.expect(200);
    let (key, total) = (payment.value("key"), payment.value("total"));
    let fields = [("key", &*key), ("total", &*total), ("provider", provider)];
    browser.submit("/en/checkout/payment", &fields).await.expect(303).location()
}

/// The id of an order in the path of its page.
pub(crate) fn order_in(path: &str) -> String {
    let id = path.split("/orders/").nth(1).unwrap_or_else(|| panic!("no order in {path}"));
    id.split(['?', '/']).next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_guest_buys_from_two_vendors_without_script_follows_and_cancels() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let scarf = shop.vendor("silk").await.product("scarf").stock(5).publish().await;
    let browser = shop.browser();
    let home = browser.visit("/").await.expect(302);
    assert_eq!(home.location(), "/en/");
    browser.visit("/en/").await.expect(200).shows("/en/p/bowl").shows("/en/p/scarf");
    put(&browser, &bowl, "2").await;
    put(&browser, &scarf, "1").await;
    put(&browser, &bowl, "1").await;
    browser.visit("/en/cart").await.expect(200).shows("ceramics").shows("silk").shows("value=\"3\"");
    let less = [("do", "set"), ("variant", &*bowl.variant), ("quantity", "1")];
    browser.submit("/en/cart", &less).await.expect(303);

    let placed = check_out(&browser, "cash_on_delivery").await;
    let (id, page) = (order_in(&placed), browser.visit(&placed).await.expect(200));
    let base = format!("/en/orders/{id}");
    page.shows("Thank you for your order!").shows("Confirm your order").shows("aziza@guests.test");
    let wrong = browser.submit(&format!("{base}/confirm"), &[("do", "confirm"), ("code", "000000")]).await;
    wrong.expect(400).shows("The code is wrong");
    let code = confirmation_code(&id, 1);
    browser.submit(&format!("{base}/confirm"), &[("do", "confirm"), ("code", &code)]).await.expect(303);
    browser.visit(&base).await.expect(200).shows("Confirmed").shows("has to confirm");

    // The link in the mail opens the order on another device, and only when its button is pressed.
    shop.wait_until_idle().await;
    let mail = shop.cloud.services().mail.messages(Some("aziza@guests.test")).expect("mail can be read");
    let link = mail.iter().find_map(|stored| stored.message.text.split("/r/").nth(1)).expect("a link");
    let link = format!("/r/{}", link.split_whitespace().next().expect("a token"));
    let other = shop.browser();
    other.visit(&base).await.expect(303);
    other.visit(&link).await.expect(200).shows("Show my order");
    assert_eq!(other.cookie("orders"), None, "looking at a link does nothing");
    let opened = other.submit(&link, &[]).await.expect(303);
    assert_eq!(opened.location(), base);
    other.visit(&base).await.expect(200).shows("12 Navoi Street");
    let forged = format!("{}x", &link[..link.len() - 2]);
    shop.browser().submit(&forged, &[]).await.expect(404).shows("This link does not work");

    other.visit(&format!("{base}/cancel")).await.expect(200).shows("Cancel the whole order?");
    other.submit(&format!("{base}/cancel"), &[]).await.expect(303);
    browser.visit(&base).await.expect(200).shows("The order is cancelled.");
    assert_eq!(bowl.stock().await, (5, 0, 5));
}

#[tokio::test]
async fn what_was_typed_wrong_is_told_at_once_and_nothing_typed_is_lost() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let browser = shop.browser();
    put(&browser, &bowl, "1").await;
    let typed = [
        ("contact.email", "aziza"),
        ("contact.phone", "+998 "),
        ("address.name", "<b>\"Aziza\""),
        ("address.country", "UZ"),
    ];
    let page = browser.submit("/en/checkout", &typed).await.expect(400);
    let mut errors = page.errors();
    errors.sort_unstable();
    assert_eq!(errors, ["address-district", "address-line1", "address-phone", "address-region", "contact-email"]);
    let page =
        page.shows("role=\"alert\"").shows("autofocus").shows("href=\"#f-contact-email\"").shows("value=\"aziza\"");
    assert!(!page.html.contains("<b>\"Aziza"), "markup is text: {}", page.html);
    browser.visit("/en/cart").await.expect(200).shows("bowl");
}

#[tokio::test]
async fn an_address_needs_what_its_country_needs_and_who_is_reached_by_telephone_types_it_once() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let browser = shop.browser();
    put(&browser, &bowl, "1").await;
    let form = browser.visit("/en/checkout").await.expect(200).html;
    let needed = |html: &str, name: &str| {
        let label =
            html.split(&format!("for=\"f-address-{name}\"")).nth(1).and_then(|rest| rest.split_once("</label>"));
        !label.unwrap_or_else(|| panic!("no label of {name} in {html}")).0.contains("optional")
    };
    let all = ["region", "district", "city", "line1", "landmark"];
    assert_eq!(all.map(|name| needed(&form, name)), [true, true, false, true, false]);
    assert!(!form.contains("id=\"f-address-region\" name=\"address.region\" required"), "{form}");
    let typed = |country, more: &[(&'static str, &'static str)]| {
        let known = [("address.name", "Aziza"), ("address.country", country), ("address.phone", "+998 ")];
        [&known[..], more].concat()
    };
    let china = typed("CN", &[("contact.email", "aziza@guests.test"), ("address.region", "Zhejiang")]);
    let refused = browser.submit("/en/checkout", &china).await.expect(400);
    let mut errors = refused.errors();
    errors.sort_unstable();
    assert_eq!(errors, ["address-city", "address-district", "address-line1", "address-phone"]);
    assert_eq!(all.map(|name| needed(&refused.html, name)), [true, true, true, true, false]);
    let place = [("address.region", "Xorazm"), ("address.district", "Xiva"), ("address.landmark", "by the minaret")];
    let uzbekistan = typed("UZ", &[&[("contact.phone", "+998 90 123-45-67")][..], &place].concat());
    browser.submit("/en/checkout", &uzbekistan).await.expect(303);
    browser.visit("/en/checkout").await.expect(200).shows("by the minaret").shows("value=\"+998901234567\"");
}

#[tokio::test]
async fn a_page_for_one_person_remembers_its_language_without_script_and_public_ones_do_not() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.visit("/ru/").await.expect(200);
    assert_eq!(browser.visit("/").await.expect(302).location(), "/en/");
    browser.visit("/ru/cart").await.expect(200);
    assert_eq!(browser.cookie("language").as_deref(), Some("ru"));
    assert_eq!(browser.visit("/").await.expect(302).location(), "/ru/");
    let again = browser.visit("/ru/cart").await.expect(200);
    assert!(!again.headers.contains_key("set-cookie"), "{:?}", again.headers);
    browser.visit("/uz/nowhere").await.expect(404);
    browser.visit("/zh/orders/ord_00000000000000000000000001").await;
    assert_eq!(browser.cookie("language").as_deref(), Some("ru"), "a page that is not there chooses nothing");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_orders_once() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let browser = shop.browser();
    put(&browser, &bowl, "1").await;
    browser.submit("/en/checkout", &ADDRESS).await.expect(303);
    let payment = browser.visit("/en/checkout/payment").await.expect(200);
    let (key, total) = (payment.value("key"), payment.value("total"));
    let fields = [("key", &*key), ("total", &*total), ("provider", "cash_on_delivery")];
    let (one, other) =
        tokio::join!(browser.submit("/en/checkout/payment", &fields), browser.submit("/en/checkout/payment", &fields));
    let third = browser.submit("/en/checkout/payment", &fields).await.expect(303).location();
    let placed: Vec<String> =
        [one, other].into_iter().filter(|page| page.status == 303).map(|page| page.location()).collect();
    assert!(!placed.is_empty() && placed.iter().all(|place| order_in(place) == order_in(&third)), "{placed:?}");
    assert_eq!(bowl.stock().await, (5, 1, 4));
}

#[tokio::test]
async fn a_price_that_rose_is_shown_before_it_is_paid() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(5).publish().await;
    let browser = shop.browser();
    put(&browser, &bowl, "1").await;
    browser.submit("/en/checkout", &ADDRESS).await.expect(303);
    let payment = browser.visit("/en/checkout/payment").await.expect(200);
    let key = payment.value("key");
    let fields = [("key", &*key), ("total", "1.00"), ("provider", "cash_on_delivery")];
    let refused = browser.submit("/en/checkout/payment", &fields).await.expect(409);
    let refused = refused.shows("The total has risen");
    assert_ne!(refused.value("key"), key, "what is agreed to anew is another order");
    assert_eq!(bowl.stock().await, (5, 0, 5));
}

#[tokio::test]
async fn pages_are_small_public_and_alike_for_everybody_and_private_ones_are_kept_by_nobody() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(5).publish().await;
    let browser = shop.browser();
    put(&browser, &bowl, "1").await;
    for path in ["/en/", "/en/products", "/en/p/bowl", "/en/v/ceramics", "/ru/p/bowl", "/uz-cyrl/", "/zh/products"] {
        let page = browser.visit(path).await.expect(200);
        assert!(page.header("cache-control").starts_with("public, max-age=0, s-maxage="), "{path}");
        assert!(!page.headers.contains_key("set-cookie"), "{path}");
        let stranger = shop.browser().visit(path).await.expect(200);
        assert_eq!(page.html, stranger.html, "{path} is alike for everybody");
        assert!(page.html.len() <= 40_000, "{path} has {} bytes", page.html.len());
    }
    for path in ["/en/cart", "/en/checkout"] {
        assert_eq!(browser.visit(path).await.expect(200).header("cache-control"), "private, no-store", "{path}");
    }
}

#[tokio::test]
async fn what_search_engines_read_agrees_with_the_page_and_the_api() {
    let shop = Shop::open().await;
    let bowl = shop
        .vendor("ceramics")
        .await
        .product("bowl")
        .set("title", json!("</script><b>Bowl & \"co\""))
        .stock(5)
        .publish()
        .await;
    let browser = shop.browser();
    let page = browser.visit(&format!("/en/p/{}", bowl.handle)).await.expect(200);
    let data =
        page.html.split("<script type=\"application/ld+json\">").nth(1).and_then(|part| part.split_once("</script>"));
    let data: Value = serde_json::from_str(data.expect("data").0).expect("JSON");
    assert_eq!(data["name"], "</script><b>Bowl & \"co\"");
    let api = shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await.expect(200).clone();
    assert_eq!((&data["@type"], &data["offers"]["price"]), (&json!("Product"), &api["variants"][0]["price"]["amount"]));
    let delivery = &data["offers"]["shippingDetails"];
    assert_eq!(delivery["shippingRate"]["value"], "5.00");
    assert_eq!(delivery["shippingDestination"], json!({"@type": "DefinedRegion", "addressCountry": "UZ"}));
    let returns = &data["offers"]["hasMerchantReturnPolicy"];
    assert_eq!((&returns["applicableCountry"], &returns["returnPolicyCountry"]), (&json!("UZ"), &json!("UZ")));
    assert_eq!(returns["returnPolicyCategory"], "https://schema.org/MerchantReturnFiniteReturnWindow");
    assert_eq!(returns["merchantReturnDays"], 14, "as the settings have it");
    let price = api["variants"][0]["price"]["amount"].as_str().expect("a price");
    let page = page.shows(&format!("${price}"));
    assert!(!page.html.contains("</script><b>"), "the title is text");

    let locations = |xml: &str| -> Vec<String> {
        let parts = xml.split("<loc>").skip(1).filter_map(|part| part.split_once("</loc>"));
        parts.map(|(url, _)| url.to_owned()).collect()
    };
    let index = browser.visit("/sitemap.xml").await.expect(200).shows("<sitemapindex").html;
    let mut addresses = std::collections::BTreeSet::new();
    for part in locations(&index) {
        addresses.extend(locations(&browser.visit(&part).await.expect(200).html));
    }
    assert!(addresses.iter().any(|address| address.ends_with("/ru/p/bowl")), "{addresses:?}");
    assert!(addresses.len() >= 5 * 7, "{}", addresses.len());
    for address in addresses {
        let page = browser.visit(&address).await.expect(200);
        page.shows(&format!("<link rel=\"canonical\" href=\"{address}\">"));
    }
}

#[tokio::test]
async fn every_component_is_shown_in_every_language_under_the_policy_of_pages() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    let own = browser.visit("/en/products").await.expect(200);
    for language in ["uz", "uz-cyrl", "ru", "en", "zh"] {
        let page = browser.visit(&format!("/_local/pages?language={language}")).await.expect(200);
        assert_eq!(page.header("content-security-policy"), own.header("content-security-policy"));
        for part in
            ["role=\"alert\"", "class=\"btn danger\"", "class=\"grid\"", "aria-invalid", "type=\"file\"", "<table"]
        {
            assert!(page.html.contains(part), "{part} in {language}: {}", page.html);
        }
        let (_, words) = page.html.split_once("<main").and_then(|(_, main)| main.split_once('>')).expect("a main part");
        assert!(!words.contains('{'), "a message with a place that nothing fills in {language}: {words}");
    }
    let mail = browser.visit("/_local/mail").await.expect(200);
    assert_eq!(mail.header("content-type"), "application/json");
}

#[tokio::test]
async fn what_is_not_there_says_so_in_the_language_of_its_path_and_the_api_answers_as_before() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.visit("/en/p/nothing").await.expect(404).shows("There is nothing here").shows("/en/products");
    browser.visit("/ru/c/nothing").await.expect(404).shows("lang=\"ru\"");
    browser.visit("/nowhere/at/all").await.expect(404);
    let api = browser.visit("/v1/nothing").await.expect(404);
    assert_eq!(api.header("content-type"), "application/problem+json");
    let wrong = browser.sends(reqwest::Method::PATCH, "/v1/products").await.expect(405);
    assert_eq!(wrong.header("allow"), "GET, HEAD");
}

#[tokio::test]
async fn a_page_that_never_was_shows_what_there_is_and_what_is_no_page_does_not() {
    let shop = Shop::open().await;
    shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let browser = shop.browser();
    for path in ["/en/nothing", "/en/p", "/en/v/ceramics/nothing", "/en/cart/nothing/at/all"] {
        let page = browser.visit(path).await.expect(404).shows("There is nothing here").shows("href=\"/en/p/bowl\"");
        assert!(page.header("cache-control").starts_with("public,"), "{path} is alike for everybody");
        page.shows("<meta name=\"robots\" content=\"noindex\">");
    }
    browser.visit("/ru/nothing").await.expect(404).shows("<html lang=\"ru\">").shows("href=\"/ru/p/bowl\"");
    let head = browser.sends(reqwest::Method::HEAD, "/en/nothing").await.expect(404);
    assert!(head.html.is_empty() && head.header("content-type").starts_with("text/html"), "{head:?}");
    // A form, a path of no language, and a page of another function that has nothing.
    let orders = "/en/orders/ord_00000000000000000000000001";
    let sent = browser.submit("/en/nothing", &[]).await.expect(404);
    let others = [sent, browser.visit("/nothing").await.expect(404), browser.visit(orders).await];
    for other in others {
        assert_eq!(other.header("cache-control"), "private, no-store", "{other:?}");
        assert!(!other.html.contains("/p/bowl"), "{other:?}");
    }
}

#[tokio::test]
async fn a_product_that_is_sold_out_asks_for_no_quantity() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    vendor.product("bowl").stock(5).publish().await;
    vendor.product("jug").stock(0).publish().await;
    shop.browser().visit("/en/p/bowl").await.expect(200).shows("name=\"quantity\"");
    let sold_out = shop.browser().visit("/en/p/jug").await.expect(200).shows("cannot be bought now");
    assert!(!sold_out.html.contains("name=\"quantity\""), "{}", sold_out.html);
}

#[tokio::test]
async fn what_cannot_be_read_in_an_address_of_a_page_is_passed_over_and_a_price_that_cannot_is_told() {
    let shop = Shop::open().await;
    shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let browser = shop.browser();
    for address in [
        "/en/?currency=none",
        "/en/products?currency=&utm_source=x",
        "/en/search?q=bowl&currency=doubloons",
        "/en/p/bowl?variant=abc&currency=1",
    ] {
        browser.visit(address).await.expect(200).shows("/en/p/bowl");
    }
    let cheap = browser.visit("/en/products?min=cheap&max=1,000").await.expect(200);
    let cheap = cheap.shows("aria-describedby=\"pw\" value=\"cheap\"").shows("value=\"1000.00\"");
    cheap.shows("</form><p class=\"err\" id=\"pw\"");
    // These read much, so nobody makes them differ.
    for address in ["/en/feed.xml?x=1", "/en/feed.xml?currency=none", "/sitemap.xml?part=newest&x=1"] {
        browser.visit(address).await.expect(400);
    }
}

#[tokio::test]
async fn each_choice_says_what_it_costs_and_search_engines_read_all_of_them() {
    let shop = Shop::open().await;
    let variant = |size: &str, price: &str, on_hand: u32| {
        let prices = json!([{"amount": price, "currency": "USD"}]);
        json!({"options": {"Size": size}, "prices": prices, "on_hand": on_hand, "sku": format!("BOWL-{size}")})
    };
    let builder = shop.vendor("ceramics").await.product("bowl");
    let builder = builder.set("options", json!([{"name": "Size", "values": ["S", "L"]}]));
    let bowl = builder.set("variants", json!([variant("S", "12.50", 9), variant("L", "1250.00", 2)])).publish().await;
    let browser = shop.browser();
    let page = browser.visit(&format!("/en/p/bowl?variant={}", bowl.variants[1])).await.expect(200);
    let page = page.shows("<span>$1,250.00</span>").shows("data-shows=\"$12.50|||ok|In stock\"");
    let page = page.shows("data-shows=\"$1,250.00|||wait|Only 2 left\" checked");
    let data = page.html.split("<script type=\"application/ld+json\">").nth(1).expect("data");
    let data: Value = serde_json::from_str(data.split("</script>").next().expect("an end")).expect("JSON");
    assert_eq!((&data["@type"], &data["productGroupID"]), (&json!("ProductGroup"), &json!(bowl.id)));
    let found = |at: usize| {
        let variant = &data["hasVariant"][at];
        (variant["name"].clone(), variant["sku"].clone(), variant["offers"]["price"].clone())
    };
    assert_eq!(found(0), (json!("bowl (S)"), json!("BOWL-S"), json!("12.50")));
    assert_eq!(found(1), (json!("bowl (L)"), json!("BOWL-L"), json!("1250.00")));
}

#[tokio::test]
async fn a_page_takes_no_more_round_trips_than_the_api_does_for_the_same() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let browser = shop.browser();
    put(&browser, &bowl, "1").await;
    for (path, route, most) in [
        ("/en/", "$default", 2),
        ("/en/products", "$default", 1),
        ("/en/p/bowl", "$default", 2),
        ("/en/v/ceramics", "$default", 2),
        ("/en/terms", "$default", 1),
        ("/en/cart", "ANY /{lang}/cart", 2),
        ("/en/checkout", "ANY /{lang}/checkout", 2),
    ] {
        // What is kept for a while is known by the second time.
        for _ in 0..2 {
            browser.visit(path).await.expect(200);
        }
        let usage = shop.cloud.services().usage.snapshot();
        let known: Vec<&String> = usage.keys().collect();
        let used = usage.get(route).unwrap_or_else(|| panic!("no {route} in {known:?}")).last.round_trips;
        assert!((1..=most).contains(&used), "{path}: {used}");
    }
}
