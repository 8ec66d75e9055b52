//! Messages about money that the operator or a vendor gives back of their own accord.

use domain::VendorId;
use domain::order::{OrderEvent, PlacedOrder};
use domain::payment::Refund;

use crate::back::refund_paragraph;
use crate::message::{Draft, Site, amount, one_line};

/// Whether a refund is the one that an event tells of: both have the same bits for an id.
fn is_of(event: &OrderEvent, refund: &Refund) -> bool {
    refund.id.bits() == event.id.bits()
}

fn granted<'a>(event: &OrderEvent, order: &'a PlacedOrder) -> Option<&'a Refund> {
    order.refunds.iter().find(|refund| is_of(event, refund))
}

/// The vendors who pay it.
pub(crate) fn vendors(event: &OrderEvent, order: &PlacedOrder) -> impl Iterator<Item = VendorId> {
    granted(event, order).into_iter().flat_map(|refund| &refund.parts).map(|part| part.vendor)
}

/// The subject and the text for the buyer.
pub(crate) fn to_buyer(event: &OrderEvent, order: &PlacedOrder) -> Option<(String, Draft)> {
    let refund = granted(event, order)?;
    let draft = Draft::new()
        .paragraph("You get money back for this order, and you keep what you have received.")
        .paragraph_if(refund.note.is_some(), || because(refund))
        .paragraph(refund_paragraph(order, None, |refund| is_of(event, refund)));
    Some((format!("Order {}: money goes back to you", order.order.id.number()), draft))
}

/// The subject and the text for the vendor who pays it.
pub(crate) fn to_vendor(
    event: &OrderEvent,
    order: &PlacedOrder,
    vendor: VendorId,
    site: &Site,
) -> Option<(String, Draft)> {
    let refund = granted(event, order)?;
    let part = refund.parts.iter().find(|part| part.vendor == vendor)?;
    let vendor_order = order.vendor_order(vendor)?;
    let draft = Draft::new()
        .paragraph(format!(
            "The buyer gets {} back of your part of this order, and keeps the goods.",
            amount(part.amount)
        ))
        .paragraph_if(refund.note.is_some(), || because(refund))
        .paragraph(format!("See the order here:\n{}", site.vendor_order_link(vendor_order.id())));
    Some((format!("Order {}: money goes back to the buyer", order.order.id.number()), draft))
}

fn because(refund: &Refund) -> String {
    format!("The reason: {}", refund.note.as_ref().map_or_else(String::new, |note| one_line(note.as_str())))
}
