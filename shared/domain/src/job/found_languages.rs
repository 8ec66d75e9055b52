//! What an export has to know of languages before it writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::text::{ContentLanguage, InLanguages};

/// The languages that a vendor's products have texts in, as far as an export has looked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundLanguages {
    /// In how many products.
    #[serde(default)]
    pub products: InLanguages<u64>,
    /// The key of the last product that was looked at; nothing once all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<BTreeMap<String, String>>,
}

impl FoundLanguages {
    /// The languages that most products have texts in: as many as a file may have.
    pub fn most(&self) -> BTreeSet<&ContentLanguage> {
        let mut ranked: Vec<(&ContentLanguage, u64)> = self.products.iter().map(|(tag, count)| (tag, *count)).collect();
        ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        ranked.into_iter().take(ContentLanguage::MOST).map(|(language, _)| language).collect()
    }
}
