//! The cells of columns that are only kept.

use domain::VariantId;
use domain::catalog::{FileColumns, MAX_KEPT_BYTES, Product};

use super::{ImportContext, Issue};
use product_file::{Fault, ProductDraft};

/// The most bytes of the kept cells of a product with their headers, from all files together.
const MAX_ITEM_BYTES: usize = 4 * MAX_KEPT_BYTES;

/// The kept cells of a product after a file: what the file has a column for is as the file says. `variants` are those
/// that the draft's variants have become, in its order.
pub(crate) fn merged(
    before: &FileColumns,
    draft: &ProductDraft,
    variants: &[VariantId],
    product: &Product,
    context: &ImportContext,
) -> (FileColumns, Option<Issue>) {
    let mut after = before.clone();
    after.retain_variants(product.variants.iter().map(|variant| variant.id));
    let known = after.clone();
    // Cells come in the order of their columns.
    let cell_of = |cells: &'_ [(usize, String)], position: usize| {
        let found = cells.binary_search_by_key(&position, |(at, _)| *at).ok();
        found.and_then(|index| cells.get(index)).map(|(_, cell)| cell.clone())
    };
    for (position, header) in context.kept_columns.iter().enumerate() {
        let cell = cell_of(&draft.kept, position);
        // Rows that stand apart from the product's first only add to it.
        if cell.is_some() || !draft.continues {
            after.set(header, cell.as_deref());
        }
        for (variant, wanted) in variants.iter().zip(&draft.variants) {
            after.set_of(*variant, header, cell_of(&wanted.kept, position).as_deref());
        }
    }
    if after != known && serde_json::to_vec(&after).map_or(usize::MAX, |json| json.len()) > MAX_ITEM_BYTES {
        let fault = Fault::ColumnsLeftOut;
        return (known, Some(Issue::warning("", fault.code(), fault.meaning())));
    }
    (after, None)
}
