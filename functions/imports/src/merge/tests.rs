use domain::stored::Kept;
use std::collections::BTreeMap;

use domain::catalog::{Category, CategoryTree, ProductState};
use domain::job::StockImport;
use domain::stock::{Layout, StockShard};
use domain::text::{ContentLanguage, Handle, InLanguages, Line, Name};
use domain::vendor::VendorCard;
use domain::{Currency, ImportId, ProductId, Timestamp, VariantId, VendorId};

use super::{ImportContext, Merged, Units, added, handles, is_of_file, merged};
use product_file::{Columns, ProductDraft, ProductReader, Products};

fn handle(text: &str) -> Handle {
    Handle::parse(text).unwrap()
}

fn vendor() -> VendorCard {
    VendorCard { id: VendorId::from_bits(7), handle: handle("chorsu"), name: Name::parse("Chorsu").unwrap() }
}

fn context(currency: Currency) -> ImportContext {
    let leaf = |handle_: &str, name: &str| Category {
        handle: handle(handle_),
        name: Name::parse(name).unwrap(),
        names: InLanguages::new(),
        children: Vec::new(),
    };
    let home = Category { children: vec![leaf("bowls", "Bowls & Plates")], ..leaf("home", "Home") };
    ImportContext {
        vendor: vendor(),
        approved: true,
        language: pages::Language::En,
        currency,
        publish: false,
        tree: CategoryTree { roots: vec![home], version: 1, kept: Kept::default() },
        columns: Columns::ALL,
        import: ImportId::from_bits(1),
        fetch_images: true,
        stock: StockImport::Set,
        is_partial: false,
        kept_columns: Vec::new(),
        spellings: BTreeMap::new(),
        now: Timestamp::from_millis(1_000),
    }
}

fn draft(csv: &str, currency: Currency) -> (ProductDraft, Columns) {
    let mut products = Products::new(csv.as_bytes(), ProductReader::new(currency));
    let entry = products.next().unwrap().unwrap();
    (entry.product.unwrap(), products.columns().unwrap())
}

fn read(csv: &str) -> ProductDraft {
    draft(csv, Currency::USD).0
}

fn new(csv: &str) -> Merged {
    added(&read(csv), &context(Currency::USD), ProductId::from_bits(9), handle("bowl")).unwrap()
}

fn again(before: &Merged, csv: &str) -> Merged {
    merged(
        &before.product,
        (&before.description_html, &before.descriptions),
        &read(csv),
        &context(Currency::USD),
        &BTreeMap::new(),
    )
    .unwrap()
}

fn ordinals(merged: &Merged) -> Vec<u16> {
    merged.product.variants.iter().map(|variant| variant.id.ordinal()).collect()
}

const COLOURS: &str = "Handle,Title,Type,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n\
    bowl,Bowl,Bowls & Plates,Colour,Blue,B-1,5,10.00\nbowl,,,,Green,B-2,6,11.00\n";

#[test]
fn the_same_file_again_changes_nothing() {
    let first = new(COLOURS);
    let second = again(&first, COLOURS);
    assert_eq!(second.product, first.product);
    assert_eq!(second.stock, first.stock);
    assert_eq!(
        first.stock,
        [
            (VariantId::new(ProductId::from_bits(9), 1), Layout::default(), Units::Set(5)),
            (VariantId::new(ProductId::from_bits(9), 2), Layout::default(), Units::Set(6)),
        ]
    );
    assert!(first.warnings.is_empty());
}

#[test]
fn a_file_in_another_currency_adds_its_prices_only() {
    let first = new(COLOURS);
    let (draft, columns) = draft(COLOURS, Currency::UZS);
    let context = ImportContext { columns, ..context(Currency::UZS) };
    let second = merged(&first.product, ("", &InLanguages::new()), &draft, &context, &BTreeMap::new()).unwrap();
    let prices: Vec<String> = second.product.variants[0].prices.iter().map(|price| price.price.to_string()).collect();
    assert_eq!(prices.len(), 2, "{prices:?}");
    let mut without = second.product.clone();
    without
        .variants
        .iter_mut()
        .for_each(|variant| variant.prices.retain(|price| price.price.currency() == Currency::USD));
    assert_eq!(without, first.product);
}

