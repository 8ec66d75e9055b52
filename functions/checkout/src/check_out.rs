//! `POST /v1/checkout`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Answer, Digested, IdempotencyKey, Now, Problem, SourceIp};
use axum::extract::State;
use domain::cart::Cart;
use domain::order::{OrderFile, OrderView, PlaceOrder, place};
use domain::payment::ProviderName;
use domain::pricing::{PricedCart, price};
use domain::settings::Settings;
use domain::text::Email;
use domain::{CartId, Code, FieldError, Money, Refusal, Timestamp};
use payments::Providers;
use platform::Rotating;
use serde::Deserialize;
use store::attempts::Target;
use store::orders::{KeyRecord, KeyScope, Placed};
use utoipa::ToSchema;

use crate::App;
use crate::opening::Repeated;
use crate::reservation::{Reservation, Shelves};
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
const TRIES: usize = 40;
/// How long they are tried. API Gateway gives up after 30 seconds, and the provider needs some of them.
const PATIENCE: Duration = Duration::from_secs(20);

/// Places an order for a cart and asks for its payment.
///
/// Without conflicts four round trips: the cart; what it names; one transaction with the order, its stock and the cart; and the
/// provider's answer. A repeat with the same key gets the same answer; after a crash it goes on where the first call ended.
#[utoipa::path(
    post, path = "/v1/checkout",
    params(("Idempotency-Key" = String, Header, description = "Names this attempt: a repeat gets the same answer.")),
    request_body = CheckOut, responses((status = CREATED, body = OrderView))
)]
pub async fn check_out(
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
        tokio::join!(app.attempts.count("checkout", &client, Target::Email(&asked.email), limits, now), async {
            Some(app.carts.read(asked.cart_id, now).await)
        });
    counted?;
    let mut reservation = Reservation::default();
    let shelves = Shelves { catalog: &app.catalog, stock: &app.stock };
    let deadline = Instant::now() + PATIENCE;
    for _ in 0..TRIES {
        if Instant::now() >= deadline {
            return Err(store::Error::Unavailable("the stock changes too fast".to_owned()).into());
        }
        let read = match first.take() {
            Some(read) => read,
            None => app.carts.read(asked.cart_id, now).await,
        };
        let ready = match app.prepare(read, &asked, &mut reservation, now).await {
            Ok(ready) => ready,
            Err(refused) => return app.first_answer_or(refused, scope, &digest, &token_secret, now).await,
        };
        let Ready { cart, priced, settings, mut file } = ready;
        let record = KeyRecord::new(scope, &digest, file.order.id, now);
        let planned = match app.orders.place(&file, &cart, &record, settings.unpaid_orders(), now).await? {
            Placed::Done => {
                // As the table has them now.
                file.order.version = 1;
                file.payments.iter_mut().for_each(|payment| payment.version = 1);
                return app.open_and_answer(file, &record.hash, true, &token_secret, now).await;
            }
            Placed::KnownKey(known) => {
                let repeated = Repeated { known: *known, hash: &record.hash, digest: &digest, created: true };
                return app.repeat(repeated, &token_secret, now).await;
            }
            Placed::Short(variants) => reservation.plan(shelves, &priced, &variants).await,
            // A crowd at an empty counter is told so by a reading: it need not meet for it.
            Placed::Crowded => reservation.check(shelves, &priced).await,
            Placed::CartChanged => Ok(()),
        };
        if let Err(refused) = planned {
            return app.first_answer_or(refused, scope, &digest, &token_secret, now).await;
        }
    }
    Err(store::Error::Conflict.into())
}

/// An order that may be placed.
struct Ready {
    cart: Cart,
    priced: PricedCart,
    settings: Arc<Settings>,
    file: OrderFile,
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
        let part = |name: &str, amount: Money| FieldError::new(format!("/totals/{name}"), "now", amount.decimal());
        let nothing = Money::zero(totals.total.currency());
        let fields = vec![
            part("total", totals.total),
            part("items", totals.items),
            part("shipping", totals.shipping.unwrap_or(nothing)),
            part("tax", totals.tax.unwrap_or(nothing)),
        ];
        return Err(Refusal::fields(Code::PriceChanged, fields));
    }
    Ok(())
}

impl App {
    /// The first answer under a key, which stands whatever became of the cart and the stock since; a refusal when there is none. What
    /// could not be read is no refusal: asking the same tables for the key would double the wait for nothing.
    async fn first_answer_or(
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
            Some(known) => self.repeat(Repeated { known, hash: &hash, digest, created: true }, secret, now).await,
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
        self.check_offer(asked.payment.provider, priced.totals.total, &settings).await?;
        let mut mint = platform::mint(now);
        let draws = reservation.draws(&priced, &mut mint);
        let order = PlaceOrder {
            cart: &cart,
            priced: &priced,
            address,
            email: asked.email.clone(),
            provider: asked.payment.provider,
            rates: settings.rates,
            deadlines: settings.deadlines,
            draws: &draws,
        };
        let mut file = place(order, &mut mint)?;
        reservation.mark(&mut file);
        Ok(Ready { cart, priced, settings, file })
    }

    /// Refuses a way to pay that the shop does not offer, that does not take this amount, or that nobody has set up yet: before
    /// anything is reserved for a payment that cannot come.
    pub(crate) async fn check_offer(
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
        let shelf = self.catalog.shelf(products, cart.vendors(), false).await?;
        Ok(price(cart, &shelf, settings.rates)?)
    }
}
