//! Messages about money that the operator or a vendor gives back of their own accord.

use domain::VendorId;
use domain::order::{OrderEvent, PlacedOrder};
use domain::payment::Refund;
use pages::mail::{MailTexts, one_line};
use pages::{Language, fill, money};

use crate::back::refund_paragraph;
use crate::message::{Draft, Site};

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
pub(crate) fn to_buyer(event: &OrderEvent, order: &PlacedOrder, language: Language) -> Option<(&'static str, Draft)> {
    let (t, refund) = (MailTexts::of(language), granted(event, order)?);
    let draft = Draft::new(language)
        .paragraph(t.granted)
        .paragraph_if(refund.note.is_some(), || because(t, refund))
        .paragraph(refund_paragraph(order, None, language, |refund| is_of(event, refund)));
    Some((t.granted_subject, draft))
}

/// The subject and the text for the vendor who pays it.
pub(crate) fn to_vendor(
    event: &OrderEvent,
    order: &PlacedOrder,
    vendor: VendorId,
    (site, language): (&Site, Language),
) -> Option<(&'static str, Draft)> {
    let (t, refund) = (MailTexts::of(language), granted(event, order)?);
    let part = refund.parts.iter().find(|part| part.vendor == vendor)?;
    let vendor_order = order.vendor_order(vendor)?;
    let draft = Draft::new(language)
        .paragraph(fill(t.granted_vendor, &[("amount", &money(part.amount, language))]))
        .paragraph_if(refund.note.is_some(), || because(t, refund))
        .link(t.see_order, site.vendor_order_link(vendor_order));
    Some((t.granted_vendor_subject, draft))
}

fn because(t: &MailTexts, refund: &Refund) -> String {
    fill(t.reason, &[("reason", &refund.note.as_ref().map_or_else(String::new, |note| one_line(note.as_str())))])
}
