//! The desks in the browser, without script: a vendor's staff sells, and the operator's people decide.

use local::seed::OPERATOR;
use serde_json::{Value, json};

use super::account_pages::{confirm_order, sign_in};
use super::storefront::{check_out, order_in, put};
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale};
use crate::shop::{Browser, Page, Product, Shop, Vendor};

pub(crate) const CERAMICS: &str = "ceramics@people.test";
/// A product file with two good rows and a bad one.
const FILE: &str = "\
Handle,Title,Variant Inventory Qty,Variant Price
red-bowl,Red bowl,3,9.50
green-bowl,Green bowl,4,11.50
bad-bowl,Bad bowl,1,cheap
";

/// A file of a form: its field, its name, its type and its bytes.
pub(crate) type Chosen<'a> = (&'a str, &'a str, &'a str, &'a [u8]);

/// A form with files as a browser sends it (RFC 7578): the type of its body, and the body.
pub(crate) fn multipart(fields: &[(&str, &str)], files: &[Chosen<'_>]) -> (String, Vec<u8>) {
    let boundary = "----WebKitFormBoundaryBozor";
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    for (field, filename, kind, bytes) in files {
        let names = format!("name=\"{field}\"; filename=\"{filename}\"");
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; {names}\r\nContent-Type: {kind}\r\n\r\n");
        body.extend(head.into_bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// Sends a form with a file.
pub(crate) async fn send_file(browser: &Browser, path: &str, fields: &[(&str, &str)], file: Chosen<'_>) -> Page {
    let (kind, body) = multipart(fields, &[file]);
    browser.post_body(path, &kind, body).await
}

/// Sends a form that needs nothing but its key, from the page that has it.
pub(crate) async fn press(browser: &Browser, page: &str, step: &str, more: &[(&str, &str)]) -> Page {
    let key = browser.visit(page).await.expect(200).value("key");
    let mut fields = vec![("key", &*key)];
    fields.extend_from_slice(more);
    browser.submit(&format!("{page}{step}"), &fields).await
}

/// What stands between two marks of a page, the first time.
pub(crate) fn between(page: &Page, before: &str, after: &str) -> String {
    let found = page.html.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    found.unwrap_or_else(|| panic!("no {before} … {after} in {}", page.html)).0.to_owned()
}

/// The path of the first link that begins so.
pub(crate) fn first_link(page: &Page, prefix: &str) -> String {
    let id = between(page, &format!("href=\"{prefix}"), "\"");
    format!("{prefix}{}", id.split(['#', '?', '/']).next().unwrap_or_default())
}

/// Where a link with this name leads, also to another host.
pub(crate) fn linked(page: &Page, name: &str) -> String {
    let before = page.html.split_once(&format!(">{name}</a>")).map(|(before, _)| before);
    let url = before.and_then(|before| before.rsplit_once("href=\"")).map(|(_, url)| url.trim_end_matches('"'));
    url.unwrap_or_else(|| panic!("no link {name} in {}", page.html)).replace("&#38;", "&").replace("&amp;", "&")
}

/// A confirmed order of two, payable on delivery: its buyer's browser, its id, and its path at the vendor's desk.
async fn sold(shop: &Shop, bowl: &Product, desk: &Browser) -> (Browser, String, String) {
    let buyer = shop.browser();
    put(&buyer, bowl, "2").await;
    let id = order_in(&check_out(&buyer, "cash_on_delivery").await);
    confirm_order(&buyer, &id).await;
    shop.wait_until_idle().await;
    let list = desk.visit("/desk/orders?tab=new").await.expect(200).shows(&bowl.handle);
    let path = first_link(&list, "/desk/orders/");
    (buyer, id, path)
}

#[tokio::test]
async fn whoever_is_not_signed_in_signs_in_first_and_comes_back() {
    let shop = Shop::open().await;
    shop.vendor("ceramics").await;
    for path in ["/desk", "/desk/orders?tab=all", "/desk/products/new", "/operate", "/operate/vendors?state=draft"] {
        let led = shop.browser().visit(path).await.expect(303).location();
        assert_eq!(shop.browser().visit(&led).await.expect(200).value("next"), path);
    }
    // An address that only takes forms leads back to the page that has the form.
    for (path, page) in [("/desk/orders/vor_1/accept", "/desk/orders/vor_1"), ("/desk/shop/submit", "/desk/shop")] {
        let led = shop.browser().submit(path, &[("key", "k1")]).await.expect(303).location();
        assert_eq!(shop.browser().visit(&led).await.expect(200).value("next"), page);
    }
    let browser = shop.browser();
    let fields = [("contact", CERAMICS), ("password", local::seed::PASSWORD), ("next", "/desk/orders?tab=all")];
    let back = browser.submit("/en/sign-in", &fields).await.expect(303).location();
    assert_eq!(back, "/desk/orders?tab=all");
    browser.visit(&back).await.expect(200);
}

#[tokio::test]
async fn a_vendor_accepts_and_ships_an_order_in_two_parcels_and_its_buyer_sees_it() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let desk = shop.browser_of(CERAMICS).await;
    let (buyer, id, at) = sold(&shop, &bowl, &desk).await;
    let order = format!("/en/orders/{id}");
    let page = desk.visit(&at).await.expect(200).shows("12 Navoi Street");
    let key = page.value("key");
    for _ in 0..2 {
        // The second press of a button does nothing.
        let accepted = desk.submit(&format!("{at}/accept"), &[("key", &key)]).await.expect(303);
        assert_eq!(accepted.location(), format!("{at}?done=accepted"));
    }
    desk.visit(&format!("{at}?done=accepted")).await.expect(200).shows("The order is accepted.");
    buyer.visit(&order).await.expect(200).shows("Is being prepared");
    desk.visit(&format!("{at}/label")).await.expect(200).shows("12 Navoi Street").shows("2 × bowl");

    let page = desk.visit(&at).await.expect(200);
    let (key, units) = (page.value("key"), page.names("units.").remove(0));
    let parcel = |count| [("key", &*key), ("carrier", "Uzpost"), ("tracking_number", "UZ123"), (&*units, count)];
    let path = format!("{at}/ship");
    desk.submit(&path, &parcel("3")).await.expect(400).shows("role=\"alert\"").shows("value=\"UZ123\"");
    let shipped = desk.submit(&path, &parcel("1")).await.expect(303);
    assert_eq!(shipped.location(), format!("{at}?done=shipped"));
    buyer.visit(&order).await.expect(200).shows("UZ123").shows("Uzpost");
    press(&desk, &at, "/ship", &[(&units, "1")]).await.expect(303);
    buyer.visit(&order).await.expect(200).shows("On its way");
    assert_eq!(bowl.stock().await, (3, 0, 3));
    for number in [1, 2] {
        press(&desk, &at, &format!("/parcels/{number}"), &[("do", "delivered")]).await.expect(303);
    }
    buyer.visit(&order).await.expect(200).shows("Delivered");
    // It is too late for what was possible before.
    desk.submit(&format!("{at}/decline"), &[("key", "late")]).await.expect(409).shows("role=\"alert\"");
}

#[tokio::test]
async fn a_vendor_declines_an_order_and_its_goods_are_for_sale_again() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let desk = shop.browser_of(CERAMICS).await;
    let (buyer, id, at) = sold(&shop, &bowl, &desk).await;
    assert_eq!(bowl.stock().await, (5, 2, 3));
    let declined = press(&desk, &at, "/decline", &[]).await.expect(303);
    assert_eq!(declined.location(), format!("{at}?done=declined"));
    buyer.visit(&format!("/en/orders/{id}")).await.expect(200).shows("Declined");
    assert_eq!(bowl.stock().await, (5, 0, 5));
    let page = desk.visit(&at).await.expect(200);
    assert!(!page.html.contains("12 Navoi Street"), "what is declined is no reason to know where somebody lives");
    desk.visit(&format!("{at}/label")).await.expect(409);
}

#[tokio::test]
async fn a_product_is_added_with_a_picture_published_and_changed() {
    let shop = Shop::open().await;
    shop.vendor("ceramics").await;
    let desk = shop.browser_of(CERAMICS).await;
    let key = desk.visit("/desk/products/new").await.expect(200).value("key");
    let text = [("key", &*key), ("title", "Blue bowl <b>"), ("handle", "blue-bowl"), ("visibility", "draft")];
    let page = desk.submit("/desk/products/new", &text).await.expect(400);
    assert_eq!(page.errors(), ["price"]);
    let mut fields = text.to_vec();
    fields.extend([("price", "12,50"), ("stock", "4"), ("description", "Thrown in Rishton.\n\nGlazed.")]);
    let created = desk.submit("/desk/products/new", &fields).await.expect(303).location();
    let again = desk.submit("/desk/products/new", &fields).await.expect(303).location();
    assert_eq!(created, again, "a form that is sent twice makes one product");
    let at = created.strip_suffix("?done=created").expect("a draft").to_owned();
    shop.browser().visit("/en/p/blue-bowl").await.expect(404);

    let (pictures, version) = (format!("{at}/pictures"), desk.visit(&at).await.expect(200).value("version"));
    let png = crate::shop::pictures::dot();
    let add = async |version: &str, kind: &str| {
        send_file(&desk, &pictures, &[("version", version)], ("pictures", "bowl.png", kind, &png)).await
    };
    assert_eq!(add(&version, "text/plain").await.expect(400).errors(), ["pictures"]);
    assert_eq!(add(&version, "image/png").await.expect(303).location(), format!("{at}?done=saved"));
    add(&version, "image/png").await.expect(412);
    let (kind, nothing) = multipart(&[("version", &version)], &[("pictures", "", "application/octet-stream", b"")]);
    assert_eq!(desk.post_body(&pictures, &kind, nothing).await.expect(400).errors(), ["pictures"]);

    let published = press(&desk, &at, "/publish", &[]).await.expect(303);
    assert_eq!(published.location(), format!("{at}?done=published"));
    shop.wait_until_idle().await;
    let page = shop.browser().visit("/en/p/blue-bowl").await.expect(200);
    let page = page.shows("$12.50").shows("<p>Thrown in Rishton.</p><p>Glazed.</p>").shows("fetchpriority");
    assert!(!page.html.contains("Blue bowl <b>"), "the title is text: {}", page.html);

    let page = desk.visit(&at).await.expect(200);
    let variant = format!("{at}/variants/{}", between(&page, "/variants/", "/price"));
    let (key, version) = (page.value("key"), page.value("version"));
    let price = |typed| [("key", &*key), ("version", &*version), ("price", typed)];
    desk.submit(&format!("{variant}/price"), &price("42o")).await.expect(400).shows("value=\"42o\"");
    desk.submit(&format!("{variant}/price"), &price("13")).await.expect(303);
    let page = desk.visit(&at).await.expect(200).shows("value=\"13.00\"");
    let key = page.value("key");
    desk.submit(&format!("{variant}/stock"), &[("key", &key), ("on_hand", "9")]).await.expect(303);
    desk.visit(&at).await.expect(200).shows("value=\"9\"");
    shop.wait_until_idle().await;
    shop.browser().visit("/en/p/blue-bowl").await.expect(200).shows("$13.00");
    desk.visit("/desk/products?q=blue").await.expect(200).shows(&at);
    press(&desk, &at, "/unpublish", &[]).await.expect(303);
    shop.browser().visit("/en/p/blue-bowl").await.expect(404);
    press(&desk, &at, "/delete", &[]).await.expect(400);
    press(&desk, &at, "/delete", &[("sure", "1")]).await.expect(303);
    desk.visit(&at).await.expect(404);
}

#[tokio::test]
async fn a_product_file_is_looked_through_before_it_changes_anything_and_its_refused_rows_are_shown() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let desk = shop.browser_of(CERAMICS).await;
    let key = desk.visit("/desk/imports").await.expect(200).value("key");
    let send = async |name: &str, file: &str| {
        send_file(&desk, "/desk/imports", &[("key", &key)], ("file", name, "text/csv", file.as_bytes())).await
    };
    assert_eq!(send("", "").await.expect(400).errors(), ["file"]);
    let name = "C:\\mine\\bowls <b>.csv";
    let at = send(name, FILE).await.expect(303).location();
    assert!(at.starts_with("/desk/imports/imp_"), "{at}");
    assert_eq!(send(name, FILE).await.expect(303).location(), at, "a form that is sent twice is one import");
    shop.wait_until_idle().await;
    let page = desk.visit(&at).await.expect(200).shows("Look through only").shows("cheap").shows("Refused products");
    // Why it was refused is said in the vendor's language.
    desk.visit("/ru/cart").await.expect(200);
    desk.visit(&at).await.expect(200).shows("Это не цена в данной валюте").shows("Будет добавлен как новый товар.");
    desk.visit("/uz-cyrl/cart").await.expect(200);
    desk.visit(&at).await.expect(200).shows("Бу валютадаги нарх эмас");
    desk.visit("/en/cart").await.expect(200);
    let refused = shop.anon().get(&linked(&page, "Get the file of refused rows")).await;
    assert_eq!((refused.status, refused.text.contains("bad-bowl")), (200, true), "{}", refused.text);
    let known = vendor.client.get("/v1/vendor/products").await.expect(200)["items"].clone();
    assert_eq!(known, json!([]), "a look through a file changes nothing");

    let started = press(&desk, &at, "/start", &[("publish", "1"), ("stock", "set")]).await.expect(303).location();
    assert_ne!(started, at);
    shop.wait_until_idle().await;
    desk.visit(&started).await.expect(200).shows("New products").shows("cheap");
    for (handle, status) in [("red-bowl", 200), ("green-bowl", 200), ("bad-bowl", 404)] {
        shop.browser().visit(&format!("/en/p/{handle}")).await.expect(status);
    }
    let all = desk.visit("/desk/imports").await.expect(200).shows(&at).shows(&started);
    assert_eq!(all.html.matches("bowls &#60;b&#62;.csv").count(), 2, "the name of the file: {}", all.html);
    let seen = desk.visit(&started).await.expect(200).shows("bowls &#60;b&#62;.csv");
    assert!(!seen.html.contains("mine"), "the folders of the vendor's device: {}", seen.html);
}

#[tokio::test]
async fn a_shop_is_opened_filled_in_and_submitted_and_the_operator_approves_it() {
    let shop = Shop::open().await;
    shop.buyer("silk").await;
    let (own, operator) = (shop.browser_of("silk@people.test").await, shop.browser_of(OPERATOR).await);
    assert_eq!(own.visit("/desk").await.expect(303).location(), "/desk/apply");
    let key = own.visit("/desk/apply").await.expect(200).value("key");
    let begun = [("key", &*key), ("handle", "silk"), ("kind", "company"), ("country", "UZ"), ("currency", "USD")];
    assert_eq!(own.submit("/desk/apply", &begun).await.expect(400).errors(), ["name"]);
    let mut fields = begun.to_vec();
    fields.push(("name", "Silk Raod"));
    let opened = own.submit("/desk/apply", &fields).await.expect(303).location();
    assert_eq!((opened, own.cookie("shop").is_some()), ("/desk/shop?done=opened".to_owned(), true));

    // What is missing stands beside its field, and the slip in the name can still be mended.
    let errors = press(&own, "/desk/shop", "/submit", &[]).await;
    assert!((400..500).contains(&errors.status) && errors.html.contains("role=\"alert\""), "{}", errors.html);
    let page = own.visit("/desk/shop").await.expect(200);
    let (key, version) = (page.value("key"), page.value("version"));
    let mut fields = begun[1..].to_vec();
    fields.extend([("key", &*key), ("version", &*version), ("name", "Silk Road"), ("legal_name", "Silk LLC")]);
    fields.extend([("email", "silk@people.test"), ("phone", "+998 71 200 00 00"), ("address", "1 Navoi Street")]);
    fields.extend([("shipping_rate", "5,00"), ("cash", "1000")]);
    assert_eq!(own.submit("/desk/shop", &fields).await.expect(303).location(), "/desk/shop?done=saved");
    let paper = ("file", "passport.pdf", "application/pdf", &b"%PDF-1.7"[..]);
    let sent = send_file(&own, "/desk/shop/documents", &[("kind", "identity"), ("expires_at", "")], paper).await;
    assert_eq!(sent.expect(303).location(), "/desk/shop/documents?done=saved");
    let submitted = press(&own, "/desk/shop", "/submit", &[]).await.expect(303);
    assert_eq!(submitted.location(), "/desk/shop?done=submitted");
    shop.browser().visit("/en/v/silk").await.expect(404);

    let list = operator.visit("/operate/vendors").await.expect(200).shows("Silk Road");
    let at = first_link(&list, "/operate/vendors/");
    let page = operator.visit(&at).await.expect(200).shows("Silk LLC");
    let paper = shop.anon().get(&linked(&page, "passport.pdf")).await;
    assert_eq!((paper.status, &*paper.text), (200, "%PDF-1.7"));
    let version = page.value("version");
    assert_eq!(press(&operator, &at, "/reject", &[("version", &version)]).await.expect(400).errors(), ["reason"]);
    let approved = press(&operator, &at, "/approve", &[("version", &version)]).await.expect(303);
    assert_eq!(approved.location(), format!("{at}?done=saved"));
    shop.wait_until_idle().await;
    own.visit("/desk/shop").await.expect(200).shows("Approved");
    shop.browser().visit("/en/v/silk").await.expect(200).shows("Silk Road");
}

#[tokio::test]
async fn the_operator_gives_a_part_of_an_order_back_once() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.shop.wait_until_idle().await;
    let operator = sale.shop.browser_of(OPERATOR).await;
    let at = format!("/operate/orders/{}", sale.id);
    operator.visit("/operate/orders").await.expect(200).shows(&at);
    let key = operator.visit(&at).await.expect(200).shows(&sale.email).value("key");
    let refund = |reason| [("key", &*key), ("amount", "1,50"), ("vendor_id", ""), ("reason", reason)];
    let path = format!("{at}/refund");
    assert_eq!(operator.submit(&path, &refund("")).await.expect(400).errors(), ["reason"]);
    for _ in 0..2 {
        let granted = operator.submit(&path, &refund("A scratch.")).await.expect(303);
        assert_eq!(granted.location(), format!("{at}?done=refunded"));
    }
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    let given: Vec<&Value> = seen["refunds"].as_array().expect("refunds").iter().map(|one| &one["amount"]).collect();
    assert_eq!(given, [&json!({"amount": "1.50", "currency": "USD"})]);
    operator.visit(&at).await.expect(200).shows("$1.50").shows("Refunded").shows("Money is to go back");
    press(&operator, &at, "/cancel", &[]).await.expect(400);
}

