//! The worker is killed at each of its calls in turn: nothing is lost and nothing is done twice.
//!
//! Half of the calls are carried out before the kill and half are not; with `BOZOR_FAULTS=all` each call meets both.

use std::fmt::Write as _;
use std::time::Duration;

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use super::refused::{long_file, upload};
use super::{all, errors, import, shop_with_categories};
use crate::conventions::lambda_processes::rows_of_a_long_file;
use crate::shop::{Shop, Vendor};

const WORKER: &str = "function ImportsFunction";
/// One second longer than the visibility timeout of a failed message.
const HIDDEN: Duration = Duration::from_secs(91);

/// Two batches of products: most are refused, the good ones have stock, and the rows of one stand apart.
fn file(name: &str) -> String {
    let mut file =
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n".to_owned();
    for row in 0..22 {
        writeln!(file, "{name}-bad-{row},Bad {row},,,B-{row},1,dear").expect("text");
    }
    write!(
        file,
        "{name}-one,One,Size,S,{name}-1S,3,1.00\n{name}-two,Two,,,{name}-2,5,2.00\n{name}-three,Three,,,{name}-3,7,3.00\n\
         {name}-one,,,M,{name}-1M,4,1.50\n{name}-last,Last,,,{name}-4,many,4.00\n"
    )
    .expect("text");
    file
}

/// What the import came to, without what tells one run from another.
async fn result(shop: &Shop, vendor: &Vendor, path: &str, name: &str) -> (Value, Vec<String>, String) {
    let client = shop.sign_in_again(vendor).await;
    let job = client.get(path).await.expect(200).clone();
    let fields =
        ["state", "rows", "rows_done", "products", "variants", "refused", "skipped", "stock_kept", "more_errors"];
    let shown: Vec<&Value> = fields.iter().map(|field| &job[field]).chain([&job["errors"]]).collect();
    let shown = json!(shown).to_string().replace(name, "NAME");
    let listed = client.get("/v1/vendor/products?limit=10").await.expect(200)["items"].clone();
    let own = listed.as_array().expect("products").iter();
    let mut products = Vec::new();
    for product in own.filter(|product| product["handle"].as_str().is_some_and(|handle| handle.starts_with(name))) {
        let variants = product["variants"].as_array().expect("variants").iter();
        let units: Vec<String> = variants
            .map(|variant| format!("{} {} {}", variant["sku"], variant["on_hand"], variant["reserved"]))
            .collect();
        products.push(format!("{} {} {units:?}", product["handle"], product["state"]).replace(name, "NAME"));
    }
    products.sort();
    let link = job["refused_rows"]["url"].as_str().unwrap_or_else(|| panic!("{name}: no refused rows: {job}"));
    let refused = shop.anon().get(link).await.text.replace(name, "NAME");
    (serde_json::from_str(&shown).expect("JSON"), products, refused)
}

#[expect(clippy::disallowed_methods, reason = "the environment chooses the cases")]
fn both_kinds() -> bool {
    std::env::var("BOZOR_FAULTS").is_ok_and(|cases| cases == "all")
}

/// The kills of each of so many calls.
fn kills(calls: usize) -> impl Iterator<Item = (u32, Kind)> {
    let both = both_kinds();
    let all = (1..=u32::try_from(calls).expect("few calls"))
        .flat_map(|nth| [(nth, Kind::CrashBefore), (nth, Kind::CrashAfter)]);
    all.filter(move |(nth, kind)| both || (*kind == Kind::CrashBefore) == (nth % 2 == 0))
}

fn kill(shop: &Shop, nth: u32, kind: Kind) {
    let faults = &shop.cloud.services().faults;
    faults.clear();
    faults.add(Fault { route: Some(WORKER.to_owned()), ..Fault::nth("*", "*", nth, kind) });
}

#[tokio::test]
async fn an_import_whose_worker_is_killed_at_any_call_loses_nothing_and_doubles_nothing() {
    let (shop, vendor) = shop_with_categories().await;
    let faults = &shop.cloud.services().faults;
    import(&shop, &vendor, "", "Handle,Title,Variant Price\nwarm,Warm,1\n").await;
    faults.record();
    let name = "base";
    let query = "?publish=true&stock=add";
    let job = import(&shop, &vendor, query, file(name)).await;
    let calls = faults.recorded().into_iter().filter(|call| call.route.as_deref() == Some(WORKER)).count();
    let path = format!("/v1/vendor/imports/{}", job["id"].as_str().expect("an id"));
    let expected = result(&shop, &vendor, &path, name).await;
    assert_eq!((&job["refused"], &job["products"], expected.1.len()), (&json!(23), &json!(3), 3), "{job}");
    assert_eq!(expected.2.lines().count(), 24, "a header and a row of each refused product: {}", expected.2);

    let mut killed = 0;
    for (nth, kind) in kills(calls) {
        let name = format!("k{nth}{}", if kind == Kind::CrashBefore { "b" } else { "a" });
        let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor.clone() };
        kill(&shop, nth, kind);
        let job = import(&shop, &vendor, query, file(&name)).await;
        killed += shop.cloud.services().faults.triggered().len();
        faults.clear();
        shop.advance(HIDDEN).await;
        let path = format!("/v1/vendor/imports/{}", job["id"].as_str().expect("an id"));
        assert_eq!(result(&shop, &vendor, &path, &name).await, expected, "call {nth} of {calls}, {kind:?}");
    }
    assert!(calls > 25 && killed >= calls, "{killed} kills at {calls} calls");
}

