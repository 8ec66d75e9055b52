//! The recipients of each event, and the texts of the messages.
//!
//! A message describes the order as it is when the event is delivered. The order may have changed since the event:
//! what is no longer true is left out, because a later event reports what is.

use domain::VendorId;
use domain::dispute::DisputeState;
use domain::order::{
    Actor, HistoryEvent, OrderEvent, OrderEventKind, OrderState, Parcel, ParcelState, PlacedOrder, VendorOrder,
    VendorOrderState,
};
use domain::payment::{ProviderName, Refund, RefundReason};

use crate::back::refund_paragraph;
use crate::message::{Draft, Message, Site, amount, one_line};
use crate::{granted, reminders, returns};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipient {
    Buyer,
    Vendor(VendorId),
    Operator,
}

impl Recipient {
    /// The name under which the event records that they were notified.
    pub(crate) fn role(&self) -> String {
        match self {
            Self::Buyer => "buyer".to_owned(),
            Self::Vendor(vendor) => vendor.to_string(),
            Self::Operator => "operator".to_owned(),
        }
    }
}

/// The recipients of an event.
///
/// `OrderPlaced` has none: the buyer is on the payment page, and the next event says whether the order was paid.
/// `VendorOrderAccepted` has none: the buyer is notified when the parcel is shipped.
pub(crate) fn recipients(event: &OrderEvent, order: &PlacedOrder) -> Vec<Recipient> {
    let vendors = |concerned: fn(&VendorOrder) -> bool| {
        order
            .vendors
            .iter()
            .filter(move |vendor_order| concerned(vendor_order))
            .map(|vendor_order| Recipient::Vendor(vendor_order.vendor.id))
    };
    let with_buyer = |others: Vec<Recipient>| [vec![Recipient::Buyer], others].concat();
    let vendor_order = event.vendor.and_then(|vendor| order.vendor_order(vendor));
    match event.kind {
        OrderEventKind::OrderPlaced | OrderEventKind::VendorOrderAccepted => Vec::new(),
        // Of the codes only the newest counts, and each of these events tells it.
        OrderEventKind::ConfirmationAsked if order.order.confirmation.is_some() => with_buyer(Vec::new()),
        OrderEventKind::ConfirmationAsked => Vec::new(),
        OrderEventKind::PaymentAmountMismatch => vec![Recipient::Operator],
        OrderEventKind::RefundFailed => {
            // The money may have been given back since.
            let is_so = order.refunds.iter().any(Refund::needs_manual_refund);
            if is_so { vec![Recipient::Operator] } else { Vec::new() }
        }
        // Vendors stop, and go on; a dispute that was lost cancels their vendor orders, which has its own event.
        OrderEventKind::DisputeOpened | OrderEventKind::DisputeClosed => {
            let was_held = order.disputes.iter().any(|dispute| {
                dispute.payment == order.order.payment
                    && dispute.state == DisputeState::Won
                    && dispute.opened_at.is_some()
            });
            let is_opened = event.kind == OrderEventKind::DisputeOpened;
            let is_so = if is_opened { order.is_held() } else { was_held && !order.is_held() };
            let waiting = vendors(|vendor_order| vendor_order.visible && vendor_order.state.holds_stock());
            std::iter::once(Recipient::Operator).chain(waiting.filter(|_| is_so)).collect()
        }
        // An order that has ended by now is reported by the event that ended it.
        OrderEventKind::OrderConfirmed | OrderEventKind::OrderPaid
            if matches!(order.order.state, OrderState::Expired | OrderState::Cancelled) =>
        {
            Vec::new()
        }
        OrderEventKind::OrderConfirmed | OrderEventKind::OrderPaid => with_buyer(
            vendors(|vendor_order| vendor_order.visible && !vendor_order.state.is_cancelled_or_declined()).collect(),
        ),
        OrderEventKind::OrderExpired if order.order.state == OrderState::Expired => {
            with_buyer(vendors(was_cancelled).collect())
        }
        OrderEventKind::OrderCancelled if order.order.state == OrderState::Cancelled => {
            let vendors = vendors(was_cancelled).collect();
            match cancelled_by(order) {
                // When the last vendor declines, the event of that decline notifies the buyer.
                Some(Actor::Vendor) => vendors,
                // What vendors have not done in time was told for each vendor order.
                Some(Actor::System) => Vec::new(),
                _ => with_buyer(vendors),
            }
        }
        OrderEventKind::OrderExpired | OrderEventKind::OrderCancelled => Vec::new(),
        OrderEventKind::AcceptanceReminder | OrderEventKind::ShippingReminder | OrderEventKind::ShippingOverdue => {
            let operator = (event.kind == OrderEventKind::ShippingOverdue).then_some(Recipient::Operator);
            let awaited = event.vendor.map(Recipient::Vendor).into_iter().chain(operator);
            if reminders::is_so(event, order) { awaited.collect() } else { Vec::new() }
        }
        OrderEventKind::ReturnRequested
        | OrderEventKind::ReturnApproved
        | OrderEventKind::ReturnDeclined
        | OrderEventKind::ReturnExpired
        | OrderEventKind::ReturnReceived => {
            let vendor = event.vendor.map(Recipient::Vendor);
            match event.kind {
                _ if !returns::is_so(event, order) => Vec::new(),
                OrderEventKind::ReturnRequested => vendor.into_iter().collect(),
                OrderEventKind::ReturnApproved => with_buyer(vendor.into_iter().collect()),
                _ => with_buyer(Vec::new()),
            }
        }
        OrderEventKind::VendorOrderDeclined => with_buyer(Vec::new()),
        OrderEventKind::RefundGranted => with_buyer(granted::vendors(event, order).map(Recipient::Vendor).collect()),
        OrderEventKind::VendorOrderCancelled => with_buyer(event.vendor.map(Recipient::Vendor).into_iter().collect()),
        OrderEventKind::VendorOrderShipped
        | OrderEventKind::VendorOrderDelivered
        | OrderEventKind::ParcelLost
        | OrderEventKind::ParcelReturnedToSender => {
            let parcel = vendor_order.and_then(|vendor_order| parcel_of(event, vendor_order));
            let is_so = parcel.is_some_and(|parcel| match event.kind {
                OrderEventKind::VendorOrderShipped => !parcel.state.has_failed(),
                OrderEventKind::VendorOrderDelivered => parcel.state == ParcelState::Delivered,
                _ => parcel.state.has_failed(),
            });
            if is_so { with_buyer(Vec::new()) } else { Vec::new() }
        }
        OrderEventKind::LatePaymentRefunded
        | OrderEventKind::DuplicatePaymentRefunded
        | OrderEventKind::MismatchedPaymentRefunded => with_buyer(Vec::new()),
    }
}

