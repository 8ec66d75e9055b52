//! Merges a product of a file with the stored one. Pure, so that it can be tested without tables.

mod category;
pub(crate) mod columns;
mod texts;
pub(crate) mod variants;

#[cfg(test)]
mod tests;

use domain::stored::Kept;
use std::collections::BTreeMap;

use domain::catalog::{
    CategoryTree, FoundFault, MAX_IMAGES, Origin, Product, ProductOption, ProductState, Seo, Variant,
};
use domain::job::{ImportFault, Severity, StockImport};
use domain::stock::{Layout, StockShard};
use domain::text::{Handle, InLanguages, Line, Name, Sku};
use domain::vendor::VendorCard;
use domain::{Currency, ImportId, ProductId, Timestamp, VariantId};

use pages::Language;
use product_file::{Columns, Fault, ProductDraft};

use self::variants::Stocked;
pub(crate) use self::variants::{QUANTITY, Units};

pub(crate) use self::category::file_type;

/// The column of pictures.
pub(crate) const IMAGE: &str = "Image Src";

/// What is the same for all products of one import.
#[derive(Clone, Debug)]
pub(crate) struct ImportContext {
    pub(crate) vendor: VendorCard,
    /// Whether the vendor is approved: products of others are neither listed nor published.
    pub(crate) approved: bool,
    /// The language in which the file of refused rows says why.
    pub(crate) language: Language,
    /// The currency of the file's prices.
    pub(crate) currency: Currency,
    /// Publish products, except those that the file marks as unpublished or as drafts.
    pub(crate) publish: bool,
    pub(crate) tree: CategoryTree,
    /// The columns that the file has: what it has no column for stays as it is stored.
    pub(crate) columns: Columns,
    /// The headers of its columns that are only kept.
    pub(crate) kept_columns: Vec<String>,
    /// How the file spells the columns that issues name.
    pub(crate) spellings: BTreeMap<&'static str, String>,
    /// The import, so that what it adds to units on hand is added once.
    pub(crate) import: ImportId,
    /// Whether pictures that the file names by `https` are fetched.
    pub(crate) fetch_images: bool,
    /// What is done with units on hand.
    pub(crate) stock: StockImport,
    /// Whether the file need not name all variants of a product: those that it does not name stay.
    pub(crate) is_partial: bool,
    pub(crate) now: Timestamp,
}

/// A fault of a product, or a warning that the import differs from what the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) severity: Severity,
    /// The line of the file; without one, the first line of the product.
    pub(crate) line: Option<u64>,
    /// The header of the column; empty when the issue concerns the whole product.
    pub(crate) column: &'static str,
    pub(crate) value: String,
    /// A stable code, for machines.
    pub(crate) code: String,
    /// An explanation, for people.
    pub(crate) detail: String,
}

impl ImportContext {
    /// The columns that issues name, as an export spells them.
    pub(crate) const NAMED: [&'static str; 8] =
        ["Handle", "Title", "Type", "Option1 Value", "Variant SKU", "Variant Price", "Variant Inventory Qty", IMAGE];
}

impl Issue {
    /// An issue because of which the product is not imported.
    pub(crate) fn new(column: &'static str, fault: ImportFault, detail: impl Into<String>) -> Self {
        Self::of_code(column, fault.code(), detail.into())
    }

    pub(crate) fn warning(column: &'static str, fault: ImportFault, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::new(column, fault, detail) }
    }

    pub(crate) fn info(fault: ImportFault, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Info, ..Self::new("", fault, detail) }
    }

    /// A fault that the reader of files names too.
    pub(crate) fn fault(column: &'static str, fault: Fault) -> Self {
        Self::of_code(column, fault.code(), fault.meaning().to_owned())
    }

