//! Rebuilds: starting one and showing its progress. A worker does the work itself.

use domain::job::{Derived, Rebuild};
use domain::vendor::VendorJob;
use domain::{Call, Code, RebuildId, Refusal, Timestamp};

use crate::{Done, Error, Operator};

impl Operator {
    /// Begins a rebuild of these copies. When one is at work, it begins anew once it is through, so that no change
    /// before the request is missed. It starts once it is enqueued.
    pub async fn begin_rebuild<R>(&self, what: Derived, call: Call<'_, Rebuild, R>) -> Done<R> {
        let now = call.at();
        let id = RebuildId::new(now, platform::ids(now).bits());
        let work =
            async { Ok::<_, Error>(self.catalog.request_rebuild(what, id, now, |saved| call.answer(saved)).await?) };
        self.catalog.once(call.request(), work).await
    }

    /// Enqueues the rebuild of these copies. Its lease makes a duplicate message harmless.
    pub async fn enqueue_rebuild(&self, what: Derived) -> Result<(), Error> {
        Ok(self.follow_ups.send(&VendorJob::Rebuild { what, begin: false }, 0).await?)
    }

    /// A rebuild with its progress. One whose message was lost is enqueued again.
    pub async fn rebuild(&self, id: RebuildId, now: Timestamp) -> Result<Rebuild, Error> {
        let job = self.catalog.rebuild_with_id(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if job.is_abandoned(now) {
            // The caller only reads the job, so an error of the queue does not fail the request: the next read sends
            // again.
            match self.enqueue_rebuild(job.what).await {
                Ok(()) => tracing::warn!(rebuild.id = %id, "an abandoned rebuild was enqueued again"),
                Err(error) => {
                    tracing::warn!(rebuild.id = %id, cause = ?error, "an abandoned rebuild could not be enqueued again");
                }
            }
        }
        Ok(job)
    }
}
