//! The file of refused rows: what was refused, as it was sent, to be mended and sent again.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{all, errors, import, products, send, shop_with_categories};
use crate::shop::{Shop, Vendor};

const HEADER: &str = "Handle;Title;Option1 Name;Option1 Value;Variant SKU;Variant Inventory Qty;Variant Price;Notes";
/// A good product; one with a fault in its second row; one whose rows stand apart, with a fault in the last of them; a
/// row that names no product; and one with a quote that is not closed.
const ROWS: [&str; 9] = [
    "piyola;Piyola;Size;S;P-S;3;2,00;\"hand; made\"",
    "lagan;Lagan;Size;S;L-S;3;20,00;\"two\nlines\"",
    "lagan;;;M;L-M;3;dear;",
    "kosa;Kosa;Size;S;K-S;3;9,00;",
    "choynak;Choynak;;;C-1;1;30,00;",
    "kosa;;;M;K-M;many;9,00;x",
    ";Nobody;;;N-1;1;1,00;",
    "tovoq;\"Tovoq;;;T-1;1;5,00;",
    "oxirgi;Oxirgi;;;O-1;1;1,00;",
];

fn file() -> String {
    format!("{HEADER}\r\n{}\r\n", ROWS.join("\r\n"))
}

/// Downloads the file of refused rows.
async fn refused_rows(shop: &Shop, job: &Value) -> String {
    let file = shop.anon().get(job["refused_rows"]["url"].as_str().unwrap_or_else(|| panic!("no link: {job}"))).await;
    assert_eq!(file.status, 200, "{}", file.text);
    assert!(file.header("content-disposition").starts_with("attachment"), "a browser saves it");
    assert!(job["refused_rows"]["expires_at"].is_string());
    file.text
}

#[tokio::test]
async fn all_rows_of_refused_products_come_back_with_the_reason_and_are_sent_again() {
    let (shop, vendor) = shop_with_categories().await;
    let job = import(&shop, &vendor, "?publish=true", file()).await;
    assert_eq!((&job["state"], &job["refused"], &job["created"]), (&json!("completed"), &json!(4), &json!(4)), "{job}");
    let refused = refused_rows(&shop, &job).await;
    let reason = |code: &str| format!("\"{code}: ");
    let other = "\"see the other rows of the product\";";
    let mut lines = refused.split("\r\n");
    assert_eq!(lines.next(), Some(format!("\u{feff}\"Refused because\";{HEADER}").as_str()));
    for (row, why) in [
        (ROWS[1], other.to_owned()),
        (ROWS[2], reason("bad_price")),
        (ROWS[3], other.to_owned()),
        (ROWS[5], reason("bad_quantity")),
        (ROWS[6], reason("missing_handle")),
        (ROWS[7], reason("unbalanced_quotes")),
    ] {
        let line = lines.next().expect("a row");
        assert!(line.starts_with(&why) && line.ends_with(&format!("\";{row}")), "{why} {row}: {line}");
    }
    assert_eq!((lines.next(), lines.next()), (Some(""), None), "nothing else");

    // Sent again as it is, it is refused again, for the same reasons and in the same form.
    let again = import(&shop, &vendor, "?publish=true", refused.clone()).await;
    assert_eq!((&again["refused"], &again["created"]), (&json!(4), &json!(0)), "{again}");
    assert_eq!(refused_rows(&shop, &again).await, refused);

    let mended = refused.replace("dear", "25,00").replace("many", "4").replace(";;Nobody", ";nobody;Nobody");
    let done = import(&shop, &vendor, "?publish=true", mended.replace("\"Tovoq", "Tovoq")).await;
    assert_eq!(errors(&done), []);
    assert_eq!((&done["refused"], &done["refused_rows"]), (&json!(0), &Value::Null), "{done}");
    let known = products(&vendor).await;
    assert_eq!(
        known.keys().collect::<Vec<_>>(),
        ["choynak", "kosa", "lagan", "nobody", "oxirgi", "piyola", "tovoq"],
        "all are there"
    );
    let units = |handle: &str| -> Vec<Value> {
        let variants = known[handle]["variants"].as_array().expect("variants");
        variants.iter().map(|variant| variant["on_hand"].clone()).collect()
    };
    assert_eq!((units("kosa"), units("lagan")), (vec![json!(3), json!(4)], vec![json!(3), json!(3)]));
    let whole = import(&shop, &vendor, "?publish=true", file().replace("dear", "25,00").replace("many", "4")).await;
    assert_eq!((&whole["created"], &whole["updated"]), (&json!(0), &json!(0)), "it is what the whole file says");
}

