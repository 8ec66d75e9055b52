//! Which event is told to whom, and in which words.
//!
//! A letter says how things stand now. Between an event and its delivery an order may have moved on: what is no longer true is
//! not told, because the next event tells what is.

use domain::dispute::DisputeState;
use domain::order::{Actor, Event, EventKind, OrderFile, OrderState, VendorOrder, VendorOrderState};
use domain::payment::{PaymentState, Refund, RefundReason, RefundState};
use domain::{Money, Moved, Unclaimed, VendorId};

use crate::letter::{Draft, Letter, Place, amount, one_line};

/// Somebody who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// Who ordered.
    Buyer,
    /// A seller.
    Vendor(VendorId),
    /// Who runs the marketplace.
    Operator,
}

impl Recipient {
    /// The name under which it is written down that he was told.
    pub(crate) fn role(&self) -> String {
        match self {
            Self::Buyer => "buyer".to_owned(),
            Self::Vendor(vendor) => vendor.to_string(),
            Self::Operator => "operator".to_owned(),
        }
    }
}

/// Who is told of an event.
///
/// Nobody of `OrderPlaced`: the buyer stands before the payment page, and a moment later hears that he has paid, or that he
/// has not. Nobody of `VendorOrderAccepted`: a buyer waits for the parcel, and hears when it leaves.
pub(crate) fn recipients(event: &Event, file: &OrderFile) -> Vec<Recipient> {
    let vendors = |concerned: fn(&VendorOrder) -> bool| {
        file.vendors.iter().filter(move |part| concerned(part)).map(|part| Recipient::Vendor(part.vendor.id))
    };
    let with_buyer = |others: Vec<Recipient>| [vec![Recipient::Buyer], others].concat();
    let part = event.vendor.and_then(|vendor| file.vendor(vendor));
    match event.kind {
        EventKind::OrderPlaced | EventKind::VendorOrderAccepted => Vec::new(),
        EventKind::PaymentConflicted
        | EventKind::RefundFailed
        | EventKind::DisputeOpened
        | EventKind::DisputeClosed => vec![Recipient::Operator],
        // An order that is off by now is told of by the event that ended it.
        EventKind::OrderConfirmed | EventKind::OrderPaid
            if matches!(file.order.state, OrderState::Expired | OrderState::Cancelled) =>
        {
            Vec::new()
        }
        EventKind::OrderConfirmed | EventKind::OrderPaid => {
            with_buyer(vendors(|part| part.visible && !part.state.is_off()).collect())
        }
        EventKind::OrderExpired if file.order.state == OrderState::Expired => {
            with_buyer(vendors(was_called_off).collect())
        }
        EventKind::OrderCancelled if file.order.state == OrderState::Cancelled => {
            let vendors = vendors(was_called_off).collect();
            // When the last seller refused, the buyer hears of it by that refusal.
            if cancelled_by(file) == Some(Actor::Vendor) { vendors } else { with_buyer(vendors) }
        }
        EventKind::OrderExpired | EventKind::OrderCancelled => Vec::new(),
        EventKind::VendorOrderRefused => with_buyer(Vec::new()),
        EventKind::VendorOrderCancelled => with_buyer(event.vendor.map(Recipient::Vendor).into_iter().collect()),
        EventKind::VendorOrderShipped if part.is_some_and(|part| part.shipment.is_some()) => with_buyer(Vec::new()),
        EventKind::VendorOrderDelivered if part.is_some_and(|part| part.shipment.is_some()) => with_buyer(Vec::new()),
        EventKind::VendorOrderShipped | EventKind::VendorOrderDelivered => Vec::new(),
        EventKind::LatePaymentRefunded | EventKind::DuplicatePaymentRefunded | EventKind::ConflictedPaymentRefunded => {
            with_buyer(Vec::new())
        }
    }
}

/// A part that its seller knew of and that somebody else called off.
fn was_called_off(part: &VendorOrder) -> bool {
    part.visible && part.state == VendorOrderState::Cancelled
}

