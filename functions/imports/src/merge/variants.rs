//! Matches the variants of a file with the stored ones, and merges them.

use std::collections::BTreeMap;

use domain::VariantId;
use domain::catalog::{InventoryPolicy, MAX_VARIANTS, Price, Product, ProductOption, Variant};
use domain::job::{ImportFault, Severity, StockImport};
use domain::stock::{Layout, StockShard};
use domain::text::{Name, Sku};

use super::{ImportContext, Issue};
use product_file::{Fault, ProductDraft, VariantDraft};

/// Whether the file may leave variants of a product out: it says so of all products, it has no title for this one, or
/// it has no column for the options by which the stored variants are told apart.
pub(crate) fn is_partial(before: &Product, draft: &ProductDraft, context: &ImportContext) -> bool {
    context.is_partial || !tells_options(before, draft, context)
}

/// Whether the file says of a product which options it has.
pub(super) fn tells_options(before: &Product, draft: &ProductDraft, context: &ImportContext) -> bool {
    draft.title.is_some() && (context.columns.options || before.options.is_empty())
}

/// For each variant of the file the position of the stored variant, if there is one. Matched by the values of the
/// options; else by an SKU that only one variant has on either side; else, when both sides have exactly one variant, by
/// that, unless the file may mean a further one.
fn matches(before: &Product, draft: &ProductDraft, context: &ImportContext) -> Vec<Option<usize>> {
    let is_partial = is_partial(before, draft, context);
    let names = |options: &[ProductOption]| options.iter().map(|option| option.name.clone()).collect::<Vec<_>>();
    let is_whole = tells_options(before, draft, context);
    // Rows that do not name the options mean the stored ones, if they have a value for each.
    let same_options = names(&before.options) == names(&draft.options) || (!is_whole && draft.options.is_empty());
    let is_told = |wanted: &VariantDraft| is_whole || before.options.is_empty() || !wanted.values.is_empty();
    let mut positions: Vec<Option<usize>> = draft
        .variants
        .iter()
        .map(|wanted| {
            let is_it = |known: &Variant| same_options && is_told(wanted) && known.values == wanted.values;
            before.variants.iter().position(is_it)
        })
        .collect();
    let numbers =
        |numbers: Vec<Option<&Sku>>, sku: &Sku| numbers.into_iter().flatten().filter(|known| *known == sku).count();
    for (index, wanted) in draft.variants.iter().enumerate() {
        let Some(sku) = wanted.sku.as_ref() else { continue };
        let here = numbers(before.variants.iter().map(|known| known.sku.as_ref()).collect(), sku);
        let there = numbers(draft.variants.iter().map(|other| other.sku.as_ref()).collect(), sku);
        let found = before.variants.iter().position(|known| known.sku.as_ref() == Some(sku));
        if let Some(position) = positions.get(index).copied()
            && position.is_none()
            && here == 1
            && there == 1
            && !positions.contains(&found)
            && let Some(position) = positions.get_mut(index)
        {
            *position = found;
        }
    }
    if let ([None], [known], [wanted]) = (positions.as_slice(), before.variants.as_slice(), draft.variants.as_slice()) {
        // In a file that need not name all variants, values or an SKU of its own make it another one.
        let is_another =
            !wanted.values.is_empty() || wanted.sku.as_ref().is_some_and(|sku| known.sku.as_ref() != Some(sku));
        if !(is_partial && is_another) {
            positions = vec![Some(0)];
        }
    }
    positions
}

/// The longest list of removed variants in a report, in characters.
const MAX_SHOWN: usize = 200;

/// What a vendor calls a variant: its SKU, or else the values of its options.
pub(crate) fn name(variant: &Variant) -> String {
    let values = || variant.values.iter().map(Name::as_str).collect::<Vec<_>>().join("/");
    variant.sku.as_ref().map_or_else(values, ToString::to_string)
}

/// The header of the column with the units on hand.
pub(crate) const QUANTITY: &str = "Variant Inventory Qty";