/// Whether a refund was decided by the change that an event tells of: both have its time, and its vendor.
fn is_of(event: &OrderEvent, refund: &Refund) -> bool {
    let concerns = |vendor| refund.vendor == Some(vendor) || refund.parts.iter().any(|part| part.vendor == vendor);
    refund.created_at == event.at && event.vendor.is_some_and(concerns)
}

/// The number of the parcel that an event concerns: of an event of an earlier release, that of the only one.
fn number_of(event: &OrderEvent, vendor_order: &VendorOrder) -> u16 {
    event.parcel.unwrap_or_else(|| u16::try_from(vendor_order.parcels.len()).unwrap_or(u16::MAX))
}

fn parcel_of<'a>(event: &OrderEvent, vendor_order: &'a VendorOrder) -> Option<&'a Parcel> {
    vendor_order.parcel(number_of(event, vendor_order))
}

/// Whether a vendor order was visible to its vendor and was cancelled by somebody else.
fn was_cancelled(vendor_order: &VendorOrder) -> bool {
    vendor_order.visible && vendor_order.state == VendorOrderState::Cancelled
}

fn cancelled_by(order: &PlacedOrder) -> Option<Actor> {
    order
        .history
        .iter()
        .rev()
        .find(|entry| entry.event == HistoryEvent::Cancelled && entry.vendor.is_none())
        .map(|entry| entry.by)
}

