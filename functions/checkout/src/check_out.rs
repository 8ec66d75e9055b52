//! `POST /v1/checkout`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Answer, Digested, IdempotencyKey, Now, Problem, SourceIp};
use axum::extract::State;
use domain::cart::Cart;
use domain::order::{OrderView, PlaceOrder, PlacedOrder, place};
use domain::payment::ProviderName;
use domain::pricing::{PricedCart, price};
use domain::settings::Settings;
use domain::text::Email;
use domain::{CartId, Code, FieldError, Money, Refusal, Timestamp};
use payments::Providers;
use platform::Rotating;
use serde::Deserialize;
use store::orders::{KeyRecord, KeyScope, PlaceOutcome};
use store::rate_limits::Target;
use utoipa::ToSchema;

use crate::App;
use crate::opening::Replay;
use crate::reservation::{Reservation, StockSources};
use crate::return_url;

/// An order to be placed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckOut {
    cart_id: CartId,
    /// Where news of the order goes.
    email: Email,
    payment: PaymentChoice,
    /// The total that the buyer has agreed to, with delivery and tax. A lower one is charged; a higher one is refused.
    expected_total: Money,
}

/// How to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentChoice {
    /// One of the cart's payment methods.
    provider: ProviderName,
    /// Where a provider that takes the buyer elsewhere sends him back to.
    #[serde(default)]
    return_url: Option<String>,
}

/// How often pricing and placing are tried again when the cart or the stock changes under them.
const MAX_ATTEMPTS: usize = 40;
/// How long they are tried. API Gateway gives up after 30 seconds, and the provider needs some of them.
const BUDGET: Duration = Duration::from_secs(20);

/// Places an order for a cart and asks for its payment.
///
/// Without conflicts four round trips: the cart; what it names; one transaction with the order, its stock and the cart; and the
/// provider's answer. A repeat with the same key gets the same answer; after a crash it goes on where the first call ended.
#[utoipa::path(
    post, path = "/v1/checkout",
    params(("Idempotency-Key" = String, Header, description = "Names this attempt: a repeat gets the same answer.")),
    request_body = CheckOut, responses((status = CREATED, body = OrderView))
)]
pub async fn check_out_cart(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    key: IdempotencyKey,
    Digested { body: asked, digest }: Digested<CheckOut>,
) -> Result<Answer, Problem> {
    return_url::check(asked.payment.return_url.as_deref(), "/payment/return_url")?;
    if !asked.expected_total.is_price() {
        return Err(Refusal::field("/expected_total", "out_of_range", "must be zero or more, within bounds").into());
    }
    let caller = asked.cart_id.to_string();
    let scope = KeyScope { caller: &caller, route: "POST /v1/checkout", key: key.as_str() };
    // Before anything is reserved: without it the answer could not be given.
    let token_secret = app.token_secret.value().await?;
    let limits = app.settings.current().await?.limits.checkout;
    // Beside the first read, so that counting costs no time.
    let (counted, mut first) =
        tokio::join!(app.rate_limits.count("checkout", &client, Target::Email(&asked.email), limits, now), async {
            Some(app.carts.read(asked.cart_id, now).await)
        });
    counted?;
    let mut reservation = Reservation::default();
    let sources = StockSources { catalog: &app.catalog, stock: &app.stock };
    let deadline = Instant::now() + BUDGET;
    for _ in 0..MAX_ATTEMPTS {
        if Instant::now() >= deadline {
            return Err(store::Error::Unavailable("the stock changes too fast".to_owned()).into());
        }
        let read = match first.take() {
            Some(read) => read,
            None => app.carts.read(asked.cart_id, now).await,
        };
        let ready = match app.prepare(read, &asked, &mut reservation, now).await {
            Ok(ready) => ready,
            Err(refused) => return app.stored_response_or(refused, scope, &digest, &token_secret, now).await,
        };
        let Ready { cart, priced, settings, mut placed } = ready;
        let record = KeyRecord::new(scope, &digest, placed.order.id, now);
        let allocated = match app.orders.place(&placed, &cart, &record, settings.unpaid_orders(), now).await? {
            PlaceOutcome::Done => {
                // As the table has them now.
                placed.order.version = 1;
                placed.payments.iter_mut().for_each(|payment| payment.version = 1);
                return app.open_payment_and_answer(placed, &record.hash, true, &token_secret, now).await;
            }
            PlaceOutcome::KeyUsed(known) => {
                let replay = Replay { known: *known, hash: &record.hash, digest: &digest, created: true };
                return app.replay(replay, &token_secret, now).await;
            }
            PlaceOutcome::OutOfStock(variants) => reservation.allocate(sources, &priced, &variants).await,
            // A crowd at an empty counter is told so by a reading: it need not meet for it.
            PlaceOutcome::Contended => reservation.check(sources, &priced).await,
            PlaceOutcome::CartChanged => Ok(()),
        };
        if let Err(refused) = allocated {
            return app.stored_response_or(refused, scope, &digest, &token_secret, now).await;
        }
    }
    Err(store::Error::Conflict.into())
}

