//! The message to a vendor about low stock.

use domain::LowStock;
use domain::catalog::Product;

use crate::message::{Draft, Message, Site, one_line};

/// The message gives the stock at the time of the event: later sales are on the vendor's pages. Nothing when the
/// product has no such variant any more.
pub(crate) fn to_vendor(low: &LowStock, product: &Product, site: &Site) -> Option<Message> {
    let left = low.left.max(0);
    let variant = product.variant(low.variant)?;
    let title = product.title_of(variant);
    let name = match &variant.sku {
        Some(sku) => format!("{title}, {sku}"),
        None => title,
    };
    let message = Draft::new()
        .paragraph(format!("{left} left of {}.", one_line(&name)))
        .paragraph_if(low.left < 0, || format!("Buyers wait for {} more.", low.left.unsigned_abs()))
        .paragraph(format!(
            "You asked to be told at {}. You are told again only after there was more in between.",
            low.low_stock_at
        ))
        .paragraph(format!("See the product here:\n{}", site.product_link(low.variant.product())))
        .finish(format!("{left} left of {name}"), site);
    Some(message)
}
