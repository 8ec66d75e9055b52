//! Delivery: a cart's address and its shipping options.

use api::{Answer, Idempotent, IfMatch, Json, Now, Path, Problem, ScopedRequest, replay_or_run};
use axum::extract::State;
use domain::address::Address;
use domain::cart::{Cart, FLAT_RATE, LIFETIME};
use domain::pricing::{PricedCart, Totals};
use domain::{CartId, Code, Money, Refusal, Timestamp, VendorId};
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::ToSchema;

use crate::view::{CartView, answer};
use crate::{App, MAX_ATTEMPTS};

/// The address that a cart is to be delivered to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListShippingOptions {
    address: Address,
}

/// The shipping options of a cart by vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShippingView {
    items: Vec<VendorShipping>,
    totals: Totals,
}

/// The shipping options of one vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorShipping {
    vendor_id: VendorId,
    options: Vec<ShippingOption>,
    /// The id of the chosen option.
    chosen: String,
}

/// A shipping option with its price.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShippingOption {
    id: String,
    name: String,
    price: Money,
    delivery: DeliveryTime,
}

/// The expected delivery time in days.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryTime {
    min_days: u16,
    max_days: u16,
}

impl From<&PricedCart> for ShippingView {
    fn from(priced: &PricedCart) -> Self {
        let options = |price: Option<Money>| {
            price
                .map(|price| ShippingOption {
                    id: FLAT_RATE.to_owned(),
                    name: "Standard delivery".to_owned(),
                    price,
                    delivery: DeliveryTime { min_days: 2, max_days: 14 },
                })
                .into_iter()
                .collect()
        };
        let items = priced
            .groups
            .iter()
            .map(|group| VendorShipping {
                vendor_id: group.vendor.id,
                options: options(group.rate),
                chosen: group.shipping.as_ref().map_or(FLAT_RATE, |chosen| &chosen.option_id).to_owned(),
            })
            .collect();
        Self { items, totals: priced.totals }
    }
}

/// Stores the delivery address and lists shipping options.
///
/// The cheapest option of each vendor is chosen.
#[utoipa::path(
    post, path = "/v1/carts/{id}/shipping-options",
    params(("id" = CartId, Path, description = "The cart.")),
    request_body = ListShippingOptions, responses((status = OK, body = ShippingView))
)]
pub async fn list_cart_shipping_options(
    State(app): State<App>,
    Now(now): Now,
    Path(id): Path<CartId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ListShippingOptions>>,
) -> Result<Answer, Problem> {
    asked.address.check("/address")?;
    let (change, call) = (Change::Address(Box::new(asked.address)), call.scoped_to(id));
    replay_or_run(app.stored_response(id, &call), app.change(id, expected.as_ref(), &change, &call, now)).await
}

/// The shipping option for the lines of one vendor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChooseShipping {
    vendor_id: VendorId,
    #[schema(examples("flat"))]
    option_id: String,
}

/// Chooses the shipping options of a cart.
#[utoipa::path(
    put, path = "/v1/carts/{id}/shipping",
    params(("id" = CartId, Path, description = "The cart.")),
    request_body = Vec<ChooseShipping>, responses((status = OK, body = CartView))
)]
pub async fn choose_cart_shipping(
    State(app): State<App>,
    Now(now): Now,
    Path(id): Path<CartId>,
    expected: Option<IfMatch>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<Vec<ChooseShipping>>>,
) -> Result<Answer, Problem> {
    let (change, call) = (Change::Choice(asked), call.scoped_to(id));
    replay_or_run(app.stored_response(id, &call), app.change(id, expected.as_ref(), &change, &call, now)).await
}

enum Change {
    Address(Box<Address>),
    Choice(Vec<ChooseShipping>),
}

impl App {
    /// Applies a change to an open cart; after a conflict with a concurrent change, to the cart as it is then.
    async fn change(
        &self,
        id: CartId,
        expected: Option<&IfMatch>,
        change: &Change,
        call: &ScopedRequest,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        for _ in 0..MAX_ATTEMPTS {
            let mut cart = self.open_cart(id, expected, now).await?;
            let answer = match change {
                Change::Address(address) => self.set_address(&mut cart, address, now).await?,
                Change::Choice(choice) => self.set_options(&mut cart, choice).await?,
            };
            match self.carts.storing(call.stored(&answer)?).save(&cart).await {
                Ok(_) => return Ok(answer),
                Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }

    async fn set_address(&self, cart: &mut Cart, address: &Address, now: Timestamp) -> Result<Answer, Problem> {
        let snapshot = self.snapshot(cart).await?;
        cart.address = Some(address.clone());
        cart.shipping = cart.vendors().into_iter().map(|vendor| (vendor, FLAT_RATE.to_owned())).collect();
        // The buyer sees these prices now, so only later changes are reported.
        for line in &mut cart.lines {
            if let Some((_, variant)) = snapshot.for_sale(line.variant)
                && let Some(price) = variant.price_in(cart.currency)
            {
                line.seen_price = price.price;
            }
        }
        let priced = self.priced(cart, &snapshot).await?;
        priced.check_deliverable()?;
        cart.expires_at = now + LIFETIME;
        Ok(Answer::ok(&ShippingView::from(&priced))?.with_version(cart.version + 1))
    }

    async fn set_options(&self, cart: &mut Cart, choice: &[ChooseShipping]) -> Result<Answer, Problem> {
        if cart.address.is_none() {
            return Err(Refusal::of(Code::AddressMissing).into());
        }
        choose(cart, choice)?;
        let snapshot = self.snapshot(cart).await?;
        let priced = self.priced(cart, &snapshot).await?;
        priced.check_deliverable()?;
        answer(&Cart { version: cart.version + 1, ..cart.clone() }, &priced)
    }
}

fn choose(cart: &mut Cart, asked: &[ChooseShipping]) -> Result<(), Refusal> {
    let vendors = cart.vendors();
    for (index, choice) in asked.iter().enumerate() {
        if !vendors.contains(&choice.vendor_id) {
            return Err(Refusal::field(
                format!("/{index}/vendor_id"),
                "unknown",
                "the cart has no lines of this vendor",
            ));
        }
        if choice.option_id != FLAT_RATE {
            return Err(Refusal::field(
                format!("/{index}/option_id"),
                "unknown",
                "the vendor has no such shipping option",
            ));
        }
        cart.shipping.insert(choice.vendor_id, choice.option_id.clone());
    }
    Ok(())
}
