//! Acts on an order's payment: what the buyer, the bank and staff at Stripe's dashboard do.

use std::collections::BTreeMap;

use cloud::time::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::calls::make_refund;
use super::objects::{self, Dispute, EvidenceDetails, Intent, Object, Refund, Status};
use super::refusal::Refusal;
use super::rules::may_take_days;
use super::session::{self, Session, State};
use super::store::{Event, Transaction};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    /// The buyer pays; if the payment has succeeded already, the same event is sent again.
    Succeed,
    /// A late payment: money arrives although the payment was cancelled, because the bank had sent it before.
    SucceedLate,
    /// The card is declined.
    Fail,
    /// The buyer pays by a bank that takes days: until it has decided, nobody can cancel the payment.
    Process,
    /// The amount that is left is refunded elsewhere: at Stripe's dashboard.
    Refund,
    /// Half of what is left is refunded elsewhere.
    RefundPart,
    /// The latest refund fails, because the buyer's bank returned it.
    FailRefund,
    /// The buyer's bank opens a dispute; if there is one already, the same event is sent again.
    Dispute,
    /// The bank decides the dispute for the shop.
    WinDispute,
    /// The bank decides the dispute for the buyer, at once or in a second round.
    LoseDispute,
    /// Every open payment of the order succeeds, each with two events that are sent concurrently.
    SucceedTwice,
    /// The buyer pays, and the captured amount is one minor unit off: an amount mismatch.
    WrongAmount,
}

/// The body of a request for an act.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) r#do: Act,
}

/// The payment after an act, and the events that report it.
pub(super) struct Done {
    pub(super) intent: Intent,
    /// Events to be sent now.
    pub(super) events: Vec<Event>,
    /// Whether the events are sent concurrently.
    pub(super) at_once: bool,
}

/// Why an act cannot be done.
#[derive(Debug, thiserror::Error)]
pub(super) enum ActError {
    #[error("no payment of this order is known here")]
    UnknownOrder,
    #[error("no payment waits at this address")]
    UnknownPage,
    #[error("{0}")]
    State(String),
    #[error("the sandbox cannot use its database")]
    Database(#[from] rusqlite::Error),
}

impl ActError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownOrder | Self::UnknownPage => StatusCode::NOT_FOUND,
            Self::State(_) => StatusCode::CONFLICT,
            Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn state(why: &str, intent: &Intent) -> Self {
        Self::State(format!(
            "{why}: the payment {} is {}",
            intent.id,
            json!(intent.status).as_str().unwrap_or_default()
        ))
    }
}

impl Act {
    /// Applies the act to the latest payment of an order.
    pub(super) fn on_order(self, transaction: &Transaction<'_>, order: &str, now: Timestamp) -> Result<Done, ActError> {
        session::expire_overdue(transaction, now)?;
        let (kind, id) = transaction.newest_payment(order)?.ok_or(ActError::UnknownOrder)?;
        let mut done = if kind == Session::KIND {
            let session: Session = transaction.find(&id)?.ok_or(ActError::UnknownOrder)?;
            self.on_session(transaction, session, now)?
        } else {
            let intent: Intent = transaction.find(&id)?.ok_or(ActError::UnknownOrder)?;
            self.on_intent(transaction, intent, now)?
        };
        if self == Self::SucceedTwice {
            let intents: Vec<Intent> = transaction.list(Some(order), None, -1)?;
            for other in intents.into_iter().filter(|other| other.id != done.intent.id) {
                if payable(transaction, &other).is_ok() {
                    done.events.extend(self.on_intent(transaction, other, now)?.events);
                }
            }
            let sessions: Vec<Session> = transaction.list(Some(order), None, -1)?;
            let untouched = |session: &Session| session.status == State::Open && session.payment_intent.is_none();
            for other in sessions.into_iter().filter(untouched) {
                done.events.extend(self.on_session(transaction, other, now)?.events);
            }
        }
        Ok(done)
    }

