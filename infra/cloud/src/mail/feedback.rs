//! What comes back of a mail: bounces and complaints, published as events of the mail's configuration set.
//!
//! The addresses of SES's mailbox simulator answer as they do there, with labels
//! (<https://docs.aws.amazon.com/ses/latest/DeveloperGuide/mailbox-simulator.html>); what they publish was recorded in
//! <https://geek-tips.imtqy.com/articles/540709/index.html>. Other addresses bounce when the account's state says that
//! nobody has them. The records are those of
//! <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html>.

use serde_json::{Value, json};

use super::Message;
use super::account::Account;
use super::address::Mailbox;
use crate::account::{ACCOUNT, REGION};
use crate::sns::Topics;
use crate::sqs::wire::random_uuid;
use crate::time::Timestamp;

/// A configuration set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationSet {
    /// The logical id in the template.
    pub id: String,
    pub name: String,
    /// For which of `BOUNCE` and `COMPLAINT` its mail puts addresses on the account's suppression list, and is not sent
    /// to those that are on it.
    pub suppressed_reasons: Vec<String>,
    pub destinations: Vec<Destination>,
}

/// Where a configuration set publishes events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The types of the events: `BOUNCE`, `COMPLAINT`, `REJECT`.
    pub events: Vec<String>,
    /// The ARN of the topic.
    pub topic: String,
}

/// The configuration sets of an account, and the topics that their events go to.
#[derive(Clone)]
pub(super) struct Feedback {
    pub(super) sets: Vec<ConfigurationSet>,
    pub(super) topics: Topics,
}

/// What becomes of a mail to one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Delivered,
    /// Delivered, and its reader says that it is spam.
    Complained,
    /// Delivered, and answered by the mailbox itself: SES publishes that as a transient bounce.
    OutOfOffice,
    /// There is no such mailbox.
    Bounced,
    /// SES does not try: the address is on its own list of those that bounced for others.
    OnGlobalList,
    /// SES does not try: the address is on the account's suppression list.
    OnAccountList,
}

impl Fate {
    pub(super) fn of(mailbox: &Mailbox, set: Option<&ConfigurationSet>, account: &Account) -> Self {
        let address = mailbox.address.to_lowercase();
        if mailbox.is_simulated() {
            let local = address.split(['@', '+']).next().unwrap_or_default();
            return match local {
                "bounce" => Self::Bounced,
                "complaint" => Self::Complained,
                "ooto" => Self::OutOfOffice,
                "suppressionlist" => Self::OnGlobalList,
                _ => Self::Delivered,
            };
        }
        if set.is_some_and(|set| !set.suppressed_reasons.is_empty()) && account.suppressed.contains(&address) {
            Self::OnAccountList
        } else if account.unknown_mailboxes.contains(&address) {
            Self::Bounced
        } else {
            Self::Delivered
        }
    }

    /// Whether SES tries to deliver the mail at all.
    pub(super) const fn is_tried(self) -> bool {
        !matches!(self, Self::OnAccountList | Self::OnGlobalList)
    }

    /// For which of the reasons of a suppression list this puts the address on it.
    pub(super) const fn suppresses_as(self) -> Option<&'static str> {
        match self {
            Self::Bounced => Some("BOUNCE"),
            Self::Complained => Some("COMPLAINT"),
            _ => None,
        }
    }

    /// The type of the event, as an event destination names it, and the part of the record that this adds.
    fn event(self, address: &str, at: Timestamp) -> Option<(&'static str, &'static str, Value)> {
        let feedback_id = format!("01000{}-000000", random_uuid());
        let bounce = |kind: &str, sub_type: &str, recipient: Value| {
            let bounce = json!({
                "bounceType": kind, "bounceSubType": sub_type, "bouncedRecipients": [recipient], "timestamp": at,
                "feedbackId": feedback_id, "reportingMTA": "dsn; a8-96.smtp-out.amazonses.com",
            });
            Some(("BOUNCE", "bounce", bounce))
        };
        let failed = |diagnosis: &str| json!({"emailAddress": address, "action": "failed", "status": "5.1.1", "diagnosticCode": diagnosis});
        match self {
            Self::Delivered => None,
            Self::Bounced => bounce("Permanent", "General", failed("smtp; 550 5.1.1 user unknown")),
            Self::OutOfOffice => bounce("Transient", "General", json!({"emailAddress": address})),
            Self::OnGlobalList => bounce(
                "Permanent",
                "Suppressed",
                failed(
                    "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address.",
                ),
            ),
            Self::OnAccountList => bounce(
                "Permanent",
                "OnAccountSuppressionList",
                failed(
                    "Amazon SES did not send the message to this address because it is on the suppression list for your account.",
                ),
            ),
            Self::Complained => {
                let complaint = json!({
                    "complainedRecipients": [{"emailAddress": address}], "timestamp": at, "feedbackId": feedback_id,
                    "complaintSubType": null, "userAgent": "Amazon SES Mailbox Simulator",
                    "complaintFeedbackType": "abuse", "arrivalDate": at,
                });
                Some(("COMPLAINT", "complaint", complaint))
            }
        }
    }
}

impl Feedback {
    pub(super) fn set(&self, name: &str) -> Option<&ConfigurationSet> {
        self.sets.iter().find(|set| set.name == name)
    }

    /// Publishes what became of a mail to one recipient, if somebody asked for events of that type.
    pub(super) fn publish(&self, set: &ConfigurationSet, fate: Fate, sent: &Sent<'_>) {
        let Some((kind, name, part)) = fate.event(sent.address, sent.at) else { return };
        let event_type = if kind == "BOUNCE" { "Bounce" } else { "Complaint" };
        let record = json!({"eventType": event_type, name: part, "mail": sent.record(&set.name)}).to_string();
        for destination in set.destinations.iter().filter(|one| one.events.iter().any(|event| event == kind)) {
            if let Err(cause) = self.topics.publish(&destination.topic, &record) {
                tracing::error!(error = %cause, "an event of a mail could not be published");
            }
        }
    }
}

/// A mail as it was sent to one recipient.
pub(super) struct Sent<'a> {
    pub(super) message_id: &'a str,
    pub(super) message: &'a Message,
    pub(super) address: &'a str,
    pub(super) at: Timestamp,
}

impl Sent<'_> {
    fn record(&self, set: &str) -> Value {
        let Message { from, to, subject, .. } = self.message;
        let domain = from.rsplit('@').next().unwrap_or_default().trim_end_matches('>');
        json!({
            "timestamp": self.at, "source": from, "sourceArn": format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/{domain}"),
            "sendingAccountId": ACCOUNT, "messageId": self.message_id, "destination": [to], "headersTruncated": false,
            "headers": [
                {"name": "From", "value": from}, {"name": "To", "value": to}, {"name": "Subject", "value": subject},
            ],
            "commonHeaders": {"from": [from], "to": [to], "messageId": self.message_id, "subject": subject},
            "tags": {
                "ses:configuration-set": [set], "ses:source-ip": ["127.0.0.1"], "ses:from-domain": [domain],
                "ses:caller-identity": ["local"],
            },
        })
    }
}
