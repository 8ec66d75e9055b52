//! Texts that people agree to: each version is an item, and which one is in force stands beside the settings, which are
//! read together with it.

use domain::legal::{InForce, LegalText, LegalTexts, LegalVersion};
use domain::stored::Kept;
use domain::{Outcome, PageRequest, Prepared, Slice};

use super::SettingsTable;
use crate::Error;
use crate::idempotency::transact;
use crate::item::{Attributes, Condition, key, put, readable, text};
use crate::page::List;
use crate::retry::{QueryRequest, get, query};
use crate::stored::{read, stored, write};
use crate::transaction::{Purpose, Transaction};

const VERSION: &str = "legal_version";
const IN_FORCE: &str = "legal_in_force";

stored! {
    VERSION => LegalVersion: [];
    IN_FORCE => InForce: [];
}

/// Partition of the versions of a text.
fn versions_of(legal: LegalText) -> String {
    format!("LEGAL#{}", legal.as_str())
}

/// `LEGAL#<text>` / `<number, ten digits>`.
fn version_key(legal: LegalText, number: u32) -> Attributes {
    key(versions_of(legal), format!("{number:010}"))
}

/// `SHOP` / `SETTINGS#LEGAL#<text>`: the sort key begins as those of settings do.
fn in_force_key(legal: LegalText) -> Attributes {
    key("SHOP", format!("SETTINGS#LEGAL#{}", legal.as_str()))
}

/// What is in force, among the items that were read with the settings.
pub(super) fn in_force_of(items: &[Attributes]) -> Result<LegalTexts, Error> {
    let mut found = LegalTexts::default();
    for item in items.iter().filter(|item| text(item, "kind") == Some(IN_FORCE)) {
        let current = readable(read::<InForce>(item), item)?;
        let name = text(item, "sk").and_then(|sk| sk.strip_prefix("SETTINGS#LEGAL#"));
        match name.and_then(LegalText::parse) {
            Some(LegalText::Offer) => found.offer = current,
            Some(LegalText::Agreement) => found.agreement = current,
            // Pages read what they show by themselves.
            Some(LegalText::Delivery | LegalText::Returns | LegalText::Privacy) | None => {}
        }
    }
    Ok(found)
}

impl SettingsTable {
    /// Refuses whoever has not agreed to the version in force, and returns what is kept: its number. Settings are
    /// cached, so whoever has seen a newer version than this sandbox knows of is looked after with another read.
    ///
    /// # Errors
    /// `terms_not_accepted`.
    pub async fn accepted(&self, legal: LegalText, accepted: Option<u32>) -> Result<Option<u32>, Error> {
        let known = self.current().await?;
        let last = known.legal.of(legal).map_or(0, |current| current.number);
        if accepted.is_some_and(|accepted| accepted > last) {
            return Ok(in_force_of(&self.items(true).await?)?.check(legal, accepted)?);
        }
        Ok(known.legal.check(legal, accepted)?)
    }

    /// The version of a text in force, read consistently.
    pub async fn legal_in_force(&self, legal: LegalText) -> Result<Option<InForce>, Error> {
        let found = get(&self.client, &self.table, in_force_key(legal), true).await?;
        found.as_ref().map(read).transpose()
    }

    /// Puts the next version of a text in force, if the last one was read.
    pub async fn publish_legal<R>(
        &self,
        legal: LegalText,
        last: Option<&InForce>,
        next: &LegalVersion,
        response: Prepared<R>,
    ) -> Result<Outcome<R>, Error> {
        let loaded = last.map_or(0, |last| last.version);
        let current = InForce {
            number: next.number,
            published_at: next.published_at,
            grace_until: next.grace_until,
            required: last.map_or(0, |last| last.required_at(next.published_at)),
            version: loaded,
            kept: last.map_or_else(Kept::default, |last| last.kept.clone()),
        };
        let written = write(version_key(legal, next.number), 1, next)?;
        let actions = vec![
            put(&self.table, written, &Condition::absent())?,
            put(&self.table, write(in_force_key(legal), loaded + 1, &current)?, &Condition::at_version(loaded))?,
        ];
        Ok(transact(&self.client, &self.table, Transaction::of(Purpose::Item, actions), response).await?)
    }

    /// The last version of a text.
    pub async fn last_legal(&self, legal: LegalText) -> Result<Option<LegalVersion>, Error> {
        let request = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", versions_of(legal)),
            newest_first: true,
            limit: Some(1),
            ..QueryRequest::default()
        };
        query(&self.client, request).await?.items.first().map(read).transpose()
    }

    /// The versions of a text, newest first.
    pub async fn legal_versions(&self, legal: LegalText, page: &PageRequest) -> Result<Slice<LegalVersion>, Error> {
        let query = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", versions_of(legal)),
            newest_first: true,
            ..QueryRequest::default()
        };
        let position = |last: &Attributes| text(last, "sk")?.parse::<i64>().ok();
        let key = |number: &i64| version_key(legal, u32::try_from(*number).unwrap_or(0));
        let list = List { query, variant: legal.as_str().to_owned(), position: &position, key: &key };
        list.page(&self.client, page, |found| read(found)).await
    }
}
