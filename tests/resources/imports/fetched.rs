//! Pictures that a product file names by their addresses: fetched once, looked at, and ours from then on.

use std::fmt::Write as _;
use std::time::Duration;

use cloud::faults::{Fault, Kind};
use cloud::sqs::MessageAttributes;
use serde_json::{Value, json};

use super::import;
use crate::shop::pictures::png;
use crate::shop::{Shop, TestInternet, Vendor};

const FETCH: &str = "?publish=true&fetch_images=true";
const HOST: &str = "pictures.test";
const HEADER: &str = "Handle,Title,Variant Price,Image Src\n";

/// A file of products with one picture each.
fn file(pictures: &[(&str, &str)]) -> String {
    let mut file = HEADER.to_owned();
    for (handle, address) in pictures {
        writeln!(file, "{handle},Bowl {handle},9.50,{address}").expect("text");
    }
    file
}

async fn open(internet: &TestInternet) -> (Shop, Vendor) {
    let shop = Shop::connected(internet).await;
    let vendor = shop.vendor("ceramics").await;
    (shop, vendor)
}

/// The address of the only picture of a product as buyers see it.
async fn shown(shop: &Shop, handle: &str) -> String {
    let page = shop.anon().get(&format!("/v1/products/{handle}")).await.expect(200).clone();
    let images = page["images"].as_array().expect("images").clone();
    assert_eq!(images.len(), 1, "{page}");
    images[0]["url"].as_str().expect("an address").to_owned()
}

/// The picture faults of a report, as line, code and value.
fn faults(job: &Value) -> Vec<(u64, String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let entries = job["errors"].as_array().expect("a report").iter();
    entries.map(|of| (of["line"].as_u64().expect("a line"), text(&of["code"]), text(&of["value"]))).collect()
}

async fn report_of(shop: &Shop, vendor: &Vendor, job: &Value) -> Value {
    let client = shop.sign_in_again(vendor).await;
    client.get(&format!("/v1/vendor/imports/{}", job["id"].as_str().expect("an id"))).await.expect(200).clone()
}

