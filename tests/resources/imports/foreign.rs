//! Files as real shops have them: taken in, with a report that names what was mended.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use super::{errors, export, import, products, send, shop_with_categories};
use crate::shop::Vendor;

/// The variants of a product: SKU, id, units on hand.
async fn variants(vendor: &Vendor, handle: &str) -> Vec<(Value, Value, Value)> {
    let product = products(vendor).await.remove(handle).expect("the product");
    let all = product["variants"].as_array().expect("variants").clone();
    all.into_iter().map(|one| (one["sku"].clone(), one["id"].clone(), one["on_hand"].clone())).collect()
}

fn counts(job: &Value) -> [u64; 5] {
    ["created", "updated", "unchanged", "refused", "stock_kept"].map(|name| job[name].as_u64().expect("a count"))
}

const GOOD: &str = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n\
    choynak,Choynak,Hajm,Kichik,C-1,12.00\nchoynak,,,\"O'rta\",C-2,14.00\nlagan,Lagan,Title,Default Title,L-1,20.00\n";
/// The same rows, sorted by another column.
const SORTED: &str = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n\
    choynak,Choynak,Hajm,Kichik,C-1,12.00\nlagan,Lagan,Title,Default Title,L-1,20.00\nchoynak,,,\"O'rta\",C-2,14.00\n";

#[tokio::test]
async fn a_file_whose_rows_stand_apart_takes_nothing_away() {
    let (shop, vendor) = shop_with_categories().await;
    import(&shop, &vendor, "?publish=true", GOOD).await;
    let before = (variants(&vendor, "choynak").await, products(&vendor).await);
    let job = import(&shop, &vendor, "?publish=true", SORTED).await;
    assert_eq!(errors(&job), [(4, "Handle", "rows_apart")]);
    assert_eq!(counts(&job), [0, 0, 2, 0, 0]);
    assert_eq!((variants(&vendor, "choynak").await, products(&vendor).await), before);
    // A shop that begins with such a file has all of it.
    let silk = shop.vendor("silk").await;
    let job = import(&shop, &silk, "", SORTED).await;
    assert_eq!((&job["created"], &job["refused"], &job["skipped"]), (&json!(2), &json!(0), &json!(0)), "{job}");
    assert_eq!(variants(&silk, "choynak-silk").await.len(), 2, "{job}");
    let dry = import(&shop, &shop.vendor("wool").await, "?dry_run=true", SORTED).await;
    assert_eq!(counts(&dry), [2, 0, 0, 0, 0], "{dry}");
}

#[tokio::test]
async fn a_refused_part_of_a_product_changes_nothing_of_the_rest() {
    let (shop, vendor) = shop_with_categories().await;
    import(&shop, &vendor, "", GOOD).await;
    let before = products(&vendor).await;
    let job = import(&shop, &vendor, "", SORTED.replace("14.00", "dear")).await;
    assert_eq!(errors(&job)[0], (4, "Variant Price", "bad_price"));
    assert_eq!((&job["refused"], products(&vendor).await), (&json!(1), before));
}

#[tokio::test]
async fn foreign_handles_are_remembered_and_exported_as_they_were() {
    let (shop, vendor) = shop_with_categories().await;
    let file = "Handle,Title,Variant Price\nkosa-360º,Kosa,9.00\nкўк-коса,Kosa 2,9.00\nmening_kosam,Kosa 3,9.00\n\
        Mening-Kosam,Kosa 4,9.00\n";
    let job = import(&shop, &vendor, "?publish=true", file).await;
    assert_eq!(counts(&job), [4, 0, 0, 0, 0], "{job}");
    assert_eq!(
        products(&vendor).await.into_keys().collect::<Vec<_>>(),
        ["kok-kosa", "kosa-360o", "mening-kosam", "mening-kosam-ceramics"]
    );
    assert_eq!(counts(&import(&shop, &vendor, "?publish=true", file).await), [0, 0, 4, 0, 0]);
    let exported = export(&shop, &vendor, "").await;
    for handle in ["kosa-360º,", "кўк-коса,", "mening_kosam,", "mening-kosam,"] {
        assert!(exported.lines().any(|line| line.to_lowercase().starts_with(handle)), "{handle}: {exported}");
    }
    assert_eq!(counts(&import(&shop, &vendor, "", exported).await), [0, 0, 4, 0, 0]);
    shop.anon().get("/v1/products/kok-kosa").await.expect(200);
}

