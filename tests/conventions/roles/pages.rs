//! The pages of everybody, of one person and of the desks: what their functions need.

use std::time::Duration;

use local::seed::OPERATOR;
use serde_json::json;

use super::{bought, placed, text};
use crate::resources::account_pages::{begin_app, confirm_order, enter_code, sign_in, sign_up};
use crate::resources::desk_pages::{between, first_link, linked, press, send_file};
use crate::resources::storefront::{check_out, order_in, put};
use crate::shop::pictures::dot;
use crate::shop::{Browser, Product, Shop, Vendor};

const ZULFIYA: &str = "zulfiya@people.test";
const MOVED: &str = "zulfiya@moved.test";
const LOOMS: &str = "looms@people.test";
/// As long as most calls are counted.
const HOUR: Duration = Duration::from_secs(3_600);
/// A product file with a good row and a bad one.
const CSV: &str = "Handle,Title,Variant Price\nkilim,Kilim,9.50\nbad-kilim,Bad kilim,cheap\n";

/// What everybody sees: lists, a product, a shop.
async fn everybody(shop: &Shop) {
    let browser = shop.browser();
    for path in ["", "products", "products?sort=price", "search?q=rug", "p/rug", "v/looms"] {
        browser.visit(&format!("/en/{path}")).await.expect(200);
    }
    for path in ["/sitemap.xml", "/sitemap.xml?part=newest", "/en/feed.xml"] {
        browser.visit(path).await.expect(200);
    }
}

/// A page of the payment sandbox, below the address of the shop.
fn hosted(address: &str) -> &str {
    &address[address.find("/_local/").expect("a page of the sandbox")..]
}

/// A guest orders more units than one shard holds, pays at the second attempt, and cancels another order. Answers with
/// the order that is paid.
async fn guest_buys(shop: &Shop, rug: &Product) -> String {
    let guest = shop.browser();
    put(&guest, rug, "5").await;
    let page = check_out(&guest, "stripe").await;
    guest.submit(hosted(&page), &[("do", "decline")]).await.expect(303);
    shop.wait_until_idle().await;
    let back = guest.visit("/en/paid").await.expect(303).location();
    let (id, page) = (order_in(&back), guest.visit(&back).await.expect(200));
    let base = format!("/en/orders/{id}");
    let again = guest.submit(&format!("{base}/pay"), &[("key", &page.value("key"))]).await.expect(303).location();
    // What has been paid is looked up before the webhook has come.
    shop.hold_webhooks(true).await;
    guest.submit(hosted(&again), &[("do", "pay")]).await.expect(303);
    guest.submit(&format!("{base}/refresh"), &[]).await.expect(303);
    shop.hold_webhooks(false).await;
    shop.wait_until_idle().await;
    guest.visit(&base).await.expect(200).shows("Paid");

    put(&guest, rug, "1").await;
    let other = order_in(&check_out(&guest, "cash_on_delivery").await);
    confirm_order(&guest, &other).await;
    guest.submit(&format!("/en/orders/{other}/cancel"), &[]).await.expect(303);
    id
}

/// Somebody makes an account, signs in by code, orders, and lists their orders.
async fn buyer_buys(shop: &Shop, rug: &Product) -> Browser {
    let buyer = shop.browser();
    put(&buyer, rug, "1").await;
    sign_up(shop, &buyer, ZULFIYA).await;
    buyer.submit("/en/confirm/resend", &[("contact", ZULFIYA)]).await.expect(303);
    buyer.submit("/en/sign-in/code", &[("contact", ZULFIYA)]).await.expect(303);
    enter_code(shop, &buyer, ("/en/sign-in/code/enter", ZULFIYA), &[]).await.expect(303);
    let id = order_in(&check_out(&buyer, "cash_on_delivery").await);
    confirm_order(&buyer, &id).await;
    shop.wait_until_idle().await;
    buyer.visit("/en/account/orders").await.expect(200).shows(&id);
    buyer
}

/// The account: addresses, profile, sessions, another address, another password, an authenticator app, and its end.
async fn keeps_account(shop: &Shop, buyer: &Browser) {
    let home = [
        ("name", "Zulfiya"),
        ("phone", "+998712000000"),
        ("country", "UZ"),
        ("region", "Tashkent"),
        ("district", "Yunusobod"),
        ("line1", "12 Navoi Street"),
    ];
    buyer.submit("/en/account/addresses", &home).await.expect(303);
    let address = buyer.visit("/en/account/addresses").await.expect(200).value("address");
    buyer.submit("/en/account/addresses/delete", &[("address", &address)]).await.expect(303);
    buyer.submit("/en/account/profile", &[("name", "Zulfiya"), ("language", "uz")]).await.expect(303);
    sign_in(&shop.browser(), ZULFIYA).await.expect(303);
    let session = buyer.visit("/en/account/sessions").await.expect(200).value("session");
    buyer.submit("/en/account/sessions", &[("session", &session)]).await.expect(303);

    buyer.submit("/en/account/contact", &[("contact", MOVED)]).await.expect(303);
    enter_code(shop, buyer, ("/en/account/contact/enter", MOVED), &[]).await.expect(303);
    buyer.submit("/en/reset", &[("contact", MOVED)]).await.expect(303);
    let chosen = [("password", local::seed::PASSWORD)];
    enter_code(shop, buyer, ("/en/reset/enter", MOVED), &chosen).await.expect(303);

    sign_in(buyer, MOVED).await.expect(303);
    let app = begin_app(buyer).await;
    buyer.submit("/en/account/security/app/confirm", &[("code", &app.code(shop))]).await.expect(200);
    shop.advance(Duration::from_secs(30)).await;
    assert_eq!(sign_in(buyer, MOVED).await.expect(303).location(), "/en/challenge");
    buyer.submit("/en/challenge", &[("code", &app.code(shop))]).await.expect(303);
    buyer.submit("/en/account/security/app/remove", &[("code", &app.next_code(shop))]).await.expect(303);
    sign_in(buyer, MOVED).await.expect(303);
    buyer.submit("/en/sign-out", &[]).await.expect(303);
}

