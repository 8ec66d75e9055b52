//! Unmatched payments: their news is tried again, because their order or its reference may be known by now.

use domain::{Timestamp, UnmatchedState};
use platform::Slice;

use crate::{App, Error, Summary};

/// Records that are read at a time.
const BATCH: u16 = 25;

impl App {
    /// Tries what is due again, for at most half of the time: orders with deadlines wait for the other half.
    pub(crate) async fn match_payments(&self, now: Timestamp, time: Slice, summary: &mut Summary) -> Result<(), Error> {
        while !time.is_half_over() {
            let mut tried = 0_u16;
            let (due, goes_on) = self.orders().unmatched_to_retry(now, BATCH).await?;
            // The index is eventually consistent, the record says whether it is still due.
            for record in due.into_iter().filter(|record| record.retry_at.is_some_and(|at| at <= now)) {
                let id = record.id;
                match self.settlement.retry_unmatched(record, now).await {
                    Ok(state) => {
                        tried += 1;
                        summary.matched += u32::from(state == UnmatchedState::Matched);
                        summary.unmatched += u32::from(state == UnmatchedState::Open);
                    }
                    Err(error) => {
                        tracing::warn!(event.id = %id, cause = %error, "an unmatched payment could not be tried again");
                        summary.failed += 1;
                    }
                }
            }
            if !goes_on || tried == 0 {
                break;
            }
        }
        Ok(())
    }
}
