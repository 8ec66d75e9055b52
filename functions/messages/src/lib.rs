//! Messages to people: codes that prove a contact, invitations, and notices.
//!
//! Whoever asks for a code gets the same answer after the same work, whether or not the contact is somebody's: only
//! this function looks, where nobody can watch it.

mod notice_texts;
mod notices;
mod order_texts;
mod phones;
mod team;
mod texts;

use std::sync::Arc;

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::DisplayErrorContext;
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::{AdminGetUserError, AdminGetUserOutput};
use aws_sdk_cognitoidentityprovider::types::{AttributeType, UserStatusType};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::contact::ContactPoint;
use domain::invitation::{Invitation, Invited};
use domain::marketplace::MARKETPLACE;
use domain::proof::{AccountChange, Applicant, CodePurpose, MessageJob, PendingCode};
use domain::sealed::{PersonKey, SealedIn};
use domain::text::Email;
use domain::vendor::VendorState;
use domain::{Identifier, LookUp, Timestamp, UserId, VendorId};
use platform::mail::{Mail, Message};
use platform::messenger::{Messenger, Outgoing, SmsGateway, TelegramGateway, Unsent};
use platform::{
    Config, Fatal, InvitationToken, MessageError, NotOpened, PersonsSecret, QueueMessage, Rotating, Secret,
};
use store::{Accounts, Catalog, Keys, Orders, RateLimits, Sessions, SettingsTable};

use crate::phones::Weight;
use crate::texts::{Said, Site};

/// State of the handler.
#[derive(Debug)]
pub struct App {
    sessions: Sessions,
    accounts: Accounts,
    catalog: Catalog,
    pool: Client,
    pool_id: String,
    persons: Arc<Secret<PersonsSecret>>,
    mail: Mail,
    sms: Option<SmsGateway>,
    telegram: Option<TelegramGateway>,
    orders: Orders,
    settings: SettingsTable,
    rate_limits: RateLimits,
    token_secret: Arc<Secret<Rotating>>,
    site: Site,
}

/// Why a message has to be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("the message is none of ours: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The table does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] platform::SecretError),
    /// Who has asked cannot be told.
    #[error(transparent)]
    Sealed(#[from] NotOpened),
    /// The user pool does not answer.
    #[error("whether somebody has an account is not known: {0}")]
    Pool(String),
    #[error("a code without its random bytes")]
    Damaged,
    /// No channel took it; a retry may succeed.
    #[error("a message cannot be sent: {0}")]
    Unsent(String),
}

impl MessageError for DeliveryError {
    fn is_expected(&self) -> bool {
        false
    }
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("SESSIONS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let main_language = config.required("MAIN_LANGUAGE")?.parse().map_err(Fatal::new)?;
        let site = Site::new(config.required("SHOP_NAME")?, config.required("STORE_URL")?, main_language);
        let from = config.required("MAIL_FROM")?;
        Ok(Self {
            sessions: Sessions::new(dynamodb.clone(), table),
            catalog: Catalog::new(dynamodb.clone(), config.required("CATALOG_TABLE")?),
            accounts: Accounts::new(dynamodb.clone(), config.required("ACCOUNTS_TABLE")?),
            orders: Orders::for_reading(dynamodb.clone(), config.required("ORDERS_TABLE")?)
                .with_keys(Keys::new(dynamodb.clone(), config.required("KEYS_TABLE")?)),
            settings: SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?),
            rate_limits: RateLimits::new(dynamodb, config.required("CARTS_TABLE")?),
            token_secret: Arc::new(config.secret("ORDER_TOKEN_SECRET_ARN")?),
            sms: SmsGateway::new(config)?,
            telegram: TelegramGateway::new(config)?,
            pool: config.cognito()?,
            pool_id: config.required("USER_POOL_ID")?.to_owned(),
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            mail: Mail::new(config.ses()?, site.name(), from, config.required("MAIL_CONFIGURATION_SET")?)?,
            site,
        })
    }
}

