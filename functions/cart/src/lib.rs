//! Carts: filling, pricing and claiming them.

mod carts;
mod claim;
mod delivery;
mod lines;
mod payment_methods;
mod view;

use api::{IfMatch, Problem, Routes, ScopedRequest, routes};
use axum::Router;
use domain::cart::Cart;
use domain::pricing::{CatalogSnapshot, PricedCart, price};
use domain::{CartId, Code, Refusal, Timestamp};
use platform::{Config, Fatal};
use store::carts::Found;
use store::{Carts, Catalog, Error, SettingsTable};

/// State shared by the handlers.
#[derive(Clone, Debug)]
pub struct App {
    carts: Carts,
    catalog: Catalog,
    settings: SettingsTable,
}

/// Attempts to save a cart that is changed concurrently, such as from a second tab.
const MAX_ATTEMPTS: usize = 8;

impl App {
    /// Builds the clients and warms the connection to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        let table = config.required("CARTS_TABLE")?;
        platform::prewarm(config, &dynamodb, table).await;
        Ok(Self {
            carts: Carts::new(dynamodb.clone(), table),
            catalog: Catalog::new(
                dynamodb.clone(),
                config.required("CATALOG_TABLE")?,
                config.required("MEDIA_BASE_URL")?,
            ),
            settings: SettingsTable::new(dynamodb, config.required("SETTINGS_TABLE")?),
        })
    }

    /// The cart with this id; 404 when there is none, 410 when it has expired.
    async fn cart(&self, id: CartId, now: Timestamp) -> Result<Cart, Problem> {
        self.carts.read(id, now).await?.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }

    /// The stored response to a call, unless the cart has been claimed since: then its old id is not valid any more,
    /// not even for a replay.
    async fn stored_response(&self, id: CartId, call: &ScopedRequest) -> Result<Option<String>, Error> {
        let Some(stored_response) = self.carts.stored_response(call.as_idempotent()).await? else { return Ok(None) };
        let claimed = matches!(self.carts.find(id).await?, Some(Found::Claimed { .. }));
        Ok((!claimed).then_some(stored_response))
    }

    /// The cart, if it can still be changed and has the version that the caller expects.
    async fn open_cart(&self, id: CartId, expected: Option<&IfMatch>, now: Timestamp) -> Result<Cart, Problem> {
        let cart = self.cart(id, now).await?;
        IfMatch::check_if_given(expected, cart.version)?;
        cart.check_open(now)?;
        Ok(cart)
    }

    /// The catalog data that pricing needs for a cart's lines.
    async fn snapshot(&self, cart: &Cart) -> Result<CatalogSnapshot, Problem> {
        let products = cart.lines.iter().map(|line| line.variant.product());
        Ok(self.catalog.snapshot(products, cart.vendors(), true).await?)
    }

    /// The cart at current prices.
    async fn priced(&self, cart: &Cart, snapshot: &CatalogSnapshot) -> Result<PricedCart, Problem> {
        Ok(price(cart, snapshot, self.settings.current().await?.rates)?)
    }
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(carts::create_cart))
        .routes(routes!(carts::show_cart[Expired], carts::delete_cart[Expired, CartOrdered, Conflict]))
        .routes(routes!(
            lines::put_cart_line[Invalid, Expired, CartOrdered, NoPriceInCurrency, CartFull, Conflict],
            lines::delete_cart_line[Expired, CartOrdered, Conflict],
        ))
        .routes(routes!(claim::claim_cart[Expired, CartOrdered, CartFull, Conflict]))
        .routes(routes!(delivery::list_cart_shipping_options[Expired, CartOrdered, NotDeliverable, Conflict]))
        .routes(routes!(
            delivery::choose_cart_shipping[Invalid, Expired, CartOrdered, AddressMissing, NotDeliverable, Conflict],
        ))
        .routes(routes!(payment_methods::list_cart_payment_methods[Expired]))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
