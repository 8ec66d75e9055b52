//! The shop's own provider code against the sandbox, over real HTTP on loopback.

use std::sync::Mutex;
use std::time::Duration;

use cloud::faults::Fault;
use domain::dispute::DisputeState;
use domain::examples::{self, NOW, usd};
use domain::payment::{Action, Payment, PaymentState, ProviderName};
use domain::{OrderId, PaymentId, RefundId};
use http::Request;
use payments::{
    Cancellation, Failure, Freshness, HttpFailure, NewsKind, PAYMENT_DISPUTED, PaymentNews, ProviderNews, Providers,
    Received, RefundNews, RefundOutcome, SecretUnavailable, WebhookError,
};

use super::*;

mod acts;
mod calls;
mod documents;
mod sessions;

const WEBHOOKS: Webhooks = Webhooks { events: payments::stripe::EVENTS, api_version: payments::stripe::VERSION };
const SECRET: &str = r#"{"api_key":"sk_test_local","publishable_key":"pk_test_local","webhook_secret":{"current":"whsec_local","previous":null}}"#;

fn frozen_clock() -> Clock {
    Clock::frozen(cloud::time::Timestamp::from_millis(NOW.millis()))
}

fn now_of(clock: &Clock) -> domain::Timestamp {
    domain::Timestamp::from_millis(clock.now().millis())
}

/// A sandbox on a port of its own, and a fake shop that receives its webhooks.
struct Sandbox {
    stripe: Stripe,
    clock: Clock,
    faults: Faults,
    url: String,
    providers: Providers,
    shop: Arc<Mutex<FakeShop>>,
}

/// The webhooks that the shop received, and the status that it answers with.
struct FakeShop {
    answer: StatusCode,
    received: Vec<Request<Bytes>>,
}

impl Sandbox {
    async fn open() -> Self {
        Self::open_at(None, frozen_clock()).await
    }

    async fn open_at(path: Option<&Path>, clock: Clock) -> Self {
        let faults = Faults::default();
        let stripe = Stripe::open(path, clock.clone(), faults.clone(), WEBHOOKS).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = stripe.clone();
        let router = axum::Router::new().fallback(move |request: axum::extract::Request| async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1_000_000).await.unwrap();
            served.answer(parts, body).await
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

        let shop = Arc::new(Mutex::new(FakeShop { answer: StatusCode::OK, received: Vec::new() }));
        let fake_shop = Arc::clone(&shop);
        let deliver: Deliver = Arc::new(move |request| {
            let mut fake_shop = fake_shop.lock().unwrap();
            fake_shop.received.push(request);
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = fake_shop.answer;
            Box::pin(std::future::ready(response))
        });
        stripe.deliver_to("http://shop.test/v1/webhooks/stripe", deliver);
        let providers = providers(&url, Duration::from_secs(10));
        Self { stripe, clock, faults, url, providers, shop }
    }

    /// Acts through the sandbox's own endpoint.
    async fn act(&self, order: OrderId, act: &str) -> (StatusCode, Value) {
        let body = json!({"do": act}).to_string();
        let answer =
            reqwest::Client::new().post(format!("{}/orders/{order}", self.url)).body(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn show(&self, order: OrderId) -> Value {
        reqwest::get(format!("{}/orders/{order}", self.url)).await.unwrap().json().await.unwrap()
    }

    /// The webhooks received since the last call, as the shop's own code parses them.
    async fn news(&self) -> Vec<ProviderNews> {
        let received = std::mem::take(&mut self.shop.lock().unwrap().received);
        let mut all_news = Vec::new();
        for request in received {
            let now = now_of(&self.clock);
            all_news.push(self.verified(request.headers(), request.body(), now).await.unwrap());
        }
        all_news
    }

    async fn verified(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: domain::Timestamp,
    ) -> Result<ProviderNews, WebhookError> {
        match self.providers.receive(ProviderName::Stripe, headers, body, now).await? {
            Received::News(news, _) => Ok(*news),
            Received::Call(_) => panic!("Stripe drives no payment"),
        }
    }

    async fn looked_up(&self, payment: &Payment) -> Result<ProviderNews, Failure> {
        self.providers.look_up(payment).await.map(|news| news.expect("Stripe looks up"))
    }

    async fn refunded(&self, refund: &domain::payment::Refund, reference: &str) -> Result<RefundNews, Failure> {
        let refunded = self.providers.refund(ProviderName::Stripe, refund, reference).await;
        refunded.map(|news| news.expect("Stripe refunds"))
    }

    async fn only_news(&self) -> ProviderNews {
        let mut all_news = self.news().await;
        assert_eq!(all_news.len(), 1, "{all_news:?}");
        all_news.remove(0)
    }

    fn shop_answers(&self, answer: StatusCode) {
        self.shop.lock().unwrap().answer = answer;
    }

    async fn opened(&self, payment: &Payment) -> Payment {
        let opened = self.providers.open(payment).await.unwrap();
        Payment { reference: opened.reference, ..payment.clone() }
    }
}

fn providers(url: &str, timeout: Duration) -> Providers {
    let client = reqwest::Client::builder().timeout(timeout).build().unwrap();
    let http = move |request: Request<Bytes>| {
        let client = client.clone();
        async move {
            let failure = |cause: reqwest::Error| {
                if cause.is_connect() {
                    HttpFailure::Unsent(cause.to_string())
                } else {
                    HttpFailure::Unclear(cause.to_string())
                }
            };
            let (parts, body) = request.into_parts();
            let sent = client
                .request(parts.method, parts.uri.to_string())
                .headers(parts.headers)
                .body(body)
                .send()
                .await
                .map_err(failure)?;
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = sent.status();
            *answer.headers_mut() = sent.headers().clone();
            *answer.body_mut() = sent.bytes().await.map_err(failure)?;
            Ok(answer)
        }
    };
    let secrets = |_: ProviderName, _: Freshness| std::future::ready(Ok::<_, SecretUnavailable>(SECRET.to_owned()));
    Providers::new(Arc::new(http), Arc::new(secrets), url)
}

fn order() -> OrderId {
    OrderId::from_bits(1)
}

/// An attempt that the provider does not know yet.
fn payment(number: u128) -> Payment {
    let payment = examples::payment(number, order(), ProviderName::Stripe, usd(1_250));
    Payment { state: PaymentState::Created, reference: None, ..payment }
}

fn refund(number: u128, minor: i64) -> domain::payment::Refund {
    examples::refund(number, &payment(1), usd(minor))
}

const fn captured(minor: i64) -> NewsKind {
    NewsKind::Payment(PaymentNews::Captured { amount: Some(usd(minor)) })
}
