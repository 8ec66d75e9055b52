//! The table Carts.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::cart::Cart;
use domain::order::PlacedOrder;
use domain::pricing::CatalogSnapshot;
use domain::{Call, CartId, Code, OrderId, Outcome, Prepared, ProductId, Refusal, Timestamp, UserId};

use crate::idempotency::{put_one, stores_responses, transact};
use crate::item::{self, Attributes, Condition, key, number, string, text};
use crate::stored::{json_of, read, stored, write};
use crate::transaction::{Purpose, Transaction};
use crate::{Backoff, Catalog, Decision, Error, retry};

const CART: &str = "cart";
const POINTER: &str = "buyer_cart";
const CLAIMED: &str = "claimed_cart";

/// How often a cart is followed into the one that it was claimed into.
const MAX_CLAIMS: u8 = 8;

/// Key: `CART#<id>` / `CART`.
fn cart_key(id: CartId) -> Attributes {
    key(format!("CART#{id}"), "CART")
}

/// Key: `BUYER#<id>` / `CART`: names a buyer's cart.
fn pointer_key(buyer: UserId) -> Attributes {
    key(format!("BUYER#{buyer}"), "CART")
}

stored! {
    CART => Cart: ["expires_at_s", "order_id"];
}

#[derive(Clone, Debug)]
pub struct Carts {
    client: Client,
    table: String,
}

stores_responses!(Carts);

/// What is stored under a cart's id.
#[derive(Clone, Debug)]
pub enum Found {
    Cart(Box<Cart>),
    /// A cart that a buyer has claimed. Only that buyer may learn which cart has its lines now.
    Claimed {
        by: UserId,
        /// The cart that has its lines now.
        into: CartId,
    },
}

impl Found {
    fn cart(self) -> Option<Cart> {
        match self {
            Self::Cart(cart) => Some(*cart),
            Self::Claimed { .. } => None,
        }
    }
}

impl Carts {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// The cart with this id, read consistently. An expired one is refused until TTL has deleted it; a claimed one is
    /// absent.
    pub async fn read(&self, id: CartId, now: Timestamp) -> Result<Option<Cart>, Error> {
        let cart = self.find(id).await?.and_then(Found::cart);
        cart.map(|cart| unexpired(cart, now)).transpose()
    }

    /// What is stored under this id, read consistently.
    pub async fn find(&self, id: CartId) -> Result<Option<Found>, Error> {
        retry::get(&self.client, &self.table, cart_key(id), true).await?.as_ref().map(found_in).transpose()
    }

    /// The cart that has the lines of this one now: itself, or the one that it was claimed into. `None` when it is
    /// gone.
    pub(crate) async fn find_current(&self, mut id: CartId) -> Result<Option<Cart>, Error> {
        for _ in 0..MAX_CLAIMS {
            match self.find(id).await? {
                Some(Found::Claimed { into, .. }) => id = into,
                Some(Found::Cart(cart)) => return Ok(Some(*cart)),
                None => break,
            }
        }
        Ok(None)
    }

    /// The cart with this id and the catalog's data of one product, in one call: for putting a line.
    pub async fn read_with_product(
        &self,
        id: CartId,
        now: Timestamp,
        catalog: &Catalog,
        product: ProductId,
    ) -> Result<(Option<Cart>, CatalogSnapshot), Error> {
        let (table, keys) = catalog.product_keys(product);
        let found =
            retry::batch(&self.client, vec![(self.table.clone(), vec![cart_key(id)], true), (table, keys, true)])
                .await?;
        let (carts, products): (Vec<_>, Vec<_>) = found.into_iter().partition(|(table, _)| *table == self.table);
        let found = carts.first().map(|(_, found)| found_in(found)).transpose()?;
        let cart = found.and_then(Found::cart).map(|cart| unexpired(cart, now)).transpose()?;
        Ok((cart, catalog.product_snapshot(products.iter().map(|(_, found)| found))?))
    }

    /// Writes a new cart, and answers it with its version.
    pub async fn create(&self, cart: Cart) -> Result<Cart, Error> {
        let created = Cart { version: 1, ..cart };
        retry::put_one(&self.client, &self.table, cart_item(&created)?, &Condition::absent()).await?;
        Ok(created)
    }

