//! Matches the variants of a file with the stored ones, and merges them.

use std::collections::BTreeMap;

use domain::VariantId;
use domain::catalog::{InventoryPolicy, MAX_VARIANTS, Price, Product, Variant};
use domain::stock::{Layout, StockShard};
use domain::text::Sku;

use super::{ImportContext, Issue};
use product_file::{Fault, ProductDraft, VariantDraft};

/// For each variant of the file the position of the stored variant, if there is one. Matched by the values of the
/// options; else by an SKU that only one variant has on either side; else, when both sides have exactly one variant, by
/// that.
fn matches(before: &Product, draft: &ProductDraft) -> Vec<Option<usize>> {
    let same_options =
        before.options.iter().map(|option| &option.name).eq(draft.options.iter().map(|option| &option.name));
    let mut positions: Vec<Option<usize>> = draft
        .variants
        .iter()
        .map(|wanted| before.variants.iter().position(|known| same_options && known.values == wanted.values))
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
    if let ([None], [_]) = (positions.as_slice(), before.variants.as_slice()) {
        positions = vec![Some(0)];
    }
    positions
}

/// Sets the variants to what the file says, in its order, and answers the units on hand that it gives.
pub(super) fn set(
    product: &mut Product,
    before: &Product,
    draft: &ProductDraft,
    context: &ImportContext,
    totals: &BTreeMap<VariantId, StockShard>,
) -> Result<Vec<(VariantId, Layout, i64)>, Vec<Issue>> {
    let positions = matches(before, draft);
    let unpriced: Vec<Issue> = draft
        .variants
        .iter()
        .zip(&positions)
        .filter(|(wanted, position)| position.is_none() && wanted.price.is_none())
        .map(|(wanted, _)| missing_price(wanted))
        .collect();
    if !unpriced.is_empty() {
        return Err(unpriced);
    }
    let mut variants = Vec::with_capacity(draft.variants.len());
    let mut stock = Vec::new();
    for (wanted, position) in draft.variants.iter().zip(&positions) {
        let variant = match position.and_then(|position| before.variants.get(position)) {
            Some(known) => changed(known, wanted, context),
            None => new(product, wanted).map_err(|issue| vec![issue])?,
        };
        stock.extend(wanted.quantity.map(|units| (variant.id, variant.layout(), units)));
        variants.push(variant);
    }
    for (position, known) in before.variants.iter().enumerate() {
        let reserved = totals.get(&known.id).map_or(0, |total| total.reserved);
        if positions.contains(&Some(position)) || reserved == 0 {
            continue;
        }
        if known.values.len() != draft.options.len() || variants.iter().any(|other| other.values == known.values) {
            let detail = format!("{reserved} units of a variant that the file does not name are reserved for buyers");
            return Err(vec![Issue::new("", "variant_reserved", detail)]);
        }
        variants.push(known.clone());
    }
    if variants.len() > MAX_VARIANTS {
        let detail = "with variants that are reserved for buyers the product has more than 100";
        return Err(vec![Issue::new("", "too_many_variants", detail)]);
    }
    product.variants = variants;
    Ok(stock)
}

/// The fault of a new variant without a price, with the line of the variant.
fn missing_price(wanted: &VariantDraft) -> Issue {
    let fault = Fault::MissingPrice;
    Issue { line: wanted.line, ..Issue::new("Variant Price", fault.code(), fault.meaning()) }
}

fn new(product: &mut Product, wanted: &VariantDraft) -> Result<Variant, Issue> {
    let ordinal = product.next_ordinal;
    product.next_ordinal = ordinal.checked_add(1).ok_or_else(|| {
        Issue::new("", "too_many_variants", "the product has had as many variants as it can ever have")
    })?;
    Ok(Variant {
        id: VariantId::new(product.id, ordinal),
        sku: wanted.sku.clone(),
        values: wanted.values.clone(),
        prices: wanted.price.into_iter().collect(),
        grams: wanted.grams,
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

fn changed(known: &Variant, wanted: &VariantDraft, context: &ImportContext) -> Variant {
    let columns = context.columns;
    let mut variant = known.clone();
    variant.values = wanted.values.clone();
    if columns.sku {
        variant.sku = wanted.sku.clone();
    }
    if columns.grams {
        variant.grams = wanted.grams;
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
