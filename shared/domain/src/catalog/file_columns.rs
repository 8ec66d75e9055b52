//! What product files say beyond what is used here: kept, and written back when the products are exported.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::VariantId;
use crate::job::normalised_header;
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

impl FileCells {
    /// The cell of a variant, by its ordinal, or of the product.
    fn cell(&self, variant: Option<&str>) -> Option<&str> {
        match variant {
            None => self.product.as_deref(),
            Some(ordinal) => self.variants.get(ordinal).map(String::as_str),
        }
    }

    fn put(&mut self, variant: Option<&str>, cell: Option<&str>) {
        match (variant, cell) {
            (None, cell) => self.product = cell.map(str::to_owned),
            (Some(ordinal), Some(cell)) => drop(self.variants.insert(ordinal.to_owned(), cell.to_owned())),
            (Some(ordinal), None) => drop(self.variants.remove(ordinal)),
        }
    }
}

impl FileColumns {
    /// Sets or removes the cell of the product.
    pub fn set(&mut self, header: &str, cell: Option<&str>) {
        self.set_all([(header, None, cell)]);
    }

    /// Sets or removes the cell of a variant.
    pub fn set_of(&mut self, variant: VariantId, header: &str, cell: Option<&str>) {
        self.set_all([(header, Some(variant), cell)]);
    }

    /// Sets or removes cells, by the header of their column: of the product, or of one of its variants. Headers of
    /// the same column come one after the other, so that the work grows with the cells and no faster.
    pub fn set_all<'a>(&mut self, cells: impl IntoIterator<Item = (&'a str, Option<VariantId>, Option<&'a str>)>) {
        let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for header in self.columns.keys() {
            known.entry(normalised_header(header)).or_default().push(header.clone());
        }
        let (mut current, mut spellings): (Option<&str>, Vec<String>) = (None, Vec::new());
        for (header, variant, cell) in cells {
            if current != Some(header) {
                spellings = self.spelled_among(header, &known);
                current = Some(header);
            }
            let ordinal = variant.map(|variant| variant.ordinal().to_string());
            if self.put(header, &spellings, ordinal.as_deref(), cell) && spellings.is_empty() {
                known.entry(normalised_header(header)).or_default().push(header.to_owned());
                spellings.push(header.to_owned());
            }
        }
        self.columns.retain(|_, cells| *cells != FileCells::default());
    }

    /// The cell of a variant.
    pub fn of(&self, variant: VariantId, header: &str) -> Option<&str> {
        let ordinal = variant.ordinal().to_string();
        self.spelled(header).find_map(|(_, cells)| cells.variants.get(&ordinal)).map(String::as_str)
    }

    /// The cell of the product.
    pub fn of_product(&self, header: &str) -> Option<&str> {
        self.spelled(header).find_map(|(_, cells)| cells.product.as_deref())
    }

    /// The columns that this header means: the one that is spelled so, then others that differ in signs and case only,
    /// which files of earlier releases may have brought.
    fn spelled(&self, header: &str) -> impl Iterator<Item = (&String, &FileCells)> {
        let normalised = normalised_header(header);
        let exact = self.columns.get_key_value(header);
        let is_other = move |known: &&String, header: &str| {
            known.as_str() != header && !normalised.is_empty() && normalised_header(known) == normalised
        };
        let header = header.to_owned();
        exact.into_iter().chain(self.columns.iter().filter(move |(known, _)| is_other(known, &header)))
    }

    /// [`FileColumns::spelled`] by headers that were normalised once.
    fn spelled_among(&self, header: &str, known: &BTreeMap<String, Vec<String>>) -> Vec<String> {
        let exact = self.columns.contains_key(header).then(|| header.to_owned());
        let normalised = normalised_header(header);
        let others = known.get(&normalised).filter(|_| !normalised.is_empty()).into_iter().flatten();
        exact.into_iter().chain(others.filter(|known| *known != header).cloned()).collect()
    }

    /// Sets or removes a cell: in the column that has it by now, or else in the one that is spelled so. Others that
    /// differ in signs and case only lose theirs. Returns whether there is a cell now.
    fn put(&mut self, header: &str, spellings: &[String], variant: Option<&str>, cell: Option<&str>) -> bool {
        let shown = spellings.iter().find_map(|known| self.columns.get(known).and_then(|cells| cells.cell(variant)));
        if shown == cell {
            return cell.is_some();
        }
        for known in spellings {
            if let Some(cells) = self.columns.get_mut(known) {
                cells.put(variant, None);
            }
        }
        if let Some(cell) = cell {
            let spelling = spellings.first().map_or(header, String::as_str);
            self.columns.entry(spelling.to_owned()).or_default().put(variant, Some(cell));
        }
        cell.is_some()
    }

    /// Forgets the cells of all variants but these.
    pub fn retain_variants(&mut self, variants: impl Iterator<Item = VariantId>) {
        let ordinals: Vec<String> = variants.map(|variant| variant.ordinal().to_string()).collect();
        for cells in self.columns.values_mut() {
            cells.variants.retain(|ordinal, _| ordinals.contains(ordinal));
        }
        self.columns.retain(|_, cells| *cells != FileCells::default());
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
    /// The same with the new ones of these, as far as there is room. Spellings that differ in signs and case only are
    /// one.
    #[must_use]
    pub fn with(&self, headers: &[String]) -> Self {
        let mut more = self.clone();
        for header in headers {
            if more.headers.len() < MAX_KEPT_COLUMNS && !more.has(header) {
                more.headers.push(header.clone());
            }
        }
        more
    }

    /// Whether it has a header, in any spelling.
    pub fn has(&self, header: &str) -> bool {
        self.headers.iter().any(|known| is_same(known, header))
    }

    /// The headers, each in one spelling: those of earlier releases may be there in several.
    pub fn spelled_once(&self) -> Vec<String> {
        Self::default().with(&self.headers).headers
    }
}

