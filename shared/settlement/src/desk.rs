//! The desk at which a provider that drives the payment itself acts on orders.

use domain::order::PlacedOrder;
use domain::payment::{Payment, ProviderName, Transaction, TransactionRefused};
use domain::{Code, Coded, OrderId, Outcome, Refusal, Timestamp};
use payments::{Begin, BoxFuture, Desk, DeskError, Offer, StepAnswer};
use store::{Decision, Error};

use crate::Settlement;

/// The desk for one request of one provider.
pub(crate) struct ProviderDesk {
    settlement: Settlement,
    provider: ProviderName,
    now: Timestamp,
}

impl Settlement {
    pub(crate) fn desk(&self, provider: ProviderName, now: Timestamp) -> ProviderDesk {
        ProviderDesk { settlement: self.clone(), provider, now }
    }
}

/// Why a step of a transaction was not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error(transparent)]
    Refused(#[from] TransactionRefused),
    #[error(transparent)]
    Store(#[from] Error),
}

impl ProviderDesk {
    /// The error for the provider. Being unable to read or write is logged here: the provider only hears that it has to
    /// ask again.
    fn refused(&self, error: NotTaken) -> DeskError {
        match error {
            NotTaken::Refused(refused) => {
                tracing::info!(provider = self.provider.as_str(), reason = %refused, "a provider's call was refused");
                refused.into()
            }
            NotTaken::Store(error) if error.code() == Code::NotFound => TransactionRefused::UnknownOrder.into(),
            NotTaken::Store(error) => {
                tracing::warn!(
                    provider = self.provider.as_str(), cause = %error, "a provider's call could not be carried out"
                );
                DeskError::Unavailable
            }
        }
    }

    async fn load(&self, order: OrderId) -> Result<PlacedOrder, NotTaken> {
        let orders = self.settlement.orders();
        Ok(orders.load(order).await?.ok_or(TransactionRefused::UnknownOrder)?)
    }

    /// The order with a transaction.
    async fn order_of(&self, reference: &str) -> Result<OrderId, NotTaken> {
        let found = self.settlement.orders().with_reference(self.provider, reference).await?;
        Ok(found.ok_or(TransactionRefused::UnknownTransaction)?)
    }

    fn found(&self, placed: &PlacedOrder, reference: &str) -> Result<Transaction, TransactionRefused> {
        let attempt = placed.attempt_of_transaction(self.provider, reference);
        let transaction = attempt.and_then(|attempt: &Payment| attempt.transaction.clone());
        transaction.ok_or(TransactionRefused::UnknownTransaction)
    }

    /// Takes a step of a transaction. A step that was taken before changes nothing, so that nothing is written.
    async fn step(
        &self,
        order: OrderId,
        reference: &str,
        step: impl Fn(&mut PlacedOrder) -> Result<(), TransactionRefused> + Send + Sync,
    ) -> Result<Transaction, NotTaken> {
        let step = &step;
        let decide = |mut placed: PlacedOrder| async move {
            step(&mut placed)?;
            Ok::<_, NotTaken>(Decision::Write(placed, ()))
        };
        let respond = |placed: &PlacedOrder, (): &()| match self.found(placed, reference) {
            Ok(transaction) => Ok((transaction, None)),
            Err(missing) => Err(Refusal::because(Code::Internal, missing.to_string())),
        };
        match self.settlement.orders().change(order, decide, respond).await? {
            Outcome::Done(transaction) => Ok(transaction),
            Outcome::Replayed(_) | Outcome::Repeated(_) => Err(Error::Conflict.into()),
        }
    }

    async fn take_begin(&self, begin: Begin<'_>) -> Result<Transaction, NotTaken> {
        let (now, reference) = (self.now, begin.reference);
        for known in std::iter::once(&reference).chain(begin.further_references) {
            match self.settlement.orders().with_reference(self.provider, known).await? {
                // A reference names one transaction: the provider has mixed up two.
                Some(other) if other != begin.order => return Err(TransactionRefused::Busy.into()),
                Some(_) | None => {}
            }
        }
        let mut transaction = Transaction {
            reference: reference.to_owned(),
            order: begin.order,
            amount: begin.amount,
            stated_at: begin.stated_at,
            began_at: now,
            captured_at: None,
            cancelled_at: None,
            reason: None,
            begin_answer: String::new(),
            capture_answer: None,
            cancel_answer: None,
        };
        transaction.begin_answer = (begin.answer)(&transaction);
        let step = |placed: &mut PlacedOrder| match self.found(placed, reference) {
            // Another id of a transaction begins none.
            Ok(known) if known.reference == reference => Ok(()),
            Ok(_) | Err(_) => {
                let (transaction, further) = (transaction.clone(), begin.further_references);
                placed.begin_transaction(self.provider, transaction, further, begin.until, now).map(drop)
            }
        };
        self.step(begin.order, reference, step).await
    }

    async fn take_capture(&self, reference: &str, answer: StepAnswer<'_>) -> Result<Transaction, NotTaken> {
        let step = |placed: &mut PlacedOrder| {
            placed.capture_transaction(self.provider, reference, &answer, &mut platform::ids(self.now))
        };
        let order = self.order_of(reference).await?;
        self.step(order, reference, step).await
    }

    async fn take_cancel(
        &self,
        reference: &str,
        reason: &str,
        answer: StepAnswer<'_>,
    ) -> Result<Transaction, NotTaken> {
        let step = |placed: &mut PlacedOrder| {
            placed.cancel_transaction(self.provider, reference, reason, &answer, &mut platform::ids(self.now))
        };
        let order = self.order_of(reference).await?;
        self.step(order, reference, step).await
    }
}

impl Desk for ProviderDesk {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn offer(&self, order: OrderId) -> BoxFuture<'_, Result<Offer, DeskError>> {
        Box::pin(async move {
            let placed = self.load(order).await.map_err(|error| self.refused(error))?;
            let payable = placed.payable_by(self.provider, self.now);
            let attempt = payable.map_err(|refused| self.refused(refused.into()))?;
            Ok(Offer { order, amount: attempt.amount, until: placed.order.due_at })
        })
    }

    fn begin<'a>(&'a self, begin: Begin<'a>) -> BoxFuture<'a, Result<Transaction, DeskError>> {
        Box::pin(async move { self.take_begin(begin).await.map_err(|error| self.refused(error)) })
    }

    fn capture<'a>(
        &'a self,
        reference: &'a str,
        answer: StepAnswer<'a>,
    ) -> BoxFuture<'a, Result<Transaction, DeskError>> {
        Box::pin(async move { self.take_capture(reference, answer).await.map_err(|error| self.refused(error)) })
    }

    fn cancel<'a>(
        &'a self,
        reference: &'a str,
        reason: &'a str,
        answer: StepAnswer<'a>,
    ) -> BoxFuture<'a, Result<Transaction, DeskError>> {
        Box::pin(async move { self.take_cancel(reference, reason, answer).await.map_err(|error| self.refused(error)) })
    }

    fn transaction<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Transaction, DeskError>> {
        Box::pin(async move {
            let found = async {
                let placed = self.load(self.order_of(reference).await?).await?;
                Ok::<_, NotTaken>(self.found(&placed, reference)?)
            };
            found.await.map_err(|error| self.refused(error))
        })
    }

    fn statement(&self, from: Timestamp, until: Timestamp) -> BoxFuture<'_, Result<Vec<Transaction>, DeskError>> {
        Box::pin(async move {
            let listed = self.settlement.orders().statement(self.provider, from, until).await;
            match listed.map_err(|error| self.refused(error.into()))? {
                Some(transactions) => Ok(transactions),
                None => Err(TransactionRefused::TooLong.into()),
            }
        })
    }
}
