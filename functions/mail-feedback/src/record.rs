//! SES's records of what became of a mail, as it publishes them to SNS:
//! <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>. SES may add fields.

use domain::Timestamp;
use serde::Deserialize;

/// What SES publishes once, when the destination of its events is made: plain text
/// (<https://github.com/ope-tech/laravel-ses/issues/10>).
const TRIAL: &str = "Successfully validated SNS topic for Amazon SES event publishing";

pub(crate) fn is_trial(body: &str) -> bool {
    body.trim_start_matches('"').starts_with(TRIAL)
}

#[derive(Debug, Deserialize)]
#[serde(tag = "eventType")]
pub(crate) enum Record {
    Bounce {
        bounce: Bounce,
        #[serde(default)]
        mail: Mail,
    },
    Complaint {
        complaint: Complaint,
        #[serde(default)]
        mail: Mail,
    },
    Reject {
        reject: Reject,
    },
    /// Of a type that the template does not ask for.
    #[serde(other)]
    Other,
}

/// The mail that it is about.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Mail {
    /// When it was sent.
    pub(crate) timestamp: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bounce {
    /// `Permanent`, `Transient` or `Undetermined`.
    #[serde(rename = "bounceType")]
    pub(crate) kind: String,
    #[serde(rename = "bounceSubType")]
    pub(crate) sub_type: Option<String>,
    #[serde(rename = "bouncedRecipients", default)]
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) timestamp: Option<Timestamp>,
}

impl Bounce {
    /// Whether the next mail would bounce as well. Also when SES did not even try, because the address is on one of its
    /// own lists.
    pub(crate) fn is_permanent(&self) -> bool {
        self.kind == "Permanent"
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Complaint {
    #[serde(rename = "complainedRecipients", default)]
    pub(crate) recipients: Vec<Recipient>,
    #[serde(rename = "complaintFeedbackType")]
    kind: Option<String>,
    pub(crate) timestamp: Option<Timestamp>,
}

impl Complaint {
    /// A report of this type takes an earlier one back.
    pub(crate) fn says_it_is_no_spam(&self) -> bool {
        self.kind.as_deref() == Some("not-spam")
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reject {
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Recipient {
    #[serde(rename = "emailAddress")]
    address: String,
    #[serde(rename = "diagnosticCode")]
    pub(crate) diagnosis: Option<String>,
}

impl Recipient {
    /// The bare address: servers also answer with `Name <address>` or `<address>`.
    pub(crate) fn address(&self) -> Option<&str> {
        match self.address.rsplit_once('<') {
            Some((_, rest)) => rest.trim().strip_suffix('>'),
            None => Some(self.address.trim()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_brackets_and_behind_a_name() {
        let of = |address: &str| Recipient { address: address.to_owned(), diagnosis: None };
        for written in ["a@b.test", " a@b.test ", "<a@b.test>", "Buyer <a@b.test>"] {
            assert_eq!(of(written).address(), Some("a@b.test"), "{written}");
        }
        assert_eq!(of("Buyer <a@b.test").address(), None);
    }

    #[test]
    fn the_trial_message_is_no_record() {
        assert!(is_trial("Successfully validated SNS topic for Amazon SES event publishing."));
        assert!(!is_trial(r#"{"eventType":"Bounce"}"#));
    }

    #[test]
    fn events_of_other_types_and_unknown_fields_are_read() {
        let read = |text: &str| serde_json::from_str::<Record>(text).unwrap();
        assert!(matches!(read(r#"{"eventType":"DeliveryDelay","deliveryDelay":{},"mail":{}}"#), Record::Other));
        let complaint = r#"{"eventType":"Complaint","new":1,"complaint":{"complainedRecipients":[],
            "complaintFeedbackType":"not-spam","new":1}}"#;
        let Record::Complaint { complaint, .. } = read(complaint) else { panic!("a complaint") };
        assert!(complaint.says_it_is_no_spam());
    }
}
