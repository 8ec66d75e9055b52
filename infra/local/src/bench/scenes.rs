//! What each function is asked.

use super::BenchError;
use super::client::Call;
use super::shop::{Shop, change, fill_cart, open_cart, text};
use crate::LocalCloud;

/// A function and what it is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    /// Its binary.
    pub(super) function: &'static str,
    /// What it is asked, in words.
    pub(super) event: &'static str,
    ask: Ask,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    List,
    ProductPage,
    ReadCart,
    ChangeLine,
    CheckOut,
    Paid,
    Order,
    OwnShop,
    OwnProducts,
    Vendors,
    Profile,
    /// It consumes events: only its start is measured.
    Nothing,
}

const fn scene(function: &'static str, event: &'static str, ask: Ask) -> Scene {
    Scene { function, event, ask }
}

/// All scenes, the main flow first.
pub(super) const SCENES: &[Scene] = &[
    scene("catalog", "list of 20", Ask::List),
    scene("catalog", "product page", Ask::ProductPage),
    scene("cart", "read", Ask::ReadCart),
    scene("cart", "change a line", Ask::ChangeLine),
    scene("checkout", "one line, by card", Ask::CheckOut),
    scene("payment-webhook", "payment succeeded", Ask::Paid),
    scene("orders", "a guest's order", Ask::Order),
    scene("vendor-onboarding", "own shop", Ask::OwnShop),
    scene("vendor-desk", "own products", Ask::OwnProducts),
    scene("admin", "vendors", Ask::Vendors),
    scene("account", "profile", Ask::Profile),
    scene("order-events", "start", Ask::Nothing),
    scene("imports", "start", Ask::Nothing),
    scene("projections", "start", Ask::Nothing),
    scene("housekeeping", "start", Ask::Nothing),
];

impl Scene {
    /// Whether the function is asked anything.
    pub(super) fn is_invoked(&self) -> bool {
        self.ask != Ask::Nothing
    }

    /// So many calls, with everything that must be there for them.
    pub(super) async fn calls(&self, cloud: &LocalCloud, shop: &Shop, count: u32) -> Result<Vec<Call>, BenchError> {
        let goods = shop.goods(0)?;
        let mut calls = Vec::new();
        match self.ask {
            Ask::Nothing => {}
            Ask::CheckOut => {
                for _ in 0..count {
                    calls.push(fill_cart(&shop.client, goods).await?.check_out()?);
                }
            }
            Ask::Paid => {
                shop.keep_messages(cloud);
                for _ in 0..count {
                    let cart = fill_cart(&shop.client, goods).await?;
                    let order = text(&shop.client.json(cart.check_out()?).await?, "/id")?;
                    calls.push(shop.message_of_payment(&order).await?);
                }
            }
            Ask::ChangeLine => {
                let cart = open_cart(&shop.client).await?;
                for number in 0..count {
                    calls.push(change(&cart, goods, 1 + number % 2)?);
                }
            }
            _ => {
                let call = self.read(shop).await?;
                calls.extend((0..count).map(|_| call.clone()));
            }
        }
        Ok(calls)
    }

    /// A call that changes nothing and can be made any number of times.
    async fn read(&self, shop: &Shop) -> Result<Call, BenchError> {
        let goods = shop.goods(0)?;
        match self.ask {
            Ask::List => list_of_20(),
            Ask::ReadCart => {
                let cart = fill_cart(&shop.client, goods).await?;
                Call::get(&format!("/v1/carts/{}", cart.id))
            }
            Ask::Order => {
                let order = shop.client.json(fill_cart(&shop.client, goods).await?.check_out()?).await?;
                Call::get(&format!("/v1/orders/{}", text(&order, "/id")?))?
                    .with("order-token", &text(&order, "/token")?)
            }
            Ask::OwnShop => Call::get("/v1/vendors/me")?.with("authorization", &shop.sign_in_vendor().await?),
            Ask::OwnProducts => Call::get("/v1/vendor/products")?.with("authorization", &shop.sign_in_vendor().await?),
            Ask::Vendors => {
                Call::get("/v1/admin/vendors?state=approved")?.with("authorization", &shop.sign_in_admin().await?)
            }
            Ask::Profile => Call::get("/v1/me")?.with("authorization", &shop.sign_in_buyer().await?),
            _ => product_page(),
        }
    }
}

/// The bazaar's newest products with their prices.
pub(super) fn list_of_20() -> Result<Call, BenchError> {
    Call::get("/v1/products?limit=20&category=ceramics")
}

/// A product of the bazaar, with pictures, text and variants: always the same one, so that figures can be compared.
pub(super) fn product_page() -> Result<Call, BenchError> {
    Call::get("/v1/products/rishtan-blue-kosa")
}
