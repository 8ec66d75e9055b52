//! Product files in Shopify's CSV format: import, repeated import and export.

mod caps;
mod columns;
mod fetched;
mod foreign;
mod formats;
mod keys;
mod killed;
mod lost_jobs;
mod partial;
mod past;
mod quotas;
mod refused;
mod texts;
mod woocommerce;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use cloud::faults::{Fault, Kind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::until;
use crate::shop::{Answer, Client, Shop, Vendor};

/// Number of products in the file of [`fifty_products`].
const PRODUCTS: usize = 50;
const HEADER: &str = "Handle;Title;Body (HTML);Vendor;Type;Tags;Published;Option1 Name;Option1 Value;Option2 Name;Option2 Value;\
    Variant SKU;Variant Grams;Variant Inventory Qty;Variant Price;Variant Compare At Price;Image Src;Image Alt Text;\
    SEO Title;SEO Description;Status;Gift Card";

/// Fifty products as spreadsheet software saves them: a byte order mark, semicolons, Windows line ends, descriptions
/// over several lines, and a row for each variant.
fn fifty_products() -> Vec<u8> {
    let mut csv = format!("\u{feff}{HEADER}\r\n");
    for number in 1..=PRODUCTS {
        let body = "\"<p>Made by hand;\r\nno two are \"\"the same\"\".</p><script>alert(1)</script>\"";
        let row = |first: bool, size: &str, colour: &str| {
            let mut row = format!("Bowl-{number};");
            if first {
                write!(row, "Bowl no. {number};{body};Usta Karim;Bowls;\"handmade, blue\";TRUE;Size;").expect("text");
            } else {
                row.push_str(";;;;;;;");
            }
            write!(row, "{size};{};{colour};", if first { "Colour" } else { "" }).expect("text");
            write!(row, "BOWL-{number}-{size}-{colour};350;7;1{number:02}.50;;").expect("text");
            if first {
                write!(row, "https://pictures.test/{number}.jpg;A bowl;Bowl {number};Hand made;active;FALSE")
                    .expect("text");
            } else {
                row.push_str(";;;;;");
            }
            row
        };
        let variants: &[(&str, &str)] =
            if number % 2 == 0 { &[("S", "Blue")] } else { &[("S", "Blue"), ("L", "Blue"), ("L", "Green")] };
        for (index, (size, colour)) in variants.iter().enumerate() {
            csv.push_str(&row(index == 0, size, colour));
            csv.push_str("\r\n");
        }
    }
    csv.into_bytes()
}

/// A shop with a vendor and a category for bowls.
async fn shop_with_categories() -> (Shop, Vendor) {
    let shop = Shop::open().await;
    let tree = json!({"items": [{"handle": "ceramics", "name": "Ceramics", "children": [{"handle": "bowls", "name": "Bowls"}]}]});
    let operator = shop.operator().await;
    let version = operator.get("/v1/admin/categories").await.header("etag").to_owned();
    operator.with("if-match", version).put("/v1/admin/categories", &tree).await.expect(200);
    let vendor = shop.vendor("ceramics").await;
    shop.wait_until_idle().await;
    (shop, vendor)
}

/// Sends a file. Pictures are fetched where the query says so.
async fn send(vendor: &Vendor, query: &str, file: impl Into<Vec<u8>>) -> Answer {
    let joint = if query.is_empty() { '?' } else { '&' };
    let links = if query.contains("fetch_images") { String::new() } else { format!("{joint}fetch_images=false") };
    let path = format!("/v1/vendor/imports{query}{links}");
    vendor.client.send(Method::POST, &path, Some(file.into()), "text/csv").await
}

/// Sends a file and waits until its import is over.
async fn import(shop: &Shop, vendor: &Vendor, query: &str, file: impl Into<Vec<u8>>) -> Value {
    let sent = send(vendor, query, file).await;
    let location = sent.header("location").to_owned();
    assert_eq!(location, format!("/v1/vendor/imports/{}", sent.expect(202)["id"].as_str().expect("an id")));
    shop.wait_until_idle().await;
    vendor.client.get(&location).await.expect(200).clone()
}

/// Exports the products and returns the file.
async fn export(shop: &Shop, vendor: &Vendor, query: &str) -> String {
    let asked = vendor.client.post(&format!("/v1/vendor/exports{query}"), &json!({})).await;
    let location = format!("/v1/vendor/exports/{}", asked.expect(202)["id"].as_str().expect("an id"));
    shop.wait_until_idle().await;
    let job = vendor.client.get(&location).await.expect(200).clone();
    assert_eq!(job["state"], "completed", "{job}");
    let file = shop.anon().get(job["url"].as_str().expect("a link")).await;
    assert_eq!(file.status, 200, "{}", file.text);
    assert!(file.header("content-disposition").starts_with("attachment"), "a browser saves it");
    file.text
}

/// All items of a list, over all its pages.
async fn all(client: &Client, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut page = client.get(path).await;
    loop {
        items.extend(page.expect(200)["items"].as_array().expect("items").clone());
        let Some(next) = page.json["next"].as_str() else { return items };
        page = client.get(&format!("{path}&cursor={next}")).await;
    }
}

/// The vendor's products by handle.
async fn products(vendor: &Vendor) -> BTreeMap<String, Value> {
    let listed = all(&vendor.client, "/v1/vendor/products?limit=100").await;
    listed.into_iter().map(|product| (product["handle"].as_str().expect("a handle").to_owned(), product)).collect()
}

/// Line, column and code of each error.
fn errors(job: &Value) -> Vec<(u64, &str, &str)> {
    fn text(value: &Value) -> &str {
        value.as_str().expect("a text")
    }
    let listed = job["errors"].as_array().expect("errors");
    let named = |error: &'_ Value| error["line"].as_u64().expect("a line");
    listed.iter().map(|error| (named(error), text(&error["column"]), text(&error["code"]))).collect()
}

#[tokio::test]
async fn an_import_publishes_fifty_products_and_its_repeat_changes_nothing() {
    let (shop, vendor) = shop_with_categories().await;
    let job = import(&shop, &vendor, "?publish=true", fifty_products()).await;
    assert_eq!((&job["state"], &job["errors"]), (&json!("completed"), &json!([])));
    assert_eq!((&job["rows"], &job["rows_done"]), (&json!(100), &json!(100)));
    assert_eq!((&job["products"], &job["variants"], &job["created"]), (&json!(50), &json!(100), &json!(50)));

    let found = all(&shop.anon(), "/v1/products?category=bowls&limit=20").await;
    assert_eq!(found.len(), PRODUCTS);
    assert!(found.iter().all(|card| card["available"] == true));
    assert_eq!(all(&shop.anon(), "/v1/products?category=ceramics&limit=100").await.len(), PRODUCTS, "its parent too");
    let bowl = shop.anon().get("/v1/products/bowl-7").await.expect(200).clone();
    assert_eq!(bowl["description_html"], "<p>Made by hand;\nno two are \"the same\".</p>");
    assert_eq!(
        bowl["options"],
        json!([{"name": "Size", "values": ["S", "L"]}, {"name": "Colour", "values": ["Blue", "Green"]}])
    );
    assert_eq!(bowl["variants"][2]["options"], json!({"Size": "L", "Colour": "Green"}));
    assert_eq!(bowl["variants"][2]["price"], json!({"amount": "107.50", "currency": "USD"}));
    assert_eq!(bowl["seo"]["title"], "Bowl 7");

    let before = products(&vendor).await;
    assert!(before.values().all(|product| product["state"] == "published" && product["category"] == "bowls"));
    shop.cloud.services().usage.reset();
    let again = import(&shop, &vendor, "?publish=true", fifty_products()).await;
    assert_eq!((&again["state"], &again["products"]), (&json!("completed"), &json!(50)));
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)));
    assert_eq!(products(&vendor).await, before, "versions, stock and all");
    let usage = shop.cloud.services().usage.snapshot();
    let operations = &usage["function ImportsFunction"].operations;
    assert!(!operations.contains_key("TransactWriteItems"), "only the progress of the job was written: {operations:?}");
}

