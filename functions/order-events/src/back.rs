//! What messages say about money that goes back to the buyer.

use domain::order::PlacedOrder;
use domain::payment::{Payment, ProviderName, Refund, RefundState};
use domain::{Money, VendorId};

use pages::mail::MailTexts;
use pages::{Language, fill, money};

/// Whether an attempt took money of the buyer, whose amount may be unknown here. Where nothing was to pay, none was.
fn took_money(payment: &Payment) -> bool {
    payment.state.took_money() && payment.provider != ProviderName::Unneeded
}

/// What is sent of a refund: for one vendor order, its part of a refund for several.
fn sent_of(refund: &Refund, vendor: Option<VendorId>) -> Money {
    let parts = || refund.parts.iter().filter(|part| Some(part.vendor) == vendor);
    match parts().next() {
        Some(part) if refund.parts.len() > 1 && part.amount.minor() < refund.to_send().minor() => part.amount,
        _ => refund.to_send(),
    }
}

/// The sentence that says what happens to the buyer's money, of all or of one vendor order.
pub(crate) fn refund_paragraph(
    order: &PlacedOrder,
    vendor: Option<VendorId>,
    language: Language,
    concerned: impl Fn(&Refund) -> bool,
) -> String {
    let t = MailTexts::of(language);
    let concerned: Vec<&Refund> = order.refunds.iter().filter(|refund| concerned(refund)).collect();
    let needs_manual_refund = concerned.iter().any(|refund| refund.needs_manual_refund());
    let charged_back = concerned.iter().any(|refund| refund.charged_back.is_some()) && !needs_manual_refund;
    let was_given_back = concerned.iter().any(|refund| refund.refunded_elsewhere.is_some()) && !needs_manual_refund;
    let refunds = concerned.into_iter().filter(|refund| refund.dispute.is_none() && !refund.needs_manual_refund());
    if refunds.clone().any(|refund| refund.state == RefundState::Queued && order.is_disputed(refund.payment)) {
        return t.bank_decides.to_owned();
    }
    let is_covered = |refund: &Refund| refund.parts.len() > 1 && refund.to_send().minor() < refund.amount.minor();
    if vendor.is_some() && refunds.clone().any(is_covered) {
        // Whose part of it was given back otherwise, nobody can say.
        return t.sending_rest.to_owned();
    }
    let sum = Money::sum(order.order.currency, refunds.map(|refund| sent_of(refund, vendor)))
        .ok()
        .filter(|sum| !sum.is_zero());
    match sum {
        Some(sum) => fill(t.sending_back, &[("amount", &money(sum, language))]),
        None if charged_back => t.bank_gave_back.to_owned(),
        None if was_given_back => t.gave_back.to_owned(),
        None if order.payments.iter().any(took_money) => t.looking_into.to_owned(),
        None => t.nothing_taken.to_owned(),
    }
}
