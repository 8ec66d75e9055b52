//! The table Stock: one shard item per variant and shard.

mod adjustments;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::order::StockMove;
use domain::stock::StockShard;
use domain::{Prepared, Refusal, VariantId};

use crate::idempotency::stores_responses;
use crate::item::{self, Attributes, Condition, integer, key, number, text};
use crate::{Error, retry};

/// Key: `STOCK#<variant>#<shard>` / `COUNTER`.
fn shard_key(variant: VariantId, shard: u16) -> Attributes {
    key(format!("STOCK#{variant}#{shard:03}"), "COUNTER")
}

/// The variant and the shard that a shard's partition key names.
fn shard_of(pk: &str) -> Option<(VariantId, u16)> {
    let (variant, shard) = pk.strip_prefix("STOCK#")?.rsplit_once('#')?;
    Some((variant.parse().ok()?, shard.parse().ok()?))
}

#[derive(Clone, Debug)]
pub struct Stock {
    client: Client,
    table: String,
}

stores_responses!(Stock);

/// The units of a variant that can be bought, with the versions of the shards that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StockLevel {
    /// The sum over all shards.
    pub available: i64,
    /// The version of each shard that exists.
    pub versions: BTreeMap<u16, u64>,
}

/// A shard with the version at which it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub shard: StockShard,
    /// Counts the shard's changes; 0 when it was never written.
    pub version: u64,
}

/// Makes the response to a request from the shards as they are after its change.
pub type Respond<'a, R> = &'a (dyn Fn(&[StockShard]) -> Result<Prepared<R>, Refusal> + Send + Sync);

/// A change of one shard, as the table's stream reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardChange {
    pub variant: VariantId,
    pub shard: u16,
    /// The shard's version after the change, if the record contains it.
    pub version: Option<u64>,
}

impl ShardChange {
    /// The change in a stream's record, from the item's key and, unless it was deleted, the item. `None` if the record
    /// is not of a shard.
    pub fn of(key: &Attributes, item: Option<&Attributes>) -> Option<Self> {
        let (variant, shard) = shard_of(text(key, "pk")?)?;
        let version = item.and_then(|item| integer(item, "version")).and_then(|version| u64::try_from(version).ok());
        Some(Self { variant, shard, version })
    }
}

impl Stock {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Reads all shards of some variants consistently; a shard that was never written is empty. Each variant comes with
    /// the number of its shards that may hold units, from [`domain::catalog::Variant::layout`].
    pub async fn shards(&self, variants: &[(VariantId, u16)]) -> Result<BTreeMap<VariantId, Vec<StockShard>>, Error> {
        let readings = self.readings(variants).await?;
        let shards = |all: Vec<Reading>| all.into_iter().map(|reading| reading.shard).collect();
        Ok(readings.into_iter().map(|(variant, all)| (variant, shards(all))).collect())
    }

    /// [`Stock::shards`] with the version of each shard. This is no snapshot: units that are moved between two shards
    /// during the read may be seen in neither. Two equal readings in succession are as good as a snapshot.
    pub async fn readings(&self, variants: &[(VariantId, u16)]) -> Result<BTreeMap<VariantId, Vec<Reading>>, Error> {
        let keys = variants
            .iter()
            .flat_map(|(variant, shards)| (0..*shards).map(|shard| shard_key(*variant, shard)))
            .collect();
        let found = retry::batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let mut readings: BTreeMap<VariantId, Vec<Reading>> = variants
            .iter()
            .map(|(variant, shards)| (*variant, vec![Reading::default(); usize::from(*shards)]))
            .collect();
        for (_, found) in found {
            let Some((variant, shard)) = text(&found, "pk").and_then(shard_of) else { continue };
            if let Some(reading) = readings.get_mut(&variant).and_then(|all| all.get_mut(usize::from(shard))) {
                let stock = StockShard {
                    available: integer(&found, "available").unwrap_or(0),
                    reserved: integer(&found, "reserved").unwrap_or(0),
                };
                *reading = Reading { shard: stock, version: item::version(&found) };
            }
        }
        Ok(readings)
    }

    /// The units of a variant that can be bought, with the version of each shard that was read: the sum includes the
    /// changes of a shard up to that version.
    pub async fn level(&self, variant: VariantId, shards: u16) -> Result<StockLevel, Error> {
        let keys = (0..shards).map(|shard| shard_key(variant, shard)).collect();
        let found = retry::batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let mut level = StockLevel::default();
        for (_, found) in found {
            let Some((_, shard)) = text(&found, "pk").and_then(shard_of) else { continue };
            let available = integer(&found, "available").unwrap_or(0);
            level.available = level.available.saturating_add(available);
            level.versions.insert(shard, item::version(&found));
        }
        Ok(level)
    }

    /// The action that moves units of one shard. It fails when fewer units are available, or reserved, than it takes.
    /// Only shard 0 may fall below zero available units, down to the oversell limit.
    pub(crate) fn move_action(&self, change: &StockMove, oversell_limit: u32) -> Result<TransactWriteItem, Error> {
        let mut condition = Condition::of(match (change.available < 0, change.reserved < 0) {
            (true, true) => "available >= :least AND reserved >= :promised",
            (true, false) => "available >= :least",
            (false, true) => "reserved >= :promised",
            (false, false) => "attribute_exists(pk)",
        })
        .name("#version", "version")
        .value(":available", number(change.available))
        .value(":reserved", number(change.reserved))
        .value(":one", number(1));
        if change.available < 0 {
            let oversell_limit = if change.shard == 0 { i64::from(oversell_limit) } else { 0 };
            condition =
                condition.value(":least", number(change.available.saturating_neg().saturating_sub(oversell_limit)));
        }
        if change.reserved < 0 {
            condition = condition.value(":promised", number(change.reserved.unsigned_abs()));
        }
        item::update(
            &self.table,
            shard_key(change.variant, change.shard),
            "ADD available :available, reserved :reserved, #version :one",
            &condition,
        )
    }
}

#[cfg(test)]
mod tests {
    use domain::ProductId;

    use super::*;

    #[test]
    fn a_change_names_its_shard_and_its_version() {
        let variant = VariantId::new(ProductId::from_bits(9), 3);
        let change = |version| Some(ShardChange { variant, shard: 7, version });
        let item = Attributes::from([("version".to_owned(), number(9))]);
        assert_eq!(ShardChange::of(&shard_key(variant, 7), Some(&item)), change(Some(9)));
        assert_eq!(ShardChange::of(&shard_key(variant, 7), Some(&Attributes::new())), change(None));
        assert_eq!(ShardChange::of(&shard_key(variant, 7), None), change(None));
        assert_eq!(ShardChange::of(&key("OTHER#1", "COUNTER"), Some(&item)), None);
    }
}
