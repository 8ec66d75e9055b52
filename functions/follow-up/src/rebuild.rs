//! Rebuilds: a walk through the catalog that derives copies again and rewrites what differs.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalog::{CategoryTree, ImageSource};
use domain::job::{Claim, Derived, JobState, Rebuild, RebuildCounts};
use domain::vendor::PictureJob;
use domain::{MediaId, ProductId, Timestamp};
use platform::{Pace, QueueMessage, Slice};
use store::Error;
use store::catalog::WalkItem;

use crate::{App, FollowUpError, SLICE};

/// Where a rebuild goes on.
pub(crate) type Position = BTreeMap<String, String>;

/// Items of all kinds that are read between two checks of the deadline.
const PAGE: u16 = 100;
/// Products rewritten per second. Imports may take 800 of the 1,000 write units per second of the list of all products;
/// a rewritten row takes two.
const REWRITTEN_PER_SECOND: u32 = 25;
/// Items of orders that get another place per second: a tenth of what one list by state takes.
const RELISTED_PER_SECOND: u32 = 100;
/// Orders whose person is sealed per second. Each takes a transaction of up to six items.
const SEALED_PER_SECOND: u32 = 50;

impl App {
    /// Works a slice on the rebuild of these copies, unless it is over or another message holds its lease.
    pub(crate) async fn work_on_rebuild(
        &self,
        what: Derived,
        message: &QueueMessage,
        now: Timestamp,
    ) -> Result<(), FollowUpError> {
        let Some(mut job) = self.claim_rebuild(what, message, now).await? else { return Ok(()) };
        if what == Derived::Settings {
            return self.split_settings(job, now).await;
        }
        let slice = Slice::new(SLICE);
        let mut pace = Pace::new(match what {
            Derived::OrderLists => RELISTED_PER_SECOND,
            Derived::Orders => SEALED_PER_SECOND,
            _ => REWRITTEN_PER_SECOND,
        });
        loop {
            let (done, next) = match what {
                Derived::OrderLists => self.relist_orders(job.position.clone(), &mut pace).await?,
                Derived::Orders => self.seal_orders(job.position.clone(), &mut pace).await?,
                _ => self.rebuild_products(what, job.position.clone(), &mut pace).await?,
            };
            job.advance(next, done, now);
            let is_interrupted = slice.is_over();
            if is_interrupted {
                // Released before the next message is sent: a message that finds the lease of another is dropped.
                job.lease = None;
            }
            self.catalog.save_progress(&mut job).await?;
            let is_over = job.state == JobState::Completed;
            let is_interrupted = is_interrupted && !is_over;
            if is_interrupted {
                self.queue.send(&domain::vendor::VendorJob::Rebuild { what, begin: false }, 0).await?;
            }
            if is_over || is_interrupted {
                return Ok(());
            }
        }
    }

    /// Derives the copies of the next products again. Returns what was done, and where to go on.
    async fn rebuild_products(
        &self,
        what: Derived,
        after: Option<Position>,
        pace: &mut Pace,
    ) -> Result<(RebuildCounts, Option<Position>), FollowUpError> {
        let walk = self.catalog.walk(what, after, PAGE).await?;
        let tree = match what {
            Derived::Categories => self.catalog.current_categories().await?,
            _ => CategoryTree::default(),
        };
        let mut done = RebuildCounts::default();
        for item in walk.found {
            done.examined += 1;
            let rewritten = match item {
                WalkItem::Product(id) if what == Derived::Pictures => self.look_at_pictures(id).await?,
                WalkItem::Product(id) => self.rebuild_product(what, id, &tree).await?,
                WalkItem::Orphan(row) => Some(self.catalog.delete_orphan(&row).await?),
            };
            match rewritten {
                Some(true) => {
                    done.rewritten += 1;
                    pace.wait(1).await;
                }
                Some(false) => {}
                None => done.unreadable += 1,
            }
        }
        Ok((done, walk.next))
    }

