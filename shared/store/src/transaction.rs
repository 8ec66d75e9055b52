//! Transactions: each action is added with its purpose, and the reasons of a refusal are read by it, never by the
//! action's place.

use std::sync::PoisonError;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{Code, Refusal};

use crate::dispatch::Dispatch;
use crate::error::{Cancelled, Failure, Reason, failure};
pub(crate) use crate::purpose::Purpose;
use crate::retry::{RETRY_BUDGET, with_retries_within};

/// The most actions of a transaction
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>).
pub(crate) const MAX_ACTIONS: usize = 100;

/// The actions of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    purposes: Vec<Purpose>,
    actions: Vec<TransactWriteItem>,
}

impl Transaction {
    pub(crate) fn add(&mut self, purpose: Purpose, action: TransactWriteItem) {
        self.purposes.push(purpose);
        self.actions.push(action);
    }

    /// A transaction of actions with the same purpose.
    pub(crate) fn of(purpose: Purpose, actions: Vec<TransactWriteItem>) -> Self {
        Self { purposes: vec![purpose; actions.len()], actions }
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.purposes.append(&mut other.purposes);
        self.actions.append(&mut other.actions);
    }

    pub(crate) fn len(&self) -> usize {
        self.actions.len()
    }

    /// Runs it. Without any action nothing is sent. The client request token makes a repeat of the same call harmless:
    /// the SDK sends it again when an answer is lost, and DynamoDB recognises the token for ten minutes.
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        self.run_within(RETRY_BUDGET, client).await
    }

    /// [`Self::run`] with a retry budget of its own.
    pub(crate) async fn run_within(self, budget: Duration, client: &Client) -> Result<(), Failure> {
        if self.actions.is_empty() {
            return Ok(());
        }
        if self.len() > MAX_ACTIONS {
            let detail = "the change touches too many things at once";
            return Err(Failure::Refused(Refusal::because(Code::LimitReached, detail)));
        }
        let fresh = || format!("{:032x}", fastrand::u128(..));
        let token = std::sync::Mutex::new(fresh());
        with_retries_within(budget, || async {
            let same = token.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let sent = client
                .transact_write_items()
                .set_transact_items(Some(self.actions.clone()))
                .client_request_token(same)
                .dispatch()
                .await;
            sent.map(|_| ()).map_err(|error| {
                // A cancelled transaction has certainly written nothing, so its retry gets a new token. Any other
                // outcome is unknown, so the retry sends the same token.
                if error.as_service_error().is_some_and(TransactWriteItemsError::is_transaction_canceled_exception) {
                    *token.lock().unwrap_or_else(PoisonError::into_inner) = fresh();
                }
                self.cancelled(&error)
            })
        })
        .await
    }

    fn cancelled<R: std::fmt::Debug + 'static>(&self, error: &SdkError<TransactWriteItemsError, R>) -> Failure {
        let SdkError::ServiceError(service) = error else { return failure(error) };
        let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err() else {
            return failure(error);
        };
        let reasons = cancelled.cancellation_reasons().iter();
        let reasons = reasons
            .map(|reason| Reason { code: reason.code().unwrap_or("None").to_owned(), item: reason.item().cloned() });
        let cancelled = Cancelled(self.purposes.iter().copied().zip(reasons).collect());
        if cancelled.is_transient() {
            Failure::Retryable("transactions conflict".to_owned())
        } else {
            Failure::Cancelled(cancelled)
        }
    }
}
