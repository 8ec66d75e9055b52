//! The call `SendEmail`.

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde_json::Value;

use super::address::Mailbox;
use super::{Mail, Message};
use crate::account::{ACCOUNT, REGION};
use crate::sqs::wire::{Refusal, access_key};

/// SES's limit on the recipients of one call.
const MAX_RECIPIENTS: usize = 50;

/// SES's limit on a message, in bytes (<https://docs.aws.amazon.com/ses/latest/dg/quotas.html>).
const MAX_SIZE: usize = 40 * 1024 * 1024;

impl Mail {
    pub(super) fn send_email(&self, parts: &Parts, body: &Bytes) -> Result<String, Refusal> {
        let input: SendEmailInput = serde_json::from_slice(body)
            .map_err(|cause| bad_request(format!("the request cannot be read: {cause}")))?;
        let sender = mailbox(&input.from_email_address.ok_or_else(|| bad_request("FromEmailAddress is missing"))?)?;
        let key = access_key(parts);
        let identity = self.account().identity_of(&sender).map(|identity| identity.name.clone());
        self.permit(key, &format!("identity/{}", identity.as_ref().unwrap_or(&sender.address)))?;
        let simple = match (input.content.simple, input.content.raw, input.content.template) {
            (Some(simple), None, None) => simple,
            _ => return Err(bad_request("the embedded cloud sends Simple content only, neither Raw nor Template")),
        };
        if simple.body.text.is_none() && simple.body.html.is_none() {
            return Err(bad_request("the body needs Text or Html"));
        }
        // SES's words for this are not known. A header has one line (RFC 5322, section 2.2).
        if simple.subject.data.chars().any(char::is_control) {
            return Err(bad_request("Subject contains control characters"));
        }
        check_size(&simple)?;
        let destination = input.destination.unwrap_or_default();
        let recipients = [destination.to_addresses, destination.cc_addresses, destination.bcc_addresses].concat();
        if recipients.is_empty() {
            return Err(bad_request("the message needs a recipient"));
        }
        if recipients.len() > MAX_RECIPIENTS {
            return Err(bad_request("Recipient count exceeds 50."));
        }
        let recipients = recipients.iter().map(|to| mailbox(to)).collect::<Result<Vec<_>, _>>()?;
        input.reply_to_addresses.iter().try_for_each(|reply_to| mailbox(reply_to).map(drop))?;
        if let Some(name) = &input.configuration_set_name {
            self.permit(key, &format!("configuration-set/{name}"))?;
            if !self.account().configuration_sets.contains(name) {
                return Err(Refusal {
                    status: StatusCode::NOT_FOUND,
                    ..Refusal::new("NotFoundException", format!("Configuration set <{name}> does not exist."))
                });
            }
        }
        self.inner.check_account(&sender, &recipients)?;
        let mails = recipients.into_iter().map(|to| {
            let text = simple.body.text.as_ref().map(Text::seen).unwrap_or_default();
            let message = Message {
                to: to.written.clone(),
                from: sender.written.clone(),
                subject: simple.subject.seen(),
                html: simple.body.html.as_ref().map(Text::seen),
                code: code_in(&text),
                text,
            };
            (to, message)
        });
        Ok(self.inner.post(mails.collect(), input.configuration_set_name.as_deref())?)
    }

    /// Checks that the caller's role allows sending with an identity or a configuration set.
    fn permit(&self, key: &str, resource: &str) -> Result<(), Refusal> {
        let resource = format!("arn:aws:ses:{REGION}:{ACCOUNT}:{resource}");
        if (self.inner.permit)(key, "ses:SendEmail", &resource) {
            return Ok(());
        }
        let message = format!("User `{key}' is not authorized to perform `ses:SendEmail' on resource `{resource}'");
        Err(Refusal { status: StatusCode::FORBIDDEN, ..Refusal::new("AccessDeniedException", message) })
    }
}

/// The code that a text has on a line of its own: four to eight digits.
fn code_in(text: &str) -> Option<String> {
    let is_code = |line: &&str| (4..=8).contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_digit());
    text.lines().map(str::trim).find(is_code).map(str::to_owned)
}

/// The message is that of SES for its older limit (<https://github.com/aws/aws-sdk-go-v2/issues/1774>).
fn check_size(simple: &Simple) -> Result<(), Refusal> {
    let parts = [Some(&simple.subject), simple.body.text.as_ref(), simple.body.html.as_ref()];
    let size: usize = parts.into_iter().flatten().map(|text| text.data.len()).sum();
    if size > MAX_SIZE {
        return Err(bad_request(format!("Message length is more than {MAX_SIZE} bytes long: '{size}'.")));
    }
    Ok(())
}

// A field that is not known here would be lost without a word, so it is refused.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendEmailInput {
    from_email_address: Option<String>,
    destination: Option<Destination>,
    content: Content,
    #[serde(default)]
    reply_to_addresses: Vec<String>,
    configuration_set_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
struct Destination {
    to_addresses: Vec<String>,
    cc_addresses: Vec<String>,
    bcc_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Content {
    simple: Option<Simple>,
    raw: Option<Value>,
    template: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Simple {
    subject: Text,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Body {
    text: Option<Text>,
    html: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Text {
    data: String,
    charset: Option<String>,
}

impl Text {
    /// The text as its reader sees it: without a character set it is sent as 7-bit ASCII
    /// (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Content.html>).
    fn seen(&self) -> String {
        match self.charset {
            Some(_) => self.data.clone(),
            None => self.data.chars().map(|character| if character.is_ascii() { character } else { '?' }).collect(),
        }
    }
}

pub(super) fn mailbox(written: &str) -> Result<Mailbox, Refusal> {
    Mailbox::parse(written).map_err(bad_request)
}

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::new("BadRequestException", message)
}
