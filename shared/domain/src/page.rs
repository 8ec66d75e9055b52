//! Pages of lists.

/// Which page of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The most items of the page.
    pub limit: u16,
    /// The cursor of the page before; nothing for the first page.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    pub items: Vec<T>,
    /// The cursor of the next page; nothing after the last. It is valid for this list only.
    pub next: Option<String>,
}