    /// Has the pictures of a product looked at that were not yet. Says whether there are any; nothing when the product
    /// cannot be read.
    async fn look_at_pictures(&self, id: ProductId) -> Result<Option<bool>, FollowUpError> {
        let product = match self.catalog.product_alone(id).await {
            Err(error @ (Error::Corrupt { .. } | Error::Newer { .. })) => {
                tracing::warn!(product.id = %id, cause = %error, "the pictures of a product are not looked at");
                return Ok(None);
            }
            product => product?,
        };
        let Some(product) = product else { return Ok(Some(false)) };
        let is_unseen = |source: &&ImageSource| {
            product.pictures.get(source.as_str()).is_none_or(domain::catalog::Picture::is_waiting)
        };
        let uploads = product.sources().filter(is_unseen).filter_map(ImageSource::media);
        let unseen: BTreeSet<MediaId> = uploads.collect();
        for upload in &unseen {
            let vendor_id = product.vendor.id;
            self.catalog.name_picture(vendor_id, *upload, id).await?;
            self.pictures.send_picture_job(&PictureJob::LookAt { vendor_id, id: *upload }, 0).await?;
        }
        Ok(Some(!unseen.is_empty()))
    }

    /// Gives each setting an item of its own, in one transaction, so that there is nothing to go on with.
    async fn split_settings(&self, mut job: Rebuild, now: Timestamp) -> Result<(), FollowUpError> {
        loop {
            let mut done = RebuildCounts::default();
            match self.settings.split(now).await {
                Ok((examined, rewritten)) => done = RebuildCounts { examined, rewritten, ..done },
                Err(error @ (Error::Corrupt { .. } | Error::Newer { .. } | Error::Refused(_))) => {
                    tracing::warn!(cause = %error, "the settings were not split");
                    done = RebuildCounts { examined: 1, unreadable: 1, ..done };
                }
                Err(other) => return Err(other.into()),
            }
            job.advance(None, done, now);
            self.catalog.save_progress(&mut job).await?;
            if job.state == JobState::Completed {
                return Ok(());
            }
        }
    }

    /// Takes the lease of the rebuild; nothing when this message has no work to do.
    async fn claim_rebuild(
        &self,
        what: Derived,
        message: &QueueMessage,
        now: Timestamp,
    ) -> Result<Option<Rebuild>, FollowUpError> {
        loop {
            let Some(mut job) = self.catalog.rebuild(what).await? else { return Ok(None) };
            match job.claim(&message.message_id, now) {
                Claim::Granted => {}
                Claim::Obsolete => return Ok(None),
                Claim::Later => return Err(FollowUpError::Busy),
            }
            match self.catalog.save_progress(&mut job).await {
                Ok(()) => return Ok(Some(job)),
                // Another delivery, or a request for one more round, was saved first: read it again.
                Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
    }

    /// Derives the copies of a product again. Says whether they differed; nothing when the product cannot be read, or
    /// not be changed, which must not keep those after it waiting.
    async fn rebuild_product(&self, what: Derived, id: ProductId, tree: &CategoryTree) -> Result<Option<bool>, Error> {
        let rebuilt = match what {
            Derived::Availability => self.catalog.rebuild_availability(id, &self.stock).await,
            Derived::Listings => self.catalog.rebuild_rows(id).await,
            Derived::Categories => self.catalog.rebuild_category(id, tree).await,
            // Not of a product.
            Derived::Settings | Derived::OrderLists | Derived::Orders | Derived::Pictures => Ok(false),
        };
        match rebuilt {
            Err(
                error @ (Error::Corrupt { .. }
                | Error::Newer { .. }
                | Error::Conflict
                | Error::Failed(_)
                | Error::Refused(_)),
            ) => {
                tracing::warn!(product.id = %id, cause = %error, "the copies of a product were not derived again");
                Ok(None)
            }
            done => done.map(Some),
        }
    }
}
