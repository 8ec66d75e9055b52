//! Carts: filling, pricing and claiming them.

use std::sync::Arc;

use domain::address::Address;
use domain::cart::{Cart, CartLine, FLAT_RATE, LIFETIME, MAX_UNITS};
use domain::pricing::{CatalogSnapshot, PricedCart, price};
use domain::text::ContentLanguage;
use domain::{
    Call, CartId, Code, Currency, Expected, IdempotentRequest, Outcome, Refusal, Timestamp, UserId, VariantId, VendorId,
};
use platform::{Config, Fatal};
use serde::Deserialize;
use store::carts::Found;
use store::{Backoff, Catalog, Decision, RateLimits, SettingsTable};
use utoipa::ToSchema;

use crate::changing::{Changes, Changing};
use crate::{Done, Error};

/// Most claims that are followed from one cart to the next: more than a buyer makes in the lifetime of a cart.
const MAX_CLAIM_HOPS: usize = 100;

/// Carts with the catalog that prices them.
#[derive(Clone, Debug)]
pub struct Carts {
    carts: store::Carts,
    catalog: Catalog,
    settings: SettingsTable,
    /// What new carts are counted with. Checkout makes none.
    changes: Option<Changes>,
}

/// A cart at current prices.
#[derive(Clone, Debug)]
pub struct ShownCart {
    pub cart: Cart,
    pub priced: PricedCart,
}

/// The shipping option for the lines of one vendor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChooseShipping {
    vendor_id: VendorId,
    #[schema(examples("flat"))]
    option_id: String,
}

impl Carts {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("CARTS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let settings = SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?);
        let changes = Changes {
            rate_limits: RateLimits::new(dynamodb.clone(), table),
            settings: settings.clone(),
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
        };
        Ok(Self {
            carts: store::Carts::new(dynamodb.clone(), table),
            catalog: Catalog::new(dynamodb, config.required("CATALOG_TABLE")?),
            settings,
            changes: Some(changes),
        })
    }

    /// The same over these tables.
    pub(crate) const fn of(carts: store::Carts, catalog: Catalog, settings: SettingsTable) -> Self {
        Self { carts, catalog, settings, changes: None }
    }

    /// Counts a call of a list of routes, and refuses it when it is over the limit.
    pub async fn count_change(&self, list: &str, by: Changing<'_>, now: Timestamp) -> Result<(), Error> {
        match &self.changes {
            Some(changes) => changes.count(list, by, now).await,
            None => Ok(()),
        }
    }

    /// Creates an empty cart.
    pub async fn create(&self, currency: Currency, now: Timestamp) -> Result<ShownCart, Error> {
        let cart = self.carts.create(Cart::new(platform::ids(now).cart_id(), currency, now)).await?;
        let priced = self.price(&cart, &CatalogSnapshot::default()).await?;
        Ok(ShownCart { cart, priced })
    }

    /// The cart at current prices, with titles in a language where they are in it. Nothing is written, so this does not
    /// extend the cart's lifetime.
    pub async fn show(
        &self,
        id: CartId,
        language: Option<&ContentLanguage>,
        now: Timestamp,
    ) -> Result<ShownCart, Error> {
        let cart = self.carts.read(id, now).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        let priced = self.priced_in(&cart, language).await?;
        Ok(ShownCart { cart, priced })
    }

    /// The open cart of a buyer at current prices: the one that they have claimed last.
    pub async fn of_buyer(
        &self,
        buyer: UserId,
        language: Option<&ContentLanguage>,
        now: Timestamp,
    ) -> Result<Option<ShownCart>, Error> {
        let cart = self.carts.of_buyer(buyer, now).await?.and_then(|(_, cart)| cart);
        match cart.filter(|cart| cart.order.is_none()) {
            Some(cart) => {
                let priced = self.priced_in(&cart, language).await?;
                Ok(Some(ShownCart { cart, priced }))
            }
            None => Ok(None),
        }
    }

