//! Messages to those who are awaited.

use domain::order::{OrderEvent, OrderEventKind, PlacedOrder, VendorOrder, VendorOrderState};
use pages::mail::MailTexts;
use pages::{Language, date, fill};

use crate::message::{Draft, Site};

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
    vendor_order: &VendorOrder,
    (site, language): (&Site, Language),
) -> (&'static str, Draft) {
    let t = MailTexts::of(language);
    let due = vendor_order.due_at().map(|due| date(due, language));
    let by = |soon: &str, by: &str| due.as_ref().map_or_else(|| soon.to_owned(), |due| fill(by, &[("date", due)]));
    let (subject, said) = match event.kind {
        OrderEventKind::AcceptanceReminder => (t.waits_subject, by(t.accept, t.accept_by)),
        OrderEventKind::ShippingReminder => (t.send_subject, by(t.send, t.send_by)),
        _ => (t.late_subject, t.late.to_owned()),
    };
    let draft = Draft::new(language).paragraph(said).units(vendor_order, |_, line| line.left_to_ship());
    (subject, draft.link(t.open_here, site.vendor_order_link(vendor_order)))
}

/// The subject and the text for the operator, about a vendor who has not shipped in time.
pub(crate) fn to_operator(vendor_order: &VendorOrder, language: Language) -> (&'static str, Draft) {
    let t = MailTexts::of(language);
    let draft = Draft::new(language)
        .paragraph(fill(t.shop_late, &[("shop", vendor_order.vendor.name.as_str())]))
        .units(vendor_order, |_, line| line.left_to_ship())
        .paragraph(t.shop_late_ask);
    (t.shop_late_subject, draft)
}