    /// Applies the act to the payment of a session, as if on its page.
    pub(super) fn on_session(
        self,
        transaction: &Transaction<'_>,
        mut session: Session,
        now: Timestamp,
    ) -> Result<Done, ActError> {
        let is_possible = match self {
            Self::Succeed | Self::SucceedTwice | Self::WrongAmount | Self::Fail | Self::Process => {
                session.status == State::Open || session.payment_intent.is_some()
            }
            // Somebody had begun to pay when the page was closed.
            Self::SucceedLate => session.status == State::Expired,
            _ => session.payment_intent.is_some(),
        };
        if !is_possible {
            let status = json!(session.status);
            let status = status.as_str().unwrap_or_default();
            return Err(ActError::State(format!("nobody has paid on the page {}, which is {status}", session.id)));
        }
        let is_new = session.payment_intent.is_none();
        let mut intent = session.intent(transaction, now)?;
        if is_new && session.status == State::Expired {
            intent.cancel(Some("automatic".to_owned()), now);
            transaction.put(&intent)?;
        }
        self.on_intent(transaction, intent, now)
    }

    /// Applies the act to one payment.
    pub(super) fn on_intent(
        self,
        transaction: &Transaction<'_>,
        mut intent: Intent,
        now: Timestamp,
    ) -> Result<Done, ActError> {
        let events = match self {
            Self::Succeed | Self::SucceedTwice if intent.status == Status::Succeeded => {
                // The call that paid recorded the event; this one only sends it again.
                let again = transaction.last_event("payment_intent.succeeded", &intent.id)?;
                let again = again.ok_or_else(|| ActError::state("it has no event", &intent))?;
                if self == Self::SucceedTwice { vec![again.clone(), again] } else { vec![again] }
            }
            Self::Succeed | Self::SucceedTwice | Self::WrongAmount => {
                payable(transaction, &intent)?;
                let received = if self == Self::WrongAmount { wrong(intent.amount) } else { intent.amount };
                intent.pay(received);
                transaction.put(&intent)?;
                let mut events = vec![transaction.record("payment_intent.succeeded", &intent, &intent.id, now)?];
                if self == Self::SucceedTwice {
                    events.push(transaction.record("payment_intent.succeeded", &intent, &intent.id, now)?);
                }
                events
            }
            Self::SucceedLate => {
                if intent.status != Status::Canceled {
                    return Err(ActError::state("it was not cancelled", &intent));
                }
                intent.pay(intent.amount);
                transaction.put(&intent)?;
                vec![transaction.record("payment_intent.succeeded", &intent, &intent.id, now)?]
            }
            Self::Fail => {
                payable(transaction, &intent)?;
                intent.decline("insufficient_funds");
                transaction.put(&intent)?;
                vec![transaction.record("payment_intent.payment_failed", &intent, &intent.id, now)?]
            }
            Self::Process => {
                payable(transaction, &intent)?;
                if !may_take_days(&intent) {
                    return Err(ActError::state("it takes no payment method that takes days", &intent));
                }
                intent.status = Status::Processing;
                transaction.put(&intent)?;
                vec![transaction.record("payment_intent.processing", &intent, &intent.id, now)?]
            }
            Self::Refund | Self::RefundPart => {
                let part =
                    if self == Self::RefundPart { Some(half_of_what_is_left(transaction, &intent)?) } else { None };
                let refund = make_refund(transaction, &intent, part, None, BTreeMap::new(), now).map_err(act_error)?;
                vec![transaction.record("refund.created", &refund, &intent.id, now)?]
            }
            Self::FailRefund => {
                let mut refund: Refund = last(transaction, &intent)?;
                refund.status = "failed".to_owned();
                refund.failure_reason = Some("expired_or_canceled_card".to_owned());
                transaction.put(&refund)?;
                vec![transaction.record("refund.failed", &refund, &intent.id, now)?]
            }
            Self::Dispute => vec![dispute(transaction, &intent, now)?],
            Self::WinDispute | Self::LoseDispute => {
                let mut dispute: Dispute = last(transaction, &intent)?;
                // A won one may go into another round, in which it is lost; a lost one is final.
                if self == Self::WinDispute && dispute.status == "lost" {
                    return Err(ActError::State(format!("the dispute {} is lost", dispute.id)));
                }
                if self == Self::WinDispute { "won" } else { "lost" }.clone_into(&mut dispute.status);
                transaction.put(&dispute)?;
                vec![transaction.record("charge.dispute.closed", &dispute, &intent.id, now)?]
            }
        };
        finish(transaction, intent, events, self == Self::SucceedTwice, now)
    }
}