#[tokio::test]
async fn products_stay_drafts_unless_they_are_to_be_published() {
    let (shop, vendor) = shop_with_categories().await;
    let file = "Handle,Title,Published,Status,Variant Price\na,A,true,active,1\nb,B,false,active,1\nc,C,true,draft,1\nd,D,,,1\n\
                e,E,true,archived,1\n";
    import(&shop, &vendor, "", file).await;
    assert!(products(&vendor).await.values().all(|product| product["state"] == "draft"));
    shop.anon().get("/v1/products/a").await.expect(404);
    import(&shop, &vendor, "?publish=true", file).await;
    let published = products(&vendor).await.into_iter().filter(|(_, product)| product["state"] == "published");
    assert_eq!(published.map(|(handle, _)| handle).collect::<Vec<_>>(), ["a", "d"]);
}

#[tokio::test]
async fn bad_rows_are_reported_and_good_rows_are_imported() {
    let (shop, vendor) = shop_with_categories().await;
    let file = "Handle,Title,Body (HTML),Type,Variant Inventory Qty,Variant Price,Image Src\n\
        good,Good,\"two\nlines\",Bowls,3,9.50,\n\
        no-price,No price,,,1,,\n\
        bad-price,Bad price,,,1,9.505,\n\
        bad-quantity,Bad quantity,,,-1,9.50,http://pictures.test/a.jpg\n\
        Nowhere,Nowhere,,Spoons,1,9.50,\n\
        untitled,,,,1,9.50,\n\
        also-good,Also good,,,1,9.50,\n";
    let job = import(&shop, &vendor, "", file).await;
    assert_eq!(job["state"], "completed");
    assert_eq!(
        errors(&job),
        [
            (4, "Variant Price", "missing_price"),
            (5, "Variant Price", "bad_price"),
            (8, "Title", "missing_title"),
            (6, "Image Src", "address_mended"),
            (6, "Variant Inventory Qty", "negative_quantity"),
            (7, "Type", "unknown_category"),
        ]
    );
    let reported = &job["errors"][1];
    assert_eq!((&reported["product"], &reported["value"]), (&json!("bad-price"), &json!("9.505")));
    assert_eq!((&job["refused"], &job["created"], &job["unchanged"]), (&json!(3), &json!(4), &json!(0)));
    assert!(job["errors"].as_array().unwrap().iter().all(|error| !error["detail"].as_str().unwrap().is_empty()));
    assert_eq!((&job["products"], &job["more_errors"]), (&json!(4), &json!(0)));
    let known = products(&vendor).await;
    assert_eq!(known.keys().collect::<Vec<_>>(), ["also-good", "bad-quantity", "good", "nowhere"]);
    assert_eq!((&known["nowhere"]["category"], &known["good"]["category"]), (&Value::Null, &json!("bowls")));
}

