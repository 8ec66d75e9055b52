//! Unmatched payments: a provider reports money that no order here knows. Its news is tried again for a day, since its
//! order or its reference may become known; then it is the operator's to resolve.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::payment::ProviderName;
use crate::provider_news::{NewsKind, ProviderNews};
use crate::report::Report;
use crate::stored::Kept;
use crate::text::LongText;
use crate::{Code, EventId, Money, MoneyMovement, OrderId, Refusal, Timestamp, UserId};

/// How long the news of an unmatched payment is tried again.
pub const RETRIED_FOR: Duration = Duration::from_secs(24 * 3600);
/// The pause before the first retry. It doubles, so that there are twelve retries in all: an account at a provider may
/// serve other businesses, whose every sale is reported here.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The most reports that are kept of one payment, refund or dispute: it goes through fewer states.
const MAX_REPORTS: usize = 8;
/// The longest note in characters.
const MAX_NOTE_LENGTH: usize = 2_000;

/// State of an unmatched payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnmatchedState {
    /// Its news is tried again: its order may become known.
    Retrying,
    /// No order came to know it within a day: it waits for the operator.
    #[default]
    Open,
    /// Its order became known, and its news was applied to it.
    Matched,
    /// The operator has found out what it is, and left a note.
    Resolved,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// What can happen to an unmatched payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnmatchedStep {
    /// A day has passed.
    Opened,
    /// Its order became known.
    Matched,
    /// The operator resolved it.
    Resolved,
}

impl UnmatchedState {
    pub const ALL: [Self; 4] = [Self::Retrying, Self::Open, Self::Matched, Self::Resolved];

    /// The states in which one begins.
    pub const INITIAL: [Self; 1] = [Self::Retrying];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retrying => "retrying",
            Self::Open => "open",
            Self::Matched => "matched",
            Self::Resolved => "resolved",
            Self::Other => "other",
        }
    }

    /// The state after a step; nothing when the step is not allowed in this state.
    pub const fn after(self, step: UnmatchedStep) -> Option<Self> {
        match (self, step) {
            (Self::Retrying, UnmatchedStep::Opened) => Some(Self::Open),
            (Self::Retrying, UnmatchedStep::Matched) => Some(Self::Matched),
            (Self::Retrying | Self::Open, UnmatchedStep::Resolved) => Some(Self::Resolved),
            _ => None,
        }
    }

    /// Serde hands over a reference.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

impl UnmatchedStep {
    pub const ALL: [Self; 3] = [Self::Opened, Self::Matched, Self::Resolved];
}

/// How the operator resolved an unmatched payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resolution {
    /// What it was, and what became of it.
    pub note: LongText,
    /// Who resolved it.
    pub by: UserId,
    /// When it was resolved.
    pub at: Timestamp,
}

