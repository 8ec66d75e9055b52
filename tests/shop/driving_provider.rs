//! A provider that drives the payment itself, as Payme and Click do, in a protocol of its own: a double that takes
//! Stripe's place in the shop of a test. A request is JSON; a reply is a line of text with a status that no other part
//! of the shop uses. It can open, cancel and call, and has no other ability.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::payment::{Action, Payment, ProviderName, Transaction, TransactionRefused};
use domain::{Currency, Money, Timestamp};
use http::{HeaderValue, Request, Response, StatusCode};
use local::Options;
use payments::{
    Amounts, Begin, BoxFuture, Callbacks, Calls, Cancellation, Connected, Connector, Desk, DeskError, Facts, Failure,
    Freshness, HostedPage, Opened, OtherProviders, PaymentNews, Provider,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Client, Shop};

/// How long a transaction may be captured after it began.
pub(crate) const HOLDS: Duration = Duration::from_secs(12 * 3600);

const FACTS: Facts = Facts {
    amounts: |currency| (currency == Currency::USD).then_some(Amounts { least: 1, greatest: 1_000_000, step: 1 }),
    page: HostedPage::Always("https://pay.driving.test"),
    slow: false,
    method: |_, _| None,
    calls_per_second: None,
    refunds: None,
};

/// The double. Its receipts are numbered, so that a reply that was made anew differs from the one before.
#[derive(Default)]
struct DrivingProvider {
    receipts: AtomicU64,
}

struct Connection(Arc<DrivingProvider>);

#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
enum Call {
    Offer {
        order: String,
    },
    Begin {
        order: String,
        reference: String,
        /// The id that it shows to its customer.
        receipt: Option<String>,
        amount: i64,
        at: i64,
    },
    Capture {
        reference: String,
    },
    Cancel {
        reference: String,
        reason: String,
    },
    Show {
        reference: String,
    },
    Statement {
        from: i64,
        until: i64,
    },
}

impl Connector for Connection {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn connect(&self, _: Freshness) -> BoxFuture<'_, Result<Connected, Failure>> {
        let provider: Arc<DrivingProvider> = Arc::clone(&self.0);
        let calls = Calls::Callbacks(Arc::<DrivingProvider>::clone(&provider));
        Box::pin(std::future::ready(Ok(Connected { calls, ..Connected::new(provider) })))
    }
}

impl Provider for DrivingProvider {
    fn open<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<Opened, Failure>> {
        let opening = payment.opening.clone().unwrap_or_default();
        let url = format!(
            "https://drive.test/pay?order={}&about={}&back={}",
            payment.order,
            opening.description.unwrap_or_default(),
            opening.return_url.unwrap_or_default()
        );
        let opened =
            Opened { reference: None, page: None, action: Action::Redirect { url }, news: PaymentNews::Pending };
        Box::pin(std::future::ready(Ok(opened)))
    }

    fn cancel<'a>(&'a self, _: &'a Payment) -> BoxFuture<'a, Result<Cancellation, Failure>> {
        // Its next call is refused at the desk.
        Box::pin(std::future::ready(Ok(Cancellation::Cancelled)))
    }
}

impl Callbacks for DrivingProvider {
    fn answer<'a>(&'a self, request: &'a Request<Bytes>, desk: &'a dyn Desk) -> BoxFuture<'a, Response<Bytes>> {
        Box::pin(async move {
            let is_its_own = request.headers().get("drive-key").is_some_and(|key| key == "drive");
            let call = serde_json::from_slice::<Call>(request.body());
            let (status, text) = match (is_its_own, call) {
                (false, _) => (StatusCode::NON_AUTHORITATIVE_INFORMATION, "ERR key".to_owned()),
                (true, Err(_)) => (StatusCode::NON_AUTHORITATIVE_INFORMATION, "ERR call".to_owned()),
                (true, Ok(call)) => match self.carry_out(call, desk).await {
                    Ok(text) => (StatusCode::OK, text),
                    Err(DeskError::Refused(refused)) => (StatusCode::IM_A_TEAPOT, format!("ERR {}", word(refused))),
                    Err(DeskError::Unavailable) => (StatusCode::IM_A_TEAPOT, "ERR again".to_owned()),
                },
            };
            let mut reply = Response::new(Bytes::from(text));
            *reply.status_mut() = status;
            reply.headers_mut().insert("content-type", HeaderValue::from_static("text/x-drive"));
            reply.headers_mut().insert("drive-version", HeaderValue::from_static("7"));
            reply
        })
    }
}

