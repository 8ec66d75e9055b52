//! Sending mail through SES.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{DisplayErrorContext, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as SesMessage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::text::Email;
use platform::Fatal;

use crate::message::Message;

/// The most bytes of a name that still fit into one encoded word of 75 characters (RFC 2047, section 2).
const MAX_ENCODED_LENGTH: usize = 45;

#[derive(Debug)]
pub(crate) struct Mail {
    client: Client,
    from: String,
}

/// Mail could not be sent; a retry may succeed.
#[derive(Debug, thiserror::Error)]
#[error("mail cannot be sent: {0}")]
pub struct MailError(String);

/// Why a message was not sent.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// Refused permanently, with the error code of SES.
    Refused(&'static str),
    /// A retry may succeed.
    Later(MailError),
}

impl Mail {
    /// Mail from the marketplace with this name and address.
    ///
    /// # Errors
    /// The address is invalid: SES would refuse every mail permanently.
    pub(crate) fn new(client: Client, shop: &str, address: &str) -> Result<Self, Fatal> {
        let address = Email::parse(address).map_err(|error| Fatal::new(format!("MAIL_FROM {error}")))?;
        Ok(Self { client, from: sender(shop, &address) })
    }

    /// Sends a message to one recipient.
    pub(crate) async fn send(&self, to: &Email, message: &Message) -> Result<(), Unsent> {
        let later = |error: aws_sdk_sesv2::error::BuildError| Unsent::Later(MailError(error.to_string()));
        let text = |data: &str| Content::builder().data(data).charset("UTF-8").build();
        let content = SesMessage::builder()
            .subject(text(&message.subject).map_err(later)?)
            .body(Body::builder().text(text(&message.text).map_err(later)?).build())
            .build();
        let sent = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .content(EmailContent::builder().simple(content).build())
            .send()
            .await;
        sent.map(|_| ()).map_err(|error| unsent(&error))
    }
}

/// A refusal of this recipient or this message is permanent; any other error may be temporary.
fn unsent<R: std::fmt::Debug + Send + Sync + 'static>(error: &SdkError<SendEmailError, R>) -> Unsent {
    match error.as_service_error() {
        Some(SendEmailError::MessageRejected(_)) => Unsent::Refused("MessageRejected"),
        Some(SendEmailError::BadRequestException(_)) => Unsent::Refused("BadRequestException"),
        _ => Unsent::Later(MailError(DisplayErrorContext(error).to_string())),
    }
}

/// The `From` header with the marketplace's name as a quoted string (RFC 5322, section 3.2.4) or as an encoded word
/// (RFC 2047, section 2). A name that fits neither form is left out.
fn sender(shop: &str, address: &Email) -> String {
    if shop.is_ascii() {
        let quoted: String =
            shop.chars().filter(|character| !character.is_control() && !"\"\\".contains(*character)).collect();
        format!("\"{quoted}\" <{address}>")
    } else if shop.len() <= MAX_ENCODED_LENGTH {
        format!("=?UTF-8?B?{}?= <{address}>", STANDARD.encode(shop))
    } else {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shops_name_cannot_break_out_of_the_header() {
        let address = Email::parse("shop@bozor.test").unwrap();
        assert_eq!(sender("Bozor", &address), "\"Bozor\" <shop@bozor.test>");
        assert_eq!(sender("A\" <x@y.z>\r\nBcc: \\", &address), "\"A <x@y.z>Bcc: \" <shop@bozor.test>");
        assert_eq!(sender("Бозор", &address), "=?UTF-8?B?0JHQvtC30L7RgA==?= <shop@bozor.test>");
        assert_eq!(sender(&"Ж".repeat(23), &address), "shop@bozor.test");
    }
}
