//! Pieces of pages that are written already.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

/// HTML that was made by a template, or that was sanitised when it was stored. The only way to one is through these, so
/// nothing that somebody has typed gets into a page unescaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// What a template makes. Writing to a string cannot fail.
    pub(crate) fn of(template: &impl Template) -> Self {
        Self(template.render().unwrap_or_default())
    }

    /// HTML that was sanitised when it was stored: descriptions of products and shops.
    pub fn sanitised(html: &str) -> Self {
        Self(html.to_owned())
    }

    /// Pieces one after the other.
    pub fn joined(pieces: impl IntoIterator<Item = Self>) -> Self {
        Self(pieces.into_iter().map(|piece| piece.0).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Html {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}
