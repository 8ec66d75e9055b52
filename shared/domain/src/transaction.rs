//! Transactions of providers that drive the payment themselves: such a provider asks what may be paid, and begins,
//! captures and cancels by calling us.

use serde::{Deserialize, Serialize};

use crate::code::Refusal;
use crate::{Money, OrderId, Timestamp};

/// A provider's transaction, in the attempt that it pays.
///
/// A provider sends each call again until it gets an answer, and compares the answers: what was answered is kept here,
/// and a repeat gets the same text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The provider's id of it.
    pub reference: String,
    pub order: OrderId,
    pub amount: Money,
    /// When it began by the provider's clock: the time by which a statement lists it.
    pub stated_at: Timestamp,
    /// When it began here.
    pub began_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    /// Why it was cancelled, in the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was answered when it began.
    #[serde(default)]
    pub begin_answer: String,
    /// What was answered when it was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_answer: Option<String>,
    /// What was answered when it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_answer: Option<String>,
}

impl Transaction {
    /// How many steps it has taken: the version of its entry in the provider's statement.
    pub fn steps(&self) -> u64 {
        1 + u64::from(self.captured_at.is_some()) + u64::from(self.cancelled_at.is_some())
    }
}

/// Why a call of a provider that drives the payment is refused. How that is said is up to the provider's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionRefused {
    #[error("there is no such order")]
    UnknownOrder,
    #[error("there is no such transaction")]
    UnknownTransaction,
    /// It is paid, has ended, or its buyer has chosen another way to pay.
    #[error("the order does not wait for a payment of this provider")]
    NotPayable,
    #[error("the order's deadline has passed")]
    Expired,
    #[error("another amount is to be paid")]
    WrongAmount {
        /// The amount that is to be paid.
        due: Money,
    },
    #[error("another transaction for the order has begun")]
    Busy,
    #[error("the transaction is cancelled")]
    Cancelled,
    /// What was paid for is on its way or delivered.
    #[error("the money is earned: something was shipped")]
    Shipped,
    #[error("the statement is too long")]
    TooLong,
    /// The state of the order does not allow it.
    #[error("the order's state does not allow this")]
    WrongState,
}

impl From<Refusal> for TransactionRefused {
    fn from(_: Refusal) -> Self {
        Self::WrongState
    }
}
