//! Exports in both formats: each comes back the same, in the same shop and in another one.

use serde_json::{Value, json};

use super::woocommerce::File;
use super::{all, errors, export, import, products, shop_with_categories};
use crate::shop::{Shop, Vendor};

const FORMATS: [&str; 2] = ["shopify", "woocommerce"];
/// What a product of another shop cannot have in common with one of this.
const OWN: [&str; 8] =
    ["id", "handle", "version", "created_at", "updated_at", "published_at", "next_ordinal", "product_id"];

/// All kinds of products, in Shopify's format.
const SHOPIFY: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,\
    Option2 Value,Variant SKU,Variant Grams,Variant Inventory Qty,Variant Inventory Policy,Variant Price,\
    Variant Compare At Price,Variant Barcode,Cost per item,Collection,Image Src,Image Alt Text,SEO Title,SEO Description,\
    Variant Image,Status\n\
    Kosa_1,\"Kosa, blue\",\"<p>One</p>\n<p>C:\\new</p>\",Usta Karim,Bowls,\"a|b, c\",true,\"Size, cm\",\"1,5\",Glaze,=Blue,\
    K-S,300,5,deny,9.00,12.00,478,3.10,Spring,\"https://a.test/1,a.jpg\",A bowl,Blue bowl,\"Fine,\nblue\",https://a.test/s.jpg,active\n\
    Kosa_1,,,,,,,,\"1,5\",,Green,K-M,,-2,continue,10.00,8.00,479,,,https://a.test/2.jpg,,,,,\n\
    Kosa_1,,,,,,,,2,,=Blue,,1001,0,deny,11.00,,,,,,,,,,\n\
    mug,Mug,plain,,,,true,Title,Default Title,,,M-1,250,7,deny,5.00,6.00,480,1.00,,https://a.test/m.jpg,,,,https://a.test/v.jpg,active\n\
    draft,Draft,,,Bowls,,false,Title,Default Title,,,,,,deny,5.00,,,,,,,,,,draft\n\
    old,Archived,,,,,true,Title,Default Title,,,,,3,continue,7.00,,,,,,,,,,archived\n";

/// The same in WooCommerce's.
fn woocommerce() -> String {
    let mut file = File::new();
    let bowl = [("Categories", "Sale, Ceramics > Bowls"), ("Tags", "clay, hand made"), ("Weight (kg)", "0.35")];
    let text = [("Description", r"Painted by hand.\n\nNo two are alike."), ("Short description", "By hand")];
    let rest = [("Tax class", "reduced"), ("Shipping class", "fragile"), ("Meta: _made_in", "Rishtan")];
    let simple =
        [("Type", "simple"), ("SKU", "W-1"), ("Name", "Lagan"), ("Regular price", "9.50"), ("Sale price", "8.25")];
    let stocked =
        [("Stock", "4"), ("Backorders allowed?", "1"), ("Images", "https://b.test/1.jpg, https://b.test/2.jpg")];
    file.row(&[&simple[..], &stocked, &bowl, &text, &rest].concat());
    let variable = [("Type", "variable"), ("Name", "Piyola"), ("Images", "https://b.test/p.jpg")];
    let attributes = [
        ("Attribute 1 name", "Material"),
        ("Attribute 1 value(s)", "Clay"),
        ("Attribute 1 visible", "1"),
        ("Attribute 1 global", "0"),
        ("Attribute 2 name", "Size"),
        ("Attribute 2 value(s)", r"1\,5, 2"),
        ("Attribute 2 visible", "1"),
        ("Attribute 2 global", "1"),
    ];
    let id = file.row(&[&variable[..], &attributes, &bowl, &text].concat());
    let parent = format!("id:{id}");
    for (size, price, sale, stock) in [(r"1\,5", "5.00", "4.00", "3"), ("2", "6.00", "", "0")] {
        let sku = format!("P-{stock}");
        let variation = [("Type", "variation"), ("Parent", parent.as_str()), ("SKU", sku.as_str()), ("Name", "Piyola")];
        let priced = [("Regular price", price), ("Sale price", sale), ("Stock", stock), ("Tax class", "parent")];
        let option = [("Attribute 1 name", "Size"), ("Attribute 1 value(s)", size), ("Images", "https://b.test/s.jpg")];
        file.row(&[&variation[..], &priced, &option].concat());
    }
    file.row(&[("Type", "simple"), ("SKU", "W-2"), ("Name", "Hidden"), ("Regular price", "1"), ("Published", "-1")]);
    file.text
}