#[tokio::test]
async fn what_was_sold_does_not_come_back_with_an_older_file_unless_it_is_asked_for() {
    let (shop, vendor) = shop_with_categories().await;
    let file = |units: i64| {
        format!(
            "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Inventory Policy,Variant Price\nkosa,Kosa,K-1,{units},continue,9.00\n"
        )
    };
    let units = async || variants(&vendor, "kosa").await[0].2.clone();
    assert_eq!(counts(&import(&shop, &vendor, "", file(-2)).await), [1, 0, 0, 0, 0]);
    assert_eq!(units().await, -2, "two are owed already");
    let exported = export(&shop, &vendor, "").await;
    assert!(exported.contains(",'-2,"), "{exported}");
    assert_eq!(counts(&import(&shop, &vendor, "?stock=set", exported).await), [0, 0, 1, 0, 0]);
    assert_eq!(counts(&import(&shop, &vendor, "", file(7)).await), [0, 0, 1, 0, 1], "kept and counted");
    assert_eq!(units().await, -2);
    let dry = import(&shop, &vendor, "?stock=set&dry_run=true", file(7)).await;
    assert_eq!(dry["errors"][0]["detail"], "stock of K-1: -2 becomes 7");
    assert_eq!(counts(&import(&shop, &vendor, "?stock=set", file(7)).await), [0, 1, 0, 0, 0]);
    assert_eq!(counts(&import(&shop, &vendor, "?stock=add", file(3)).await), [0, 1, 0, 0, 0]);
    assert_eq!(units().await, 10);
    send(&vendor, "?stock=double", file(3)).await.expect_problem(400, "invalid");
}

#[tokio::test]
async fn a_file_with_some_columns_changes_only_those() {
    let (shop, vendor) = shop_with_categories().await;
    import(&shop, &vendor, "?publish=true", GOOD).await;
    let job = import(&shop, &vendor, "", "Handle,Tags\nchoynak,\"clay, blue\"\nunknown,x\n").await;
    assert_eq!(errors(&job), [(3, "Title", "missing_title")]);
    let job = import(&shop, &vendor, "", "Handle,Variant SKU,Variant Price\nchoynak,C-2,15.00\nlagan,,21.00\n").await;
    assert_eq!((errors(&job), counts(&job)), (vec![], [0, 2, 0, 0, 0]));
    let known = products(&vendor).await;
    assert_eq!((&known["choynak"]["title"], &known["choynak"]["tags"]), (&json!("Choynak"), &json!(["clay", "blue"])));
    let price = |handle: &str, at: usize| known[handle]["variants"][at]["prices"][0]["amount"].clone();
    assert_eq!([price("choynak", 0), price("choynak", 1), price("lagan", 0)], ["12.00", "15.00", "21.00"]);
    for file in ["Handle,Variant Price\nchoynak,16.00\n", "Handle,Variant SKU,Variant Price\nchoynak,C-9,16.00\n"] {
        let job = import(&shop, &vendor, "", file).await;
        assert_eq!(errors(&job), [(2, "Option1 Value", "unknown_variant")], "which of the two is not said");
    }
    // A product without options has one variant, whatever its SKU.
    let job = import(&shop, &vendor, "", "Handle,Variant SKU,Variant Price\nlagan,L-9,22.00\n").await;
    assert_eq!((errors(&job), counts(&job)), (vec![], [0, 1, 0, 0, 0]));
    let lagan = variants(&vendor, "lagan").await;
    assert_eq!((lagan.len(), &lagan[0].0), (1, &json!("L-9")));
}

#[tokio::test]
async fn refusals_are_never_hidden_by_warnings() {
    let (shop, vendor) = shop_with_categories().await;
    let rows: String = (0..1_005).map(|number| format!("w-{number},W {number},No Such Type,1.00\n")).collect();
    let file = format!("Handle,Title,Type,Variant Price\n{rows}last,Last,,dear\n");
    let job = import(&shop, &vendor, "?dry_run=true", file).await;
    assert_eq!(errors(&job)[0], (1_007, "Variant Price", "bad_price"));
    assert_eq!((&job["more_errors"], &job["more_warnings"]), (&json!(0), &json!(5)));
    let severities: Vec<_> = job["errors"].as_array().expect("a report").iter().map(|one| &one["severity"]).collect();
    assert!(severities[1..1_001].iter().all(|severity| *severity == "warning") && severities[1_001] == "info");
}