#[tokio::test]
async fn three_hundred_products_with_foreign_pictures_end_with_ours_and_ten_bad_ones_in_the_report() {
    const MANY: usize = 300;
    let internet = TestInternet::of(&[HOST, "inside.test"]);
    internet.resolves("inside.test", &["169.254.169.254"]);
    let mut rows = Vec::new();
    for number in 0..MANY {
        let path = format!("/{number}.png");
        let mut address = format!("https://{HOST}{path}");
        match number {
            3 => address = "https://unknown.test/bowl.png".to_owned(),
            30 => address = "https://inside.test/latest/meta-data/".to_owned(),
            60 => address = "https://127.0.0.1/bowl.png".to_owned(),
            90 => address = "https://[::ffff:10.0.0.1]/bowl.png".to_owned(),
            120 => address = format!("https://{HOST}:9001/2018-06-01/runtime/invocation/next"),
            150 => {
                internet.has(HOST, &path, b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>")
            }
            180 => internet.has(HOST, &path, b"<!doctype html><title>Sign in</title>"),
            210 => internet.answers(HOST, &path, "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n\r\n"),
            240 => internet.answers(HOST, &path, "HTTP/1.1 200 OK\r\ncontent-length: 99000000\r\n\r\n"),
            270 => {}
            _ => {
                let shade = u8::try_from(number % 256).expect("a byte");
                internet.has(HOST, &path, &png(8, 8, [shade, 90, 200]));
            }
        }
        rows.push((format!("bowl-{number}"), address));
    }
    let rows: Vec<(&str, &str)> = rows.iter().map(|(handle, address)| (&**handle, &**address)).collect();
    let (shop, vendor) = open(&internet).await;
    let job = import(&shop, &vendor, FETCH, file(&rows)).await;
    assert_eq!((&job["state"], &job["pictures"], &job["refused"]), (&json!("completed"), &json!(MANY), &json!(0)));

    let codes = [
        (3, "picture_host_not_found"),
        (30, "picture_host_not_public"),
        (60, "picture_host_not_public"),
        (90, "picture_host_not_public"),
        (120, "picture_port_forbidden"),
        (150, "svg_drawing"),
        (180, "not_a_picture"),
        (210, "picture_address_not_https"),
        (240, "picture_too_large"),
        (270, "picture_refused"),
    ];
    let line = |number: usize| u64::try_from(number + 2).expect("a line");
    let expected: Vec<(u64, String, String)> =
        codes.iter().map(|(number, code)| (line(*number), (*code).to_owned(), rows[*number].1.to_owned())).collect();
    assert_eq!(faults(&job), expected);
    assert_eq!((&job["errors"][0]["column"], &job["errors"][0]["product"]), (&json!("Image Src"), &json!("bowl-3")));
    assert_eq!(job["errors"][9]["detail"], "The host answered with status 404.");

    let bad: Vec<usize> = codes.iter().map(|(number, _)| *number).collect();
    for (number, (handle, address)) in rows.iter().enumerate() {
        let url = shown(&shop, handle).await;
        match bad.contains(&number) {
            true => assert_eq!(url, *address, "the link is kept as it was"),
            false => assert!(url.starts_with(&shop.cloud.base_url()) && url.contains("/m/"), "{handle}: {url}"),
        }
    }
    let connections = internet.connections();
    assert!(connections.iter().all(|to| to.ip().to_string() == "93.184.216.34" && to.port() == 443), "{connections:?}");
    let asked = internet.asked();
    assert_eq!(asked.len(), 295, "each address once, and none of those that are refused by themselves");
    assert!(asked.windows(2).all(|two| two[0] != two[1]), "{asked:?}");
}

#[tokio::test]
async fn a_name_that_changes_between_look_up_and_connection_leads_nowhere_else() {
    let internet = TestInternet::of(&[HOST]);
    internet.resolves(HOST, &["93.184.216.34", "127.0.0.1"]);
    internet.has(HOST, "/bowl.png", &png(8, 8, [1, 2, 3]));
    internet.has(HOST, "/next.png", &png(8, 8, [1, 2, 3]));
    let (shop, vendor) = open(&internet).await;
    let address = format!("https://{HOST}/bowl.png");
    let first = import(&shop, &vendor, FETCH, file(&[("bowl", &address)])).await;
    assert_eq!(faults(&first), [], "it went to the address that was checked");
    let address = format!("https://{HOST}/next.png");
    let second = import(&shop, &vendor, FETCH, file(&[("plate", &address)])).await;
    assert_eq!(faults(&second), [(2, "picture_host_not_public".to_owned(), address)]);
    assert_eq!(internet.connections().len(), 1);
}

#[tokio::test]
async fn an_address_is_fetched_once_for_all_products_and_another_import_asks_only_for_what_failed() {
    let internet = TestInternet::of(&[HOST]);
    internet.has(HOST, "/bowl.png", &png(8, 8, [1, 2, 3]));
    let (shop, vendor) = open(&internet).await;
    let [good, bad] = [format!("https://{HOST}/bowl.png"), format!("https://{HOST}/late.png")];
    let job = import(&shop, &vendor, FETCH, file(&[("bowl", &good), ("plate", &bad)])).await;
    assert_eq!(faults(&job).len(), 1);
    internet.has(HOST, "/late.png", &png(8, 8, [9, 9, 9]));
    let job = import(&shop, &vendor, FETCH, file(&[("bowl", &good), ("plate", &bad), ("copy", &good)])).await;
    assert_eq!(faults(&job), []);
    assert_eq!(job["pictures"], json!(2), "the one of the plate, and the one of the copy, which is here");
    assert_eq!(internet.asked(), [good.clone(), bad.clone(), bad.clone()]);
    assert_eq!(shown(&shop, "bowl").await, shown(&shop, "copy").await);
    assert!(shown(&shop, "plate").await.contains("/m/"));
    let stranger = shop.vendor("silk").await;
    import(&shop, &stranger, FETCH, file(&[("other", &good)])).await;
    assert_ne!(shown(&shop, "other").await, shown(&shop, "bowl").await, "each vendor's is their own");
}

#[tokio::test]
async fn nothing_is_fetched_for_a_dry_run_or_when_the_vendor_wants_links() {
    let internet = TestInternet::of(&[HOST]);
    internet.has(HOST, "/bowl.png", &png(8, 8, [1, 2, 3]));
    let (shop, vendor) = open(&internet).await;
    let address = format!("https://{HOST}/bowl.png");
    let file = file(&[("bowl", &address)]);
    for query in ["?dry_run=true&fetch_images=true", "?publish=true&fetch_images=false"] {
        let job = import(&shop, &vendor, query, file.clone()).await;
        assert_eq!(job["pictures"], json!(0), "{query}");
    }
    assert_eq!((shown(&shop, "bowl").await, internet.asked()), (address.clone(), Vec::new()));
    // It is what an import does by default.
    let sent = vendor.client.send(reqwest::Method::POST, "/v1/vendor/imports", Some(file.into()), "text/csv").await;
    assert_eq!(sent.expect(202)["fetch_images"], json!(true));
    shop.wait_until_idle().await;
    assert!(shown(&shop, "bowl").await.contains("/m/"));
    let export = super::export(&shop, &vendor, "").await;
    assert!(export.contains(&address), "the file that goes out names what came in: {export}");
}

#[tokio::test]
async fn a_host_that_may_answer_later_is_asked_again_before_the_report_says_that_it_did_not() {
    let internet = TestInternet::of(&[HOST]);
    let busy = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    for path in ["/soon.png", "/never.png"] {
        internet.answers(HOST, path, busy);
    }
    let (shop, vendor) = open(&internet).await;
    let [soon, never] = [format!("https://{HOST}/soon.png"), format!("https://{HOST}/never.png")];
    let job = import(&shop, &vendor, FETCH, file(&[("bowl", &soon), ("plate", &never)])).await;
    assert_eq!(faults(&job), [], "not yet");
    internet.has(HOST, "/soon.png", &png(8, 8, [1, 2, 3]));
    for _ in 0..2 {
        shop.advance(Duration::from_secs(300)).await;
        shop.wait_until_idle().await;
    }
    let job = report_of(&shop, &vendor, &job).await;
    assert_eq!(faults(&job), [(3, "picture_refused_now".to_owned(), never.clone())]);
    assert!(shown(&shop, "bowl").await.contains("/m/"));
    assert_eq!(shown(&shop, "plate").await, never);
    assert_eq!(internet.asked().iter().filter(|address| **address == never).count(), 3);
}

#[tokio::test]
async fn a_picture_is_shown_and_told_of_once_whichever_call_kills_the_function_that_fetches_it() {
    let internet = TestInternet::of(&[HOST]);
    internet.has(HOST, "/bowl.png", &png(8, 8, [1, 2, 3]));
    let (shop, vendor) = open(&internet).await;
    let worker = "function MediaFunction";
    let faulty = |nth, kind| Fault { route: Some(worker.to_owned()), ..Fault::nth("*", "*", nth, kind) };
    let of_row = |name: &str, picture: &str| {
        format!("{name},Bowl {name},9.50,https://{HOST}/{picture}\n{name},,,https://{HOST}/bad.png\n")
    };
    let injected = &shop.cloud.services().faults;
    injected.record();
    internet.has(HOST, "/base.png", &png(8, 8, [7, 7, 7]));
    import(&shop, &vendor, FETCH, format!("{HEADER}{}", of_row("base", "base.png"))).await;
    let calls = injected.recorded().into_iter().filter(|call| call.route.as_deref() == Some(worker)).count();
    assert!(calls > 8, "{calls}");
    for nth in 1..=u32::try_from(calls).expect("few") {
        for kind in [Kind::CrashBefore, Kind::CrashAfter] {
            let name = format!("k{nth}{}", if kind == Kind::CrashBefore { "b" } else { "a" });
            internet.has(HOST, &format!("/{name}.png"), &png(8, 8, [u8::try_from(nth).expect("few"), 7, 7]));
            let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor.clone() };
            injected.clear();
            injected.add(faulty(nth, kind));
            let job = import(&shop, &vendor, FETCH, format!("{HEADER}{}", of_row(&name, &format!("{name}.png")))).await;
            injected.clear();
            shop.advance(Duration::from_secs(361)).await;
            shop.wait_until_idle().await;
            let job = report_of(&shop, &vendor, &job).await;
            let bad = format!("https://{HOST}/bad.png");
            assert_eq!(faults(&job), [(2, "picture_refused".to_owned(), bad.clone())], "call {nth}, {kind:?}");
            let page = shop.anon().get(&format!("/v1/products/{name}")).await.expect(200).clone();
            let urls: Vec<&str> =
                page["images"].as_array().expect("images").iter().filter_map(|of| of["url"].as_str()).collect();
            assert!(urls.len() == 2 && urls[0].contains("/m/") && urls[1] == bad, "call {nth}, {kind:?}: {urls:?}");
            shop.anon().get(urls[0]).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_fetched_picture_that_nobody_names_is_gone_within_a_week_and_comes_back_with_another_import() {
    let internet = TestInternet::of(&[HOST]);
    internet.has(HOST, "/bowl.png", &png(8, 8, [1, 2, 3]));
    let (shop, vendor) = open(&internet).await;
    let address = format!("https://{HOST}/bowl.png");
    import(&shop, &vendor, FETCH, file(&[("bowl", &address)])).await;
    let before = shown(&shop, "bowl").await;
    let files = || shop.keys_in("MediaBucket").into_iter().filter(|key| key.starts_with("m/")).count();
    assert!(files() > 0);
    let listed = vendor.client.get("/v1/vendor/products").await.expect(200)["items"][0].clone();
    let own = format!("/v1/vendor/products/{}", listed["id"].as_str().expect("an id"));
    vendor.client.post(&format!("{own}/unpublish"), &json!({})).await.expect(200);
    vendor.client.delete(&own).await.expect(204);
    for after in [60, 6 * 86_400 + 3_600, 3_600, 3_600] {
        shop.advance(Duration::from_secs(after)).await;
        shop.send_to_pictures(&json!({"sweep": {}}));
        shop.wait_until_idle().await;
    }
    assert_eq!(files(), 0);
    assert_eq!(shop.anon().get(&before).await.status, 403);
    let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor.clone() };
    import(&shop, &vendor, FETCH, file(&[("bowl", &address)])).await;
    shop.anon().get(&shown(&shop, "bowl").await).await.expect(200);
}

#[tokio::test]
async fn a_message_that_comes_again_takes_back_what_it_told_of_a_picture_that_is_here_now() {
    let internet = TestInternet::of(&[HOST]);
    let (shop, vendor) = open(&internet).await;
    let address = format!("https://{HOST}/late.png");
    let job = import(&shop, &vendor, FETCH, file(&[("bowl", &address)])).await;
    assert_eq!(faults(&job).len(), 1);
    internet.has(HOST, "/late.png", &png(8, 8, [1, 2, 3]));
    let product = vendor.client.get("/v1/vendor/products").await.expect(200)["items"][0]["id"].clone();
    let named_at = json!({"import": job["id"], "line": 2, "product": "bowl", "column": "Image Src", "part": 0});
    let again = json!({"fetch": {
        "vendor_id": vendor.id, "product_id": product, "addresses": [address], "named_at": named_at, "attempts": 1
    }});
    let (queue, queues) = (shop.queue("FetchesQueue"), &shop.cloud.services().queues);
    queues.send(&queue, &again.to_string(), &MessageAttributes::new()).expect("the queue takes it");
    shop.wait_until_idle().await;
    assert_eq!(faults(&report_of(&shop, &vendor, &job).await), []);
    assert!(shown(&shop, "bowl").await.contains("/m/"));
}