/// The payment after an act, with what becomes of its session. Only the events that the endpoint is subscribed to are
/// sent.
pub(super) fn finish(
    transaction: &Transaction<'_>,
    intent: Intent,
    mut events: Vec<Event>,
    at_once: bool,
    now: Timestamp,
) -> Result<Done, ActError> {
    events.extend(session::follow(transaction, &intent, now)?);
    events.retain(|event| transaction.is_subscribed(&event.name));
    for event in &events {
        transaction.claim(&event.id, now)?;
    }
    Ok(Done { intent, events, at_once })
}

/// In hundreds, so that it is an amount of every currency.
fn half_of_what_is_left(transaction: &Transaction<'_>, intent: &Intent) -> Result<i64, ActError> {
    let refunds: Vec<Refund> = transaction.list(Some(&intent.id), None, -1)?;
    let refunded: i64 = refunds.iter().filter(|refund| refund.status != "failed").map(|refund| refund.amount).sum();
    let half = (intent.amount_received - refunded) / 200 * 100;
    if half > 0 { Ok(half) } else { Err(ActError::state("there is no half to refund", intent)) }
}

/// Refuses what cannot be paid. The page of a session takes one payment: what a bank has declined after days cannot be
/// paid there again.
pub(super) fn payable(transaction: &Transaction<'_>, intent: &Intent) -> Result<(), ActError> {
    let is_closed = || ActError::state("it cannot be paid any more", intent);
    match intent.status {
        Status::Processing => Ok(()),
        Status::RequiresPaymentMethod | Status::RequiresAction => {
            let session = session::of_intent(transaction, intent)?;
            if session.is_none_or(|session| session.status == State::Open) { Ok(()) } else { Err(is_closed()) }
        }
        Status::Succeeded | Status::Canceled => Err(is_closed()),
    }
}

/// An amount that differs from the requested one by one minor unit.
const fn wrong(amount: i64) -> i64 {
    if amount > 1 { amount - 1 } else { amount + 1 }
}

/// How long a dispute may be answered: 7 to 21 days, by the card's network
/// (<https://docs.stripe.com/disputes/responding>).
const TIME_TO_ANSWER_S: i64 = 9 * 24 * 3600;

fn dispute(transaction: &Transaction<'_>, intent: &Intent, now: Timestamp) -> Result<Event, ActError> {
    if intent.status != Status::Succeeded {
        return Err(ActError::state("there is no money to dispute", intent));
    }
    let before: Vec<Dispute> = transaction.list(Some(&intent.id), None, 1)?;
    if let Some(before) = before.first()
        && let Some(again) = transaction.last_event("charge.dispute.created", &before.id)?
    {
        return Ok(again);
    }
    let refunds: Vec<Refund> = transaction.list(Some(&intent.id), None, -1)?;
    let refunded: i64 = refunds.iter().filter(|refund| refund.status != "failed").map(|refund| refund.amount).sum();
    let amount = intent.amount_received - refunded;
    if amount <= 0 {
        return Err(ActError::state("all of it has been refunded", intent));
    }
    let dispute = Dispute {
        id: objects::id("du"),
        object: Dispute::KIND.to_owned(),
        amount,
        charge: intent.latest_charge.clone(),
        created: now.seconds(),
        currency: intent.currency.clone(),
        livemode: false,
        metadata: BTreeMap::new(),
        payment_intent: intent.id.clone(),
        reason: "fraudulent".to_owned(),
        status: "needs_response".to_owned(),
        evidence_details: Some(EvidenceDetails {
            due_by: Some(now.seconds() + TIME_TO_ANSWER_S),
            has_evidence: false,
            past_due: false,
            submission_count: 0,
        }),
    };
    transaction.put(&dispute)?;
    Ok(transaction.record("charge.dispute.created", &dispute, &intent.id, now)?)
}

/// The newest object of a kind that belongs to the intent.
fn last<T: Object>(transaction: &Transaction<'_>, intent: &Intent) -> Result<T, ActError> {
    let found: Vec<T> = transaction.list(Some(&intent.id), None, 1)?;
    found.into_iter().next().ok_or_else(|| ActError::State(format!("the payment {} has no {}", intent.id, T::KIND)))
}

fn act_error(refusal: Refusal) -> ActError {
    let body = refusal.body();
    ActError::State(body.pointer("/error/message").and_then(Value::as_str).unwrap_or_default().to_owned())
}