/// A shop with products of both systems and of the desk, some of which were changed here since.
async fn filled() -> (Shop, Vendor) {
    let (shop, vendor) = shop_with_categories().await;
    for file in [SHOPIFY.to_owned(), woocommerce()] {
        let job = import(&shop, &vendor, "?publish=true", file).await;
        assert_eq!((&job["refused"], &job["state"]), (&json!(0), &json!("completed")), "{job}");
    }
    vendor.product("blue-kosa").set("title", json!("Blue kosa")).publish().await;
    let other = json!([{"prices": [{"amount": "90000.00", "currency": "UZS"}], "on_hand": 3}]);
    vendor.product("elsewhere").set("variants", other).publish().await;
    shop.wait_until_idle().await;
    (shop, vendor)
}

fn without_own(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !OWN.contains(&name.as_str()));
            fields.values_mut().for_each(without_own);
        }
        Value::Array(items) => items.iter_mut().for_each(without_own),
        _ => {}
    }
}

/// The vendor's products as another shop may have them.
async fn comparable(vendor: &Vendor) -> Vec<Value> {
    let mut found = Vec::new();
    for product in products(vendor).await.into_values() {
        let path = format!("/v1/vendor/products/{}", product["id"].as_str().expect("an id"));
        let mut shown = vendor.client.get(&path).await.expect(200).clone();
        without_own(&mut shown);
        found.push(shown);
    }
    found.sort_by_key(|product| product["title"].to_string());
    found
}

#[tokio::test]
async fn an_export_in_either_format_changes_nothing_when_it_comes_back() {
    let (shop, vendor) = filled().await;
    let known = products(&vendor).await;
    let mut exports = Vec::new();
    for format in FORMATS {
        let exported = export(&shop, &vendor, &format!("?format={format}")).await;
        let back = import(&shop, &vendor, "?publish=true&stock=set", exported.clone()).await;
        let counts = ["created", "updated", "refused", "unchanged"].map(|name| back[name].as_u64().expect("a count"));
        let usual = ["not_published", "handle_mapped"];
        let warned: Vec<_> = errors(&back).into_iter().filter(|(_, _, code)| !usual.contains(code)).collect();
        assert_eq!(
            (counts, warned),
            ([0, 0, 0, u64::try_from(known.len()).expect("few")], vec![]),
            "{format}: {back}\n{exported}"
        );
        assert_eq!(products(&vendor).await, known, "{format}: versions, stock and all");
        exports.push(exported);
    }
    for (format, exported) in FORMATS.iter().zip(&exports) {
        assert_eq!(&export(&shop, &vendor, &format!("?format={format}")).await, exported, "{format}");
    }
    assert_eq!(export(&shop, &vendor, "").await, exports[0], "Shopify's is what is meant without a format");
    let past = all(&vendor.client, "/v1/vendor/exports?limit=100").await;
    let of = |format: &str| past.iter().filter(|job| job["format"] == format).count();
    assert_eq!(FORMATS.map(of), [3, 2], "the list names the format of each");
    for cell in ["Rishtan", "\"Sale, Ceramics > Bowls\"", "fragile", "Variant Barcode", "478", "Spring", "id:101"] {
        assert!(exports[1].contains(cell), "{cell}: {}", exports[1]);
    }
    // The files that brought the products still mean the same.
    for file in [SHOPIFY.to_owned(), woocommerce()] {
        let again = import(&shop, &vendor, "?publish=true", file).await;
        assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)), "{again}");
    }
}

#[tokio::test]
async fn products_go_from_shop_to_shop_in_both_formats_and_stay_the_same() {
    let (shop, vendor) = filled().await;
    let known = comparable(&vendor).await;
    let mut from = vendor;
    // Each shop takes what the one before has, now in one format, now in the other.
    for (name, format) in [("silk", "woocommerce"), ("paper", "shopify"), ("wood", "woocommerce")] {
        let file = export(&shop, &from, &format!("?format={format}&currency=USD")).await;
        let to = shop.vendor(name).await;
        // A price in another currency is in neither format.
        let job = import(&shop, &to, "?publish=true&stock=set", file.clone()).await;
        let refused: Vec<&Value> =
            job["errors"].as_array().expect("a report").iter().filter(|one| one["severity"] == "error").collect();
        assert!(refused.iter().all(|one| one["code"] == "missing_price"), "{refused:?}");
        let priced: Vec<&Value> = known.iter().filter(|product| product["title"] != "elsewhere").collect();
        let taken = comparable(&to).await;
        let taken: Vec<&Value> = taken.iter().collect();
        for (taken, known) in taken.iter().zip(&priced) {
            assert_eq!(taken, known, "{name}, {format}");
        }
        assert_eq!(taken.len(), priced.len());
        let again = import(&shop, &to, "?publish=true&stock=set", file).await;
        assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)), "{name}: {again}");
        from = to;
    }
    let last = export(&shop, &from, "?format=shopify").await;
    for cell in ["Kosa_1", "478", "Spring", "Rishtan", "fragile", "\"Fine,\nblue\"", "\"Sale, Ceramics > Bowls\""] {
        assert!(last.contains(cell), "{cell}: {last}");
    }
}
