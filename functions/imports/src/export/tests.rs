//! What was written reads back unchanged.

use domain::stored::Kept;
use std::collections::BTreeMap;

use domain::catalog::{
    CategoryTree, Image, ImageSource, InventoryPolicy, OptionWords, Origin, Price, Product, ProductOption,
    ProductState, SaleUnit, Seo, Translation, Variant,
};
use domain::job::FileFormat;
use domain::stock::StockShard;
use domain::text::{ContentLanguage, Handle, InLanguages, Line, LongText, Name, Sku, Title};
use domain::vendor::VendorCard;
use domain::{Currency, MediaId, Money, ProductId, Timestamp, VariantId, VendorId};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use store::catalog::StoredProduct;

use product_file::{
    Columns, Entry, OptionTexts, ProductDraft, ProductReader, ProductWriter, Products, Status, TextsDraft,
    VariantDraft, shown_description, text_headers,
};

use super::draft_of;
use crate::merge::{ImportContext, merged};

/// The entries of a file priced in USD.
fn entries(file: &[u8]) -> Vec<Entry> {
    Products::new(file, ProductReader::new(Currency::USD)).map(Result::unwrap).collect()
}

/// The products of a file without errors, wherever they stand in it.
fn products(file: &[u8]) -> Vec<ProductDraft> {
    entries(file).into_iter().map(|entry| without_lines(entry.product.unwrap())).collect()
}

fn without_lines(mut product: ProductDraft) -> ProductDraft {
    product.variants.iter_mut().for_each(|variant| variant.line = None);
    product
}

fn written(products: &[ProductDraft]) -> Vec<u8> {
    written_as(FileFormat::Shopify, products)
}

/// The languages in which products have texts besides their own.
fn languages() -> [ContentLanguage; 2] {
    ["ru", "uz-Cyrl"].map(|tag| ContentLanguage::parse(tag).unwrap())
}

fn written_as(format: FileFormat, products: &[ProductDraft]) -> Vec<u8> {
    let has_texts = format == FileFormat::Shopify && products.iter().any(|product| product.language.is_some());
    let kept = if has_texts { text_headers(&languages()) } else { Vec::new() };
    let writer = ProductWriter::new(format, &kept);
    let mut file = Vec::new();
    writer.write_header(&mut file).unwrap();
    for product in products {
        writer.write(&mut file, product).unwrap();
    }
    file
}

/// Text with characters that a CSV file, a spreadsheet or a parser treats specially.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z ,;\"'=+@\\-]{1,40}",
        "'{0,3}[=+@\\-]{1,3}[\\PC]{0,20}",
        "[\\PC]{1,60}",
        Just("Default Title".to_owned()),
        Just("Title".to_owned()),
    ]
}

fn line<T>(parse: impl Fn(&str) -> Option<T> + Clone) -> impl Strategy<Value = T>
where
    T: std::fmt::Debug,
{
    text().prop_filter_map("not a text of this kind", move |text| parse(&text))
}

fn name() -> impl Strategy<Value = Name> {
    line(|text| Name::parse(text).ok())
}

fn image_source() -> impl Strategy<Value = ImageSource> {
    prop_oneof![
        "https://[a-z]{1,8}\\.test/[a-zA-Z0-9,;'=+@%?&]{0,30}",
        any::<u128>().prop_map(|bits| format!("media:{}", MediaId::from_bits(bits))),
        Just("https://a.test/one".to_owned()),
    ]
    .prop_filter_map("not a picture", |text| ImageSource::parse(&text))
}

fn paragraphs() -> impl Strategy<Value = String> {
    let breaks = prop::sample::select(vec!["\r\n", "\n\n", "\r", "\t", "<p>x</p>"]);
    vec(prop_oneof![text(), breaks.prop_map(str::to_owned)], 0..6).prop_map(|parts| parts.concat())
}

fn price() -> impl Strategy<Value = Price> {
    let compared = prop_oneof![Just(0), 1_i64..100_000_000];
    (0_i64..100_000_000, of(compared)).prop_map(|(price, compared)| Price {
        price: Money::new(price, Currency::USD),
        compare_at: compared.map(|compared| Money::new(compared, Currency::USD)),
    })
}

fn sale_unit() -> impl Strategy<Value = SaleUnit> {
    (1_u32..9_999, 0_usize..3).prop_map(|(thousandths, unit)| {
        let text = format!("{}.{:03} {}", thousandths / 1_000, thousandths % 1_000, ["kg", "m", "l"][unit]);
        SaleUnit::parse(&text).unwrap()
    })
}

