//! WooCommerce's product export: 300 products of a shop, taken in by HTTP alone.

use std::fmt::Write as _;
use std::time::Duration;

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use super::{errors, export, import, products, send, shop_with_categories};
use crate::shop::until;

const HEADER: &str = "ID,Type,SKU,\"GTIN, UPC, EAN, or ISBN\",Name,Published,\"Is featured?\",\"Visibility in catalog\",\
    \"Short description\",Description,\"Date sale price starts\",\"Date sale price ends\",\"Tax status\",\"Tax class\",\
    \"In stock?\",Stock,\"Low stock amount\",\"Backorders allowed?\",\"Sold individually?\",\"Weight (kg)\",\"Length (cm)\",\
    \"Width (cm)\",\"Height (cm)\",\"Allow customer reviews?\",\"Purchase note\",\"Sale price\",\"Regular price\",Categories,\
    Tags,\"Shipping class\",Images,\"Download limit\",\"Download expiry days\",Parent,\"Grouped products\",Upsells,\
    Cross-sells,\"External URL\",\"Button text\",Position,\"Attribute 1 name\",\"Attribute 1 value(s)\",\
    \"Attribute 1 visible\",\"Attribute 1 global\",\"Attribute 2 name\",\"Attribute 2 value(s)\",\"Attribute 2 visible\",\
    \"Attribute 2 global\",\"Meta: _made_in\"";
const PRODUCTS: usize = 300;

/// A file of WooCommerce's exporter, row by row.
pub(super) struct File {
    pub(super) text: String,
    names: Vec<String>,
    pub(super) next_id: u32,
}

impl File {
    pub(super) fn new() -> Self {
        let names: Vec<String> = HEADER
            .split('"')
            .enumerate()
            .flat_map(|(index, part)| match index % 2 {
                1 => vec![part.to_owned()],
                _ => part.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            })
            .collect();
        Self { text: format!("\u{feff}{HEADER}\n"), names, next_id: 100 }
    }

    /// Adds a row with some cells and what every row has. Returns its ID.
    pub(super) fn row(&mut self, cells: &[(&str, &str)]) -> u32 {
        let (id, usual) = (self.next_id.to_string(), usual());
        self.next_id += 1;
        for (index, name) in self.names.iter().enumerate() {
            let given = cells.iter().chain(&usual).find(|(known, _)| known == name).map(|(_, cell)| *cell);
            let cell = if name == "ID" { id.as_str() } else { given.unwrap_or_default() };
            let separator = if index == 0 { "" } else { "," };
            write!(self.text, "{separator}\"{}\"", cell.replace('"', "\"\"")).expect("text");
        }
        self.text.push('\n');
        self.next_id - 1
    }
}

fn usual() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Published", "1"),
        ("Is featured?", "0"),
        ("Visibility in catalog", "visible"),
        ("Tax status", "taxable"),
        ("In stock?", "1"),
        ("Backorders allowed?", "0"),
        ("Sold individually?", "0"),
        ("Allow customer reviews?", "1"),
    ]
}

