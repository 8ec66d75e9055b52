//! The payment methods of a cart. They are here and not in the function `cart`, because this one has the keys of the
//! providers, on which it depends what can be offered.

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
    /// What to send as `payment.provider` at checkout; `none` when there is nothing to pay, which need not be sent.
    provider: ProviderName,
    name: &'static str,
    /// The public key that the provider's library is loaded with; absent for a provider without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("pk_live_51Qx7Yb2eZvKYlo2C"))]
    publishable_key: Option<String>,
}

/// Lists the payment methods for a cart as it stands.
#[utoipa::path(
    get, path = "/v1/carts/{id}/payment-methods", params(("id" = CartId, Path, description = "The cart.")),
    responses((status = OK, body = PaymentMethods))
)]
pub async fn list_cart_payment_methods(
    State(app): State<App>,
    Now(now): Now,
    Path(id): Path<CartId>,
) -> Result<Json<PaymentMethods>, Problem> {
    let name = |provider| match provider {
        ProviderName::Stripe => "Card and wallets",
        ProviderName::CashOnDelivery => "Cash on delivery",
        ProviderName::Unneeded => "Nothing to pay",
        // Offered to nobody: it takes no amount.
        ProviderName::Other => "Other",
    };
    let shown = |method: shop::PaymentMethod| {
        let shop::PaymentMethod { provider, publishable_key } = method;
        PaymentMethod { provider, name: name(provider), publishable_key }
    };
    let items = app.checkout.payment_methods(id, now).await?.into_iter().map(shown).collect();
    Ok(Json(PaymentMethods { items }))
}
