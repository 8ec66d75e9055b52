//! The message to a vendor about low stock.

use domain::LowStock;

use crate::message::{Draft, Message, Site, one_line};

/// The message gives the stock at the time of the event: later sales are on the vendor's pages.
pub(crate) fn to_vendor(low: &LowStock, site: &Site) -> Message {
    let left = low.left.max(0);
    let name = match &low.sku {
        Some(sku) => format!("{}, {}", low.title, sku),
        None => low.title.clone(),
    };
    Draft::new()
        .paragraph(format!("{left} left of {}.", one_line(&name)))
        .paragraph_if(low.left < 0, || format!("Buyers wait for {} more.", low.left.unsigned_abs()))
        .paragraph(format!(
            "You asked to be told at {}. You are told again only after there was more in between.",
            low.low_stock_at
        ))
        .paragraph(format!("See the product here:\n{}", site.product_link(low.variant.product())))
        .finish(format!("{left} left of {name}"), site)
}
