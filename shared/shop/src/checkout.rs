//! Checkout: from a cart to an order and its payment, and another payment for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::cart::Cart;
use domain::contact::Contact;
use domain::order::{Person, PlaceOrder, PlacedOrder, place};
use domain::payment::{Payment, PaymentState, ProviderName};
use domain::pricing::{PricedCart, price};
use domain::sealed::{KeyOwner, PersonKey};
use domain::settings::Settings;
use domain::stock::max_allocations;
use domain::text::{Email, LanguageTag};
use domain::{
    Call, CartId, Code, Coded, IdempotentRequest, Identifier, LookUp, Money, OrderId, Outcome, PaymentId, Refusal,
    Timestamp,
};
use platform::{Config, Fatal, PersonsSecret, Rotating};
use serde::Deserialize;
use settlement::{Closed, Closing, PaymentMethod, Settlement};
use store::allocation::{Allocations, Need, Needs, StockSources, check_stock};
use store::orders::PlaceOutcome;
use store::rate_limits::Target;
use store::{Backoff, Carts, Catalog, KeyUse, Keys, RateLimits, SettingsTable, Stock};
use utoipa::ToSchema;

use crate::attempts::{replaced, undecided};
use crate::carts::Carts as CartsAtPrices;
use crate::contacts::reached_by;
use crate::guests::{Guests, target_of};
use crate::payment_choice::{PaymentChoice, RetryPayment};
use crate::return_url::{ReturnUrls, for_order};
use crate::terms::check_terms;
use crate::{Done, Error};

/// Time after which no further attempt to place an order starts. API Gateway's timeout is 30 seconds, and the
/// provider's call needs the rest.
const BUDGET: Duration = Duration::from_secs(20);

/// Places orders and opens their payments.
#[derive(Clone, Debug)]
pub struct Checkout {
    carts: Carts,
    catalog: Catalog,
    settlement: Settlement,
    pub(crate) guests: Guests,
    return_urls: ReturnUrls,
}

/// The order to place for a cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckOut {
    pub cart_id: CartId,
    /// How the buyer is reached: by an e-mail address, a telephone number with + and its country's code, or both.
    /// Messages about the order go to the address if there is one.
    #[serde(default)]
    contact: Option<Contact>,
    /// The e-mail address alone, as clients before `contact` send it.
    #[serde(default, deserialize_with = "domain::text::optional")]
    email: Option<Email>,
    /// How the order is paid. Nothing has to be chosen for a total of zero, and what is chosen is not asked.
    #[serde(default)]
    payment: Option<PaymentChoice>,
    /// The total that the buyer has agreed to, with delivery and tax. If the actual total is lower, that is charged; if
    /// it is higher, the call is refused with `price_changed`.
    expected_total: Money,
    /// The version of the public offer that the buyer has accepted (`GET /v1/terms`), when one is in force.
    #[schema(minimum = 1, nullable = false)]
    accepted_terms: Option<u32>,
    /// The language of messages about the order: a tag such as `uz` or `uz-Cyrl` (BCP 47). By default it is the main
    /// one of the marketplace.
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(value_type = Option<String>, examples("uz"))]
    language: Option<LanguageTag>,
}

impl CheckOut {
    fn return_url(&self) -> Option<&str> {
        self.payment.as_ref()?.return_url.as_deref()
    }

    fn hosted_page(&self) -> bool {
        self.payment.as_ref().is_some_and(|chosen| chosen.hosted_page)
    }
}

/// An order whose payment was opened, with the token that opens it to its guest.
#[derive(Clone, Debug)]
pub struct OpenedOrder {
    pub order: PlacedOrder,
    pub token: String,
}

/// An order that is ready to be placed, with what it was made from.
struct Ready {
    cart: Cart,
    needs: Needs,
    settings: Arc<Settings>,
    placed: PlacedOrder,
    /// The row that opens its person, unless the buyer has one.
    new_key: Option<PersonKey>,
}

/// Who orders.
#[derive(Clone, Copy)]
struct By<'a> {
    contact: &'a Contact,
    /// What the place where messages go is looked up by.
    look_up: LookUp,
    persons: &'a PersonsSecret,
}