/// Money that a provider reported and that no order here knows. Each payment, refund or dispute is stored once, however
/// often it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmatchedPayment {
    /// Id of the record, and of the outbox event that notifies the operator.
    pub id: EventId,
    /// The provider that reported it.
    pub provider: ProviderName,
    /// Whether money was paid, refunded or disputed.
    pub what: MoneyMovement,
    /// The provider's id of the payment, refund or dispute.
    pub reference: String,
    /// The amount; nothing when it cannot be expressed in minor units of a known currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The order that the provider names, which does not exist here or does not know this money; once it is matched,
    /// its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// When it was reported for the first time.
    pub at: Timestamp,
    /// Records of releases before 2026-12-02 have none: they were the operator's at once.
    #[serde(default, skip_serializing_if = "UnmatchedState::is_open")]
    pub state: UnmatchedState,
    /// When its news is tried again; nothing when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// What was reported, as it came in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
    /// When its order became known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Incremented by each write, which is conditional on it.
    #[serde(skip)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl UnmatchedPayment {
    /// The record of money that no order knows; nothing for news that moves none.
    pub fn of(news: &ProviderNews, id: EventId, now: Timestamp) -> Option<Self> {
        let (what, reference, amount) = news.money_movement()?;
        Some(Self {
            id,
            provider: news.provider,
            what,
            reference: reference.to_owned(),
            amount,
            order_id: news.order_id,
            at: now,
            state: UnmatchedState::Retrying,
            retry_at: Some(now + FIRST_PAUSE),
            reports: Report::of(news).into_iter().collect(),
            matched_at: None,
            resolution: None,
            version: 0,
            kept: Kept::default(),
        })
    }

    /// The payment, refund or dispute that news is about, by the kind and the provider's id of it; nothing for news
    /// that no record is kept of.
    pub fn subject(news: &ProviderNews) -> Option<(MoneyMovement, &str)> {
        Report::of(news)?;
        Some(match &news.kind {
            NewsKind::Refund(refund) => (MoneyMovement::Refund, refund.reference.as_str()),
            NewsKind::Dispute(dispute) => (MoneyMovement::Dispute, dispute.reference.as_str()),
            NewsKind::Payment(_) | NewsKind::Unknown { .. } => (MoneyMovement::Payment, news.reference.as_str()),
        })
    }

    /// Adds what is reported of it until it has ended. False when that is known, or it has.
    pub fn add(&mut self, news: &ProviderNews) -> bool {
        let waits = matches!(self.state, UnmatchedState::Retrying | UnmatchedState::Open);
        let Some(report) = Report::of(news).filter(|_| waits) else { return false };
        if self.reports.contains(&report) || self.reports.len() >= MAX_REPORTS {
            return false;
        }
        self.order_id = self.order_id.or(report.order_id);
        self.reports.push(report);
        true
    }

    /// What was reported, the oldest first by the provider's clock.
    pub fn news(&self) -> Vec<ProviderNews> {
        let mut reports: Vec<&Report> = self.reports.iter().collect();
        reports.sort_by_key(|report| report.occurred_at);
        reports.into_iter().filter_map(|report| report.news(self.provider, &self.reference)).collect()
    }

    /// Its order is known by now, and has all of its news.
    pub fn matched(&mut self, order: OrderId, now: Timestamp) -> Result<(), Refusal> {
        self.step(UnmatchedStep::Matched)?;
        self.order_id = Some(order);
        self.matched_at = Some(now);
        Ok(())
    }

    /// No order knows it yet. After a day it is the operator's, and the answer is true.
    pub fn not_matched(&mut self, now: Timestamp) -> Result<bool, Refusal> {
        let until = self.at + RETRIED_FOR;
        if now >= until {
            self.step(UnmatchedStep::Opened)?;
            return Ok(true);
        }
        self.retry_at = Some((now + now.since(self.at).max(FIRST_PAUSE)).min(until));
        Ok(false)
    }

    /// The operator resolves it. The same note again changes nothing, so that a repeat is harmless.
    ///
    /// # Errors
    /// `wrong_state` when it is matched, or was resolved with another note; a note that is empty or too long.
    pub fn resolve(&mut self, note: &LongText, by: UserId, now: Timestamp) -> Result<(), Refusal> {
        if !(1..=MAX_NOTE_LENGTH).contains(&note.as_str().chars().count()) {
            return Err(Refusal::field("/note", "wrong_length", format!("1 to {MAX_NOTE_LENGTH} characters")));
        }
        if self.resolution.as_ref().is_some_and(|known| known.note == *note) {
            return Ok(());
        }
        self.step(UnmatchedStep::Resolved)?;
        self.resolution = Some(Resolution { note: note.clone(), by, at: now });
        Ok(())
    }

    fn step(&mut self, step: UnmatchedStep) -> Result<(), Refusal> {
        let after = self.state.after(step);
        self.state = after.ok_or_else(|| {
            Refusal::because(Code::WrongState, format!("the unmatched payment is {}", self.state.as_str()))
        })?;
        self.retry_at = None;
        Ok(())
    }

    /// What the outbox event says of it: without what only the record needs. It happens when the operator gets it.
    #[must_use]
    pub fn notice(&self, now: Timestamp) -> Self {
        Self { at: now, reports: Vec::new(), kept: Kept::default(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Coded;
    use crate::dispute::DisputeState;
    use crate::examples::{NOW, usd};
    use crate::provider_news::{DisputeNews, PaymentNews, RefundNews, RefundOutcome};
    use crate::{PaymentId, RefundId};

    fn news(kind: NewsKind) -> ProviderNews {
        ProviderNews {
            provider: ProviderName::Stripe,
            reference: "pi_1".to_owned(),
            page: None,
            order_id: Some(OrderId::from_bits(1)),
            payment_id: Some(PaymentId::from_bits(2)),
            event_id: Some("evt_1".to_owned()),
            occurred_at: Some(NOW),
            kind,
        }
    }

    fn refund(outcome: RefundOutcome) -> NewsKind {
        let refund_id = Some(RefundId::from_bits(3));
        NewsKind::Refund(RefundNews { reference: "re_1".to_owned(), refund_id, amount: Some(usd(5)), outcome })
    }

    fn dispute(state: DisputeState) -> NewsKind {
        let (reference, reason) = ("du_1".to_owned(), "fraudulent".to_owned());
        NewsKind::Dispute(DisputeNews { reference, amount: None, reason, state, evidence_due_at: None })
    }

    fn unmatched() -> UnmatchedPayment {
        let captured = NewsKind::Payment(PaymentNews::Captured { amount: Some(usd(1_750)) });
        UnmatchedPayment::of(&news(captured), EventId::from_bits(9), NOW).unwrap()
    }

    #[test]
    fn what_is_reported_is_told_again_as_it_came_in() {
        for kind in [
            NewsKind::Payment(PaymentNews::Captured { amount: Some(usd(1_750)) }),
            NewsKind::Payment(PaymentNews::Captured { amount: None }),
            refund(RefundOutcome::Pending),
            refund(RefundOutcome::Succeeded),
            refund(RefundOutcome::Failed { code: "expired_or_canceled_card".to_owned() }),
            dispute(DisputeState::Opened),
            dispute(DisputeState::Won),
            dispute(DisputeState::Lost),
        ] {
            let news = news(kind);
            let (_, reference) = UnmatchedPayment::subject(&news).unwrap();
            let stored = serde_json::to_string(&Report::of(&news).unwrap()).unwrap();
            let read: Report = serde_json::from_str(&stored).unwrap();
            assert_eq!(read.news(news.provider, reference), Some(news));
        }
        for nothing in [NewsKind::Payment(PaymentNews::Pending), NewsKind::Unknown { name: "invoice.paid".to_owned() }]
        {
            assert_eq!(Report::of(&news(nothing)), None);
        }
    }

    #[test]
    fn later_reports_are_added_once_and_told_in_the_order_in_which_they_happened() {
        let opened = ProviderNews { occurred_at: Some(NOW + FIRST_PAUSE), ..news(refund(RefundOutcome::Succeeded)) };
        let mut record = UnmatchedPayment::of(&opened, EventId::from_bits(9), NOW).unwrap();
        let before = news(refund(RefundOutcome::Pending));
        assert!(record.add(&before) && !record.add(&before) && !record.add(&opened));
        assert_eq!(record.news(), [before.clone(), opened]);
        record.not_matched(NOW + RETRIED_FOR).unwrap();
        let failed = |code: &str| news(refund(RefundOutcome::Failed { code: code.to_owned() }));
        assert!(record.add(&failed("lost")), "the operator's has all that was reported");
        let user = "00000000-0000-4000-8000-000000000004".parse::<UserId>().unwrap();
        record.resolve(&LongText::parse("ours").unwrap(), user, NOW + RETRIED_FOR).unwrap();
        assert!(!record.add(&failed("late")), "it has ended");
    }

    #[test]
    fn it_is_tried_again_for_a_day_at_growing_intervals_and_is_then_the_operators() {
        let mut record = unmatched();
        let mut retries = 0;
        let mut now = NOW;
        while let Some(at) = record.retry_at {
            assert!(at > now && at <= NOW + RETRIED_FOR, "{at:?}");
            now = at;
            retries += 1;
            assert_eq!(record.not_matched(now).unwrap(), record.state == UnmatchedState::Open);
        }
        assert_eq!((retries, now, record.state), (12, NOW + RETRIED_FOR, UnmatchedState::Open));
    }

    #[test]
    fn it_ends_once_and_the_same_note_again_changes_nothing() {
        let note = |text: &str| LongText::parse(text).unwrap();
        let user = |last: u8| format!("00000000-0000-4000-8000-00000000000{last}").parse::<UserId>().unwrap();
        let (by, later) = (user(4), NOW + FIRST_PAUSE);
        let mut resolved = unmatched();
        for wrong in [String::new(), "x".repeat(2_001)] {
            assert_eq!(resolved.resolve(&note(&wrong), by, NOW).unwrap_err().fields()[0].pointer, "/note");
        }
        resolved.resolve(&note("an invoice of the café"), by, NOW).unwrap();
        let known = resolved.clone();
        resolved.resolve(&note("an invoice of the café"), user(5), later).unwrap();
        assert_eq!(resolved, known);
        assert!(resolved.resolve(&note("something else"), by, later).is_err());
        assert!(resolved.matched(OrderId::from_bits(1), later).is_err());
        let mut matched = unmatched();
        matched.matched(OrderId::from_bits(7), later).unwrap();
        assert_eq!(
            (matched.order_id, matched.matched_at, matched.retry_at),
            (Some(OrderId::from_bits(7)), Some(later), None)
        );
        assert!(matched.resolve(&note("too late"), by, later).is_err());
    }

    #[test]
    fn a_record_of_an_earlier_release_is_the_operators_and_written_as_it_was() {
        let stored = serde_json::json!({
            "id": EventId::from_bits(9), "provider": "stripe", "what": "payment", "reference": "pi_1",
            "amount": usd(1_750), "at": NOW,
        });
        let read: UnmatchedPayment = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!((read.state, read.retry_at), (UnmatchedState::Open, None));
        assert_eq!(serde_json::to_value(&read).unwrap(), stored);
    }
}
