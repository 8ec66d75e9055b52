//! What product files say beyond what is used here: kept, and written back when the products are exported.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::VariantId;
use crate::stored::Kept;

/// The most bytes of cells that are kept of a product, which are one item.
pub const MAX_KEPT_BYTES: usize = 32 * 1024;
/// The most columns that the files of a vendor have together beyond those that are used.
const MAX_KEPT_COLUMNS: usize = 250;

/// The cells of a product in columns that are not used here, by the header of the column. They are an item of their own
/// that only imports and exports read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileColumns {
    #[serde(default)]
    pub columns: BTreeMap<String, FileCells>,
    /// That of the product with which it was written.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// The cells of a product in one column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCells {
    /// That of the product as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Those of variants, by their ordinal within the product.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<String, String>,
}

impl FileColumns {
    /// Sets or removes the cell of the product.
    pub fn set(&mut self, header: &str, cell: Option<&str>) {
        match cell {
            Some(cell) => self.cells(header).product = Some(cell.to_owned()),
            None => self.change(header, |cells| cells.product = None),
        }
    }

    /// Sets or removes the cell of a variant.
    pub fn set_of(&mut self, variant: VariantId, header: &str, cell: Option<&str>) {
        let ordinal = variant.ordinal().to_string();
        match cell {
            Some(cell) => drop(self.cells(header).variants.insert(ordinal, cell.to_owned())),
            None => self.change(header, |cells| drop(cells.variants.remove(&ordinal))),
        }
    }

    /// The cell of a variant.
    pub fn of(&self, variant: VariantId, header: &str) -> Option<&str> {
        self.columns.get(header)?.variants.get(&variant.ordinal().to_string()).map(String::as_str)
    }

    /// The cell of the product.
    pub fn of_product(&self, header: &str) -> Option<&str> {
        self.columns.get(header)?.product.as_deref()
    }

    /// Forgets the cells of all variants but these.
    pub fn retain_variants(&mut self, variants: impl Iterator<Item = VariantId>) {
        let ordinals: Vec<String> = variants.map(|variant| variant.ordinal().to_string()).collect();
        for cells in self.columns.values_mut() {
            cells.variants.retain(|ordinal, _| ordinals.contains(ordinal));
        }
        self.columns.retain(|_, cells| *cells != FileCells::default());
    }

    fn cells(&mut self, header: &str) -> &mut FileCells {
        self.columns.entry(header.to_owned()).or_default()
    }

    fn change(&mut self, header: &str, change: impl FnOnce(&mut FileCells)) {
        if let Some(cells) = self.columns.get_mut(header) {
            change(cells);
            if *cells == FileCells::default() {
                self.columns.remove(header);
            }
        }
    }
}

/// The headers of the columns that the files of a vendor had beyond those that are used, in the order in which they
/// came. An export has them all, so that its parts, which are written one by one, have the same columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHeaders {
    #[serde(default)]
    pub headers: Vec<String>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl FileHeaders {
    /// The same with the new ones of these, as far as there is room.
    #[must_use]
    pub fn with(&self, headers: &[String]) -> Self {
        let mut more = self.clone();
        for header in headers {
            if more.headers.len() < MAX_KEPT_COLUMNS && !more.headers.contains(header) {
                more.headers.push(header.clone());
            }
        }
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProductId;

    #[test]
    fn cells_come_and_go_with_their_variants() {
        let [first, second] = [1, 2].map(|ordinal| VariantId::new(ProductId::from_bits(1), ordinal));
        let mut columns = FileColumns::default();
        columns.set("Collection", Some("Blue"));
        columns.set_of(first, "Variant Barcode", Some("123"));
        columns.set_of(second, "Variant Barcode", Some("456"));
        let stored = serde_json::to_string(&columns).unwrap();
        assert_eq!(serde_json::from_str::<FileColumns>(&stored).unwrap(), columns);
        columns.retain_variants([second].into_iter());
        assert_eq!((columns.of(first, "Variant Barcode"), columns.of(second, "Variant Barcode")), (None, Some("456")));
        columns.set_of(second, "Variant Barcode", None);
        columns.set("Unknown", None);
        assert_eq!(columns.of_product("Collection"), Some("Blue"));
        columns.set("Collection", None);
        assert_eq!(columns, FileColumns::default());
    }

    #[test]
    fn headers_are_kept_once_and_up_to_a_bound() {
        let some = FileHeaders::default().with(&["A".to_owned(), "B".to_owned(), "A".to_owned()]);
        assert_eq!(some.headers, ["A", "B"]);
        let many: Vec<String> = (0..300).map(|number| number.to_string()).collect();
        assert_eq!(some.with(&many).headers.len(), MAX_KEPT_COLUMNS);
    }
}
