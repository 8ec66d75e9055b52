//! Merges a product of a file with the stored one. Pure, so that it can be tested without tables.

mod category;
mod variants;

#[cfg(test)]
mod tests;

use domain::stored::Kept;
use std::collections::BTreeMap;

use domain::catalog::{CategoryTree, MAX_PRODUCT_BYTES, Product, ProductOption, ProductState, Seo, Variant};
use domain::code::Coded;
use domain::stock::{Layout, StockShard};
use domain::text::{Handle, Line, Name};
use domain::vendor::VendorCard;
use domain::{Currency, ProductId, Timestamp, VariantId};

use product_file::{Columns, Fault, ProductDraft};

pub(crate) use self::category::file_type;

/// What is the same for all products of one import.
#[derive(Clone, Debug)]
pub(crate) struct ImportContext {
    pub(crate) vendor: VendorCard,
    /// Whether the vendor is approved: products of others are neither listed nor published.
    pub(crate) approved: bool,
    /// The currency of the file's prices.
    pub(crate) currency: Currency,
    /// Publish products, except those that the file marks as unpublished or as drafts.
    pub(crate) publish: bool,
    pub(crate) tree: CategoryTree,
    /// The columns that the file has: what it has no column for stays as it is stored.
    pub(crate) columns: Columns,
    pub(crate) now: Timestamp,
}

/// A fault of a product, or a warning that the import differs from what the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    /// The line of the file; without one, the first line of the product.
    pub(crate) line: Option<u64>,
    /// The header of the column; empty when the issue concerns the whole product.
    pub(crate) column: &'static str,
    /// A stable code, for machines.
    pub(crate) code: String,
    /// An explanation, for people.
    pub(crate) detail: String,
}

impl Issue {
    pub(crate) fn new(column: &'static str, code: &str, detail: impl Into<String>) -> Self {
        Self { line: None, column, code: code.to_owned(), detail: detail.into() }
    }
}

/// A product as it is to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    pub(crate) product: Product,
    pub(crate) description_html: String,
    /// Units on hand of the variants for which the file gives a quantity, and the layout of their stock.
    pub(crate) stock: Vec<(VariantId, Layout, i64)>,
    /// Where the merged product differs from what the file says.
    pub(crate) warnings: Vec<Issue>,
}

/// The handle under which a product appears in files. The handle of the file that brought the product stays valid until
/// the vendor renames the product; then it is the new one.
pub(crate) fn file_handle(product: &Product) -> &Handle {
    let leads_here = |known: &&Handle| handles(known, &product.vendor).any(|handle| handle == product.handle);
    product.file_handle.as_ref().filter(leads_here).unwrap_or(&product.handle)
}

/// Whether this is the product that the vendor's file means by this handle.
pub(crate) fn is_of_file(product: &Product, vendor: &VendorCard, handle: &Handle) -> bool {
    product.vendor.id == vendor.id && file_handle(product) == handle
}

/// The handles that a product of a file can get, in order of preference: the file's own; with the vendor's handle as
/// suffix, when another vendor has it; with a number from 2 to 9 behind that.
pub(crate) fn handles(wanted: &Handle, vendor: &VendorCard) -> impl Iterator<Item = Handle> {
    let suffix = vendor.handle.to_string();
    let followed = wanted.with_suffix(&suffix);
    let wanted_again = wanted.clone();
    let numbered = (2..10).filter_map(move |number| wanted_again.with_suffix(&format!("{suffix}-{number}")));
    std::iter::once(wanted.clone()).chain(followed).chain(numbered)
}

/// A product that is not stored yet.
pub(crate) fn added(
    draft: &ProductDraft,
    context: &ImportContext,
    id: ProductId,
    handle: Handle,
) -> Result<Merged, Vec<Issue>> {
    let file_handle = (handle != draft.handle).then(|| draft.handle.clone());
    let empty = Product {
        id,
        vendor: context.vendor.clone(),
        handle,
        title: draft.title.clone(),
        categories: Vec::new(),
        removed_category: None,
        options: Vec::new(),
        variants: Vec::new(),
        images: Vec::new(),
        tags: Vec::new(),
        seo: Seo::default(),
        file_handle,
        file_type: None,
        file_vendor: None,
        state: ProductState::Draft,
        listed: context.approved,
        published_at: None,
        created_at: context.now,
        next_ordinal: 1,
        version: 0,
        kept: Kept::default(),
    };
    merged(&empty, "", draft, context, &BTreeMap::new())
}