    /// The units on hand stay as they are, because of reserved ones or of the oversell limit.
    pub(crate) fn stock_stays(reserved: i64, layout: Layout) -> Self {
        let (fault, why) = if reserved > 0 {
            (ImportFault::QuantityReserved, format!("{reserved} units are reserved for buyers"))
        } else {
            let limit = layout.oversell_limit;
            (ImportFault::QuantityTooLow, format!("at most {limit} units may be sold beyond the stock"))
        };
        Self::warning(QUANTITY, fault, format!("{why}: the stock stays as it is"))
    }

    /// A fault of the product as a whole. Its value is what the vendor calls the part: the pointer's position is that
    /// in the stored product, not in the file.
    fn of_product(product: &Product, found: FoundFault) -> Self {
        let value = found.number.map_or_else(|| part_name(product, &found.pointer), |number| number.to_string());
        let detail = format!("{}: {}", found.pointer, found.detail);
        Self { value, ..Self::of_code("", found.fault.code(), detail) }
    }

    /// Each code comes from one of the lists, which the texts of the desk are checked against.
    fn of_code(column: &'static str, code: &str, detail: String) -> Self {
        Self { severity: Severity::Error, line: None, column, value: String::new(), code: code.to_owned(), detail }
    }
}

/// The most characters of a part's name in a report.
const MAX_PART_NAME: usize = 80;

/// What the vendor calls the part of a product that a pointer leads to; empty when that is a whole list.
fn part_name(product: &Product, pointer: &str) -> String {
    if let Some(part) = pointer.strip_prefix("/translations/") {
        // Its steps are words already.
        return part.replace("~1", "/").replace("~0", "~").chars().take(MAX_PART_NAME).collect();
    }
    let mut steps = pointer.split('/').skip(1);
    let (list, index) = (steps.next().unwrap_or_default(), steps.next().and_then(|step| step.parse::<usize>().ok()));
    let Some(index) = index else { return String::new() };
    let called = match list {
        "variants" => product.variants.get(index).map(variants::name),
        "options" => product.options.get(index).map(|option| option.name.to_string()),
        "tags" => product.tags.get(index).map(ToString::to_string),
        "images" => product.images.get(index).map(|image| image.src.as_str().to_owned()),
        _ => None,
    };
    called.unwrap_or_default().chars().take(MAX_PART_NAME).collect()
}

/// A product as it is to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    pub(crate) product: Product,
    pub(crate) description_html: String,
    /// The descriptions in other languages.
    pub(crate) descriptions: InLanguages<String>,
    /// Units on hand of the variants for which the file gives a quantity, and the layout of their stock.
    pub(crate) stock: Vec<(VariantId, Layout, Units)>,
    /// The variants that those of the file have become, in its order.
    pub(crate) variants: Vec<VariantId>,
    /// Variants that exist and whose units on hand the file gives otherwise, which is left as it is.
    pub(crate) stock_kept: u64,
    /// Where the merged product differs from what the file says.
    pub(crate) warnings: Vec<Issue>,
}

/// The handle under which a product appears in files. The handle of the file that brought the product stays valid until
/// the vendor renames the product; then it is the new one.
pub(crate) fn file_handle(product: &Product) -> &str {
    let leads_here = |known: &&str| {
        let wanted = Handle::mapped_from(&known.to_ascii_lowercase());
        handles(&wanted, &product.vendor).any(|handle| handle == product.handle)
    };
    product.file_handle.as_ref().map(Line::as_str).filter(leads_here).unwrap_or(product.handle.as_str())
}

/// Whether this is the product that the vendor's file means by this handle.
pub(crate) fn is_of_file(product: &Product, vendor: &VendorCard, handle: &str) -> bool {
    product.vendor.id == vendor.id && file_handle(product).eq_ignore_ascii_case(handle)
}

