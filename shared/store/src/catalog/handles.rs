//! Handles of products: unique, given up for another, or only wished for.

use std::time::Duration;

use domain::catalog::Product;
use domain::text::Handle;
use domain::{ProductId, VendorId};

use super::{Catalog, Entry, HANDLE, product_handle};
use crate::Error;
use crate::item::{Attributes, Condition, delete, number, put, raw_item, string, text};
use crate::transaction::{Purpose, Transaction};

/// How long a handle that was given up leads to its product.
const LEADS_FOR: Duration = Duration::from_secs(365 * 24 * 3_600);
/// Until when it does, in seconds; DynamoDB deletes the item some time later.
pub(super) const LEADS_UNTIL: &str = "expires_at_s";

/// Whether the item of a handle only leads to a product that has another one.
pub(super) fn is_given_up(found: &Attributes) -> bool {
    found.contains_key(LEADS_UNTIL)
}

/// Who has a handle that a vendor cannot take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleHolder {
    Product(ProductId),
    /// Another vendor has given it up, and it still leads to that one's product.
    OtherVendor,
}

impl HandleHolder {
    pub const fn product(&self) -> Option<ProductId> {
        match self {
            Self::Product(id) => Some(*id),
            Self::OtherVendor => None,
        }
    }
}

pub(super) fn holder_of(item: &Attributes, vendor: VendorId) -> Option<HandleHolder> {
    if !is_given_up(item) {
        return text(item, "owner")?.parse().ok().map(HandleHolder::Product);
    }
    let is_own = text(item, "vendor").is_some_and(|of| of.parse() == Ok(vendor));
    (!is_own).then_some(HandleHolder::OtherVendor)
}

impl Catalog {
    /// The actions that take a new handle and give up the old one. It leads to the product for a year, and nobody but
    /// the same shop may take it meanwhile: links to it stay with the shop that has published them. A handle that is
    /// only wished for is neither taken nor given up.
    pub(super) fn handle_actions(&self, loaded: Option<&Product>, product: &Product) -> Result<Transaction, Error> {
        let mut transaction = Transaction::default();
        let held = loaded.filter(|loaded| !loaded.awaits_handle);
        if product.awaits_handle || held.is_some_and(|held| held.handle == product.handle) {
            return Ok(transaction);
        }
        let mut taken = raw_item(Entry::ProductHandle(&product.handle).key(), HANDLE, 1, "{}".to_owned());
        let (id, vendor) = (string(product.id.to_string()), string(product.vendor.id.to_string()));
        taken.insert("owner".to_owned(), id.clone());
        let is_free = "attribute_not_exists(pk) OR (attribute_exists(expires_at_s) AND vendor = :vendor)";
        let is_free = Condition::of(is_free).value(":vendor", vendor.clone());
        transaction.add(Purpose::Handle, put(&self.table, taken, &is_free)?);
        if let Some(held) = held {
            let owner = Condition::of("#owner = :id").name("#owner", "owner").value(":id", id.clone());
            let old = Entry::ProductHandle(&held.handle).key();
            let given_up = match product.renamed_at {
                Some(at) => {
                    let mut leading = raw_item(old, HANDLE, 1, "{}".to_owned());
                    leading.extend([
                        ("owner".to_owned(), id),
                        ("vendor".to_owned(), vendor),
                        (LEADS_UNTIL.to_owned(), number((at + LEADS_FOR).seconds())),
                    ]);
                    set_handle_keys(&mut leading, &held.handle, "0");
                    put(&self.table, leading, &owner)?
                }
                None => delete(&self.table, old, &owner)?,
            };
            transaction.add(Purpose::Item, given_up);
        }
        Ok(transaction)
    }
}

/// Where a product's page is; nowhere as long as its handle is only wished for.
pub(super) fn place_of(product: &Product) -> Option<&Handle> {
    (!product.awaits_handle).then_some(&product.handle)
}

pub(super) fn set_product_keys(written: &mut Attributes, product: &Product, order: &str) {
    if let Some(handle) = place_of(product) {
        set_handle_keys(written, handle, order);
    }
}

/// The attributes of `by_handle`: one partition per product page, in which the product comes first.
fn set_handle_keys(written: &mut Attributes, handle: &Handle, order: &str) {
    written.insert("handle_key".to_owned(), string(product_handle(handle)));
    written.insert("handle_sort".to_owned(), string(order));
}
