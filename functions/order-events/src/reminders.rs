//! Messages to those who are awaited.

use domain::order::{OrderEvent, OrderEventKind, PlacedOrder, VendorOrder, VendorOrderState};

use crate::message::{Draft, Site, day, one_line};

/// Whether the vendor is still awaited.
pub(crate) fn is_so(event: &OrderEvent, order: &PlacedOrder) -> bool {
    let Some(vendor_order) = event.vendor.and_then(|vendor| order.vendor_order(vendor)) else { return false };
    let state = vendor_order.state;
    let awaited = match event.kind {
        OrderEventKind::AcceptanceReminder => state == VendorOrderState::Pending,
        _ => matches!(state, VendorOrderState::Accepted | VendorOrderState::PartiallyShipped),
    };
    awaited && !order.is_held()
}

/// The subject and the text for the vendor who has to accept or ship.
pub(crate) fn to_vendor(
    event: &OrderEvent,
    order: &PlacedOrder,
    vendor_order: &VendorOrder,
    site: &Site,
) -> (String, Draft) {
    let number = order.order.id.number();
    let until = vendor_order.due_at().map_or_else(String::new, |due| format!(" by {}", day(due)));
    let link = format!("Open it here:\n{}", site.vendor_order_link(vendor_order.id()));
    let (subject, said) = match event.kind {
        OrderEventKind::AcceptanceReminder => (
            format!("Order {number} waits for you"),
            format!("Please accept this order{until}, or decline it. Without an answer it is cancelled."),
        ),
        OrderEventKind::ShippingReminder => {
            (format!("Order {number}: please send it"), format!("The buyer waits. Please send{until}:"))
        }
        _ => (
            format!("Order {number} is late"),
            "You have not sent this in time. Please send it now, or cancel it; otherwise it will be cancelled:"
                .to_owned(),
        ),
    };
    (subject, Draft::new().paragraph(said).units(vendor_order, |_, line| line.left_to_ship()).paragraph(link))
}

/// The subject and the text for the operator, about a vendor who has not shipped in time.
pub(crate) fn to_operator(order: &PlacedOrder, vendor_order: &VendorOrder) -> (String, Draft) {
    let draft = Draft::new()
        .paragraph(format!(
            "{} has accepted this order and not sent it in time:",
            one_line(vendor_order.vendor.name.as_str())
        ))
        .units(vendor_order, |_, line| line.left_to_ship())
        .paragraph("Ask the shop, or cancel it. Otherwise it will be cancelled, and the buyer gets the money back.");
    (format!("Order {}: a shop does not send", order.order.id.number()), draft)
}