/// A stored product with the changes that a file makes to it. These stay as they are stored: prices in other
/// currencies, what the file has no column for, the price of a variant whose price cell is empty, and a variant that
/// the file does not name any more as long as units of it are reserved for buyers.
pub(crate) fn merged(
    before: &Product,
    description_html: &str,
    draft: &ProductDraft,
    context: &ImportContext,
    totals: &BTreeMap<VariantId, StockShard>,
) -> Result<Merged, Vec<Issue>> {
    let columns = context.columns;
    let mut warnings = Vec::new();
    let mut product = before.clone();
    product.vendor = context.vendor.clone();
    product.listed = context.approved;
    product.title = draft.title.clone();
    if columns.category {
        category::set(&mut product, before, draft, &context.tree, &mut warnings);
    }
    if columns.vendor && draft.vendor != file_vendor(before) {
        product.file_vendor = draft.vendor.clone();
    }
    if columns.tags {
        product.tags = draft.tags.clone();
    }
    if columns.images {
        product.images = draft.images.clone();
    }
    if columns.seo_title {
        product.seo.title = draft.seo.title.clone();
    }
    if columns.seo_description {
        product.seo.description = draft.seo.description.clone();
    }
    let stock = variants::set(&mut product, before, draft, context, totals)?;
    product.options = options(before, draft, &product);
    if context.publish && context.approved && draft.wants_publishing() {
        product.publish(context.now);
    }
    product.check().map_err(|refusal| {
        let fields = refusal.fields();
        fields
            .into_iter()
            .map(|field| Issue::new("", &field.code, format!("{}: {}", field.pointer, field.detail)))
            .collect::<Vec<_>>()
    })?;
    if serde_json::to_vec(&product).map_or(usize::MAX, |json| json.len()) > MAX_PRODUCT_BYTES {
        let fault = Fault::ProductTooLarge;
        return Err(vec![Issue::new("", fault.code(), fault.meaning())]);
    }
    let description_html =
        if columns.body { draft.body_html.clone().unwrap_or_default() } else { description_html.to_owned() };
    warnings.extend(stock.iter().filter_map(|(variant, layout, on_hand)| {
        let total = totals.get(variant)?;
        let reserved = total.reserved;
        (!may_be_set(*total, *layout, *on_hand)).then(|| {
            let detail = format!("{reserved} units are reserved for buyers: the stock stays as it is");
            Issue::new("Variant Inventory Qty", "quantity_reserved", detail)
        })
    }));
    Ok(Merged { product, description_html, stock, warnings })
}

/// Whether the units on hand may be set to this number: always to more than now; to fewer only if what is reserved for
/// buyers does not exceed it by more than the oversell limit.
pub(crate) fn may_be_set(now: StockShard, layout: Layout, on_hand: i64) -> bool {
    on_hand >= now.on_hand() || on_hand.saturating_sub(now.reserved) >= -i64::from(layout.oversell_limit)
}

/// The `Vendor` cell of a product in a file.
pub(crate) fn file_vendor(product: &Product) -> Option<Line> {
    product.file_vendor.clone().or_else(|| Line::parse(product.vendor.name.as_str()).ok())
}

/// The options with the values of the variants. As long as the file brings no new value, the stored values stay,
/// unused ones included, in their stored order.
fn options(before: &Product, draft: &ProductDraft, after: &Product) -> Vec<ProductOption> {
    let named = draft.options.iter().enumerate();
    named
        .map(|(index, option)| {
            let used = |variant: &Variant| variant.values.get(index).cloned();
            let mut values = option.values.clone();
            values.extend(after.variants.iter().filter_map(used).filter(|value| !option.values.contains(value)));
            let known = before.options.get(index).filter(|known| known.name == option.name);
            match known {
                Some(known) if values.iter().all(|value| known.values.contains(value)) => known.clone(),
                _ => ProductOption { name: option.name.clone(), values: without_repeats(values) },
            }
        })
        .collect()
}

fn without_repeats(values: Vec<Name>) -> Vec<Name> {
    let mut seen = Vec::with_capacity(values.len());
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}