/// A vendor's desk: an order is sent, a product is made, changed and deleted, and files are brought.
async fn sells(shop: &Shop, rug: &Product, desk: &Browser) {
    for path in ["", "/orders?tab=all", "/orders?tab=to-ship", "/products?show=low", "/imports/columns", "/shop"] {
        desk.visit(&format!("/desk{path}")).await.expect(200);
    }
    let list = desk.visit("/desk/orders?tab=new").await.expect(200);
    let order = first_link(&list, "/desk/orders/");
    let number = between(&list, &format!("href=\"{order}\">"), "<");
    desk.visit(&format!("/desk/orders?q={number}")).await.expect(200).shows(&order);
    press(desk, &order, "/accept", &[]).await.expect(303);
    press(desk, &order, "/ship", &[("carrier", "Uzpost")]).await.expect(400);
    let units = desk.visit(&order).await.expect(200).names("units.").remove(0);
    press(desk, &order, "/ship", &[(&units, "1")]).await.expect(303);
    press(desk, &order, "/parcels/1", &[("do", "delivered")]).await.expect(303);

    // Somebody joins the shop.
    shop.buyer("helper").await;
    let helper = "helper@people.test";
    let client = shop.sign_in(LOOMS).await;
    client.post("/v1/vendors/me/invitations", &json!({"contact": helper, "role": "manager"})).await.expect(202);
    let invitation = format!("/desk/invitations/{}", shop.invitation_for(helper).await);
    let accepted = [("do", "join"), ("version", "1"), ("terms", "1")];
    press(&shop.browser_of(helper).await, &invitation, "", &accepted).await.expect(303);

    // Units that are reserved stay on hand.
    let at = format!("/desk/products/{}", rug.id);
    let stock = format!("/variants/{}/stock", rug.variant);
    press(desk, &at, &stock, &[("on_hand", "0")]).await.expect(409);
    press(desk, &at, &stock, &[("on_hand", "20")]).await.expect(303);

    let mat = [("title", "Mat"), ("price", "7"), ("stock", "2"), ("visibility", "publish")];
    let key = desk.visit("/desk/products/new").await.expect(200).value("key");
    let mut fields = vec![("key", &*key)];
    fields.extend(mat);
    let made = desk.submit("/desk/products/new", &fields).await.expect(303).location();
    let at = made.strip_suffix("?done=published").expect("a product on sale").to_owned();
    let version = desk.visit(&at).await.expect(200).value("version");
    let png = dot();
    let file = ("pictures", "mat.png", "image/png", png.as_slice());
    send_file(desk, &format!("{at}/pictures"), &[("version", &version)], file).await.expect(303);
    shop.wait_until_idle().await;
    press(desk, &at, "/unpublish", &[]).await.expect(303);
    press(desk, &at, "/delete", &[("sure", "1")]).await.expect(303);

    // The import takes the place of one whose file has never come.
    let client = shop.sign_in(LOOMS).await;
    let announced = json!({"filename": "goods.csv", "size": CSV.len()});
    client.post("/v1/vendor/imports", &announced).await.expect(202);
    let key = desk.visit("/desk/imports").await.expect(200).value("key");
    let file = ("file", "goods.csv", "text/csv", CSV.as_bytes());
    let looked = send_file(desk, "/desk/imports", &[("key", &key)], file).await.expect(303).location();
    shop.wait_until_idle().await;
    let started =
        press(desk, &looked, "/start", &[("publish", "1"), ("fetch_images", "1")]).await.expect(303).location();
    shop.wait_until_idle().await;
    let page = desk.visit(&started).await.expect(200);
    shop.anon().get(&linked(&page, "Get the file of refused rows")).await.expect(200);
}

