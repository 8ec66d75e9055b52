//! What states are called at the desks, and how they are meant.

use domain::catalog::ProductState;
use domain::job::JobState;
use domain::order::{OrderState, ParcelState, VendorOrderState};
use domain::payment::{PaymentState, ProviderName, RefundState};
use domain::returns::{ReturnReason, ReturnState};
use domain::vendor::{ChecklistCode, DocumentKind, VendorState};
use pages::Texts;
use pages::parts::Tone;

type Said = (Tone, &'static str);

pub(crate) fn of_vendor_order(t: &'static Texts, state: VendorOrderState) -> Said {
    match state {
        VendorOrderState::Pending => (Tone::Wait, t.desk_state_new),
        VendorOrderState::Accepted => (Tone::Wait, t.desk_state_to_ship),
        VendorOrderState::PartiallyShipped => (Tone::Wait, t.desk_state_partly_shipped),
        VendorOrderState::Shipped => (Tone::Info, t.vendor_shipped),
        VendorOrderState::Delivered => (Tone::Good, t.vendor_delivered),
        VendorOrderState::Completed => (Tone::Good, t.vendor_completed),
        VendorOrderState::Declined => (Tone::Bad, t.desk_state_declined),
        VendorOrderState::Cancelled => (Tone::Bad, t.vendor_cancelled),
        VendorOrderState::Lost => (Tone::Bad, t.vendor_lost),
        VendorOrderState::ReturnedToSender => (Tone::Bad, t.desk_state_came_back),
        VendorOrderState::Returned => (Tone::Bad, t.vendor_returned),
        VendorOrderState::Other => (Tone::Info, t.state_other),
    }
}

pub(crate) fn of_order(t: &'static Texts, state: OrderState) -> Said {
    match state {
        OrderState::AwaitingConfirmation => (Tone::Wait, t.desk_state_unconfirmed),
        OrderState::AwaitingPayment => (Tone::Wait, t.state_awaiting_payment),
        OrderState::Confirmed => (Tone::Info, t.state_confirmed),
        OrderState::Paid => (Tone::Good, t.state_paid),
        OrderState::Completed => (Tone::Good, t.state_completed),
        OrderState::Cancelled => (Tone::Bad, t.state_cancelled),
        OrderState::Expired => (Tone::Bad, t.state_expired),
        OrderState::Other => (Tone::Info, t.state_other),
    }
}

/// What has become of a payment.
pub(crate) fn of_payment(t: &'static Texts, state: PaymentState) -> &'static str {
    match state {
        PaymentState::Created | PaymentState::Pending | PaymentState::Authorized => t.state_awaiting_payment,
        PaymentState::Captured => t.state_paid,
        PaymentState::Failed => t.op_payment_declined,
        PaymentState::Cancelled => t.state_cancelled,
        PaymentState::Expired => t.state_expired,
        PaymentState::AmountMismatch => t.op_payment_mismatch,
        PaymentState::PartiallyRefunded => t.op_payment_partly_refunded,
        PaymentState::Refunded => t.refunded,
        PaymentState::Other => t.state_other,
    }
}

pub(crate) fn of_parcel(t: &'static Texts, state: ParcelState) -> Said {
    match state {
        ParcelState::Shipped => (Tone::Info, t.vendor_shipped),
        ParcelState::Delivered => (Tone::Good, t.vendor_delivered),
        ParcelState::Lost => (Tone::Bad, t.vendor_lost),
        ParcelState::ReturnedToSender => (Tone::Bad, t.desk_state_came_back),
        ParcelState::Other => (Tone::Info, t.state_other),
    }
}

pub(crate) fn of_return(t: &'static Texts, state: ReturnState) -> Said {
    match state {
        ReturnState::Requested => (Tone::Wait, t.desk_return_requested),
        ReturnState::Approved => (Tone::Info, t.desk_return_approved),
        ReturnState::Declined => (Tone::Bad, t.desk_return_declined),
        ReturnState::Received => (Tone::Good, t.desk_return_received),
        ReturnState::Refunded => (Tone::Good, t.refunded),
        ReturnState::Expired => (Tone::Bad, t.desk_return_expired),
        ReturnState::Other => (Tone::Info, t.state_other),
    }
}

pub(crate) fn reason(t: &'static Texts, reason: ReturnReason) -> &'static str {
    match reason {
        ReturnReason::ChangedMind => t.desk_reason_changed_mind,
        ReturnReason::Damaged => t.desk_reason_damaged,
        ReturnReason::NotAsDescribed => t.desk_reason_not_described,
        ReturnReason::WrongItem => t.desk_reason_wrong_item,
        ReturnReason::Other => t.state_other,
    }
}

pub(crate) fn of_refund(t: &'static Texts, state: RefundState) -> Said {
    match state {
        RefundState::Queued | RefundState::Pending => (Tone::Wait, t.refund_pending),
        RefundState::Succeeded => (Tone::Good, t.refunded),
        RefundState::Failed => (Tone::Bad, t.op_refund_failed),
        RefundState::Resolved => (Tone::Good, t.op_refund_resolved),
        RefundState::Other => (Tone::Info, t.state_other),
    }
}

pub(crate) fn of_product(t: &'static Texts, state: ProductState, is_hidden: bool) -> Said {
    match state {
        _ if is_hidden => (Tone::Bad, t.desk_product_hidden),
        ProductState::Published => (Tone::Good, t.desk_product_published),
        ProductState::Draft => (Tone::Wait, t.desk_product_draft),
        ProductState::Other => (Tone::Info, t.state_other),
    }
}

pub(crate) fn of_job(t: &'static Texts, state: JobState) -> Said {
    match state {
        JobState::Waiting => (Tone::Wait, t.desk_job_waiting),
        JobState::Running => (Tone::Wait, t.desk_job_running),
        JobState::Completed => (Tone::Good, t.desk_job_completed),
        JobState::Failed => (Tone::Bad, t.desk_job_failed),
        JobState::Other => (Tone::Info, t.state_other),
    }
}

pub(crate) fn of_vendor(t: &'static Texts, state: VendorState) -> Said {
    match state {
        VendorState::Draft => (Tone::Wait, t.desk_shop_draft),
        VendorState::Submitted => (Tone::Wait, t.desk_shop_submitted),
        VendorState::Approved => (Tone::Good, t.desk_shop_approved),
        VendorState::Rejected => (Tone::Bad, t.desk_shop_rejected),
        VendorState::Suspended => (Tone::Bad, t.desk_shop_suspended),
        VendorState::Other => (Tone::Info, t.state_other),
    }
}

pub(crate) fn checklist(t: &'static Texts, code: ChecklistCode) -> &'static str {
    match code {
        ChecklistCode::LegalName => t.desk_legal_name,
        ChecklistCode::Phone => t.phone,
        ChecklistCode::ShippingRates => t.desk_shipping_rate,
        ChecklistCode::PublicIdentity => t.about_vendor,
    }
}

pub(crate) fn document(t: &'static Texts, kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Identity => t.desk_paper_identity,
        DocumentKind::Registration => t.desk_paper_registration,
        DocumentKind::Tax => t.desk_paper_tax,
        DocumentKind::Licence => t.desk_paper_licence,
        DocumentKind::Other => t.state_other,
    }
}

pub(crate) fn provider(t: &'static Texts, provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::Stripe => t.pay_card,
        ProviderName::CashOnDelivery => t.pay_cash,
        ProviderName::Unneeded => t.pay_nothing,
        ProviderName::Other => t.state_other,
    }
}
