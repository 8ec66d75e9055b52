//! Settlement: from a provider's news to a changed order. Idempotent, and indifferent to the order in which news come.

use std::collections::BTreeMap;

use domain::catalog::MAX_SHARDS;
use domain::dispute::DisputeState;
use domain::order::{HistoryEvent, LatePayment, PlacedOrder, Settled};
use domain::payment::Payment;
use domain::stock::{Allocation, StockShard, allocate, max_allocations};
use domain::{Code, Coded, EventId, Money, MoneyMovement, OrderId, PaymentId, Timestamp, UnmatchedPayment, VariantId};
use payments::{DisputeNews, Failure, NewsKind, PaymentNews, ProviderNews, RefundNews, RefundOutcome};
use store::{Error, Orders, Stock};

/// What came of a news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The order was changed.
    Changed,
    /// The order knew already, or is further on.
    Unchanged,
    /// Nothing of ours: no order, no attempt or no kind of news that we know. Money is kept for the operator to see.
    NotOurs,
}

/// How often an order is read again that somebody else changes at the same time.
const MAX_ATTEMPTS: usize = 12;

/// How often the shards are read until two readings agree that they are short.
const MAX_READS: usize = 4;

/// From which shards an order that is over takes its stock again: all shards there can be are looked at, and where too many
/// would be drawn on, their units are consolidated first. Nothing when their sum is short, or when the order is not over or cannot
/// go on. What would have to come in first is not promised a second time: there is nobody to ask whether he would wait.
///
/// # Errors
/// The table does not answer; a conflict when the stock does not come to rest.
pub async fn allocate_to_reopen(
    orders: &Orders,
    placed: &PlacedOrder,
) -> Result<Option<BTreeMap<VariantId, Vec<Allocation>>>, Error> {
    let Some(demand) = placed.demand_to_reopen() else { return Ok(None) };
    let stock = orders.stock();
    // A variant may have been spread over more shards since it was ordered.
    let shard_counts: Vec<_> = demand.keys().map(|variant| (*variant, MAX_SHARDS)).collect();
    let mut seen = stock.readings(&shard_counts).await?;
    for _ in 0..MAX_READS {
        let planned: Option<BTreeMap<_, _>> = demand
            .iter()
            .map(|(variant, wanted)| {
                let readings = seen.get(variant).map_or(&[][..], Vec::as_slice);
                let shards: Vec<StockShard> = readings.iter().map(|reading| reading.shard).collect();
                Some((*variant, allocate(*wanted, &shards)?))
            })
            .collect();
        let is_short = planned.is_none();
        if let Some(allocations) = planned
            && let Some(consolidated) =
                Box::pin(consolidated(stock, allocations, max_allocations(placed.vendors.len()))).await?
        {
            return Ok(Some(consolidated));
        }
        let before = std::mem::replace(&mut seen, stock.readings(&shard_counts).await?);
        // One reading of many shards is no moment: units on their way from one to another are in neither.
        if is_short && seen == before {
            return Ok(None);
        }
    }
    Err(Error::Conflict)
}

/// The allocations, with units consolidated into one shard where there are more of them than a transaction takes. Nothing when somebody
/// else was faster.
async fn consolidated(
    stock: &Stock,
    mut allocations: BTreeMap<VariantId, Vec<Allocation>>,
    most: usize,
) -> Result<Option<BTreeMap<VariantId, Vec<Allocation>>>, Error> {
    while allocations.values().map(Vec::len).sum::<usize>() > most {
        let Some((variant, widest)) = allocations.iter_mut().max_by_key(|(_, allocations)| allocations.len()) else {
            break;
        };
        let Some(into) = widest.first().filter(|_| widest.len() > 1).map(|allocation| allocation.shard) else { break };
        match stock.consolidate(*variant, widest, into).await {
            Ok(()) => {
                *widest =
                    vec![Allocation { shard: into, units: widest.iter().map(|allocation| allocation.units).sum() }]
            }
            Err(Error::Conflict) => return Ok(None),
            Err(other) => return Err(other),
        }
    }
    Ok(Some(allocations))
}

