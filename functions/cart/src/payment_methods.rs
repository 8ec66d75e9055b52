//! The payment methods of a cart.

use api::{Json, Now, Path, Problem};
use axum::extract::State;
use domain::CartId;
use domain::payment::ProviderName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The payment methods for a cart as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentMethods {
    items: Vec<PaymentMethod>,
}

/// A payment method.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentMethod {
    /// What to send as `payment.provider` at checkout.
    provider: ProviderName,
    name: &'static str,
}

/// Lists the payment methods for a cart as it stands.
#[utoipa::path(
    get, path = "/v1/carts/{id}/payment-methods", params(("id" = CartId, Path, description = "The cart.")),
    responses((status = OK, body = PaymentMethods))
)]
pub async fn list_cart_payment_methods(
    State(carts): State<App>,
    Now(now): Now,
    Path(id): Path<CartId>,
) -> Result<Json<PaymentMethods>, Problem> {
    let name = |provider| match provider {
        ProviderName::Stripe => "Card and wallets",
        ProviderName::CashOnDelivery => "Cash on delivery",
        // Offered to nobody: it takes no amount.
        ProviderName::Other => "Other",
    };
    let methods = carts.payment_methods(id, now).await?.into_iter();
    let items = methods.map(|provider| PaymentMethod { provider, name: name(provider) }).collect();
    Ok(Json(PaymentMethods { items }))
}