/// The message to the buyer; `None` if the event does not concern them.
/// `code` is the one that confirms the order.
pub(crate) fn to_buyer(
    event: &OrderEvent,
    order: &PlacedOrder,
    site: &Site,
    link: &str,
    code: Option<&str>,
) -> Option<Message> {
    let number = order.order.id.number();
    let on_delivery = order.order.provider.is_on_delivery();
    let is_free = order.order.provider == ProviderName::Unneeded;
    let vendor_orders = || order.vendors.iter().filter(|vendor_order| !vendor_order.state.is_cancelled_or_declined());
    let vendor_order = event.vendor.and_then(|vendor| order.vendor_order(vendor));
    let (subject, draft) = match event.kind {
        OrderEventKind::ConfirmationAsked => (
            format!("Please confirm order {number}"),
            Draft::new()
                .paragraph(
                    "Somebody has ordered with your address and wants to pay on delivery. If that was you, enter:",
                )
                .paragraph(code?)
                .paragraph("The code is valid for half an hour after the order. Without it nothing is sent.")
                .paragraph("If it was not you, there is nothing to do: tell nobody the code.")
                .paragraph(format!("Order {number}"))
                .bill(vendor_orders(), &order.order.totals),
        ),
        OrderEventKind::OrderConfirmed => (
            format!("Order {number} is confirmed"),
            Draft::new()
                .paragraph("Thank you for your order. The shops are preparing it now.")
                .paragraph(format!("You pay when it is delivered: {}.", amount(order.order.totals.total)))
                .paragraph(format!("Order {number}"))
                .bill(vendor_orders(), &order.order.totals),
        ),
        OrderEventKind::OrderPaid if is_free => (
            format!("Order {number} is confirmed"),
            Draft::new()
                .paragraph("Thank you for your order. You have nothing to pay, and the shops are preparing it now.")
                .paragraph(format!("Order {number}"))
                .bill(vendor_orders(), &order.order.totals),
        ),
        OrderEventKind::OrderPaid => (
            format!("Order {number} is paid"),
            Draft::new()
                .paragraph("Thank you. Your payment has arrived, and the shops are preparing your order now.")
                .paragraph(format!("Order {number}"))
                .bill(vendor_orders(), &order.order.totals),
        ),
        OrderEventKind::OrderExpired if on_delivery && order.vendors.iter().all(|one| !one.visible) => (
            format!("Order {number} was not confirmed"),
            Draft::new()
                .paragraph("Your order was not confirmed in time, so we have closed it. You have nothing to pay.")
                .paragraph("If you still want these things, they are in your cart again."),
        ),
        OrderEventKind::OrderExpired if on_delivery => (
            format!("Order {number} is closed"),
            Draft::new().paragraph("Your order was not sent in time, so we have closed it. You have nothing to pay."),
        ),
        OrderEventKind::OrderExpired => (
            format!("Order {number} was not paid in time"),
            Draft::new()
                .paragraph("Your payment did not arrive in time, so we have closed the order.")
                .paragraph(refund_paragraph(order, None, |_| true))
                .paragraph("If you still want these things, they are in your cart again."),
        ),
        OrderEventKind::OrderCancelled => (
            format!("Order {number} is cancelled"),
            Draft::new().paragraph("Your order is cancelled.").paragraph(refund_paragraph(order, None, |_| true)),
        ),
        OrderEventKind::VendorOrderDeclined | OrderEventKind::VendorOrderCancelled => {
            let vendor_order = vendor_order?;
            let all_off = order.vendors.iter().all(|vendor_order| vendor_order.state.is_unfulfilled());
            (
                format!("Order {number}: a shop cannot deliver"),
                Draft::new()
                    .paragraph(format!(
                        "We are sorry. {} cannot send you:",
                        one_line(vendor_order.vendor.name.as_str())
                    ))
                    .units(vendor_order, |_, line| line.cancelled)
                    .paragraph(refund_paragraph(order, event.vendor, |refund| is_of(event, refund)))
                    .paragraph(if all_off {
                        "Nothing else is left in this order, so it is closed."
                    } else {
                        "The rest of your order stays as it is."
                    }),
            )
        }
        OrderEventKind::VendorOrderShipped => {
            let vendor_order = vendor_order?;
            let parcel = parcel_of(event, vendor_order)?;
            // One that an earlier release has shipped is all of its vendor order.
            let due = parcel.due.unwrap_or(vendor_order.totals.total);
            let is_part = vendor_order.lines.iter().any(|line| line.left_to_ship() > 0);
            let subject = if vendor_order.parcels.len() == 1 && !is_part {
                format!("Order {number} is on its way")
            } else {
                format!("A parcel of order {number} is on its way")
            };
            (
                subject,
                Draft::new()
                    .paragraph(format!("{} has sent you:", one_line(vendor_order.vendor.name.as_str())))
                    .units(vendor_order, |at, _| units_in(parcel, at))
                    .paragraph_if(tracking(parcel).is_some(), || tracking(parcel).unwrap_or_default())
                    .paragraph_if(is_part, || "The rest comes in another parcel.".to_owned())
                    .paragraph_if(on_delivery, || {
                        format!("Please have the money ready when it comes: {}.", amount(due))
                    }),
            )
        }
        OrderEventKind::VendorOrderDelivered => {
            let vendor_order = vendor_order?;
            let parcel = parcel_of(event, vendor_order)?;
            let is_all =
                vendor_order.parcels.len() == 1 && vendor_order.lines.iter().all(|line| line.left_to_ship() == 0);
            let subject = if is_all {
                format!("Order {number} was delivered")
            } else {
                format!("A parcel of order {number} was delivered")
            };
            (
                subject,
                Draft::new()
                    .paragraph(format!("{} says that you have received:", one_line(vendor_order.vendor.name.as_str())))
                    .units(vendor_order, |at, _| units_in(parcel, at)),
            )
        }
        OrderEventKind::ParcelLost | OrderEventKind::ParcelReturnedToSender => {
            let vendor_order = vendor_order?;
            let parcel = parcel_of(event, vendor_order)?;
            let lost = event.kind == OrderEventKind::ParcelLost;
            let (subject, said) = if lost {
                (format!("A parcel of order {number} was lost"), "A parcel for you was lost on its way. In it were:")
            } else {
                (format!("A parcel of order {number} came back"), "A parcel for you went back to the shop. In it were:")
            };
            (
                subject,
                Draft::new()
                    .paragraph(said)
                    .units(vendor_order, |at, _| units_in(parcel, at))
                    .paragraph_if(tracking(parcel).is_some(), || tracking(parcel).unwrap_or_default())
                    .paragraph(if on_delivery {
                        "You do not pay for it.".to_owned()
                    } else {
                        refund_paragraph(order, event.vendor, |refund| is_of(event, refund))
                    }),
            )
        }
        OrderEventKind::RefundGranted => granted::to_buyer(event, order)?,
        OrderEventKind::ReturnApproved
        | OrderEventKind::ReturnDeclined
        | OrderEventKind::ReturnExpired
        | OrderEventKind::ReturnReceived => returns::to_buyer(event, order)?,
        OrderEventKind::LatePaymentRefunded => (
            format!("Order {number}: your money goes back"),
            Draft::new()
                .paragraph("Your payment arrived after the order was closed, and the order cannot go on any more.")
                .paragraph(refund_paragraph(order, None, |refund| refund.reason == RefundReason::Late)),
        ),
        OrderEventKind::DuplicatePaymentRefunded => (
            format!("Order {number}: your money goes back"),
            Draft::new()
                .paragraph("You have paid this order twice. Your order is not affected.")
                .paragraph(refund_paragraph(order, None, |refund| refund.reason == RefundReason::Duplicate)),
        ),
        OrderEventKind::MismatchedPaymentRefunded => (
            format!("Order {number}: your money goes back"),
            Draft::new()
                .paragraph("Your payment was not the amount that this order costs.")
                .paragraph(refund_paragraph(order, None, |refund| refund.reason == RefundReason::AmountMismatch)),
        ),
        OrderEventKind::OrderPlaced
        | OrderEventKind::VendorOrderAccepted
        | OrderEventKind::AcceptanceReminder
        | OrderEventKind::ShippingReminder
        | OrderEventKind::ShippingOverdue
        | OrderEventKind::ReturnRequested
        | OrderEventKind::PaymentAmountMismatch
        | OrderEventKind::RefundFailed
        | OrderEventKind::DisputeOpened
        | OrderEventKind::DisputeClosed => return None,
    };
    let draft = draft
        .paragraph(format!("See your order here:\n{link}"))
        .paragraph("Keep this link to yourself. Whoever has it can see your order and cancel it.");
    Some(draft.finish(subject, site))
}

