//! What the operator and the vendors settle: by time, without gaps and overlaps, and as a file.

use std::time::Duration;

use domain::{Currency, Money};
use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, text};
use crate::shop::{Client, Shop};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Long before and after everything in a test.
const EVER: &str = "from=2020-01-01&to=2040-01-01";

/// An amount in cents.
fn cents(entry: &Value, name: &str) -> i64 {
    let amount = entry[name]["amount"].as_str().unwrap_or_else(|| panic!("{name} of {entry}"));
    Money::parse(amount, Currency::USD).expect("an amount in USD").minor()
}

async fn statement(client: &Client, path: &str) -> Value {
    client.get(path).await.expect(200).clone()
}

/// The sums of all pages of a statement, from its totals and from its entries.
async fn sums(client: &Client, path: &str, names: &[&str]) -> Vec<i64> {
    let (mut of_totals, mut of_entries) = (vec![0; names.len()], vec![0; names.len()]);
    let mut next = None::<String>;
    loop {
        let cursor = next.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = statement(client, &format!("{path}{cursor}")).await;
        for (sums, list) in [(&mut of_totals, "totals"), (&mut of_entries, "items")] {
            for one in page[list].as_array().expect("a list") {
                sums.iter_mut().zip(names).for_each(|(sum, name)| *sum += cents(one, name));
            }
        }
        next = page["next"].as_str().map(str::to_owned);
        if next.is_none() {
            assert_eq!(of_totals, of_entries, "{path}");
            return of_totals;
        }
    }
}

/// The day of the cloud's clock, as a bound of a time.
fn today(shop: &Shop) -> String {
    shop.cloud.now().to_string().chars().take(10).collect()
}

#[tokio::test]
async fn a_sale_is_entered_when_it_is_paid_and_due_when_it_can_be_given_back_no_longer() {
    let sale = Sale::of_one().await;
    let vendor = sale.shop.sign_in("ceramics@people.test").await;
    let path = format!("/v1/vendor/settlements?{EVER}");
    assert_eq!(statement(&vendor, &path).await["items"], json!([]), "nothing is paid");
    sale.act("succeed").await;
    sale.shop.wait_until_idle().await;
    let paid = statement(&vendor, &path).await;
    let entry = &paid["items"][0];
    assert_eq!((cents(entry, "goods"), cents(entry, "delivery"), cents(entry, "paid")), (1_250, 500, 1_750));
    let commission = cents(entry, "commission");
    assert_eq!((cents(entry, "pending"), cents(entry, "due")), (1_750 - commission, 0));
    assert_eq!((&entry["order_id"], &entry["vendor"]["handle"]), (&json!(sale.id), &json!("ceramics")));
    for step in ["accept", "ship", "deliver"] {
        sale.step(step).await.expect(200);
    }
    assert_eq!(cents(&statement(&vendor, &path).await["totals"][0], "due"), 0);
    sale.shop.advance(DAY * 15).await;
    let vendor = sale.shop.sign_in("ceramics@people.test").await;
    let delivered = statement(&vendor, &path).await;
    assert_eq!(delivered["items"].as_array().map(Vec::len), Some(2), "{delivered}");
    let newest = &delivered["items"][0];
    assert_eq!((cents(newest, "goods"), cents(newest, "due")), (0, 1_750 - commission));
    let total = &delivered["totals"][0];
    assert_eq!((cents(total, "pending"), cents(total, "due"), cents(total, "goods")), (0, 1_750 - commission, 1_250));
    // The operator sees the same.
    let operator = sale.shop.operator().await;
    let of_all = statement(&operator, &format!("/v1/admin/settlements?{EVER}")).await;
    assert_eq!((&of_all["items"], &of_all["totals"]), (&delivered["items"], &delivered["totals"]));
}