#[tokio::test]
async fn a_setting_is_changed_under_its_version_and_what_is_wrong_with_a_part_is_told() {
    let shop = Shop::open().await;
    let (operator, client) = (shop.browser_of(OPERATOR).await, shop.operator().await);
    operator.visit("/operate/settings/limits").await.expect(200).shows("unpaid-orders");
    let at = "/operate/settings/limits/unpaid-orders";
    let page = operator.visit(at).await.expect(200);
    let (key, version) = (page.value("key"), page.value("version"));
    let change = |most| [("key", &*key), ("version", &*version), ("value/most", most), ("do", "save")];
    for wrong in ["", "many", "7.5", "-1", "{\"most\": 7}"] {
        let told = operator.submit(at, &change(wrong)).await.expect(400).shows("role=\"alert\"");
        assert_eq!(told.errors(), ["value-most"], "{wrong}");
    }
    let rules = "/operate/settings/returns/default?as=json";
    let whole = operator.visit(rules).await.expect(200);
    let (own_key, own_version) = (whole.value("key"), whole.value("version"));
    for wrong in ["{\"days\": 7", "{\"days\": 7}", "{\"days\": 7, \"way_back\": \"buyer\", \"exceptions\": [1]}"] {
        let typed = [("key", &*own_key), ("version", &*own_version), ("value", wrong), ("do", "save")];
        operator.submit(rules, &typed).await.expect(400).shows("role=\"alert\"");
    }
    let most = async || {
        let shown = client.get("/v1/admin/settings/limits/unpaid-orders").await;
        shown.expect(200)["value"]["most"].clone()
    };
    let before = most().await;
    assert_eq!(operator.submit(at, &change("7")).await.expect(303).location(), format!("{at}?done=saved"));
    assert_eq!(most().await, 7);
    // Of what somebody else has changed meanwhile nothing is lost.
    press(&operator, at, "", &[("version", "0"), ("value/most", "8")]).await.expect(412);
    press(&operator, at, "", &[("version", "1"), ("do", "default")]).await.expect(303);
    assert_eq!(most().await, before);
    press(&operator, at, "/restore", &[("version", "2"), ("former", "1")]).await.expect(303);
    assert_eq!(most().await, 7);
    operator.visit("/operate/settings/limits/nothing").await.expect(404);
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_there_and_the_operators_pages_are_for_nobody_else() {
    let shop = Shop::open().await;
    let ceramics = shop.vendor("ceramics").await;
    let bowl = ceramics.product("bowl").stock(5).publish().await;
    shop.vendor("silk").await;
    shop.buyer("aziza").await;
    let desk = shop.browser_of(CERAMICS).await;
    let (_, id, at) = sold(&shop, &bowl, &desk).await;
    let (silk, buyer) = (shop.browser_of("silk@people.test").await, shop.browser());
    sign_in(&buyer, "aziza@people.test").await.expect(303);

    let product = format!("/desk/products/{}", bowl.id);
    for path in [&at, &format!("{at}/label"), &product] {
        silk.visit(path).await.expect(404);
        assert_eq!(buyer.visit(path).await.expect(303).location(), "/desk/apply");
    }
    silk.visit("/desk/orders?tab=all").await.expect(200);
    for path in [format!("{at}/decline"), format!("{product}/unpublish"), format!("{product}/delete")] {
        silk.submit(&path, &[("key", "k1"), ("sure", "1")]).await.expect(404);
    }
    silk.visit(&format!("/desk?shop={}", ceramics.id)).await.expect(403);
    silk.set_cookie("shop", &ceramics.id);
    assert_eq!(silk.visit(&at).await.expect(303).location(), at, "a cookie makes nobody a member");
    silk.visit(&at).await.expect(404);
    silk.set_cookie("shop", &ceramics.id);
    silk.submit(&format!("{at}/decline"), &[("key", "k1")]).await.expect(403);
    desk.visit(&at).await.expect(200).shows("12 Navoi Street");

    let (vendor, order) = (format!("/operate/vendors/{}", ceramics.id), format!("/operate/orders/{id}"));
    let setting = "/operate/settings/limits/unpaid-orders";
    for browser in [&desk, &silk, &buyer] {
        for path in ["/operate", "/operate/vendors", &vendor, "/operate/orders", &order, setting] {
            browser.visit(path).await.expect(403);
        }
        for (page, step) in [(&*vendor, "/suspend"), (&*order, "/cancel"), (&*order, "/refund"), (setting, "")] {
            let fields = [("key", "k1"), ("sure", "1"), ("reason", "No."), ("amount", "1"), ("do", "default")];
            browser.submit(&format!("{page}{step}"), &fields).await.expect(403);
        }
    }
    shop.browser().visit("/en/p/bowl").await.expect(200);
}

/// A vendor invites somebody; answers with the path of the page that the message leads to.
async fn invited(shop: &Shop, vendor: &Vendor, email: &str) -> String {
    let asked = json!({"contact": email, "role": "manager"});
    vendor.client.post("/v1/vendors/me/invitations", &asked).await.expect(202);
    format!("/desk/invitations/{}", shop.invitation_for(email).await)
}

#[tokio::test]
async fn whoever_is_invited_joins_a_shop_once_and_nobody_else_does() {
    let shop = Shop::open().await;
    let looms = shop.vendor("looms").await;
    for name in ["helper", "mallory"] {
        shop.buyer(name).await;
    }
    let path = invited(&shop, &looms, "helper@people.test").await;
    let led = shop.browser().visit(&path).await.expect(303).location();
    assert_eq!(led, format!("/en/sign-in?next={}", path.replace('/', "%2F")));

    let stranger = shop.browser_of("mallory@people.test").await;
    press(&stranger, &path, "", &[("do", "join")]).await.expect(403).shows("sent to somebody else");
    press(&stranger, &path, "", &[("do", "decline")]).await.expect(403).shows("sent to somebody else");
    press(&stranger, "/desk/invitations/nothing", "", &[("do", "join")]).await.expect(404);

    let helper = shop.browser_of("helper@people.test").await;
    press(&helper, &path, "", &[("do", "think")]).await.expect(400);
    let key = helper.visit(&path).await.expect(200).value("key");
    for _ in 0..2 {
        // A second press joins nobody twice.
        let joined = helper.submit(&path, &[("key", &*key), ("do", "join")]).await.expect(303).location();
        assert_eq!(joined, "/desk?done=joined");
    }
    helper.visit("/desk?done=joined").await.expect(200).shows("You work here now.");
    helper.visit("/desk/orders").await.expect(200);
    press(&helper, &path, "", &[("do", "join")]).await.expect(404).shows("not valid any more");
}

#[tokio::test]
async fn who_declines_an_invitation_is_no_member_and_its_page_is_over() {
    let shop = Shop::open().await;
    let looms = shop.vendor("looms").await;
    shop.buyer("helper").await;
    let path = invited(&shop, &looms, "helper@people.test").await;
    let helper = shop.browser_of("helper@people.test").await;
    let done = press(&helper, &path, "", &[("do", "decline")]).await.expect(303).location();
    helper.visit(&done).await.expect(200).shows("The invitation is declined.");
    press(&helper, &path, "", &[("do", "join")]).await.expect(404);
    helper.visit("/desk/orders").await.expect(303);
}

#[tokio::test]
async fn whoever_is_invited_to_the_operators_people_works_there_after_accepting() {
    let shop = Shop::open().await;
    shop.buyer("support").await;
    let email = "support@people.test";
    let asked = json!({"contact": email, "role": "support"});
    shop.operator().await.post("/v1/admin/members/invitations", &asked).await.expect(202);
    let path = format!("/operate/invitations/{}", shop.team_invitation_for(email).await);
    let support = shop.browser_of(email).await;
    support.visit("/operate").await.expect(403);
    let joined = press(&support, &path, "", &[("do", "join")]).await.expect(303).location();
    support.visit(&joined).await.expect(200).shows("You work here now.");
}