/// How many units of the line at a position are in a parcel.
fn units_in(parcel: &Parcel, at: usize) -> u32 {
    parcel.units.get(at).copied().unwrap_or(0)
}

/// Carrier and tracking number, as far as the vendor has given them.
fn tracking(parcel: &Parcel) -> Option<String> {
    let carrier = parcel.carrier.as_ref().map(|carrier| format!("Carrier: {}", one_line(carrier.as_str())));
    let number = parcel.tracking_number.as_ref().map(|number| format!("Parcel number: {}", one_line(number.as_str())));
    let text: Vec<String> = [carrier, number].into_iter().flatten().collect();
    (!text.is_empty()).then(|| text.join("\n"))
}

/// The message to a vendor; `None` if the event does not concern them. It contains neither the buyer's name nor their
/// address: these are on the vendor's pages, which require a sign-in.
pub(crate) fn to_vendor(event: &OrderEvent, order: &PlacedOrder, vendor: VendorId, site: &Site) -> Option<Message> {
    let number = order.order.id.number();
    let vendor_order = order.vendor_order(vendor)?;
    let (subject, draft) = match event.kind {
        OrderEventKind::OrderPaid | OrderEventKind::OrderConfirmed => {
            let money = if order.order.provider.is_on_delivery() {
                format!("The buyer pays when it is delivered: {}.", amount(vendor_order.totals.total))
            } else if order.order.provider == ProviderName::Unneeded {
                "The buyer has nothing to pay.".to_owned()
            } else {
                "It is paid.".to_owned()
            };
            (
                format!("New order {number}"),
                Draft::new()
                    .paragraph(format!("You have a new order. {money}"))
                    .paragraph(format!("Order {number}"))
                    .bill_of_vendor_order(vendor_order)
                    .paragraph_if(order.is_held(), || {
                        "The buyer's bank is asking about the payment: please wait until we write to you.".to_owned()
                    })
                    .paragraph(format!(
                        "Open it here, accept it and send it:\n{}",
                        site.vendor_order_link(vendor_order.id())
                    )),
            )
        }
        OrderEventKind::OrderCancelled | OrderEventKind::OrderExpired | OrderEventKind::VendorOrderCancelled => {
            let (subject, said) = if event.kind == OrderEventKind::OrderExpired {
                (format!("Order {number} is closed"), format!("Order {number} was not sent in time, so it is closed."))
            } else if vendor_order.parcels.is_empty() {
                (format!("Order {number} is cancelled"), format!("Order {number} is cancelled."))
            } else {
                let subject = format!("The rest of order {number} is cancelled");
                (subject, format!("What you have not sent of order {number} is cancelled."))
            };
            (
                subject,
                Draft::new()
                    .paragraph(format!("{said} Please do not send:"))
                    .units(vendor_order, |_, line| line.cancelled)
                    .paragraph("These things are in your stock again.")
                    .paragraph(format!("See the order here:\n{}", site.vendor_order_link(vendor_order.id()))),
            )
        }
        OrderEventKind::DisputeOpened => (
            format!("Order {number}: please do not send it yet"),
            Draft::new()
                .paragraph("The buyer's bank is asking about the payment of this order. Please do not send:")
                .units(vendor_order, |_, line| line.left_to_ship())
                .paragraph("We will write to you when you can go on, or when it is cancelled.")
                .paragraph(format!("See the order here:\n{}", site.vendor_order_link(vendor_order.id()))),
        ),
        OrderEventKind::DisputeClosed => (
            format!("Order {number}: you can go on"),
            Draft::new()
                .paragraph("The question about the payment of this order is settled. You can send:")
                .units(vendor_order, |_, line| line.left_to_ship())
                .paragraph(format!("See the order here:\n{}", site.vendor_order_link(vendor_order.id()))),
        ),
        OrderEventKind::RefundGranted => granted::to_vendor(event, order, vendor, site)?,
        OrderEventKind::AcceptanceReminder | OrderEventKind::ShippingReminder | OrderEventKind::ShippingOverdue => {
            reminders::to_vendor(event, order, vendor_order, site)
        }
        OrderEventKind::ReturnRequested | OrderEventKind::ReturnApproved => {
            returns::to_vendor(event, order, vendor, site)?
        }
        OrderEventKind::OrderPlaced
        | OrderEventKind::ConfirmationAsked
        | OrderEventKind::VendorOrderAccepted
        | OrderEventKind::VendorOrderDeclined
        | OrderEventKind::VendorOrderShipped
        | OrderEventKind::VendorOrderDelivered
        | OrderEventKind::ParcelLost
        | OrderEventKind::ParcelReturnedToSender
        | OrderEventKind::ReturnDeclined
        | OrderEventKind::ReturnExpired
        | OrderEventKind::ReturnReceived
        | OrderEventKind::LatePaymentRefunded
        | OrderEventKind::DuplicatePaymentRefunded
        | OrderEventKind::PaymentAmountMismatch
        | OrderEventKind::MismatchedPaymentRefunded
        | OrderEventKind::RefundFailed => return None,
    };
    Some(draft.finish(subject, site))
}
