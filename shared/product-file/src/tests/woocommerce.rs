//! WooCommerce's own export.

use domain::Timestamp;

use super::*;
use crate::{Position, RowCounter, Step};

const HEADER: &str = "ID,Type,SKU,\"GTIN, UPC, EAN, or ISBN\",Name,Published,\"Is featured?\",\"Visibility in catalog\",\
    \"Short description\",Description,\"Date sale price starts\",\"Date sale price ends\",\"Tax status\",\"In stock?\",\
    Stock,\"Backorders allowed?\",\"Weight (kg)\",\"Sale price\",\"Regular price\",Categories,Tags,Images,Parent,Position,\
    \"Attribute 1 name\",\"Attribute 1 value(s)\",\"Attribute 1 visible\",\"Attribute 1 global\",\
    \"Attribute 2 name\",\"Attribute 2 value(s)\",\"Meta: _origin\"\n";

/// A row of the export with some cells; the others are empty.
fn row(cells: &[(&str, &str)]) -> String {
    let mut names = csv::ReaderBuilder::new().has_headers(false).from_reader(HEADER.as_bytes());
    let names = names.records().next().unwrap().unwrap();
    let mut line = csv::Writer::from_writer(Vec::new());
    for (name, _) in cells {
        assert!(names.iter().any(|known| known == *name), "{name}");
    }
    let cell = |name: &str| cells.iter().find(|(known, _)| *known == name).map_or("", |(_, cell)| *cell);
    line.write_record(names.iter().map(cell)).unwrap();
    String::from_utf8(line.into_inner().unwrap()).unwrap()
}

fn file(rows: &[&[(&str, &str)]]) -> String {
    [HEADER.to_owned()].into_iter().chain(rows.iter().map(|cells| row(cells))).collect()
}

const KOSA: &[(&str, &str)] = &[
    ("ID", "10"),
    ("Type", "variable"),
    ("SKU", "KOSA"),
    ("Name", "Kosa"),
    ("Published", "1"),
    ("Visibility in catalog", "visible"),
    ("Description", r"Painted by hand.\nTwo sizes."),
    ("Weight (kg)", "0.4"),
    ("Categories", r"Sale, Home > Kitchen > Bowls\, deep"),
    ("Tags", "clay, blue"),
    ("Images", r"https://a.test/1\,a.jpg, http://a.test/2.jpg"),
    ("Attribute 1 name", "Material"),
    ("Attribute 1 value(s)", "Clay"),
    ("Attribute 2 name", "Size"),
    ("Attribute 2 value(s)", "S, L"),
    ("Meta: _origin", "Rishtan"),
];
const SMALL: &[(&str, &str)] = &[
    ("ID", "11"),
    ("Type", "variation"),
    ("SKU", "KOSA-S"),
    ("GTIN, UPC, EAN, or ISBN", "4780000000017"),
    ("Name", "Kosa - S"),
    ("Published", "1"),
    ("In stock?", "1"),
    ("Stock", "4"),
    ("Backorders allowed?", "notify"),
    ("Sale price", "9,50"),
    ("Regular price", "12"),
    ("Images", "https://a.test/s.jpg"),
    ("Parent", "KOSA"),
    ("Attribute 1 name", "Size"),
    ("Attribute 1 value(s)", "S"),
];
const LARGE: &[(&str, &str)] = &[
    ("ID", "12"),
    ("Type", "variation"),
    ("SKU", "KOSA-L"),
    ("Name", "Kosa - L"),
    ("Published", "1"),
    ("In stock?", "0"),
    ("Weight (kg)", "0.75"),
    ("Regular price", "15.00"),
    ("Parent", "KOSA"),
    ("Attribute 1 name", "Size"),
    ("Attribute 1 value(s)", "L"),
];
const MUG: &[(&str, &str)] = &[
    ("ID", "20"),
    ("Type", "simple, virtual"),
    ("Name", "Mug"),
    ("Published", "-1"),
    ("In stock?", "1"),
    ("Regular price", "5"),
    ("Categories", "Uncategorized"),
    ("Short description", "<b>Plain</b>"),
];

