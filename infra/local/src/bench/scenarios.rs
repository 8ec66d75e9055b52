//! The scenarios: each is a function and a kind of call that it is measured with.

use std::sync::LazyLock;

use super::BenchError;
use super::client::Call;
use super::shop::{Shop, change, fill_cart, open_cart, text};
use crate::LocalCloud;
use crate::functions::FUNCTIONS;

#[derive(Clone, Copy, Debug)]
pub(super) struct Scenario {
    /// The function's binary.
    pub(super) function: &'static str,
    /// The call in words, for the table.
    pub(super) event: &'static str,
    workload: Workload,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Workload {
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
    ListPage,
    ProductInShop,
    CartPage,
    /// An event consumer, of which only the cold start is measured.
    Nothing,
}

const fn scenario(function: &'static str, event: &'static str, workload: Workload) -> Scenario {
    Scenario { function, event, workload }
}

/// What is called of each function, the main flow first.
const CALLED: [Scenario; 14] = [
    scenario("catalog", "list of 20", Workload::List),
    scenario("catalog", "product page", Workload::ProductPage),
    scenario("cart", "read", Workload::ReadCart),
    scenario("cart", "change a line", Workload::ChangeLine),
    scenario("checkout", "one line, by card", Workload::CheckOut),
    scenario("payment-webhook", "payment succeeded", Workload::Paid),
    scenario("orders", "a guest's order", Workload::Order),
    scenario("vendor-onboarding", "own shop", Workload::OwnShop),
    scenario("vendor-desk", "own products", Workload::OwnProducts),
    scenario("admin", "vendors", Workload::Vendors),
    scenario("account", "profile", Workload::Profile),
    scenario("storefront", "page of a list", Workload::ListPage),
    scenario("storefront", "page of a product", Workload::ProductInShop),
    scenario("storefront-private", "page of a cart", Workload::CartPage),
];

/// All scenarios: those with calls, and the start of every other function.
pub(super) static SCENARIOS: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    let others = FUNCTIONS.iter().filter(|function| CALLED.iter().all(|called| called.function != function.name));
    let started = others.map(|function| scenario(function.name, "start", Workload::Nothing));
    CALLED.into_iter().chain(started).collect()
});

impl Scenario {
    /// False if only the cold start is measured.
    pub(super) fn is_invoked(&self) -> bool {
        self.workload != Workload::Nothing
    }

    /// `count` calls, after creating the carts and orders that they need.
    pub(super) async fn calls(&self, cloud: &LocalCloud, shop: &Shop, count: u32) -> Result<Vec<Call>, BenchError> {
        let goods = shop.goods(0)?;
        let mut calls = Vec::new();
        match self.workload {
            Workload::Nothing => {}
            Workload::CheckOut => {
                for _ in 0..count {
                    calls.push(fill_cart(&shop.client, goods).await?.check_out()?);
                }
            }
            Workload::Paid => {
                shop.capture_webhooks(cloud);
                for _ in 0..count {
                    let cart = fill_cart(&shop.client, goods).await?;
                    let order = text(&shop.client.json(cart.check_out()?).await?, "/id")?;
                    calls.push(shop.payment_succeeded_webhook(&order).await?);
                }
            }
            Workload::ChangeLine => {
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

    /// A read-only call, which can be repeated any number of times.
    async fn read(&self, shop: &Shop) -> Result<Call, BenchError> {
        let goods = shop.goods(0)?;
        match self.workload {
            Workload::List => list_of_20(),
            Workload::ReadCart => {
                let cart = fill_cart(&shop.client, goods).await?;
                Call::get(&format!("/v1/carts/{}", cart.id))
            }
            Workload::Order => {
                let order = shop.client.json(fill_cart(&shop.client, goods).await?.check_out()?).await?;
                Call::get(&format!("/v1/orders/{}", text(&order, "/id")?))?
                    .with("order-token", &text(&order, "/token")?)
            }
            Workload::OwnShop => Call::get("/v1/vendors/me")?.with("authorization", &shop.sign_in_vendor().await?),
            Workload::OwnProducts => {
                Call::get("/v1/vendor/products")?.with("authorization", &shop.sign_in_vendor().await?)
            }
            Workload::Vendors => {
                Call::get("/v1/admin/vendors?state=approved")?.with("authorization", &shop.sign_in_operator().await?)
            }
            Workload::Profile => Call::get("/v1/me")?.with("authorization", &shop.sign_in_buyer().await?),
            Workload::ListPage => Call::get("/uz/c/ceramics"),
            Workload::ProductInShop => Call::get("/uz/p/rishtan-blue-kosa"),
            Workload::CartPage => {
                let cart = fill_cart(&shop.client, goods).await?;
                Call::get("/uz/cart")?.with("cookie", &format!("cart={}", cart.id))
            }
            _ => product_page(),
        }
    }
}

/// The newest 20 products of one category, with their prices.
pub(super) fn list_of_20() -> Result<Call, BenchError> {
    Call::get("/v1/products?limit=20&category=ceramics")
}

/// A demo product with pictures, text and variants: always the same one, so that figures can be compared.
pub(super) fn product_page() -> Result<Call, BenchError> {
    Call::get("/v1/products/rishtan-blue-kosa")
}
