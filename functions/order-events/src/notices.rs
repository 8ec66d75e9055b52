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
use pages::mail::{MailTexts, one_line};
use pages::{Language, fill, money};

use crate::message::{Draft, Message, Site};
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
/// `code` is the one that confirms the order. It is in the language that the buyer has ordered in.
pub(crate) fn to_buyer(
    event: &OrderEvent,
    order: &PlacedOrder,
    site: &Site,
    link: &str,
    code: Option<&str>,
) -> Option<Message> {
    let number = order.order.id.number();
    let language = site.language_of(order.order.language.as_deref());
    let t = MailTexts::of(language);
    let numbered = |message: &str| fill(message, &[("number", &number)]);
    let draft = || Draft::new(language);
    let on_delivery = order.order.provider.is_on_delivery();
    let is_free = order.order.provider == ProviderName::Unneeded;
    let vendor_orders = || order.vendors.iter().filter(|vendor_order| !vendor_order.state.is_cancelled_or_declined());
    let vendor_order = event.vendor.and_then(|vendor| order.vendor_order(vendor));
    let of_shop =
        |message: &str, vendor_order: &VendorOrder| fill(message, &[("shop", vendor_order.vendor.name.as_str())]);
    let bill = |draft: Draft| draft.paragraph(numbered(t.order)).bill(vendor_orders(), &order.order.totals);
    let (subject, draft) = match event.kind {
        OrderEventKind::ConfirmationAsked => {
            let asked = draft().paragraph(t.confirm_asked).code(code?).paragraph(t.confirm_valid);
            (t.confirm_subject, bill(asked.paragraph(t.confirm_not_you)))
        }
        OrderEventKind::OrderConfirmed => {
            let due = fill(t.pay_on_delivery, &[("amount", &money(order.order.totals.total, language))]);
            (t.confirmed_subject, bill(draft().paragraph(t.confirmed).paragraph(due)))
        }
        OrderEventKind::OrderPaid if is_free => (t.confirmed_subject, bill(draft().paragraph(t.nothing_to_pay))),
        OrderEventKind::OrderPaid => (t.paid_subject, bill(draft().paragraph(t.paid))),
        OrderEventKind::OrderExpired if on_delivery && order.vendors.iter().all(|one| !one.visible) => {
            (t.unconfirmed_subject, draft().paragraph(t.unconfirmed).paragraph(t.in_cart_again))
        }
        OrderEventKind::OrderExpired if on_delivery => (t.closed_subject, draft().paragraph(t.not_sent_closed)),
        OrderEventKind::OrderExpired => {
            let money = refund_paragraph(order, None, language, |_| true);
            (t.unpaid_subject, draft().paragraph(t.unpaid).paragraph(money).paragraph(t.in_cart_again))
        }
        OrderEventKind::OrderCancelled => {
            let money = refund_paragraph(order, None, language, |_| true);
            (t.cancelled_subject, draft().paragraph(t.cancelled).paragraph(money))
        }
        OrderEventKind::VendorOrderDeclined | OrderEventKind::VendorOrderCancelled => {
            let vendor_order = vendor_order?;
            let all_off = order.vendors.iter().all(|vendor_order| vendor_order.state.is_unfulfilled());
            let said = draft()
                .paragraph(of_shop(t.declined, vendor_order))
                .units(vendor_order, |_, line| line.cancelled)
                .paragraph(refund_paragraph(order, event.vendor, language, |refund| is_of(event, refund)))
                .paragraph(if all_off { t.nothing_left } else { t.rest_stays });
            (t.declined_subject, said)
        }
        OrderEventKind::VendorOrderShipped => {
            let vendor_order = vendor_order?;
            let parcel = parcel_of(event, vendor_order)?;
            // One that an earlier release has shipped is all of its vendor order.
            let due = parcel.due.unwrap_or(vendor_order.totals.total);
            let is_part = vendor_order.lines.iter().any(|line| line.left_to_ship() > 0);
            let is_all = vendor_order.parcels.len() == 1 && !is_part;
            let said = draft()
                .paragraph(of_shop(t.shipped, vendor_order))
                .units(vendor_order, |at, _| units_in(parcel, at))
                .paragraph_if(tracking(parcel, t).is_some(), || tracking(parcel, t).unwrap_or_default())
                .paragraph_if(is_part, || t.rest_later.to_owned())
                .paragraph_if(on_delivery, || fill(t.money_ready, &[("amount", &money(due, language))]));
            (if is_all { t.shipped_subject } else { t.parcel_shipped_subject }, said)
        }
        OrderEventKind::VendorOrderDelivered => {
            let vendor_order = vendor_order?;
            let parcel = parcel_of(event, vendor_order)?;
            let is_all =
                vendor_order.parcels.len() == 1 && vendor_order.lines.iter().all(|line| line.left_to_ship() == 0);
            let said =
                draft().paragraph(of_shop(t.delivered, vendor_order)).units(vendor_order, |at, _| units_in(parcel, at));
            (if is_all { t.delivered_subject } else { t.parcel_delivered_subject }, said)
        }
        OrderEventKind::ParcelLost | OrderEventKind::ParcelReturnedToSender => {
            let vendor_order = vendor_order?;
            let parcel = parcel_of(event, vendor_order)?;
            let lost = event.kind == OrderEventKind::ParcelLost;
            let (subject, said) = if lost { (t.lost_subject, t.lost) } else { (t.came_back_subject, t.came_back) };
            let said = draft()
                .paragraph(said)
                .units(vendor_order, |at, _| units_in(parcel, at))
                .paragraph_if(tracking(parcel, t).is_some(), || tracking(parcel, t).unwrap_or_default())
                .paragraph(if on_delivery {
                    t.not_paid_for.to_owned()
                } else {
                    refund_paragraph(order, event.vendor, language, |refund| is_of(event, refund))
                });
            (subject, said)
        }
        OrderEventKind::RefundGranted => granted::to_buyer(event, order, language)?,
        OrderEventKind::ReturnApproved
        | OrderEventKind::ReturnDeclined
        | OrderEventKind::ReturnExpired
        | OrderEventKind::ReturnReceived => returns::to_buyer(event, order, language)?,
        OrderEventKind::LatePaymentRefunded
        | OrderEventKind::DuplicatePaymentRefunded
        | OrderEventKind::MismatchedPaymentRefunded => {
            let (said, reason) = match event.kind {
                OrderEventKind::LatePaymentRefunded => (t.late_payment, RefundReason::Late),
                OrderEventKind::DuplicatePaymentRefunded => (t.paid_twice, RefundReason::Duplicate),
                _ => (t.wrong_amount, RefundReason::AmountMismatch),
            };
            let money = refund_paragraph(order, None, language, |refund| refund.reason == reason);
            (t.money_back_subject, draft().paragraph(said).paragraph(money))
        }
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
    let draft = draft.link(t.see_your_order, link).paragraph(t.keep_link);
    Some(draft.finish(&numbered(subject), site))
}

/// How many units of the line at a position are in a parcel.
fn units_in(parcel: &Parcel, at: usize) -> u32 {
    parcel.units.get(at).copied().unwrap_or(0)
}

/// Carrier and tracking number, as far as the vendor has given them.
fn tracking(parcel: &Parcel, t: &MailTexts) -> Option<String> {
    let carrier = parcel.carrier.as_ref().map(|carrier| fill(t.carrier, &[("carrier", carrier.as_str())]));
    let tracking = parcel.tracking_number.as_ref();
    let number = tracking.map(|tracking| fill(t.parcel_number, &[("tracking", tracking.as_str())]));
    let text: Vec<String> = [carrier, number].into_iter().flatten().map(|line| one_line(&line)).collect();
    (!text.is_empty()).then(|| text.join("\n"))
}

/// The message to a vendor in a language; `None` if the event does not concern them. It contains neither the buyer's
/// name nor their address: these are on the vendor's pages, which require a sign-in.
pub(crate) fn to_vendor(
    event: &OrderEvent,
    order: &PlacedOrder,
    vendor: VendorId,
    (site, language): (&Site, Language),
) -> Option<Message> {
    let number = order.order.id.number();
    let vendor_order = order.vendor_order(vendor)?;
    let t = MailTexts::of(language);
    let numbered = |message: &str| fill(message, &[("number", &number)]);
    let page = site.vendor_order_link(vendor_order);
    let draft = || Draft::new(language);
    let (subject, draft) = match event.kind {
        OrderEventKind::OrderPaid | OrderEventKind::OrderConfirmed => {
            let paid = if order.order.provider.is_on_delivery() {
                fill(t.buyer_pays_on_delivery, &[("amount", &money(vendor_order.totals.total, language))])
            } else if order.order.provider == ProviderName::Unneeded {
                t.buyer_pays_nothing.to_owned()
            } else {
                t.is_paid.to_owned()
            };
            let said = draft()
                .paragraph(format!("{} {paid}", t.new_order))
                .paragraph(numbered(t.order))
                .bill_of_vendor_order(vendor_order)
                .paragraph_if(order.is_held(), || t.bank_asks.to_owned())
                .link(t.open_and_send, page);
            (t.new_order_subject, said)
        }
        OrderEventKind::OrderCancelled | OrderEventKind::OrderExpired | OrderEventKind::VendorOrderCancelled => {
            let (subject, said) = if event.kind == OrderEventKind::OrderExpired {
                (t.closed_subject, t.vendor_closed)
            } else if vendor_order.parcels.is_empty() {
                (t.cancelled_subject, t.vendor_cancelled)
            } else {
                (t.rest_cancelled_subject, t.rest_cancelled)
            };
            let said = draft()
                .paragraph(format!("{} {}", numbered(said), t.do_not_send))
                .units(vendor_order, |_, line| line.cancelled)
                .paragraph(t.in_stock_again)
                .link(t.see_order, page);
            (subject, said)
        }
        OrderEventKind::DisputeOpened => {
            let said = draft()
                .paragraph(t.hold)
                .units(vendor_order, |_, line| line.left_to_ship())
                .paragraph(t.hold_until)
                .link(t.see_order, page);
            (t.hold_subject, said)
        }
        OrderEventKind::DisputeClosed => {
            let said = draft().paragraph(t.go_on).units(vendor_order, |_, line| line.left_to_ship());
            (t.go_on_subject, said.link(t.see_order, page))
        }
        OrderEventKind::RefundGranted => granted::to_vendor(event, order, vendor, (site, language))?,
        OrderEventKind::AcceptanceReminder | OrderEventKind::ShippingReminder | OrderEventKind::ShippingOverdue => {
            reminders::to_vendor(event, vendor_order, (site, language))
        }
        OrderEventKind::ReturnRequested | OrderEventKind::ReturnApproved => {
            returns::to_vendor(event, order, vendor, (site, language))?
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
    Some(draft.finish(&numbered(subject), site))
}