prop_compose! {
    fn variant(options: usize)(
        values in vec(name(), options), sku in of(line(|text| Sku::parse(text).ok())), grams in of(any::<u32>()),
        sale_unit in of(sale_unit()),
        quantity in of(0_i64..=10_000_000), continue_selling in of(any::<bool>()), price in of(price()), image in of(image_source()),
    ) -> VariantDraft {
        VariantDraft { line: None, values, sku, grams, sale_unit, quantity, continue_selling, price, image, kept: Vec::new() }
    }
}

/// Names of options with variants that have a value of each and differ from one another.
fn variants() -> impl Strategy<Value = (Vec<Name>, Vec<VariantDraft>)> {
    (0_usize..=3).prop_flat_map(|options| {
        let most = if options == 0 { 1 } else { 6 };
        (vec(name(), options), vec(variant(options), 1..=most)).prop_map(|(names, mut variants)| {
            let mut seen: Vec<VariantDraft> = Vec::new();
            variants.retain(|variant| {
                let new = seen.iter().all(|earlier| earlier.values != variant.values);
                seen.extend(new.then(|| variant.clone()));
                new
            });
            (names, variants)
        })
    })
}

prop_compose! {
    /// Texts of a product in another language, with words that are still to be given to its options and values.
    fn texts()(
        title in of(line(|text| Title::parse(text).ok())),
        body in paragraphs(),
        seo_title in of(line(|text| Line::parse(text).ok())),
        seo_text in of(paragraphs()),
        words in vec(of(name()), 24),
    ) -> (TextsDraft, Vec<Option<Name>>) {
        let texts = TextsDraft {
            title: Some(title),
            body_html: Some(shown(&body)),
            seo_title: Some(seo_title),
            seo_description: Some(seo_text.and_then(|text| filled(&text))),
            ..TextsDraft::default()
        };
        (texts, words)
    }
}

fn shown(html: &str) -> Option<String> {
    let shown = LongText::parse(html).and_then(|html| shown_description(&html)).ok()?;
    Some(shown.to_string()).filter(|shown| !shown.is_empty())
}

fn filled(text: &str) -> Option<LongText> {
    LongText::parse(text).ok().filter(|text| !text.as_str().is_empty())
}

/// The texts with their words for these options.
fn with_words((mut texts, words): (TextsDraft, Vec<Option<Name>>), options: &[ProductOption]) -> TextsDraft {
    let mut words = words.into_iter();
    for (index, slot) in texts.options.iter_mut().enumerate() {
        let option = options.get(index);
        let name = option.and_then(|_| words.next().flatten());
        let values = option.into_iter().flat_map(|option| &option.values);
        let values = values.filter_map(|value| Some((value.clone(), words.next().flatten()?))).collect();
        *slot = OptionTexts { name: Some(name), values: Some(values) };
    }
    texts
}

prop_compose! {
    fn any_product()(
        handle in "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}",
        title in line(|text| Title::parse(text).ok()),
        body in paragraphs(),
        (vendor, category, seo_title) in (of(line(|text| Line::parse(text).ok())), of(line(|text| Line::parse(text).ok())), of(line(|text| Line::parse(text).ok()))),
        seo_text in of(paragraphs()),
        tags in vec(name(), 0..5),
        published in of(any::<bool>()),
        status in of(prop::sample::select(vec![Status::Active, Status::Draft, Status::Archived])),
        (names, variants) in variants(),
        (images, language, texts) in (vec((image_source(), of(line(|text| Line::parse(text).ok()))), 0..9), of(Just("uz")), vec(texts(), 2)),
    ) -> ProductDraft {
        let options: Vec<ProductOption> = names.into_iter().enumerate().map(|(index, name)| {
            let mut values: Vec<Name> = Vec::new();
            for variant in &variants {
                if !values.contains(&variant.values[index]) {
                    values.push(variant.values[index].clone());
                }
            }
            ProductOption { name, values }
        }).collect();
        let texts = texts.into_iter().map(|texts| with_words(texts, &options));
        let texts = languages().into_iter().zip(texts).collect();
        ProductDraft {
            handle: Handle::parse(&handle).unwrap(),
            file_handle: handle.to_string(),
            file_key: None,
            former_key: None,
            title: Some(title),
            continues: false,
            body_html: shown(&body),
            vendor,
            category,
            other_categories: Vec::new(),
            tags,
            published,
            status,
            options,
            variants,
            images: images.into_iter().map(|(src, alt)| Image { src, alt }).collect(),
            seo: Seo { title: seo_title, description: seo_text.and_then(|text| filled(&text)) },
            language: Some(language.and_then(ContentLanguage::parse)),
            texts,
            kept: Vec::new(),
        }
    }
}

