//! Addresses of pages in messages.

use domain::OrderId;

/// The link that opens an order on a device, below the address of the shop's pages. A page that shows one button is
/// behind it: programs that look through mail open links and press none. The path has the token, which the gateway's
/// log leaves out.
pub fn order_link(shop: &str, order: OrderId, token: &str) -> String {
    format!("{}/r/{order}.{token}", shop.trim_end_matches('/'))
}
