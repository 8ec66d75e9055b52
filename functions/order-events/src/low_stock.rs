//! The message to a vendor about low stock.

use domain::LowStock;
use domain::catalog::Product;
use pages::mail::MailTexts;
use pages::{Language, fill, number};

use crate::message::{Draft, Message, Site};

/// The message gives the stock at the time of the event: later sales are on the vendor's pages. Nothing when the
/// product has no such variant any more.
pub(crate) fn to_vendor(low: &LowStock, product: &Product, (site, language): (&Site, Language)) -> Option<Message> {
    let t = MailTexts::of(language);
    let count = |units: i64| number(units, language);
    let variant = product.variant(low.variant)?;
    let title = product.title_of(variant);
    let name = match &variant.sku {
        Some(sku) => format!("{title}, {sku}"),
        None => title,
    };
    let left = count(low.left.max(0));
    let of_it = |message: &str| fill(message, &[("left", &left), ("product", &name)]);
    let awaited = i64::try_from(low.left.unsigned_abs()).unwrap_or(i64::MAX);
    let message = Draft::new(language)
        .paragraph(pages::mail::one_line(&of_it(t.low)))
        .paragraph_if(low.left < 0, || fill(t.low_awaited, &[("units", &count(awaited))]))
        .paragraph(fill(t.low_level, &[("level", &low.low_stock_at.to_string())]))
        .link(t.see_product, site.product_link(product.id, product.vendor.id))
        .finish(&of_it(t.low_subject), site);
    Some(message)
}
