//! Buyers with a cart.

use serde_json::{Value, json};

use super::{Answer, Client, Product};

/// A buyer with a cart. The client may be signed in.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) client: Client,
    pub(crate) cart: String,
    pub(crate) email: String,
}

impl Guest {
    pub(crate) async fn new(client: Client, currency: &str) -> Self {
        let answer = client.post("/v1/carts", &json!({"currency": currency})).await;
        let cart = answer.expect(201)["id"].as_str().expect("an id").to_owned();
        let email = format!("{}@guests.test", cart.trim_start_matches("crt_"));
        Self { client, cart, email }
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/carts/{}{rest}", self.cart)
    }

    /// Sets the quantity of a line.
    pub(crate) async fn put(&self, variant: &str, quantity: u32) -> Answer {
        self.client.put(&self.path(&format!("/items/{variant}")), &json!({"quantity": quantity})).await
    }

    /// Sets the cart's address by asking for its shipping options.
    pub(crate) async fn address(&self) -> Answer {
        self.client.post(&self.path("/shipping-options"), &json!({"address": address()})).await
    }

    /// The cart with current prices.
    pub(crate) async fn seen(&self) -> Value {
        self.client.get(&self.path("")).await.expect(200).clone()
    }

    /// Adds these products and an address, so that the cart can be checked out.
    pub(crate) async fn takes(self, lines: &[(&Product, u32)]) -> Self {
        for (product, quantity) in lines {
            self.put(&product.variant, *quantity).await.expect(200);
        }
        self.address().await.expect(200);
        self
    }

    /// Checks the cart out at its current total; what is payable on delivery is confirmed.
    pub(crate) async fn checks_out(&self, provider: &str, key: &str) -> Answer {
        let total = self.seen().await["totals"]["total"].clone();
        self.checks_out_for(provider, key, &total).await
    }

    /// Checks the cart out by card, and pays.
    pub(crate) async fn buys(&self) -> Value {
        let order = self.checks_out("stripe", "once").await.expect(201).clone();
        let path = format!("/_local/pay/stripe/orders/{}", order["id"].as_str().expect("an id"));
        self.client.post(&path, &json!({"do": "succeed"})).await.expect(200);
        order
    }

    /// Checks the cart out at its current total, payable on delivery, and does not confirm the order.
    pub(crate) async fn checks_out_unconfirmed(&self, key: &str) -> Answer {
        let total = self.seen().await["totals"]["total"].clone();
        self.checks_out_only("cash_on_delivery", key, &total).await
    }

    /// Checks the cart out with this expected total; what is payable on delivery is confirmed.
    pub(crate) async fn checks_out_for(&self, provider: &str, key: &str, total: &Value) -> Answer {
        let placed = self.checks_out_only(provider, key, total).await;
        if placed.json["state"] == "awaiting_confirmation" { self.confirms(placed).await } else { placed }
    }

    /// Confirms an order that was placed, with the code that is mailed for it.
    pub(crate) async fn confirms(&self, mut placed: Answer) -> Answer {
        let (id, token) = (placed.json["id"].as_str().expect("an id"), placed.json["token"].clone());
        let reader = self.client.clone().with("order-token", token.as_str().expect("a token"));
        let code = json!({"code": confirmation_code(id, 1)});
        let confirmed = reader.post(&format!("/v1/orders/{id}/confirm"), &code).await;
        placed.json = confirmed.expect(200).clone();
        placed.json["token"] = token;
        placed
    }

    /// Checks the cart out with this expected total, to be paid on the provider's own page.
    pub(crate) async fn checks_out_on_page(&self, key: &str, back: Option<&str>, total: &Value) -> Answer {
        let order = json!({
            "cart_id": self.cart, "email": self.email, "expected_total": total,
            "payment": {"provider": "stripe", "hosted_page": true, "return_url": back.unwrap_or_default()},
        });
        self.client.clone().with("idempotency-key", key).post("/v1/checkout", &order).await
    }

    /// Checks the cart out with this expected total.
    async fn checks_out_only(&self, provider: &str, key: &str, total: &Value) -> Answer {
        let order = json!({
            "cart_id": self.cart, "email": self.email, "payment": {"provider": provider}, "expected_total": total,
        });
        self.client.clone().with("idempotency-key", key).post("/v1/checkout", &order).await
    }
}

/// The code with this number that is mailed for an order, under the secret of a local cloud.
pub(crate) fn confirmation_code(order: &str, number: u8) -> String {
    let secret = platform::Rotating { current: "local-order-token-secret".to_owned(), previous: None };
    secret.confirmation_code(order.parse().expect("an order's id"), number)
}

/// A complete delivery address.
pub(crate) fn address() -> Value {
    json!({
        "name": "Aziza Karimova", "phone": "+998712000000", "line1": "12 Navoi Street", "district": "Yunusobod",
        "city": "Tashkent", "region": "Tashkent", "postal_code": "100011", "country": "UZ",
    })
}
