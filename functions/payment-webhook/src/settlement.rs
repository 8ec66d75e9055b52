//! Settlement: applies a provider's news to an order. It is idempotent and takes news in any sequence.

use std::collections::BTreeMap;

use domain::catalog::MAX_SHARDS;
use domain::dispute::DisputeState;
use domain::order::{HistoryEvent, LatePayment, PlacedOrder, Settled};
use domain::payment::Payment;
use domain::stock::{Allocation, StockShard, allocate, max_allocations};
use domain::{Code, Coded, EventId, Money, MoneyMovement, OrderId, PaymentId, Timestamp, UnmatchedPayment, VariantId};
use payments::{DisputeNews, Failure, NewsKind, PaymentNews, ProviderNews, RefundNews, RefundOutcome};
use store::{Error, Orders, Stock};

/// Attempts to save an order that is changed concurrently.
const MAX_ATTEMPTS: usize = 12;

/// Most readings of the shards until two equal ones prove a shortage.
const MAX_READS: usize = 4;

/// The allocations that re-reserve the stock of an order that has ended. All shards that a variant can have are read,
/// and where the allocations are too many for a transaction, units are consolidated first. `None` if the stock is
/// short, or if the order has not ended or cannot be reopened. Backordered units are not promised a second time,
/// because the buyer cannot be asked whether they would wait.
///
/// # Errors
/// The table does not answer; a conflict if the stock keeps changing.
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
        // The shards are not read as one snapshot: units that move between two of them may be in neither reading.
        if is_short && seen == before {
            return Ok(None);
        }
    }
    Err(Error::Conflict)
}

/// The allocations, with units consolidated into one shard where there are more of them than a transaction takes.
/// `None` after a conflict with a concurrent change.
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

/// Applies a news to its order. It takes two round trips if the news carries the order's id, and three if the order has
/// to be found by the provider's reference. News that matches no order or attempt, or is of an unknown kind, is
/// [`Settled::Unchanged`]; if money moved, it was recorded as an unmatched payment.
///
/// # Errors
/// The table does not answer; the provider has to send the news again.
pub async fn settle(orders: &Orders, news: &ProviderNews, now: Timestamp) -> Result<Settled, Error> {
    if let NewsKind::Unknown { name } = &news.kind {
        tracing::info!(
            provider = news.provider.as_str(),
            event.name = name.as_str(),
            "an event of a kind that is not handled"
        );
        return Ok(Settled::Unchanged);
    }
    let Some(order) = find(orders, news).await? else {
        record_unmatched(orders, news, None, false, now).await?;
        return Ok(Settled::Unchanged);
    };
    for _ in 0..MAX_ATTEMPTS {
        let Some(loaded) = orders.load(order).await? else {
            record_unmatched(orders, news, Some(order), false, now).await?;
            return Ok(Settled::Unchanged);
        };
        let mut changed = loaded.clone();
        let mut ids = platform::ids(now);
        let mut late = LatePayment::Refund;
        if brings_money(news)
            // Boxed: it is rarely needed, and unboxed its size would add to the future of every caller.
            && let Some(allocations) = Box::pin(allocate_to_reopen(orders, &loaded)).await?
        {
            changed.reallocate(allocations)?;
            late = LatePayment::Fulfil;
        }
        let settled = match apply(&mut changed, news, late, &mut ids) {
            Ok(settled) => settled,
            Err(refusal) if refusal.code() == Code::NotFound => {
                record_unmatched(orders, news, Some(order), true, now).await?;
                return Ok(Settled::Unchanged);
            }
            Err(refusal) => return Err(refusal.into()),
        };
        if settled == Settled::Unchanged {
            return Ok(Settled::Unchanged);
        }
        if changed.order.state == loaded.order.state {
            // The order was not reopened after all, so nothing is re-reserved.
            changed.vendors.clone_from(&loaded.vendors);
        }
        match orders.save(&loaded, &changed).await {
            Ok(()) => {
                tracing::info!(order.id = %order, order.state = changed.order.state.as_str(), "settled");
                return Ok(Settled::Changed);
            }
            Err(Error::Conflict) => {}
            // Another order reserved the units after they were allocated. If none are left, the next allocation finds
            // that out, and the payment is refunded.
            Err(Error::Refused(refusal)) if refusal.code() == Code::OutOfStock && late == LatePayment::Fulfil => {}
            Err(other) => return Err(other),
        }
    }
    Err(Error::Conflict)
}

/// Handles news that matches no order or attempt. If money moved, it is recorded as an unmatched payment. If the order
/// exists (`is_ours`), the operator is notified, too.
async fn record_unmatched(
    orders: &Orders,
    news: &ProviderNews,
    order: Option<OrderId>,
    is_ours: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let Some((what, reference, amount)) = money_movement(news) else {
        tracing::warn!(
            provider = news.provider.as_str(),
            payment.reference = news.reference.as_str(),
            order.id = order.map(tracing::field::display),
            "news that matches no order and moves no money"
        );
        return Ok(());
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
            "an unmatched payment is in the operator's list"
        );
    }
    Ok(())
}

/// The kind of money movement, the provider's reference to it and its amount; `None` if no money moves.
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

/// Whether an attempt has no reference, and its provider no key to look it up with: waiting for the key would hold its
/// stock forever. If money comes nevertheless, it is a late payment.
pub fn was_never_opened(payment: &Payment, failure: &Failure) -> bool {
    payment.reference.is_none() && matches!(failure, Failure::NoKey(_))
}

/// Whether a news is of captured money, which may reopen an order that has ended.
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

/// The payment attempt that a news is about. An attempt with another reference does not match, because its refund would
/// go to the wrong payment.
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
                // The webhook arrived before the answer to our own request.
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
                        tracing::error!(
                            order.id = %placed.order.id,
                            refund.id = %refund,
                            "a refund succeeded after it had failed here"
                        );
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
            tracing::warn!(
                order.id = %placed.order.id,
                dispute.reference = dispute.reference.as_str(),
                dispute.state = ?dispute.state,
                "a payment is disputed"
            );
            Ok(placed.dispute_changed(payment, dispute, news.occurred_at.unwrap_or(ids.now()), ids))
        }
        NewsKind::Unknown { .. } => Ok(Settled::Unchanged),
    }
}

#[cfg(test)]
mod tests {
    use domain::examples::{self, usd};
    use domain::payment::{PaymentState, ProviderName};

    use super::*;

    #[test]
    fn only_an_attempt_without_a_reference_ends_without_its_provider_and_only_when_there_is_no_key() {
        let attempt = |reference: Option<&str>| {
            let payment = examples::payment(2, OrderId::from_bits(1), ProviderName::Stripe, usd(1_250));
            Payment { state: PaymentState::Created, reference: reference.map(str::to_owned), ..payment }
        };
        let no_key = Failure::NoKey(String::new());
        assert!(was_never_opened(&attempt(None), &no_key));
        // The buyer may still pay it.
        assert!(!was_never_opened(&attempt(Some("pi_1")), &no_key));
        for passing in [Failure::Unavailable(String::new()), Failure::Unclear(String::new())] {
            assert!(!was_never_opened(&attempt(None), &passing));
        }
    }
}
