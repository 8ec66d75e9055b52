//! Codes that prove a contact: its owner reads them and enters them. One for each contact and purpose lives at a time;
//! asking again sends it again, so that nobody can replace the code that somebody else is about to enter. It is entered
//! with the token of a request, which only whoever has asked has: nobody else's guesses count for them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contact::{ContactPoint, PhoneNumber, point_of};
use crate::notice::{Notice, TeamNotice};
use crate::sealed::Sealed;
use crate::text::{Email, Name};
use crate::{EventId, LookUp, OrderId, Timestamp, UserId, VendorId};

/// How long a code can be entered.
pub const CODE_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How many codes may be tried with one request.
pub const REQUEST_GUESSES: u32 = 5;

/// What a code is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodePurpose {
    /// To make an account.
    SignUp,
    /// To sign in without a password.
    SignIn,
    /// To choose another password.
    ResetPassword,
    /// To sign in with this contact from now on, in the place of the one before.
    ChangeContact,
    /// No code: the former contact of an account, which is told that it is one no more.
    FormerContact,
    /// A purpose that only a newer release knows.
    #[serde(other)]
    Other,
}

impl CodePurpose {
    /// Its name in keys and counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::SignIn => "sign_in",
            Self::ResetPassword => "reset_password",
            Self::ChangeContact => "change_contact",
            Self::FormerContact => "former_contact",
            Self::Other => "other",
        }
    }
}

/// Who has asked for a code. It is sealed where it is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applicant {
    /// The address that is to be proven. Of this and the next field one is there: releases before 2026-12-02 know only
    /// this one.
    #[serde(default, deserialize_with = "crate::text::kept_optional_email", skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The number that is to be proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// How to address the person of a sign-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The password of a sign-up, as long as there was only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The language of the messages, as a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether there were several sign-ups, one of them with a password: then the owner of the contact chooses one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub password_needed: bool,
}

impl Applicant {
    /// Who asks for a code for the first time.
    pub fn new(contact: &ContactPoint) -> Self {
        Self {
            email: contact.email().cloned(),
            phone: contact.phone().cloned(),
            name: None,
            password: None,
            language: None,
            password_needed: false,
        }
    }

    /// What is to be proven; nothing in one that was damaged.
    pub fn contact(&self) -> Option<ContactPoint> {
        point_of(self.email.as_ref(), self.phone.as_ref())
    }
}

/// Nothing of a person reaches a log.
impl fmt::Debug for Applicant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Applicant(…)")
    }
}

/// A code that was asked for. Which one it is follows from `key` under the master secret: it is stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCode {
    pub purpose: CodePurpose,
    /// What the contact is looked up by.
    pub contact: LookUp,
    /// 32 random bytes in base64url without padding.
    pub key: String,
    /// The [`Applicant`].
    pub sealed: Sealed,
    /// How often it was asked for: each time is a message.
    pub asked: u32,
    /// How many of these messages were sent.
    #[serde(default)]
    pub sent: u32,
    pub expires_at: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(skip)]
    pub version: u64,
}

impl PendingCode {
    /// Whether it can be entered.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }
}

/// A request for a code, which is found by the hash of its token. Several may lead to one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRequest {
    /// When its code ends, by which that is told from the ones before and after it.
    pub expires_at: Timestamp,
    /// Whether the password of the sign-up came with it: with any other request its owner does not know which one that
    /// is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_password: bool,
}

/// What somebody is told about their account, so that they notice what they have not done themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountChange {
    /// Another password was chosen.
    PasswordChanged,
    /// Another address or number was proven.
    ContactChanged,
    /// An authenticator app was set up.
    MfaSetUp,
    /// The authenticator app was taken away.
    MfaRemoved,
    /// New codes on paper were made.
    PapersReplaced,
    /// A code on paper was used, which takes the authenticator app away.
    MfaRecovered,
    /// A change that only a newer release knows.
    #[serde(other)]
    Other,
}

/// What a short message says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderText {
    /// The code that confirms it.
    Code,
    /// It is placed: paid, or confirmed.
    Placed,
    /// A parcel is on its way.
    Shipped,
    /// It has ended, or a part of it.
    Cancelled,
    /// It was not paid or confirmed in time.
    Expired,
    /// Money goes back.
    Refunded,
    /// Something else: its page tells what.
    #[serde(other)]
    News,
}