    /// Deletes a cart that has not been ordered.
    pub async fn delete<R>(&self, id: CartId, expected: &Expected, call: Call<'_, (), R>) -> Done<R> {
        let now = call.at();
        let delete = async {
            let cart = self.carts.read(id, now).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
            expected.check(cart.version)?;
            cart.check_open(now)?;
            Ok(self.carts.delete(&cart, call.answer(&())?).await?)
        };
        self.once(id, call.request(), delete).await
    }

    /// Sets the quantity of a variant; zero removes it. Without conflicts it takes at most three round trips: the cart
    /// with the variant's product; everything else that the cart names; and the write.
    pub async fn put_line<R>(
        &self,
        id: CartId,
        (variant, quantity): (VariantId, u32),
        expected: &Expected,
        call: Call<'_, ShownCart, R>,
    ) -> Done<R> {
        let now = call.at();
        if quantity > MAX_UNITS {
            return Err(Refusal::field("/quantity", "out_of_range", format!("must be 0 to {MAX_UNITS}")).into());
        }
        let read = || self.carts.read_with_product(id, now, &self.catalog, variant.product());
        let decide = |mut cart: Cart, mut snapshot: CatalogSnapshot| async move {
            expected.check(cart.version)?;
            cart.check_open(now)?;
            let product = variant.product();
            let vendor = snapshot.products.get(&product).map(|product| product.vendor.id);
            let others = cart.lines.iter().map(|line| line.variant.product()).filter(|other| *other != product);
            let vendors = cart.vendors().into_iter().chain(vendor);
            let vendors = vendors.filter(|vendor| !snapshot.shops.contains_key(vendor));
            let rest = self.catalog.snapshot(others, vendors, true).await?;
            snapshot.add(rest);
            if quantity == 0 && !cart.lines.iter().any(|line| line.variant == variant) {
                let priced = self.price(&cart, &snapshot).await?;
                return Ok(Decision::Write(cart, priced));
            }
            if quantity == 0 {
                cart.remove(variant);
            } else {
                let (product, found) = snapshot.for_sale(variant).ok_or_else(|| Refusal::of(Code::NotFound))?;
                let price = found.price_in(cart.currency).ok_or_else(|| Refusal::of(Code::NoPriceInCurrency))?;
                if !price.price.is_price() {
                    return Err(Refusal::of(Code::NotAvailable).into());
                }
                let (seen_price, seen_unit, title) = (price.price, found.sale_unit, product.title_of(found));
                let vendor = product.vendor.clone();
                cart.put(CartLine { variant, quantity, seen_price, seen_unit, title, vendor })?;
            }
            cart.expires_at = now + LIFETIME;
            let priced = self.price(&cart, &snapshot).await?;
            Ok::<_, Error>(Decision::Write(cart, priced))
        };
        let respond = |cart, priced| call.answer_unstored(&ShownCart { cart, priced });
        let outcome = self.once(id, call.request(), self.carts.change(read, decide, respond)).await?;
        self.shown_again(outcome, id, call).await
    }

    /// Stores the delivery address, and chooses the cheapest shipping option of each vendor.
    pub async fn set_address<R>(
        &self,
        id: CartId,
        address: &Address,
        expected: &Expected,
        call: Call<'_, ShownCart, R>,
    ) -> Done<R> {
        let now = call.at();
        address.check("/address")?;
        self.change(id, expected, call, |mut cart| async move {
            let snapshot = self.snapshot(&cart).await?;
            cart.address = Some(address.clone());
            cart.shipping = cart.vendors().into_iter().map(|vendor| (vendor, FLAT_RATE.to_owned())).collect();
            // The buyer sees these prices now, so only later changes are reported.
            for line in &mut cart.lines {
                if let Some((_, variant)) = snapshot.for_sale(line.variant)
                    && let Some(price) = variant.price_in(cart.currency)
                {
                    (line.seen_price, line.seen_unit) = (price.price, variant.sale_unit);
                }
            }
            let priced = self.price(&cart, &snapshot).await?;
            priced.check_deliverable()?;
            cart.expires_at = now + LIFETIME;
            Ok(Decision::Write(cart, priced))
        })
        .await
    }

