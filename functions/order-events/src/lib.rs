//! Outbox events: mail to buyers, vendors and the operator about orders, low stock and unmatched payments.
//!
//! An event may be delivered more than once, also concurrently. It is claimed first, each notified recipient is
//! recorded with it, and it is marked as delivered last: a crash repeats at most the mail that was being sent, and
//! loses none.

mod back;
mod granted;
mod low_stock;
mod message;
mod notices;
mod operator_notices;
mod reminders;
mod returns;
mod short_texts;

use std::sync::Arc;
use std::time::Duration;

use domain::order::{OrderEvent, OrderEventKind, PlacedOrder};
use domain::proof::MessageJob;
use domain::text::Email;
use domain::{EventId, LowStock, OrderId, OutboxEvent, Timestamp, UnmatchedPayment, VendorId};
use platform::mail::{Mail, MailError, Unsent};
use platform::{
    Config, Fatal, JobQueue, MessageError, NotSent, PersonsSecret, QueueMessage, Rotating, Secret, StreamRecord,
};
use store::orders::{Claim, event_of};
use store::{Accounts, Catalog, Keys, Orders, Stock};

use crate::message::{Message, Site};
use crate::notices::Recipient;

/// Lifetime of a claim: longer than the function's timeout, and shorter than the queue's visibility timeout.
const CLAIM_DURATION: Duration = Duration::from_secs(30);

/// State of the handler.
#[derive(Debug)]
pub struct App {
    orders: Orders,
    accounts: Accounts,
    catalog: Catalog,
    mail: Mail,
    /// To who sends to telephone numbers.
    messages: JobQueue,
    site: Site,
    /// Where the operator reads news.
    operator: Email,
    token_secret: Arc<Secret<Rotating>>,
    persons: Arc<Secret<PersonsSecret>>,
}

