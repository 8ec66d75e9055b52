//! Order tokens: capabilities that are derived, not stored. A token is the HMAC-SHA256 of an order's id under a secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::OrderId;
use ring::hmac;

/// The token of an order in base64url, 43 characters: whoever holds it may see and cancel the order.
pub fn order_token(secret: &str, order: OrderId) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(&key(secret), message(order).as_bytes()))
}

/// Whether this is the order's token under one of the secrets: the current one, or the previous one while secrets are
/// rotated. Tags are compared in constant time, so that the time discloses nothing about the right token.
pub fn is_order_token<'a>(shown: &str, order: OrderId, secrets: impl IntoIterator<Item = &'a str>) -> bool {
    let Ok(tag) = URL_SAFE_NO_PAD.decode(shown) else { return false };
    let message = message(order);
    secrets.into_iter().any(|secret| hmac::verify(&key(secret), message.as_bytes(), &tag).is_ok())
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

/// The signed message. Its prefix separates purposes: a tag that the same secret makes for something else is not an
/// order token.
fn message(order: OrderId) -> String {
    format!("order-token:{order}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_order_under_the_current_and_the_previous_secret() {
        let order = OrderId::from_bits(1);
        let token = order_token("old", order);
        assert!(is_order_token(&token, order, ["new", "old"]));
        assert!(!is_order_token(&token, order, ["new"]));
        assert!(!is_order_token(&token, OrderId::from_bits(2), ["old"]));
        assert!(!is_order_token(&token[1..], order, ["old"]));
        assert!(!is_order_token("", order, ["old"]));
        assert!(!is_order_token("not base64!", order, ["old"]));
    }
}