#[tokio::test]
async fn files_of_spreadsheets_are_read_in_their_encoding() {
    let (shop, vendor) = shop_with_categories().await;
    // `Handle;Title;Variant Price`, `kosa;Коса расписная;9,50` and `lagan;Блюдо синее;12` in Windows-1251.
    let mut file = b"Handle;Title;Variant Price\r\nkosa;".to_vec();
    file.extend(b"\xca\xee\xf1\xe0 \xf0\xe0\xf1\xef\xe8\xf1\xed\xe0\xff;9,50\r\nlagan;".iter());
    file.extend(b"\xc1\xeb\xfe\xe4\xee \xf1\xe8\xed\xe5\xe5;12\r\n".iter());
    let sent = vendor.client.send(reqwest::Method::POST, "/v1/vendor/imports", Some(file), "application/vnd.ms-excel");
    let location = sent.await.header("location").to_owned();
    shop.wait_until_idle().await;
    let job = vendor.client.get(&location).await.expect(200).clone();
    assert_eq!((errors(&job)[0].2, &job["created"]), ("file_encoding", &json!(2)), "{job}");
    let wide: Vec<u8> =
        "\u{feff}Handle,Title,Variant Price\ntovoq,Товоқ,9.50\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    import(&shop, &vendor, "", wide).await;
    let titles: Vec<_> = products(&vendor).await.into_values().map(|product| product["title"].clone()).collect();
    assert_eq!(titles, ["Коса расписная", "Блюдо синее", "Товоқ"]);
}

#[tokio::test]
async fn an_import_says_which_products_it_did_not_publish() {
    let (shop, vendor) = shop_with_categories().await;
    let file = "Handle,Title,Published,Status,Variant Price\na,A,true,active,1\nb,B,false,active,1\nc,C,,archived,1\n";
    let job = import(&shop, &vendor, "?publish=true", file).await;
    assert_eq!(errors(&job), [(3, "", "not_published"), (4, "", "not_published")]);
}

#[tokio::test]
async fn units_are_added_once_also_to_new_variants_when_a_batch_is_repeated() {
    for first in 1..=4 {
        let (shop, vendor) = shop_with_categories().await;
        let file = "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\nkosa,Kosa,K-1,5,9.00\n";
        // No progress is saved from this call on, for more calls than the SDK attempts.
        for nth in first..first + 12 {
            shop.cloud.services().faults.add(Fault::nth("dynamodb", "UpdateItem", nth, Kind::Before));
        }
        import(&shop, &vendor, "?stock=add", file).await;
        shop.cloud.services().faults.clear();
        shop.advance(Duration::from_secs(95)).await;
        let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor };
        assert_eq!(variants(&vendor, "kosa").await[0].2, 5, "{first}");
        assert_eq!(counts(&import(&shop, &vendor, "?stock=add", file).await), [0, 1, 0, 0, 0]);
        assert_eq!(variants(&vendor, "kosa").await[0].2, 10, "{first}");
    }
}

#[tokio::test]
async fn what_a_product_s_first_rows_say_of_publishing_holds_for_those_that_stand_apart() {
    let (shop, vendor) = shop_with_categories().await;
    let file = |published: &str| {
        format!(
            "Handle,Title,Published,Option1 Name,Option1 Value,Variant Price\n\
             a,A,{published},Size,S,1\nb,B,true,Title,Default Title,1\na,,,,M,2\n"
        )
    };
    import(&shop, &vendor, "?publish=true", file("true")).await;
    let state = async || products(&vendor).await["a"]["state"].clone();
    assert_eq!(state().await, "published");
    let path = format!("/v1/vendor/products/{}/unpublish", products(&vendor).await["a"]["id"].as_str().expect("an id"));
    vendor.client.clone().with("if-match", "*").post(&path, &json!({})).await.expect(200);
    import(&shop, &vendor, "?publish=true", file("false")).await;
    assert_eq!(state().await, "draft");
    import(&shop, &vendor, "?publish=true", "Handle,Tags\na,x\n").await;
    assert_eq!(state().await, "published", "a file without titles may publish as well");
}