/// Somebody opens three shops of one name, fills the last one in, and submits it with a paper. Answers with their
/// browser.
async fn applies(shop: &Shop) -> Browser {
    shop.buyer("weaver").await;
    let own = shop.browser_of("weaver@people.test").await;
    for handle in ["weaver-one", "weaver-two", "weaver-three"] {
        let accepted = [("version", "1"), ("terms", "1")];
        let fields = [("name", "Weavers"), ("handle", handle), ("currency", "USD"), accepted[0], accepted[1]];
        press(&own, "/desk/apply", "", &fields).await.expect(303);
    }
    let version = own.visit("/desk/shop").await.expect(200).value("version");
    for (name, version) in [("Weavers of old", &*version), ("Weavers", "2")] {
        let fields = [
            ("version", version),
            ("name", name),
            ("handle", "weaver-three"),
            ("email", "weaver@people.test"),
            ("phone", "+998 71 200 00 00"),
            ("legal_name", "Weavers LLC"),
            ("kind", "company"),
            ("country", "UZ"),
            ("address", "12 Silk Street"),
            ("currency", "USD"),
            ("shipping_rate", "5"),
        ];
        press(&own, "/desk/shop", "", &fields).await.expect(303);
    }
    let paper = ("file", "passport.pdf", "application/pdf", &b"%PDF-1.7"[..]);
    send_file(&own, "/desk/shop/documents", &[("kind", "identity")], paper).await.expect(303);
    // The drafts of who is not approved are counted.
    let draft = [("title", "Yarn"), ("price", "3"), ("stock", "1"), ("visibility", "draft")];
    press(&own, "/desk/products/new", "", &draft).await.expect(303);
    press(&own, "/desk/shop", "/submit", &[]).await.expect(303);
    own
}

/// The operator's desk: a shop is approved, a setting goes back, money goes back, and orders are found and cancelled.
async fn operates(shop: &Shop, vendor: &Vendor, paid: &str) {
    let desk = shop.browser_of(OPERATOR).await;
    desk.visit("/operate").await.expect(200);
    let list = desk.visit("/operate/vendors?state=submitted").await.expect(200);
    let applicant = first_link(&list, "/operate/vendors/");
    let page = desk.visit(&applicant).await.expect(200);
    shop.anon().get(&linked(&page, "passport.pdf")).await.expect(200);
    let version = page.value("version");
    press(&desk, &applicant, "/approve", &[("version", &version)]).await.expect(303);

    // Its first version is another than it has at the beginning.
    let setting = "/operate/settings/limits/unpaid-orders";
    desk.visit("/operate/settings/limits").await.expect(200);
    press(&desk, setting, "", &[("value", "{\"most\": 40}"), ("do", "save")]).await.expect(303);
    press(&desk, setting, "", &[("do", "default")]).await.expect(303);
    let version = desk.visit(setting).await.expect(200).value("version");
    press(&desk, setting, "/restore", &[("version", &*version), ("former", "1")]).await.expect(303);

    let contact = "contact=aziza%40guests.test";
    press(&desk, "/operate/texts/privacy", "", &[("texts/en", "We keep little.")]).await.expect(303);
    shop.browser().visit("/en/privacy").await.expect(200).shows("We keep little.");

    for query in ["", "state=awaiting_payment", contact] {
        desk.visit(&format!("/operate/orders?{query}")).await.expect(200);
    }
    let back = [("amount", "1"), ("vendor_id", &*vendor.id), ("reason", "A scratch.")];
    press(&desk, &format!("/operate/orders/{paid}"), "/refund", &back).await.expect(303);

    // An order that nobody has paid, and one of another amount than was asked for, which is accepted after it has
    // expired; its cart has more by then.
    let mat = vendor.product("floor-mat").stock(9).publish().await;
    let unpaid = bought(shop, &mat, 1, "stripe").await;
    press(&desk, &format!("/operate/orders/{}", unpaid.id), "/cancel", &[("sure", "1")]).await.expect(303);
    let guest = shop.guest().await.takes(&[(&mat, 1)]).await;
    let odd = placed(shop, &guest, "stripe").await;
    shop.stripe(&odd.id, "wrong_amount").await;
    shop.advance(24 * HOUR).await;
    guest.takes(&[(&mat, 3)]).await;
    let order = format!("/operate/orders/{}", odd.id);
    let seen = shop.operator().await.get(&format!("/v1/admin/orders/{}", odd.id)).await.expect(200).clone();
    let payment = format!("/payments/{}", text(&seen["payment"], "id"));
    press(&desk, &order, &payment, &[("do", "accept")]).await.expect(303);
    assert_eq!(odd.state().await, "paid");
}

/// Uses every page that needs a right of its own.
pub(super) async fn use_pages(shop: &Shop) {
    shop.advance(HOUR).await;
    let vendor = shop.vendor("looms").await;
    let rug = vendor.product("rug").stock(7).shards(3).publish().await;
    shop.wait_until_idle().await;
    everybody(shop).await;
    let paid = guest_buys(shop, &rug).await;
    let buyer = buyer_buys(shop, &rug).await;
    let desk = shop.browser_of(LOOMS).await;
    sells(shop, &rug, &desk).await;
    keeps_account(shop, &buyer).await;
    let own = applies(shop).await;
    let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor };
    operates(shop, &vendor, &paid).await;
    own.visit("/desk/shop").await.expect(200).shows("Approved");
}
