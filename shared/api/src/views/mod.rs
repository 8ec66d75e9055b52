//! What the API answers with: orders, vendors and jobs, each as its readers may see it.

mod job;
mod operator_order;
mod order;
mod vendor;

pub use self::job::{ExportView, ImportView};
pub use self::operator_order::{DisputeView, OperatorOrderView, OperatorPaymentView};
pub use self::order::{
    HistoryView, OrderLineView, OrderView, PaymentView, RefundView, VendorOrderDeskView, VendorOrderView,
    VendorPaymentView, VendorRef,
};
pub use self::vendor::{DocumentView, MemberView, VendorHistoryView, VendorView};
