//! Rebuilds: the item of each, and how the copies of one product are derived again.

use std::collections::{BTreeMap, HashMap};

use domain::catalog::CategoryTree;
use domain::job::{Derived, JobState, Rebuild};
use domain::stock::StockShard;
use domain::{Code, Coded as _, Outcome, Prepared, ProductId, RebuildId, Refusal, Timestamp, VariantId};

use super::listing::{TITLES, row_item, row_key};
use super::{Catalog, Entry, StoredProduct};
use crate::idempotency::put_one;
use crate::item::{Attributes, Condition, readable, text, version};
use crate::retry::{batch, get};
use crate::stored::{check_known, read, write};
use crate::transaction::{Purpose, Transaction};
use crate::{Backoff, Decision, Error, Stock};

impl Catalog {
    /// The last rebuild of these copies, read consistently. One that cannot be read is none.
    pub async fn rebuild(&self, what: Derived) -> Result<Option<Rebuild>, Error> {
        Ok(self.stored_rebuild(what).await?.0)
    }

    /// [`rebuild`](Self::rebuild), and the version of its item, whatever is in it; 0 when there is none.
    async fn stored_rebuild(&self, what: Derived) -> Result<(Option<Rebuild>, u64), Error> {
        match get(&self.client, &self.table, Entry::Rebuild(what).key(), true).await? {
            Some(found) => Ok((readable(read(&found), &found)?, version(&found))),
            None => Ok((None, 0)),
        }
    }

    /// Whether the last rebuild of these copies was completed. One that cannot be read counts as none.
    pub async fn is_rebuilt(&self, what: Derived) -> Result<bool, Error> {
        Ok(self.rebuild(what).await?.is_some_and(|job| job.state == JobState::Completed))
    }