fn cancelled_by(file: &OrderFile) -> Option<Actor> {
    let called_off = OrderState::Cancelled.as_str();
    file.order
        .history
        .iter()
        .rev()
        .find(|entry| entry.event == called_off && entry.vendor.is_none())
        .map(|entry| entry.by)
}

/// What the buyer is told; nothing when the event does not concern him.
pub(crate) fn to_buyer(event: &Event, file: &OrderFile, place: &Place, link: &str) -> Option<Letter> {
    let number = file.order.id.number();
    let on_delivery = file.order.provider.pays_after();
    let parts = || file.vendors.iter().filter(|part| !part.state.is_off());
    let part = event.vendor.and_then(|vendor| file.vendor(vendor));
    let (subject, draft) = match event.kind {
        EventKind::OrderConfirmed => (
            format!("Order {number} is confirmed"),
            Draft::new()
                .say("Thank you for your order. The shops are preparing it now.")
                .say(format!("You pay when it is delivered: {}.", amount(file.order.totals.total)))
                .say(format!("Order {number}"))
                .bill(parts(), &file.order.totals),
        ),
        EventKind::OrderPaid => (
            format!("Order {number} is paid"),
            Draft::new()
                .say("Thank you. Your payment has arrived, and the shops are preparing your order now.")
                .say(format!("Order {number}"))
                .bill(parts(), &file.order.totals),
        ),
        EventKind::OrderExpired if on_delivery => (
            format!("Order {number} is closed"),
            Draft::new().say("Your order was not sent in time, so we have closed it. You have nothing to pay."),
        ),
        EventKind::OrderExpired => (
            format!("Order {number} was not paid in time"),
            Draft::new()
                .say("Your payment did not arrive in time, so we have closed the order.")
                .say(money_back(file, |_| true))
                .say("If you still want these things, they are in your cart again."),
        ),
        EventKind::OrderCancelled => (
            format!("Order {number} is cancelled"),
            Draft::new().say("Your order is cancelled.").say(money_back(file, |_| true)),
        ),
        EventKind::VendorOrderRefused | EventKind::VendorOrderCancelled => {
            let part = part?;
            let all_off = file.vendors.iter().all(|part| part.state.is_off());
            (
                format!("Order {number}: a shop cannot deliver"),
                Draft::new()
                    .say(format!("We are sorry. {} cannot send you:", one_line(part.vendor.name.as_str())))
                    .goods(part)
                    .say(money_back(file, |refund| refund.vendor == Some(part.vendor.id)))
                    .say(if all_off {
                        "Nothing else is left in this order, so it is closed."
                    } else {
                        "The rest of your order stays as it is."
                    }),
            )
        }
        EventKind::VendorOrderShipped => {
            let part = part?;
            (
                format!("Order {number} is on its way"),
                Draft::new()
                    .say(format!("{} has sent you:", one_line(part.vendor.name.as_str())))
                    .goods(part)
                    .say_if(parcel(part).is_some(), || parcel(part).unwrap_or_default())
                    .say_if(on_delivery, || {
                        format!("Please have the money ready when it comes: {}.", amount(part.totals.total))
                    }),
            )
        }
        EventKind::VendorOrderDelivered => {
            let part = part?;
            (
                format!("Order {number} was delivered"),
                Draft::new()
                    .say(format!("{} says that you have received:", one_line(part.vendor.name.as_str())))
                    .goods(part),
            )
        }
        EventKind::LatePaymentRefunded => (
            format!("Order {number}: your money goes back"),
            Draft::new()
                .say("Your payment arrived after the order was closed, and the order cannot go on any more.")
                .say(money_back(file, |refund| refund.reason == RefundReason::Late)),
        ),
        EventKind::DuplicatePaymentRefunded => (
            format!("Order {number}: your money goes back"),
            Draft::new()
                .say("You have paid this order twice. Your order is not affected.")
                .say(money_back(file, |refund| refund.reason == RefundReason::Duplicate)),
        ),
        EventKind::ConflictedPaymentRefunded => (
            format!("Order {number}: your money goes back"),
            Draft::new()
                .say("Your payment was not the amount that this order costs.")
                .say(money_back(file, |refund| refund.reason == RefundReason::Conflicted)),
        ),
        EventKind::OrderPlaced
        | EventKind::VendorOrderAccepted
        | EventKind::PaymentConflicted
        | EventKind::RefundFailed
        | EventKind::DisputeOpened
        | EventKind::DisputeClosed => return None,
    };
    let draft = draft
        .say(format!("See your order here:\n{link}"))
        .say("Keep this link to yourself. Whoever has it can see your order and cancel it.");
    Some(draft.finish(subject, place))
}

