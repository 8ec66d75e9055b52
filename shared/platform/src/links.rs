//! Addresses of pages in messages.

use domain::{OrderId, VendorId};

/// The link that opens an order on a device, below the address of the shop's pages. A page that shows one button is
/// behind it: programs that look through mail open links and press none. The path has the token, which the gateway's
/// log leaves out.
pub fn order_link(shop: &str, order: OrderId, token: &str) -> String {
    format!("{}/r/{order}.{token}", shop.trim_end_matches('/'))
}

/// A page of a shop's desk, as a path: `page` is below the desk, as `/orders/<id>`. It names the shop, since people may
/// work for several.
pub fn desk_page(page: &str, vendor: VendorId) -> String {
    format!("/desk{page}?shop={vendor}")
}
