//! What a seller is told of his shelf.

use domain::LowStock;

use crate::letter::{Draft, Letter, Place, one_line};

/// A variant runs low. The letter says how things stood when it did: what was sold since then stands at the desk.
pub(crate) fn to_vendor(low: &LowStock, place: &Place) -> Letter {
    let left = low.left.max(0);
    let name = match &low.sku {
        Some(sku) => format!("{}, {}", low.title, sku),
        None => low.title.clone(),
    };
    Draft::new()
        .say(format!("{left} left of {}.", one_line(&name)))
        .say_if(low.left < 0, || format!("Buyers wait for {} more.", low.left.unsigned_abs()))
        .say(format!(
            "You asked to be told at {}. You are told again only after there was more in between.",
            low.low_stock_at
        ))
        .say(format!("See the product here:\n{}", place.shelf_link(low.variant.product())))
        .finish(format!("{left} left of {name}"), place)
}
