//! What a provider that drives the payment itself may do with an order.

use crate::id_source::Ids;
use crate::order::{Actor, LatePayment, OrderState, PlacedOrder};
use crate::payment::{Payment, PaymentStep, ProviderName, Transaction, TransactionRefused};
use crate::provider_news::{PaymentNews, RefundNews, RefundOutcome};
use crate::{Money, PaymentId, Timestamp};

impl PlacedOrder {
    /// The attempt with a provider's transaction, by any of the ids that the provider has for it.
    pub fn attempt_of_transaction(&self, provider: ProviderName, reference: &str) -> Option<&Payment> {
        let has = |payment: &&Payment| {
            payment.provider == provider
                && payment.transaction.is_some()
                && payment.references().any(|known| known == reference)
        };
        self.payments.iter().find(has)
    }

    /// The attempt that a provider may begin to pay now.
    ///
    /// # Errors
    /// The order does not wait for a payment of this provider, its deadline has passed, or a transaction has begun.
    pub fn payable_by(&self, provider: ProviderName, now: Timestamp) -> Result<&Payment, TransactionRefused> {
        if self.order.state == OrderState::Expired {
            return Err(TransactionRefused::Expired);
        }
        if self.order.state != OrderState::AwaitingPayment {
            return Err(TransactionRefused::NotPayable);
        }
        if self.order.due_at.is_some_and(|due| due <= now) {
            return Err(TransactionRefused::Expired);
        }
        let open = || self.payments.iter().filter(|payment| payment.provider == provider && payment.state.is_open());
        if open().any(|payment| payment.transaction.is_some()) {
            return Err(TransactionRefused::Busy);
        }
        // The latest one: its buyer has chosen it last.
        open().rfind(|payment| payment.reference.is_none()).ok_or(TransactionRefused::NotPayable)
    }

    /// Begins a transaction of this order. The order then waits for it until `until`, if that is later than its
    /// deadline.
    ///
    /// # Errors
    /// As [`Self::payable_by`]; another amount than is due.
    pub fn begin_transaction(
        &mut self,
        provider: ProviderName,
        transaction: Transaction,
        further_references: &[&str],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<PaymentId, TransactionRefused> {
        let attempt = self.payable_by(provider, now)?;
        if transaction.amount != attempt.amount {
            return Err(TransactionRefused::WrongAmount { due: attempt.amount });
        }
        let id = attempt.id;
        let asked = || std::iter::once(transaction.reference.as_str()).chain(further_references.iter().copied());
        let others = self.payments.iter().filter(|payment| payment.id != id && payment.provider == provider);
        if others.flat_map(Payment::references).any(|known| asked().any(|one| one == known)) {
            return Err(TransactionRefused::Busy);
        }
        if let Some(attempt) = self.payments.iter_mut().find(|payment| payment.id == id) {
            attempt.state = attempt.state.after(PaymentStep::Pending).ok_or(TransactionRefused::WrongState)?;
            attempt.reference = Some(transaction.reference.clone());
            attempt.further_references = further_references.iter().map(|one| (*one).to_owned()).collect();
            attempt.transaction = Some(transaction);
        }
        self.order.due_at = self.order.due_at.map(|due| due.max(until));
        Ok(id)
    }

    /// Captures a transaction: it pays the order. `answer` makes what is answered.
    ///
    /// # Errors
    /// The transaction is unknown or cancelled; the order's deadline has passed; the order does not wait for it.
    pub fn capture_transaction(
        &mut self,
        provider: ProviderName,
        reference: &str,
        answer: &dyn Fn(&Transaction) -> String,
        ids: &mut Ids,
    ) -> Result<(), TransactionRefused> {
        let attempt = self.attempt_of_transaction(provider, reference).ok_or(TransactionRefused::UnknownTransaction)?;
        let (id, amount, state) = (attempt.id, attempt.amount, attempt.state);
        let transaction = attempt.transaction.clone().ok_or(TransactionRefused::UnknownTransaction)?;
        if transaction.captured_at.is_some() && transaction.cancelled_at.is_none() {
            return Ok(());
        }
        if self.order.state == OrderState::Expired || self.order.due_at.is_some_and(|due| due <= ids.now()) {
            return Err(TransactionRefused::Expired);
        }
        if transaction.cancelled_at.is_some() || !state.is_open() {
            return Err(TransactionRefused::Cancelled);
        }
        // The provider asks before it takes the money: what the order does not need is refused, not refunded.
        if self.order.state != OrderState::AwaitingPayment {
            return Err(TransactionRefused::NotPayable);
        }
        self.settle(id, &PaymentNews::Captured { amount: Some(amount) }, LatePayment::Refund, ids)?;
        let mut captured = Transaction { captured_at: Some(ids.now()), ..transaction };
        captured.capture_answer = Some(answer(&captured));
        self.put_transaction(id, captured);
        Ok(())
    }

    /// Cancels a transaction. After its capture the money goes back at the provider, and the order ends, unless
    /// something was shipped.
    ///
    /// # Errors
    /// The transaction is unknown; something was shipped.
    pub fn cancel_transaction(
        &mut self,
        provider: ProviderName,
        reference: &str,
        reason: &str,
        answer: &dyn Fn(&Transaction) -> String,
        ids: &mut Ids,
    ) -> Result<(), TransactionRefused> {
        let attempt = self.attempt_of_transaction(provider, reference).ok_or(TransactionRefused::UnknownTransaction)?;
        let (id, state, captured) = (attempt.id, attempt.state, attempt.captured);
        let transaction = attempt.transaction.clone().ok_or(TransactionRefused::UnknownTransaction)?;
        if transaction.cancelled_at.is_some() {
            return Ok(());
        }
        match captured.filter(|_| transaction.captured_at.is_some()) {
            Some(amount) => self.take_back(id, &transaction.reference, amount, ids)?,
            None if state.is_open() => {
                self.settle(id, &PaymentNews::Cancelled, LatePayment::Refund, ids)?;
            }
            // The order has ended meanwhile, and the attempt with it.
            None => {}
        }
        let reason = Some(reason.to_owned());
        let mut cancelled = Transaction { cancelled_at: Some(ids.now()), reason, ..transaction };
        cancelled.cancel_answer = Some(answer(&cancelled));
        self.put_transaction(id, cancelled);
        Ok(())
    }

    /// The provider gives captured money back: a refund that was made elsewhere, and the order's end.
    fn take_back(
        &mut self,
        payment: PaymentId,
        reference: &str,
        amount: Money,
        ids: &mut Ids,
    ) -> Result<(), TransactionRefused> {
        let pays = self.order.payment == payment && self.order.state == OrderState::Paid;
        if pays && self.vendors.iter().any(|vendor_order| vendor_order.state.has_shipped())
            || self.order.state == OrderState::Completed
        {
            return Err(TransactionRefused::Shipped);
        }
        let refunded = RefundNews {
            reference: format!("{reference}_refund"),
            refund_id: None,
            amount: Some(amount),
            outcome: RefundOutcome::Succeeded,
        };
        self.refunded_elsewhere(payment, &refunded, ids)?;
        // All of the money is back, which cancels what was not shipped; a part of it does not.
        if pays && self.order.state == OrderState::Paid {
            self.cancel(Actor::Provider, ids)?;
        }
        Ok(())
    }

    fn put_transaction(&mut self, payment: PaymentId, transaction: Transaction) {
        if let Some(attempt) = self.payments.iter_mut().find(|known| known.id == payment) {
            attempt.transaction = Some(transaction);
        }
    }
}
