//! Columns that are not used here, and columns of files whose system is not known.

use serde_json::json;

use super::{errors, export, import, products, send, shop_with_categories};

const FILE: &str = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Barcode,Cost per item,\
    Variant Weight Unit,Variant Tax Code,Price / International,Included / International,Product Category,Type,\
    Glaze (product.metafields.custom.glaze),Gift Card\n\
    kosa,Kosa,Size,S,K-S,9.00,4780000000017,3.10,kg,P01,11.00,true,Home & Garden > Bowls,Bowls,cobalt,\n\
    kosa,,,L,K-L,12.00,4780000000024,4.20,kg,P02,14.00,,,,,\n\
    mug,Mug,Title,Default Title,M-1,5.00,,,g,,,,,,,\n";

#[tokio::test]
async fn columns_that_are_not_used_are_kept_and_exported_again() {
    let (shop, vendor) = shop_with_categories().await;
    let job = import(&shop, &vendor, "", FILE).await;
    assert_eq!((&job["created"], errors(&job)), (&json!(2), vec![]), "{job}");
    let first = export(&shop, &vendor, "").await;
    let header = first.lines().next().expect("a header");
    let kept = "Variant Barcode,Cost per item,Variant Weight Unit,Variant Tax Code,Price / International,\
        Included / International,Product Category,Glaze (product.metafields.custom.glaze)";
    assert!(header.ends_with(&format!(",Status,Text Language,{kept}")), "without the column that is empty: {header}");
    let ends = |ending: &str| first.lines().any(|line| line.ends_with(ending));
    assert!(ends(",4780000000017,3.10,kg,P01,11.00,true,Home & Garden > Bowls,cobalt"), "{first}");
    assert!(ends(",4780000000024,4.20,kg,P02,14.00,,,") && ends(",,,g,,,,,"), "{first}");
    let again = import(&shop, &vendor, "?stock=set", first.clone()).await;
    assert_eq!((&again["unchanged"], errors(&again)), (&json!(2), vec![]), "{again}");
    assert_eq!(export(&shop, &vendor, "").await, first);

    // A file changes the columns that it has, of the variants that it names.
    let some = "Handle,Variant SKU,Cost per item\nkosa,K-L,\n";
    let dry = import(&shop, &vendor, "?dry_run=true", some).await;
    assert_eq!(dry["errors"][0]["detail"], "other columns");
    assert_eq!(import(&shop, &vendor, "", some).await["updated"], 1);
    let changed = export(&shop, &vendor, "").await;
    assert_eq!(changed, first.replace("4780000000024,4.20,", "4780000000024,,"));
    // What a variant had goes with it, and what the product had stays with it.
    let one = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\nkosa,Kosa,Size,L,K-L,12.00\n";
    import(&shop, &vendor, "", one).await;
    let left = export(&shop, &vendor, "").await;
    assert!(!left.contains("4780000000017") && left.contains("4780000000024") && left.contains("cobalt"), "{left}");
    // At the desk nothing is lost of it.
    let kosa = products(&vendor).await.remove("kosa").expect("the product");
    let path = format!("/v1/vendor/products/{}", kosa["id"].as_str().expect("an id"));
    let etag = vendor.client.get(&path).await.header("etag").to_owned();
    let variant = json!({"id": kosa["variants"][0]["id"], "options": {"Size": "L"}, "sku": "K-L",
        "prices": [{"amount": "13.00", "currency": "USD"}]});
    let body = json!({"title": "Kosa", "handle": "kosa", "options": [{"name": "Size"}], "variants": [variant]});
    vendor.client.clone().with("if-match", etag).put(&path, &body).await.expect(200);
    let renewed = export(&shop, &vendor, "").await;
    assert!(renewed.contains("4780000000024") && renewed.contains("13.00") && renewed.contains("cobalt"), "{renewed}");
}

#[tokio::test]
async fn a_file_of_another_system_is_read_as_the_shop_has_mapped_its_columns() {
    let (shop, vendor) = shop_with_categories().await;
    let file = "Артикул;Наименование;Цена;Остаток;Склад\nK-1;Коса;9,50;4;A2\nK-2;Блюдо;дорого;1;A3\n";
    let job = import(&shop, &vendor, "", file).await;
    assert_eq!((&job["state"], errors(&job)), (&json!("failed"), vec![(1, "Handle", "missing_column")]));
    assert_eq!(job["errors"][0]["value"], "Артикул, Наименование, Цена, Остаток, Склад", "these can be mapped");

    let path = "/v1/vendor/import-mapping";
    assert_eq!(vendor.client.get(path).await.expect(200)["columns"], json!({}));
    let columns = json!({"артикул": "sku", "наименование": "title", "ЦЕНА": "price", "Остаток": "quantity"});
    let saved = vendor.client.put(path, &json!({"columns": columns})).await;
    assert_eq!(saved.expect(200)["columns"], columns);
    let stale = vendor.client.clone().with("if-match", "\"0\"");
    stale.put(path, &json!({"columns": {}})).await.expect_problem(412, "version_mismatch");

    let job = import(&shop, &vendor, "", file).await;
    assert_eq!((&job["created"], errors(&job)), (&json!(1), vec![(3, "Цена", "bad_price")]), "{job}");
    let kosa = products(&vendor).await.remove("kosa").expect("the product");
    assert_eq!((&kosa["title"], &kosa["variants"][0]["on_hand"]), (&json!("Коса"), &json!(4)));
    // The SKU tells the product, whatever its name becomes.
    let job = import(&shop, &vendor, "", file.replace("Коса", "Коса синяя")).await;
    assert_eq!((&job["created"], &job["updated"]), (&json!(0), &json!(1)));
    let exported = export(&shop, &vendor, "").await;
    assert!(exported.lines().next().expect("a header").ends_with(",Склад") && exported.contains(",A2"), "{exported}");
    assert_eq!(import(&shop, &vendor, "?stock=set", exported).await["unchanged"], 1);

    vendor.client.put(path, &json!({"columns": {}})).await.expect(200);
    assert_eq!(errors(&import(&shop, &vendor, "", file).await), [(1, "Handle", "missing_column")]);
    send(&vendor, "", "Handle,Title,Variant Price\nok,Ok,1\n").await.expect(202);
}
