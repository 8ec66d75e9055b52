//! Pictures that no product names: their files are deleted within a week.

use std::time::Duration;

use domain::Timestamp;
use platform::Slice;
use store::catalog::UnusedPicture;

use crate::{App, MediaError};

/// How long a picture may be unused: a person who took one out, or has only uploaded it, may change their mind. The
/// work is done twice an hour, so that nothing lives for a week.
const KEPT_FOR: Duration = Duration::from_secs(6 * 86_400);
/// The time after which nothing more is begun: the next message goes on.
const BUDGET: Duration = Duration::from_secs(40);
/// Rows that are read at a time.
const PAGE: u16 = 100;

impl App {
    /// Lets the time of pictures that were given up begin, and deletes those whose time has come.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), MediaError> {
        let time = Slice::new(BUDGET);
        for unused in self.catalog.given_up_pictures(PAGE).await? {
            self.catalog.date_unused(&unused, now).await?;
        }
        let mut due = self.catalog.unused_pictures(now - KEPT_FOR, None, PAGE).await?;
        while let Some(last) = due.last().cloned() {
            for unused in &due {
                self.judge(unused, now).await?;
            }
            if time.is_over() {
                break;
            }
            // Those that stay in the list are judged again by another message.
            due = self.catalog.unused_pictures(now - KEPT_FOR, Some(&last), PAGE).await?;
        }
        Ok(())
    }

    /// Deletes a picture that nobody names.
    async fn judge(&self, unused: &UnusedPicture, now: Timestamp) -> Result<(), MediaError> {
        let (vendor, id) = (unused.vendor, unused.id);
        let known = match self.catalog.picture(vendor, id).await {
            Err(error @ (store::Error::Corrupt { .. } | store::Error::Newer { .. })) => {
                tracing::warn!(vendor.id = %vendor, media.id = %id, cause = %error, "a picture is not judged");
                None
            }
            known => known?,
        };
        let Some(known) = known else {
            self.catalog.forget_unused(unused).await?;
            return Ok(());
        };
        if let Some(gone) = known.gone.as_ref().filter(|_| known.picture.files.is_some()) {
            // It was fetched anew, under another name, while its files of before were being deleted.
            for key in gone.keys() {
                self.public.delete(&key).await?;
            }
            return match self.catalog.forget_gone(&known).await {
                // Another message finds it as it is then.
                Ok(()) | Err(store::Error::Conflict) => Ok(()),
                Err(other) => Err(other.into()),
            };
        }
        if known.gone.is_none() && self.catalog.is_named(&known).await? {
            self.catalog.forget_unused(unused).await?;
            return Ok(());
        }
        if known.gone.is_none() && !unused.is_certain(&known, now) {
            self.catalog.judge_unused(unused, &known, now).await?;
            return Ok(());
        }
        match self.catalog.take_files(&known).await {
            Ok(Some(files)) => {
                for key in files.keys() {
                    self.public.delete(&key).await?;
                }
            }
            Ok(None) => {}
            // A product has just come to name it.
            Err(store::Error::Conflict) => return Ok(()),
            Err(other) => return Err(other.into()),
        }
        self.catalog.forget_picture(vendor, id).await?;
        Ok(self.catalog.forget_unused(unused).await?)
    }
}