/// Whether a product that came in otherwise is the one that a file without handles means: it has the handle that the
/// file's would get, and the file has all of its variants by their SKUs, so that none is taken for removed. So a shop
/// that changes its system makes nothing twice.
pub(crate) fn is_known_by_skus(product: &Product, vendor: &VendorCard, draft: &ProductDraft) -> bool {
    let is_in_file = |variant: &Variant| {
        let same = |drafted: &Sku, sku: &Sku| drafted.as_str().eq_ignore_ascii_case(sku.as_str());
        variant.sku.as_ref().is_some_and(|sku| {
            draft.variants.iter().any(|drafted| drafted.sku.as_ref().is_some_and(|drafted| same(drafted, sku)))
        })
    };
    let has_no_other_key = product.file_key.is_none() || product.file_key == draft.file_key;
    product.vendor.id == vendor.id && has_no_other_key && product.variants.iter().all(is_in_file)
}

/// Whether a product that had only a number in earlier files is the one that this file tells by its SKU. The number is
/// not enough: two shops that were merged into one may both have it.
pub(crate) fn is_known_by_number(product: &Product, vendor: &VendorCard, draft: &ProductDraft) -> bool {
    let has_title = draft.title.as_ref().is_none_or(|title| *title == product.title);
    let has_handle = || handles(&draft.handle, vendor).any(|handle| handle == product.handle);
    let has_sku = || {
        let mut skus = product.variants.iter().filter_map(|variant| variant.sku.as_ref());
        skus.any(|sku| draft.variants.iter().any(|drafted| drafted.sku.as_ref() == Some(sku)))
    };
    product.vendor.id == vendor.id && product.file_key == draft.former_key && (has_title || has_handle() || has_sku())
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
    let Some(title) = draft.title.clone() else {
        return Err(vec![match &draft.file_key {
            Some(key) if context.columns.title => {
                let detail = "neither the file nor the shop has the product of this SKU or ID";
                Issue { value: key.to_string(), ..Issue::new("Variant SKU", ImportFault::UnknownProduct, detail) }
            }
            _ => Issue::fault("Title", Fault::MissingTitle),
        }]);
    };
    if draft.variants.is_empty() {
        return Err(vec![Issue::fault("Variant Price", Fault::MissingPrice)]);
    }
    // A product that has a key in its files has no handle there.
    let file_handle = (draft.file_key.is_none() && !draft.file_handle.eq_ignore_ascii_case(handle.as_str()))
        .then(|| Line::parse(&draft.file_handle).ok())
        .flatten();
    let empty = Product {
        id,
        vendor: context.vendor.clone(),
        handle,
        title,
        categories: Vec::new(),
        language: None,
        translations: InLanguages::new(),
        removed_category: None,
        options: Vec::new(),
        variants: Vec::new(),
        images: Vec::new(),
        pictures: BTreeMap::new(),
        alike: None,
        tags: Vec::new(),
        seo: Seo::default(),
        origin: Origin::default(),
        file_handle,
        file_type: None,
        file_vendor: None,
        file_key: draft.file_key.clone(),
        renamed_at: None,
        awaits_handle: false,
        hidden: None,
        state: ProductState::Draft,
        listed: context.approved,
        published_at: None,
        created_at: context.now,
        next_ordinal: 1,
        version: 0,
        kept: Kept::default(),
    };
    merged(&empty, ("", &InLanguages::new()), draft, context, &BTreeMap::new())
}