    /// Chooses the shipping options of vendors.
    pub async fn choose_shipping<R>(
        &self,
        id: CartId,
        choices: &[ChooseShipping],
        expected: &Expected,
        call: Call<'_, ShownCart, R>,
    ) -> Done<R> {
        self.change(id, expected, call, |mut cart| async move {
            if cart.address.is_none() {
                return Err(Refusal::of(Code::AddressMissing).into());
            }
            choose(&mut cart, choices)?;
            let priced = self.priced(&cart).await?;
            priced.check_deliverable()?;
            Ok(Decision::Write(cart, priced))
        })
        .await
    }

    /// Claims a guest's cart for a buyer: it is merged with the cart that the buyer had, into one with a new id,
    /// because others may know the old one. Claiming the old id again answers the new cart.
    pub async fn claim<R>(&self, id: CartId, buyer: UserId, call: Call<'_, ShownCart, R>) -> Done<R> {
        let outcome = self.carts.once(call.request(), self.merge(id, buyer, call)).await?;
        let mut id = id;
        if matches!(outcome, Outcome::Repeated(None)) {
            self.resolve_claimed(&mut id, buyer).await?;
        }
        self.shown_again(outcome, id, call).await
    }

    /// The outcome of a change of a cart. Its response may name the buyer's address, so it is not stored: a replay is
    /// answered with the cart as it stands.
    async fn shown_again<R>(&self, outcome: Outcome<R>, id: CartId, call: Call<'_, ShownCart, R>) -> Done<R> {
        if !matches!(outcome, Outcome::Repeated(None)) {
            return Ok(outcome);
        }
        match self.carts.find(id).await? {
            Some(Found::Cart(cart)) => {
                let priced = self.priced(&cart).await?;
                Ok(call.again(&ShownCart { cart: *cart, priced })?)
            }
            _ => Err(Refusal::of(Code::NotFound).into()),
        }
    }

    async fn merge<R>(&self, mut id: CartId, buyer: UserId, call: Call<'_, ShownCart, R>) -> Done<R> {
        let now = call.at();
        let mut backoff = Backoff::default();
        loop {
            let guest = self.resolve_claimed(&mut id, buyer).await?;
            guest.check_open(now)?;
            if guest.buyer.is_some_and(|owner| owner != buyer) {
                return Err(Refusal::of(Code::NotFound).into());
            }
            if guest.buyer == Some(buyer) {
                let priced = self.priced(&guest).await?;
                return Ok(self.carts.answer_unstored(call, &ShownCart { cart: guest, priced }).await?);
            }
            // A former cart in another currency stays as it is: prices are never converted.
            let (pointed_at, former) = self.carts.of_buyer(buyer, now).await?.unzip();
            let former = former.flatten();
            let former =
                former.filter(|cart| cart.order.is_none() && cart.currency == guest.currency && cart.id != guest.id);
            let mut cart = Cart::new(platform::ids(now).cart_id(), guest.currency, now);
            cart.buyer = Some(buyer);
            cart.kept.clone_from(&guest.kept);
            let replaced: Vec<&Cart> = std::iter::once(&guest).chain(&former).collect();
            for other in &replaced {
                cart.merge(other)?;
            }
            cart.expires_at = now + LIFETIME;
            let priced = self.priced(&cart).await?;
            let respond = |cart| call.answer_unstored(&ShownCart { cart, priced });
            match self.carts.claim(cart, buyer, pointed_at, &replaced, respond).await {
                Err(store::Error::Conflict) => backoff.pause().await?,
                done => return Ok(done?),
            }
        }
    }

