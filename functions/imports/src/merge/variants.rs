//! Which variant of the shop is which of the file.

use std::collections::BTreeMap;

use domain::VariantId;
use domain::catalogue::{MOST_VARIANTS, Price, Product, Variant, WhenOut};
use domain::stock::{Counter, Layout};
use domain::text::Sku;

use super::{Terms, Wrong};
use crate::product_file::{Fault, ProductDraft, VariantDraft};

/// For each variant of the file the place of the shop's, if there is one: by the values of the options, else by a seller's number
/// that only one variant has on either side, else as the only one there is.
fn matches(before: &Product, draft: &ProductDraft) -> Vec<Option<usize>> {
    let same_options =
        before.options.iter().map(|option| &option.name).eq(draft.options.iter().map(|option| &option.name));
    let mut places: Vec<Option<usize>> = draft
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
        if let Some(place) = places.get(index).copied()
            && place.is_none()
            && here == 1
            && there == 1
            && !places.contains(&found)
            && let Some(place) = places.get_mut(index)
        {
            *place = found;
        }
    }
    if let ([None], [_]) = (places.as_slice(), before.variants.as_slice()) {
        places = vec![Some(0)];
    }
    places
}

/// Sets the variants to what the file says, in its order, and answers the units on hand that it names.
pub(super) fn set(
    product: &mut Product,
    before: &Product,
    draft: &ProductDraft,
    terms: &Terms,
    counters: &BTreeMap<VariantId, Counter>,
) -> Result<Vec<(VariantId, Layout, i64)>, Vec<Wrong>> {
    let places = matches(before, draft);
    let unpriced: Vec<Wrong> = draft
        .variants
        .iter()
        .zip(&places)
        .filter(|(wanted, place)| place.is_none() && wanted.price.is_none())
        .map(|(wanted, _)| missing_price(wanted))
        .collect();
    if !unpriced.is_empty() {
        return Err(unpriced);
    }
    let mut variants = Vec::with_capacity(draft.variants.len());
    let mut stock = Vec::new();
    for (wanted, place) in draft.variants.iter().zip(&places) {
        let variant = match place.and_then(|place| before.variants.get(place)) {
            Some(known) => changed(known, wanted, terms),
            None => new(product, wanted).map_err(|wrong| vec![wrong])?,
        };
        stock.extend(wanted.quantity.map(|units| (variant.id, variant.layout(), units)));
        variants.push(variant);
    }
    for (place, known) in before.variants.iter().enumerate() {
        let promised = counters.get(&known.id).map_or(0, |counter| counter.reserved);
        if places.contains(&Some(place)) || promised == 0 {
            continue;
        }
        if known.values.len() != draft.options.len() || variants.iter().any(|other| other.values == known.values) {
            let detail = format!("{promised} units of a variant that the file does not name are promised to buyers");
            return Err(vec![Wrong::new("", "variant_reserved", detail)]);
        }
        variants.push(known.clone());
    }
    if variants.len() > MOST_VARIANTS {
        let detail = "with variants that are promised to buyers the product has more than 100";
        return Err(vec![Wrong::new("", "too_many_variants", detail)]);
    }
    product.variants = variants;
    Ok(stock)
}

/// The fault of a new variant without a price, in its own row.
fn missing_price(wanted: &VariantDraft) -> Wrong {
    let fault = Fault::MissingPrice;
    Wrong { line: wanted.line, ..Wrong::new("Variant Price", fault.code(), fault.meaning()) }
}

fn new(product: &mut Product, wanted: &VariantDraft) -> Result<Variant, Wrong> {
    let ordinal = product.next_ordinal;
    product.next_ordinal = ordinal.checked_add(1).ok_or_else(|| {
        Wrong::new("", "too_many_variants", "the product has had as many variants as it can ever have")
    })?;
    Ok(Variant {
        id: VariantId::new(product.id, ordinal),
        sku: wanted.sku.clone(),
        values: wanted.values.clone(),
        prices: wanted.price.into_iter().collect(),
        grams: wanted.grams,
        image: wanted.image.clone(),
        shards: 1,
        most_shards: 1,
        when_out: if wanted.continues == Some(true) { WhenOut::BackOrder } else { WhenOut::Refuse },
        available_from: None,
        back_order_limit: None,
        low_stock_at: None,
    })
}

fn changed(known: &Variant, wanted: &VariantDraft, terms: &Terms) -> Variant {
    let columns = terms.columns;
    let mut variant = known.clone();
    variant.values = wanted.values.clone();
    if columns.sku {
        variant.sku = wanted.sku.clone();
    }
    if columns.grams {
        variant.grams = wanted.grams;
    }
    if columns.policy {
        // The file knows no date and no limit: those of a variant that is sold on anyway stay.
        match (wanted.continues == Some(true), variant.when_out.refuses()) {
            (true, true) => variant.when_out = WhenOut::BackOrder,
            (false, false) => {
                variant.when_out = WhenOut::Refuse;
                variant.available_from = None;
                variant.back_order_limit = None;
            }
            (true, false) | (false, true) => {}
        }
    }
    if columns.variant_image {
        variant.image = wanted.image.clone();
    }
    if let Some(price) = wanted.price {
        let compared = known.price_in(terms.currency).and_then(|price| price.compare_at);
        variant.set_price(if columns.compare_at_price { price } else { Price { compare_at: compared, ..price } });
    }
    variant
}
