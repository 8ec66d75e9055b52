//! `POST /v1/checkout`.

use api::views::OrderView;
use api::{Answer, Keyed, Now, Problem, SourceIp};
use axum::extract::State;
use domain::contact::Contact;
use domain::payment::ProviderName;
use domain::text::{Email, Phone};
use domain::{Call, CartId, Money, Refusal};
use serde::Deserialize;
use shop::OpenedOrder;
use utoipa::ToSchema;

use crate::{App, return_url};

/// The order to place for a cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckOut {
    cart_id: CartId,
    /// How the buyer is reached. An e-mail address is needed; a telephone number is kept and shown beside it.
    #[serde(default)]
    contact: Option<Contact>,
    /// The e-mail address alone, as clients before `contact` send it.
    #[serde(default, deserialize_with = "domain::text::optional")]
    email: Option<Email>,
    payment: PaymentChoice,
    /// The total that the buyer has agreed to, with delivery and tax. If the actual total is lower, that is charged; if
    /// it is higher, the call is refused with `price_changed`.
    expected_total: Money,
}

impl CheckOut {
    /// The buyer's e-mail address and telephone number.
    fn contact(&self) -> Result<(Email, Option<Phone>), Refusal> {
        let contact = self.contact.clone().unwrap_or_default();
        match (contact.email, self.email.clone()) {
            (Some(email), Some(alias)) if email != alias => {
                Err(Refusal::field("/email", "mismatch", "differs from the one in contact"))
            }
            (Some(email), _) | (None, Some(email)) => Ok((email, contact.phone)),
            (None, None) if contact.phone.is_some() => {
                let detail = "a telephone number alone is not enough yet: messages about the order are mailed";
                Err(Refusal::field("/contact/email", "email_needed", detail))
            }
            (None, None) => {
                Err(Refusal::field("/contact/email", "missing", "is needed: messages about the order are mailed"))
            }
        }
    }
}

/// The chosen payment method.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentChoice {
    /// One of the cart's payment methods.
    provider: ProviderName,
    /// An https address that the provider sends the buyer back to after a redirect.
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(format = "uri", examples("https://shop.example/orders"))]
    return_url: Option<String>,
}

/// 201 with the order as its buyer sees it, and the token that opens it.
pub(crate) fn answer(opened: &OpenedOrder) -> Result<Answer, Refusal> {
    let view = OrderView { token: Some(opened.token.clone()), ..OrderView::from(&opened.order) };
    Answer::created(format!("/v1/orders/{}", opened.order.order.id), &view)
}

/// Places an order for a cart and opens its payment.
///
/// A repeat with the same idempotency key gets the stored response; after a crash it continues where the first call
/// stopped. Without conflicts the call takes four round trips: the cart; what it names; one transaction with the order,
/// its stock and the cart; and the provider.
#[utoipa::path(
    post, path = "/v1/checkout",
    request_body = CheckOut, responses((status = CREATED, body = OrderView))
)]
pub async fn check_out_cart(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    asked: Keyed<CheckOut>,
) -> Result<Answer, Problem> {
    return_url::check(asked.body.payment.return_url.as_deref(), "/payment/return_url")?;
    let (email, phone) = asked.body.contact()?;
    let cart = asked.body.cart_id;
    let (asked, request) = asked.scoped_to(cart);
    let CheckOut { payment: PaymentChoice { provider, .. }, expected_total, .. } = asked;
    let order = shop::CheckOut { cart, email, phone, provider, expected_total };
    let call = Call::new(Some(&request), Answer::to_record, &answer);
    Answer::of(app.checkout.place(&order, &client, call, now).await?)
}
