//! Messages about returns.

use domain::VendorId;
use domain::order::{OrderEvent, OrderEventKind, PlacedOrder, VendorOrder};
use domain::return_policy::WayBack;
use domain::returns::{Return, ReturnState};
use pages::mail::{MailTexts, one_line};
use pages::{Language, date, fill};

use crate::back::refund_paragraph;
use crate::message::{Draft, Site};

/// The return that an event tells of, with its vendor order.
fn concerned<'a>(event: &OrderEvent, order: &'a PlacedOrder) -> Option<(&'a VendorOrder, &'a Return)> {
    let vendor_order = order.vendor_order(event.vendor?)?;
    Some((vendor_order, vendor_order.return_with(event.return_number?)?))
}

/// Whether the return is still in the state that the event tells of.
pub(crate) fn is_so(event: &OrderEvent, order: &PlacedOrder) -> bool {
    let Some((_, asked)) = concerned(event, order) else { return false };
    match event.kind {
        OrderEventKind::ReturnRequested => asked.state == ReturnState::Requested,
        OrderEventKind::ReturnApproved => asked.state == ReturnState::Approved,
        OrderEventKind::ReturnDeclined => asked.state == ReturnState::Declined,
        OrderEventKind::ReturnExpired => asked.state == ReturnState::Expired,
        _ => matches!(asked.state, ReturnState::Received | ReturnState::Refunded),
    }
}

fn units_of(asked: &Return) -> impl Fn(usize, &domain::order::OrderLine) -> u32 + '_ {
    |at, _| asked.units.get(at).copied().unwrap_or(0)
}

/// The subject and the text for the buyer.
pub(crate) fn to_buyer(event: &OrderEvent, order: &PlacedOrder, language: Language) -> Option<(&'static str, Draft)> {
    let (vendor_order, asked) = concerned(event, order)?;
    let t = MailTexts::of(language);
    let of_shop = |message: &str| fill(message, &[("shop", vendor_order.vendor.name.as_str())]);
    let listing = |words: String| Draft::new(language).paragraph(words).units(vendor_order, units_of(asked));
    Some(match event.kind {
        OrderEventKind::ReturnApproved => {
            let pays = vendor_order.lines.iter().zip(&asked.units).filter(|(_, units)| **units > 0);
            let pays = pays.filter_map(|(line, _)| line.returns).all(|policy| policy.way_back == WayBack::Buyer);
            let who = if pays { t.return_costs_you } else { t.return_costs_shop };
            let until = vendor_order.due_of_return(asked).map(|due| date(due, language));
            let sent = until.map_or_else(|| t.send_back.to_owned(), |due| fill(t.send_back_by, &[("date", &due)]));
            let said = listing(of_shop(t.takes_back)).paragraph(format!("{sent} {who}")).paragraph(t.return_money);
            (t.return_approved_subject, said)
        }
        OrderEventKind::ReturnDeclined => {
            let said = listing(of_shop(t.return_declined)).paragraph_if(asked.note.is_some(), || {
                let why = asked.note.as_ref().map_or_else(String::new, |note| one_line(note.as_str()));
                fill(t.reason, &[("reason", &why)])
            });
            (t.return_declined_subject, said)
        }
        OrderEventKind::ReturnExpired => (t.return_expired_subject, listing(t.return_expired.to_owned())),
        _ => {
            let is_of_it = |refund: &domain::payment::Refund| Some(refund.id) == asked.refund;
            let said = listing(of_shop(t.return_received))
                .paragraph_if(asked.refund.is_some(), || refund_paragraph(order, None, language, is_of_it));
            (t.return_received_subject, said)
        }
    })
}

/// The subject and the text for the vendor.
pub(crate) fn to_vendor(
    event: &OrderEvent,
    order: &PlacedOrder,
    vendor: VendorId,
    (site, language): (&Site, Language),
) -> Option<(&'static str, Draft)> {
    let (vendor_order, asked) = concerned(event, order)?;
    if vendor_order.vendor.id != vendor {
        return None;
    }
    let t = MailTexts::of(language);
    let until = vendor_order.due_of_return(asked).map(|due| date(due, language));
    let (subject, said, then) = match event.kind {
        OrderEventKind::ReturnRequested => {
            let answer = until.map_or_else(|| t.answer.to_owned(), |due| fill(t.answer_by, &[("date", &due)]));
            (t.return_asked_subject, t.return_asked, answer)
        }
        OrderEventKind::ReturnApproved => (t.comes_back_subject, t.comes_back, t.tell_arrival.to_owned()),
        _ => return None,
    };
    let draft = Draft::new(language)
        .paragraph(said)
        .units(vendor_order, units_of(asked))
        .paragraph(then)
        .link(t.see_order, site.vendor_order_link(vendor_order));
    Some((subject, draft))
}
