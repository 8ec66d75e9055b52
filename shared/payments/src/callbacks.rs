//! Providers that drive the payment themselves: they call us in a protocol of their own, and get answers in it.

use bytes::Bytes;
use domain::payment::{Transaction, TransactionRefused};
use domain::{Money, OrderId, Timestamp};
use http::{Request, Response};

use crate::transport::BoxFuture;

/// The calls of a provider that drives the payment.
pub trait Callbacks: Send + Sync {
    /// Answers a raw request in the provider's own protocol: any status, headers and bytes. Whether the request is the
    /// provider's is checked here, before anything of it is believed. It must not fail: a protocol has words for a
    /// failure of ours.
    fn answer<'a>(&'a self, request: &'a Request<Bytes>, desk: &'a dyn Desk) -> BoxFuture<'a, Response<Bytes>>;
}

/// Makes the text that is answered to a step of a transaction, and stored with it: a repeat gets the same text.
pub type StepAnswer<'a> = &'a (dyn Fn(&Transaction) -> String + Send + Sync);

/// What a provider can do with the orders that wait for its payments. Each call may come again, and twice at once.
pub trait Desk: Send + Sync {
    /// The time of the request.
    fn now(&self) -> Timestamp;

    /// What is to be paid for an order now.
    fn offer(&self, order: OrderId) -> BoxFuture<'_, Result<Offer, DeskError>>;

    /// Begins a transaction. A repeat answers with what the first call stored.
    fn begin<'a>(&'a self, begin: Begin<'a>) -> BoxFuture<'a, Result<Transaction, DeskError>>;

    /// Captures a transaction: its order is paid. A repeat answers with what the first call stored.
    fn capture<'a>(
        &'a self,
        reference: &'a str,
        answer: StepAnswer<'a>,
    ) -> BoxFuture<'a, Result<Transaction, DeskError>>;

    /// Cancels a transaction, before or after its capture. A repeat answers with what the first call stored.
    fn cancel<'a>(
        &'a self,
        reference: &'a str,
        reason: &'a str,
        answer: StepAnswer<'a>,
    ) -> BoxFuture<'a, Result<Transaction, DeskError>>;

    /// A transaction as it stands.
    fn transaction<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Transaction, DeskError>>;

    /// The transactions that began between two times of the provider's clock, both included, the oldest first.
    fn statement(&self, from: Timestamp, until: Timestamp) -> BoxFuture<'_, Result<Vec<Transaction>, DeskError>>;
}

/// What is to be paid for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    pub order: OrderId,
    pub amount: Money,
    /// Until when a transaction has to begin.
    pub until: Option<Timestamp>,
}

/// A transaction that is to begin.
#[derive(Clone, Copy)]
pub struct Begin<'a> {
    /// The provider's id of the transaction.
    pub reference: &'a str,
    /// Other ids by which the provider may speak of it.
    pub further_references: &'a [&'a str],
    pub order: OrderId,
    pub amount: Money,
    /// When it began by the provider's clock.
    pub stated_at: Timestamp,
    /// Until when the provider may capture it: so long the order waits and holds its stock.
    pub until: Timestamp,
    pub answer: StepAnswer<'a>,
}

impl std::fmt::Debug for Begin<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Begin({} of {} for {})", self.reference, self.amount, self.order)
    }
}

/// Why the desk did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// The order does not allow it.
    #[error(transparent)]
    Refused(#[from] TransactionRefused),
    /// The tables do not answer: nothing is known, and the provider has to ask again.
    #[error("the orders cannot be read or written at the moment")]
    Unavailable,
}
