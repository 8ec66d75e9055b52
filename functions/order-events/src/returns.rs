//! Messages about returns.

use domain::VendorId;
use domain::order::{OrderEvent, OrderEventKind, PlacedOrder, VendorOrder};
use domain::return_policy::WayBack;
use domain::returns::{Return, ReturnState};

use crate::back::refund_paragraph;
use crate::message::{Draft, Site, day, one_line};

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
pub(crate) fn to_buyer(event: &OrderEvent, order: &PlacedOrder) -> Option<(String, Draft)> {
    let (vendor_order, asked) = concerned(event, order)?;
    let (number, shop) = (order.order.id.number(), one_line(vendor_order.vendor.name.as_str()));
    Some(match event.kind {
        OrderEventKind::ReturnApproved => {
            let pays = vendor_order.lines.iter().zip(&asked.units).filter(|(_, units)| **units > 0);
            let pays = pays.filter_map(|(line, _)| line.returns).all(|policy| policy.way_back == WayBack::Buyer);
            let who = if pays { "You pay for sending it." } else { "You do not pay for sending it: ask the shop how." };
            let until = vendor_order.due_of_return(asked).map_or_else(String::new, |due| format!(" by {}", day(due)));
            (
                format!("Order {number}: you can send it back"),
                Draft::new()
                    .paragraph(format!("{shop} takes back:"))
                    .units(vendor_order, units_of(asked))
                    .paragraph(format!("Please send it to the shop{until}. {who}"))
                    .paragraph("When it is there, your money goes back to you."),
            )
        }
        OrderEventKind::ReturnDeclined => (
            format!("Order {number}: the shop does not take it back"),
            Draft::new()
                .paragraph(format!("We are sorry. {shop} does not take back:"))
                .units(vendor_order, units_of(asked))
                .paragraph_if(asked.note.is_some(), || {
                    let why = asked.note.as_ref().map_or_else(String::new, |note| one_line(note.as_str()));
                    format!("The reason: {why}")
                }),
        ),
        OrderEventKind::ReturnExpired => (
            format!("Order {number}: the return is closed"),
            Draft::new()
                .paragraph("These things did not come back to the shop in time, so you keep them:")
                .units(vendor_order, units_of(asked)),
        ),
        _ => {
            let is_of_it = |refund: &domain::payment::Refund| Some(refund.id) == asked.refund;
            (
                format!("Order {number}: the shop has your return"),
                Draft::new()
                    .paragraph(format!("{shop} has received:"))
                    .units(vendor_order, units_of(asked))
                    .paragraph_if(asked.refund.is_some(), || refund_paragraph(order, None, is_of_it)),
            )
        }
    })
}

/// The subject and the text for the vendor.
pub(crate) fn to_vendor(
    event: &OrderEvent,
    order: &PlacedOrder,
    vendor: VendorId,
    site: &Site,
) -> Option<(String, Draft)> {
    let (vendor_order, asked) = concerned(event, order)?;
    if vendor_order.vendor.id != vendor {
        return None;
    }
    let number = order.order.id.number();
    let until = vendor_order.due_of_return(asked).map_or_else(String::new, |due| format!(" by {}", day(due)));
    let (subject, said, then) = match event.kind {
        OrderEventKind::ReturnRequested => (
            format!("Order {number}: the buyer wants to give something back"),
            "The buyer wants to give back:",
            format!("Please answer{until}: without an answer it counts as approved."),
        ),
        OrderEventKind::ReturnApproved => (
            format!("Order {number}: something comes back"),
            "The buyer may send back to you:",
            "Please tell us when it has arrived: then the buyer gets the money back.".to_owned(),
        ),
        _ => return None,
    };
    let draft = Draft::new()
        .paragraph(said)
        .units(vendor_order, units_of(asked))
        .paragraph(then)
        .paragraph(format!("See the order here:\n{}", site.vendor_order_link(vendor_order.id())));
    Some((subject, draft))
}