/// What becomes of the buyer's money.
fn money_back(file: &OrderFile, concerned: impl Fn(&Refund) -> bool) -> String {
    let concerned: Vec<&Refund> = file.refunds.iter().filter(|refund| concerned(refund)).collect();
    let by_bank = concerned.iter().any(|refund| refund.by_bank.is_some())
        && !concerned.iter().any(|refund| refund.needs_a_hand());
    let refunds = concerned.into_iter().filter(|refund| refund.dispute.is_none() && !refund.needs_a_hand());
    if refunds.clone().any(|refund| refund.state == RefundState::Queued && file.is_disputed(refund.payment)) {
        return "Your bank is deciding about this payment. What it does not give back to you, we send you then."
            .to_owned();
    }
    let sum = Money::sum(file.order.currency, refunds.map(Refund::to_send)).ok().filter(|sum| !sum.is_zero());
    match sum {
        Some(sum) => {
            format!("We are sending {} back to you. It can take some days until you see it.", amount(sum))
        }
        None if by_bank => "Your bank has given this money back to you.".to_owned(),
        None if file.payments.iter().any(|payment| payment.state.took_money()) => {
            "We have received money from you for this order. We are looking into it and will write to you.".to_owned()
        }
        None => "No money was taken from you, so you do not need to do anything.".to_owned(),
    }
}

/// How to find the parcel, when the seller has said it.
fn parcel(part: &VendorOrder) -> Option<String> {
    let shipment = part.shipment.as_ref()?;
    let carrier = shipment.carrier.as_ref().map(|carrier| format!("Carrier: {}", one_line(carrier.as_str())));
    let number =
        shipment.tracking_number.as_ref().map(|number| format!("Parcel number: {}", one_line(number.as_str())));
    let text: Vec<String> = [carrier, number].into_iter().flatten().collect();
    (!text.is_empty()).then(|| text.join("\n"))
}

/// What a seller is told; nothing when the event does not concern him. The buyer's name and address are not in it: they stand
/// at the desk, for who is signed in.
pub(crate) fn to_vendor(event: &Event, file: &OrderFile, vendor: VendorId, place: &Place) -> Option<Letter> {
    let number = file.order.id.number();
    let part = file.vendor(vendor)?;
    let (subject, draft) = match event.kind {
        EventKind::OrderPaid | EventKind::OrderConfirmed => {
            let money = if file.order.provider.pays_after() {
                format!("The buyer pays when it is delivered: {}.", amount(part.totals.total))
            } else {
                "It is paid.".to_owned()
            };
            (
                format!("New order {number}"),
                Draft::new()
                    .say(format!("You have a new order. {money}"))
                    .say(format!("Order {number}"))
                    .bill_of_part(part)
                    .say(format!("Open it here, accept it and send it:\n{}", place.desk_link(part.id()))),
            )
        }
        EventKind::OrderCancelled | EventKind::OrderExpired | EventKind::VendorOrderCancelled => {
            let (word, reason) = if event.kind == EventKind::OrderExpired {
                ("closed", "was not sent in time, so it is closed")
            } else {
                ("cancelled", "is cancelled")
            };
            (
                format!("Order {number} is {word}"),
                Draft::new()
                    .say(format!("Order {number} {reason}. Please do not send:"))
                    .goods(part)
                    .say("These things are in your stock again.")
                    .say(format!("See the order here:\n{}", place.desk_link(part.id()))),
            )
        }
        EventKind::OrderPlaced
        | EventKind::VendorOrderAccepted
        | EventKind::VendorOrderRefused
        | EventKind::VendorOrderShipped
        | EventKind::VendorOrderDelivered
        | EventKind::LatePaymentRefunded
        | EventKind::DuplicatePaymentRefunded
        | EventKind::PaymentConflicted
        | EventKind::ConflictedPaymentRefunded
        | EventKind::RefundFailed
        | EventKind::DisputeOpened
        | EventKind::DisputeClosed => return None,
    };
    Some(draft.finish(subject, place))
}