    /// Changes an open cart that has one of the expected versions.
    async fn change<R, Deciding>(
        &self,
        id: CartId,
        expected: &Expected,
        call: Call<'_, ShownCart, R>,
        decide: impl Fn(Cart) -> Deciding,
    ) -> Done<R>
    where
        Deciding: Future<Output = Result<Decision<Cart, PricedCart>, Error>>,
    {
        let now = call.at();
        let read = || async { Ok((self.carts.read(id, now).await?, ())) };
        let decide = |cart: Cart, ()| {
            let open = expected.check(cart.version).and_then(|()| cart.check_open(now));
            let deciding = decide(cart);
            async move {
                open?;
                deciding.await
            }
        };
        let respond = |cart, priced| call.answer_unstored(&ShownCart { cart, priced });
        let outcome = self.once(id, call.request(), self.carts.change(read, decide, respond)).await?;
        self.shown_again(outcome, id, call).await
    }

    /// Runs the work of a request, and replays the stored response to its first try, unless the cart has been claimed
    /// since: then its old id is not valid any more, not even for a replay.
    async fn once<R>(
        &self,
        id: CartId,
        request: Option<&IdempotentRequest>,
        work: impl Future<Output = Done<R>>,
    ) -> Done<R> {
        let outcome = self.carts.once(request, work).await?;
        if matches!(outcome, Outcome::Replayed(_)) && matches!(self.carts.find(id).await?, Some(Found::Claimed { .. }))
        {
            return Err(Refusal::of(Code::NotFound).into());
        }
        Ok(outcome)
    }

    /// The cart with this id. If this buyer has claimed it, follows the claims to the cart that it was merged into, and
    /// sets `id` to that one.
    async fn resolve_claimed(&self, id: &mut CartId, buyer: UserId) -> Result<Cart, Error> {
        for _ in 0..MAX_CLAIM_HOPS {
            match self.carts.find(*id).await? {
                Some(Found::Cart(cart)) => return Ok(*cart),
                Some(Found::Claimed { by, into }) if by == buyer => *id = into,
                _ => break,
            }
        }
        Err(Refusal::of(Code::NotFound).into())
    }

    /// The catalog data that pricing needs for a cart's lines.
    async fn snapshot(&self, cart: &Cart) -> Result<CatalogSnapshot, Error> {
        let products = cart.lines.iter().map(|line| line.variant.product());
        Ok(self.catalog.snapshot(products, cart.vendors(), true).await?)
    }

    async fn price(&self, cart: &Cart, snapshot: &CatalogSnapshot) -> Result<PricedCart, Error> {
        Ok(price(cart, snapshot, self.settings.current().await?.known_rates()?)?)
    }

    async fn priced(&self, cart: &Cart) -> Result<PricedCart, Error> {
        self.price(cart, &self.snapshot(cart).await?).await
    }

    async fn priced_in(&self, cart: &Cart, language: Option<&ContentLanguage>) -> Result<PricedCart, Error> {
        let snapshot = self.snapshot(cart).await?;
        let mut priced = self.price(cart, &snapshot).await?;
        if let Some(language) = language {
            for line in priced.groups.iter_mut().flat_map(|group| &mut group.lines) {
                if let Some((product, _)) = snapshot.for_sale(line.variant) {
                    let mut product = product.clone();
                    product.show_in(language);
                    line.title = product.variant(line.variant).map_or(line.title.clone(), |own| product.title_of(own));
                }
            }
        }
        Ok(priced)
    }
}

fn choose(cart: &mut Cart, choices: &[ChooseShipping]) -> Result<(), Refusal> {
    let vendors = cart.vendors();
    for (index, choice) in choices.iter().enumerate() {
        let unknown = |field: &str, detail: &str| Refusal::field(format!("/{index}/{field}"), "unknown", detail);
        if !vendors.contains(&choice.vendor_id) {
            return Err(unknown("vendor_id", "the cart has no lines of this vendor"));
        }
        if choice.option_id != FLAT_RATE {
            return Err(unknown("option_id", "the vendor has no such shipping option"));
        }
        cart.shipping.insert(choice.vendor_id, choice.option_id.clone());
    }
    Ok(())
}
