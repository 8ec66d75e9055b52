//! The walk of a rebuild through the table. It is background work: no request reads a table as a whole.

use std::collections::{BTreeMap, BTreeSet};

use domain::ProductId;
use domain::job::Derived;

use super::batches::{self, Position};
use super::listing::{product_of_row, row_key};
use super::products::product_of;
use super::{Catalog, Entry, LISTING, PRODUCT};
use crate::Error;
use crate::dispatch::Dispatch as _;
use crate::error::failure;
use crate::item::{Attributes, Condition, readable, string, text, version};
use crate::retry::{batch, delete_one, with_retries};
use crate::stored::check_known;

/// What a page of a walk has found.
#[derive(Debug, Default)]
pub struct Walk {
    pub found: Vec<WalkItem>,
    /// Where the next page begins; nothing at the end of the table.
    pub next: Option<Position>,
}

/// Something to be compared with what it is derived from.
#[derive(Clone, Debug)]
pub enum WalkItem {
    /// All copies of a product.
    Product(ProductId),
    /// A row of a list that its product, as it is now, does not have.
    Orphan(FoundRow),
}

/// A listing row that a walk has found.
#[derive(Clone, Debug)]
pub struct FoundRow {
    key: Attributes,
    version: u64,
}

impl Catalog {
    /// Reads on through the table, so many items of all kinds at a time.
    pub async fn walk(&self, what: Derived, after: Option<Position>, limit: u16) -> Result<Walk, Error> {
        let start = after.map(batches::start);
        let names = [("#pk", "pk"), ("#sk", "sk"), ("#kind", "kind"), ("#version", "version")];
        let names = names.map(|(placeholder, name)| (placeholder.to_owned(), name.to_owned()));
        let mut values = Attributes::from([(":product".to_owned(), string(PRODUCT))]);
        let mut filter = "#kind = :product";
        if matches!(what, Derived::Listings | Derived::Categories) {
            filter = "#kind IN (:product, :listing)";
            values.insert(":listing".to_owned(), string(LISTING));
        }
        let answer = with_retries(|| async {
            let scan = self.client.scan().table_name(&self.table).limit(i32::from(limit));
            scan.projection_expression("#pk, #sk, #kind, #version")
                .filter_expression(filter)
                .set_expression_attribute_names(Some(names.clone().into()))
                .set_expression_attribute_values(Some(values.clone()))
                .set_exclusive_start_key(start.clone())
                .dispatch()
                .await
                .map_err(|error| failure(&error))
        })
        .await?;
        let next = answer.last_evaluated_key.filter(|last| !last.is_empty()).and_then(batches::position);
        let (mut found, mut rows) = (Vec::new(), Vec::new());
        for item in answer.items.unwrap_or_default() {
            if text(&item, "kind") == Some(LISTING) {
                rows.push(item);
            } else if let Some(id) = text(&item, "pk").and_then(|pk| pk.strip_prefix("PRODUCT#")?.parse().ok()) {
                found.push(WalkItem::Product(id));
            }
        }
        found.extend(self.orphans(rows).await?.into_iter().map(WalkItem::Orphan));
        Ok(Walk { found, next })
    }

    /// Those of the rows that their products, read after them, do not have. The rows of a product that cannot be read,
    /// or that only a newer release understands, are left as they are.
    async fn orphans(&self, rows: Vec<Attributes>) -> Result<Vec<FoundRow>, Error> {
        let of_row = |row: &Attributes| text(row, "sk").and_then(product_of_row);
        let ids: BTreeSet<ProductId> = rows.iter().filter_map(of_row).collect();
        let keys = ids.iter().map(|id| Entry::Product(*id).key()).collect();
        // The keys of the rows of each product; nothing for a product whose rows are left.
        let mut rows_of: BTreeMap<ProductId, Option<Vec<Attributes>>> =
            ids.iter().map(|id| (*id, Some(Vec::new()))).collect();
        for (_, item) in batch(&self.client, vec![(self.table.clone(), keys, true)]).await? {
            let Some(id) = text(&item, "pk").and_then(|pk| pk.strip_prefix("PRODUCT#")?.parse().ok()) else { continue };
            let product = readable(product_of(&item), &item)?.filter(|product| check_known(product).is_ok());
            let rows = product.map(|product| product.listing_rows(true));
            rows_of.insert(id, rows.map(|rows| rows.iter().map(row_key).collect()));
        }
        let mut orphans = Vec::new();
        for mut row in rows {
            let known = of_row(&row).and_then(|id| rows_of.get(&id));
            let version = version(&row);
            row.retain(|name, _| ["pk", "sk"].contains(&name.as_str()));
            if let Some(Some(expected)) = known
                && !expected.contains(&row)
            {
                orphans.push(FoundRow { key: row, version });
            }
        }
        Ok(orphans)
    }

    /// Deletes a row that its product does not have, unless it was written since it was found. Returns whether it did.
    pub async fn delete_orphan(&self, row: &FoundRow) -> Result<bool, Error> {
        match delete_one(&self.client, &self.table, row.key.clone(), &Condition::at_version(row.version)).await {
            Ok(()) => Ok(true),
            Err(failed) => match Error::from(failed) {
                Error::Conflict => Ok(false),
                other => Err(other),
            },
        }
    }
}