#[test]
fn a_variant_is_known_by_its_values_or_its_number_and_keeps_its_id() {
    let first = new(COLOURS);
    let swapped = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n\
        bowl,Bowl,Colour,Green,,11.00\nbowl,,,Navy,B-1,10.00\nbowl,,,Red,B-3,12.00\n";
    let second = again(&first, swapped);
    assert_eq!(ordinals(&second), [2, 1, 3]);
    assert_eq!(second.product.next_ordinal, 4);
    // With a renamed option, only the SKUs match the variants.
    let renamed = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n\
        bowl,Bowl,Glaze,Blue,B-9,10.00\nbowl,,,Green,B-2,11.00\n";
    assert_eq!(ordinals(&again(&first, renamed)), [3, 2]);
}

#[test]
fn a_number_that_two_variants_have_names_neither() {
    let same = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n\
        bowl,Bowl,Colour,Blue,X,10.00\nbowl,,,Green,X,11.00\n";
    let other = same.replace("Blue", "Navy").replace("Green", "Lime");
    assert_eq!(ordinals(&again(&new(same), &other)), [3, 4]);
}

#[test]
fn the_only_variant_stays_the_only_variant() {
    let plain = "Handle,Title,Variant Price\nbowl,Bowl,10.00\n";
    let sized = "Handle,Title,Option1 Name,Option1 Value,Variant Price\nbowl,Bowl,Size,Small,10.00\n";
    let second = again(&new(plain), sized);
    assert_eq!(ordinals(&second), [1]);
    assert_eq!(second.product.options.len(), 1);
}

#[test]
fn a_variant_that_is_not_named_goes_unless_units_are_reserved() {
    let first = new(COLOURS);
    let blue_only = "Handle,Title,Option1 Name,Option1 Value,Variant Price\nbowl,Bowl,Colour,Blue,10.00\n";
    assert_eq!(ordinals(&again(&first, blue_only)), [1]);

    let green = first.product.variants[1].id;
    let reserved = BTreeMap::from([(green, StockShard { available: 3, reserved: 2 })]);
    let keep =
        |csv: &str| merged(&first.product, ("", &InLanguages::new()), &read(csv), &context(Currency::USD), &reserved);
    let kept = keep(blue_only).unwrap();
    assert_eq!(ordinals(&kept), [1, 2]);
    assert_eq!(kept.product.options[0].values.len(), 2);
    // A reserved variant with option values does not fit a product without options, so the product is not changed.
    let plain = "Handle,Title,Variant Price\nbowl,Bowl,10.00\n";
    assert_eq!(keep(plain).unwrap_err()[0].code, "variant_reserved");
}

#[test]
fn stock_below_what_is_reserved_is_reported() {
    let first = new(COLOURS);
    let reserved = BTreeMap::from([(first.product.variants[0].id, StockShard { available: 0, reserved: 9 })]);
    let second =
        merged(&first.product, ("", &InLanguages::new()), &read(COLOURS), &context(Currency::USD), &reserved).unwrap();
    assert_eq!(second.warnings[0].code, "quantity_reserved");
}