/// A stored product with the changes that a file makes to it. These stay as they are stored: prices in other
/// currencies, what the file has no column for, the price of a variant whose price cell is empty, and a variant that
/// the file does not name any more as long as units of it are reserved for buyers. The descriptions are the product's
/// own and those in other languages.
pub(crate) fn merged(
    before: &Product,
    (description_html, descriptions): (&str, &InLanguages<String>),
    draft: &ProductDraft,
    context: &ImportContext,
    totals: &BTreeMap<VariantId, StockShard>,
) -> Result<Merged, Vec<Issue>> {
    let mut warnings = Vec::new();
    let mut product = before.clone();
    product.vendor = context.vendor.clone();
    product.listed = context.approved;
    // Its key changes when its system has given it an SKU.
    if product.file_key.is_none() || (draft.former_key.is_some() && product.file_key == draft.former_key) {
        product.file_key = draft.file_key.clone();
    }
    if let Some(title) = &draft.title {
        product.title = title.clone();
    }
    // Rows that stand apart from the product's first only add to it: their empty cells mean nothing.
    let says = |has_column: bool, is_empty: bool| has_column && !(draft.continues && is_empty);
    let columns = context.columns;
    if says(columns.category, draft.category.is_none()) {
        category::set(&mut product, before, draft, &context.tree, &mut warnings);
    }
    if says(columns.vendor, draft.vendor.is_none()) && draft.vendor != file_vendor(before) {
        product.file_vendor = draft.vendor.clone();
    }
    if says(columns.tags, draft.tags.is_empty()) {
        product.tags = draft.tags.clone();
    }
    if columns.images && draft.continues {
        let known: Vec<_> = product.images.iter().map(|image| image.src.clone()).collect();
        let room = MAX_IMAGES.saturating_sub(product.images.len());
        product.images.extend(draft.images.iter().filter(|image| !known.contains(&image.src)).take(room).cloned());
    } else if columns.images {
        product.images = draft.images.clone();
        if !columns.image_alt {
            for image in &mut product.images {
                let known = before.images.iter().find(|known| known.src == image.src);
                image.alt = known.and_then(|known| known.alt.clone());
            }
        }
    }
    if says(columns.seo_title, draft.seo.title.is_none()) {
        product.seo.title = draft.seo.title.clone();
    }
    if says(columns.seo_description, draft.seo.description.is_none()) {
        product.seo.description = draft.seo.description.clone();
    }
    let Stocked { stock, variants, kept: stock_kept, warnings: of_stock } =
        variants::set(&mut product, before, draft, context, totals)?;
    warnings.extend(of_stock);
    product.options = options(before, draft, &product, variants::tells_options(before, draft, context));
    let descriptions = texts::set(&mut product, descriptions, draft);
    // It was written before the shop was approved.
    product.awaits_handle &= !context.approved;
    if !draft.continues && !draft.wants_publishing() && product.state == ProductState::Published {
        let detail = "the file marks it as unpublished, draft or archived: it is on sale and stays so";
        warnings.push(Issue::warning("Status", ImportFault::StaysPublished, detail));
    } else if context.publish && context.approved && !draft.continues {
        if draft.wants_publishing() {
            product.publish(context.now);
        } else {
            let detail = "the file marks it as unpublished, draft or archived: it is not published";
            warnings.push(Issue::info(ImportFault::NotPublished, detail));
        }
    }
    let mut found = product.faults();
    found.extend(product.description_faults(&descriptions));
    if !found.is_empty() {
        return Err(found.into_iter().map(|found| Issue::of_product(&product, found)).collect());
    }
    if serde_json::to_vec(&product).map_or(usize::MAX, |json| json.len()) > product.most_bytes() {
        return Err(vec![Issue::fault("", Fault::ProductTooLarge)]);
    }
    let description_html = if says(columns.body, draft.body_html.is_none()) {
        draft.body_html.clone().unwrap_or_default()
    } else {
        description_html.to_owned()
    };
    warnings.extend(stock.iter().filter_map(|(variant, layout, units)| {
        let total = totals.get(variant)?;
        let fits = may_be_set(*total, *layout, units.on_hand(*total));
        (!fits).then(|| Issue::stock_stays(total.reserved, *layout))
    }));
    Ok(Merged { product, description_html, descriptions, stock, variants, stock_kept, warnings })
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
/// unused ones included, in their stored order. A file that does not name the options means the stored ones.
fn options(before: &Product, draft: &ProductDraft, after: &Product, are_told: bool) -> Vec<ProductOption> {
    let named = if draft.options.is_empty() && !are_told { &before.options } else { &draft.options };
    let named = named.iter().enumerate();
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
