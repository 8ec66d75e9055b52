//! Stripe's own payment page: Checkout Sessions. <https://docs.stripe.com/api/checkout/sessions>
//!
//! A session gets its PaymentIntent when the buyer first tries to pay there, and not before
//! (<https://docs.stripe.com/changelog/2022-08-01/deferred-paymentintent-checkout-session>). The intent has our
//! metadata and is what webhooks, refunds and disputes name: it becomes the attempt's reference, and the session's id
//! is kept beside it as that of the page. An intent of a session can be neither confirmed nor cancelled: "expire the
//! Checkout Session instead" (<https://docs.stripe.com/api/payment_intents/cancel>).

use domain::payment::{Action, Payment, ProviderName};
use http::Method;
use serde::Deserialize;

use super::object::{Metadata, PaymentIntent};
use super::{FACTS, Stripe, amount, in_units, path, refused};
use crate::{Cancellation, Failure, NewsKind, Opened, PaymentNews, ProviderNews};

/// How the ids of sessions begin, with a live key and with a test key.
const ID_PREFIX: &str = "cs_";

/// Asks for the intent itself in the place of its id (<https://docs.stripe.com/expand>).
const WITH_INTENT: (&str, &str) = ("expand[0]", "payment_intent");

/// <https://docs.stripe.com/api/checkout/sessions/object>
#[derive(Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    /// `open`, `complete` (the buyer has done all that they can there) or `expired`.
    #[serde(default)]
    status: Option<String>,
    /// The address of the page; nothing once it is not open.
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    payment_intent: Option<IntentOf>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum IntentOf {
    Id(String),
    Expanded(Box<PaymentIntent>),
}

/// A page of sessions, newest first.
#[derive(Deserialize)]
struct SessionPage {
    data: Vec<Session>,
}

impl Session {
    /// The id of its intent; empty until the buyer has tried to pay.
    pub(super) fn intent(&self) -> &str {
        match &self.payment_intent {
            Some(IntentOf::Id(id)) => id,
            Some(IntentOf::Expanded(intent)) => &intent.id,
            None => "",
        }
    }

    fn is(&self, status: &str) -> bool {
        self.status.as_deref() == Some(status)
    }

    /// The state of the payment, as far as the session tells it. Whether money was captured, and how much, is the
    /// intent's to tell: a session that only names it decides nothing.
    pub(super) fn news(&self) -> PaymentNews {
        let news = match &self.payment_intent {
            Some(IntentOf::Expanded(intent)) => intent.news(),
            Some(IntentOf::Id(_)) | None => PaymentNews::Pending,
        };
        match news {
            PaymentNews::Pending | PaymentNews::Failed { .. } if self.is("expired") => PaymentNews::Cancelled,
            news => news,
        }
    }

    fn looked_up(&self) -> ProviderNews {
        ProviderNews {
            provider: ProviderName::Stripe,
            reference: self.intent().to_owned(),
            page: Some(self.id.clone()),
            order_id: self.metadata.order(),
            payment_id: self.metadata.payment(),
            event_id: None,
            occurred_at: None,
            kind: NewsKind::Payment(self.news()),
        }
    }

    /// What it came to that the session was to be closed.
    fn closed(&self) -> Cancellation {
        let news = self.news();
        match news {
            PaymentNews::Captured { .. } => Cancellation::Captured(self.looked_up()),
            PaymentNews::Cancelled => Cancellation::Cancelled,
            // A page that is complete takes no other payment: what a bank has declined after days is over.
            PaymentNews::Failed { .. } if self.is("complete") => Cancellation::Cancelled,
            PaymentNews::Pending
            | PaymentNews::Processing
            | PaymentNews::Authorized { .. }
            | PaymentNews::Failed { .. } => Cancellation::Undecided(self.looked_up()),
        }
    }
}

/// Whether an attempt is paid on Stripe's page.
pub(super) fn is_on_page(payment: &Payment) -> bool {
    payment.opening.as_ref().is_some_and(|opening| opening.hosted_page)
}

impl Stripe {
    pub(super) async fn open_page(&self, payment: &Payment) -> Result<Opened, Failure> {
        let session = self.create_session(payment).await?;
        let (reference, news) = (Some(session.intent().to_owned()).filter(|id| !id.is_empty()), session.news());
        let url = session.url.ok_or_else(|| Failure::Unclear("the answer has no address of a page".into()))?;
        Ok(Opened { reference, page: Some(session.id), action: Action::Redirect { url }, news })
    }