#[test]
fn what_the_file_has_no_column_for_stays_and_an_empty_cell_takes_away() {
    let full = "Handle,Title,Body (HTML),Tags,Image Src,Variant Grams,Variant Price,Variant Compare At Price\n\
        bowl,Bowl,<p>Blue</p>,glazed,https://a.test/b.jpg,300,10.00,12.00\n";
    let first = new(full);
    let (prices_only, columns) = draft("Handle,Title,Variant Price\nbowl,Bowl,9.00\n", Currency::USD);
    let context = ImportContext { columns, ..context(Currency::USD) };
    let cheaper = merged(
        &first.product,
        (&first.description_html, &first.descriptions),
        &prices_only,
        &context,
        &BTreeMap::new(),
    )
    .unwrap();
    assert_eq!(cheaper.description_html, "<p>Blue</p>");
    let price = cheaper.product.variants[0].prices[0];
    assert_eq!((price.price.minor(), price.compare_at.unwrap().minor()), (900, 1200));
    let mut as_before = cheaper.product.clone();
    as_before.variants[0].prices = first.product.variants[0].prices.clone();
    assert_eq!(as_before, first.product);

    let emptied = "Handle,Title,Body (HTML),Tags,Image Src,Variant Grams,Variant Price,Variant Compare At Price\n\
        bowl,Bowl,,,,,10.00,\n";
    let bare = again(&first, emptied);
    assert_eq!(bare.description_html, "");
    assert!(bare.product.tags.is_empty() && bare.product.images.is_empty());
    assert_eq!((bare.product.variants[0].grams, bare.product.variants[0].prices[0].compare_at), (None, None));
}

#[test]
fn a_price_that_is_left_empty_stays_and_a_new_variant_has_to_have_one() {
    let first = new(COLOURS);
    let unpriced = COLOURS.replace("10.00", "").replace("11.00", "");
    assert_eq!(again(&first, &unpriced).product, first.product);
    let more = "Handle,Title,Option1 Name,Option1 Value,Variant Price\n\
        bowl,Bowl,Colour,Blue,\nbowl,,,Red,\nbowl,,,Green,12.00\nbowl,,,Lime,\n";
    let refused =
        merged(&first.product, ("", &InLanguages::new()), &read(more), &context(Currency::USD), &BTreeMap::new())
            .unwrap_err();
    let reported: Vec<_> = refused.iter().map(|issue| (issue.line, issue.column, issue.code.as_str())).collect();
    assert_eq!(reported, [(Some(3), "Variant Price", "missing_price"), (Some(5), "Variant Price", "missing_price")]);
}

#[test]
fn a_type_is_a_category_by_name_or_handle_else_a_warning() {
    let typed = |words: &str| new(&COLOURS.replace("Bowls & Plates", words));
    let path = |merged: &Merged| merged.product.categories.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(path(&typed("bowls & plates")), ["home", "bowls"]);
    assert_eq!(path(&typed("home")), ["home"]);
    let unknown = typed("Cups");
    assert!(path(&unknown).is_empty());
    assert_eq!((unknown.warnings[0].code.as_str(), unknown.warnings[0].column), ("unknown_category", "Type"));
    assert_eq!(unknown.product.file_type.as_ref().map(Line::as_str), Some("Cups"));
}

#[test]
fn publishing_needs_the_wish_of_the_import_of_the_file_and_an_approved_shop() {
    let csv = |published: &str, status: &str| {
        format!("Handle,Title,Published,Variant Price,Status\nbowl,Bowl,{published},10.00,{status}\n")
    };
    let state = |csv: &str, publish, approved| {
        let context = ImportContext { publish, approved, ..context(Currency::USD) };
        let product = added(&read(csv), &context, ProductId::from_bits(9), handle("bowl")).unwrap().product;
        assert_eq!(product.published_at.is_some(), product.state == ProductState::Published);
        product.state
    };
    assert_eq!(state(&csv("true", "active"), true, true), ProductState::Published);
    assert_eq!(state(&csv("", ""), true, true), ProductState::Published);
    for (published, status, publish, approved) in [
        ("true", "active", false, true),
        ("false", "active", true, true),
        ("true", "draft", true, true),
        ("true", "active", true, false),
    ] {
        assert_eq!(state(&csv(published, status), publish, approved), ProductState::Draft, "{published} {status}");
    }
}

#[test]
fn a_published_product_stays_published() {
    let mut first = new(COLOURS);
    first.product.state = ProductState::Published;
    first.product.published_at = Some(Timestamp::from_millis(5));
    assert_eq!(again(&first, COLOURS).product, first.product);
}

