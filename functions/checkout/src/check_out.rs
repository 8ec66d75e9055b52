//! `POST /v1/checkout`.

use api::views::OrderView;
use api::{Answer, Keyed, Problem, SourceIp};
use axum::extract::State;
use domain::Refusal;
use shop::{CheckOut, OpenedOrder};

use crate::App;

/// 201 with the order as its buyer sees it, and the token that opens it.
pub(crate) fn answer(opened: &OpenedOrder) -> Result<Answer, Refusal> {
    let view = OrderView { token: Some(opened.token.clone()), ..OrderView::from(&opened.order) };
    Answer::created(format!("/v1/orders/{}", opened.order.order.id), &view)
}

/// Places an order for a cart and opens its payment.
///
/// A repeat with the same idempotency key is answered with the order as it stands; after a crash it continues where the
/// first call stopped. Without conflicts the call takes four round trips: the cart; what it names; one transaction with
/// the order, its stock and the cart; and the provider.
#[utoipa::path(post, path = "/v1/checkout", request_body = CheckOut, responses((status = CREATED, body = OrderView)))]
pub async fn check_out_cart(
    State(app): State<App>,
    SourceIp(client): SourceIp,
    asked: Keyed<CheckOut>,
) -> Result<Answer, Problem> {
    let cart = asked.body.cart_id;
    let (asked, call) = asked.scoped_to(cart);
    Answer::of(app.checkout.place(&asked, &client, call.responding(&answer)).await?)
}