/// Sends one message. It may come twice.
///
/// # Errors
/// A table, the secret or the mail service does not answer; the queue delivers the message again.
pub async fn handle(app: &App, message: &QueueMessage, now: Timestamp) -> Result<(), DeliveryError> {
    match message.json()? {
        MessageJob::Code { purpose, contact, number, expires_at } => {
            app.send_code((purpose, contact), (number, expires_at), now).await
        }
        MessageJob::AccountChanged { user, change } => {
            // A copy of the message is told apart from the next change of the same kind.
            app.send_account_change(user, change, (&message.message_id, now)).await
        }
        MessageJob::Invitation { vendor, contact } => app.send_invitation(vendor, contact, now).await,
        MessageJob::OrderText { order, event, text } => app.send_order_text(order, event, text, now).await,
        MessageJob::Notice { vendor, notice } => app.send_notice(vendor, notice, (&message.message_id, now)).await,
        MessageJob::Team { notice } => app.send_team_notice(notice, (&message.message_id, now)).await,
    }
}

impl App {
    async fn send_code(
        &self,
        (purpose, contact): (CodePurpose, LookUp),
        (number, of_code): (u32, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<(), DeliveryError> {
        let Some(code) = self.sessions.code(purpose, contact).await? else { return Ok(()) };
        // A message of a code that has ended, and a copy of one that was sent. Numbers begin anew with each code:
        // sending this one for another message would swallow those that are asked for later.
        let is_of_another = of_code.is_some_and(|expires_at| expires_at != code.expires_at);
        if is_of_another || !code.is_alive(now) || code.sent >= number {
            return Ok(());
        }
        let persons = self.persons.value().await?;
        let key = key_of(&code)?;
        let opened = persons.open(&code.sealed, Some(&key), SealedIn::Code(contact))?;
        let applicant: Applicant = serde_json::from_slice(&opened)?;
        let point = applicant.contact().ok_or(DeliveryError::Damaged)?;
        let is_known = match purpose {
            CodePurpose::ChangeContact => self.is_taken(&point).await?,
            _ => self.has_account(&point).await?,
        };
        let to = self.site.to(applicant.language.as_deref());
        let text = match purpose {
            CodePurpose::SignUp if is_known => Some(to.account_exists()),
            CodePurpose::ChangeContact if is_known => Some(to.contact_is_taken()),
            CodePurpose::SignIn | CodePurpose::ResetPassword if !is_known => None,
            CodePurpose::SignUp | CodePurpose::SignIn | CodePurpose::ResetPassword | CodePurpose::ChangeContact => {
                Some(to.code(purpose, &persons.code(&key)))
            }
            CodePurpose::FormerContact => Some(to.former_contact()),
            CodePurpose::Other => None,
        };
        if let Some(text) = text {
            // By the random bytes of the code, so that the next one of the same contact is another message.
            let id = format!("code-{}-{number}", persons.look_up(Identifier::Code(&code.key)));
            let weight = if number == 1 { Weight::Needed } else { Weight::Usual };
            self.deliver(&point, &Outgoing { id, ..text }, (weight, now)).await?;
        }
        let sent = PendingCode { sent: number, ..code.clone() };
        if !self.sessions.put_code(&sent, Some(code.version)).await? {
            tracing::info!("a code was asked for or entered while it was sent");
        }
        Ok(())
    }

    /// Tells somebody what has changed in their account, by every channel that they have proven: a thief may have added
    /// one of their own. A copy of the message may tell it again.
    async fn send_account_change(
        &self,
        user: UserId,
        change: AccountChange,
        (id, now): (&str, Timestamp),
    ) -> Result<(), DeliveryError> {
        let Some(known) = self.known(&user.to_string()).await? else { return Ok(()) };
        let language = self.language_of(user, &known).await?;
        let Some(text) = self.site.to(language.as_deref()).account_changed(change) else { return Ok(()) };
        let mut told = Told::default();
        for contact in proven_contacts(&known) {
            let outgoing = Outgoing { id: id.to_owned(), ..text.clone() };
            told.add(self.deliver_once(&contact, &outgoing, (id, now)).await);
        }
        told.end()
    }

    /// Delivers one of several messages that come of one in the queue. That comes again while one of them fails, and
    /// whoever has theirs does not get it each time.
    async fn deliver_once(
        &self,
        to: &ContactPoint,
        message: &Outgoing,
        (id, now): (&str, Timestamp),
    ) -> Result<(), DeliveryError> {
        let persons = self.persons.value().await?;
        let pair = (persons.look_up(Identifier::Code(id)), persons.look_up(to));
        if self.rate_limits.is_remembered(pair, now).await? {
            return Ok(());
        }
        self.deliver(to, message, (Weight::Needed, now)).await?;
        self.rate_limits.remember(pair, now).await;
        Ok(())
    }

    /// Sends an invitation, unless it was sent or has ended meanwhile. The message is the same for everybody: nothing
    /// is looked up of whom it goes to.
    async fn send_invitation(&self, vendor: VendorId, contact: LookUp, now: Timestamp) -> Result<(), DeliveryError> {
        let Some(invitation) = self.sessions.invitation(vendor, contact).await? else { return Ok(()) };
        if !invitation.is_open(now) || invitation.sent {
            return Ok(());
        }
        let account = self.accounts.vendor(vendor).await?;
        let is_wanted = match &account {
            Some(account) => invitation.by_operator || account.state == VendorState::Approved,
            None => vendor == MARKETPLACE,
        };
        if !is_wanted {
            return Ok(());
        }
        let persons = self.persons.value().await?;
        let key = PersonsSecret::key_of(&invitation.key).ok_or(DeliveryError::Damaged)?;
        let token = InvitationToken::of_hash(&invitation.hash, (vendor, contact), &persons, &key);
        let Some(token) = token else {
            tracing::warn!(vendor.id = %vendor, "an invitation is not sent: its master secret is gone");
            return Ok(());
        };
        let opened = persons.open(&invitation.sealed, Some(&key), SealedIn::Invitation(vendor, contact))?;
        let invited: Invited = serde_json::from_slice(&opened)?;
        // Nothing is looked up of whom it goes to, so that it tells nothing: they are written to as the shop is.
        let to = self.site.to(account.as_ref().and_then(|account| account.language.as_deref()));
        let text = match (&account, invitation.operator_role) {
            (Some(account), _) => to.invitation(&account.card.name, invitation.role, &token.text()),
            (None, Some(role)) => to.team_invitation(role, &token.text()),
            (None, None) => return Ok(()),
        };
        let to = invited.contact().ok_or(DeliveryError::Damaged)?;
        // By the random bytes of the invitation, so that the next one of the same contact is another message.
        let id = format!("invitation-{}", persons.look_up(Identifier::Code(&invitation.key)));
        self.deliver(&to, &Outgoing { id, ..text }, (Weight::Usual, now)).await?;
        if !self.sessions.put_invitation(&Invitation { sent: true, ..invitation }).await? {
            tracing::info!("an invitation was answered or made again while it was sent");
        }
        Ok(())
    }

    /// Whether somebody has an account with the contact. A name without one was left by a sign-up that broke off, or is
    /// of a person who never confirmed it.
    async fn has_account(&self, contact: &ContactPoint) -> Result<bool, DeliveryError> {
        let Some(username) = self.accounts.username_of(contact).await? else { return Ok(false) };
        let known = self.known(username.as_str()).await?;
        Ok(known.is_some_and(|known| known.user_status() != Some(&UserStatusType::Unconfirmed)))
    }

    /// Whether a contact is one of an account. A change of contact that broke off has claimed it, and is no reason to
    /// refuse it to its owner.
    async fn is_taken(&self, contact: &ContactPoint) -> Result<bool, DeliveryError> {
        let Some(username) = self.accounts.username_of(contact).await? else { return Ok(false) };
        let known = self.known(username.as_str()).await?;
        Ok(known.is_some_and(|known| proven_contacts(&known).any(|known| known == *contact)))
    }

    /// Where a person is reached: the address that they have proven, or else the number; nothing when they are gone.
    pub(crate) async fn contact_of(&self, user: UserId) -> Result<Option<ContactPoint>, DeliveryError> {
        let known = self.known(&user.to_string()).await?;
        Ok(known.as_ref().and_then(|known| proven_contacts(known).next()))
    }

    /// Tells a person something in their language, by one channel that they have proven; nothing when they are gone. To
    /// a number goes only what it is about, and where to go.
    pub(crate) async fn tell(
        &self,
        user: UserId,
        said: Said<'_>,
        (id, now): (&str, Timestamp),
    ) -> Result<(), DeliveryError> {
        let Some(known) = self.known(&user.to_string()).await? else { return Ok(()) };
        let Some(contact) = proven_contacts(&known).next() else { return Ok(()) };
        let language = self.language_of(user, &known).await?;
        let message = said(&self.site.to(language.as_deref()));
        let short = Some(format!("{}. {}", message.subject, self.site.url()));
        // To several people at once, each of whom gets their own.
        let outgoing = Outgoing { short, ..Outgoing::by_mail(format!("{id}-{user}"), message) };
        self.deliver_once(&contact, &outgoing, (id, now)).await
    }

    /// The language of messages to a person: that of their profile, or until they change it the one that they have
    /// signed up in. Where the profile cannot be read they are told all the same: it may be of a theft.
    async fn language_of(&self, user: UserId, known: &AdminGetUserOutput) -> Result<Option<String>, DeliveryError> {
        match self.accounts.profile(user).await {
            Ok(profile) if profile.version > 0 => Ok(profile.language),
            Ok(_) => Ok(attribute_of(known, "locale").map(str::to_owned)),
            Err(unreadable) if unreadable.is_unreadable() => {
                tracing::warn!(user.id = %user, cause = %unreadable, "a person's language is not known");
                Ok(None)
            }
            Err(unknown) => Err(unknown.into()),
        }
    }

    /// Who has this name or id in the user pool.
    async fn known(&self, name: &str) -> Result<Option<AdminGetUserOutput>, DeliveryError> {
        match self.pool.admin_get_user().user_pool_id(&self.pool_id).username(name).send().await {
            Ok(known) => Ok(Some(known)),
            Err(error) if error.as_service_error().is_some_and(AdminGetUserError::is_user_not_found_exception) => {
                Ok(None)
            }
            Err(error) => Err(DeliveryError::Pool(DisplayErrorContext(&error).to_string())),
        }
    }

    /// Sends a message by whichever channel reaches the contact.
    async fn deliver(
        &self,
        to: &ContactPoint,
        message: &Outgoing,
        counted: (Weight, Timestamp),
    ) -> Result<(), DeliveryError> {
        match to {
            ContactPoint::Email(email) => self.send(email, &message.mail).await,
            ContactPoint::Phone(number) => self.send_to_phone(number, message, counted).await,
        }
    }

    pub(crate) async fn send(&self, to: &Email, message: &Message) -> Result<(), DeliveryError> {
        if let Some(suppression) = self.accounts.suppression(to).await? {
            tracing::warn!(reason = ?suppression.reason, "a message is not sent: its recipient's address is suppressed");
            return Ok(());
        }
        let (to, message) = (ContactPoint::Email(to.clone()), Outgoing::by_mail("", message.clone()));
        match Messenger::send(&self.mail, &to, &message).await {
            Ok(()) => Ok(()),
            Err(Unsent::NotHere(reason)) => {
                tracing::warn!(reason, "a message is not sent: no mail can be sent to its recipient's address");
                Ok(())
            }
            Err(Unsent::Later(reason)) => Err(DeliveryError::Unsent(reason)),
        }
    }
}

/// Whether all of several were told. One whom no channel takes holds up nobody behind them; the message comes again
/// until they are told too.
#[derive(Debug, Default)]
pub(crate) struct Told {
    first: Option<DeliveryError>,
}

impl Told {
    pub(crate) fn add(&mut self, told: Result<(), DeliveryError>) {
        if let Err(cause) = told {
            tracing::warn!(%cause, "one of several people or contacts is not told");
            self.first.get_or_insert(cause);
        }
    }

    /// Fails when somebody was not told.
    pub(crate) fn end(self) -> Result<(), DeliveryError> {
        self.first.map_or(Ok(()), Err)
    }
}

fn attribute_of<'a>(known: &'a AdminGetUserOutput, name: &str) -> Option<&'a str> {
    known.user_attributes().iter().find(|attribute| attribute.name() == name).and_then(AttributeType::value)
}

/// What somebody has proven, the address first.
fn proven_contacts(known: &AdminGetUserOutput) -> impl Iterator<Item = ContactPoint> {
    let attribute = |name: &str| attribute_of(known, name);
    let proven = |name: &str, verified: &str| attribute(name).filter(|_| attribute(verified) == Some("true"));
    let email = proven("email", "email_verified").and_then(|email| Email::kept(email).ok());
    let number = proven("phone_number", "phone_number_verified").and_then(|number| number.parse().ok());
    email.map(ContactPoint::Email).into_iter().chain(number.map(ContactPoint::Phone))
}

fn key_of(code: &PendingCode) -> Result<PersonKey, DeliveryError> {
    let bytes = URL_SAFE_NO_PAD.decode(&code.key).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(PersonKey::from_bytes).ok_or(DeliveryError::Damaged)
}