/// What the operator is told: what nobody else can see to.
pub(crate) fn to_operator(event: &Event, file: &OrderFile, place: &Place) -> Option<Letter> {
    let number = file.order.id.number();
    let (subject, draft) = match event.kind {
        EventKind::PaymentConflicted => (
            format!("Order {number}: another amount came"),
            Draft::new()
                .say("The provider took another amount than was asked for. Nothing is sent until you decide:")
                .say(listed(file.payments.iter().filter(|payment| payment.state == PaymentState::Conflicted).map(
                    |payment| {
                        let came = payment.captured.map_or_else(|| "unknown".to_owned(), amount);
                        format!("- {}: asked {}, came {came}", payment.id, amount(payment.amount))
                    },
                )))
                .say("Take it as good, or send it back."),
        ),
        EventKind::RefundFailed => (
            format!("Order {number}: a refund did not arrive"),
            Draft::new().say("This money did not reach the buyer. Please give it back by hand:").say(listed(
                file.refunds
                    .iter()
                    .filter(|refund| refund.needs_a_hand())
                    .map(|refund| format!("- {}: {}", refund.id, amount(refund.to_send()))),
            )),
        ),
        EventKind::DisputeOpened => (
            format!("Order {number}: the payment is disputed"),
            Draft::new()
                .say("The buyer's bank wants the money back. Answer it at the provider in time:")
                .say(disputes(file)),
        ),
        EventKind::DisputeClosed => (
            format!("Order {number}: a dispute is decided"),
            Draft::new().say("The buyer's bank has decided:").say(disputes(file)),
        ),
        _ => return None,
    };
    let draft = draft.say(format!("See the order here:\n{}", place.operator_link(file.order.id)));
    Some(draft.finish(subject, place))
}

/// What the operator is told of money that belongs to no order.
pub(crate) fn of_unclaimed(money: &Unclaimed, place: &Place) -> Letter {
    let (what, subject, by_hand) = match money.what {
        Moved::Payment => {
            ("took money from a buyer", "Money came for no order", " and give the money back if it is nobody's")
        }
        Moved::Refund => ("sent money back", "Money was sent back for no order", ""),
        Moved::Dispute => ("tells that a bank wants money back", "Money is disputed for no order", ""),
    };
    let provider = money.provider.as_str();
    let sum = money.amount.map_or_else(|| "an unknown amount".to_owned(), amount);
    let draft = Draft::new()
        .say(format!("{provider} {what}, and no order here knows of it:"))
        .say(format!("- {}: {sum}", one_line(&money.reference)));
    let draft = match money.order_id {
        Some(order) => {
            draft.say(format!("It names the order {order}, which is not here or does not know this payment."))
        }
        None => draft,
    };
    draft.say(format!("Please look it up at the provider{by_hand}.")).finish(subject.to_owned(), place)
}

fn disputes(file: &OrderFile) -> String {
    listed(file.disputes.iter().map(|dispute| {
        let sum = dispute.amount.map_or_else(|| "an unknown amount".to_owned(), amount);
        let state = match dispute.state {
            DisputeState::Opened => "open",
            DisputeState::Won => "won",
            DisputeState::Lost => "lost",
        };
        format!("- {sum}, {state}, because: {}", one_line(&dispute.reason))
    }))
}

fn listed(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}