#[test]
fn a_handle_that_is_taken_is_followed_by_the_vendors() {
    let vendor = vendor();
    let names: Vec<String> = handles(&handle("bowl"), &vendor).take(3).map(|handle| handle.to_string()).collect();
    assert_eq!(names, ["bowl", "bowl-chorsu", "bowl-chorsu-2"]);
    let elsewhere =
        added(&read(COLOURS), &context(Currency::USD), ProductId::from_bits(1), handle("bowl-chorsu")).unwrap();
    assert!(is_of_file(&elsewhere.product, &vendor, "bowl"));
    assert!(!is_of_file(&elsewhere.product, &vendor, "bowl-chorsu"));
    let stranger = VendorCard { id: VendorId::from_bits(8), ..vendor };
    assert!(!is_of_file(&elsewhere.product, &stranger, "bowl"));
}

#[test]
fn a_product_that_was_renamed_is_known_by_its_new_name() {
    let mut renamed =
        added(&read(COLOURS), &context(Currency::USD), ProductId::from_bits(1), handle("bowl-chorsu")).unwrap().product;
    assert!(is_of_file(&renamed, &vendor(), "bowl"));
    renamed.handle = handle("azure-bowl");
    assert!(!is_of_file(&renamed, &vendor(), "bowl"));
    assert!(is_of_file(&renamed, &vendor(), "azure-bowl"));
}

#[test]
fn what_the_shop_knows_of_options_stays_while_the_file_brings_nothing_new() {
    let mut first = new(COLOURS);
    first.product.options[0].values = ["Green", "Blue", "Red"].map(|value| Name::parse(value).unwrap()).to_vec();
    assert_eq!(again(&first, COLOURS).product, first.product);
    let more = COLOURS.replace("Green", "Lime");
    let values: Vec<String> = again(&first, &more).product.options[0].values.iter().map(ToString::to_string).collect();
    assert_eq!(values, ["Blue", "Lime"]);
}

/// A product of WooCommerce's export, in these categories.
fn woocommerce(categories: &str) -> (ProductDraft, Columns) {
    let header = "ID,Type,SKU,Name,Published,Regular price,Categories,Images\n";
    draft(&format!("{header}7,simple,K-1,Bowl,1,9.00,\"{categories}\",https://a.test/b.jpg\n"), Currency::USD)
}

#[test]
fn of_several_categories_the_deepest_that_the_tree_knows_counts_and_stays() {
    let added_from = |categories: &str| {
        let draft = woocommerce(categories).0;
        added(&draft, &context(Currency::USD), ProductId::from_bits(9), handle("bowl")).unwrap()
    };
    let path = |merged: &Merged| merged.product.categories.iter().map(ToString::to_string).collect::<Vec<_>>();
    let first = added_from("Sale, Home > Bowls & Plates > Deep ones, Home > Bowls & Plates");
    assert_eq!((path(&first), first.warnings.len()), (vec!["home".to_owned(), "bowls".to_owned()], 0));
    assert_eq!(path(&added_from("Sale, Home")), ["home"]);
    let unknown = added_from("Sale, Summer");
    assert_eq!((unknown.warnings[0].value.as_str(), path(&unknown).len()), ("Sale", 0));
    let (draft, columns) = woocommerce("Home > Bowls & Plates, Sale");
    let context = ImportContext { columns, ..context(Currency::USD) };
    let second =
        merged(&first.product, (&first.description_html, &first.descriptions), &draft, &context, &BTreeMap::new())
            .unwrap();
    assert_eq!(second.product, first.product);
}

