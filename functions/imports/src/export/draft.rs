//! A stored product as a file has it. Pure; importing it again makes the same product.

use std::collections::BTreeMap;

use domain::catalog::{CategoryTree, OptionWords, ProductState};
use domain::stock::StockShard;
use domain::text::{ContentLanguage, Handle};
use domain::{Currency, VariantId};
use store::catalog::StoredProduct;

use crate::merge::{file_handle, file_type, file_vendor};
use product_file::{OptionTexts, ProductDraft, Status, TextsDraft, VariantDraft, is_text_header, text_languages};

/// The column that stands in for an empty `Type`.
const PRODUCT_CATEGORY: &str = "Product Category";

/// The product as it is written to a file, with prices in one currency and with these columns behind ours.
pub(crate) fn draft_of(
    stored: &StoredProduct,
    shards: &BTreeMap<VariantId, Vec<StockShard>>,
    currency: Currency,
    tree: &CategoryTree,
    kept_columns: &[String],
) -> ProductDraft {
    let product = &stored.product;
    let columns = stored.file_columns.clone().unwrap_or_default();
    let category = file_type(product, tree);
    // A category that is not the product's any more would come back with the file.
    let is_kept = |header: &str| category.is_some() || !header.eq_ignore_ascii_case(PRODUCT_CATEGORY);
    let cells = |cell: &dyn Fn(&str) -> Option<String>| -> Vec<(usize, String)> {
        let kept = kept_columns.iter().enumerate().filter(|(_, header)| is_kept(header));
        kept.filter_map(|(position, header)| Some((position, cell(header)?))).collect()
    };
    let published = product.state == ProductState::Published;
    let on_hand = |variant: VariantId| {
        let shards = shards.get(&variant).into_iter().flatten();
        shards.fold(StockShard::default(), |sum, shard| sum.plus(*shard)).on_hand()
    };
    let variants = product.variants.iter().map(|variant| VariantDraft {
        line: None,
        values: variant.values.clone(),
        sku: variant.sku.clone(),
        grams: variant.grams,
        sale_unit: variant.sale_unit,
        quantity: Some(on_hand(variant.id)),
        continue_selling: Some(!variant.inventory_policy.denies()),
        price: variant.price_in(currency),
        image: variant.image.clone(),
        kept: cells(&|header| columns.of(variant.id, header).map(str::to_owned)),
    });
    ProductDraft {
        handle: Handle::mapped_from(&file_handle(product).to_ascii_lowercase()),
        file_handle: file_handle(product).to_owned(),
        file_key: product.file_key.clone(),
        former_key: None,
        title: Some(product.title.clone()),
        continues: false,
        // Written even when it is longer than an import accepts: an empty cell would delete the description when the
        // file is imported again.
        body_html: Some(stored.description_html.clone()).filter(|html| !html.is_empty()),
        vendor: file_vendor(product),
        category: category.clone(),
        other_categories: Vec::new(),
        tags: product.tags.clone(),
        published: Some(published),
        status: Some(if published { Status::Active } else { Status::Draft }),
        options: product.options.clone(),
        variants: variants.collect(),
        images: product.images.clone(),
        seo: product.seo.clone(),
        language: kept_columns.iter().any(|header| is_text_header(header)).then(|| product.language.clone()),
        texts: text_languages(kept_columns).into_iter().map(|language| texts_of(stored, language)).collect(),
        kept: cells(&|header| columns.of_product(header).map(str::to_owned)),
    }
}

/// What a product says in a language. Words of values that no variant has are left out, since no row has them.
fn texts_of(stored: &StoredProduct, language: ContentLanguage) -> (ContentLanguage, TextsDraft) {
    let product = &stored.product;
    let said = product.translations.get(&language).cloned().unwrap_or_default();
    let mut texts = TextsDraft {
        title: Some(said.title),
        body_html: Some(stored.descriptions.get(&language).cloned()),
        seo_title: Some(said.seo.title),
        seo_description: Some(said.seo.description),
        ..TextsDraft::default()
    };
    for (index, slot) in texts.options.iter_mut().enumerate() {
        let words = product.options.get(index).and_then(|option| said.options.get(&option.name));
        let OptionWords { name, mut values } = words.cloned().unwrap_or_default();
        values.retain(|value, _| product.variants.iter().any(|variant| variant.values.get(index) == Some(value)));
        *slot = OptionTexts { name: Some(name), values: Some(values) };
    }
    (language, texts)
}