    /// Changes a cart: reads it, decides, and writes it under the version that was read; when another change comes
    /// first, begins again. `respond` makes the response from the cart as it is written, with its new version, and from
    /// what else was decided.
    pub async fn change<S, D, R, E, Reading, Deciding>(
        &self,
        read: impl Fn() -> Reading,
        decide: impl Fn(Cart, S) -> Deciding,
        respond: impl Fn(Cart, D) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, E>
    where
        E: From<Error>,
        Reading: Future<Output = Result<(Option<Cart>, S), Error>>,
        Deciding: Future<Output = Result<Decision<Cart, D>, E>>,
    {
        let mut backoff = Backoff::default();
        loop {
            let (loaded, seen) = read().await?;
            let loaded = loaded.ok_or_else(|| Error::from(Refusal::of(Code::NotFound)))?;
            if let Decision::Write(changed, more) = decide(loaded.clone(), seen).await? {
                match self.write(&loaded, changed, |written| respond(written, more)).await {
                    Err(Error::Conflict) => {}
                    done => return Ok(done?),
                }
            }
            backoff.pause().await?;
        }
    }

    async fn write<R>(
        &self,
        loaded: &Cart,
        mut changed: Cart,
        respond: impl FnOnce(Cart) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let open = open_at(loaded.version);
        let mut item = None;
        if changed != *loaded {
            changed.version = loaded.version + 1;
            item = Some((cart_item(&changed)?, &open));
        }
        Ok(put_one(&self.client, &self.table, item, respond(changed)?).await?)
    }

    /// Deletes an open cart.
    pub async fn delete<R>(&self, cart: &Cart, response: Prepared<R>) -> Result<Outcome<R>, Error> {
        let open = open_at(cart.version);
        if response.1.is_none() {
            retry::delete_one(&self.client, &self.table, cart_key(cart.id), &open).await?;
            return Ok(Outcome::Done(response.0));
        }
        let delete = item::delete(&self.table, cart_key(cart.id), &open)?;
        Ok(transact(&self.client, &self.table, Transaction::of(Purpose::Item, vec![delete]), response).await?)
    }

    /// The cart that a buyer's pointer names: its id, and the cart unless it is gone or has expired.
    pub async fn of_buyer(&self, buyer: UserId, now: Timestamp) -> Result<Option<(CartId, Option<Cart>)>, Error> {
        let pointer = retry::get(&self.client, &self.table, pointer_key(buyer), true).await?;
        match pointer.as_ref().and_then(|pointer| text(pointer, "cart")).and_then(|id| id.parse().ok()) {
            Some(id) => Ok(Some((id, self.find(id).await?.and_then(Found::cart).filter(|cart| cart.expires_at > now)))),
            None => Ok(None),
        }
    }

    /// Gives a buyer a new cart in place of the ones it was made of: the guest's, and the buyer's former one. One
    /// transaction, and only if none of them has changed and the buyer's pointer still names the same cart. The
    /// replaced carts keep the id of the new one, so that a buyer whose answer was lost still finds it. `respond` makes
    /// the response from the cart as it is written, with its version.
    pub async fn claim<R>(
        &self,
        claimed: Cart,
        buyer: UserId,
        pointed_at: Option<CartId>,
        replaced: &[&Cart],
        respond: impl FnOnce(Cart) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let claimed = Cart { version: 1, ..claimed };
        let mut pointer = pointer_key(buyer);
        pointer.insert("kind".to_owned(), string(POINTER));
        pointer.insert("version".to_owned(), number(1));
        pointer.insert("cart".to_owned(), string(claimed.id.to_string()));
        pointer.insert("expires_at_s".to_owned(), number(claimed.expires_at.seconds()));
        let expected = match pointed_at {
            // TTL may have deleted the pointer in the meantime.
            Some(former) => {
                Condition::of("attribute_not_exists(pk) OR cart = :former").value(":former", string(former.to_string()))
            }
            None => Condition::absent(),
        };
        let mut transaction = Transaction::default();
        transaction.add(Purpose::Item, item::put(&self.table, cart_item(&claimed)?, &Condition::absent())?);
        transaction.add(Purpose::Item, item::put(&self.table, pointer, &expected)?);
        for cart in replaced {
            let left = claimed_item(cart, buyer, claimed.id);
            transaction.add(Purpose::Item, item::put(&self.table, left, &open_at(cart.version))?);
        }
        Ok(transact(&self.client, &self.table, transaction, respond(claimed)?).await?)
    }

    /// Answers a request that changes nothing, and stores that it was carried out.
    pub async fn answer_unstored<T: ?Sized, R>(&self, call: Call<'_, T, R>, result: &T) -> Result<Outcome<R>, Error> {
        let response = call.answer_unstored(result)?;
        Ok(transact(&self.client, &self.table, Transaction::default(), response).await?)
    }

    /// The action that marks a cart as ordered, if it is open and still at the version that was priced. Its address
    /// goes: the order has it sealed, and nothing else reads it.
    pub(crate) fn mark_ordered_action(&self, cart: &Cart, order: OrderId) -> Result<TransactWriteItem, Error> {
        let ordered = Cart { order: None, address: None, ..cart.clone() };
        let condition = open_at(cart.version)
            .name("#version", "version")
            .name("#data", "data")
            .value(":order", string(order.to_string()))
            .value(":data", string(json_of(&ordered)?))
            .value(":next", number(cart.version + 1));
        let change = "SET order_id = :order, #data = :data, #version = :next";
        item::update(&self.table, cart_key(cart.id), change, &condition)
    }

    /// The action that takes the lines of a reopened order out of the cart that has them again, if that is still as it
    /// was read. A cart with nothing else becomes the order again.
    pub(crate) fn take_out_action(&self, cart: &Cart, order: &PlacedOrder) -> Result<TransactWriteItem, Error> {
        let left = cart.without(&order.units());
        if left.lines.is_empty() {
            return self.mark_ordered_action(cart, order.order.id);
        }
        let written = Cart { version: cart.version + 1, ..left };
        item::put(&self.table, cart_item(&written)?, &open_at(cart.version))
    }

    /// The action that reopens the cart of an order that was not paid; it fails when the cart is gone or became another
    /// order.
    pub(crate) fn reopen_action(&self, cart: CartId, order: OrderId) -> Result<TransactWriteItem, Error> {
        let condition = Condition::of("order_id = :order")
            .name("#version", "version")
            .value(":order", string(order.to_string()))
            .value(":one", number(1));
        item::update(&self.table, cart_key(cart), "REMOVE order_id ADD #version :one", &condition)
    }
}

/// The condition that a cart is open and at a version.
fn open_at(loaded: u64) -> Condition {
    let mut condition = Condition::at_version(loaded);
    if loaded > 0 {
        condition.expression.push_str(" AND attribute_not_exists(order_id)");
    }
    condition
}

fn cart_item(cart: &Cart) -> Result<Attributes, Error> {
    // The order is an attribute of its own, because checkout and expiry change nothing else.
    let plain = Cart { order: None, ..cart.clone() };
    let mut written = write(cart_key(cart.id), cart.version, &plain)?;
    written.insert("expires_at_s".to_owned(), number(cart.expires_at.seconds()));
    if let Some(order) = cart.order {
        written.insert("order_id".to_owned(), string(order.to_string()));
    }
    Ok(written)
}

/// What remains of a claimed cart: none of its content, because others may know the old id.
fn claimed_item(cart: &Cart, buyer: UserId, into: CartId) -> Attributes {
    let mut written = item::raw_item(cart_key(cart.id), CLAIMED, cart.version + 1, "{}".to_owned());
    written.insert("buyer".to_owned(), string(buyer.to_string()));
    written.insert("cart".to_owned(), string(into.to_string()));
    written.insert("expires_at_s".to_owned(), number(cart.expires_at.seconds()));
    written
}

fn found_in(found: &Attributes) -> Result<Found, Error> {
    if text(found, "kind") == Some(CLAIMED) {
        let by = text(found, "buyer").and_then(|by| by.parse().ok());
        let into = text(found, "cart").and_then(|into| into.parse().ok());
        return match (by, into) {
            (Some(by), Some(into)) => Ok(Found::Claimed { by, into }),
            _ => Err(Error::Failed("a claimed cart names no buyer or no new cart".to_owned())),
        };
    }
    let order = text(found, "order_id").and_then(|order| order.parse().ok());
    Ok(Found::Cart(Box::new(Cart { order, ..read(found)? })))
}

fn unexpired(cart: Cart, now: Timestamp) -> Result<Cart, Error> {
    if cart.expires_at > now {
        Ok(cart)
    } else {
        Err(Refusal::because(Code::Expired, "the cart has expired; start a new one").into())
    }
}