#[test]
fn a_product_that_is_told_by_its_key_has_no_handle_of_a_file_and_alternative_texts_stay() {
    let (draft, columns) = woocommerce("");
    let context = ImportContext { columns, ..context(Currency::USD) };
    let mut first = added(&draft, &context, ProductId::from_bits(9), handle("bowl-chorsu")).unwrap();
    assert_eq!((&first.product.file_handle, super::file_handle(&first.product)), (&None, "bowl-chorsu"));
    assert_eq!(first.product.file_key.as_ref().map(Line::as_str), Some("k-1"));
    first.product.images[0].alt = Some(Line::parse("A bowl").unwrap());
    let second = merged(&first.product, ("", &InLanguages::new()), &draft, &context, &BTreeMap::new()).unwrap();
    assert_eq!(second.product, first.product, "the file has no column for them");
    let alone = ProductDraft { title: None, ..draft };
    let refused = added(&alone, &context, ProductId::from_bits(9), handle("bowl")).unwrap_err();
    assert_eq!((refused[0].code.as_str(), refused[0].value.as_str()), ("unknown_product", "k-1"));
}

const SPOKEN: &str = "Handle,Title,Text Language,Title / ru,Body (HTML) / ru,Option1 Name,Option1 Name / ru,Option1 Value,\
    Option1 Value / ru,Variant Price\nbowl,Kosa,uz,Миска,<p>Глина</p>,Rang,Цвет,Oq,Белый,1\nbowl,,,,,,,Qora,Чёрный,1\n";

#[test]
fn texts_in_other_languages_come_stay_and_go_as_the_file_has_columns_for_them() {
    let russian = ContentLanguage::parse("ru").unwrap();
    let first = new(SPOKEN);
    assert_eq!(first.product.language.as_ref().map(ContentLanguage::as_str), Some("uz"));
    assert_eq!(first.descriptions.get(&russian).map(String::as_str), Some("<p>Глина</p>"));
    let said = first.product.translations.get(&russian).unwrap();
    assert_eq!(said.title.as_ref().map(ToString::to_string).as_deref(), Some("Миска"));
    let words = said.options.values().next().unwrap();
    assert_eq!((words.name.as_ref().map(Name::as_str), words.values.len()), (Some("Цвет"), 2));
    let second = again(&first, SPOKEN);
    assert_eq!((&second.product, &second.descriptions), (&first.product, &first.descriptions));

    let silent = "Handle,Title,Option1 Name,Option1 Value,Variant Price\nbowl,Kosa,Rang,Oq,1\nbowl,,,Qora,1\n";
    let second = again(&first, silent);
    assert_eq!((&second.product, &second.descriptions), (&first.product, &first.descriptions));
    let renamed = again(&first, &silent.replace("Qora", "Kulrang"));
    let words = renamed.product.translations.get(&russian).unwrap().options.values().next().unwrap().clone();
    assert_eq!(words.values.len(), 1, "the words of what is gone are forgotten");

    let described = again(&first, &SPOKEN.replace("Миска", "").replace("Цвет", "").replace("Белый", ""));
    let said = described.product.translations.get(&russian).unwrap();
    assert_eq!((&said.title, said.options.values().map(|words| words.values.len()).sum::<usize>()), (&None, 1));
    let texts = ["uz", "Миска", "<p>Глина</p>", "Цвет", "Белый", "Чёрный"];
    let emptied = again(&first, &texts.iter().fold(SPOKEN.to_owned(), |file, text| file.replace(text, "")));
    assert_eq!(emptied.product.language, None);
    assert!(emptied.product.translations.is_empty() && emptied.descriptions.is_empty());
}

#[test]
fn a_description_alone_keeps_its_language_and_words_that_are_alike_are_refused() {
    let russian = ContentLanguage::parse("ru").unwrap();
    let alone = new("Handle,Title,Title / ru,Body (HTML) / ru,Variant Price\nbowl,Kosa,,Глина,1\n");
    assert!(alone.product.translations.get(&russian).unwrap().is_empty());
    let csv = SPOKEN.replace("Чёрный", "Белый");
    let refused = added(&read(&csv), &context(Currency::USD), ProductId::from_bits(9), handle("bowl")).unwrap_err();
    assert_eq!(refused[0].code, "product_same_word");
}