/// A product that passes `Product::check`.
fn product() -> impl Strategy<Value = ProductDraft> {
    any_product().prop_filter("no shop can have it", |draft| in_shop(draft).check().is_ok())
}

fn vendor() -> VendorCard {
    let handle = Handle::parse("chorsu").unwrap();
    VendorCard { id: VendorId::from_bits(7), handle, name: Name::parse("Chorsu").unwrap() }
}

/// What is said in other languages; a language of which there is only a description is there with nothing else.
fn translations(draft: &ProductDraft) -> InLanguages<Translation> {
    let translation = |(language, texts): (&ContentLanguage, &TextsDraft)| {
        let of_option = |(option, texts): (&ProductOption, &OptionTexts)| {
            let values = texts.values.clone().unwrap_or_default();
            (option.name.clone(), OptionWords { name: texts.name.clone().flatten(), values })
        };
        let words = draft.options.iter().zip(&texts.options).map(of_option);
        let said = Translation {
            title: texts.title.clone().flatten(),
            seo: Seo { title: texts.seo_title.clone().flatten(), description: texts.seo_description.clone().flatten() },
            options: words.filter(|(_, words)| !words.is_empty()).collect(),
        };
        let is_said = !said.is_empty() || texts.body_html.clone().flatten().is_some();
        is_said.then(|| (language.clone(), said))
    };
    draft.texts.iter().filter_map(translation).collect()
}

fn descriptions(draft: &ProductDraft) -> InLanguages<String> {
    let described = draft.texts.iter();
    described.filter_map(|(language, texts)| Some((language.clone(), texts.body_html.clone().flatten()?))).collect()
}

/// The stored product, where each variant has a price in another currency, too.
fn in_shop(draft: &ProductDraft) -> Product {
    let id = ProductId::from_bits(9);
    let elsewhere = Price { price: Money::new(5_000, Currency::UZS), compare_at: None };
    let variants: Vec<Variant> = (1..)
        .zip(&draft.variants)
        .map(|(ordinal, variant)| Variant {
            id: VariantId::new(id, ordinal),
            sku: variant.sku.clone(),
            values: variant.values.clone(),
            prices: variant.price.into_iter().chain([elsewhere]).collect(),
            grams: variant.grams,
            sale_unit: variant.sale_unit,
            image: variant.image.clone(),
            shards: 1,
            peak_shards: 1,
            inventory_policy: if variant.continue_selling == Some(true) {
                InventoryPolicy::Backorder
            } else {
                InventoryPolicy::Deny
            },
            available_from: None,
            oversell_limit: None,
            low_stock_at: None,
        })
        .collect();
    Product {
        id,
        vendor: vendor(),
        handle: draft.handle.clone(),
        title: draft.title.clone().unwrap(),
        categories: Vec::new(),
        language: draft.language.clone().flatten(),
        translations: translations(draft),
        removed_category: None,
        options: draft.options.clone(),
        next_ordinal: u16::try_from(variants.len() + 1).unwrap(),
        variants,
        images: draft.images.clone(),
        pictures: BTreeMap::new(),
        alike: None,
        tags: draft.tags.clone(),
        seo: draft.seo.clone(),
        file_handle: None,
        file_type: draft.category.clone(),
        file_vendor: draft.vendor.clone(),
        file_key: draft.file_key.clone(),
        renamed_at: None,
        awaits_handle: false,
        origin: Origin::default(),
        hidden: None,
        state: ProductState::Draft,
        listed: true,
        published_at: None,
        created_at: Timestamp::from_millis(1_000),
        version: 1,
        kept: Kept::default(),
    }
}

fn distinct(mut products: Vec<ProductDraft>) -> Vec<ProductDraft> {
    let mut seen = Vec::new();
    products.retain(|product| {
        let new = !seen.contains(&product.handle);
        seen.push(product.handle.clone());
        new
    });
    products
}

