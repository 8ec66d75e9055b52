//! Stripe: PaymentIntents, Checkout Sessions, refunds, webhooks. <https://docs.stripe.com/api>

mod amount;
mod connection;
mod event;
mod object;
mod secret;
mod session;
mod signature;

use std::sync::Arc;

use bytes::Bytes;
use domain::payment::{Action, Payment, ProviderName, Refund};
use domain::{Money, Timestamp};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Response};

use crate::transport::{BoxFuture, Http};
use crate::{
    Calls, Cancellation, Captures, ClientKey, Connected, Connector, Facts, Failure, Freshness, HostedPage, LooksUp,
    NewsKind, Opened, PAYMENT_DISPUTED, PaymentNews, Provider, ProviderNews, RefundNews, Refunds, Secrets,
    WebhookError, Webhooks,
};
use connection::Connection;
use object::{PaymentIntent, RefundObject, RefundPage};
pub use secret::{StripeSecret, WebhookSecret};
use session::is_on_page;
pub use signature::sign;

/// The base URL of the API.
pub const URL: &str = "https://api.stripe.com";

/// The version of the API whose shapes are read here.
pub const VERSION: &str = "2026-07-29.dahlia";

/// The events that the webhook endpoint must be subscribed to, and the only ones that the local sandbox sends.
pub const EVENTS: &[&str] = &[
    "checkout.session.completed",
    "checkout.session.expired",
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

/// What is known of Stripe. Each endpoint of its API allows 25 calls a second, and all together 100 with a live key, 25
/// in a sandbox (<https://docs.stripe.com/rate-limits>).
pub(crate) const FACTS: Facts = Facts {
    amounts: amount::amounts,
    // Else the buyer pays in the shop's own pages, with Stripe's library: that sends the return address to Stripe.
    page: HostedPage::Asked("https://checkout.stripe.com"),
    slow: true,
    method: amount::method,
    calls_per_second: Some(25),
    refunds: Some(amount::refund_rules),
};

/// Stripe in this environment: its keys are read when it is called.
pub(crate) struct StripeConnector {
    pub(crate) http: Arc<dyn Http>,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) url: Arc<str>,
}

