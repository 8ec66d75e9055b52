//! Papers of vendors that expire: the vendor is told thirty and seven days before, and the operator when one has.

use domain::Timestamp;
use domain::notice::Notice;
use domain::vendor::Paper;

use crate::{App, Error, Summary};

/// How many papers one run tells of; the rest waits a minute.
const AT_ONCE: u16 = 50;

impl App {
    pub(crate) async fn tell_of_papers(&self, now: Timestamp, summary: &mut Summary) -> Result<(), Error> {
        for paper in self.accounts.due_papers(now, AT_ONCE).await? {
            let step = paper.step(now);
            if step > paper.told {
                let notice = Notice::PaperExpires { kind: paper.kind, expires_at: paper.expires_at, step };
                // Before it is written that it was told: a run that breaks off in between tells twice, and never not.
                let sent = self.messages.send_notice(paper.vendor, notice).await;
                sent.map_err(|cause| Error::Queue(cause.to_string()))?;
            }
            let told = Paper { told: step.max(paper.told), ..paper };
            if self.accounts.paper_told(&told).await? {
                summary.papers += 1;
            }
        }
        Ok(())
    }
}
