//! Messages to the operator.

use domain::dispute::DisputeState;
use domain::order::{OrderEvent, OrderEventKind, PlacedOrder};
use domain::payment::{Payment, PaymentState, Refund};
use domain::{MoneyMovement, UnmatchedPayment};
use pages::mail::MailTexts;
use pages::{Language, date_time, fill, money};

use crate::message::{Draft, Message, Site};
use crate::reminders;

/// The message to the operator; `None` if the event does not need them.
pub(crate) fn to_operator(event: &OrderEvent, order: &PlacedOrder, site: &Site) -> Option<Message> {
    let number = order.order.id.number();
    let language = site.language_of(None);
    let t = MailTexts::of(language);
    let draft = || Draft::new(language);
    let (subject, draft) = match event.kind {
        OrderEventKind::PaymentAmountMismatch => {
            let wrong = order.payments.iter().filter(|payment| payment.state == PaymentState::AmountMismatch);
            let line = |payment: &Payment| {
                let came = payment.captured.map_or_else(|| t.unknown_amount.to_owned(), |came| money(came, language));
                let asked = money(payment.amount, language);
                let id = payment.id.to_string();
                fill(t.another_amount_line, &[("payment", &id), ("asked", &asked), ("came", &came)])
            };
            let said = draft().paragraph(t.another_amount).list(wrong.map(line)).paragraph(t.another_amount_decide);
            (t.another_amount_subject, said)
        }
        OrderEventKind::RefundFailed => {
            let failed = order.refunds.iter().filter(|refund| refund.needs_manual_refund());
            let line = |refund: &Refund| format!("{}: {}", refund.id, money(refund.to_send(), language));
            (t.refund_failed_subject, draft().paragraph(t.refund_failed).list(failed.map(line)))
        }
        OrderEventKind::DisputeOpened => {
            (t.disputed_subject, draft().paragraph(t.disputed).list(disputes(order, language)))
        }
        OrderEventKind::ShippingOverdue => reminders::to_operator(order.vendor_order(event.vendor?)?, language),
        OrderEventKind::DisputeClosed => {
            (t.dispute_decided_subject, draft().paragraph(t.dispute_decided).list(disputes(order, language)))
        }
        _ => return None,
    };
    let draft = draft.link(t.see_order, site.operator_order_link(order.order.id));
    Some(draft.finish(&fill(subject, &[("number", &number)]), site))
}

/// The message to the operator about an unmatched payment.
pub(crate) fn of_unmatched(unmatched: &UnmatchedPayment, site: &Site) -> Message {
    let language = site.language_of(None);
    let t = MailTexts::of(language);
    let (subject, what, by_hand) = match unmatched.what {
        MoneyMovement::Payment => (t.money_came_subject, t.money_came, t.look_up_and_return),
        MoneyMovement::Refund => (t.money_went_subject, t.money_went, t.look_up),
        MoneyMovement::Dispute => (t.money_disputed_subject, t.money_disputed, t.look_up),
        MoneyMovement::Other => (t.money_moved_subject, t.money_moved, t.look_up),
    };
    let sum = unmatched.amount.map_or_else(|| t.unknown_amount.to_owned(), |sum| money(sum, language));
    let draft = Draft::new(language)
        .paragraph(fill(what, &[("provider", unmatched.provider.as_str())]))
        .list([format!("{}: {sum}", unmatched.reference)].into_iter());
    let draft = match unmatched.order_id {
        Some(order) => draft.paragraph(fill(t.money_names, &[("order", &order.to_string())])),
        None => draft,
    };
    draft.paragraph(by_hand).finish(subject, site)
}

fn disputes(order: &PlacedOrder, language: Language) -> impl Iterator<Item = String> + '_ {
    let t = MailTexts::of(language);
    order.disputes.iter().map(move |dispute| {
        let sum = dispute.amount.map_or_else(|| t.unknown_amount.to_owned(), |sum| money(sum, language));
        let state = match dispute.state {
            DisputeState::Opened => t.dispute_open,
            DisputeState::Won => t.dispute_won,
            DisputeState::Lost => t.dispute_lost,
            DisputeState::Other => t.dispute_other,
        };
        let due = dispute.evidence_due_at.filter(|_| dispute.state == DisputeState::Opened);
        let (line, due) = match due {
            Some(due) => (t.dispute_line_due, date_time(due, language)),
            None => (t.dispute_line, String::new()),
        };
        fill(line, &[("amount", &sum), ("state", state), ("due", &due), ("reason", &dispute.reason)])
    })
}