/// An order that may be placed.
struct Ready {
    cart: Cart,
    priced: PricedCart,
    settings: Arc<Settings>,
    placed: PlacedOrder,
}

/// Refuses what the buyer has not agreed to, or cannot have.
fn check_terms(asked: &CheckOut, priced: &PricedCart) -> Result<(), Refusal> {
    priced.check_orderable()?;
    let totals = priced.totals;
    if asked.expected_total.currency() != totals.total.currency() {
        let detail = format!("the cart is in {}", totals.total.currency());
        return Err(Refusal::field("/expected_total/currency", "mismatch", detail));
    }
    if totals.total.minor() > asked.expected_total.minor() {
        let total_field =
            |name: &str, amount: Money| FieldError::new(format!("/totals/{name}"), "now", amount.decimal());
        let nothing = Money::zero(totals.total.currency());
        let fields = vec![
            total_field("total", totals.total),
            total_field("items", totals.items),
            total_field("shipping", totals.shipping.unwrap_or(nothing)),
            total_field("tax", totals.tax.unwrap_or(nothing)),
        ];
        return Err(Refusal::fields(Code::PriceChanged, fields));
    }
    Ok(())
}

impl App {
    /// The first answer under a key, which stands whatever became of the cart and the stock since; a refusal when there is none. What
    /// could not be read is no refusal: asking the same tables for the key would double the wait for nothing.
    async fn stored_response_or(
        &self,
        refused: Problem,
        scope: KeyScope<'_>,
        digest: &str,
        secret: &Rotating,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        if refused.status().is_server_error() {
            return Err(refused);
        }
        let hash = scope.hash();
        match self.orders.key_use(&hash, now).await? {
            Some(known) => self.replay(Replay { known, hash: &hash, digest, created: true }, secret, now).await,
            None => Err(refused),
        }
    }

    /// Makes the order of a cart, or refuses what cannot be ordered.
    async fn prepare(
        &self,
        read: Result<Option<Cart>, store::Error>,
        asked: &CheckOut,
        reservation: &mut Reservation,
        now: Timestamp,
    ) -> Result<Ready, Problem> {
        let cart = read?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if cart.order.is_some() {
            return Err(Refusal::of(Code::CartOrdered).into());
        }
        let settings = self.settings.current().await?;
        let priced = self.price(&cart, &settings).await?;
        let address = cart.address.as_ref().ok_or_else(|| Refusal::of(Code::AddressMissing))?;
        check_terms(asked, &priced)?;
        self.check_payment_method(asked.payment.provider, priced.totals.total, &settings).await?;
        let mut ids = platform::ids(now);
        let allocations = reservation.allocations(&priced, &mut ids);
        let order = PlaceOrder {
            cart: &cart,
            priced: &priced,
            address,
            email: asked.email.clone(),
            provider: asked.payment.provider,
            rates: settings.rates,
            deadlines: settings.deadlines,
            allocations: &allocations,
        };
        let mut placed = place(order, &mut ids)?;
        reservation.mark_backorders(&mut placed);
        Ok(Ready { cart, priced, settings, placed })
    }

    /// Refuses a way to pay that the shop does not offer, that does not take this amount, or that nobody has set up yet: before
    /// anything is reserved for a payment that cannot come.
    pub(crate) async fn check_payment_method(
        &self,
        provider: ProviderName,
        total: Money,
        settings: &Settings,
    ) -> Result<(), Refusal> {
        let takes = settings.providers.contains(&provider) && Providers::takes(provider, total);
        let offered = takes && self.providers.has_key(provider).await;
        if offered { Ok(()) } else { Err(Refusal::of(Code::PaymentMethodUnavailable)) }
    }

    /// The cart with the prices of now: its products and sellers in one call.
    async fn price(&self, cart: &Cart, settings: &Settings) -> Result<PricedCart, Problem> {
        let products = cart.lines.iter().map(|line| line.variant.product());
        let snapshot = self.catalog.snapshot(products, cart.vendors(), false).await?;
        Ok(price(cart, &snapshot, settings.rates)?)
    }
}