/// A request with its key, and what it takes to finish it.
struct Begun<'a, R> {
    request: &'a IdempotentRequest,
    call: Call<'a, OpenedOrder, R>,
    secret: Arc<Rotating>,
    persons: Arc<PersonsSecret>,
}

impl Checkout {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("CARTS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let carts = Carts::new(dynamodb.clone(), table);
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        let keys = Keys::new(dynamodb.clone(), config.required("KEYS_TABLE")?);
        let orders = store::Orders::new(dynamodb.clone(), config.required("ORDERS_TABLE")?, stock).with_keys(keys);
        Ok(Self {
            settlement: Settlement::new(config, orders.with_carts(carts.clone()))?,
            return_urls: ReturnUrls::new(config.required("STORE_URL")?, config.required("CORS_ORIGINS")?),
            // Checkout shows no pictures, so it needs no base URL for them.
            catalog: Catalog::new(dynamodb.clone(), config.required("CATALOG_TABLE")?),
            guests: Guests {
                rate_limits: RateLimits::new(dynamodb.clone(), table),
                settings: SettingsTable::new(dynamodb, config.required("SETTINGS_TABLE")?),
                token_secret: Arc::new(config.secret("ORDER_TOKEN_SECRET_ARN")?),
                persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            },
            carts,
        })
    }

    /// The ways to pay a cart as it stands: exactly those that checking it out takes.
    pub async fn payment_methods(&self, id: CartId, now: Timestamp) -> Result<Vec<PaymentMethod>, Error> {
        let settings = &self.guests.settings;
        let carts = CartsAtPrices::of(self.carts.clone(), self.catalog.clone(), settings.clone());
        let priced = carts.show(id, None, now).await?.priced;
        let methods = self.settlement.methods(priced.totals.total, &settings.current().await?.providers).await;
        Ok(methods.into_iter().filter(|method| priced.check_payable_with(method.provider).is_ok()).collect())
    }