#[cfg(test)]
mod tests {
    use domain::ProductId;
    use domain::catalog::{
        Category, ImageSource, InventoryPolicy, MAX_PRODUCT_BYTES, Product, RemovedCategory, Variant,
    };
    use domain::job::StockImport;
    use domain::text::{Handle, InLanguages, LongText, Name};
    use domain::vendor::VendorCard;
    use domain::{ImportId, Timestamp, VendorId};

    use super::*;
    use crate::merge::{ImportContext, Units, added, merged};
    use domain::job::FileFormat;
    use product_file::{Columns, ProductReader, ProductWriter, Products};

    fn handle(text: &str) -> Handle {
        Handle::parse(text).unwrap()
    }

    fn tree() -> CategoryTree {
        let leaf = |handle_: &str, name: &str| Category {
            handle: handle(handle_),
            name: Name::parse(name).unwrap(),
            names: InLanguages::new(),
            children: Vec::new(),
        };
        let home =
            Category { children: vec![leaf("bowls", "Bowls & Plates"), leaf("cups", "Cups")], ..leaf("home", "Home") };
        CategoryTree { roots: vec![home], version: 1, kept: domain::stored::Kept::default() }
    }

    fn context() -> ImportContext {
        ImportContext {
            vendor: VendorCard {
                id: VendorId::from_bits(7),
                handle: handle("chorsu"),
                name: Name::parse("Chorsu").unwrap(),
            },
            approved: true,
            language: pages::Language::En,
            currency: Currency::USD,
            publish: true,
            tree: tree(),
            columns: Columns::ALL,
            import: ImportId::from_bits(1),
            fetch_images: false,
            stock: StockImport::Set,
            is_partial: false,
            kept_columns: Vec::new(),
            spellings: BTreeMap::new(),
            now: Timestamp::from_millis(1_000),
        }
    }

    fn write(csv: &mut Vec<u8>, draft: &ProductDraft) {
        let writer = ProductWriter::new(FileFormat::Shopify, &[]);
        writer.write_header(&mut *csv).unwrap();
        writer.write(csv, draft).unwrap();
    }

    fn read(csv: &[u8]) -> ProductDraft {
        Products::new(csv, ProductReader::new(Currency::USD)).next().unwrap().unwrap().product.unwrap()
    }

    const FILE: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,\
        Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Image Alt Text,SEO Title,SEO Description,Status\n\
        bowl,=Bowl,<p>Blue &amp; <b>deep</b></p>,Chorsu,Bowls & Plates,\"glazed, hand made\",true,Colour,Blue,-B1,300,5,10.00,12.00,\
        https://a.test/b.jpg,A bowl,Bowls,Fine bowls,active\n\
        bowl,,,,,,,,Green,,,0,11.00,,https://a.test/g.jpg,,,,\n";

    fn stored(handle_: &str) -> (StoredProduct, BTreeMap<VariantId, Vec<StockShard>>) {
        let new = added(&read(FILE.as_bytes()), &context(), ProductId::from_bits(9), handle(handle_)).unwrap();
        let units = |units: i64| vec![StockShard { available: units, reserved: 0 }];
        let shards = new
            .stock
            .iter()
            .map(|(variant, _, on_hand)| (*variant, units(on_hand.on_hand(StockShard::default()))))
            .collect();
        (StoredProduct::new(new.product, new.description_html), shards)
    }

    /// Exports the product and imports the result.
    fn there_and_back(stored: &StoredProduct, shards: &BTreeMap<VariantId, Vec<StockShard>>) -> Product {
        let mut csv = Vec::new();
        write(&mut csv, &draft_of(stored, shards, Currency::USD, &tree(), &[]));
        let totals = shards.iter().map(|(variant, shards)| (*variant, shards[0])).collect();
        let again =
            merged(&stored.product, (&stored.description_html, &stored.descriptions), &read(&csv), &context(), &totals)
                .unwrap();
        assert_eq!(again.description_html, stored.description_html);
        for (variant, _, on_hand) in again.stock {
            assert_eq!(on_hand, Units::Set(totals[&variant].on_hand()));
        }
        again.product
    }

    #[test]
    fn importing_an_export_changes_nothing() {
        for handle in ["bowl", "bowl-chorsu"] {
            let (stored, shards) = stored(handle);
            assert_eq!(there_and_back(&stored, &shards), stored.product);
            assert_eq!(draft_of(&stored, &shards, Currency::USD, &tree(), &[]).handle.as_str(), "bowl");
        }
    }

