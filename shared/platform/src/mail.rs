//! Sending mail through SES.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as SesMessage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::text::Email;

use crate::Fatal;

/// The most bytes of a name that still fit into one encoded word of 75 characters (RFC 2047, section 2).
const MAX_ENCODED_LENGTH: usize = 45;

/// How SES says that an address in a call is malformed. The sender's is checked when the function starts, so it is the
/// recipient's. A malformed name beside an address has another message, "Illegal address".
const MALFORMED_ADDRESS: [&str; 5] =
    ["Local address ", "Domain ", "Missing local name", "Missing domain", "Missing final '@domain'"];

/// A message to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line, with no personal data but an order's number, because locked screens show subjects.
    pub subject: String,
    /// Plain text, which says everything.
    pub text: String,
    /// The same as an HTML document.
    pub html: String,
}

/// Mail through SES, from the marketplace.
#[derive(Debug)]
pub struct Mail {
    client: Client,
    from: String,
    /// Its events tell what comes back.
    configuration_set: String,
}

/// Mail could not be sent; a retry may succeed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("mail cannot be sent: {reason}")]
pub struct MailError {
    /// Without addresses, because it is logged.
    reason: String,
    /// Whether only this recipient may be concerned: an account in SES's sandbox rejects recipients one by one, in the
    /// same words in which it rejects a sender.
    pub perhaps_this_recipient_only: bool,
}

/// Why a message was not sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsent {
    /// No mail can be sent to this address, for this reason.
    BadAddress(&'static str),
    /// A retry may succeed.
    Later(MailError),
}

impl Mail {
    /// Mail from the marketplace with this name and address.
    ///
    /// # Errors
    /// The address is invalid: SES would refuse every mail.
    pub fn new(client: Client, shop: &str, address: &str, configuration_set: &str) -> Result<Self, Fatal> {
        let address = Email::parse(address).map_err(|error| Fatal::new(format!("MAIL_FROM {error}")))?;
        Ok(Self { client, from: sender(shop, &address), configuration_set: configuration_set.to_owned() })
    }

    /// Sends a message to one recipient.
    pub async fn send(&self, to: &Email, message: &Message) -> Result<(), Unsent> {
        if !to.can_be_mailed() {
            return Err(Unsent::BadAddress("not in a form that can be mailed"));
        }
        let later = |error: aws_sdk_sesv2::error::BuildError| {
            Unsent::Later(MailError { reason: error.to_string(), perhaps_this_recipient_only: true })
        };
        let text = |data: &str| Content::builder().data(data).charset("UTF-8").build();
        let content = SesMessage::builder()
            .subject(text(&message.subject).map_err(later)?)
            .body(
                Body::builder()
                    .text(text(&message.text).map_err(later)?)
                    .html(text(&message.html).map_err(later)?)
                    .build(),
            )
            .build();
        let sent = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .configuration_set_name(&self.configuration_set)
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .content(EmailContent::builder().simple(content).build())
            .send()
            .await;
        sent.map(|_| ()).map_err(|error| unsent(&error))
    }
}

/// Only a malformed address is refused for good. What SES rejects because of the account (a lost sender identity,
/// paused sending, a missing configuration set, a used-up quota) is sent once somebody has mended that:
/// `MessageRejected` says "Email address is not verified" of a sender, and in the sandbox of a recipient.
fn unsent<R: std::fmt::Debug + Send + Sync + 'static>(error: &SdkError<SendEmailError, R>) -> Unsent {
    let Some(answer) = error.as_service_error() else {
        let reason = DisplayErrorContext(error).to_string();
        return Unsent::Later(MailError { reason, perhaps_this_recipient_only: false });
    };
    let message = answer.message().unwrap_or_default();
    match answer {
        SendEmailError::BadRequestException(_) if MALFORMED_ADDRESS.iter().any(|known| message.starts_with(known)) => {
            Unsent::BadAddress("malformed for SES")
        }
        _ => Unsent::Later(MailError {
            reason: format!("{}: {}", answer.code().unwrap_or("unknown error"), without_addresses(message)),
            perhaps_this_recipient_only: matches!(answer, SendEmailError::MessageRejected(_)),
        }),
    }
}

