//! Addresses of pages in messages.

use domain::OrderId;

/// The buyer's page of an order, below the address of the shop's pages. The token is in the fragment, which browsers do
/// not send to servers.
pub fn order_link(shop: &str, order: OrderId, token: &str) -> String {
    format!("{}/orders/{order}#token={token}", shop.trim_end_matches('/'))
}