#[tokio::test]
async fn an_invalid_file_fails_with_its_reason() {
    let (shop, vendor) = shop_with_categories().await;
    for (file, code) in [("Title\nA\n", "missing_column"), ("\u{feff}", "empty_file")] {
        let job = import(&shop, &vendor, "", file).await;
        assert_eq!((job["state"].as_str(), errors(&job)[0].2), (Some("failed"), code), "{job}");
    }
    send(&vendor, "", "").await.expect_problem(400, "malformed");
    send(&vendor, "?surprise=1", "Handle").await.expect_problem(400, "invalid");
    send(&vendor, "?currency=XXX", "Handle").await.expect_problem(400, "invalid");
    let other = vendor.client.send(Method::POST, "/v1/vendor/imports", Some(b"Handle".to_vec()), "text/html").await;
    other.expect_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_dry_run_reports_and_writes_nothing() {
    let (shop, vendor) = shop_with_categories().await;
    let mut file = fifty_products();
    file.extend_from_slice(b"broken;Broken\r\n");
    let job = import(&shop, &vendor, "?publish=true&dry_run=true", file.clone()).await;
    assert_eq!((&job["state"], &job["dry_run"]), (&json!("completed"), &json!(true)));
    assert_eq!((&job["products"], &job["created"], &job["rows_done"]), (&json!(50), &json!(50), &json!(101)));
    let found = errors(&job);
    assert_eq!(found[0], (152, "Variant Price", "missing_price"), "errors come first");
    assert!(found.len() == 51 && found[1..].iter().all(|(_, _, code)| *code == "would_create"), "{found:?}");
    assert!(products(&vendor).await.is_empty());
    assert!(all(&shop.anon(), "/v1/products?category=bowls").await.is_empty());
}

#[tokio::test]
async fn a_currency_sets_only_its_own_prices() {
    let (shop, vendor) = shop_with_categories().await;
    let dollars = "Handle,Title,Variant Price,Variant Compare At Price\nbowl,Bowl,9.50,12.00\n";
    let sums = "Handle,Title,Variant Price\nbowl,Bowl,120000\n";
    import(&shop, &vendor, "?publish=true", dollars).await;
    import(&shop, &vendor, "?currency=UZS", sums).await;
    let bowl = products(&vendor).await["bowl"].clone();
    let prices = json!([{"amount": "9.50", "currency": "USD"}, {"amount": "120000.00", "currency": "UZS"}]);
    assert_eq!(bowl["variants"][0]["prices"], prices);
    assert_eq!(
        (&bowl["state"], &bowl["variants"][0]["compare_at_price"]["amount"]),
        (&json!("published"), &json!("12.00"))
    );
    let in_sums = shop.anon().get("/v1/products/bowl?currency=UZS").await;
    assert_eq!(in_sums.expect(200)["variants"][0]["price"]["amount"], "120000.00");
    assert!(export(&shop, &vendor, "?currency=UZS").await.contains("120000.00"));
    let again = import(&shop, &vendor, "?currency=UZS", sums).await;
    assert_eq!(again["updated"], 0);
}

#[tokio::test]
async fn a_price_that_a_file_leaves_out_stays_as_it_is() {
    let (shop, vendor) = shop_with_categories().await;
    let sums = |amount: &str| json!({"amount": amount, "currency": "UZS"});
    let dollars = json!({"amount": "5.00", "currency": "USD"});
    let variants = json!([
        {"options": {"Size": "S"}, "prices": [dollars, sums("60000.00")]},
        {"options": {"Size": "L"}, "prices": [sums("70000.00")]},
    ]);
    vendor.product("bowl").set("options", json!([{"name": "Size"}])).set("variants", variants).draft().await;
    let known = products(&vendor).await;
    let exported = export(&shop, &vendor, "").await;
    let again = import(&shop, &vendor, "", exported.clone()).await;
    assert_eq!((errors(&again), &again["updated"]), (vec![], &json!(0)), "{exported}");
    let more = "Handle,Title,Option1 Name,Option1 Value,Variant Price\nbowl,Bowl,Size,S,4.00\nbowl,,,M,\nbowl,,,L,\n";
    assert_eq!(errors(&import(&shop, &vendor, "", more).await), [(3, "Variant Price", "missing_price")]);
    assert_eq!(products(&vendor).await, known);
}

#[tokio::test]
async fn a_handle_that_another_vendor_has_gets_the_own_vendors_handle_as_suffix() {
    let (shop, vendor) = shop_with_categories().await;
    let silk = shop.vendor("silk").await;
    let other = silk.product("bowl").publish().await;
    let file = "Handle,Title,Variant Inventory Qty,Variant Price\nbowl,Bowl,2,9.50\n";
    import(&shop, &vendor, "?publish=true", file).await;
    let again = import(&shop, &vendor, "?publish=true", file).await;
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)));
    assert_eq!(products(&vendor).await.keys().collect::<Vec<_>>(), ["bowl-ceramics"]);
    assert_eq!(shop.anon().get("/v1/products/bowl-ceramics").await.expect(200)["vendor"]["handle"], "ceramics");
    assert_eq!(shop.anon().get("/v1/products/bowl").await.expect(200)["vendor"]["handle"], "silk");
    let exported = export(&shop, &vendor, "").await;
    assert!(exported.lines().nth(1).expect("a row").starts_with("bowl,"), "{exported}");
    // The other product is gone, but the handle stays reserved for the product that the vendor's files name by it.
    let theirs = format!("/v1/vendor/products/{}", other.id);
    silk.client.delete(&theirs).await.expect(204);
    let bowl =
        json!({"handle": "bowl", "title": "Bowl", "variants": [{"price": {"amount": "1.00", "currency": "USD"}}]});
    vendor.client.post("/v1/vendor/products", &bowl).await.expect_problem(409, "handle_taken");
    let suggested = vendor.product("bowl").set("handle", Value::Null).draft().await;
    assert_eq!(suggested.handle, "bowl-ceramics-2");
    let seen = vendor.client.get(&format!("/v1/vendor/products/{}", suggested.id)).await;
    let renamed = vendor.client.clone().with("if-match", seen.header("etag"));
    renamed.put(&format!("/v1/vendor/products/{}", suggested.id), &bowl).await.expect_problem(409, "handle_taken");
    let known = products(&vendor).await;
    let exported = export(&shop, &vendor, "").await;
    assert_eq!(errors(&import(&shop, &vendor, "", exported).await), []);
    assert_eq!(products(&vendor).await, known);
}