#[test]
fn a_product_and_its_variations_become_one_product() {
    let [kosa, mug] = products(file(&[KOSA, SMALL, LARGE, MUG])).try_into().unwrap();
    assert_eq!((kosa.handle.as_str(), kosa.file_key.as_ref().unwrap().as_str()), ("kosa", "kosa"));
    assert_eq!(kosa.body_html.as_deref(), Some("<p>Painted by hand.<br>Two sizes.</p>"));
    assert_eq!(kosa.category.unwrap().as_str(), "Bowls, deep");
    assert_eq!(kosa.other_categories.iter().map(|one| one.as_str()).collect::<Vec<_>>(), ["Sale"]);
    assert_eq!(kosa.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["clay", "blue"]);
    let pictures: Vec<_> = kosa.images.iter().map(|image| image.src.as_str()).collect();
    assert_eq!(pictures, ["https://a.test/1,a.jpg", "https://a.test/2.jpg"]);
    let [size] = kosa.options.as_slice() else { panic!("{:?}", kosa.options) };
    assert_eq!((size.name.as_str(), size.values.len()), ("Size", 2));
    let [small, large] = kosa.variants.as_slice() else { panic!("two variants") };
    let price = small.price.unwrap();
    assert_eq!((price.price.decimal(), price.compare_at.unwrap().decimal()), ("9.50".to_owned(), "12.00".to_owned()));
    assert_eq!((small.grams, small.quantity, small.continue_selling), (Some(400), Some(4), Some(true)));
    assert_eq!(small.image.as_ref().unwrap().as_str(), "https://a.test/s.jpg");
    assert_eq!((large.grams, large.quantity, large.continue_selling), (Some(750), Some(0), Some(false)));
    assert_eq!(large.price.unwrap().compare_at, None);

    assert_eq!((mug.handle.as_str(), mug.file_key.as_ref().unwrap().as_str()), ("mug", "id:20"));
    assert_eq!((mug.body_html.as_deref(), &mug.category), (Some("<b>Plain</b>"), &None));
    assert!(mug.options.is_empty() && !mug.wants_publishing());
    assert_eq!((mug.variants[0].quantity, mug.variants[0].continue_selling), (None, Some(true)));
    assert_eq!(
        warnings(file(&[KOSA, SMALL, LARGE, MUG])),
        ["kosa: 2 \"Images\" address_mended http://a.test/2.jpg", "id:20: 5 \"In stock?\" stock_not_counted 1",]
    );
}

#[test]
fn columns_that_are_not_read_are_kept_with_the_product_or_the_variation() {
    let file = file(&[KOSA, SMALL, LARGE]);
    let mut reader = ProductReader::new(Currency::USD);
    reader.feed(file.as_bytes());
    reader.end();
    let Step::Product(entry) = reader.step().unwrap() else { panic!("a product") };
    let names = reader.kept_columns();
    let kosa = entry.product.unwrap();
    let cells = |cells: &[(usize, String)]| -> Vec<String> {
        cells.iter().map(|(position, cell)| format!("{}={cell}", names[*position])).collect()
    };
    assert!(cells(&kosa.kept).contains(&"Meta: _origin=Rishtan".to_owned()), "{:?}", cells(&kosa.kept));
    assert!(cells(&kosa.kept).contains(&"Attribute 1 name=Material".to_owned()));
    let small = cells(&kosa.variants[0].kept);
    assert_eq!(small, ["Variant ID=11", "Variant GTIN, UPC, EAN, or ISBN=4780000000017"]);
    let mut row_counter = RowCounter::default();
    row_counter.feed(file.as_bytes()).unwrap();
    let counted = row_counter.finish().unwrap();
    assert!(counted.kept_columns.contains(&"Variant ID".to_owned()) && counted.kept_columns.contains(&"ID".to_owned()));
    assert!(!counted.kept_columns.contains(&"Tax status".to_owned()), "it has no cell");
}

/// Reads a file in passes from a position on, as an import does.
fn in_passes(file: &str, passes: u32, position: Position) -> Vec<Entry> {
    let mut reader = ProductReader::resume(Currency::USD, position).in_passes(passes, position);
    let (mut entries, mut is_fed) = (Vec::new(), false);
    loop {
        match reader.step().unwrap() {
            Step::Product(entry) => entries.push(*entry),
            Step::NeedsMore if is_fed => reader.end(),
            Step::NeedsMore => {
                reader.feed(file.as_bytes());
                is_fed = true;
            }
            Step::Again => is_fed = false,
            Step::End => return entries,
        }
    }
}

#[test]
fn variations_that_stand_apart_from_their_product_find_it_in_any_order() {
    let whole = products(file(&[KOSA, SMALL, LARGE, MUG]));
    for rows in [[SMALL, KOSA, MUG, LARGE], [LARGE, MUG, SMALL, KOSA], [MUG, KOSA, LARGE, SMALL]] {
        let file = file(&rows);
        let mut row_counter = RowCounter::default();
        row_counter.feed(file.as_bytes()).unwrap();
        let counted = row_counter.finish().unwrap();
        if counted.passes == 0 {
            assert_eq!(rows[0], MUG, "only where the rows of the product stand together");
        }
        assert!(!counted.is_apart, "they come together");
        for passes in 1..4 {
            let mut read: Vec<_> = in_passes(&file, passes, Position::default())
                .into_iter()
                .map(|entry| without_lines(entry.product.unwrap()))
                .collect();
            read.sort_by_key(|product| product.handle.to_string());
            let mut sorted = whole.clone();
            for product in &mut sorted {
                let at = |sku: &Option<domain::text::Sku>| {
                    let sku = sku.as_ref().map(ToString::to_string).unwrap_or_default();
                    rows.iter().position(|cells| cells.contains(&("SKU", sku.as_str())))
                };
                product.variants.sort_by_key(|variant| at(&variant.sku));
                for option in &mut product.options {
                    option.values.sort_by_key(|value| {
                        product.variants.iter().position(|variant| variant.values.contains(value))
                    });
                }
            }
            assert_eq!(read, sorted, "{passes}");
        }
    }
}