impl Connector for StripeConnector {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn connect(&self, freshness: Freshness) -> BoxFuture<'_, Result<Connected, Failure>> {
        Box::pin(async move {
            let read = self.secrets.read(ProviderName::Stripe, freshness).await;
            let text = read.map_err(|unavailable| Failure::Unavailable(unavailable.to_string()))?;
            let secret = StripeSecret::parse(&text).ok_or_else(|| {
                tracing::warn!("the secret of Stripe is empty, or not the expected JSON");
                Failure::NoKey("the secret is empty or malformed".to_owned())
            })?;
            Ok(Stripe::new(Arc::clone(&self.http), Arc::clone(&self.url), secret).connected())
        })
    }
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

    /// Stripe with all that it can do.
    fn connected(self) -> Connected {
        let stripe = Arc::new(self);
        let same = || Arc::clone(&stripe);
        Connected {
            provider: same(),
            looks_up: Some(same()),
            refunds: Some(same()),
            captures: Some(same()),
            calls: Calls::Webhooks(same()),
            client_key: match stripe.secret.publishable_key() {
                Some(key) => ClientKey::Key(key.to_owned()),
                None => ClientKey::Missing,
            },
        }
    }

    /// Creates the payment, or finds the one that was created with the same idempotency key.
    async fn create(&self, payment: &Payment) -> Result<PaymentIntent, Failure> {
        FACTS.check(payment.amount).map_err(|_| refused("amount_not_payable"))?;
        let amount = in_units(payment.amount)?.to_string();
        let currency = amount::currency_to_stripe(payment.amount.currency());
        let (order, attempt) = (payment.order.to_string(), payment.id.to_string());
        // Stripe rejects the same key with other parameters. Whatever is added here for new attempts therefore comes
        // from what was frozen in the attempt, and is left out where it is absent there.
        let mut form = vec![("amount", amount.as_str()), ("currency", &currency)];
        let methods = payment.opening.as_ref().map(|opening| opening.methods.as_slice()).unwrap_or_default();
        let methods: Vec<(String, &String)> = (0..)
            .zip(methods)
            .map(|(place, method): (u8, _)| (format!("payment_method_types[{place}]"), method))
            .collect();
        if methods.is_empty() {
            // As attempts of earlier releases were opened: the dashboard decides what is offered.
            form.push(("automatic_payment_methods[enabled]", "true"));
        }
        form.extend(methods.iter().map(|(name, method)| (name.as_str(), method.as_str())));
        form.extend([("metadata[order_id]", order.as_str()), ("metadata[payment_id]", &attempt)]);
        if let Some(description) = payment.opening.as_ref().and_then(|opening| opening.description.as_deref()) {
            form.push(("description", description));
        }
        self.connection.post(&self.secret, "/v1/payment_intents", &form, Some(&attempt)).await
    }

    async fn retrieve(&self, reference: &str) -> Result<PaymentIntent, Failure> {
        self.connection.read(&self.secret, Method::GET, &path(&["v1", "payment_intents", reference])).await
    }

    /// The refund that was already made at Stripe for ours, in case its answer was lost. The idempotency key alone does
    /// not suffice: Stripe forgets keys after a day, and a refund may wait longer than that.
    async fn existing_refund(&self, refund: &Refund, payment_reference: &str) -> Result<Option<RefundObject>, Failure> {
        let ours = refund.id.to_string();
        let made = self.refunds_of(payment_reference).await?;
        // One that has failed before it was tried again is not this one.
        let is_over = |made: &RefundObject| made.has_failed() && refund.earlier_references.contains(&made.id);
        Ok(made.into_iter().find(|made| made.metadata.refund_id.as_deref() == Some(&ours) && !is_over(made)))
    }

    /// All refunds of a payment, newest first.
    async fn refunds_of(&self, payment_reference: &str) -> Result<Vec<RefundObject>, Failure> {
        let mut made = Vec::new();
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
            made.extend(page.data);
            match last {
                Some(last) if more => after = last,
                _ => return Ok(made),
            }
        }
        Err(Failure::Unclear("the payment has too many refunds to be searched".into()))
    }
}

impl Provider for Stripe {
    fn open<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<Opened, Failure>> {
        Box::pin(async move {
            if is_on_page(payment) {
                return self.open_page(payment).await;
            }
            let publishable_key = self.secret.publishable_key().map(str::to_owned).ok_or_else(|| {
                tracing::warn!("the secret of Stripe has no publishable key, without which nobody could pay");
                Failure::NoKey("the publishable key is missing or malformed".to_owned())
            })?;
            let intent = self.create(payment).await?;
            let news = intent.news();
            let client_secret =
                intent.client_secret.ok_or_else(|| Failure::Unclear("the answer has no client secret".into()))?;
            // Stripe takes a return address when an intent is confirmed, and not before: "can only be used with
            // `confirm=true`" (<https://docs.stripe.com/api/payment_intents/create>). The buyer's client confirms it.
            let return_url = payment.opening.as_ref().and_then(|opening| opening.return_url.clone());
            let action = Action::ClientSecret { client_secret, publishable_key: Some(publishable_key), return_url };
            Ok(Opened { reference: Some(intent.id), page: None, action, news })
        })
    }

    fn cancel<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<Cancellation, Failure>> {
        Box::pin(async move {
            if is_on_page(payment) {
                return self.close_page(payment).await;
            }
            let reference = match &payment.reference {
                Some(reference) => reference.clone(),
                None => self.create(payment).await?.id,
            };
            let path = path(&["v1", "payment_intents", &reference, "cancel"]);
            // Without an idempotency key: cancelling twice does no harm, and a key would replay a refusal for a day.
            let intent = match self.connection.post(&self.secret, &path, &[], None).await {
                Ok(intent) => intent,
                Err(Failure::Refused { code }) if code == UNEXPECTED_STATE => self.retrieve(&reference).await?,
                Err(failure) => return Err(failure),
            };
            Ok(match intent.news() {
                PaymentNews::Cancelled => Cancellation::Cancelled,
                PaymentNews::Captured { .. } => Cancellation::Captured(looked_up(intent)),
                PaymentNews::Pending
                | PaymentNews::Processing
                | PaymentNews::Authorized { .. }
                | PaymentNews::Failed { .. } => Cancellation::Undecided(looked_up(intent)),
            })
        })
    }
}

