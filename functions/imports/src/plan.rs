//! A product of a file, beside what is stored of it: what is to be written, and what a dry run says of it. Pure.

use std::collections::BTreeMap;

use domain::catalog::FileColumns;
use domain::job::ImportFault;
use domain::stock::{Layout, StockShard};
use domain::text::Handle;
use domain::{ProductId, VariantId};
use store::catalog::StoredProduct;

use crate::merge::variants::{is_partial, name};
use crate::merge::{ImportContext, Issue, Merged, Units, added, columns, may_be_set, merged};
use product_file::{ProductDraft, VariantDraft};

/// The most changes of a product that a dry run names.
const MAX_PREVIEW: usize = 12;

/// What is stored of a product of the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) stored: Option<StoredProduct>,
    /// A handle that no product has, if one of [`handles`] is free.
    pub(crate) free_handle: Option<Handle>,
    /// A handle of these is taken by a product that cannot be read, which may be the file's own.
    pub(crate) unreadable: bool,
    /// The product to which the key of the file's belongs in vain: it is gone, or has another key.
    pub(crate) stale_key: Option<ProductId>,
    /// The shards of those of its variants that ever had stock.
    pub(crate) shards: BTreeMap<VariantId, Vec<StockShard>>,
}

/// A product of the file and the writes that it needs.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) place: Place,
    pub(crate) draft: ProductDraft,
    pub(crate) known: Known,
    pub(crate) merged: Merged,
    /// The cells of columns that are only kept.
    pub(crate) file_columns: FileColumns,
}

/// Where a product stands in the file.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// What its rows have in common.
    pub(crate) key: u64,
    pub(crate) line: u64,
    pub(crate) handle: String,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Imported {
        created: bool,
        updated: bool,
        variants: usize,
        stock_kept: u64,
    },
    /// More rows of a product that was counted before.
    Continued {
        variants: usize,
        stock_kept: u64,
    },
    /// More rows of a product that was refused before.
    StillRejected,
    Rejected,
    /// It could not be written at the moment.
    Skipped,
}

impl Known {
    fn file_columns(&self) -> FileColumns {
        self.stored.as_ref().and_then(|stored| stored.file_columns.clone()).unwrap_or_default()
    }

    pub(crate) fn totals(&self) -> BTreeMap<VariantId, StockShard> {
        let sum = |shards: &Vec<StockShard>| shards.iter().fold(StockShard::default(), |sum, shard| sum.plus(*shard));
        self.shards.iter().map(|(variant, shards)| (*variant, sum(shards))).collect()
    }
}

impl Plan {
    pub(crate) fn new(
        place: Place,
        mut draft: ProductDraft,
        known: Known,
        context: &ImportContext,
    ) -> Result<Self, (Place, Vec<Issue>)> {
        if let Some(stored) = &known.stored
            && stored.product.variants.len() > 1
            && is_partial(&stored.product, &draft, context)
        {
            // A row that says nothing of a variant is there for the product.
            draft.variants.retain(VariantDraft::says_something);
        }
        let merged = match (&known.stored, &known.free_handle) {
            (None, _) if known.unreadable => Err(vec![Issue::new(
                "Handle",
                ImportFault::Unreadable,
                "what is stored of this product cannot be read at the moment: it stays as it is",
            )]),
            (Some(stored), _) => {
                let descriptions = (stored.description_html.as_str(), &stored.descriptions);
                merged(&stored.product, descriptions, &draft, context, &known.totals())
            }
            (None, Some(handle)) => {
                let id = ProductId::new(context.now, platform::ids(context.now).bits());
                added(&draft, context, id, handle.clone())
            }
            (None, None) => {
                Err(vec![Issue::new("Handle", ImportFault::HandleTaken, "all forms of this handle are taken")])
            }
        };
        match merged {
            Ok(mut merged) => {
                let before = known.file_columns();
                let (file_columns, issue) =
                    columns::merged(&before, &draft, &merged.variants, &merged.product, context);
                merged.warnings.extend(issue);
                Ok(Self { place, draft, known, merged, file_columns })
            }
            Err(issues) => Err((place, issues)),
        }
    }

    fn changes_columns(&self) -> bool {
        // Those that cannot be read stay as they are.
        let can_be_read = self.known.stored.as_ref().is_none_or(|stored| stored.file_columns.is_some());
        can_be_read && self.known.file_columns() != self.file_columns
    }

    pub(crate) fn is_new(&self) -> bool {
        self.known.stored.is_none()
    }

    pub(crate) fn changes_product(&self) -> bool {
        self.known.stored.as_ref().is_none_or(|stored| {
            let has_changed = stored.product != self.merged.product
                || stored.description_html != self.merged.description_html
                || stored.descriptions != self.merged.descriptions;
            has_changed || self.changes_columns()
        })
    }

