//! Papers of vendors that have expired.

use domain::vendor::Paper;
use domain::{PageRequest, Slice, Timestamp};

use crate::{Error, Operator};

impl Operator {
    /// The papers that have expired for longer than they may, the last ones first.
    pub async fn expired_papers(&self, now: Timestamp, page: &PageRequest) -> Result<Slice<Paper>, Error> {
        let grace = self.settings.current().await?.vendors.grace_days;
        let mut expired = self.accounts.expired_papers(page).await?;
        expired.items.retain(|paper| paper.is_over(grace, now));
        Ok(expired)
    }
}