/// Applies a news. Two round trips for one that carries the order's id; three for one that has to be found by the
/// provider's reference.
///
/// # Errors
/// The table does not answer; the provider is to say it again.
pub async fn settle(orders: &Orders, news: &ProviderNews, now: Timestamp) -> Result<Outcome, Error> {
    if let NewsKind::Unknown { name } = &news.kind {
        tracing::info!(provider = news.provider.as_str(), event.name = name.as_str(), "an event of no interest");
        return Ok(Outcome::NotOurs);
    }
    let Some(order) = find(orders, news).await? else {
        return record_unmatched(orders, news, None, false, now).await;
    };
    for _ in 0..MAX_ATTEMPTS {
        let Some(loaded) = orders.load(order).await? else {
            return record_unmatched(orders, news, Some(order), false, now).await;
        };
        let mut changed = loaded.clone();
        let mut ids = platform::ids(now);
        let mut late = LatePayment::Refund;
        if brings_money(news)
            // In a box: it is seldom needed, and its depth would count in everything that settles.
            && let Some(allocations) = Box::pin(allocate_to_reopen(orders, &loaded)).await?
        {
            changed.draw_anew(allocations)?;
            late = LatePayment::Fulfil;
        }
        let settled = match apply(&mut changed, news, late, &mut ids) {
            Ok(settled) => settled,
            Err(refusal) if refusal.code() == Code::NotFound => {
                return record_unmatched(orders, news, Some(order), true, now).await;
            }
            Err(refusal) => return Err(refusal.into()),
        };
        if settled == Settled::Unchanged {
            return Ok(Outcome::Unchanged);
        }
        if changed.order.state == loaded.order.state {
            // It was not taken up again after all, so nothing is drawn.
            changed.vendors.clone_from(&loaded.vendors);
        }
        match orders.save(&loaded, &changed).await {
            Ok(()) => {
                tracing::info!(order.id = %order, order.state = changed.order.state.as_str(), "settled");
                return Ok(Outcome::Changed);
            }
            Err(Error::Conflict) => {}
            // Somebody else took the stock between the allocation and the order. When all of it is gone, the next allocation says so, and the
            // money goes back.
            Err(Error::Refused(refusal)) if refusal.code() == Code::OutOfStock && late == LatePayment::Fulfil => {}
            Err(other) => return Err(other),
        }
    }
    Err(Error::Conflict)
}

/// News that no order knows what to do with. Where it tells of money that moved, it is kept: somebody paid, or was paid, for
/// nothing that stands here. When the order `is_ours`, the operator is told as well.
async fn record_unmatched(
    orders: &Orders,
    news: &ProviderNews,
    order: Option<OrderId>,
    is_ours: bool,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let Some((what, reference, amount)) = money_movement(news) else {
        tracing::warn!(
            provider = news.provider.as_str(),
            payment.reference = news.reference.as_str(),
            order.id = order.map(tracing::field::display),
            "news of a payment that no order knows"
        );
        return Ok(Outcome::NotOurs);
    };
    let id = EventId::new(now, platform::ids(now).bits());
    let (provider, reference) = (news.provider, reference.to_owned());
    let money = UnmatchedPayment { id, provider, what, reference, amount, order_id: order, at: now };
    if orders.record_unmatched(&money, is_ours).await? {
        tracing::warn!(
            provider = news.provider.as_str(),
            payment.reference = news.reference.as_str(),
            order.id = order.map(tracing::field::display),
            event.id = news.event_id.as_deref().unwrap_or_default(),
            "money moved that no order knows of: it is in the operator's list"
        );
    }
    Ok(Outcome::NotOurs)
}

/// What moved or is to move, what the provider calls it, and how much it is; nothing when the money stays where it is.
fn money_movement(news: &ProviderNews) -> Option<(MoneyMovement, &str, Option<Money>)> {
    let (what, reference, amount) = match &news.kind {
        NewsKind::Payment(PaymentNews::Captured { amount }) => (MoneyMovement::Payment, &news.reference, *amount),
        NewsKind::Refund(RefundNews { outcome: RefundOutcome::Failed { .. }, .. })
        | NewsKind::Dispute(DisputeNews { state: DisputeState::Won, .. })
        | NewsKind::Payment(_)
        | NewsKind::Unknown { .. } => return None,
        NewsKind::Refund(refunded) => (MoneyMovement::Refund, &refunded.reference, refunded.amount),
        NewsKind::Dispute(dispute) => (MoneyMovement::Dispute, &dispute.reference, dispute.amount),
    };
    Some((what, reference, amount))
}

/// Whether nobody can be asked about an attempt of which we hold no name: to wait until somebody mends the key would hold its stock
/// for ever. Should money come nevertheless, it is late money.
pub fn was_never_opened(payment: &Payment, failure: &Failure) -> bool {
    payment.reference.is_none() && matches!(failure, Failure::NoKey(_))
}

/// Whether a news may pay an order, and so take one up again that is over.
const fn brings_money(news: &ProviderNews) -> bool {
    matches!(news.kind, NewsKind::Payment(PaymentNews::Captured { .. }))
}