#[test]
fn a_reading_in_passes_goes_on_where_it_stopped() {
    let rows: Vec<Vec<(&str, String)>> = (0..20)
        .map(|number| {
            vec![("Type", "simple".to_owned()), ("SKU", format!("S-{}", number % 10)), ("Name", "A".to_owned())]
        })
        .collect();
    let rows: String = rows
        .iter()
        .map(|cells| row(&cells.iter().map(|(name, cell)| (*name, cell.as_str())).collect::<Vec<_>>()))
        .collect();
    let file = format!("{HEADER}{rows}");
    let whole = in_passes(&file, 3, Position::default());
    assert_eq!(whole.len(), 10);
    assert!(whole.iter().all(|entry| entry.rows == 2 && entry.product.is_err()), "each is there twice");
    for (index, entry) in whole.iter().enumerate() {
        let rest = in_passes(&file, 3, entry.next);
        assert_eq!(rest, whole[index + 1..], "{index}");
    }
}

#[test]
fn what_cannot_be_sold_is_named() {
    let with = |base: &[(&'static str, &'static str)], more: &[(&'static str, &'static str)]| {
        let mut cells: Vec<_> =
            base.iter().copied().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).collect();
        cells.extend(more);
        cells
    };
    let grouped = with(MUG, &[("Type", "grouped"), ("ID", "30")]);
    let external = with(MUG, &[("Type", "external"), ("ID", "31")]);
    let bare = with(KOSA, &[("SKU", "ALONE")]);
    let twice = with(MUG, &[("SKU", "TWICE")]);
    let again = with(MUG, &[("SKU", "TWICE"), ("ID", "33")]);
    let wide = with(MUG, &[("ID", "34"), ("Regular price", "cheap")]);
    let found = errors(file(&[&grouped, &external, &bare, &twice, &again, &wide]));
    assert_eq!(
        found,
        [
            "id:30: 2 \"Type\" unsupported_type",
            "id:31: 3 \"Type\" unsupported_type",
            "alone: 4 \"Type\" missing_variations",
            "twice: 6 \"SKU\" duplicate_product",
            "id:34: 7 \"Regular price\" bad_price",
        ]
    );
    let off = with(SMALL, &[("Published", "0")]);
    let unpriced = with(LARGE, &[("Regular price", "")]);
    let shared = with(SMALL, &[("Stock", "parent"), ("SKU", "KOSA-M"), ("Attribute 1 value(s)", "M")]);
    let file = file(&[KOSA, &off, &unpriced, &shared]);
    let [kosa] = products(&file).try_into().unwrap();
    assert_eq!(kosa.variants.iter().map(|one| one.sku.as_ref().unwrap().as_str()).collect::<Vec<_>>(), ["KOSA-M"]);
    let codes: Vec<_> =
        warnings(&file).iter().map(|one| one.split(' ').nth(3).unwrap_or_default().to_owned()).collect();
    assert!(codes.iter().any(|code| code == "variation_left_out" || code == "0"), "{codes:?}");
}

#[test]
fn a_variation_of_any_value_becomes_a_variant_for_each_that_no_other_has() {
    let any: Vec<_> = SMALL.iter().copied().filter(|(name, _)| *name != "Attribute 1 value(s)").collect();
    let [kosa] = products(file(&[KOSA, &any, LARGE])).try_into().unwrap();
    let shown: Vec<_> = kosa.variants.iter().map(|one| (one.values[0].as_str(), one.quantity)).collect();
    assert_eq!(shown, [("S", Some(4)), ("L", Some(0))]);
    assert_eq!(kosa.variants[1].sku.as_ref().unwrap().as_str(), "KOSA-L");
}