#[tokio::test]
async fn the_reasons_are_in_the_language_of_messages_to_the_vendor() {
    let (shop, vendor) = shop_with_categories().await;
    vendor.client.patch("/v1/vendors/me", &json!({"language": "ru"})).await.expect(200);
    let refused = refused_rows(&shop, &import(&shop, &vendor, "", file()).await).await;
    for reason in [
        "\"bad_price: Variant Price: Это не цена в данной валюте",
        "\"unbalanced_quotes: Title: Кавычка открыта",
        "\"other_row: смотрите другие строки этого товара\";",
    ] {
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
    // A reason of any language ends the row before it, whatever quote is open there.
    let again = import(&shop, &vendor, "", refused.clone()).await;
    assert_eq!(refused_rows(&shop, &again).await, refused);
}

#[tokio::test]
async fn a_dry_run_gives_back_refused_rows_in_utf_8_whatever_the_file_was_in() {
    let (shop, vendor) = shop_with_categories().await;
    // `kosa;Коса расписная;dear` in Windows-1251.
    let mut file =
        b"Handle;Title;Variant Price\r\nkosa;\xca\xee\xf1\xe0 \xf0\xe0\xf1\xef\xe8\xf1\xed\xe0\xff;".to_vec();
    file.extend(b"dear\r\nlagan;\xc1\xeb\xfe\xe4\xee \xf1\xe8\xed\xe5\xe5;12\r\n");
    let job = import(&shop, &vendor, "?dry_run=true", file).await;
    let refused = refused_rows(&shop, &job).await;
    assert!(refused.contains(";kosa;Коса расписная;dear\r\n") && !refused.contains("lagan"), "{refused}");
    let mended = import(&shop, &vendor, "", refused.replace("dear", "9")).await;
    assert_eq!((errors(&mended), &mended["created"]), (vec![], &json!(1)));
    assert_eq!(products(&vendor).await["kosa"]["title"], "Коса расписная");
}

#[tokio::test]
async fn what_the_catalog_refuses_comes_back_as_well() {
    let (shop, vendor) = shop_with_categories().await;
    let file = "Handle,Title,Variant SKU,Variant Price\nbowl,Bowl,B-1,9.50\n";
    import(&shop, &vendor, "", file).await;
    let unknown = "Handle,Variant SKU,Variant Price\nbowl,B-1,8.50\ncup,C-1,4.00\n";
    let job = import(&shop, &vendor, "", unknown).await;
    assert_eq!(errors(&job), [(3, "Title", "missing_title")]);
    let refused = refused_rows(&shop, &job).await;
    let lines: Vec<&str> = refused.lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with("\"missing_title: Title: "), "{refused}");
    assert!(lines[1].ends_with(",cup,C-1,4.00"));
}

#[tokio::test]
async fn there_is_no_file_where_nothing_was_refused_or_the_import_failed() {
    let (shop, vendor) = shop_with_categories().await;
    for file in ["Handle,Title,Variant Price\nbowl,Bowl,9.50\n", "Title\nA\n"] {
        let job = import(&shop, &vendor, "", file).await;
        assert_eq!(job["refused_rows"], Value::Null, "{job}");
    }
    for job in all(&vendor.client, "/v1/vendor/imports?limit=100").await {
        assert_eq!(job["refused_rows"], Value::Null, "a list has no links");
    }
    let objects = shop.cloud.services().template.bucket("ImportsBucket").expect("a bucket").name.clone();
    let key = format!("refused/{}", vendor.id);
    assert!(!shop.cloud.services().buckets.has(&objects, &key).expect("the bucket answers"));
}

/// A file that has more refused rows than a part of a multipart upload takes, with good rows between them.
pub(super) fn long_file() -> String {
    let notes = "x".repeat(60_000);
    let mut file = "Handle,Title,Variant Price,Notes\n".to_owned();
    for row in 0..120 {
        let price = if row % 10 == 0 { "1.00" } else { "dear" };
        writeln!(file, "bowl-{row},Bowl {row},{price},{notes}").expect("text");
    }
    file
}

/// Uploads a file and answers the path of its import, which has begun.
pub(super) async fn upload(shop: &Shop, vendor: &Vendor, query: &str, file: &str) -> String {
    let announced = json!({"filename": "long.csv", "size": file.len()});
    let asked = vendor.client.post(&format!("/v1/vendor/imports{query}"), &announced).await;
    shop.anon().upload(&asked.expect(202)["upload"], file.as_bytes()).await.expect(200);
    asked.header("location").to_owned()
}

#[tokio::test]
async fn a_long_file_of_refused_rows_is_written_in_parts() {
    let (shop, vendor) = shop_with_categories().await;
    let file = long_file();
    let path = upload(&shop, &vendor, "?dry_run=true", &file).await;
    shop.wait_until_idle().await;
    let job = vendor.client.get(&path).await.expect(200).clone();
    assert_eq!((&job["state"], &job["refused"]), (&json!("completed"), &json!(108)));
    let refused = refused_rows(&shop, &job).await;
    assert!(refused.len() > 6_000_000, "more than a part: {}", refused.len());
    let sent = file.lines().skip(1).filter(|line| line.contains(",dear,"));
    assert!(sent.eq(refused.lines().skip(1).map(|line| line.split_once("\",").expect("a reason").1)));
    send(&vendor, "", "Handle").await.expect(202);
}
