//! What the API answers with: orders, vendors and jobs, each as its readers may see it.

mod job;
mod order;
mod vendor;

pub use self::job::{ExportView, ImportView};
pub use self::order::{
    DisputeView, HistoryView, OperatorOrderView, OperatorPaymentView, OrderLineView, OrderView, PaymentView,
    RefundView, VendorOrderDeskView, VendorOrderView, VendorPaymentView, VendorRef,
};
pub use self::vendor::{DocumentView, MemberView, VendorHistoryView, VendorView};