#[test]
fn a_sale_counts_on_its_days() {
    let sale = |ends: &str| {
        let cells: Vec<_> = MUG.iter().copied().chain([("Sale price", "4"), ("Date sale price ends", ends)]).collect();
        let file = file(&[&cells]);
        let mut reader = ProductReader::new(Currency::USD).at(Timestamp::from_millis(1_795_000_000_123));
        reader.feed(file.as_bytes());
        reader.end();
        let Step::Product(entry) = reader.step().unwrap() else { panic!("a product") };
        let told = entry.warnings.iter().any(|warning| warning.fault == crate::Fault::SaleNotNow);
        (entry.product.unwrap().variants[0].price.unwrap().price.decimal(), told)
    };
    assert_eq!(sale("2026-12-31 0:00:00"), ("4.00".to_owned(), false));
    assert_eq!(sale("2026-11-01 0:00:00"), ("5.00".to_owned(), true));
}

#[test]
fn a_product_of_very_many_rows_is_refused_and_not_held() {
    let rows: String = (0..2_000).map(|_| row(SMALL)).collect();
    let file = format!("{HEADER}{}{rows}", row(KOSA));
    let mut entries = Products::new(file.as_bytes(), ProductReader::new(Currency::USD));
    let entry = entries.next().unwrap().unwrap();
    assert_eq!((entry.rows, entry.product.unwrap_err()[0].code()), (2_001, "too_many_rows_of_product"));
    assert!(entries.held() < 3 * 1024 * 1024);
}

#[test]
fn a_hundred_thousand_rows_whose_products_stand_apart_are_read_in_little_memory() {
    // All products first, then all variations: as a spreadsheet sorts them by type.
    let products = 20_000_u32;
    let header = "ID,Type,SKU,Name,Description,Regular price,Parent,Attribute 1 name,Attribute 1 value(s)\n".to_owned();
    let parents = (0..products).map(|number| {
        format!("{number},variable,K-{number},Kosa,{},,,Size,\"S, M, L, XL\"\n", "Painted by hand. ".repeat(12))
    });
    let variations = (0..4).flat_map(|size| {
        (0..products).map(move |number| {
            let size = ["S", "M", "L", "XL"][size];
            format!(",variation,K-{number}-{size},Kosa,,9.50,K-{number},Size,{size}\n")
        })
    });
    let lines: Vec<String> = std::iter::once(header).chain(parents).chain(variations).collect();
    let mut row_counter = RowCounter::default();
    lines.iter().for_each(|line| row_counter.feed(line.as_bytes()).unwrap());
    let counted = row_counter.finish().unwrap();
    assert_eq!((counted.rows, counted.is_apart), (100_000, false));
    let mut reader = ProductReader::new(Currency::USD).in_passes(counted.passes, Position::default());
    let (mut feeding, mut read, mut most) = (lines.chunks(500), 0, 0);
    loop {
        match reader.step().unwrap() {
            Step::Product(entry) => {
                read += entry.product.unwrap().variants.len();
                most = most.max(reader.held());
            }
            Step::NeedsMore => match feeding.next() {
                Some(lines) => reader.feed(lines.concat().as_bytes()),
                None => reader.end(),
            },
            Step::Again => feeding = lines.chunks(500),
            Step::End => break,
        }
    }
    assert_eq!(read, 80_000);
    assert!(counted.passes > 1 && most < 24 * 1024 * 1024, "{most} bytes were held in {} passes", counted.passes);
}

#[test]
fn names_and_pictures_without_end_are_refused_in_little_time_and_memory() {
    // Variations that each have attributes of their own, and a cell of very many pictures.
    let (variations, attributes) = (400, 60);
    let columns: String =
        (1..=attributes).map(|number| format!(",Attribute {number} name,Attribute {number} value(s)")).collect();
    let mut many = format!(
        "Type,SKU,Name,Regular price,Parent,Images{columns}\nvariable,K,Kosa,,,\"{}\"{}\n",
        "a,".repeat(60_000),
        ",,".repeat(attributes)
    );
    for variation in 0..variations {
        let cells: String = (1..=attributes).map(|number| format!(",N{variation}x{number},V")).collect();
        many.push_str(&format!("variation,K{variation},Kosa,5,K,{cells}\n"));
    }
    let found = entries(&many);
    assert_eq!(found.len(), 1);
    let errors = found[0].product.as_ref().unwrap_err();
    assert!(errors.iter().any(|error| error.code() == "too_many_options"), "{errors:?}");
    assert!(errors.len() + found[0].warnings.len() < 1_000, "one picture more than a product may have is enough");
}

#[test]
fn a_column_that_would_be_ours_once_it_is_a_variants_is_not_kept() {
    let file = "Type,SKU,Name,Regular price,Parent,Price,Note\n\
        variable,K,Kosa,,,9,good\nvariation,K1,Kosa,5,K,8,fine\n";
    let mut first_pass = RowCounter::default();
    first_pass.feed(file.as_bytes()).unwrap();
    let kept = first_pass.finish().unwrap().kept_columns;
    assert_eq!(kept, ["Note", "Variant Note"]);
}
