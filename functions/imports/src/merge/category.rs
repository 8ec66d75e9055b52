//! The `Type` column of a file and the tree of categories.

use domain::catalog::{CategoryTree, Product};
use domain::job::ImportFault;
use domain::text::Line;

use super::Issue;
use product_file::ProductDraft;

/// The `Type` cell of a product in a file: the words of the last import as long as they still resolve to the product's
/// category, else the category's handle.
pub(crate) fn file_type(product: &Product, tree: &CategoryTree) -> Option<Line> {
    let words = product.file_type.as_ref();
    let meant = words.filter(|words| tree.find(words.as_str()).unwrap_or_default() == product.categories);
    meant.cloned().or_else(|| product.category().and_then(|handle| Line::parse(handle.as_str()).ok()))
}

/// Puts the product into the category that the file names, and warns when there is no such category.
pub(super) fn set(
    product: &mut Product,
    before: &Product,
    draft: &ProductDraft,
    tree: &CategoryTree,
    warnings: &mut Vec<Issue>,
) {
    let named = draft.category.iter().chain(&draft.other_categories);
    let known = named.clone().find(|words| tree.find(words.as_str()).is_some());
    let category = known.or(draft.category.as_ref()).cloned();
    let unchanged = category == file_type(before, tree);
    if !unchanged {
        product.file_type.clone_from(&category);
    }
    product.removed_category = None;
    product.categories = match category.as_ref().map(|words| tree.find(words.as_str())) {
        None => Vec::new(),
        Some(Some(path)) => path,
        // A product whose category was removed from the tree keeps it as long as its cell is unchanged.
        Some(None) if unchanged && before.category().is_some() => {
            product.removed_category.clone_from(&before.removed_category);
            before.categories.clone()
        }
        Some(None) => {
            let detail = "no category has this handle or name: the product went in without one";
            let value = category.as_ref().map(ToString::to_string).unwrap_or_default();
            warnings.push(Issue { value, ..Issue::warning("Type", ImportFault::UnknownCategory, detail) });
            Vec::new()
        }
    };
}