proptest! {
    #[test]
    fn an_export_reads_back(exported in vec(product(), 0..4).prop_map(distinct)) {
        let file = written(&exported);
        prop_assert_eq!(products(&file), exported);
    }

    #[test]
    fn importing_an_export_changes_no_product_that_a_shop_can_have(draft in product()) {
        for format in [FileFormat::Shopify, FileFormat::WooCommerce] {
            let tree = CategoryTree::default();
            let mut stored = StoredProduct::new(in_shop(&draft), draft.body_html.clone().unwrap_or_default());
            stored.descriptions = descriptions(&draft);
            let units: BTreeMap<VariantId, StockShard> = stored
                .product
                .variants
                .iter()
                .zip(&draft.variants)
                .map(|(variant, drafted)| {
                    (variant.id, StockShard { available: drafted.quantity.unwrap_or(0), reserved: 0 })
                })
                .collect();
            let shards = units.iter().map(|(variant, shard)| (*variant, vec![*shard])).collect();
            let exported = draft_of(&stored, &shards, Currency::USD, &tree, &text_headers(&languages()));
            if format == FileFormat::Shopify {
                prop_assert_eq!((&exported.language, &exported.texts), (&draft.language, &draft.texts));
            }
            let file = written_as(format, std::slice::from_ref(&exported));
            let [read] = <[ProductDraft; 1]>::try_from(products(&file)).unwrap();
            prop_assert_eq!(read.wants_publishing(), exported.wants_publishing());
            // What a shop without the product makes of it, too: its handle, its pictures' texts, its SEO texts.
            let published = (exported.published, exported.status);
            let mut as_read = ProductDraft { published: read.published, status: read.status, ..exported.clone() };
            // WooCommerce has no place for sale units and texts in several languages: an export does not have them, and
            // an import leaves them.
            let has_units = format == FileFormat::Shopify;
            if !has_units {
                as_read.variants.iter_mut().for_each(|variant| variant.sale_unit = None);
                (as_read.language, as_read.texts) = (None, BTreeMap::new());
            }
            let read = ProductDraft { file_key: exported.file_key.clone(), ..read };
            prop_assert_eq!(&read, &as_read, "published: {:?}", published);
            let context = ImportContext {
                vendor: vendor(),
                approved: true,
                language: pages::Language::En,
                currency: Currency::USD,
                publish: false,
                tree,
                columns: Columns { sale_unit: has_units, ..Columns::ALL },
                import: domain::ImportId::from_bits(1),
                fetch_images: false,
                stock: domain::job::StockImport::Set,
                is_partial: false,
                kept_columns: Vec::new(),
                spellings: std::collections::BTreeMap::new(),
                now: Timestamp::from_millis(2_000),
            };
            let again = merged(&stored.product, (&stored.description_html, &stored.descriptions), &read, &context, &units).unwrap();
            prop_assert_eq!(again.product, stored.product);
            prop_assert_eq!(again.description_html, stored.description_html);
            prop_assert_eq!(again.descriptions, stored.descriptions);
            for (variant, _, on_hand) in again.stock {
                prop_assert_eq!(on_hand, crate::merge::Units::Set(units[&variant].on_hand()));
            }
        }
    }

    #[test]
    fn no_cell_of_an_export_is_a_formula(product in product()) {
        for format in [FileFormat::Shopify, FileFormat::WooCommerce] {
            let file = written_as(format, std::slice::from_ref(&product));
            let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(file.as_slice());
            for row in rows.byte_records() {
                for cell in &row.unwrap() {
                    prop_assert!(!cell.first().is_some_and(|first| b"=+-@\t\r".contains(first)));
                }
            }
        }
    }

    #[test]
    fn whatever_reads_is_written_so_that_it_reads_the_same(
        cells in vec(vec(prop_oneof![text(), Just(String::new()), Just("1".to_owned()), Just("a".to_owned())], 8), 0..12),
    ) {
        let header = "Handle,Title,Body (HTML),Tags,Option1 Name,Option1 Value,Variant Price,SEO Description\n";
        let mut rows = csv::Writer::from_writer(header.as_bytes().to_vec());
        for row in &cells {
            rows.write_record(row).unwrap();
        }
        let known = entries(&rows.into_inner().unwrap()).into_iter().filter_map(|entry| entry.product.ok());
        // An export has whole products, each in one place.
        let whole = known.filter(|draft| draft.title.is_some() && !draft.continues);
        let read: Vec<ProductDraft> = whole.map(without_lines).collect();
        prop_assert_eq!(products(&written(&read)), read);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..400), tail in "[ab\"',;\r\n\t=1-]{0,200}") {
        let mut file = b"Handle,Title,Variant Price,Body (HTML)\n".to_vec();
        file.extend_from_slice(&bytes);
        file.extend_from_slice(tail.as_bytes());
        entries(&file);
        let _ = Products::new(bytes.as_slice(), ProductReader::new(Currency::UZS)).collect::<Result<Vec<_>, _>>();
    }
}

#[test]
fn an_export_has_shopifys_columns() {
    assert_eq!(
        String::from_utf8(written(&[])).unwrap(),
        "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,\
         Option3 Value,Variant SKU,Variant Grams,Sale Unit,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Image Src,Image Position,\
         Image Alt Text,SEO Title,SEO Description,Variant Image,Status\n"
    );
}
