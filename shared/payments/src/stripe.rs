//! Stripe: PaymentIntents, refunds, webhooks. <https://docs.stripe.com/api>

mod amount;
mod connection;
mod event;
mod object;
mod secret;
mod signature;

use std::sync::Arc;

use domain::payment::{Action, Payment, ProviderName, Refund};
use domain::{Money, Timestamp};
use http::{HeaderMap, Method};

use crate::transport::Http;
use crate::{
    Cancellation, Failure, NewsKind, Opened, PAYMENT_DISPUTED, PaymentNews, Provider, ProviderNews, RefundNews,
    WebhookError,
};
use connection::Connection;
use object::{PaymentIntent, RefundObject, RefundPage};
pub use secret::{StripeSecret, WebhookSecret};
pub use signature::sign;

/// The base URL of the API.
pub const URL: &str = "https://api.stripe.com";

/// The version of the API whose shapes are read here.
pub const VERSION: &str = "2026-07-29.dahlia";

/// The events that the webhook endpoint must be subscribed to, and the only ones that the local sandbox sends.
pub const EVENTS: &[&str] = &[
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
];

/// How many pages of 100 refunds of one payment are searched. A payment has a few refunds; 10,000 of them mean that
/// something is wrong, and then no further refund is made.
const MAX_REFUND_PAGES: usize = 100;

/// Whether Stripe can take this amount: more than zero, and exactly representable in its units.
pub fn takes(amount: Money) -> bool {
    amount.is_total() && amount::to_stripe(amount).is_some_and(|amount| amount > 0)
}

/// Stripe, with the keys of one account.
#[derive(Clone)]
pub struct Stripe {
    connection: Connection,
    secret: StripeSecret,
}

impl std::fmt::Debug for Stripe {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Stripe").field("secret", &self.secret).finish_non_exhaustive()
    }
}

impl Stripe {
    /// Stripe at `url` ([`URL`], or the local sandbox).
    pub fn new(http: Arc<dyn Http>, url: Arc<str>, secret: StripeSecret) -> Self {
        Self { connection: Connection { http, url }, secret }
    }

    /// Creates the payment, or finds the one that was created with the same idempotency key.
    async fn create(&self, payment: &Payment) -> Result<PaymentIntent, Failure> {
        let amount = payable(payment.amount)?.to_string();
        let currency = amount::currency_to_stripe(payment.amount.currency());
        let (order, attempt) = (payment.order.to_string(), payment.id.to_string());
        // No parameter may change between two attempts: Stripe rejects the same key with other parameters.
        let form = [
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("automatic_payment_methods[enabled]", "true"),
            ("metadata[order_id]", &order),
            ("metadata[payment_id]", &attempt),
        ];
        self.connection.post(&self.secret, "/v1/payment_intents", &form, Some(&attempt)).await
    }

    async fn retrieve(&self, reference: &str) -> Result<PaymentIntent, Failure> {
        self.connection.read(&self.secret, Method::GET, &path(&["v1", "payment_intents", reference])).await
    }

    /// The refund that was already made at Stripe for ours, in case its answer was lost. The idempotency key alone does
    /// not suffice: Stripe forgets keys after a day, and a refund may wait longer than that.
    async fn existing_refund(&self, refund: &Refund, payment_reference: &str) -> Result<Option<RefundObject>, Failure> {
        let ours = refund.id.to_string();
        let mut after = String::new();
        for _ in 0..MAX_REFUND_PAGES {
            let mut query = vec![("payment_intent", payment_reference), ("limit", "100")];
            if !after.is_empty() {
                query.push(("starting_after", after.as_str()));
            }
            let query = serde_urlencoded::to_string(&query).map_err(|_| refused("invalid_reference"))?;
            let page: RefundPage =
                self.connection.read(&self.secret, Method::GET, &format!("/v1/refunds?{query}")).await?;
            let (last, more) = (page.data.last().map(|refund| refund.id.clone()), page.has_more);
            if let Some(found) = page.data.into_iter().find(|made| made.metadata.refund_id.as_deref() == Some(&ours)) {
                return Ok(Some(found));
            }
            match last {
                Some(last) if more => after = last,
                _ => return Ok(None),
            }
        }
        Err(Failure::Unclear("the payment has too many refunds to be searched".into()))
    }
}

