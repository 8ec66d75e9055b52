//! What the API answers with: orders, vendors and jobs, each as its readers may see it.

mod job;
mod operator_order;
mod order;
mod settlement;
mod unmatched;
mod vendor;
mod vendor_order;
mod vendor_order_desk;

pub use self::job::{ExportView, ImportView};
pub use self::operator_order::{DisputeView, OperatorOrderView, OperatorPaymentView};
pub use self::order::{HistoryView, OrderView, PaymentView, RefundView};
pub use self::settlement::{
    AskedSettlements, EntryLimit, SettlementReply, SettlementStatement, SettlementTotalView, SettlementView, WantsFile,
};
pub use self::unmatched::UnmatchedPaymentView;
pub use self::vendor::{DocumentView, InvitationView, JoinedView, MemberView, VendorHistoryView, VendorView};
pub use self::vendor_order::{OrderLineView, ParcelView, ReturnView, VendorOrderView, VendorRef};
pub use self::vendor_order_desk::{VendorOrderDeskView, VendorPaymentView};