    pub(super) async fn look_page_up(&self, payment: &Payment) -> Result<ProviderNews, Failure> {
        let session = self.session_of(payment).await?;
        Ok(self.retrieve_session(&session).await?.looked_up())
    }

    /// Sees to it that nobody can pay on the page any more, or finds out that somebody did.
    pub(super) async fn close_page(&self, payment: &Payment) -> Result<Cancellation, Failure> {
        let session = self.session_of(payment).await?;
        let path = path(&["v1", "checkout", "sessions", &session, "expire"]);
        // Without an idempotency key, as an intent is cancelled.
        let expired = self.connection.post::<Session>(&self.secret, &path, &[WITH_INTENT], None).await;
        match expired {
            Ok(session) => Ok(session.closed()),
            // It is not open: complete or expired. The refusal has no code of its own.
            Err(Failure::Refused { .. }) => Ok(self.retrieve_session(&session).await?.closed()),
            Err(failure) => Err(failure),
        }
    }

    /// Creates the session, or finds the one that was created with the same idempotency key.
    async fn create_session(&self, payment: &Payment) -> Result<Session, Failure> {
        FACTS.check(payment.amount).map_err(|_| refused("amount_not_payable"))?;
        let amount = in_units(payment.amount)?.to_string();
        let currency = amount::currency_to_stripe(payment.amount.currency());
        let (order, attempt) = (payment.order.to_string(), payment.id.to_string());
        // As for an intent: Stripe refuses the same key with other parameters, so all of them come from what was frozen
        // in the attempt.
        let opening = payment.opening.as_ref();
        let back = opening.and_then(|opening| opening.return_url.as_deref());
        let back = back.ok_or_else(|| refused("return_url_missing"))?;
        let description = opening.and_then(|opening| opening.description.as_deref());
        let mut form = vec![
            ("mode", "payment"),
            // The shop asks Stripe when the buyer comes back, so both addresses may be the same.
            ("success_url", back),
            ("cancel_url", back),
            ("client_reference_id", &order),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", &currency),
            ("line_items[0][price_data][unit_amount]", &amount),
            ("line_items[0][price_data][product_data][name]", description.unwrap_or(&order)),
            // With it the buyer would pay in another currency than was asked for, if the dashboard says so.
            ("adaptive_pricing[enabled]", "false"),
        ];
        let methods = opening.map(|opening| opening.methods.as_slice()).unwrap_or_default();
        let methods: Vec<(String, &String)> = (0..)
            .zip(methods)
            .map(|(place, method): (u8, _)| (format!("payment_method_types[{place}]"), method))
            .collect();
        form.extend(methods.iter().map(|(name, method)| (name.as_str(), method.as_str())));
        form.extend([
            ("metadata[order_id]", order.as_str()),
            ("metadata[payment_id]", &attempt),
            ("payment_intent_data[metadata][order_id]", &order),
            ("payment_intent_data[metadata][payment_id]", &attempt),
        ]);
        form.extend(description.map(|description| ("payment_intent_data[description]", description)));
        self.connection.post(&self.secret, "/v1/checkout/sessions", &form, Some(&attempt)).await
    }

    async fn retrieve_session(&self, session: &str) -> Result<Session, Failure> {
        let path = with_query(path(&["v1", "checkout", "sessions", session]), &[WITH_INTENT])?;
        self.connection.read(&self.secret, Method::GET, &path).await
    }

    /// The id of an attempt's session.
    async fn session_of(&self, payment: &Payment) -> Result<String, Failure> {
        if let Some(known) = payment.references().find(|known| known.starts_with(ID_PREFIX)) {
            return Ok(known.to_owned());
        }
        let Some(intent) = &payment.reference else { return Ok(self.create_session(payment).await?.id) };
        // The answer to the opening was lost, or could not be stored, and a webhook has brought the intent since.
        let path = with_query(path(&["v1", "checkout", "sessions"]), &[("payment_intent", intent), ("limit", "1")])?;
        let page: SessionPage = self.connection.read(&self.secret, Method::GET, &path).await?;
        let found = page.data.into_iter().next().map(|session| session.id);
        found.ok_or_else(|| Failure::Unclear("no session has the payment".into()))
    }
}

fn with_query(path: String, query: &[(&str, &str)]) -> Result<String, Failure> {
    let query = serde_urlencoded::to_string(query).map_err(|_| refused("invalid_reference"))?;
    Ok(format!("{path}?{query}"))
}

#[cfg(test)]
mod tests;