#[tokio::test]
async fn a_large_file_is_announced_uploaded_and_then_imported() {
    let (shop, vendor) = shop_with_categories().await;
    let file = fifty_products();
    let too_large = [HEADER.as_bytes(), "\n".as_bytes(), &vec![b'x'; 1024 * 1024]].concat();
    assert_eq!(send(&vendor, "", too_large).await.status, 413);
    for size in [json!(0), json!(210_000_000), json!(-1)] {
        let asked = json!({"filename": "bowls.csv", "size": size});
        vendor.client.post("/v1/vendor/imports", &asked).await.expect_problem(400, "invalid");
    }
    let asked = json!({"filename": "bowls.csv", "size": file.len()});
    let announced =
        vendor.client.post("/v1/vendor/imports?publish=true&fetch_images=false", &asked).await.expect(202).clone();
    assert_eq!((&announced["state"], &announced["upload"]["method"]), (&json!("waiting"), &json!("PUT")));
    let location = format!("/v1/vendor/imports/{}", announced["id"].as_str().expect("an id"));
    shop.wait_until_idle().await;
    let waiting = vendor.client.get(&location).await.expect(200).clone();
    assert_eq!((&waiting["state"], &waiting["filename"]), (&json!("waiting"), &json!("bowls.csv")));

    let longer = [file.as_slice(), b"\r\n"].concat();
    assert_eq!(shop.anon().upload(&announced["upload"], &longer).await.status, 403, "another length is not signed");
    shop.anon().upload(&announced["upload"], &file).await.expect(200);
    shop.wait_until_idle().await;
    let job = vendor.client.get(&location).await.expect(200).clone();
    assert_eq!((&job["state"], &job["products"], &job["errors"]), (&json!("completed"), &json!(50), &json!([])));
    assert_eq!(all(&shop.anon(), "/v1/products?category=bowls").await.len(), PRODUCTS);

    let stranger = shop.vendor("silk").await;
    stranger.client.get(&location).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_import_upload_url_expires_after_ten_minutes() {
    let (shop, vendor) = shop_with_categories().await;
    let asked = json!({"filename": "bowls.csv", "size": 3});
    let announced = vendor.client.post("/v1/vendor/imports", &asked).await.expect(202).clone();
    shop.advance(Duration::from_secs(601)).await;
    let late = shop.anon().upload(&announced["upload"], b"a,b").await;
    assert_eq!(late.status, 403, "{}", late.text);
}

#[tokio::test]
async fn importing_an_exported_file_changes_nothing() {
    let (shop, vendor) = shop_with_categories().await;
    import(&shop, &vendor, "?publish=true", fifty_products()).await;
    let guarded = "Handle,Title,Body (HTML),Type,Tags,Variant SKU,Variant Inventory Qty,Variant Price,Image Src,SEO Title\n\
        formula,=1+1,@mention,Nonsense,\"+a, -b\",-5,4,1.00,,=HYPERLINK(\"x\")\n\
        quoted,'=not a formula,'' two,,,''-6,0,2.00,https://pictures.test/q.jpg,\"says \"\"hello\"\", twice\"\n";
    import(&shop, &vendor, "?publish=true", guarded).await;
    // A product created through the API, with a field that no file has set.
    vendor.product("desk").set("tags", json!(["made at the desk"])).stock(3).draft().await;
    let known = products(&vendor).await;
    assert_eq!(known["formula"]["title"], "=1+1");
    let first = export(&shop, &vendor, "").await;
    assert!(first.contains(",'=1+1,"), "no cell begins a formula: {first}");
    for line in first.lines() {
        assert!(!line.starts_with(['=', '+', '-', '@']), "{line}");
    }
    let again = import(&shop, &vendor, "", first.clone()).await;
    assert_eq!((&again["state"], &again["products"]), (&json!("completed"), &json!(53)), "{again}");
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(products(&vendor).await, known);
    assert_eq!(export(&shop, &vendor, "").await, first);

    // Imported by another vendor: the same products, under other handles.
    let silk = shop.vendor("silk").await;
    let elsewhere = import(&shop, &silk, "?publish=true", first.clone()).await;
    assert_eq!((&elsewhere["state"], &elsewhere["created"]), (&json!("completed"), &json!(53)));
    assert!(products(&silk).await.keys().all(|handle| handle.ends_with("-silk")));
    let mut theirs: Vec<String> = export(&shop, &silk, "").await.lines().map(str::to_owned).collect();
    let mut ours: Vec<String> = first.lines().map(str::to_owned).collect();
    theirs.sort();
    ours.sort();
    assert_eq!(theirs, ours);
}

#[tokio::test]
async fn an_interrupted_import_resumes_where_it_stopped() {
    let (shop, vendor) = shop_with_categories().await;
    let services = shop.cloud.services();
    // The table fails in the middle, for more calls than the SDK attempts.
    for nth in 60..600 {
        services.faults.add(Fault::nth("dynamodb", "TransactWriteItems", nth, Kind::Before));
    }
    services.usage.reset();
    let sent = send(&vendor, "?publish=true", fifty_products()).await;
    let location = sent.header("location").to_owned();
    let ended = || services.usage.snapshot().get("function ImportsFunction").is_some_and(|usage| usage.calls > 0);
    until("the slice of the import has failed", async || ended()).await;
    services.faults.clear();
    let interrupted = vendor.client.get(&location).await.expect(200).clone();
    assert_eq!(interrupted["state"], "running");
    let done = interrupted["products"].as_u64().expect("a count");
    assert!((1..50).contains(&done), "interrupted in the middle: {done}");

    // The consumer of the queue dies, too. The message becomes visible again after its visibility timeout.
    shop.cloud.kill_sources().await;
    shop.cloud.restart_sources().expect("the queue is read again");
    shop.advance(Duration::from_secs(91)).await;
    let job = vendor.client.get(&location).await.expect(200).clone();
    assert_eq!((&job["state"], &job["errors"]), (&json!("completed"), &json!([])));
    assert_eq!((&job["rows_done"], &job["products"], &job["variants"]), (&json!(100), &json!(50), &json!(100)));
    assert_eq!(all(&shop.anon(), "/v1/products?category=bowls").await.len(), PRODUCTS);
    let known = products(&vendor).await;
    let units: Vec<&Value> =
        known.values().flat_map(|product| product["variants"].as_array().expect("variants")).collect();
    assert_eq!(units.len(), 100);
    assert!(units.iter().all(|variant| variant["on_hand"] == 7));
}

#[tokio::test]
async fn an_import_whose_responses_are_lost_writes_nothing_twice() {
    let (shop, vendor) = shop_with_categories().await;
    for operation in ["TransactWriteItems", "UpdateItem"] {
        shop.cloud.services().faults.add(Fault { every: true, ..Fault::nth("dynamodb", operation, 7, Kind::After) });
    }
    let mut job = import(&shop, &vendor, "?publish=true", fifty_products()).await;
    // A slice of work that fails is repeated when its message becomes visible again.
    for _ in 0..6 {
        if job["state"] != "running" {
            break;
        }
        shop.advance(Duration::from_secs(95)).await;
        let location = format!("/v1/vendor/imports/{}", job["id"].as_str().expect("an id"));
        job = shop.sign_in_again(&vendor).await.get(&location).await.expect(200).clone();
    }
    assert!(!shop.cloud.services().faults.triggered().is_empty());
    assert_eq!((&job["state"], &job["errors"], &job["products"]), (&json!("completed"), &json!([]), &json!(50)));
    shop.cloud.services().faults.clear();
    let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor };
    let before = products(&vendor).await;
    assert_eq!(before.len(), PRODUCTS);
    let again = import(&shop, &vendor, "?publish=true", fifty_products()).await;
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)));
    assert_eq!(products(&vendor).await, before);
}

#[tokio::test]
async fn an_import_sets_no_stock_below_the_reserved_units() {
    let (shop, vendor) = shop_with_categories().await;
    let bowl = vendor.product("bowl").stock(5).publish().await;
    shop.guest().await.takes(&[(&bowl, 3)]).await.checks_out("cash_on_delivery", "once").await.expect(201);
    let file = |units: u32| format!("Handle,Title,Variant Inventory Qty,Variant Price\nbowl,Bowl,{units},12.50\n");
    let job = import(&shop, &vendor, "?stock=set", file(2)).await;
    assert_eq!(errors(&job), [(2, "Variant Inventory Qty", "quantity_reserved")]);
    assert_eq!(bowl.stock().await, (5, 3, 2));
    let job = import(&shop, &vendor, "?stock=set", file(9)).await;
    assert_eq!(errors(&job), []);
    assert_eq!(bowl.stock().await, (9, 3, 6));
}