/// A message of SES with the addresses in it left out.
fn without_addresses(message: &str) -> String {
    let words = message.split_whitespace().map(|word| if word.contains('@') { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// The `From` header with the marketplace's name as a quoted string (RFC 5322, section 3.2.4) or as encoded words
/// (RFC 2047, section 2). SES drops other characters than ASCII from a name that is not encoded.
fn sender(shop: &str, address: &Email) -> String {
    if shop.is_ascii() {
        let quoted: String =
            shop.chars().filter(|character| !character.is_control() && !"\"\\".contains(*character)).collect();
        return format!("\"{quoted}\" <{address}>");
    }
    let mut words = vec![String::new()];
    for character in shop.chars() {
        if words.last().is_some_and(|word| word.len() + character.len_utf8() > MAX_ENCODED_LENGTH) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    let encoded: Vec<String> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    format!("{} <{address}>", encoded.join(" "))
}

#[cfg(test)]
mod tests {
    use aws_sdk_sesv2::error::ErrorMetadata;
    use aws_sdk_sesv2::types::error::{
        AccountSuspendedException, BadRequestException, LimitExceededException, MailFromDomainNotVerifiedException,
        MessageRejected, NotFoundException, SendingPausedException, TooManyRequestsException,
    };

    use super::*;

    #[test]
    fn a_shops_name_cannot_break_out_of_the_header() {
        let address = Email::parse("shop@bozor.test").unwrap();
        assert_eq!(sender("Bozor", &address), "\"Bozor\" <shop@bozor.test>");
        assert_eq!(sender("Bozor, Inc.", &address), "\"Bozor, Inc.\" <shop@bozor.test>");
        assert_eq!(sender("A\" <x@y.z>\r\nBcc: \\", &address), "\"A <x@y.z>Bcc: \" <shop@bozor.test>");
        assert_eq!(sender("Бозор", &address), "=?UTF-8?B?0JHQvtC30L7RgA==?= <shop@bozor.test>");
    }

    #[test]
    fn a_long_name_is_several_encoded_words_and_each_of_them_whole_characters() {
        let address = Email::parse("shop@bozor.test").unwrap();
        let name = "Ж".repeat(23);
        let header = sender(&name, &address);
        let (words, rest) = header.rsplit_once(' ').unwrap();
        assert_eq!(rest, "<shop@bozor.test>");
        let decoded = |word: &str| {
            assert!(word.len() <= 75, "{word}");
            let encoded = word.strip_prefix("=?UTF-8?B?").and_then(|word| word.strip_suffix("?=")).unwrap();
            String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
        };
        assert_eq!(words.split(' ').map(decoded).collect::<Vec<_>>(), ["Ж".repeat(22), "Ж".to_owned()]);
    }

    /// The messages are those that SES answers, by the sources in the embedded SES.
    #[test]
    fn only_a_malformed_address_is_refused_for_good() {
        let because = |error: SendEmailError| unsent(&SdkError::service_error(error, ()));
        let meta = |code: &str, message: &str| ErrorMetadata::builder().code(code).message(message).build();
        let bad = |message: &str| {
            let refused = BadRequestException::builder().meta(meta("BadRequestException", message)).build();
            because(SendEmailError::BadRequestException(refused))
        };
        for message in [
            "Local address contains control or whitespace",
            "Domain contains illegal character",
            "Missing final '@domain'",
        ] {
            assert_eq!(bad(message), Unsent::BadAddress("malformed for SES"), "{message}");
        }
        let rejected = "Email address is not verified. The following identities failed the check in region US-EAST-1: \
                        shop@bozor.test";
        let later = [
            bad("Illegal address"),
            bad("Configuration set name must be less than 65 characters"),
            because(SendEmailError::MessageRejected(
                MessageRejected::builder().meta(meta("MessageRejected", rejected)).build(),
            )),
            because(SendEmailError::SendingPausedException(SendingPausedException::builder().build())),
            because(SendEmailError::AccountSuspendedException(AccountSuspendedException::builder().build())),
            because(SendEmailError::MailFromDomainNotVerifiedException(
                MailFromDomainNotVerifiedException::builder().build(),
            )),
            because(SendEmailError::NotFoundException(NotFoundException::builder().build())),
            because(SendEmailError::LimitExceededException(LimitExceededException::builder().build())),
            because(SendEmailError::TooManyRequestsException(TooManyRequestsException::builder().build())),
            because(SendEmailError::generic(meta("AccessDeniedException", "not authorized"))),
            unsent(&SdkError::<SendEmailError, ()>::timeout_error("no answer")),
        ];
        for (number, unsent) in later.iter().enumerate() {
            let Unsent::Later(error) = unsent else { panic!("{number}: {unsent:?}") };
            assert_eq!(error.perhaps_this_recipient_only, number == 2, "{error}");
            assert!(!error.to_string().contains('@'), "an address is in the log: {error}");
        }
        assert_eq!(
            later[2],
            Unsent::Later(MailError {
                reason: "MessageRejected: Email address is not verified. The following identities failed the check in \
                         region US-EAST-1: (address)"
                    .to_owned(),
                perhaps_this_recipient_only: true,
            })
        );
    }
}