    /// The rebuild with this id, as long as no later one of the same copies has taken its place.
    pub async fn rebuild_with_id(&self, id: RebuildId) -> Result<Option<Rebuild>, Error> {
        for what in Derived::ALL {
            if let Some(found) = self.rebuild(what).await?.filter(|found| found.id == id) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Writes a rebuild, if its item is still at the version that was read. `respond` makes the response to a request
    /// for it from the rebuild as it is written.
    pub async fn save_rebuild<R>(
        &self,
        job: &Rebuild,
        respond: impl FnOnce(&Rebuild) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let saved = Rebuild { version: job.version + 1, ..job.clone() };
        let written = write(Entry::Rebuild(job.what).key(), saved.version, &saved)?;
        let condition = Condition::at_version(job.version);
        Ok(put_one(&self.client, &self.table, Some((written, &condition)), respond(&saved)?).await?)
    }

    /// Begins a rebuild of these copies with this id. When one is at work, it begins anew once it is through, so that
    /// no change before the request is missed.
    pub async fn request_rebuild<R>(
        &self,
        what: Derived,
        id: RebuildId,
        now: Timestamp,
        respond: impl Fn(&Rebuild) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let mut backoff = Backoff::default();
        loop {
            let asked = match self.stored_rebuild(what).await? {
                (Some(last), _) => last.requested_again(id, now),
                (None, version) => Rebuild { version, ..Rebuild::new(id, what, now) },
            };
            match self.save_rebuild(&asked, &respond).await {
                // The worker saved its progress.
                Err(Error::Conflict) => backoff.pause().await?,
                done => return done,
            }
        }
    }

    /// Writes the progress of a rebuild, and makes it what it is now in the table. When it was asked for again
    /// meanwhile, that is kept.
    pub async fn save_progress(&self, job: &mut Rebuild) -> Result<(), Error> {
        loop {
            match self.save_rebuild(job, |_| Ok(((), None))).await {
                Err(Error::Conflict) => {
                    let now = self.rebuild(job.what).await?.filter(|now| now.id == job.id && now.again && !job.again);
                    let now = now.filter(|now| now.version == job.version + 1).ok_or(Error::Conflict)?;
                    (job.again, job.version) = (true, now.version);
                    if job.state == JobState::Completed {
                        // Asked for at the last moment: it begins anew.
                        (job.again, job.state, job.finished_at) = (false, JobState::Running, None);
                    }
                }
                outcome => {
                    outcome.map(drop)?;
                    job.version += 1;
                    return Ok(());
                }
            }
        }
    }

    /// Reads the stock of a product, and saves its availability if it differs. Returns whether it did.
    ///
    /// The product is read before its stock, as [`Catalog::save_availability`] asks for.
    pub async fn rebuild_availability(&self, id: ProductId, stock: &Stock) -> Result<bool, Error> {
        let mut backoff = Backoff::default();
        loop {
            let Some(stored) = self.product(id).await? else { return Ok(false) };
            let variants: Vec<(VariantId, u16)> =
                stored.product.variants.iter().map(|variant| (variant.id, variant.layout().peak_shards)).collect();
            let shards = stock.shards(&variants).await?;
            let units = |all: &Vec<StockShard>| all.iter().fold(0_i64, |sum, one| sum.saturating_add(one.available));
            let left: BTreeMap<VariantId, i64> = shards.iter().map(|(variant, all)| (*variant, units(all))).collect();
            let shown = &stored.availability;
            if left.iter().all(|(variant, units)| shown.units(*variant) == *units)
                && shown.available.keys().all(|variant| left.contains_key(variant))
            {
                return Ok(false);
            }
            // Two equal readings of several shards are as good as a snapshot of them.
            let is_settled =
                variants.iter().all(|(_, shards)| *shards <= 1) || stock.shards(&variants).await? == shards;
            if is_settled {
                match self.save_availability(&stored, &left, None).await {
                    Err(Error::Conflict) => {}
                    done => return done.map(|()| true),
                }
            }
            backoff.pause().await?;
        }
    }

    /// Puts a product where the tree has its category now, in its lists as well. Returns whether it was elsewhere.
    pub async fn rebuild_category(&self, id: ProductId, tree: &CategoryTree) -> Result<bool, Error> {
        let decide = |loaded: StoredProduct| async move {
            let mut followed = loaded.clone();
            followed.product.follow(tree);
            let differs = followed != loaded;
            Ok::<_, Error>(Decision::Write(followed, differs))
        };
        match self.change(id, decide, |_, _| Ok(((), None))).await {
            Err(error) if error.code() == Code::NotFound => Ok(false),
            done => Ok(done?.1),
        }
    }

    /// Derives the listing rows of a product, and writes those that are missing or differ. Returns whether there were
    /// any.
    ///
    /// The availability is written with them, unchanged and under its version: every change of the rows does so, so
    /// that a product that is unpublished at the same time does not get rows again.
    pub async fn rebuild_rows(&self, id: ProductId) -> Result<bool, Error> {
        let mut backoff = Backoff::default();
        loop {
            let Some(stored) = self.product(id).await? else { return Ok(false) };
            let product = &stored.product;
            check_known(product)?;
            let rows = product.listing_rows(product.is_available(&stored.availability));
            let found =
                batch(&self.client, vec![(self.table.clone(), rows.iter().map(row_key).collect(), true)]).await?;
            let found: HashMap<(&str, &str), &Attributes> =
                found.iter().filter_map(|(_, row)| Some((key_of(row)?, row))).collect();
            let mut actions = Vec::new();
            for row in &rows {
                let derived = row_item(row, product.version)?;
                let stored_row = key_of(&derived).and_then(|key| found.get(&key));
                if !stored_row.is_some_and(|stored_row| holds(stored_row, &derived)) {
                    actions.push(self.put_row_action(row, product.version)?);
                }
            }
            if actions.is_empty() {
                return Ok(false);
            }
            actions.push(self.put_availability_action(product, &stored.availability, stored.availability_version)?);
            match Transaction::of(Purpose::Item, actions).run(&self.client).await.map_err(Error::from) {
                Err(Error::Conflict) => backoff.pause().await?,
                done => return done.map(|()| true),
            }
        }
    }
}

fn key_of(item: &Attributes) -> Option<(&str, &str)> {
    Some((text(item, "pk")?, text(item, "sk")?))
}

/// Whether a stored row shows what was derived. Its version may be that of an earlier change of the product.
fn holds(stored: &Attributes, derived: &Attributes) -> bool {
    derived.iter().all(|(name, value)| name == "version" || stored.get(name) == Some(value))
        && stored.contains_key(TITLES) == derived.contains_key(TITLES)
}