    pub(crate) fn changes_anything(&self) -> bool {
        self.changes_product() || !self.stock_changes().is_empty()
    }

    /// The units on hand that are to be set or added, because the file gives others than are stored. Left out are those
    /// that the units reserved for buyers do not allow: a warning says so.
    pub(crate) fn stock_changes(&self) -> Vec<(VariantId, Layout, Units)> {
        let totals = self.known.totals();
        let differs = |(variant, layout, units): &(VariantId, Layout, Units)| {
            let sum = totals.get(variant).copied().unwrap_or_default();
            let on_hand = units.on_hand(sum);
            sum.on_hand() != on_hand && may_be_set(sum, *layout, on_hand)
        };
        self.merged.stock.iter().copied().filter(differs).collect()
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let (created, stock_kept) = (self.is_new(), self.merged.stock_kept);
        if self.draft.continues && !created {
            return Outcome::Continued { variants: self.draft.variants.len(), stock_kept };
        }
        let updated = !created && self.changes_anything();
        Outcome::Imported { created, updated, variants: self.draft.variants.len(), stock_kept }
    }

    /// What would be done, for a dry run; nothing when nothing would change.
    pub(crate) fn preview(&self) -> Option<Issue> {
        let Some(before) = &self.known.stored else {
            let number = self.merged.product.variants.len().to_string();
            let issue = Issue::info(ImportFault::WouldCreate, format!("{number} variants"));
            return Some(Issue { value: number, ..issue });
        };
        let (old, new) = (&before.product, &self.merged.product);
        let mut changes: Vec<String> = Vec::new();
        let has_other_texts = old.translations != new.translations || before.descriptions != self.merged.descriptions;
        let parts = [
            ("title", old.title != new.title),
            ("description", before.description_html != self.merged.description_html),
            ("language", old.language != new.language),
            ("texts in other languages", has_other_texts),
            ("category", old.category() != new.category()),
            ("tags", old.tags != new.tags),
            ("pictures", old.images != new.images),
            ("SEO texts", old.seo != new.seo),
            ("options", old.options != new.options),
            ("state", old.state != new.state),
            ("other columns", self.changes_columns()),
        ];
        changes.extend(parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part.to_owned()));
        for variant in &new.variants {
            match old.variant(variant.id) {
                None => changes.push(format!("new variant {}", name(variant))),
                Some(known) if known.prices != variant.prices => changes.push(format!("price of {}", name(variant))),
                Some(known) if known != variant => changes.push(format!("variant {}", name(variant))),
                Some(_) => {}
            }
        }
        let gone = old.variants.iter().filter(|known| new.variant(known.id).is_none());
        changes.extend(gone.map(|known| format!("variant {} is removed", name(known))));
        let totals = self.known.totals();
        for (variant, _, units) in self.stock_changes() {
            let sum = totals.get(&variant).copied().unwrap_or_default();
            let called = new.variant(variant).map(name).unwrap_or_default();
            changes.push(
                format!("stock of {called}: {} becomes {}", sum.on_hand(), units.on_hand(sum)).replace("of :", ":"),
            );
        }
        let more = changes.len().saturating_sub(MAX_PREVIEW);
        changes.truncate(MAX_PREVIEW);
        if more > 0 {
            changes.push(format!("and {more} more"));
        }
        (!changes.is_empty()).then(|| Issue::info(ImportFault::WouldChange, changes.join(", ")))
    }

    pub(crate) fn stored(&self) -> StoredProduct {
        match &self.known.stored {
            Some(before) => {
                let mut changed = before.clone();
                changed.product = self.merged.product.clone();
                changed.description_html = self.merged.description_html.clone();
                changed.descriptions = self.merged.descriptions.clone();
                changed.file_columns = changed.file_columns.map(|_| self.file_columns.clone());
                // Units left over of a removed variant must not keep the product listed as in stock.
                changed.availability.available.retain(|variant, _| self.merged.product.variant(*variant).is_some());
                changed
            }
            None => {
                let mut new = StoredProduct::new(self.merged.product.clone(), self.merged.description_html.clone());
                new.descriptions = self.merged.descriptions.clone();
                new.file_columns = Some(self.file_columns.clone());
                // The projection of the Stock table's stream will find the same availability: writing it right away
                // saves a second write of the listing rows.
                let none = StockShard::default();
                let units = self.merged.stock.iter().map(|(variant, _, units)| (*variant, units.on_hand(none)));
                new.availability.available = units.filter(|(_, units)| *units > 0).collect();
                new
            }
        }
    }
}

#[cfg(test)]
mod tests;