/// What becomes of the units on hand of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Units {
    Set(i64),
    Add(i64),
}

impl Units {
    /// The units on hand afterwards.
    pub(crate) fn on_hand(self, now: StockShard) -> i64 {
        match self {
            Self::Set(units) => units,
            Self::Add(units) => now.on_hand().saturating_add(units),
        }
    }
}

/// The units on hand that a file gives.
pub(super) struct Stocked {
    /// Those that are to be set or added.
    pub(super) stock: Vec<(VariantId, Layout, Units)>,
    /// The variants that those of the file have become, in its order.
    pub(super) variants: Vec<VariantId>,
    /// How many others differ from what is stored, and stay as they are.
    pub(super) kept: u64,
    pub(super) warnings: Vec<Issue>,
}

/// Sets the variants to what the file says, in its order. In a file that need not name all of them, the stored order
/// stays, with new ones at its end.
pub(super) fn set(
    product: &mut Product,
    before: &Product,
    draft: &ProductDraft,
    context: &ImportContext,
    totals: &BTreeMap<VariantId, StockShard>,
) -> Result<Stocked, Vec<Issue>> {
    let is_partial = is_partial(before, draft, context);
    let positions = matches(before, draft, context);
    let new_ones = || draft.variants.iter().zip(&positions).filter(|(_, position)| position.is_none());
    let options = if draft.options.is_empty() && is_partial { before.options.len() } else { draft.options.len() };
    if is_partial && let Some((unknown, _)) = new_ones().find(|(wanted, _)| wanted.values.len() != options) {
        let detail = "the row says neither by option values nor by an SKU which variant of the product it means";
        let issue = Issue::new("Option1 Value", ImportFault::UnknownVariant, detail);
        return Err(vec![Issue { line: unknown.line, ..issue }]);
    }
    let unpriced: Vec<Issue> =
        new_ones().filter(|(wanted, _)| wanted.price.is_none()).map(|(wanted, _)| missing_price(wanted)).collect();
    if !unpriced.is_empty() {
        return Err(unpriced);
    }
    let mut variants = if is_partial { before.variants.clone() } else { Vec::with_capacity(draft.variants.len()) };
    let mut stocked = Stocked { stock: Vec::new(), variants: Vec::new(), kept: 0, warnings: Vec::new() };
    for (wanted, position) in draft.variants.iter().zip(&positions) {
        let known = position.and_then(|position| before.variants.get(position));
        let variant = match known {
            Some(known) => changed(known, wanted, context, is_partial),
            None => new(product, wanted).map_err(|issue| vec![issue])?,
        };
        stocked.variants.push(variant.id);
        // A variant that never had stock is new to it, also when an earlier attempt of this import has made it.
        let stocked_before = totals.get(&variant.id).map(|total| total.on_hand());
        let mut quantity = wanted.quantity;
        if let Some(units) = quantity.filter(|units| *units < 0 && variant.inventory_policy.denies()) {
            let warning = Issue { severity: Severity::Warning, ..Issue::fault(QUANTITY, Fault::NegativeQuantity) };
            stocked.warnings.push(Issue { line: wanted.line, value: units.to_string(), ..warning });
            quantity = Some(0);
        }
        match (quantity, context.stock) {
            (None, _) => {}
            (Some(units), StockImport::Keep | StockImport::Other) if stocked_before.is_some() => {
                stocked.kept += u64::from(stocked_before != Some(units));
            }
            // Also to none: a repeated batch finds the variant with the stock that the first attempt has given it.
            (Some(units), StockImport::Add) => stocked.stock.push((variant.id, variant.layout(), Units::Add(units))),
            (Some(units), _) => stocked.stock.push((variant.id, variant.layout(), Units::Set(units))),
        }
        match position.filter(|_| is_partial).and_then(|position| variants.get_mut(position)) {
            Some(slot) => *slot = variant,
            None => variants.push(variant),
        }
    }
    for (position, known) in before.variants.iter().enumerate() {
        let reserved = totals.get(&known.id).map_or(0, |total| total.reserved);
        if is_partial || positions.contains(&Some(position)) || reserved == 0 {
            continue;
        }
        if known.values.len() != draft.options.len() || variants.iter().any(|other| other.values == known.values) {
            let detail = format!("{reserved} units of a variant that the file does not name are reserved for buyers");
            let issue = Issue::new("", ImportFault::VariantReserved, detail);
            return Err(vec![Issue { value: reserved.to_string(), ..issue }]);
        }
        variants.push(known.clone());
    }
    if variants.len() > MAX_VARIANTS {
        let detail = format!("with variants that the file does not name the product has more than {MAX_VARIANTS}");
        return Err(vec![Issue::new("", ImportFault::TooManyVariantsTogether, detail)]);
    }
    let is_gone = |known: &&Variant| !variants.iter().any(|variant| variant.id == known.id);
    let gone: Vec<String> = before.variants.iter().filter(is_gone).map(name).collect();
    if !gone.is_empty() {
        let detail = "the file names the product's options and not these variants: they are removed";
        let value = gone.join(", ").chars().take(MAX_SHOWN).collect();
        let warning = Issue::warning("Option1 Value", ImportFault::VariantsRemoved, detail);
        stocked.warnings.push(Issue { value, ..warning });
    }
    product.variants = variants;
    Ok(stocked)
}

