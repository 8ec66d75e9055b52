//! The tables: their keys, and who keeps copies of what is in them.

use std::collections::BTreeSet;

use cloud::dynamodb::{AttributeKind, Projection, StreamView};
use cloud::template::written_resources;

use super::nested::file;
use super::{parse, template, text};
use crate::site;

#[test]
fn every_table_has_its_keys_and_what_was_asked_of_it() {
    let template = template();
    let ids: Vec<&str> = template.tables.iter().map(|table| table.id.as_str()).collect();
    let expected = [
        "AccountsTable",
        "CartsTable",
        "CatalogTable",
        "KeysTable",
        "OrdersTable",
        "SessionsTable",
        "SettingsTable",
        "StockTable",
    ];
    assert_eq!(ids, expected);
    for table in &template.tables {
        assert_eq!(table.name, format!("bozor-{}", table.id));
        assert_eq!((table.key.hash.name.as_str(), table.key.hash.kind), ("pk", AttributeKind::Text));
        assert_eq!(table.key.range.as_ref().unwrap().name, "sk");
        let holds_keys = |name: &str| name.starts_with("keys_by_");
        for index in &table.indexes {
            let expected = if holds_keys(&index.name) { Projection::KeysOnly } else { Projection::All };
            assert_eq!(index.projection, expected, "{}", index.name);
        }
    }
    let streamed: Vec<&str> =
        template.tables.iter().filter(|table| table.stream.is_some()).map(|table| table.id.as_str()).collect();
    assert_eq!(streamed, ["OrdersTable", "StockTable"]);
    assert_eq!(template.table("CartsTable").unwrap().ttl.as_deref(), Some("expires_at_s"));

    let orders = template.table("OrdersTable").unwrap();
    assert_eq!(orders.stream, Some(StreamView::NewImage));
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/bozor-OrdersTable";
    assert_eq!(orders.arn(), arn);
    assert_eq!(orders.index_arn("keys_by_due"), format!("{arn}/index/keys_by_due"));
    assert_eq!(orders.stream_arn(), Some(format!("{arn}/stream/local")));
    let due = orders.indexes.iter().find(|index| index.name == "keys_by_due").unwrap();
    assert_eq!(due.key.range.as_ref().unwrap().kind, AttributeKind::Number);
    let reference = orders.indexes.iter().find(|index| index.name == "keys_by_reference").unwrap();
    assert_eq!(reference.key.range, None);
}

/// What is erased in Keys must not come back: a stream and a longer recovery are copies of it.
#[test]
fn what_is_erased_in_keys_is_gone_after_a_week_and_expires_by_itself_nowhere() {
    let template = template();
    let keys = template.table("KeysTable").unwrap();
    assert!(keys.stream.is_none() && keys.ttl.is_none() && keys.indexes.is_empty());
    let recovery = |id: &str| {
        let written = &written_resources(&file("template.yaml")).unwrap()[id].1;
        let recovery = written["PointInTimeRecoverySpecification"].clone();
        (recovery["PointInTimeRecoveryEnabled"].as_bool(), recovery["RecoveryPeriodInDays"].as_u64())
    };
    for table in &template.tables {
        let expected = match table.id.as_str() {
            "CartsTable" | "SessionsTable" => (None, None),
            "KeysTable" => (Some(true), Some(7)),
            _ => (Some(true), None),
        };
        assert_eq!(recovery(&table.id), expected, "{}", table.id);
    }
}

/// CloudFormation makes or deletes one index of a table with each update.
#[test]
fn a_stack_comes_from_the_indexes_of_before_to_those_of_now_one_at_a_time() {
    let indexes = |step: Option<&str>| -> BTreeSet<String> {
        let site = site("http://localhost:3000");
        let site = step.into_iter().fold(site, |site, step| site.with("OrdersIndexes", step));
        let template = parse(&text(), &site).unwrap();
        template.table("OrdersTable").unwrap().indexes.iter().map(|index| index.name.clone()).collect()
    };
    let steps = ["add-1", "add-2", "add-3", "add-4", "add-5", "drop-1", "drop-2", "drop-3", "keys"];
    let released = &written_resources(&file("infra/released.yaml")).unwrap()["OrdersTable"].1["GlobalSecondaryIndexes"];
    let names = released.as_array().unwrap().iter().map(|index| index["IndexName"].as_str().unwrap().to_owned());
    let released: BTreeSet<String> = names.collect();
    assert!(released.contains("by_state"), "{released:?}");
    let mut before = released;
    for step in steps {
        let after = indexes(Some(step));
        assert_eq!(before.symmetric_difference(&after).count(), 1, "{step}: {before:?} {after:?}");
        before = after;
    }
    assert_eq!(before, indexes(None), "a new stack begins at the end");
}
