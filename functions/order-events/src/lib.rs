//! Order events: mail to buyers, vendors and the operator. That a variant runs low, or that money came for no order, comes the same
//! way.
//!
//! An event may be delivered many times and by several at once. It is claimed first, whoever was told is written down with it,
//! and it is marked as delivered last: a crash in between repeats at most the mail that was under way, and loses none.

mod letter;
mod mail;
mod news;
mod shelf;

use std::sync::Arc;
use std::time::Duration;

use api::token::order_token;
use domain::order::{Event, EventKind, OrderFile};
use domain::text::Email;
use domain::{EventId, LowStock, Occasion, OrderId, Timestamp, Unclaimed, VendorId};
use platform::{Config, Fatal, QueueMessage, Rotating, Secret, StreamRecord};
use store::orders::Claim;
use store::{Accounts, Orders, Stock};

use crate::letter::{Letter, Place};
use crate::mail::{Mail, Unsent};
use crate::news::Recipient;

/// How long a claim holds: longer than the function may run, and shorter than its message stays out of sight.
const CLAIM: Duration = Duration::from_secs(30);

/// What the handler works with.
pub struct App {
    orders: Orders,
    accounts: Accounts,
    mail: Mail,
    place: Place,
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
pub enum Undelivered {
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
        let place = Place::new(config.required("SHOP_NAME")?, config.required("STORE_URL")?);
        Ok(Self {
            orders: Orders::new(dynamodb.clone(), table, stock),
            accounts: Accounts::new(dynamodb, config.required("ACCOUNTS_TABLE")?),
            mail: Mail::new(config.ses()?, place.name(), from)?,
            place,
            operator,
            token_secret: Arc::new(config.secret("ORDER_TOKEN_SECRET_ARN")?),
        })
    }
}

/// Acts on one event: tells whom it concerns, once each.
///
/// # Errors
/// Something it depends on does not answer; the queue delivers the message again.
pub async fn handle(app: &App, message: &QueueMessage, now: Timestamp) -> Result<(), Undelivered> {
    let event = event_in(message)?;
    let delivery = format!("{}#{}", message.message_id, message.deliveries());
    match app.orders.claim(event.id(), &delivery, now, now + CLAIM).await? {
        Claim::Done => Ok(()),
        Claim::Held => {
            // Whoever holds it has a message too, which comes back if he does not come to the end.
            tracing::info!(event.id = %event.id(), "an event is being acted on already");
            Ok(())
        }
        Claim::Granted(told) => {
            let told = |recipient: &Recipient| told.contains(&recipient.role());
            let outcome = match &event {
                Occasion::Order(event) => app.tell(event, told).await,
                Occasion::LowStock(low) => app.tell_of_stock(low, told).await,
                Occasion::Unclaimed(money) => app.tell_of_money(money, told).await,
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
fn event_in(message: &QueueMessage) -> Result<Occasion, Undelivered> {
    let unreadable = |error: serde_json::Error| Undelivered::Unreadable(error.to_string());
    let record: StreamRecord = message.json().map_err(unreadable)?;
    let data = record.new_image().and_then(|image| image.text("data"));
    serde_json::from_str(data.unwrap_or_default()).map_err(unreadable)
}

impl App {
    async fn tell(&self, event: &Event, told: impl Fn(&Recipient) -> bool) -> Result<(), Undelivered> {
        if event.kind == EventKind::PaymentConflicted {
            tracing::error!(order.id = %event.order, event.id = %event.id, "the provider took another amount than was asked for: the operator decides");
        }
        let file = self.orders.file(event.order).await?.ok_or(Undelivered::NoOrder(event.id, event.order))?;
        for recipient in news::recipients(event, &file) {
            if told(&recipient) {
                continue;
            }
            self.write_to(recipient, event, &file).await?;
            self.orders.told(event.id, &recipient.role()).await?;
        }
        self.orders.delivered(event.id).await?;
        Ok(())
    }

    async fn tell_of_stock(&self, low: &LowStock, told: impl Fn(&Recipient) -> bool) -> Result<(), Undelivered> {
        let recipient = Recipient::Vendor(low.vendor);
        if !told(&recipient) {
            if let Some(address) = self.address_of(low.vendor, low.id).await? {
                self.send(&address, &shelf::to_vendor(low, &self.place), low.id, None, recipient).await?;
            }
            self.orders.told(low.id, &recipient.role()).await?;
        }
        self.orders.delivered(low.id).await?;
        Ok(())
    }

    async fn tell_of_money(&self, money: &Unclaimed, told: impl Fn(&Recipient) -> bool) -> Result<(), Undelivered> {
        let recipient = Recipient::Operator;
        if !told(&recipient) {
            let letter = news::of_unclaimed(money, &self.place);
            self.send(&self.operator, &letter, money.id, money.order_id, recipient).await?;
            self.orders.told(money.id, &recipient.role()).await?;
        }
        self.orders.delivered(money.id).await?;
        Ok(())
    }

    async fn write_to(&self, recipient: Recipient, event: &Event, file: &OrderFile) -> Result<(), Undelivered> {
        let (address, letter) = match recipient {
            Recipient::Buyer => {
                let secret = self.token_secret.value().await?;
                let link = self.place.order_link(file.order.id, &order_token(&secret.current, file.order.id));
                (file.order.email.clone(), news::to_buyer(event, file, &self.place, &link))
            }
            Recipient::Operator => (self.operator.clone(), news::to_operator(event, file, &self.place)),
            Recipient::Vendor(vendor) => {
                let Some(address) = self.address_of(vendor, event.id).await? else { return Ok(()) };
                (address, news::to_vendor(event, file, vendor, &self.place))
            }
        };
        let Some(letter) = letter else { return Ok(()) };
        self.send(&address, &letter, event.id, Some(event.order), recipient).await
    }

    /// Where a seller is written to; nothing when there is no such seller.
    async fn address_of(&self, vendor: VendorId, event: EventId) -> Result<Option<Email>, Undelivered> {
        let shop = self.accounts.vendor(vendor).await?;
        if shop.is_none() {
            tracing::error!(event.id = %event, vendor.id = %vendor, "a seller without a file cannot be told");
        }
        Ok(shop.map(|shop| shop.email))
    }

    async fn send(
        &self,
        address: &Email,
        letter: &Letter,
        event: EventId,
        order: Option<OrderId>,
        recipient: Recipient,
    ) -> Result<(), Undelivered> {
        let order = order.map(tracing::field::display);
        match self.mail.send(address, letter).await {
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
