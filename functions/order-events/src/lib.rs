//! Order events: mail to buyers, vendors and the operator. That a variant runs low, or that money came for no order, comes the same
//! way.
//!
//! An event may be delivered many times and by several at once. It is claimed first, whoever was told is written down with it,
//! and it is marked as delivered last: a crash in between repeats at most the mail that was under way, and loses none.

mod low_stock;
mod mail;
mod message;
mod notices;

use std::sync::Arc;
use std::time::Duration;

use api::token::order_token;
use domain::order::{OrderEvent, OrderEventKind, PlacedOrder};
use domain::text::Email;
use domain::{EventId, LowStock, OrderId, OutboxEvent, Timestamp, UnmatchedPayment, VendorId};
use platform::{Config, Fatal, QueueMessage, Rotating, Secret, StreamRecord};
use store::orders::Claim;
use store::{Accounts, Orders, Stock};

use crate::mail::{Mail, Unsent};
use crate::message::{Message, Site};
use crate::notices::Recipient;

/// How long a claim holds: longer than the function may run, and shorter than its message stays out of sight.
const CLAIM_DURATION: Duration = Duration::from_secs(30);

/// What the handler works with.
pub struct App {
    orders: Orders,
    accounts: Accounts,
    mail: Mail,
    site: Site,
    /// Where the operator is told what nobody else can see to: the address that all mail comes from.
    operator: Email,
    token_secret: Arc<Secret<Rotating>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("App").finish_non_exhaustive()
    }
}

/// Why an event has to be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The message holds no event.
    #[error("the message holds no event: {0}")]
    Unreadable(String),
    /// The event's order is not there.
    #[error("the event {0} is of an order that is not there: {1}")]
    NoOrder(EventId, OrderId),
    /// A table does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The links' secret cannot be read.
    #[error(transparent)]
    Secret(#[from] platform::SecretError),
    /// Mail cannot be sent at the moment.
    #[error(transparent)]
    Mail(#[from] mail::MailError),
}

impl App {
    /// Builds the clients. Nothing is called yet but what warms the connection.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        let table = config.required("ORDERS_TABLE")?;
        platform::prewarm(config, &dynamodb, table).await;
        // Nothing here moves stock, so it does not need to know where it is.
        let stock = Stock::new(dynamodb.clone(), "");
        let from = config.required("MAIL_FROM")?;
        let operator = Email::parse(from).map_err(|error| Fatal::new(format!("MAIL_FROM {error}")))?;
        let site = Site::new(config.required("SHOP_NAME")?, config.required("STORE_URL")?);
        Ok(Self {
            orders: Orders::new(dynamodb.clone(), table, stock),
            accounts: Accounts::new(dynamodb, config.required("ACCOUNTS_TABLE")?),
            mail: Mail::new(config.ses()?, site.name(), from)?,
            site,
            operator,
            token_secret: Arc::new(config.secret("ORDER_TOKEN_SECRET_ARN")?),
        })
    }
}

/// Acts on one event: tells whom it concerns, once each.
///
/// # Errors
/// Something it depends on does not answer; the queue delivers the message again.
pub async fn handle(app: &App, message: &QueueMessage, now: Timestamp) -> Result<(), DeliveryError> {
    let event = event_in(message)?;
    let delivery = format!("{}#{}", message.message_id, message.deliveries());
    match app.orders.claim(event.id(), &delivery, now, now + CLAIM_DURATION).await? {
        Claim::Done => Ok(()),
        Claim::Held => {
            // Whoever holds it has a message too, which comes back if he does not come to the end.
            tracing::info!(event.id = %event.id(), "an event is being acted on already");
            Ok(())
        }
        Claim::Granted(notified) => {
            let is_notified = |recipient: &Recipient| notified.contains(&recipient.role());
            let outcome = match &event {
                OutboxEvent::Order(event) => app.notify(event, is_notified).await,
                OutboxEvent::LowStock(low) => app.notify_of_low_stock(low, is_notified).await,
                OutboxEvent::UnmatchedPayment(money) => app.notify_of_unmatched(money, is_notified).await,
            };
            if outcome.is_err()
                && let Err(cause) = app.orders.release(event.id(), &delivery).await
            {
                tracing::warn!(event.id = %event.id(), cause = %cause, "a claim stays until its end");
            }
            outcome
        }
    }
}

/// The event in a message: a change of the table Orders, as the pipe took it from the stream.
fn event_in(message: &QueueMessage) -> Result<OutboxEvent, DeliveryError> {
    let unreadable = |error: serde_json::Error| DeliveryError::Unreadable(error.to_string());
    let record: StreamRecord = message.json().map_err(unreadable)?;
    let data = record.new_image().and_then(|image| image.text("data"));
    serde_json::from_str(data.unwrap_or_default()).map_err(unreadable)
}

impl App {
    async fn notify(&self, event: &OrderEvent, is_notified: impl Fn(&Recipient) -> bool) -> Result<(), DeliveryError> {
        if event.kind == OrderEventKind::PaymentAmountMismatch {
            tracing::error!(order.id = %event.order, event.id = %event.id, "the provider took another amount than was asked for: the operator decides");
        }
        let order = self.orders.load(event.order).await?.ok_or(DeliveryError::NoOrder(event.id, event.order))?;
        for recipient in notices::recipients(event, &order) {
            if is_notified(&recipient) {
                continue;
            }
            self.notify_recipient(recipient, event, &order).await?;
            self.orders.mark_notified(event.id, &recipient.role()).await?;
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
            if let Some(address) = self.vendor_email(low.vendor, low.id).await? {
                self.send(&address, &low_stock::to_vendor(low, &self.site), low.id, None, recipient).await?;
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
            let message = notices::of_unmatched(money, &self.site);
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
                let secret = self.token_secret.value().await?;
                let link = self.site.order_link(order.order.id, &order_token(&secret.current, order.order.id));
                (order.order.email.clone(), notices::to_buyer(event, order, &self.site, &link))
            }
            Recipient::Operator => (self.operator.clone(), notices::to_operator(event, order, &self.site)),
            Recipient::Vendor(vendor) => {
                let Some(address) = self.vendor_email(vendor, event.id).await? else { return Ok(()) };
                (address, notices::to_vendor(event, order, vendor, &self.site))
            }
        };
        let Some(message) = message else { return Ok(()) };
        self.send(&address, &message, event.id, Some(event.order), recipient).await
    }

    /// Where a seller is written to; nothing when there is no such seller.
    async fn vendor_email(&self, vendor: VendorId, event: EventId) -> Result<Option<Email>, DeliveryError> {
        let shop = self.accounts.vendor(vendor).await?;
        if shop.is_none() {
            tracing::error!(event.id = %event, vendor.id = %vendor, "a vendor without an account cannot be notified");
        }
        Ok(shop.map(|shop| shop.email))
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
        match self.mail.send(address, message).await {
            Ok(()) => {
                tracing::info!(event.id = %event, order.id = order, mail.role = recipient.role(), "mail sent");
                Ok(())
            }
            Err(Unsent::Refused(code)) => {
                // Sending it again would be refused again, and must not keep the others from hearing of it.
                tracing::error!(event.id = %event, order.id = order, mail.role = recipient.role(), reason = code, "mail to a recipient is refused for good");
                Ok(())
            }
            Err(Unsent::Later(error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
