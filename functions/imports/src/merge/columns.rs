//! The cells of columns that are only kept.

use domain::VariantId;
use domain::catalog::{FileColumns, MAX_KEPT_BYTES, Product};
use domain::job::ImportFault;

use super::{ImportContext, Issue};
use product_file::ProductDraft;

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
    let headers = context.kept_columns.iter().map(String::as_str).enumerate();
    after.set_all(headers.flat_map(|(position, header)| {
        let cell = cell_of(&draft.kept, position);
        // Rows that stand apart from the product's first only add to it.
        let of_product = (cell.is_some() || !draft.continues).then_some((header, None, cell));
        let of_variants = variants.iter().zip(&draft.variants);
        let of_variants =
            of_variants.map(move |(variant, wanted)| (header, Some(*variant), cell_of(&wanted.kept, position)));
        of_product.into_iter().chain(of_variants)
    }));
    if after != known && serde_json::to_vec(&after).map_or(usize::MAX, |json| json.len()) > MAX_ITEM_BYTES {
        let most = MAX_ITEM_BYTES / 1024;
        let detail = format!(
            "other columns than those used here are kept up to {most} KB for each product, from all its files \
             together: those of this file were left out"
        );
        return (known, Some(Issue::warning("", ImportFault::KeptColumnsFull, detail)));
    }
    (after, None)
}

/// Cells come in the order of their columns.
fn cell_of(cells: &[(usize, String)], position: usize) -> Option<&str> {
    let found = cells.binary_search_by_key(&position, |(at, _)| *at).ok();
    found.and_then(|index| cells.get(index)).map(|(_, cell)| cell.as_str())
}