impl Provider for Stripe {
    async fn open(&self, payment: &Payment) -> Result<Opened, Failure> {
        let intent = self.create(payment).await?;
        let news = intent.news();
        let client_secret =
            intent.client_secret.ok_or_else(|| Failure::Unclear("the answer has no client secret".into()))?;
        Ok(Opened { reference: intent.id, action: Action::ClientSecret { client_secret }, news })
    }

    async fn look_up(&self, payment: &Payment) -> Result<ProviderNews, Failure> {
        match &payment.reference {
            Some(reference) => Ok(looked_up(self.retrieve(reference).await?)),
            None => {
                // The repeated opening replays Stripe's first answer, which may be outdated: read the current state.
                let opened = self.create(payment).await?;
                Ok(looked_up(self.retrieve(&opened.id).await?))
            }
        }
    }

    async fn cancel(&self, payment: &Payment) -> Result<Cancellation, Failure> {
        let reference = match &payment.reference {
            Some(reference) => reference.clone(),
            None => self.create(payment).await?.id,
        };
        let path = path(&["v1", "payment_intents", &reference, "cancel"]);
        // Without an idempotency key: cancelling twice does no harm, and a key would replay a refusal for a day.
        let intent = match self.connection.post(&self.secret, &path, &[], None).await {
            Ok(intent) => intent,
            Err(Failure::Refused { code }) if code == "payment_intent_unexpected_state" => {
                self.retrieve(&reference).await?
            }
            Err(failure) => return Err(failure),
        };
        Ok(match intent.news() {
            PaymentNews::Cancelled => Cancellation::Cancelled,
            PaymentNews::Captured { .. } => Cancellation::Captured(looked_up(intent)),
            PaymentNews::Pending | PaymentNews::Authorized { .. } | PaymentNews::Failed { .. } => {
                Cancellation::Undecided(looked_up(intent))
            }
        })
    }

    async fn refund(&self, refund: &Refund, payment_reference: &str) -> Result<RefundNews, Failure> {
        if let Some(reference) = &refund.reference {
            let path = path(&["v1", "refunds", reference]);
            let found: RefundObject = self.connection.read(&self.secret, Method::GET, &path).await?;
            return Ok(found.news());
        }
        if let Some(made) = self.existing_refund(refund, payment_reference).await? {
            return Ok(made.news());
        }
        let amount = payable(refund.to_send())?.to_string();
        let (id, payment, order) = (refund.id.to_string(), refund.payment.to_string(), refund.order.to_string());
        // Stripe replays its first answer to a key, a refusal too, so each refusal makes a new key necessary.
        let key = if refund.refusals == 0 { id.clone() } else { format!("{id}_{}", refund.refusals) };
        let form = [
            ("payment_intent", payment_reference),
            ("amount", &amount),
            ("metadata[refund_id]", &id),
            ("metadata[payment_id]", &payment),
            ("metadata[order_id]", &order),
        ];
        match self.connection.post::<RefundObject>(&self.secret, "/v1/refunds", &form, Some(&key)).await {
            Ok(made) => Ok(made.news()),
            Err(Failure::Refused { code }) if code == "charge_disputed" => {
                Err(Failure::Refused { code: PAYMENT_DISPUTED.to_owned() })
            }
            Err(failure) => Err(failure),
        }
    }

    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<ProviderNews, WebhookError> {
        signature::verify(headers, body, now, &self.secret)?;
        event::read(body)
    }
}

/// The current state of a payment, as news.
fn looked_up(intent: PaymentIntent) -> ProviderNews {
    ProviderNews {
        provider: ProviderName::Stripe,
        order_id: intent.metadata.order(),
        payment_id: intent.metadata.payment(),
        event_id: None,
        occurred_at: None,
        kind: NewsKind::Payment(intent.news()),
        reference: intent.id,
    }
}

fn payable(amount: Money) -> Result<i64, Failure> {
    if !takes(amount) {
        return Err(refused("amount_not_payable"));
    }
    amount::to_stripe(amount).ok_or_else(|| refused("amount_not_payable"))
}

fn refused(code: &str) -> Failure {
    Failure::Refused { code: code.to_owned() }
}

/// Joins the segments of a path. References consist of ASCII letters, digits and underscores; any other character is
/// left out, so that a reference cannot lead to another path.
fn path(segments: &[&str]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.extend(segment.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '_'));
    }
    path
}

#[cfg(test)]
mod tests;
