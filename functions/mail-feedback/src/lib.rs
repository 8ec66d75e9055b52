//! What comes back of mail: SES publishes bounces, complaints and rejected messages to a topic, which hands them to the
//! queue. An address that a mail bounced off for good, or whose reader complained, is suppressed.

mod record;

use domain::Timestamp;
use domain::suppression::{Suppression, SuppressionReason};
use domain::text::Email;
use platform::{Config, Fatal, MessageError, QueueMessage};
use store::Accounts;

use crate::record::{Recipient, Record};

/// The state of the function.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
}

/// Why a message has to be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    #[error("the message is no event of SES: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The table does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl MessageError for FeedbackError {
    fn is_expected(&self) -> bool {
        false
    }
}

impl App {
    /// Builds the client and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("ACCOUNTS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        Ok(Self { accounts: Accounts::new(dynamodb, table) })
    }
}

/// Acts on one event of SES. It may come twice.
///
/// # Errors
/// The message is no event, or the table does not answer; the queue delivers the message again.
pub async fn handle(app: &App, message: &QueueMessage, now: Timestamp) -> Result<(), FeedbackError> {
    if record::is_trial(&message.body) {
        tracing::info!("SES has checked that it may publish to the topic");
        return Ok(());
    }
    let record: Record = message.json()?;
    match &record {
        Record::Bounce { bounce, mail } if bounce.is_permanent() => {
            let at = bounce.timestamp.unwrap_or(now);
            let times = Times { sent: mail.timestamp.unwrap_or(at), came_back: at };
            app.suppress_all(&bounce.recipients, SuppressionReason::Bounce, times).await
        }
        Record::Bounce { bounce, .. } => {
            tracing::info!(
                mail.bounce = bounce.kind,
                mail.bounce_sub_type = bounce.sub_type.as_deref(),
                "a mail bounced, and the next one may arrive"
            );
            Ok(())
        }
        Record::Complaint { complaint, .. } if complaint.says_it_is_no_spam() => Ok(()),
        Record::Complaint { complaint, mail } => {
            let at = complaint.timestamp.unwrap_or(now);
            let times = Times { sent: mail.timestamp.unwrap_or(at), came_back: at };
            app.suppress_all(&complaint.recipients, SuppressionReason::Complaint, times).await
        }
        Record::Reject { reject } => {
            tracing::error!(
                reason = reject.reason.as_deref(),
                "SES found a virus in a mail of ours and did not send it"
            );
            Ok(())
        }
        Record::Other => Ok(()),
    }
}

/// Of a mail that came back.
#[derive(Clone, Copy, Debug)]
struct Times {
    sent: Timestamp,
    came_back: Timestamp,
}

impl App {
    async fn suppress_all(
        &self,
        recipients: &[Recipient],
        reason: SuppressionReason,
        times: Times,
    ) -> Result<(), FeedbackError> {
        for recipient in recipients {
            let Some(email) = recipient.address().and_then(|address| Email::kept(address).ok()) else {
                tracing::warn!(?reason, "mail came back from what is no address of ours");
                continue;
            };
            let suppression = Suppression::new(email, reason, recipient.diagnosis.as_deref(), times.came_back);
            if self.accounts.suppress(&suppression, times.sent).await? {
                tracing::warn!(?reason, "an address is suppressed: nothing is mailed to it any more");
            }
        }
        Ok(())
    }
}