/// The fault of a new variant without a price, with the line of the variant.
fn missing_price(wanted: &VariantDraft) -> Issue {
    Issue { line: wanted.line, ..Issue::fault("Variant Price", Fault::MissingPrice) }
}

fn new(product: &mut Product, wanted: &VariantDraft) -> Result<Variant, Issue> {
    let ordinal = product.next_ordinal;
    product.next_ordinal = ordinal.checked_add(1).ok_or_else(|| {
        Issue::new("", ImportFault::VariantsUsedUp, "the product has had as many variants as it can ever have")
    })?;
    Ok(Variant {
        id: VariantId::new(product.id, ordinal),
        sku: wanted.sku.clone(),
        values: wanted.values.clone(),
        prices: wanted.price.into_iter().collect(),
        grams: wanted.grams,
        sale_unit: wanted.sale_unit,
        image: wanted.image.clone(),
        shards: 1,
        peak_shards: 1,
        inventory_policy: if wanted.continue_selling == Some(true) {
            InventoryPolicy::Backorder
        } else {
            InventoryPolicy::Deny
        },
        available_from: None,
        oversell_limit: None,
        low_stock_at: None,
    })
}

fn changed(known: &Variant, wanted: &VariantDraft, context: &ImportContext, is_partial: bool) -> Variant {
    let columns = context.columns;
    let mut variant = known.clone();
    if !(is_partial && wanted.values.is_empty()) {
        variant.values = wanted.values.clone();
    }
    if columns.sku {
        variant.sku = wanted.sku.clone();
    }
    if columns.grams {
        variant.grams = wanted.grams;
    }
    if columns.sale_unit {
        variant.sale_unit = wanted.sale_unit;
    }
    if columns.policy {
        // The column only says whether to sell beyond the stock: a variant that already does keeps its date and its
        // oversell limit, for which the file has no columns.
        match (wanted.continue_selling == Some(true), variant.inventory_policy.denies()) {
            (true, true) => variant.inventory_policy = InventoryPolicy::Backorder,
            (false, false) => {
                variant.inventory_policy = InventoryPolicy::Deny;
                variant.available_from = None;
                variant.oversell_limit = None;
            }
            (true, false) | (false, true) => {}
        }
    }
    if columns.variant_image {
        variant.image = wanted.image.clone();
    }
    if let Some(price) = wanted.price {
        let compared = known.price_in(context.currency).and_then(|price| price.compare_at);
        variant.set_price(if columns.compare_at_price { price } else { Price { compare_at: compared, ..price } });
    }
    variant
}
