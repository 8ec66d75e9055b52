//! A file's `Type` and the tree of categories.

use domain::catalog::{CategoryTree, Product};
use domain::text::Line;

use super::Issue;
use crate::product_file::ProductDraft;

/// What a file calls the category of a product: in its own words as long as they still mean the product's category, else by the
/// category's handle.
pub(crate) fn file_type(product: &Product, tree: &CategoryTree) -> Option<Line> {
    let words = product.file_type.as_ref();
    let meant = words.filter(|words| tree.find(words.as_str()).unwrap_or_default() == product.categories);
    meant.cloned().or_else(|| product.categories.last().and_then(|handle| Line::parse(handle.as_str()).ok()))
}

/// Puts the product into the category that the file names.
pub(super) fn set(
    product: &mut Product,
    before: &Product,
    draft: &ProductDraft,
    tree: &CategoryTree,
    warnings: &mut Vec<Issue>,
) {
    let unchanged = draft.category == file_type(before, tree);
    if !unchanged {
        product.file_type = draft.category.clone();
    }
    product.categories = match draft.category.as_ref().map(|words| tree.find(words.as_str())) {
        None => Vec::new(),
        Some(Some(path)) => path,
        // A category that was taken out of the tree leaves its products where they are.
        Some(None) if unchanged && !before.categories.is_empty() => before.categories.clone(),
        Some(None) => {
            let detail = "no category has this handle or name: the product went in without one";
            warnings.push(Issue::new("Type", "unknown_category", detail));
            Vec::new()
        }
    };
}
