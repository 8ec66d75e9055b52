//! The built functions, each in processes of its own over the Lambda Runtime API.

use std::fmt::Write as _;

use local::Options;
use serde_json::json;

use crate::resources::buyer_journey;
use crate::shop::{Shop, binaries};

async fn shop() -> Shop {
    let binaries = tokio::task::spawn_blocking(binaries).await.expect("the functions are built");
    Shop::with(Options::for_tests().with_cloud(|cloud| cloud.processes = Some(binaries.to_path_buf()))).await
}

#[tokio::test]
async fn a_guest_buys_from_two_vendors_with_functions_in_processes() {
    let shop = shop().await;
    buyer_journey::buy_from_two_vendors(&shop).await;
    shop.cloud.stop().await;
}

#[tokio::test]
async fn a_vendor_fulfils_an_order_with_functions_in_processes() {
    let shop = shop().await;
    buyer_journey::fulfil_on_delivery(&shop).await;
    shop.cloud.stop().await;
}

/// The most memory in KiB that an import may use, however long the file is.
const MAX_KIB: u64 = 64 * 1024;
/// Bytes of the long file: held as a whole, they would exceed the limit together with what the function needs anyway.
const LONG: usize = 32 * 1024 * 1024;
/// Columns of the wide file beside those that are read.
const COLUMNS: usize = 400;
/// Rows of one product of the long file.
const ROWS_OF_A_PRODUCT: usize = 10;

/// Of so many products of the long file one is refused.
const REFUSED_OF: usize = 2;

/// A product file with this many rows: products with a description and ten variants each, padded to [`LONG`] in a
/// column without a name, which imports ignore.
fn long_file(rows: usize) -> Vec<u8> {
    let mut csv = "Handle,Title,Body (HTML),Tags,Option1 Name,Option1 Value,Variant SKU,Variant Grams,\
        Variant Inventory Qty,Variant Price,Image Src,Image Alt Text,Status,\n"
        .to_owned();
    let notes = "x".repeat(LONG / rows);
    let body = "<p>Thrown on a wheel, painted by hand and fired twice; no two are alike.</p>".repeat(10);
    for row in 0..rows {
        let (product, variant) = (row / ROWS_OF_A_PRODUCT, row % ROWS_OF_A_PRODUCT);
        write!(csv, "bowl-{product},").expect("text");
        match variant {
            0 => write!(csv, "Bowl no. {product},\"{body}\",\"handmade, blue\",Size,").expect("text"),
            _ => csv.push_str(",,,,"),
        }
        let price = if variant == 7 && product % REFUSED_OF == 0 { "dear" } else { "12.50" };
        writeln!(csv, "S{variant},B-{row},350,7,{price},https://pictures.test/{row}.jpg,A bowl,active,{notes}")
            .expect("text");
    }
    csv.into_bytes()
}

/// The number of rows of a long file: `BOZOR_IMPORT_ROWS`, or so many.
#[expect(clippy::disallowed_methods, reason = "the environment chooses the length of the file")]
pub(crate) fn rows_of_a_long_file(otherwise: usize) -> usize {
    std::env::var("BOZOR_IMPORT_ROWS").map_or(otherwise, |rows| rows.parse().expect("BOZOR_IMPORT_ROWS is a number"))
}

/// The peak resident memory of a process in KiB.
#[cfg(target_os = "linux")]
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the line of its peak");
    peak.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// A file of WooCommerce's export with this many rows and very many columns, most of them empty. The products stand
/// first and their variations last. From some 7,000 rows on it is read several times, which takes a debug build
/// minutes: `BOZOR_IMPORT_ROWS` makes it so long.
fn wide_file(rows: usize) -> Vec<u8> {
    let columns: String = (0..COLUMNS).map(|column| format!(",Meta: _plugin_{column}")).collect();
    let mut csv = format!(
        "Type,SKU,Name,Description,Regular price,Stock,Parent,Attribute 1 name,Attribute 1 value(s){columns}\n"
    );
    let (none, some) = (",".repeat(COLUMNS), format!("{}\"0.00\",Yes", ",".repeat(COLUMNS - 1)));
    let body = "Thrown on a wheel, painted by hand and fired twice; no two are alike.".repeat(5);
    let products = rows / ROWS_OF_A_PRODUCT;
    for product in 0..products {
        writeln!(csv, "variable,BOWL-{product},Bowl no. {product},\"{body}\",,,,Size,{some}").expect("text");
    }
    for variant in 1..ROWS_OF_A_PRODUCT {
        for product in 0..products {
            let price = if variant == 7 && product % REFUSED_OF == 0 { "dear" } else { "12.50" };
            writeln!(csv, "variation,B-{product}-{variant},Bowl,,{price},7,BOWL-{product},Size,S{variant}{none}")
                .expect("text");
        }
    }
    csv.into_bytes()
}

#[cfg(target_os = "linux")]
async fn assert_read_in_little_memory(file: Vec<u8>, rows: usize) {
    let shop = shop().await;
    let vendor = shop.vendor("ceramics").await;
    let announced = json!({"filename": "long.csv", "size": file.len()});
    let asked = vendor.client.post("/v1/vendor/imports?dry_run=true", &announced).await;
    assert_eq!(shop.anon().upload(&asked.expect(202)["upload"], &file).await.status, 200);
    shop.wait_until_idle().await;

    let job = vendor.client.get(asked.header("location")).await.expect(200).clone();
    let products = rows / ROWS_OF_A_PRODUCT;
    let refused = products.div_ceil(REFUSED_OF);
    let codes = job["errors"].as_array().expect("a report").iter().map(|entry| entry["code"].clone());
    assert!(codes.into_iter().all(|code| code == "bad_price" || code == "would_create"), "{}", job["errors"][0]);
    assert_eq!((&job["state"], &job["refused"]), (&json!("completed"), &json!(refused)));
    assert_eq!(
        (&job["rows"], &job["rows_done"], &job["products"]),
        (&json!(rows), &json!(rows), &json!(products - refused))
    );
    let again = shop.anon().get(job["refused_rows"]["url"].as_str().expect("a link")).await;
    assert_eq!(
        again.text.lines().count(),
        1 + refused * ROWS_OF_A_PRODUCT,
        "a header and the rows of refused products"
    );
    let processes = shop.cloud.process_ids("ImportsFunction");
    let peak = processes.iter().map(|process| peak_kib(*process)).max().expect("the import ran in a process");
    assert!(peak < MAX_KIB, "{peak} KiB for {rows} rows");
    shop.cloud.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_long_file_is_read_in_little_memory() {
    let rows = rows_of_a_long_file(5_000);
    assert_read_in_little_memory(long_file(rows), rows).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_wide_file_of_woocommerce_whose_products_stand_apart_is_read_in_little_memory() {
    let rows = rows_of_a_long_file(2_000);
    assert_read_in_little_memory(wide_file(rows), rows).await;
}