/// Why an event has to be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("the message holds no event: {0}")]
    Unreadable(String),
    /// Whether that copy succeeds is not known yet: when its worker has died, this one is what keeps the event alive.
    #[error("a copy of the message holds the event {0}")]
    Busy(EventId),
    #[error("the event {0} is of an order that is not there: {1}")]
    NoOrder(EventId, OrderId),
    /// A table does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] platform::SecretError),
    /// Who ordered cannot be told.
    #[error(transparent)]
    Sealed(#[from] platform::NotOpened),
    /// The queue of short messages does not answer.
    #[error(transparent)]
    Queue(#[from] NotSent),
    /// Mail could not be sent; a retry may succeed.
    #[error(transparent)]
    Mail(#[from] MailError),
}

impl MessageError for DeliveryError {
    fn is_expected(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("ORDERS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        // This function changes no stock, so it needs no name of that table.
        let stock = Stock::new(dynamodb.clone(), "");
        let keys = Keys::new(dynamodb.clone(), config.required("KEYS_TABLE")?);
        let from = config.required("MAIL_FROM")?;
        let operator = Email::parse(config.required("OPERATOR_EMAIL")?)
            .map_err(|error| Fatal::new(format!("OPERATOR_EMAIL {error}")))?;
        let main_language = config.required("MAIN_LANGUAGE")?.parse().map_err(Fatal::new)?;
        let site = Site::new(config.required("SHOP_NAME")?, config.required("STORE_URL")?, main_language);
        Ok(Self {
            orders: Orders::new(dynamodb.clone(), table, stock).with_keys(keys),
            accounts: Accounts::new(dynamodb.clone(), config.required("ACCOUNTS_TABLE")?),
            catalog: Catalog::new(dynamodb, config.required("CATALOG_TABLE")?),
            messages: JobQueue::new(config, "MESSAGES_QUEUE_URL")?,
            mail: Mail::new(config.ses()?, site.name(), from, config.required("MAIL_CONFIGURATION_SET")?)?,
            site,
            operator,
            token_secret: Arc::new(config.secret("ORDER_TOKEN_SECRET_ARN")?),
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
        })
    }
}

/// Handles one event: notifies each of its recipients once.
///
/// # Errors
/// A table, the secret or the mail service does not answer; the queue delivers the message again.
pub async fn handle(app: &App, message: &QueueMessage, now: Timestamp) -> Result<(), DeliveryError> {
    let event = event_in(message)?;
    match app.orders.claim(event.id(), &message.message_id, now, now + CLAIM_DURATION).await? {
        Claim::Done => Ok(()),
        Claim::Held => {
            // The holder of the claim has a message of its own, which is delivered again if it fails.
            tracing::info!(event.id = %event.id(), "an event is being handled already");
            Ok(())
        }
        Claim::HeldByCopy => Err(DeliveryError::Busy(event.id())),
        Claim::Granted { holder, notified } => {
            let is_notified = |recipient: &Recipient| notified.contains(&recipient.role());
            let outcome = match &event {
                OutboxEvent::Order(event) => app.notify(event, is_notified).await,
                OutboxEvent::LowStock(low) => app.notify_of_low_stock(low, is_notified).await,
                OutboxEvent::UnmatchedPayment(money) => app.notify_of_unmatched(money, is_notified).await,
            };
            if outcome.is_err()
                && let Err(cause) = app.orders.release(event.id(), &holder).await
            {
                tracing::warn!(
                    event.id = %event.id(), cause = %cause, "a claim could not be released and stays until it expires"
                );
            }
            outcome
        }
    }
}

/// The event in a message: a stream record of the table Orders, as the pipe forwards it.
fn event_in(message: &QueueMessage) -> Result<OutboxEvent, DeliveryError> {
    let unreadable = |error: serde_json::Error| DeliveryError::Unreadable(error.to_string());
    let record: StreamRecord = message.json().map_err(unreadable)?;
    let item = record.new_image().ok_or_else(|| DeliveryError::Unreadable("no item".to_owned()))?;
    event_of(item).map_err(|error| DeliveryError::Unreadable(error.to_string()))
}

impl App {
    async fn notify(&self, event: &OrderEvent, is_notified: impl Fn(&Recipient) -> bool) -> Result<(), DeliveryError> {
        if event.kind == OrderEventKind::PaymentAmountMismatch {
            tracing::error!(
                needs = "money", order.id = %event.order, event.id = %event.id,
                "a payment has an amount mismatch: the operator has to decide"
            );
        }
        let found = self.orders.load_with_key(event.order, None).await?;
        let (mut order, key) = found.ok_or(DeliveryError::NoOrder(event.id, event.order))?;
        // The others are told all the same.
        let opened = self.persons.value().await?.open_person(&mut order, key.as_ref());
        let mut rejected: Option<DeliveryError> = None;
        for recipient in notices::recipients(event, &order) {
            if is_notified(&recipient) {
                continue;
            }
            let notified = match (recipient, opened) {
                (Recipient::Buyer, Err(sealed)) => Err(sealed.into()),
                _ => self.notify_recipient(recipient, event, &order).await,
            };
            match notified {
                Ok(()) => self.orders.mark_notified(event.id, &recipient.role()).await?,
                // The others must not wait for this one.
                Err(DeliveryError::Mail(error)) if error.perhaps_this_recipient_only => rejected = Some(error.into()),
                Err(error @ DeliveryError::Sealed(_)) => rejected = Some(error),
                Err(DeliveryError::Store(error)) if error.is_unreadable() => rejected = Some(error.into()),
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = rejected {
            return Err(error);
        }
        self.orders.mark_delivered(event.id).await?;
        Ok(())
    }

    async fn notify_of_low_stock(
        &self,
        low: &LowStock,
        is_notified: impl Fn(&Recipient) -> bool,
    ) -> Result<(), DeliveryError> {
        let recipient = Recipient::Vendor(low.vendor);
        if !is_notified(&recipient) {
            let product = self.catalog.product_alone(low.variant.product()).await?;
            if let Some(product) = product
                && let Some((address, language)) = self.vendor_reached(low.vendor, low.id).await?
                && let Some(message) = low_stock::to_vendor(low, &product, (&self.site, language))
            {
                self.send(&address, &message, low.id, None, recipient).await?;
            }
            self.orders.mark_notified(low.id, &recipient.role()).await?;
        }
        self.orders.mark_delivered(low.id).await?;
        Ok(())
    }

    async fn notify_of_unmatched(
        &self,
        money: &UnmatchedPayment,
        is_notified: impl Fn(&Recipient) -> bool,
    ) -> Result<(), DeliveryError> {
        let recipient = Recipient::Operator;
        if !is_notified(&recipient) {
            let message = operator_notices::of_unmatched(money, &self.site);
            self.send(&self.operator, &message, money.id, money.order_id, recipient).await?;
            self.orders.mark_notified(money.id, &recipient.role()).await?;
        }
        self.orders.mark_delivered(money.id).await?;
        Ok(())
    }

    async fn notify_recipient(
        &self,
        recipient: Recipient,
        event: &OrderEvent,
        order: &PlacedOrder,
    ) -> Result<(), DeliveryError> {
        let (address, message) = match recipient {
            Recipient::Buyer => {
                // Nobody can be written to whose data was erased.
                let Some(person) = &order.person else { return Ok(()) };
                let secret = self.token_secret.value().await?;
                let link = self.site.order_link(order.order.id, &secret.order_token(order.order.id));
                let confirmation = order.order.confirmation;
                let code = confirmation.map(|awaited| secret.confirmation_code(order.order.id, awaited.number));
                let message = notices::to_buyer(event, order, &self.site, &link, code.as_deref());
                match &person.email {
                    Some(email) => (email.clone(), message),
                    None if message.is_some() => return self.text_to_buyer(event).await,
                    None => return Ok(()),
                }
            }
            Recipient::Operator => (self.operator.clone(), operator_notices::to_operator(event, order, &self.site)),
            Recipient::Vendor(vendor) => {
                let reached = self.vendor_reached(vendor, event.id).await?;
                let Some((address, language)) = reached else { return Ok(()) };
                (address, notices::to_vendor(event, order, vendor, (&self.site, language)))
            }
        };
        let Some(message) = message else { return Ok(()) };
        self.send(&address, &message, event.id, Some(event.order), recipient).await
    }

    /// Has a short message sent to a buyer who gave a telephone number alone.
    async fn text_to_buyer(&self, event: &OrderEvent) -> Result<(), DeliveryError> {
        let Some(text) = short_texts::of(event) else {
            tracing::info!(event.id = %event.id, order.id = %event.order, "no short message tells of this event");
            return Ok(());
        };
        self.messages.send_message(&MessageJob::OrderText { order: event.order, event: event.id, text }).await?;
        Ok(())
    }

    /// The vendor's e-mail address and language; `None` if there is no such vendor.
    async fn vendor_reached(
        &self,
        vendor: VendorId,
        event: EventId,
    ) -> Result<Option<(Email, pages::Language)>, DeliveryError> {
        let shop = self.accounts.vendor(vendor).await?;
        if shop.is_none() {
            tracing::error!(event.id = %event, vendor.id = %vendor, "a vendor without an account cannot be notified");
        }
        Ok(shop.map(|shop| {
            let language = self.site.language_of(shop.language.as_deref());
            (shop.email, language)
        }))
    }

    async fn send(
        &self,
        address: &Email,
        message: &Message,
        event: EventId,
        order: Option<OrderId>,
        recipient: Recipient,
    ) -> Result<(), DeliveryError> {
        let order = order.map(tracing::field::display);
        if let Some(suppression) = self.accounts.suppression(address).await? {
            let reason = suppression.reason;
            if recipient == Recipient::Operator {
                tracing::error!(
                    event.id = %event, order.id = order, ?reason,
                    "the operator is not told: their address is suppressed"
                );
            } else {
                tracing::warn!(
                    event.id = %event, order.id = order, mail.role = recipient.role(), ?reason,
                    "a mail is not sent: its recipient's address is suppressed"
                );
            }
            return Ok(());
        }
        match self.mail.send(address, message).await {
            Ok(()) => {
                tracing::info!(event.id = %event, order.id = order, mail.role = recipient.role(), "mail sent");
                Ok(())
            }
            Err(Unsent::BadAddress(reason)) => {
                // A repeat would be refused as well, and must not keep the other recipients from being notified.
                tracing::warn!(
                    event.id = %event, order.id = order, mail.role = recipient.role(), reason,
                    "a mail is not sent: no mail can be sent to its recipient's address"
                );
                Ok(())
            }
            Err(Unsent::Later(error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