#[tokio::test]
async fn a_long_file_of_refused_rows_is_whole_whichever_call_kills_its_worker() {
    let (shop, vendor) = shop_with_categories().await;
    let faults = &shop.cloud.services().faults;
    let file = long_file();
    import(&shop, &vendor, "", "Handle,Title,Variant Price\nwarm,Warm,1\n").await;
    faults.record();
    let path = upload(&shop, &vendor, "?dry_run=true", &file).await;
    shop.wait_until_idle().await;
    let calls: Vec<String> = faults
        .recorded()
        .into_iter()
        .filter(|call| call.route.as_deref() == Some(WORKER))
        .map(|call| call.operation)
        .collect();
    let expected = result(&shop, &vendor, &path, "bowl").await;
    assert_eq!((&expected.0[0], expected.2.lines().count()), (&json!("completed"), 109));
    let begin = calls.iter().position(|operation| operation == "CreateMultipartUpload").expect("it is long");
    let uploads = ["UploadPart", "UploadPart", "CompleteMultipartUpload", "UpdateItem"];
    let later: Vec<&str> = calls[begin + 1..].iter().map(String::as_str).filter(|name| *name != "GetObject").collect();
    assert_eq!(later, [uploads[0], "UpdateItem", uploads[1], uploads[2], uploads[3]], "{calls:?}");
    for (nth, kind) in kills(calls.len()).filter(|(nth, _)| *nth > u32::try_from(begin).expect("few calls")) {
        let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor.clone() };
        kill(&shop, nth, kind);
        let path = upload(&shop, &vendor, "?dry_run=true", &file).await;
        shop.wait_until_idle().await;
        assert_eq!(shop.cloud.services().faults.triggered().len(), 1, "call {nth}");
        faults.clear();
        // Once more where the upload was completed: it is begun anew.
        for _ in 0..2 {
            shop.advance(HIDDEN).await;
        }
        assert_eq!(
            result(&shop, &vendor, &path, "bowl").await,
            expected,
            "{} {nth}, {kind:?}",
            calls[nth as usize - 1]
        );
    }
}

/// Rows of each product of the long import.
const VARIANTS: usize = 10;

/// Products of ten variants each; of every 50 one is refused for its last row.
fn products_of_ten(count: usize) -> String {
    let mut file =
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n".to_owned();
    for product in 0..count {
        for variant in 0..VARIANTS {
            let (title, option) = if variant == 0 { (format!("Bowl {product}"), "Size") } else { (String::new(), "") };
            let price = if variant == VARIANTS - 1 && product % 50 == 0 { "dear" } else { "1.00" };
            let units = variant + 1;
            writeln!(file, "bowl-{product},{title},{option},S{variant},B-{product}-{variant},{units},{price}")
                .expect("text");
        }
    }
    file
}

#[tokio::test]
async fn a_long_import_goes_on_after_each_kill() {
    let (shop, vendor) = shop_with_categories().await;
    let count = rows_of_a_long_file(1_500) / VARIANTS;
    let (refused, file) = (count.div_ceil(50), products_of_ten(count));
    let mut path = String::new();
    // A good product takes two calls at least, and a message comes five times.
    let step = u32::try_from(count * 2 / 5).expect("not too many");
    for kind in [Kind::CrashBefore, Kind::CrashAfter, Kind::CrashAfter, Kind::CrashBefore] {
        kill(&shop, step, kind);
        if path.is_empty() {
            path = upload(&shop, &vendor, "", &file).await;
            shop.wait_until_idle().await;
        } else {
            shop.advance(HIDDEN).await;
        }
        assert_eq!(shop.cloud.services().faults.triggered().len(), 1, "the worker was killed");
    }
    shop.cloud.services().faults.clear();
    shop.advance(HIDDEN).await;
    let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor };
    let job = vendor.client.get(&path).await.expect(200).clone();
    assert_eq!(
        (&job["state"], &job["rows_done"]),
        (&json!("completed"), &json!(count * VARIANTS)),
        "{}",
        job["errors"]
    );
    assert_eq!((&job["products"], &job["refused"]), (&json!(count - refused), &json!(refused)));
    assert_eq!(errors(&job).len(), refused.min(1_000), "each is told once");
    let again = shop.anon().get(job["refused_rows"]["url"].as_str().expect("a link")).await;
    assert_eq!(again.text.lines().count(), 1 + refused * VARIANTS, "each is there once");

    let listed = all(&vendor.client, "/v1/vendor/products?limit=100").await;
    assert_eq!(listed.len(), count - refused, "none is lost and none is doubled");
    for product in &listed {
        let units = product["variants"].as_array().expect("variants").iter().map(|variant| variant["on_hand"].as_u64());
        assert!(units.eq((1..=10).map(Some)), "{product}");
    }
    let path = upload(&shop, &vendor, "", &file).await;
    shop.wait_until_idle().await;
    let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor };
    let same = vendor.client.get(&path).await.expect(200).clone();
    assert_eq!(
        (&same["created"], &same["updated"], &same["unchanged"]),
        (&json!(0), &json!(0), &json!(count - refused))
    );
}
