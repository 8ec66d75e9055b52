use std::collections::BTreeMap;

use domain::catalog::CategoryTree;
use domain::job::StockImport;
use domain::stock::{Layout, StockShard};
use domain::text::{Handle, Name};
use domain::vendor::VendorCard;
use domain::{Currency, ImportId, Timestamp, VendorId};
use store::catalog::StoredProduct;

use super::{Known, Outcome, Place, Plan};
use crate::merge::{ImportContext, Units};
use product_file::{Columns, ProductDraft, ProductReader, Products};

const FILE: &str = "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant Inventory Qty,Variant Price\n\
    bowl,Bowl,<p>Blue</p>,Colour,Blue,5,10.00\nbowl,,,,Green,0,11.00\n";

fn context() -> ImportContext {
    let handle = Handle::parse("chorsu").unwrap();
    ImportContext {
        vendor: VendorCard { id: VendorId::from_bits(7), handle, name: Name::parse("Chorsu").unwrap() },
        approved: true,
        language: pages::Language::En,
        currency: Currency::USD,
        publish: false,
        tree: CategoryTree::default(),
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

fn place() -> Place {
    Place { key: 1, line: 2, handle: "bowl".to_owned() }
}

fn read(csv: &str) -> ProductDraft {
    Products::new(csv.as_bytes(), ProductReader::new(Currency::USD)).next().unwrap().unwrap().product.unwrap()
}

fn first() -> Plan {
    let known = Known { stored: None, free_handle: Handle::parse("bowl").ok(), ..Known::default() };
    Plan::new(place(), read(FILE), known, &context()).unwrap()
}

/// The plan for a file when this product is stored, with these units (available, reserved) of its first variant per
/// shard.
fn then(stored: &StoredProduct, units: &[(i64, i64)], csv: &str) -> Plan {
    let shards = units.iter().map(|(available, reserved)| StockShard { available: *available, reserved: *reserved });
    let shards = BTreeMap::from([(stored.product.variants[0].id, shards.collect())]);
    let known = Known { stored: Some(stored.clone()), shards, ..Known::default() };
    Plan::new(place(), read(csv), known, &context()).unwrap()
}

#[test]
fn a_new_product_is_shown_with_the_stock_that_it_is_about_to_get() {
    let plan = first();
    let stored = plan.stored();
    assert!(matches!(plan.outcome(), Outcome::Imported { created: true, updated: false, variants: 2, .. }));
    assert_eq!(stored.availability.of(stored.product.variants[0].id), 5);
    assert_eq!(stored.availability.available.len(), 1);
    assert_eq!(plan.stock_changes(), [(stored.product.variants[0].id, Layout::default(), Units::Set(5))]);
}

#[test]
fn what_is_as_the_file_says_is_not_written() {
    let stored = first().stored();
    // Spread over several shards, with some units reserved: units on hand are available plus reserved.
    for units in [&[(5, 0)][..], &[(1, 1), (0, 3)]] {
        let plan = then(&stored, units, FILE);
        assert!(!plan.changes_product() && plan.stock_changes().is_empty(), "{units:?}");
        assert!(matches!(plan.outcome(), Outcome::Imported { created: false, updated: false, .. }));
    }
}

#[test]
fn each_difference_is_seen_for_itself() {
    let stored = first().stored();
    let changes = |plan: &Plan| (plan.changes_product(), plan.stock_changes().len());
    assert_eq!(changes(&then(&stored, &[(4, 0)], FILE)), (false, 1));
    assert_eq!(changes(&then(&stored, &[(5, 0)], &FILE.replace("10.00", "9.00"))), (true, 0));
    assert_eq!(changes(&then(&stored, &[(5, 0)], &FILE.replace("<p>Blue</p>", "<p>Azure</p>"))), (true, 0));
    assert_eq!(changes(&then(&stored, &[(5, 0)], &FILE.replace(",5,", ",,"))), (false, 0));
}

#[test]
fn a_dry_run_names_the_texts_in_other_languages_that_change() {
    let stored = first().stored();
    let said = FILE.replace("Body (HTML),", "Body (HTML),Body (HTML) / ru,").replace("</p>,", "</p>,<p>Синяя</p>,");
    let said = said.replace("bowl,,,,Green", "bowl,,,,,Green");
    let plan = then(&stored, &[(5, 0)], &said);
    assert_eq!(plan.preview().unwrap().detail, "texts in other languages");
    let stored = plan.stored();
    assert_eq!(stored.descriptions.len(), 1);
    assert!(!then(&stored, &[(5, 0)], &said).changes_product() && !then(&stored, &[(5, 0)], FILE).changes_product());
}

#[test]
fn stock_below_what_is_reserved_is_left_and_reported() {
    let plan = then(&first().stored(), &[(0, 9)], FILE);
    assert!(plan.stock_changes().is_empty());
    assert_eq!(plan.merged.warnings[0].code, "quantity_reserved");
}

#[test]
fn what_is_left_of_a_variant_that_is_gone_is_forgotten() {
    let stored = first().stored();
    let green = FILE.replace("Colour,Blue,5,10.00\nbowl,,,,Green,0,11.00", "Colour,Green,0,11.00");
    let plan = then(&stored, &[(5, 0)], &green);
    assert_eq!(plan.stored().product.variants.len(), 1);
    assert!(plan.stored().availability.available.is_empty());
}

#[test]
fn without_a_handle_the_product_stays_out() {
    let known = Known { stored: None, free_handle: None, ..Known::default() };
    let (at, issues) = Plan::new(place(), read(FILE), known, &context()).unwrap_err();
    assert_eq!((at.line, issues[0].code.as_str()), (2, "handle_taken"));
}
