//! What was renamed in stored data: an item of the first release that is read and written again has lost nothing.

use std::collections::BTreeSet;

use domain::UnmatchedPayment;
use domain::cart::Cart;
use domain::catalog::{Availability, CategoryTree, InventoryPolicy, Product, ProductCard};
use domain::dispute::Dispute;
use domain::job::{ExportJob, ImportJob, ImportRowError};
use domain::order::{Actor, Order, OrderEventKind, VendorOrder};
use domain::outbox::OutboxEvent;
use domain::payment::Payment;
use domain::refund::{Refund, RefundReason};
use domain::settings::Settings;
use domain::vendor::{Membership, Shop, VendorAccount};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::accounts::{AddressBook, Profile};

use super::FIRST;
use super::release::Release;

/// Fields of the first release with the fields around them, and their names of today.
const FIELDS: [(&str, &str); 10] = [
    ("/variants/most_shards", "/variants/peak_shards"),
    ("/variants/when_out", "/variants/inventory_policy"),
    ("/variants/back_order_limit", "/variants/oversell_limit"),
    ("/lines/back_order/beyond", "/lines/backorder/oversell_limit"),
    ("/lines/back_order", "/lines/backorder"),
    ("/lines/draws", "/lines/allocations"),
    ("/tally/faults", "/counts/errors"),
    ("/tally", "/counts"),
    ("/by_bank", "/charged_back"),
    ("/tries", "/attempts"),
];

/// Values of the first release by kind of item and by field, and what they are today.
const VALUES: [(&str, &str, &str, &str); 13] = [
    ("product", "/variants/inventory_policy", "back_order", "backorder"),
    ("product", "/variants/inventory_policy", "pre_order", "preorder"),
    ("event", "/kind", "payment_conflicted", "payment_amount_mismatch"),
    ("event", "/kind", "vendor_order_refused", "vendor_order_declined"),
    ("order", "/history/event", "payment_conflicted", "payment_amount_mismatch"),
    ("order", "/history/event", "refund_covered_by_bank", "refund_charged_back"),
    ("order", "/history/event", "refunded_at_provider", "refunded_elsewhere"),
    ("order", "/history/event", "refused", "declined"),
    ("payment", "/state", "conflicted", "amount_mismatch"),
    ("refund", "/reason", "provider", "refunded_elsewhere"),
    ("refund", "/reason", "refused", "declined"),
    ("vendor", "/phone", "+998 71 200 00 00", "+998712000000"),
    ("vendor_order", "/state", "refused", "declined"),
];

/// The item read and written by this build. `None` for what is no document of the domain.
fn rewritten(kind: &str, data: &str) -> Option<String> {
    Some(match kind {
        "order" => through::<Order>(data),
        "vendor_order" => through::<VendorOrder>(data),
        "payment" => through::<Payment>(data),
        "refund" => through::<Refund>(data),
        "dispute" => through::<Dispute>(data),
        "unclaimed" => through::<UnmatchedPayment>(data),
        "event" => through::<OutboxEvent>(data),
        "cart" => through::<Cart>(data),
        "product" => through::<Product>(data),
        "listing" => through::<ProductCard>(data),
        "availability" => through::<Availability>(data),
        "categories" => through::<CategoryTree>(data),
        "vendor" => through::<VendorAccount>(data),
        "shop" => through::<Shop>(data),
        "member" => through::<Membership>(data),
        "import" => through::<ImportJob>(data),
        "import_faults" => through::<Vec<ImportRowError>>(data),
        "export" => through::<ExportJob>(data),
        "address_book" => through::<AddressBook>(data),
        "profile" => through::<Profile>(data),
        "settings" => through::<Settings>(data),
        // Nothing, or one text.
        "claimed_cart" | "description" | "handle" | "idempotency" => return None,
        other => panic!("say of which type the document of {other} is"),
    })
}

fn through<T: Serialize + DeserializeOwned>(data: &str) -> String {
    let read: T = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"));
    serde_json::to_string(&read).expect("it can be written")
}

/// Every value that is not a container, empty or null, with the names of the fields around it, without positions in
/// lists.
fn leaves(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| leaves(value, &format!("{at}/{name}"), found)),
        Value::Array(items) => items.iter().for_each(|value| leaves(value, at, found)),
        Value::Null => {}
        leaf => found.push((at.to_owned(), leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned))),
    }
}

fn sorted_leaves(data: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    leaves(&serde_json::from_str(data).expect("JSON"), "", &mut found);
    found.sort();
    found
}

/// What is not written again: texts of a vendor in an event, which its consumer reads elsewhere.
const DROPPED: [(&str, &str); 2] = [("event", "/title"), ("event", "/sku")];

/// What moved from the head of an order to items of its own; other tests see it there.
const MOVED: [&str; 4] = ["/address", "/email", "/history", "/phone"];

/// A value of the first release as this build writes it, and the renames that made it so.
fn today(kind: &str, (field, value): &(String, String), used: &mut BTreeSet<String>) -> (String, String) {
    let mut field = field.clone();
    if let Some((before, now)) = FIELDS.iter().find(|(before, _)| field.starts_with(before)) {
        used.insert((*before).to_owned());
        field = field.replacen(before, now, 1);
    }
    let renamed = VALUES.iter().find(|(of, at, before, _)| *of == kind && *at == field && before == value);
    let value = renamed.map_or_else(|| value.clone(), |(.., now)| (*now).to_owned());
    used.extend(renamed.map(|(of, at, before, _)| format!("{of}{at} {before}")));
    (field, value)
}

#[test]
fn what_the_first_release_stored_loses_nothing_when_it_is_read_and_written() {
    let release = Release::read(FIRST, &[]);
    let (mut lost, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (kind, data) in release.documents() {
        let Some(now) = rewritten(&kind, &data) else { continue };
        let mut after = sorted_leaves(&now);
        for leaf in sorted_leaves(&data) {
            let now = today(&kind, &leaf, &mut used);
            let is_moved = kind == "order" && MOVED.iter().any(|field| leaf.0.starts_with(field));
            if is_moved || DROPPED.contains(&(kind.as_str(), leaf.0.as_str())) {
                continue;
            }
            match after.iter().position(|written| *written == now) {
                Some(at) => drop(after.remove(at)),
                None => drop(lost.insert(format!("{kind} {leaf:?}"))),
            }
        }
    }
    assert!(lost.is_empty(), "a name that was stored needs an alias: {lost:#?}");
    assert_eq!(used.len(), FIELDS.len() + VALUES.len(), "the fixtures have only {used:#?}");
}

/// The text of a value of the first release, read and written by this build.
fn value_today<T: Serialize + DeserializeOwned>(before: &str) -> String {
    through::<T>(&format!("\"{before}\"")).trim_matches('"').to_owned()
}

#[test]
fn renamed_values_that_no_fixture_has_are_read_too() {
    assert_eq!(value_today::<Actor>("admin"), "operator");
    assert_eq!(value_today::<InventoryPolicy>("refuse"), "deny");
    assert_eq!(value_today::<RefundReason>("conflicted"), "amount_mismatch");
    assert_eq!(value_today::<OrderEventKind>("conflicted_payment_refunded"), "mismatched_payment_refunded");
}
