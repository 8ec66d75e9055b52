//! The marketplace in pure types: money, catalogue, carts, orders, payments.
//!
//! Nothing here waits, reads a clock, the environment or the network: time and randomness come in as arguments.

pub mod address;
pub mod call;
pub mod cart;
pub mod catalogue;
pub mod change;
pub mod code;
pub mod dispute;
pub mod ids;
pub mod job;
pub mod mint;
pub mod money;
pub mod occasion;
pub mod order;
pub mod payment;
pub mod pricing;
pub mod refund;
pub mod returns;
pub mod settings;
pub mod stock;
pub mod text;
pub mod timestamp;
pub mod unclaimed;
pub mod upload;
pub mod vendor;

pub use call::{KeptAnswer, NamedCall};
pub use change::Change;
pub use code::{Code, Coded, FieldError, Refusal};
pub use ids::{
    AddressId, CartId, DisputeId, EventId, ExportId, ImportId, MediaId, OrderId, PaymentId, ProductId, RefundId,
    UserId, VariantId, VendorId,
};
pub use mint::Mint;
pub use money::{Currency, Money};
pub use occasion::{LowStock, Occasion};
pub use timestamp::Timestamp;
pub use unclaimed::{Moved, Unclaimed};
