//! Availability on product pages, projected from the stock shards.

use std::collections::BTreeMap;

use domain::catalog::Variant;
use domain::{EventId, LowStock, Timestamp, Unread};
use platform::StreamRecord;
use store::catalog::StoredProduct;
use store::stock::ShardChange;
use store::{Backoff, Error};

use crate::App;

impl App {
    /// Saves the availability of the variant whose shard has changed.
    ///
    /// The product is read before its stock and saved under its version: of two concurrent projections, the one with
    /// the older reading of the stock conflicts and reads again, so it cannot overwrite the newer one.
    pub(crate) async fn project(&self, record: &StreamRecord, now: Timestamp) -> Result<(), Error> {
        let Some(change) = ShardChange::of(record.key(), record.new_image()) else { return Ok(()) };
        if change.version.is_some_and(|version| self.seen.includes((change.variant, change.shard), version)) {
            return Ok(());
        }
        let mut backoff = Backoff::default();
        loop {
            // A product or a variant that is gone needs no availability.
            let stored = match self.catalog.product(change.variant.product()).await {
                // The products behind it in the stream must not wait for it. Once it can be read, it is rebuilt.
                Err(error) if error.is_unreadable() => {
                    tracing::warn!(
                        product.id = %change.variant.product(), cause = %error, "a stored item cannot be read"
                    );
                    return Ok(());
                }
                stored => stored?,
            };
            let Some(stored) = stored else { return Ok(()) };
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
                Err(Error::Conflict) => backoff.pause().await?,
                Err(other) => return Err(other),
            }
        }
    }
}

/// The event that a variant has fallen to its vendor's low-stock threshold.
fn low_stock_event(stored: &StoredProduct, variant: &Variant, left: i64, now: Timestamp) -> Option<LowStock> {
    Some(LowStock {
        id: EventId::new(now, platform::ids(now).bits()),
        variant: variant.id,
        vendor: stored.product.vendor.id,
        title: Unread,
        sku: Unread,
        left,
        low_stock_at: variant.low_stock_at?,
        at: now,
    })
}
