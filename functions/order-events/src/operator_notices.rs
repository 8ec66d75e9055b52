//! Messages to the operator.

use domain::dispute::DisputeState;
use domain::order::{OrderEvent, OrderEventKind, PlacedOrder};
use domain::payment::PaymentState;
use domain::{MoneyMovement, UnmatchedPayment};

use crate::message::{Draft, Message, Site, amount, one_line};
use crate::reminders;

/// The message to the operator; `None` if the event does not need them.
pub(crate) fn to_operator(event: &OrderEvent, order: &PlacedOrder, site: &Site) -> Option<Message> {
    let number = order.order.id.number();
    let (subject, draft) = match event.kind {
        OrderEventKind::PaymentAmountMismatch => (
            format!("Order {number}: another amount came"),
            Draft::new()
                .paragraph("The provider took another amount than was asked for. Nothing is sent until you decide:")
                .paragraph(listed(
                    order.payments.iter().filter(|payment| payment.state == PaymentState::AmountMismatch).map(
                        |payment| {
                            let came = payment.captured.map_or_else(|| "unknown".to_owned(), amount);
                            format!("- {}: asked {}, came {came}", payment.id, amount(payment.amount))
                        },
                    ),
                ))
                .paragraph("Take it as good, or send it back."),
        ),
        OrderEventKind::RefundFailed => (
            format!("Order {number}: a refund did not arrive"),
            Draft::new().paragraph("This money did not reach the buyer. Please give it back by hand:").paragraph(
                listed(
                    order
                        .refunds
                        .iter()
                        .filter(|refund| refund.needs_manual_refund())
                        .map(|refund| format!("- {}: {}", refund.id, amount(refund.to_send()))),
                ),
            ),
        ),
        OrderEventKind::DisputeOpened => (
            format!("Order {number}: the payment is disputed"),
            Draft::new()
                .paragraph("The buyer's bank wants the money back. Answer it at the provider in time:")
                .paragraph(disputes(order)),
        ),
        OrderEventKind::ShippingOverdue => reminders::to_operator(order, order.vendor_order(event.vendor?)?),
        OrderEventKind::DisputeClosed => (
            format!("Order {number}: a dispute is decided"),
            Draft::new().paragraph("The buyer's bank has decided:").paragraph(disputes(order)),
        ),
        _ => return None,
    };
    let draft = draft.paragraph(format!("See the order here:\n{}", site.operator_order_link(order.order.id)));
    Some(draft.finish(subject, site))
}

/// The message to the operator about an unmatched payment.
pub(crate) fn of_unmatched(money: &UnmatchedPayment, site: &Site) -> Message {
    let (what, subject, by_hand) = match money.what {
        MoneyMovement::Payment => {
            ("took money from a buyer", "Money came for no order", " and give the money back if it is nobody's")
        }
        MoneyMovement::Refund => ("sent money back", "Money was sent back for no order", ""),
        MoneyMovement::Dispute => ("tells that a bank wants money back", "Money is disputed for no order", ""),
        MoneyMovement::Other => ("tells of money", "Money moved for no order", ""),
    };
    let provider = money.provider.as_str();
    let sum = money.amount.map_or_else(|| "an unknown amount".to_owned(), amount);
    let draft = Draft::new()
        .paragraph(format!("{provider} {what}, and no order here knows of it:"))
        .paragraph(format!("- {}: {sum}", one_line(&money.reference)));
    let draft = match money.order_id {
        Some(order) => {
            draft.paragraph(format!("It names the order {order}, which is not here or does not know this payment."))
        }
        None => draft,
    };
    draft.paragraph(format!("Please look it up at the provider{by_hand}.")).finish(subject.to_owned(), site)
}

fn disputes(order: &PlacedOrder) -> String {
    listed(order.disputes.iter().map(|dispute| {
        let sum = dispute.amount.map_or_else(|| "an unknown amount".to_owned(), amount);
        let state = match dispute.state {
            DisputeState::Opened => "open",
            DisputeState::Won => "won",
            DisputeState::Lost => "lost",
            DisputeState::Other => "in a state that only a newer release knows",
        };
        let due = dispute.evidence_due_at.filter(|_| dispute.state == DisputeState::Opened);
        let due = due.map(|due| format!(", to be answered before {due}")).unwrap_or_default();
        format!("- {sum}, {state}{due}, because: {}", one_line(&dispute.reason))
    }))
}

fn listed(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}
