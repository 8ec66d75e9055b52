use domain::examples::{after, usd};
use domain::payment::PaymentState;
use domain::provider_news::RefundNews;

use super::*;
use crate::fixture::with_refund;

fn refunded(outcome: RefundOutcome) -> RefundAnswer {
    RefundAnswer::Known(RefundNews { reference: "re_1".into(), refund_id: None, amount: Some(usd(2_500)), outcome })
}

/// The order after an answer, and what was counted.
fn answered(placed: &PlacedOrder, answer: RefundAnswer, now: Timestamp) -> (PlacedOrder, Summary) {
    let mut changed = placed.clone();
    let mut summary = Summary::default();
    let id = placed.refunds[0].id;
    if placed.refunds[0].state == RefundState::Queued {
        changed.begin_refund_request(id, now + REQUESTING).unwrap();
    }
    let count = apply(&mut changed, id, &answer, now).unwrap().unwrap();
    count(&mut summary);
    (changed, summary)
}

#[test]
fn a_refund_that_succeeds_at_once_is_done() {
    let (placed, summary) = answered(&with_refund(), refunded(RefundOutcome::Succeeded), after(61));
    assert_eq!((placed.refunds[0].state, placed.refunds[0].due_at), (RefundState::Succeeded, None));
    assert_eq!(placed.refunds[0].reference.as_deref(), Some("re_1"));
    assert_eq!(placed.payments[0].state, PaymentState::Refunded);
    assert_eq!(summary, Summary { refunded: 1, ..Summary::default() });
}

#[test]
fn a_refund_that_the_provider_works_on_is_looked_at_again_in_an_hour() {
    let (placed, summary) = answered(&with_refund(), refunded(RefundOutcome::Pending), after(61));
    assert_eq!((placed.refunds[0].state, placed.refunds[0].due_at), (RefundState::Pending, Some(after(3_661))));
    assert_eq!(summary.refunds_pending, 1);
    assert!(!is_due(&placed.refunds[0], after(3_660)));

    let (placed, _) = answered(&placed, refunded(RefundOutcome::Pending), after(3_661));
    assert_eq!((placed.refunds[0].attempts, placed.refunds[0].due_at), (2, Some(after(7_261))));
    let (placed, summary) = answered(&placed, refunded(RefundOutcome::Succeeded), after(7_261));
    assert_eq!((placed.refunds[0].state, summary.refunded), (RefundState::Succeeded, 1));
}

#[test]
fn a_provider_that_is_down_is_asked_ever_more_seldom() {
    let mut placed = with_refund();
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let (next, summary) = answered(&placed, RefundAnswer::Later, after(61));
        assert_eq!((next.refunds[0].state, summary.refunds_waiting), (RefundState::Queued, 1));
        pauses.push(next.refunds[0].due_at.unwrap().since(after(61)).as_secs() / 60);
        placed = next;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(pause(u32::MAX), MAX_PAUSE);
}

#[test]
fn a_provider_that_cannot_be_asked_is_tried_ever_more_seldom_and_nothing_of_it_counts_as_a_request() {
    let mut placed = with_refund();
    let (mut at, mut pauses) = (placed.refunds[0].created_at, Vec::new());
    for _ in 0..16 {
        let (next, summary) = answered(&placed, RefundAnswer::NotAsked, at);
        assert_eq!((next.refunds[0].attempts, next.refunds[0].may_be_made()), (0, false));
        assert_eq!((next.refunds[0].state, summary.refunds_waiting), (RefundState::Queued, 1));
        let due = next.refunds[0].due_at.unwrap();
        pauses.push(due.since(at).as_secs() / 60);
        (placed, at) = (next, due);
    }
    assert_eq!(pauses, [1, 1, 1, 1, 2, 3, 5, 7, 11, 17, 25, 38, 57, 60, 60, 60]);
}

#[test]
fn a_refund_that_somebody_has_made_at_the_dashboard_is_done_when_it_is_refused() {
    let made = RefundNews {
        reference: "re_9".into(),
        refund_id: None,
        amount: Some(usd(2_500)),
        outcome: RefundOutcome::Succeeded,
    };
    let (placed, summary) = answered(&with_refund(), RefundAnswer::Refused { made: vec![made] }, after(61));
    assert_eq!((placed.refunds[0].state, placed.refunds[0].due_at), (RefundState::Resolved, None));
    assert_eq!(summary, Summary { refunded: 1, ..Summary::default() });
}

#[test]
fn a_refund_without_an_answer_for_more_than_an_hour_is_stuck_and_a_disputed_one_is_not() {
    let placed = with_refund();
    let queued = placed.refunds[0].created_at;
    let at = |seconds| queued + Duration::from_secs(seconds);
    for (answer, seconds, stuck) in [
        (RefundAnswer::Later, 3_600, 0),
        (RefundAnswer::Later, 3_601, 1),
        (RefundAnswer::Disputed, 90_000, 0),
        (refunded(RefundOutcome::Pending), 90_000, 0),
    ] {
        let (_, summary) = answered(&placed, answer, at(seconds));
        assert_eq!(summary.stuck, stuck, "after {seconds} s");
    }
}

#[test]
fn a_refund_that_is_refused_waits_for_nobody() {
    let refused = RefundAnswer::Refused { made: Vec::new() };
    for answer in [refused, refunded(RefundOutcome::Failed { code: "expired_or_canceled_card".into() })] {
        let (placed, summary) = answered(&with_refund(), answer, after(61));
        assert_eq!((placed.refunds[0].state, placed.refunds[0].due_at), (RefundState::Failed, None));
        assert_eq!(summary.refunds_failed, 1);
        assert_eq!(placed.history.last().unwrap().event, domain::order::HistoryEvent::RefundFailed);
    }
}
