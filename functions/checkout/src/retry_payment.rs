//! `POST /v1/orders/{id}/payments`: another payment attempt.

use api::views::OrderView;
use api::{Answer, Digested, IdempotencyKey, Now, OrderToken, Path, Problem, SourceIp};
use axum::extract::State;
use domain::order::PlacedOrder;
use domain::payment::{Payment, PaymentStep, ProviderName};
use domain::{Code, OrderId, Refusal, Timestamp};
use payment_webhook::settlement::settle;
use payments::Cancellation;
use serde::Deserialize;
use store::Error;
use store::orders::{KeyRecord, KeyScope};
use store::rate_limits::Target;
use utoipa::ToSchema;

use crate::App;
use crate::opening::Replay;
use crate::return_url;

/// The payment method of the next attempt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryPayment {
    /// One of the marketplace's payment methods, not necessarily the one of the last attempt.
    provider: ProviderName,
    /// An https address that the provider sends the buyer back to after a redirect.
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(format = "uri", examples("https://shop.example/orders"))]
    return_url: Option<String>,
}

const ROUTE: &str = "POST /v1/orders/{id}/payments";
const MAX_ATTEMPTS: usize = 8;

/// Opens another payment attempt for an order.
///
/// For example after a declined card, or when the provider was unavailable.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ),
    request_body = RetryPayment, responses((status = CREATED, body = OrderView))
)]
pub async fn retry_payment(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Path(id): Path<OrderId>,
    token: OrderToken,
    key: IdempotencyKey,
    Digested { body: asked, digest }: Digested<RetryPayment>,
) -> Result<Answer, Problem> {
    let secret = app.token_secret.value().await?;
    let settings = app.settings.current().await?;
    if let Err(closed) = token.opens(id, secret.accepted()) {
        // Only wrong tokens are counted, so that guessing from a shared address does not block those who hold the
        // token.
        app.rate_limits.count_one("order-token", Target::Client(&client), settings.limits.wrong_token, now).await?;
        return Err(closed);
    }
    return_url::check(asked.return_url.as_deref(), "/return_url")?;
    let caller = id.to_string();
    let scope = KeyScope { caller: &caller, route: ROUTE, key: key.as_str() };
    let hash = scope.hash();
    let (counted, known) = tokio::join!(
        app.rate_limits.count("payment", &client, Target::Order(id), settings.limits.payment, now),
        app.orders.key_use(&hash, now)
    );
    counted?;
    if let Some(known) = known? {
        return app.replay(Replay { known, hash: &hash, digest: &digest }, &secret, now).await;
    }
    for _ in 0..MAX_ATTEMPTS {
        let loaded = app.orders.load(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        let mut changed = loaded.clone();
        app.check_payment_method(asked.provider, loaded.order.totals.total, &settings).await?;
        changed.retry_payment(asked.provider, &mut platform::ids(now))?;
        app.close_open_attempts(&loaded, &mut changed, now).await?;
        let record = KeyRecord::new(scope, &digest, id, now);
        match app.orders.save_with_key(&loaded, &changed, &record, now).await {
            Ok(None) => {
                let order = app.orders.load(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
                return app.open_payment_and_answer(order, &hash, &secret, now).await;
            }
            Ok(Some(known)) => {
                return app.replay(Replay { known, hash: &hash, digest: &digest }, &secret, now).await;
            }
            Err(Error::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::Conflict.into())
}

impl App {
    /// Cancels the attempts that could still be paid, so that the buyer does not pay twice. If one was paid meanwhile,
    /// it is settled and the call is refused, because the order is paid. A provider that does not answer does not block
    /// the buyer: a second payment is refunded as a duplicate.
    async fn close_open_attempts(
        &self,
        loaded: &PlacedOrder,
        changed: &mut PlacedOrder,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let open: Vec<Payment> = loaded
            .payments
            .iter()
            .filter(|payment| payment.may_be_paid() && payment.reference.is_some())
            .cloned()
            .collect();
        for payment in open {
            match self.providers.cancel(&payment).await {
                Ok(Cancellation::Cancelled) => {
                    if let Some(known) = changed.payments.iter_mut().find(|known| known.id == payment.id)
                        && let Some(next) = known.state.after(PaymentStep::Cancelled)
                    {
                        known.state = next;
                    }
                }
                Ok(Cancellation::Captured(news)) => {
                    settle(&self.orders, &news, now).await?;
                    return Err(Refusal::because(Code::WrongState, "the order was paid meanwhile").into());
                }
                Ok(Cancellation::Undecided(_)) => {
                    return Err(Refusal::because(
                        Code::WrongState,
                        "the provider is still working on the last attempt",
                    )
                    .into());
                }
                Err(failure) => {
                    tracing::warn!(
                        payment.id = %payment.id,
                        cause = %failure,
                        "a payment attempt could not be cancelled before the next one"
                    );
                }
            }
        }
        Ok(())
    }
}