/// 300 products: simple ones, and every third with variations in two sizes and two glazes, whose rows come at the end
/// of the file, as the exporter sorts them by ID. Six of the rows are faulty or of a kind that is not sold here.
pub(super) fn three_hundred_products() -> String {
    let mut file = File::new();
    let mut variable = Vec::new();
    for number in 1..=PRODUCTS {
        let (sku, name) = (format!("KOSA-{number}"), format!("Kosa no. {number}"));
        let (price, sale) = (format!("{number}.50"), format!("{number}.25"));
        let images = format!("https://pictures.test/{number}.jpg, http://pictures.test/{number} b.jpg");
        let gtin = format!("478000{number:07}");
        let mut cells: Vec<(&str, &str)> = vec![
            ("Name", &name),
            ("SKU", &sku),
            ("GTIN, UPC, EAN, or ISBN", &gtin),
            ("Description", r"Painted by hand in Rishtan.\n\nNo two are alike."),
            ("Short description", "Painted by hand"),
            ("Categories", "Sale, Ceramics > Bowls"),
            ("Tags", "clay, hand made"),
            ("Images", &images),
            ("Weight (kg)", "0.35"),
            ("Meta: _made_in", "Rishtan"),
        ];
        if number % 3 == 0 {
            let attributes = [
                ("Type", "variable"),
                ("Attribute 1 name", "Size"),
                ("Attribute 1 value(s)", "Small, Large"),
                ("Attribute 1 visible", "1"),
                ("Attribute 1 global", "1"),
                ("Attribute 2 name", "Glaze"),
                ("Attribute 2 value(s)", "Blue, Green"),
            ];
            cells.extend(attributes);
            // Every other one has no SKU, so that its variations name it by its ID.
            if number % 2 == 0 {
                cells.retain(|(column, _)| *column != "SKU");
            }
            let id = file.row(&cells);
            variable.push((number, if number % 2 == 0 { format!("id:{id}") } else { sku }));
        } else {
            cells.extend([("Type", "simple"), ("Regular price", price.as_str()), ("Stock", "7")]);
            if number % 5 == 0 {
                cells.push(("Sale price", &sale));
            }
            file.row(&cells);
        }
    }
    for (number, parent) in &variable {
        for (size, glaze) in [("Small", "Blue"), ("Small", "Green"), ("Large", "Blue"), ("Large", "Green")] {
            let (name, sku) = (format!("Kosa no. {number} - {size}, {glaze}"), format!("KOSA-{number}-{size}-{glaze}"));
            let price = if size == "Small" { format!("{number}.00") } else { format!("{number}.90") };
            let image = format!("https://pictures.test/{number}-{}.jpg", glaze.to_lowercase());
            file.row(&[
                ("Type", "variation"),
                ("Name", &name),
                ("SKU", &sku),
                ("Tax class", "parent"),
                ("Stock", "3"),
                ("Regular price", &price),
                ("Images", &image),
                ("Parent", parent),
                ("Attribute 1 name", "Size"),
                ("Attribute 1 value(s)", size),
                ("Attribute 2 name", "Glaze"),
                ("Attribute 2 value(s)", glaze),
            ]);
        }
    }
    file.row(&[("Type", "simple"), ("Name", "Free advice"), ("SKU", "ADVICE"), ("Regular price", "ask us")]);
    file.row(&[("Type", "simple"), ("Name", "Odd stock"), ("SKU", "ODD"), ("Regular price", "1"), ("Stock", "many")]);
    file.row(&[("Type", "grouped"), ("Name", "A set"), ("SKU", "SET"), ("Grouped products", "KOSA-1, KOSA-2")]);
    file.row(&[("Type", "external"), ("Name", "Elsewhere"), ("SKU", "OUT"), ("External URL", "https://a.test/")]);
    file.row(&[("Type", "variable"), ("Name", "Without"), ("SKU", "WITHOUT")]);
    file.row(&[("Type", "variation"), ("Name", "Nobody's"), ("Regular price", "1"), ("Parent", "GONE")]);
    file.text
}