#[tokio::test]
async fn each_amount_is_in_exactly_one_time_and_what_is_over_stays_as_it_was() {
    let sale = Sale::of_one().await;
    let first = today(&sale.shop);
    sale.act("succeed").await;
    sale.shop.advance(DAY).await;
    let second = today(&sale.shop);
    let operator = sale.shop.operator().await;
    let before = statement(&operator, &format!("/v1/admin/settlements?from={first}&to={second}")).await;
    assert_eq!((&before["final"], before["items"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    sale.step("decline").await.expect(200);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let operator = sale.shop.operator().await;
    let again = statement(&operator, &format!("/v1/admin/settlements?from={first}&to={second}")).await;
    assert_eq!(again, before, "the refund is in a later time");
    let later = statement(&operator, &format!("/v1/admin/settlements?from={second}&to=2040-01-01")).await;
    let refunded = &later["totals"][0];
    assert_eq!((cents(refunded, "refunded"), cents(refunded, "goods"), cents(refunded, "paid")), (1_750, -1_250, 0));
    assert_eq!(later["final"], false);
    let names = ["goods", "delivery", "total", "paid", "refunded", "commission", "pending", "due"];
    let whole = sums(&operator, &format!("/v1/admin/settlements?{EVER}"), &names).await;
    assert_eq!(whole, [0, 0, 0, 1_750, 1_750, 0, 0, 0]);
    let none = operator.get(&format!("/v1/admin/settlements?from={second}&to={first}")).await;
    assert_eq!(none.expect_problem(400, "invalid")["errors"][0]["pointer"], "to");
    operator.get("/v1/admin/settlements").await.expect_problem(400, "invalid");
}

#[tokio::test]
async fn pages_add_up_to_the_time_and_vendors_see_only_their_own() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(50).publish().await;
    let scarf = shop.vendor("silk").await.product("scarf").price("7.77").stock(50).publish().await;
    for round in 0..5 {
        let lines = [(&bowl, 1 + round % 2), (&scarf, 1)];
        let guest = shop.guest().await.takes(&lines[..if round == 4 { 1 } else { 2 }]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        shop.stripe(&text(&order["id"]), "succeed").await;
        if round == 1 {
            // A refund at the provider's dashboard is of no vendor order: it is taken off both.
            shop.anon()
                .post(&format!("/_local/pay/stripe/orders/{}", text(&order["id"])), &json!({"do": "refund"}))
                .await;
        }
        shop.advance(Duration::from_secs(60)).await;
    }
    shop.wait_until_idle().await;
    let operator = shop.operator().await;
    let names = ["goods", "delivery", "tax", "total", "paid", "refunded", "commission", "pending", "due"];
    let all = sums(&operator, &format!("/v1/admin/settlements?{EVER}"), &names).await;
    for limit in [1, 3, 1_000] {
        assert_eq!(sums(&operator, &format!("/v1/admin/settlements?{EVER}&limit={limit}"), &names).await, all);
    }
    let mut of_both = vec![0; names.len()];
    for product in [&bowl, &scarf] {
        let vendor = shop.sign_in_again(&product.vendor).await;
        let own = sums(&vendor, &format!("/v1/vendor/settlements?{EVER}&limit=2"), &names).await;
        let seen = format!("/v1/admin/settlements?{EVER}&vendor={}", product.vendor.id);
        assert_eq!(sums(&operator, &seen, &names).await, own);
        of_both.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        for entry in statement(&vendor, &format!("/v1/vendor/settlements?{EVER}")).await["items"].as_array().unwrap() {
            assert_eq!(text(&entry["vendor"]["id"]), product.vendor.id);
        }
    }
    assert_eq!(of_both, all);
}

#[tokio::test]
async fn cash_is_entered_when_it_is_collected_and_its_commission_is_owed() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    let vendor_order = text(&order["vendors"][0]["id"]);
    let path = format!("/v1/vendor/settlements?{EVER}");
    for step in ["accept", "ship"] {
        bowl.vendor.client.post(&format!("/v1/vendor/orders/{vendor_order}/{step}"), &json!({})).await.expect(200);
    }
    assert_eq!(statement(&bowl.vendor.client, &path).await["items"], json!([]));
    bowl.vendor.client.post(&format!("/v1/vendor/orders/{vendor_order}/deliver"), &json!({})).await.expect(200);
    let collected = statement(&bowl.vendor.client, &path).await["totals"][0].clone();
    assert_eq!((cents(&collected, "cash_collected"), cents(&collected, "paid")), (3_000, 3_000));
    let owed = -cents(&collected, "commission") - cents(&collected, "tax");
    assert_eq!((cents(&collected, "pending"), cents(&collected, "due")), (owed, 0));
    shop.advance(DAY * 15).await;
    let vendor = shop.sign_in_again(&bowl.vendor).await;
    let collected = statement(&vendor, &path).await["totals"][0].clone();
    assert_eq!((cents(&collected, "pending"), cents(&collected, "due")), (0, owed));
}

#[tokio::test]
async fn what_a_bank_decides_about_is_held_and_what_it_takes_is_charged_back() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.shop.wait_until_idle().await;
    for step in ["accept", "ship", "deliver"] {
        sale.step(step).await.expect(200);
    }
    sale.shop.advance(DAY * 15).await;
    let operator = sale.shop.operator().await;
    let names = ["held", "due", "charged_back", "total"];
    let path = format!("/v1/admin/settlements?{EVER}");
    let [_, due, ..] = sums(&operator, &path, &names).await[..] else { panic!("four sums") };
    sale.act("dispute").await;
    sale.shop.wait_until_idle().await;
    assert_eq!(sums(&operator, &path, &names).await, [due, 0, 0, 1_750]);
    sale.act("lose_dispute").await;
    sale.shop.wait_until_idle().await;
    assert_eq!(sums(&operator, &path, &names).await, [0, 0, 1_750, 0]);
}

#[tokio::test]
async fn a_file_has_the_same_entries_and_a_spreadsheet_evaluates_none_of_it() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("ceramics").await;
    vendor.client.patch("/v1/vendors/me", &json!({"name": "=HYPERLINK(1)"})).await.expect(200);
    vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    let approve = format!("/v1/admin/vendors/{}/approve", vendor.id);
    shop.operator().await.post(&approve, &json!({})).await.expect(200);
    let bowl = vendor.product("bowl").stock(5).publish().await;
    for _ in 0..2 {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        shop.stripe(&text(&order["id"]), "succeed").await;
    }
    shop.wait_until_idle().await;
    let operator = shop.operator().await.with("accept", "text/csv");
    let file = operator.get(&format!("/v1/admin/settlements?{EVER}&limit=1")).await;
    file.expect(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"settlements-2020-01-01-2040-01-01.csv\"");
    let text_of_file = file.text.clone();
    let lines: Vec<&str> = text_of_file.lines().collect();
    assert_eq!(lines.len(), 2, "{text_of_file}");
    assert!(lines[0].starts_with("at,id,vendor_id,vendor,number,vendor_order_id,currency,goods,delivery,"));
    assert!(lines[1].contains(",'=HYPERLINK(1),") && lines[1].contains(",USD,12.50,5.00,"), "{}", lines[1]);
    // Each page names the next; the last one none.
    let (mut page, mut rows) = (file, vec![lines[1].to_owned()]);
    while !page.header("link").is_empty() {
        let link = page.header("link");
        let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).expect("a next page");
        page = operator.get(&format!("/v1/admin/settlements{next}")).await;
        page.expect(200);
        rows.extend(page.text.lines().skip(1).map(str::to_owned));
    }
    rows.dedup();
    assert_eq!(rows.len(), 2, "{rows:?}");
    let own = shop.sign_in_again(&vendor).await.with("accept", "text/csv, application/json;q=0.5");
    let own = own.get(&format!("/v1/vendor/settlements?{EVER}")).await;
    own.expect(200);
    assert_eq!(own.text.lines().count(), 3);
}
