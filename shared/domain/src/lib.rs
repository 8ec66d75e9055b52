//! The marketplace in pure types: money, catalog, carts, orders, payments.
//!
//! Nothing here is async, or reads a clock, the environment or the network: time and randomness are passed in.

pub mod address;
pub mod cart;
pub mod catalog;
pub mod change;
pub mod code;
pub mod contact;
pub mod dispute;
pub mod driven_payment;
#[cfg(any(test, feature = "examples"))]
pub mod examples;
pub mod frozen_opening;
pub mod id_source;
pub mod idempotency;
pub mod ids;
pub mod invitation;
pub mod job;
pub mod legal;
pub mod location;
pub mod look_up;
pub mod marketplace;
pub mod mfa;
pub mod money;
pub mod money_movement;
pub mod notice;
pub mod opening;
pub mod order;
pub mod outbox;
pub mod page;
pub mod payment;
pub mod payment_kind;
pub mod pricing;
pub mod processing;
pub mod proof;
pub mod provider_news;
pub mod refund;
pub mod refund_rules;
pub mod report;
pub mod return_policy;
pub mod returns;
pub mod sealed;
pub mod session;
pub mod settings;
pub mod settlement;
pub mod shares;
pub mod stock;
pub mod stored;
pub mod suppression;
pub mod text;
pub mod timestamp;
pub mod transaction;
pub mod unmatched;
pub mod upload;
pub mod vendor;

pub use change::{Change, Expected};
pub use code::{Code, Coded, FieldError, Refusal};
pub use id_source::Ids;
pub use idempotency::{Call, IdempotentRequest, Outcome, Prepared, StoredResponse};
pub use ids::{
    AddressId, CartId, DisputeId, EventId, ExportId, ImportId, MediaId, OrderId, OrderNumber, PaymentId, ProductId,
    RebuildId, RefundId, SessionId, SettlementId, UserId, VariantId, VendorId,
};
pub use look_up::{Identifier, LookUp};
pub use money::{Currency, Money};
pub use money_movement::MoneyMovement;
pub use outbox::{LowStock, OutboxEvent, Unread};
pub use page::{Count, PageRequest, Period, Slice, TimeBound};
pub use timestamp::Timestamp;
pub use unmatched::{UnmatchedPayment, UnmatchedState};
