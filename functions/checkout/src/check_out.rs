//! `POST /v1/checkout`.

use api::views::OrderView;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Answer, Digested, IdempotencyKey, Now, Problem, SourceIp};
use axum::extract::State;
use domain::cart::Cart;
use domain::contact::Contact;
use domain::order::{PlaceOrder, PlacedOrder, place};
use domain::payment::ProviderName;
use domain::pricing::{PricedCart, price};
use domain::settings::Settings;
use domain::text::{Email, Phone};
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

/// The order to place for a cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckOut {
    cart_id: CartId,
    /// How the buyer is reached. An e-mail address is needed; a telephone number is kept and shown beside it.
    #[serde(default)]
    contact: Option<Contact>,
    /// The e-mail address alone, as clients before `contact` send it.
    #[serde(default, deserialize_with = "domain::text::optional")]
    email: Option<Email>,
    payment: PaymentChoice,
    /// The total that the buyer has agreed to, with delivery and tax. If the actual total is lower, that is charged; if
    /// it is higher, the call is refused with `price_changed`.
    expected_total: Money,
}

impl CheckOut {
    /// The buyer's e-mail address and telephone number.
    fn contact(&self) -> Result<(Email, Option<Phone>), Refusal> {
        let contact = self.contact.clone().unwrap_or_default();
        match (contact.email, self.email.clone()) {
            (Some(email), Some(alias)) if email != alias => {
                Err(Refusal::field("/email", "mismatch", "differs from the one in contact"))
            }
            (Some(email), _) | (None, Some(email)) => Ok((email, contact.phone)),
            (None, None) if contact.phone.is_some() => {
                let detail = "a telephone number alone is not enough yet: messages about the order are mailed";
                Err(Refusal::field("/contact/email", "email_needed", detail))
            }
            (None, None) => {
                Err(Refusal::field("/contact/email", "missing", "is needed: messages about the order are mailed"))
            }
        }
    }
}

/// The chosen payment method.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentChoice {
    /// One of the cart's payment methods.
    provider: ProviderName,
    /// An https address that the provider sends the buyer back to after a redirect.
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(format = "uri", examples("https://shop.example/orders"))]
    return_url: Option<String>,
}

/// Attempts to price and place an order while its cart or stock is changed concurrently.
const MAX_ATTEMPTS: usize = 40;
/// Time after which no further attempt starts. API Gateway's timeout is 30 seconds, and the provider's call needs the
/// rest.
const BUDGET: Duration = Duration::from_secs(20);

/// Places an order for a cart and opens its payment.
///
/// A repeat with the same idempotency key gets the stored response; after a crash it continues where the first call
/// stopped. Without conflicts the call takes four round trips: the cart; what it names; one transaction with the order,
/// its stock and the cart; and the provider.
#[utoipa::path(
    post, path = "/v1/checkout",
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
    let buyer = asked.contact()?;
    let caller = asked.cart_id.to_string();
    let scope = KeyScope { caller: &caller, route: "POST /v1/checkout", key: key.as_str() };
    // Read before anything is reserved: without the secret the answer could not contain the order's token.
    let token_secret = app.token_secret.value().await?;
    let limits = app.settings.current().await?.limits.checkout;
    // Concurrently with the first read, so that the rate limit adds no latency.
    let (counted, mut first) =
        tokio::join!(app.rate_limits.count("checkout", &client, Target::Email(&buyer.0), limits, now), async {
            Some(app.carts.read(asked.cart_id, now).await)
        });
    counted?;
    let mut reservation = Reservation::default();
    let sources = StockSources { catalog: &app.catalog, stock: &app.stock };
    let deadline = Instant::now() + BUDGET;
    for _ in 0..MAX_ATTEMPTS {
        if Instant::now() >= deadline {
            return Err(
                store::Error::Unavailable("the order could not be placed within the time budget".to_owned()).into()
            );
        }
        let read = match first.take() {
            Some(read) => read,
            None => app.carts.read(asked.cart_id, now).await,
        };
        let ready = match app.prepare(read, &asked, &buyer, &mut reservation, now).await {
            Ok(ready) => ready,
            Err(refused) => return app.stored_response_or(refused, scope, &digest, &token_secret, now).await,
        };
        let Ready { cart, priced, settings, mut placed } = ready;
        let record = KeyRecord::new(scope, &digest, placed.order.id, now);
        let allocated = match app.orders.place(&placed, &cart, &record, settings.unpaid_orders(), now).await? {
            PlaceOutcome::Done => {
                // The versions that the transaction has written.
                placed.order.version = 1;
                placed.payments.iter_mut().for_each(|payment| payment.version = 1);
                return app.open_payment_and_answer(placed, &record.hash, &token_secret, now).await;
            }
            PlaceOutcome::KeyUsed(known) => {
                let replay = Replay { known: *known, hash: &record.hash, digest: &digest };
                return app.replay(replay, &token_secret, now).await;
            }
            PlaceOutcome::OutOfStock(variants) => reservation.allocate(sources, &priced, &variants).await,
            // Read the shards once more instead of retrying the transaction: under contention most retries would only
            // find them empty.
            PlaceOutcome::Contended => reservation.check(sources, &priced).await,
            PlaceOutcome::CartChanged => Ok(()),
        };
        if let Err(refused) = allocated {
            return app.stored_response_or(refused, scope, &digest, &token_secret, now).await;
        }
    }
    Err(store::Error::Conflict.into())
}

/// An order that is ready to be placed, with what it was made from.
struct Ready {
    cart: Cart,
    priced: PricedCart,
    settings: Arc<Settings>,
    placed: PlacedOrder,
}

/// Refuses lines that cannot be ordered, another currency, and a total above the one that the buyer has agreed to.
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
    /// Replays the stored response of the idempotency key, which stays valid whatever became of the cart and the stock
    /// since; without one, answers the refusal. A server error is answered at once: the read of the key would most
    /// likely time out, too, and double the wait.
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
            Some(known) => self.replay(Replay { known, hash: &hash, digest }, secret, now).await,
            None => Err(refused),
        }
    }

    /// Prepares the order for a cart, or refuses it if it cannot be placed.
    async fn prepare(
        &self,
        read: Result<Option<Cart>, store::Error>,
        asked: &CheckOut,
        buyer: &(Email, Option<Phone>),
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
            email: buyer.0.clone(),
            phone: buyer.1.clone(),
            provider: asked.payment.provider,
            rates: settings.rates,
            deadlines: settings.deadlines,
            allocations: &allocations,
        };
        let mut placed = place(order, &mut ids)?;
        reservation.mark_backorders(&mut placed);
        Ok(Ready { cart, priced, settings, placed })
    }

    /// Refuses a payment method that is not offered, does not take this amount or has no provider key yet, before stock
    /// is reserved for a payment that cannot succeed.
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

    /// The cart at current prices. Its products and vendors are read in one call.
    async fn price(&self, cart: &Cart, settings: &Settings) -> Result<PricedCart, Problem> {
        let products = cart.lines.iter().map(|line| line.variant.product());
        let snapshot = self.catalog.snapshot(products, cart.vendors(), false).await?;
        Ok(price(cart, &snapshot, settings.rates)?)
    }
}