    #[test]
    fn neither_does_it_when_the_product_was_changed_in_the_shop() {
        let (mut stored, mut shards) = stored("bowl");
        let product = &mut stored.product;
        product.state = ProductState::Draft;
        product.published_at = None;
        product.categories = vec![handle("home"), handle("cups")];
        product.options[0].values.push(Name::parse("Red").unwrap());
        product.file_vendor = None;
        shards.values_mut().for_each(|shards| shards[0].reserved = 2);
        assert_eq!(there_and_back(&stored, &shards), stored.product);
        stored.product.categories = vec![handle("home"), handle("gone-since")];
        assert_eq!(there_and_back(&stored, &shards), stored.product);
        for left in [vec![handle("home")], Vec::new()] {
            stored.product.categories.clone_from(&left);
            stored.product.removed_category = Some(RemovedCategory { handle: handle("gone-since"), left });
            assert_eq!(there_and_back(&stored, &shards), stored.product);
        }
        stored.product.removed_category = None;
        stored.product.file_type = None;
        assert_eq!(there_and_back(&stored, &shards), stored.product);
    }

    #[test]
    fn a_description_that_is_too_long_for_a_file_is_not_taken_away_by_one() {
        let (mut stored, shards) = stored("bowl");
        stored.description_html = "x".repeat(LongText::MAX_LENGTH + 1);
        let mut csv = Vec::new();
        write(&mut csv, &draft_of(&stored, &shards, Currency::USD, &tree(), &[]));
        let read = Products::new(csv.as_slice(), ProductReader::new(Currency::USD)).next().unwrap().unwrap();
        let errors = read.product.unwrap_err();
        assert_eq!(errors.iter().map(|error| error.code()).collect::<Vec<_>>(), ["text_too_long"]);
    }

    #[test]
    fn a_product_that_just_fits_its_item_comes_back_and_one_that_does_not_is_refused() {
        let (mut stored, shards) = stored("bowl");
        let product = &mut stored.product;
        let first = product.variants[0].clone();
        product.variants = (1..=100)
            .map(|ordinal| {
                let values = vec![Name::parse(&format!("Blue {ordinal}")).unwrap()];
                let image = ImageSource::parse(&format!("https://a.test/{}{ordinal:03}", "x".repeat(410)));
                Variant { id: VariantId::new(product.id, ordinal), values, image, ..first.clone() }
            })
            .collect();
        product.options[0].values = product.variants.iter().map(|variant| variant.values[0].clone()).collect();
        product.next_ordinal = 101;
        let size = serde_json::to_vec(product).unwrap().len();
        assert!((MAX_PRODUCT_BYTES - 2_000..MAX_PRODUCT_BYTES).contains(&size), "{size}");
        let shards: BTreeMap<_, _> =
            product.variants.iter().map(|variant| (variant.id, shards[&first.id].clone())).collect();
        assert_eq!(there_and_back(&stored, &shards), stored.product);

        let mut csv = Vec::new();
        write(&mut csv, &draft_of(&stored, &shards, Currency::USD, &tree(), &[]));
        let mut larger = read(&csv);
        larger.tags.extend((0..40).map(|number| Name::parse(&format!("{number:050}")).unwrap()));
        let totals = BTreeMap::new();
        let refused =
            merged(&stored.product, (&stored.description_html, &stored.descriptions), &larger, &context(), &totals)
                .unwrap_err();
        assert_eq!(refused[0].code, "product_too_large");
    }

    #[test]
    fn a_backorder_goes_on_as_it_is_and_keeps_its_date() {
        let (mut stored, shards) = stored("bowl");
        let variants = &mut stored.product.variants;
        variants[0].inventory_policy = InventoryPolicy::Preorder;
        variants[0].available_from = Some(Timestamp::from_millis(1_900_000_000_000));
        variants[0].oversell_limit = Some(7);
        variants[0].low_stock_at = Some(3);
        variants[1].inventory_policy = InventoryPolicy::Backorder;
        assert_eq!(there_and_back(&stored, &shards), stored.product);
    }

    #[test]
    fn prices_in_other_currencies_stay_where_they_are() {
        let (mut stored, shards) = stored("bowl");
        let other = domain::Money::new(5_000, Currency::UZS);
        stored.product.variants[0].prices.push(domain::catalog::Price { price: other, compare_at: None });
        assert_eq!(there_and_back(&stored, &shards), stored.product);
    }
}
