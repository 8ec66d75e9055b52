//! What buyers are told who gave a telephone number alone.

use domain::order::{OrderEvent, OrderEventKind};
use domain::proof::OrderText;

/// What a buyer without an e-mail address is told of an event for whose mail they are a recipient. That a parcel has
/// arrived they see themselves: that costs no message.
pub(crate) const fn of(event: &OrderEvent) -> Option<OrderText> {
    match event.kind {
        OrderEventKind::ConfirmationAsked => Some(OrderText::Code),
        OrderEventKind::OrderConfirmed | OrderEventKind::OrderPaid => Some(OrderText::Placed),
        OrderEventKind::VendorOrderShipped => Some(OrderText::Shipped),
        OrderEventKind::OrderCancelled | OrderEventKind::VendorOrderCancelled | OrderEventKind::VendorOrderDeclined => {
            Some(OrderText::Cancelled)
        }
        OrderEventKind::OrderExpired => Some(OrderText::Expired),
        OrderEventKind::RefundGranted
        | OrderEventKind::LatePaymentRefunded
        | OrderEventKind::DuplicatePaymentRefunded
        | OrderEventKind::MismatchedPaymentRefunded => Some(OrderText::Refunded),
        OrderEventKind::VendorOrderDelivered => None,
        _ => Some(OrderText::News),
    }
}
