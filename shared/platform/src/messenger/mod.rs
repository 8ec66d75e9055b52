//! Sending a message to one person, by whichever channel reaches them.

mod sms;
mod telegram;

use domain::contact::ContactPoint;

use crate::mail::{Mail, Message, Unsent as UnsentMail};

pub use self::sms::SmsGateway;
pub use self::telegram::TelegramGateway;

/// A message in the forms that channels take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What tells this message from others, the same at every try: a channel that can does not deliver it twice.
    pub id: String,
    pub mail: Message,
    /// The same in one short text. Without it the message goes by mail only.
    pub short: Option<String>,
    /// The code in it, for a channel that writes the sentence around it itself.
    pub code: Option<String>,
}

impl Outgoing {
    /// A message that goes by mail only.
    pub fn by_mail(id: impl Into<String>, mail: Message) -> Self {
        Self { id: id.into(), mail, short: None, code: None }
    }
}

/// Why a message was not sent. The reasons are logged: they hold nothing of the person or the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// This channel does not carry it, or not to this person: another one may.
    NotHere(String),
    /// A retry may succeed.
    Later(String),
}

/// A channel to people.
pub trait Messenger {
    /// Sends a message to one person.
    fn send(&self, to: &ContactPoint, message: &Outgoing) -> impl Future<Output = Result<(), Unsent>> + Send;
}

impl Messenger for Mail {
    async fn send(&self, to: &ContactPoint, message: &Outgoing) -> Result<(), Unsent> {
        let Some(email) = to.email() else { return Err(Unsent::NotHere("it is no e-mail address".to_owned())) };
        self.send(email, &message.mail).await.map_err(|unsent| match unsent {
            UnsentMail::BadAddress(reason) => Unsent::NotHere(reason.to_owned()),
            UnsentMail::Later(error) => Unsent::Later(error.to_string()),
        })
    }
}
