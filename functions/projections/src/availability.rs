//! Availability on product pages, projected from the stock shards.

use std::collections::BTreeMap;

use domain::catalog::Variant;
use domain::{EventId, LowStock, Timestamp, VariantId};
use platform::{Change, StreamRecord};
use store::Error;
use store::catalog::StoredProduct;
use store::stock::shard_of;

use crate::App;

/// Attempts to save the availability of a product that is changed concurrently.
const MAX_ATTEMPTS: usize = 12;

/// A change of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ShardChange {
    variant: VariantId,
    shard: u16,
    /// The shard's version after the change, if the record contains it.
    version: Option<u64>,
}

impl ShardChange {
    /// `None` if the record is not of a shard.
    fn in_record(record: &StreamRecord) -> Option<Self> {
        let (variant, shard) = shard_of(record.key().text("pk")?)?;
        let version = match record.change {
            Change::Remove => None,
            Change::Insert | Change::Modify => record.new_image().and_then(|image| image.number("version")),
        };
        Some(Self { variant, shard, version: version.and_then(|version| u64::try_from(version).ok()) })
    }
}

impl App {
    /// Saves the availability of the variant whose shard has changed.
    ///
    /// The product is read before its stock and saved under its version: of two concurrent projections, the one with
    /// the older reading of the stock conflicts and reads again, so it cannot overwrite the newer one.
    pub(crate) async fn project(&self, record: &StreamRecord, now: Timestamp) -> Result<(), Error> {
        let Some(change) = ShardChange::in_record(record) else { return Ok(()) };
        if change.version.is_some_and(|version| self.seen.includes((change.variant, change.shard), version)) {
            return Ok(());
        }
        for _ in 0..MAX_ATTEMPTS {
            // A product or a variant that is gone needs no availability.
            let Some(stored) = self.catalog.product(change.variant.product()).await? else { return Ok(()) };
            let Some(variant) = stored.product.variant(change.variant) else { return Ok(()) };
            let level = self.stock.level(change.variant, variant.layout().peak_shards).await?;
            let was_low = variant.is_low(stored.availability.units(variant.id));
            let is_low = variant.is_low(level.available);
            // The shards are not read as one snapshot: units that move between two of them may be counted in neither or
            // in both. A wrong number on a page is corrected by the next change, but a mail about low stock cannot be
            // taken back. So the stock is read again before; if it differs, the stream has another record, which
            // decides.
            if was_low != is_low
                && variant.layout().peak_shards > 1
                && self.stock.level(change.variant, variant.layout().peak_shards).await? != level
            {
                return Ok(());
            }
            let low = (is_low && !was_low).then(|| low_stock_event(&stored, variant, level.available, now)).flatten();
            let left = BTreeMap::from([(change.variant, level.available)]);
            match self.catalog.save_availability(&stored, &left, low.as_ref().map(|low| (low, &self.orders))).await {
                Ok(()) => {
                    self.seen.shown(change.variant, &level);
                    return Ok(());
                }
                Err(Error::Conflict) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Error::Conflict)
    }
}

/// The event that a variant has fallen to its vendor's low-stock threshold.
fn low_stock_event(stored: &StoredProduct, variant: &Variant, left: i64, now: Timestamp) -> Option<LowStock> {
    Some(LowStock {
        id: EventId::new(now, platform::ids(now).bits()),
        variant: variant.id,
        vendor: stored.product.vendor.id,
        title: stored.product.title_of(variant),
        sku: variant.sku.as_ref().map(ToString::to_string),
        left,
        low_stock_at: variant.low_stock_at?,
        at: now,
    })
}

#[cfg(test)]
mod tests {
    use domain::ProductId;

    use super::*;

    fn record(change: &str, pk: &str, image: &serde_json::Value) -> StreamRecord {
        let text = serde_json::json!({
            "eventID": "1", "eventName": change,
            "dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": "COUNTER"}}, "NewImage": image, "SequenceNumber": "1"},
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_change_names_its_shard_and_its_version() {
        let variant = VariantId::new(ProductId::from_bits(5), 2);
        let image = serde_json::json!({"available": {"N": "3"}, "version": {"N": "9"}});
        let pk = format!("STOCK#{variant}#004");
        let change_in = |change, image| ShardChange::in_record(&record(change, &pk, image));
        assert_eq!(change_in("MODIFY", &image), Some(ShardChange { variant, shard: 4, version: Some(9) }));
        assert_eq!(
            change_in("REMOVE", &serde_json::Value::Null),
            Some(ShardChange { variant, shard: 4, version: None })
        );
        assert_eq!(change_in("INSERT", &serde_json::json!({})), Some(ShardChange { variant, shard: 4, version: None }));
        assert_eq!(ShardChange::in_record(&record("INSERT", "OTHER#1", &image)), None);
    }
}