    /// The origins of the pages on which the providers that are on are paid.
    pub async fn hosted_pages(&self) -> Result<Vec<&'static str>, Error> {
        Ok(self.settlement.hosted_pages(&self.guests.settings.current().await?.providers))
    }

    /// The origins of the pages on which an order can be paid: those of the providers that are on, and that of its last
    /// attempt, whose provider may have been turned off since. An order is shown also when the settings cannot be read.
    pub async fn hosted_pages_of(&self, order: &PlacedOrder) -> Vec<&'static str> {
        let mut providers = match self.guests.settings.current().await {
            Ok(settings) => settings.providers.clone(),
            Err(cause) => {
                tracing::warn!(%cause, order.id = %order.order.id, "which providers are on cannot be read");
                Vec::new()
            }
        };
        let own = order.order.provider;
        if !providers.contains(&own) {
            providers.push(own);
        }
        self.settlement.hosted_pages(&providers)
    }

    /// A guest's order, if the token belongs to it.
    pub async fn guest_order(
        &self,
        id: OrderId,
        token: Option<&str>,
        client: &str,
        now: Timestamp,
    ) -> Result<PlacedOrder, Error> {
        self.guests.order(self.settlement.orders(), id, token, client, now).await
    }

    /// Places an order for a cart and opens its payment. A repeat with the same idempotency key gets the stored
    /// response; after a crash it continues where the first request stopped.
    ///
    /// Without conflicts it takes four round trips: the cart; what it names; one transaction with the order, its stock
    /// and the cart; and the provider.
    pub async fn place<R>(&self, asked: &CheckOut, client: &str, call: Call<'_, OpenedOrder, R>) -> Done<R> {
        let now = call.at();
        self.return_urls.check(asked.return_url(), "/payment/return_url")?;
        let (contact, point) = reached_by(asked.contact.as_ref(), asked.email.as_ref())?;
        if !asked.expected_total.is_total() {
            let detail = "must be zero or more, within bounds";
            return Err(Refusal::field("/expected_total", "out_of_range", detail).into());
        }
        let begun = self.begin(call).await?;
        let settings = self.guests.settings.current().await?;
        settings.phone_messages.check_reaches(&point, "/contact/phone")?;
        let limits = settings.limits.checkout;
        let client = begun.persons.look_up(Identifier::Client(client));
        let look_up = begun.persons.look_up(&point);
        // Concurrently with the first read, so that the rate limit adds no latency.
        let (counted, first) = tokio::join!(
            self.guests.rate_limits.count_one("checkout", Target::Client(client), limits.per_client, now),
            self.carts.read(asked.cart_id, now)
        );
        counted?;
        let mut target = Some(target_of(first.as_ref().ok().and_then(Option::as_ref), client, look_up));
        let mut first = Some(first);
        let mut allocations = Allocations::default();
        let sources = StockSources { stock: self.settlement.orders().stock(), catalog: Some(&self.catalog) };
        let (deadline, mut backoff) = (Instant::now() + BUDGET, Backoff::default());
        while Instant::now() < deadline {
            let read = match first.take() {
                Some(read) => read,
                None => self.carts.read(asked.cart_id, now).await,
            };
            let by = By { contact: &contact, look_up, persons: &begun.persons };
            let counting = self.guests.count_checkout(target.take(), limits, now);
            let (counted, ready) = tokio::join!(counting, self.prepare(read, asked, by, &allocations, now));
            counted?;
            let ready = match ready {
                Ok(ready) => ready,
                Err(refused) => return self.stored_response_or(refused, begun).await,
            };
            let Ready { cart, needs, settings, placed, new_key } = ready;
            let most = max_allocations(placed.vendors.len());
            let orders = self.settlement.orders();
            let unpaid = settings.unpaid_orders();
            let planned = match orders.place(placed, &cart, new_key.as_ref(), begun.request, unpaid).await? {
                PlaceOutcome::Done(placed) => return self.open_payment(*placed, begun).await,
                PlaceOutcome::KeyUsed(known) => return self.replay(known, begun).await,
                PlaceOutcome::OutOfStock(short) => {
                    allocations.plan(sources, &needs, |variant| short.contains(&variant), most).await
                }
                // Read the shards once more instead of retrying the transaction: under contention most retries would
                // only find them empty.
                PlaceOutcome::Contended => check_stock(sources, &needs).await,
                PlaceOutcome::CartChanged | PlaceOutcome::KeyExists => {
                    backoff.pause().await?;
                    continue;
                }
            };
            match planned {
                // The stock keeps changing: as long as there is time, it may still suffice.
                Ok(()) | Err(store::Error::Conflict) => {}
                Err(refused) => return self.stored_response_or(refused.into(), begun).await,
            }
        }
        Err(store::Error::Unavailable("the order could not be placed within the time budget".to_owned()).into())
    }

    /// Opens another payment attempt for an order that awaits its payment.
    pub async fn retry_payment<R>(
        &self,
        order: PlacedOrder,
        asked: &RetryPayment,
        client: &str,
        call: Call<'_, OpenedOrder, R>,
    ) -> Done<R> {
        self.return_urls.check(asked.return_url.as_deref(), "/return_url")?;
        let provider = asked.provider;
        let now = call.at();
        let begun = self.begin(call).await?;
        let settings = self.guests.settings.current().await?;
        let (orders, target) = (self.settlement.orders(), Target::Order(order.order.id));
        let client = begun.persons.look_up(Identifier::Client(client));
        let (counted, known) = tokio::join!(
            self.guests.rate_limits.count("payment", client, target, settings.limits.payment, now),
            orders.key_use(begun.request)
        );
        counted?;
        if let Some(known) = known? {
            return self.replay(known, begun).await;
        }
        let decide = |mut order: PlacedOrder| async {
            self.settlement.check_method(provider, order.order.totals.total, &settings.providers).await?;
            // Refuse before any provider is called, as if all earlier attempts could be closed.
            let earlier: Vec<PaymentId> = order.payments.iter().map(|payment| payment.id).collect();
            order.clone().retry_payment(provider, &earlier, &mut platform::ids(now))?;
            let closed = match self.settlement.close_open_attempts(&order, Closing::ToRetry, now).await? {
                Closed::All(closed) => closed,
                Closed::Paid => {
                    return Err(Error::from(Refusal::because(Code::WrongState, "the order was paid meanwhile")));
                }
                Closed::Undecided(until) => return Err(undecided(until).into()),
                Closed::Silent(failure) => return Err(settlement::Error::from(failure).into()),
            };
            order.retry_payment(provider, &closed, &mut platform::ids(now))?;
            let (back, store) = (for_order(asked.return_url.as_deref(), order.order.id), self.return_urls.store());
            self.settlement.freeze_opening(&mut order, back.as_deref(), asked.hosted_page, store);
            self.settlement.freeze_methods(&mut order, &settings);
            Ok(order)
        };
        match orders.begin_change(order, begun.request, decide).await? {
            Ok(changed) => self.open_payment(changed, begun).await,
            Err(known) => self.replay(known, begun).await,
        }
    }

    /// The secrets are read before anything is reserved: without them the response could not contain the order's token,
    /// and callers could not be counted.
    async fn begin<'a, R>(&self, call: Call<'a, OpenedOrder, R>) -> Result<Begun<'a, R>, Error> {
        let request = call.request().ok_or_else(|| Refusal::of(Code::IdempotencyKeyMissing))?;
        let (secret, persons) = tokio::join!(self.guests.token_secret.value(), self.guests.persons.value());
        Ok(Begun { request, call, secret: secret?, persons: persons? })
    }

    /// Replays the stored response, which stays valid whatever became of the cart and the stock since; without one, the
    /// refusal stands. After a failure of ours nothing is read: it would most likely fail as well, and double the wait.
    async fn stored_response_or<R>(&self, refused: Error, begun: Begun<'_, R>) -> Done<R> {
        if refused.code().is_failure() {
            return Err(refused);
        }
        match self.settlement.orders().key_use(begun.request).await? {
            Some(known) => self.replay(known, begun).await,
            None => Err(refused),
        }
    }

    /// Answers a repeat with the order as it stands, once its payment was opened or its provider has not answered. If
    /// that is open and the first request does not run any more, takes over and finishes its work.
    async fn replay<R>(&self, known: KeyUse, begun: Begun<'_, R>) -> Done<R> {
        let (id, running_until) = match known {
            // Stored by a release before 2026-12.
            KeyUse::Answered(response) => return Ok(Outcome::Replayed(response)),
            KeyUse::CarriedOut => return Err(Refusal::of(Code::IdempotencyKeyReused).into()),
            KeyUse::Begun { order, running_until } => (order, running_until),
        };
        let orders = self.settlement.orders();
        let order = self.guests.load(orders, id, None).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        let is_answered = |payment: &Payment| payment.state != PaymentState::Created || payment.action.is_some();
        if order.payment().is_some_and(is_answered) {
            let token = begun.secret.order_token(id);
            return Ok(begun.call.again(&OpenedOrder { order, token })?);
        }
        if !orders.take_over(begun.request, running_until).await? {
            return Err(Refusal::of(Code::IdempotencyInProgress).into());
        }
        self.open_payment(order, begun).await
    }

    /// Opens the order's current payment attempt, unless it is open already, and answers with the order.
    async fn open_payment<R>(&self, order: PlacedOrder, begun: Begun<'_, R>) -> Done<R> {
        let (id, mut attempt, orders) = (order.order.id, order.order.payment, self.settlement.orders());
        let mut opened = OpenedOrder { order, token: begun.secret.order_token(id) };
        let mut opening = None;
        let mut may_replace = true;
        let mut backoff = Backoff::default();
        loop {
            let before = opened.order.clone();
            // The attempt that was opened, even if another one is the current attempt by now.
            let payment = opened.order.payments.iter_mut().find(|payment| payment.id == attempt);
            let payment =
                payment.ok_or_else(|| Refusal::because(Code::Internal, "an order without its payment attempt"))?;
            let loaded = payment.clone();
            if opening.is_none() && loaded.state == PaymentState::Created {
                opening = Some(self.settlement.open(&loaded).await);
            }
            if let Some(opening) = &opening {
                *payment = loaded.after_opening(opening).inspect_err(|cause| {
                    tracing::error!(
                        needs = "money", order.id = %id, payment.id = %attempt, %cause, "an impossible step of a payment"
                    );
                })?;
            }
            let given_up = opening.as_ref().filter(|_| may_replace);
            let replaced = replaced(&mut opened.order, attempt, given_up, begun.call.at());
            match orders.save_opened_payment(&before, opened.order.clone()).await {
                Ok(written) => {
                    opened.order = written;
                    if let Some(replaced) = replaced {
                        (attempt, opening, may_replace) = (replaced, None, false);
                        continue;
                    }
                }
                Err(store::Error::Conflict) => {
                    backoff.pause().await?;
                    let person = opened.order.person;
                    opened.order = orders.load(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
                    opened.order.person = opened.order.person.or(person);
                    continue;
                }
                Err(error) => {
                    // The order is placed and the provider has its payment. A repeat takes over and finds the same
                    // payment.
                    tracing::warn!(order.id = %id, cause = %error, "what a provider answered could not be stored");
                }
            }
            return Ok(Outcome::Done(begun.call.respond(&opened)?));
        }
    }

    /// Prepares the order for a cart, or refuses it if it cannot be placed.
    async fn prepare(
        &self,
        read: Result<Option<Cart>, store::Error>,
        asked: &CheckOut,
        by: By<'_>,
        allocations: &Allocations,
        now: Timestamp,
    ) -> Result<Ready, Error> {
        let cart = read?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if cart.order.is_some() {
            return Err(Refusal::of(Code::CartOrdered).into());
        }
        let settings = self.guests.settings.current().await?;
        let (products, vendors) = (cart.lines.iter().map(|line| line.variant.product()), cart.vendors());
        // An order of a guest has a row of its own, so there is none to read.
        let (snapshot, known_key) = match cart.buyer {
            None => (self.catalog.snapshot(products, vendors, false).await?, None),
            Some(buyer) => {
                let (keys, owner) = (self.settlement.orders().keys()?, KeyOwner::Buyer(buyer));
                self.catalog.snapshot_with_key(products, vendors, keys, owner).await?
            }
        };
        let priced = price(&cart, &snapshot, settings.known_rates()?)?;
        let address = cart.address.as_ref().ok_or_else(|| Refusal::of(Code::AddressMissing))?;
        check_terms(asked.expected_total, &priced)?;
        let total = priced.totals.total;
        let provider = match &asked.payment {
            // The order is paid when it is placed, also when a price has fallen to zero since the buyer chose.
            _ if total.is_zero() => ProviderName::Unneeded,
            Some(chosen) => self.settlement.check_method(chosen.provider, total, &settings.providers).await?.provider,
            None => {
                return Err(Refusal::field("/payment", "missing", format!("is needed: {total} are to be paid")).into());
            }
        };
        priced.check_payable_with(provider)?;
        let mut ids = platform::ids(now);
        let needs: Needs = needs(&priced);
        let order = PlaceOrder {
            cart: &cart,
            priced: &priced,
            person: Person::new(by.contact, address.clone()),
            contact: by.look_up,
            provider,
            rates: settings.rates,
            deadlines: settings.deadlines,
            returns: &settings.returns,
            products: &snapshot.products,
            allocations: &allocations.to_try(&needs, &mut ids),
        };
        let mut placed = place(order, &mut ids)?;
        placed.order.language = asked.language.clone().map(String::from);
        placed.terms.accepted_terms = self.accepted_offer(asked.accepted_terms).await?;
        let (back, store) = (for_order(asked.return_url(), placed.order.id), self.return_urls.store());
        self.settlement.freeze_opening(&mut placed, back.as_deref(), asked.hosted_page(), store);
        self.settlement.freeze_methods(&mut placed, &settings);
        for line in placed.vendors.iter_mut().flat_map(|vendor_order| &mut vendor_order.lines) {
            line.backorder = allocations.backorder(line.variant, line.quantity);
        }
        let new_key = if known_key.is_none() { Some(PersonsSecret::new_key()?) } else { None };
        if let Some(key) = known_key.as_ref().or(new_key.as_ref()) {
            by.persons.seal_person(&mut placed, key)?;
        }
        Ok(Ready { cart, needs, settings, placed, new_key })
    }
}

fn needs(priced: &PricedCart) -> Needs {
    let need = |line: &domain::pricing::PricedLine| Need {
        units: line.quantity,
        layout: line.layout,
        available_from: line.available_from,
    };
    priced.lines().map(|line| (line.variant, need(line))).collect()
}