async fn find(orders: &Orders, news: &ProviderNews) -> Result<Option<OrderId>, Error> {
    match news.order_id {
        Some(order) => Ok(Some(order)),
        None if news.reference.is_empty() => Ok(None),
        None => orders.with_reference(news.provider, &news.reference).await,
    }
}

/// The attempt that a news speaks of. One that the provider knows by another name is not it: its money would go back to
/// the wrong place.
fn attempt(placed: &PlacedOrder, news: &ProviderNews) -> Option<PaymentId> {
    let known = |id: &PaymentId| {
        placed.payments.iter().any(|payment| {
            let named = payment.reference.as_ref().is_none_or(|known| *known == news.reference);
            payment.id == *id && payment.provider == news.provider && (named || news.reference.is_empty())
        })
    };
    let by_reference = || {
        let named = |payment: &&Payment| {
            payment.provider == news.provider && payment.reference.as_deref() == Some(news.reference.as_str())
        };
        placed.payments.iter().find(named).map(|payment| payment.id)
    };
    news.payment_id.filter(known).or_else(by_reference)
}

fn apply(
    placed: &mut PlacedOrder,
    news: &ProviderNews,
    late: LatePayment,
    ids: &mut domain::Ids,
) -> Result<Settled, domain::Refusal> {
    let not_found = || domain::Refusal::of(Code::NotFound);
    match &news.kind {
        NewsKind::Payment(payment_news) => {
            let payment = attempt(placed, news).ok_or_else(not_found)?;
            let mut named = false;
            if let Some(known) = placed.payments.iter_mut().find(|known| known.id == payment)
                && known.reference.is_none()
                && !news.reference.is_empty()
            {
                // The webhook was faster than the answer to our own request.
                known.reference = Some(news.reference.clone());
                named = true;
            }
            let settled = placed.settle(payment, payment_news, late, ids)?;
            Ok(if named { Settled::Changed } else { settled })
        }
        NewsKind::Refund(refunded) => {
            let step = refunded.outcome.step();
            let known = refunded.refund_id.or_else(|| {
                placed
                    .refunds
                    .iter()
                    .find(|refund| refund.reference.as_deref() == Some(refunded.reference.as_str()))
                    .map(|refund| refund.id)
            });
            match known {
                Some(refund) => {
                    let settled = placed.refund_changed(refund, step, Some(refunded.reference.clone()), ids)?;
                    let last = placed.order.history.last();
                    if settled == Settled::Changed
                        && last.is_some_and(|last| last.event == HistoryEvent::RefundSucceededAfterFailure)
                    {
                        tracing::error!(order.id = %placed.order.id, refund.id = %refund, "a refund that had ended here was made all the same");
                    }
                    Ok(settled)
                }
                None => {
                    let payment = attempt(placed, news).ok_or_else(not_found)?;
                    placed.refunded_elsewhere(payment, refunded, ids)
                }
            }
        }
        NewsKind::Dispute(dispute) => {
            let payment = attempt(placed, news).ok_or_else(not_found)?;
            tracing::warn!(order.id = %placed.order.id, dispute.reference = dispute.reference.as_str(), dispute.state = ?dispute.state, "a payment is disputed");
            Ok(placed.dispute_changed(payment, dispute, news.occurred_at.unwrap_or(ids.now()), ids))
        }
        NewsKind::Unknown { .. } => Ok(Settled::Unchanged),
    }
}

#[cfg(test)]
mod tests {
    use domain::Currency;
    use domain::payment::{PaymentState, ProviderName};

    use super::*;

    #[test]
    fn only_an_attempt_without_a_reference_ends_without_its_provider_and_only_when_there_is_no_key() {
        let attempt = |reference: Option<&str>| Payment {
            id: PaymentId::from_bits(2),
            order: OrderId::from_bits(1),
            provider: ProviderName::Stripe,
            amount: Money::new(1_250, Currency::USD),
            state: PaymentState::Created,
            reference: reference.map(str::to_owned),
            action: None,
            captured: None,
            failure: None,
            created_at: Timestamp::from_millis(0),
            version: 1,
        };
        let no_key = Failure::NoKey(String::new());
        assert!(was_never_opened(&attempt(None), &no_key));
        // Its buyer may be paying it.
        assert!(!was_never_opened(&attempt(Some("pi_1")), &no_key));
        for passing in [Failure::Unavailable(String::new()), Failure::Unclear(String::new())] {
            assert!(!was_never_opened(&attempt(None), &passing));
        }
    }
}
