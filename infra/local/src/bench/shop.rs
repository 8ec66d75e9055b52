//! The data that measurements need: products, carts, orders, signed-in users.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::BenchError;
use super::client::{Call, Client};
use crate::LocalCloud;
use crate::demo::VENDORS;
use crate::seed::{BUYER, OPERATOR, PASSWORD};

/// Units of each product, more than any run sells.
const STOCK_ON_HAND: u32 = 900_000;

/// The demo data, with products whose stock does not run out.
pub(super) struct Shop {
    pub(super) client: Client,
    /// Products published for this run.
    pub(super) goods: Vec<Goods>,
    /// Webhooks of the payment sandbox that were captured instead of delivered.
    webhooks: Arc<Mutex<Vec<Request<Bytes>>>>,
}

/// A product with one variant.
#[derive(Clone, Debug)]
pub(super) struct Goods {
    pub(super) variant: String,
}

/// A cart with a line and an address, ready for checkout.
#[derive(Clone, Debug)]
pub(super) struct ReadyCart {
    pub(super) id: String,
    total: Value,
}

impl Shop {
    /// Publishes this many new products of the demo vendor.
    pub(super) async fn open(cloud: &LocalCloud, products: usize) -> Result<Self, BenchError> {
        let client = Client::new(cloud.address());
        let mut shop = Self { client, goods: Vec::new(), webhooks: Arc::default() };
        shop.stock_up(products).await?;
        cloud.wait_until_idle().await?;
        Ok(shop)
    }

    /// Publishes products until there are `products` of this run.
    pub(super) async fn stock_up(&mut self, products: usize) -> Result<(), BenchError> {
        let owner = self.sign_in(VENDORS.first().map_or("", |vendor| vendor.email)).await?;
        for number in self.goods.len()..products {
            let product = json!({
                "handle": format!("bench-{number}"), "title": format!("Bench {number}"),
                "variants": [{"prices": [{"amount": "12.50", "currency": "USD"}], "on_hand": STOCK_ON_HAND}],
            });
            let call = Call::send(Method::POST, "/v1/vendor/products", &product, StatusCode::CREATED)?;
            let made = self.client.json(call.with("authorization", &owner)?).await?;
            let path = format!("/v1/vendor/products/{}/publish", text(&made, "/id")?);
            let call = Call::send(Method::POST, &path, &json!({}), StatusCode::OK)?;
            self.client.call(call.with("authorization", &owner)?).await?;
            self.goods.push(Goods { variant: text(&made, "/variants/0/id")? });
        }
        Ok(())
    }

    /// The product at `number`, modulo the number of products.
    pub(super) fn goods(&self, number: usize) -> Result<&Goods, BenchError> {
        let index = number.checked_rem(self.goods.len()).unwrap_or(0);
        self.goods.get(index).ok_or_else(|| BenchError::Call("the shop".to_owned(), "it has no products".to_owned()))
    }

    /// The value of `Authorization` for the account with this address.
    async fn sign_in(&self, email: &str) -> Result<String, BenchError> {
        let who = json!({"email": email, "password": PASSWORD});
        let answer = self.client.json(Call::send(Method::POST, "/v1/auth/sign-in", &who, StatusCode::OK)?).await?;
        Ok(format!("Bearer {}", text(&answer, "/access_token")?))
    }

    pub(super) async fn sign_in_operator(&self) -> Result<String, BenchError> {
        self.sign_in(OPERATOR).await
    }

    pub(super) async fn sign_in_buyer(&self) -> Result<String, BenchError> {
        self.sign_in(BUYER).await
    }

    pub(super) async fn sign_in_vendor(&self) -> Result<String, BenchError> {
        self.sign_in(VENDORS.first().map_or("", |vendor| vendor.email)).await
    }

    /// Captures the sandbox's webhooks from now on instead of delivering them.
    pub(super) fn capture_webhooks(&self, cloud: &LocalCloud) {
        let webhooks = Arc::clone(&self.webhooks);
        let capture = move |request: Request<Bytes>| -> cloud::gateway::BoxFuture<'static, Response<Bytes>> {
            webhooks.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            Box::pin(async { Response::new(Bytes::new()) })
        };
        let url = format!("{}/v1/webhooks/stripe", cloud.base_url());
        if let Some(stripe) = cloud.bozor.stripe() {
            stripe.deliver_to(url, Arc::new(capture));
        }
    }

    /// Pays an order in the sandbox and returns the signed webhook `payment_intent.succeeded` as it would be delivered.
    pub(super) async fn payment_succeeded_webhook(&self, order: &str) -> Result<Call, BenchError> {
        let path = format!("/_local/pay/stripe/orders/{order}");
        self.client.call(Call::send(Method::POST, &path, &json!({"do": "succeed"}), StatusCode::OK)?).await?;
        let captured = std::mem::take(&mut *self.webhooks.lock().unwrap_or_else(PoisonError::into_inner));
        let of_this_payment = |request: &Request<Bytes>| {
            let event: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            event.get("type").is_some_and(|name| name == "payment_intent.succeeded")
        };
        let request = captured.into_iter().find(of_this_payment);
        let request = request.ok_or_else(|| BenchError::Call(path, "the sandbox sent no webhook".to_owned()))?;
        Ok(Call { request, expected: StatusCode::OK })
    }
}

/// Opens a cart in US dollars and returns its id.
pub(super) async fn open_cart(client: &Client) -> Result<String, BenchError> {
    let call = Call::send(Method::POST, "/v1/carts", &json!({"currency": "USD"}), StatusCode::CREATED)?;
    text(&client.json(call).await?, "/id")
}

/// The call that sets the quantity of a cart's line.
pub(super) fn change(cart: &str, goods: &Goods, quantity: u32) -> Result<Call, BenchError> {
    let path = format!("/v1/carts/{cart}/items/{}", goods.variant);
    Call::send(Method::PUT, &path, &json!({"quantity": quantity}), StatusCode::OK)
}

/// A new cart with one line and an address.
pub(super) async fn fill_cart(client: &Client, goods: &Goods) -> Result<ReadyCart, BenchError> {
    let id = open_cart(client).await?;
    client.call(change(&id, goods, 1)?).await?;
    let address = json!({"address": {
        "name": "Aziza Karimova", "phone": "+998712000000", "line1": "12 Navoi Street", "district": "Yunusobod",
        "city": "Tashkent", "region": "Tashkent", "postal_code": "100011", "country": "UZ",
    }});
    let call = Call::send(Method::POST, &format!("/v1/carts/{id}/shipping-options"), &address, StatusCode::OK)?;
    let options = client.json(call).await?;
    let total = options.pointer("/totals/total").cloned().unwrap_or_default();
    Ok(ReadyCart { id, total })
}

impl ReadyCart {
    /// The checkout call for this cart, to be paid by card.
    pub(super) fn check_out(&self) -> Result<Call, BenchError> {
        // Each order has its own e-mail address, because one address may have only three unpaid orders.
        let email = format!("{}@guests.test", self.id.trim_start_matches("crt_"));
        let order = json!({
            "cart_id": self.id, "email": email, "payment": {"provider": "stripe"}, "expected_total": self.total,
        });
        Call::send(Method::POST, "/v1/checkout", &order, StatusCode::CREATED)?.with("idempotency-key", &self.id)
    }
}

/// The string at a JSON pointer of a response.
pub(super) fn text(answer: &Value, pointer: &str) -> Result<String, BenchError> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| BenchError::Call(pointer.to_owned(), format!("is not in {answer}")))
}