/// Whether two headers differ in signs and case only. One without letters and digits is only the same as itself.
fn is_same(one: &str, other: &str) -> bool {
    let normalised = normalised_header(one);
    one == other || (!normalised.is_empty() && normalised == normalised_header(other))
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
    fn cells_that_are_set_together_are_the_same_as_one_by_one() {
        let [first, second] = [1, 2].map(|ordinal| VariantId::new(ProductId::from_bits(1), ordinal));
        let cells = [
            ("Size", None, Some("L")),
            ("Size", Some(first), Some("M")),
            ("size", Some(second), Some("S")),
            ("SIZE", None, None),
            ("#", None, Some("1")),
            ("%", Some(first), Some("2")),
            ("", None, None),
        ];
        let (mut together, mut apart) = (FileColumns::default(), FileColumns::default());
        together.set_all(cells);
        for cell in cells {
            apart.set_all([cell]);
        }
        assert_eq!(together, apart);
        assert_eq!((together.of(second, "Size"), together.of_product("Size")), (Some("S"), None));
        assert_eq!(together.columns.len(), 3);
    }

    #[test]
    fn headers_are_kept_once_and_up_to_a_bound() {
        let some = FileHeaders::default().with(&["A".to_owned(), "B".to_owned(), "A".to_owned()]);
        assert_eq!(some.headers, ["A", "B"]);
        let many: Vec<String> = (0..300).map(|number| number.to_string()).collect();
        assert_eq!(some.with(&many).headers.len(), MAX_KEPT_COLUMNS);
    }

    #[test]
    fn spellings_of_a_header_are_one_column() {
        let variant = VariantId::new(ProductId::from_bits(1), 1);
        let mut columns = FileColumns::default();
        columns.set("Category", Some("Bowls"));
        columns.set("category", Some("Cups"));
        columns.set_of(variant, "Option4 Value", Some("Blue"));
        assert_eq!((columns.of_product("CATEGORY"), columns.columns.len()), (Some("Cups"), 2));
        assert_eq!(columns.of(variant, "Option4Value"), Some("Blue"));
        // An earlier release has kept both.
        let cells = |text: &str| FileCells { product: Some(text.to_owned()), ..FileCells::default() };
        columns.columns.insert("category".to_owned(), cells("Plates"));
        let before = columns.clone();
        columns.set("Category", Some("Cups"));
        assert_eq!(columns, before, "what an export shows changes nothing");
        columns.set("category", None);
        assert_eq!(columns.of_product("Category"), None);

        let headers = FileHeaders::default().with(&["Category", "category", "#", "%"].map(str::to_owned));
        assert_eq!(headers.headers, ["Category", "#", "%"]);
        assert!(headers.has("CATEGORY") && !headers.has("&"));
        let both = FileHeaders { headers: ["A b", "ab"].map(str::to_owned).into(), ..FileHeaders::default() };
        assert_eq!(both.spelled_once(), ["A b"]);
    }
}