#[tokio::test]
async fn three_hundred_products_of_woocommerce_come_in_by_http_alone() {
    let (shop, vendor) = shop_with_categories().await;
    let file = three_hundred_products();
    let dry = import(&shop, &vendor, "?dry_run=true&publish=true", file.clone()).await;
    let counts = |job: &Value| ["created", "updated", "refused"].map(|name| job[name].as_u64().expect("a count"));
    assert_eq!((&dry["state"], counts(&dry)), (&json!("completed"), [300, 0, 6]), "{dry}");
    assert!(products(&vendor).await.is_empty());
    let refused: Vec<_> =
        dry["errors"].as_array().expect("a report").iter().filter(|one| one["severity"] == "error").collect();
    let named: Vec<_> = refused.iter().map(|one| (one["product"].as_str(), one["code"].as_str())).collect();
    assert_eq!(
        named,
        [
            (Some("advice"), Some("bad_price")),
            (Some("odd"), Some("bad_quantity")),
            (Some("set"), Some("unsupported_type")),
            (Some("out"), Some("unsupported_type")),
            (Some("without"), Some("missing_variations")),
            (Some("gone"), Some("unknown_product")),
        ],
        "{refused:?}"
    );

    let job = import(&shop, &vendor, "?publish=true", file.clone()).await;
    assert_eq!((&job["state"], counts(&job)), (&json!("completed"), [300, 0, 6]));
    assert_eq!((&job["rows"], &job["rows_done"], &job["variants"]), (&json!(706), &json!(706), &json!(600)));
    let known = products(&vendor).await;
    assert_eq!(known.len(), PRODUCTS);
    assert!(known.values().all(|product| product["state"] == "published" && product["category"] == "bowls"));
    let simple = shop.anon().get("/v1/products/kosa-no-5").await.expect(200).clone();
    assert_eq!(simple["variants"][0]["price"], json!({"amount": "5.25", "currency": "USD"}));
    assert_eq!(simple["variants"][0]["compare_at_price"], json!({"amount": "5.50", "currency": "USD"}));
    assert_eq!(simple["description_html"], "<p>Painted by hand in Rishtan.</p><p>No two are alike.</p>");
    assert_eq!(simple["images"].as_array().map(Vec::len), Some(2));
    for handle in ["kosa-no-3", "kosa-no-6"] {
        let variable = shop.anon().get(&format!("/v1/products/{handle}")).await.expect(200).clone();
        assert_eq!(
            variable["options"],
            json!([{"name": "Size", "values": ["Small", "Large"]}, {"name": "Glaze", "values": ["Blue", "Green"]}])
        );
        assert_eq!(variable["variants"].as_array().map(Vec::len), Some(4));
        assert_eq!(variable["variants"][3]["available"], 3);
    }

    let again = import(&shop, &vendor, "?publish=true", file.clone()).await;
    assert_eq!(counts(&again), [0, 0, 6], "{again}");
    assert_eq!(products(&vendor).await, known, "versions, stock and all");
    // An export has what is not used here, too, and imports back to the same.
    let exported = export(&shop, &vendor, "").await;
    for cell in ["Meta: _made_in", "Rishtan", "4780000000001", "\"GTIN, UPC, EAN, or ISBN\"", "Variant ID"] {
        assert!(exported.contains(cell), "{cell}");
    }
    let back = import(&shop, &vendor, "?publish=true&stock=set", exported.clone()).await;
    assert_eq!((counts(&back), &back["unchanged"]), ([0, 0, 0], &json!(300)), "{back}");
    assert_eq!(products(&vendor).await, known);
    assert_eq!(export(&shop, &vendor, "").await, exported);
    let again = import(&shop, &vendor, "?publish=true", file).await;
    assert_eq!(counts(&again), [0, 0, 6], "the file of the other system still means the same");

    // The refused rows are a file of the same system: mended and sent again, they come in.
    let refused = shop.anon().get(job["refused_rows"]["url"].as_str().expect("a link")).await.text;
    assert!(refused.starts_with("\u{feff}\"Refused because\",ID,Type,SKU,"), "{refused}");
    assert_eq!(refused.lines().count(), 7);
    let mended = refused.replace("ask us", "5").replace("\"many\"", "\"4\"");
    let job = import(&shop, &vendor, "?publish=true", mended).await;
    assert_eq!(counts(&job), [2, 0, 4], "{job}");
    assert_eq!(products(&vendor).await.len(), PRODUCTS + 2);
}

#[tokio::test]
async fn a_product_of_woocommerce_is_found_again_under_another_name_and_gone_when_it_is_deleted() {
    let (shop, vendor) = shop_with_categories().await;
    let file = |name: &str| {
        let mut file = File::new();
        file.row(&[("Type", "simple"), ("Name", name), ("SKU", "K-1"), ("Regular price", "9"), ("Stock", "2")]);
        file.row(&[("Type", "simple"), ("Name", "Kosa"), ("Regular price", "8"), ("Stock", "2")]);
        file.text
    };
    let job = import(&shop, &vendor, "", file("Kosa")).await;
    assert_eq!((&job["created"], errors(&job)), (&json!(2), vec![]), "two of the same name");
    let job = import(&shop, &vendor, "", file("Katta kosa")).await;
    assert_eq!((&job["created"], &job["updated"], &job["unchanged"]), (&json!(0), &json!(1), &json!(1)));
    let known = products(&vendor).await;
    assert_eq!(known.keys().collect::<Vec<_>>(), ["kosa", "kosa-ceramics"]);
    let renamed = known.values().find(|product| product["title"] == "Katta kosa").expect("it is renamed");
    vendor.client.delete(&format!("/v1/vendor/products/{}", renamed["id"].as_str().expect("an id"))).await.expect(204);
    let job = import(&shop, &vendor, "", file("Kosa")).await;
    assert_eq!((&job["created"], &job["unchanged"]), (&json!(1), &json!(1)), "{job}");
    // Another shop's files have the same keys.
    let silk = shop.vendor("silk").await;
    assert_eq!(import(&shop, &silk, "", file("Kosa")).await["created"], 2);
    assert_eq!(import(&shop, &vendor, "", file("Kosa")).await["unchanged"], 2);
}