/// A message that a queue carries to the function that sends it. It names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageJob {
    /// Send a code: `{"code":{"purpose":"sign_up","contact":"…","number":1}}`.
    Code {
        purpose: CodePurpose,
        contact: LookUp,
        /// How often it had been asked for.
        number: u32,
        /// When the code ends: a message may come while there is another one already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    /// Tell somebody what has changed in their account: `{"account_changed":{"user":"…","change":"mfa_set_up"}}`.
    AccountChanged { user: UserId, change: AccountChange },
    /// Send an invitation: `{"invitation":{"vendor":"ven_…","contact":"…"}}`.
    Invitation { vendor: VendorId, contact: LookUp },
    /// Tell a buyer without an e-mail address of their order: `{"order_text":{"order":"ord_…","event":"evt_…",
    /// "text":"shipped"}}`.
    OrderText { order: OrderId, event: EventId, text: OrderText },
    /// Tell what was decided: `{"notice":{"vendor":"ven_…","notice":{…}}}`.
    Notice { vendor: VendorId, notice: Notice },
    /// Tell the operator's people what has changed among them: `{"team":{"notice":{"joined":{"user":"…"}}}}`.
    Team { notice: TeamNotice },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{NOW, after};
    use crate::vendor::VendorStep;

    fn pending() -> PendingCode {
        let sealed = Sealed { master: "m".to_owned(), key: "k".to_owned(), text: "c".to_owned() };
        PendingCode {
            purpose: CodePurpose::SignUp,
            contact: LookUp::from_bytes([7; 16]),
            key: "k".to_owned(),
            sealed,
            asked: 1,
            sent: 0,
            expires_at: after(900),
            version: 1,
        }
    }

    #[test]
    fn a_code_lives_until_its_time_is_over() {
        assert!(pending().is_alive(NOW));
        assert!(!pending().is_alive(after(900)));
    }

    #[test]
    fn what_only_a_newer_release_says_is_read_and_passed_over() {
        let change = r#"{"account_changed":{"user":"00000000-0000-4000-8000-000000000004","change":"moved"}}"#;
        let job: MessageJob = serde_json::from_str(change).unwrap();
        assert!(matches!(job, MessageJob::AccountChanged { change: AccountChange::Other, .. }));
        assert_eq!(serde_json::from_str::<CodePurpose>("\"move\"").unwrap(), CodePurpose::Other);
    }

    #[test]
    fn an_applicant_of_an_earlier_release_is_read_and_one_with_an_address_is_read_by_it() {
        let before: Applicant = serde_json::from_str(r#"{"email":"aziza@people.test"}"#).unwrap();
        assert_eq!(before.contact().unwrap().as_str(), "aziza@people.test");
        assert_eq!(serde_json::to_string(&before).unwrap(), r#"{"email":"aziza@people.test"}"#);
        let number = ContactPoint::parse("+998 71 200 00 00").unwrap();
        let stored = serde_json::to_string(&Applicant::new(&number)).unwrap();
        assert_eq!(stored, r#"{"phone":"+998712000000"}"#);
        assert_eq!(serde_json::from_str::<Applicant>(&stored).unwrap().contact(), Some(number));
    }

    #[test]
    fn an_applicant_is_not_printed_and_a_job_names_nobody() {
        let contact = ContactPoint::parse("aziza@people.test").unwrap();
        let applicant = Applicant { password: Some("secret".to_owned()), ..Applicant::new(&contact) };
        assert_eq!(format!("{applicant:?}"), "Applicant(…)");
        let contact = pending().contact;
        let job = MessageJob::Code { purpose: CodePurpose::SignIn, contact, number: 2, expires_at: None };
        let sent = serde_json::to_string(&job).unwrap();
        assert_eq!(sent, format!(r#"{{"code":{{"purpose":"sign_in","contact":"{contact}","number":2}}}}"#));
        assert_eq!(serde_json::from_str::<MessageJob>(&sent).unwrap(), job);
        let invitation = MessageJob::Invitation { vendor: VendorId::from_bits(1), contact };
        let sent = serde_json::to_string(&invitation).unwrap();
        assert_eq!(
            sent,
            format!(r#"{{"invitation":{{"vendor":"ven_00000000000000000000000001","contact":"{contact}"}}}}"#)
        );
        assert_eq!(serde_json::from_str::<MessageJob>(&sent).unwrap(), invitation);
        let notice = Notice::Step { step: VendorStep::Rejected, at: NOW };
        let job = MessageJob::Notice { vendor: VendorId::from_bits(1), notice };
        let mut sent = serde_json::to_value(job).unwrap();
        assert_eq!(sent["notice"]["notice"]["step"]["step"], "rejected");
        sent["notice"]["notice"]["step"]["from_a_newer_release"] = serde_json::json!(1);
        assert_eq!(serde_json::from_value::<MessageJob>(sent).unwrap(), job);
    }
}
