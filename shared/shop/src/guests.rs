//! Orders of guests: the holder of an order's token may see, pay and cancel it.

use std::sync::Arc;

use domain::cart::Cart;
use domain::order::PlacedOrder;
use domain::settings::CallLimits;
use domain::{Code, Identifier, LookUp, OrderId, Refusal, Timestamp, UserId};
use platform::{PersonsSecret, Rotating, Secret};
use store::rate_limits::Target;
use store::{Orders, RateLimits, SettingsTable};

use crate::Error;

/// Whom a checkout counts for beside its client: the buyer of a claimed cart, or a guest's address as this client has
/// it. Counted for the address alone, whoever names another's would keep its owner from ordering.
pub(crate) fn target_of(cart: Option<&Cart>, client: LookUp, contact: LookUp) -> Target {
    match cart.and_then(|cart| cart.buyer) {
        Some(buyer) => Target::Person(buyer),
        None => Target::Pair(client, contact),
    }
}

/// What it takes to open a guest's order.
#[derive(Clone, Debug)]
pub(crate) struct Guests {
    pub(crate) rate_limits: RateLimits,
    pub(crate) settings: SettingsTable,
    pub(crate) token_secret: Arc<Secret<Rotating>>,
    /// By which callers are counted without being named, and which opens the persons of orders.
    pub(crate) persons: Arc<Secret<PersonsSecret>>,
}

impl Guests {
    /// The order, if the token belongs to it; otherwise `not_found`. Only wrong tokens are counted against the rate
    /// limit, so that guessing from a shared address does not block those who hold a token.
    pub(crate) async fn order(
        &self,
        orders: &Orders,
        id: OrderId,
        token: Option<&str>,
        client: &str,
        now: Timestamp,
    ) -> Result<PlacedOrder, Error> {
        let secret = self.token_secret.value().await?;
        if !token.is_some_and(|token| secret.is_order_token(token, id)) {
            let (settings, persons) = tokio::join!(self.settings.current(), self.persons.value());
            let (limit, client) = (settings?.limits.wrong_token, persons?.look_up(Identifier::Client(client)));
            self.rate_limits.count_one("order-token", Target::Client(client), limit, now).await?;
            return Err(Refusal::of(Code::NotFound).into());
        }
        let order = self.load(orders, id, None).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if order.token_is_over(now) {
            return Err(Refusal::of(Code::TokenExpired).into());
        }
        Ok(order)
    }

    /// Counts a checkout for whom it has to be counted, once.
    pub(crate) async fn count_checkout(
        &self,
        target: Option<Target>,
        limits: CallLimits,
        now: Timestamp,
    ) -> Result<(), Error> {
        match target {
            Some(target) => Ok(self.rate_limits.count_one("checkout", target, limits.per_target, now).await?),
            None => Ok(()),
        }
    }

    /// An order with who placed it: a buyer, or a guest.
    pub(crate) async fn load(
        &self,
        orders: &Orders,
        id: OrderId,
        buyer: Option<UserId>,
    ) -> Result<Option<PlacedOrder>, Error> {
        let Some((mut order, key)) = orders.load_with_key(id, buyer).await? else { return Ok(None) };
        self.persons.value().await?.show_person(&mut order, key.as_ref());
        Ok(Some(order))
    }
}