#[tokio::test]
async fn a_file_whose_variations_stand_apart_is_gone_on_with_after_an_interruption() {
    let (shop, vendor) = shop_with_categories().await;
    let services = shop.cloud.services();
    // The table fails in the middle, for more calls than the SDK attempts.
    for nth in 150..700 {
        services.faults.add(Fault::nth("dynamodb", "TransactWriteItems", nth, Kind::Before));
    }
    services.usage.reset();
    let sent = send(&vendor, "?publish=true", three_hundred_products()).await;
    let location = sent.header("location").to_owned();
    let ended = || services.usage.snapshot().get("function ImportsFunction").is_some_and(|usage| usage.calls > 0);
    until("the slice of the import has failed", async || ended()).await;
    services.faults.clear();
    let interrupted = vendor.client.get(&location).await.expect(200).clone();
    assert_eq!(interrupted["state"], "running");
    let done = interrupted["products"].as_u64().expect("a count");
    assert!((24..300).contains(&done), "interrupted in the middle: {done}");

    // The consumer of the queue dies, too. The message becomes visible again after its visibility timeout.
    shop.cloud.kill_sources().await;
    shop.cloud.restart_sources().expect("the queue is read again");
    let mut job = interrupted;
    for _ in 0..5 {
        // On a busy machine the rest may take more than one visibility timeout.
        shop.advance(Duration::from_secs(91)).await;
        shop.wait_until_idle().await;
        job = vendor.client.get(&location).await.expect(200).clone();
        if job["state"] == "completed" {
            break;
        }
    }
    assert_eq!(
        (&job["state"], &job["rows_done"], &job["refused"]),
        (&json!("completed"), &json!(706), &json!(6)),
        "{job}"
    );
    assert_eq!((&job["products"], &job["variants"]), (&json!(300), &json!(600)));
    let known = products(&vendor).await;
    assert_eq!(known.len(), PRODUCTS);
    let of_three = known["kosa-no-3"]["variants"].as_array().map(Vec::len);
    assert_eq!((of_three, known["kosa-no-299"]["variants"].as_array().map(Vec::len)), (Some(4), Some(1)));
}

#[tokio::test]
async fn a_product_that_was_here_before_is_the_one_that_the_file_means_by_its_sku() {
    let (shop, vendor) = shop_with_categories().await;
    let variants = json!([{"sku": "KOSA-1", "prices": [{"amount": "12.00", "currency": "USD"}], "on_hand": 3}]);
    let kosa = vendor.product("blue-kosa").set("title", json!("Blue kosa")).set("variants", variants).publish().await;
    let mut file = File::new();
    file.row(&[("Type", "simple"), ("SKU", "kosa-1"), ("Name", "Blue kosa"), ("Regular price", "15.00")]);
    // Another one with the same name and no SKU that is known here.
    file.row(&[("Type", "simple"), ("SKU", "KOSA-9"), ("Name", "Blue kosa"), ("Regular price", "9.00")]);
    // Only one variant of a product that has two: the other one must stay.
    let two = json!([
        {"sku": "LAGAN-S", "options": {"Size": "S"}, "prices": [{"amount": "20.00", "currency": "USD"}], "on_hand": 1},
        {"sku": "LAGAN-L", "options": {"Size": "L"}, "prices": [{"amount": "30.00", "currency": "USD"}], "on_hand": 1},
    ]);
    let options = json!([{"name": "Size", "values": ["S", "L"]}]);
    let lagan = vendor.product("lagan").set("title", json!("Lagan")).set("options", options).set("variants", two);
    let lagan = lagan.publish().await;
    file.row(&[("Type", "simple"), ("SKU", "LAGAN-S"), ("Name", "Lagan"), ("Regular price", "21.00")]);
    for (created, updated) in [(2, 1), (0, 0)] {
        let job = import(&shop, &vendor, "", file.text.as_str()).await;
        assert_eq!(
            (&job["created"], &job["updated"], &job["refused"]),
            (&json!(created), &json!(updated), &json!(0)),
            "{job}"
        );
    }
    let seen = kosa.seen_by_vendor().await;
    assert_eq!(seen["variants"][0]["prices"][0]["amount"], "15.00");
    assert_eq!(lagan.seen_by_vendor().await["variants"].as_array().expect("variants").len(), 2);
    assert_eq!(products(&vendor).await.len(), 4);
}