impl LooksUp for Stripe {
    fn look_up<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<ProviderNews, Failure>> {
        Box::pin(async move {
            if is_on_page(payment) {
                return self.look_page_up(payment).await;
            }
            match &payment.reference {
                Some(reference) => Ok(looked_up(self.retrieve(reference).await?)),
                None => {
                    // The repeated opening replays Stripe's first answer, which may be outdated: read the current one.
                    let opened = self.create(payment).await?;
                    Ok(looked_up(self.retrieve(&opened.id).await?))
                }
            }
        })
    }
}

impl Captures for Stripe {
    fn capture<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<ProviderNews, Failure>> {
        Box::pin(async move {
            let reference = payment.reference.as_deref().ok_or_else(|| refused("invalid_reference"))?;
            let path = path(&["v1", "payment_intents", reference, "capture"]);
            // Without an idempotency key, as for a cancellation: a second capture is refused, and its state read.
            match self.connection.post(&self.secret, &path, &[], None).await {
                Ok(intent) => Ok(looked_up(intent)),
                Err(Failure::Refused { code }) if code == UNEXPECTED_STATE => {
                    Ok(looked_up(self.retrieve(reference).await?))
                }
                Err(failure) => Err(failure),
            }
        })
    }
}

impl Refunds for Stripe {
    fn refund<'a>(
        &'a self,
        refund: &'a Refund,
        payment_reference: &'a str,
    ) -> BoxFuture<'a, Result<RefundNews, Failure>> {
        Box::pin(async move {
            if let Some(reference) = &refund.reference {
                let path = path(&["v1", "refunds", reference]);
                let found: RefundObject = self.connection.read(&self.secret, Method::GET, &path).await?;
                return Ok(found.news());
            }
            // Nothing was asked for as long as this is not answered.
            let existing = self.existing_refund(refund, payment_reference).await.map_err(not_asked)?;
            if let Some(made) = existing {
                return Ok(made.news());
            }
            let amount = in_units(refund.to_send())?.to_string();
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
        })
    }

    fn made<'a>(&'a self, payment_reference: &'a str) -> BoxFuture<'a, Result<Vec<RefundNews>, Failure>> {
        Box::pin(async move {
            let made = self.refunds_of(payment_reference).await?;
            Ok(made.into_iter().map(RefundObject::news).collect())
        })
    }
}

impl Webhooks for Stripe {
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<ProviderNews, WebhookError> {
        signature::verify(headers, body, now, &self.secret)?;
        event::read(body)
    }

    /// Any 2xx ends the delivery; the body is for people who look at it in Stripe's dashboard.
    fn taken(&self) -> Response<Bytes> {
        let mut taken = Response::new(Bytes::from_static(br#"{"received":true}"#));
        taken.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        taken
    }
}

/// The code of a call that the state of a payment does not allow.
const UNEXPECTED_STATE: &str = "payment_intent_unexpected_state";

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
        page: None,
    }
}

/// The failure of a question before a request: whatever became of it, nothing was done.
fn not_asked(failure: Failure) -> Failure {
    match failure {
        Failure::Unclear(reason) | Failure::KeySpent(reason) => Failure::Unavailable(reason),
        Failure::Unavailable(_) | Failure::NoKey(_) | Failure::Refused { .. } => failure,
    }
}

/// A positive amount in Stripe's units.
fn in_units(amount: Money) -> Result<i64, Failure> {
    amount::to_stripe(amount).filter(|units| *units > 0).ok_or_else(|| refused("amount_not_payable"))
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