impl DrivingProvider {
    fn receipt(&self) -> u64 {
        self.receipts.fetch_add(1, Ordering::SeqCst)
    }

    async fn carry_out(&self, call: Call, desk: &dyn Desk) -> Result<String, DeskError> {
        let order = |text: &str| text.parse().map_err(|_| TransactionRefused::UnknownOrder);
        Ok(match call {
            Call::Offer { order: text } => {
                let offer = desk.offer(order(&text)?).await?;
                format!("PAY {} until {}", offer.amount, offer.until.map_or(0, Timestamp::millis))
            }
            Call::Begin { order: text, reference, receipt, amount, at } => {
                let stated_at = Timestamp::from_millis(at);
                let answer = |begun: &Transaction| {
                    format!("BEGUN {} at {} receipt {}", begun.reference, begun.began_at.millis(), self.receipt())
                };
                let receipt: Vec<&str> = receipt.iter().map(String::as_str).collect();
                let begin = Begin {
                    reference: &reference,
                    further_references: &receipt,
                    order: order(&text)?,
                    amount: Money::new(amount, Currency::USD),
                    stated_at,
                    until: desk.now() + HOLDS,
                    answer: &answer,
                };
                desk.begin(begin).await?.begin_answer
            }
            Call::Capture { reference } => {
                let answer = |_: &Transaction| format!("CAPTURED receipt {}", self.receipt());
                desk.capture(&reference, &answer).await?.capture_answer.unwrap_or_default()
            }
            Call::Cancel { reference, reason } => {
                let answer = |_: &Transaction| format!("CANCELLED receipt {}", self.receipt());
                desk.cancel(&reference, &reason, &answer).await?.cancel_answer.unwrap_or_default()
            }
            Call::Show { reference } => stated(&desk.transaction(&reference).await?),
            Call::Statement { from, until } => {
                let (from, until) = (Timestamp::from_millis(from), Timestamp::from_millis(until));
                let listed = desk.statement(from, until).await?;
                listed.iter().map(stated).collect::<Vec<_>>().join("\n")
            }
        })
    }
}

/// A transaction as a statement lists it.
fn stated(transaction: &Transaction) -> String {
    let step = match (transaction.captured_at, transaction.cancelled_at) {
        (None, None) => "begun",
        (Some(_), None) => "captured",
        (None, Some(_)) => "cancelled",
        (Some(_), Some(_)) => "taken back",
    };
    let reason = transaction.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} {} {step}{reason}", transaction.reference, transaction.amount)
}

const fn word(refused: TransactionRefused) -> &'static str {
    match refused {
        TransactionRefused::UnknownOrder => "order",
        TransactionRefused::UnknownTransaction => "transaction",
        TransactionRefused::NotPayable => "closed",
        TransactionRefused::Expired => "expired",
        TransactionRefused::WrongAmount { .. } => "amount",
        TransactionRefused::Busy => "busy",
        TransactionRefused::Cancelled => "cancelled",
        TransactionRefused::Shipped => "shipped",
        TransactionRefused::TooLong => "long",
        TransactionRefused::WrongState => "state",
    }
}

impl Shop {
    /// Opens a marketplace in which the double takes Stripe's place.
    pub(crate) async fn with_driving_provider() -> Self {
        let double: Arc<dyn Connector> = Arc::new(Connection(Arc::default()));
        let providers = OtherProviders(BTreeMap::from([(ProviderName::Stripe, double)]));
        Self::with(Options { providers, ..Options::for_tests() }).await
    }

    /// A client that calls as the double does.
    pub(crate) fn driver(&self) -> Client {
        // What is answered is the provider's own, and not in the document.
        self.anon().of_earlier_release().with("drive-key", "drive")
    }

    /// A call of the double: the status and the text of the reply.
    pub(crate) async fn drives(&self, call: &Value) -> (u16, String) {
        let reply = self.drive_call(call).await;
        (reply.status, reply.text)
    }

    pub(crate) async fn drive_call(&self, call: &Value) -> Answer {
        self.driver().post("/v1/webhooks/stripe", call).await
    }
}
