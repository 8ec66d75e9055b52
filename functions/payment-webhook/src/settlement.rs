//! Settlement: from a provider's report to a changed order. Idempotent, and indifferent to the order in which reports come.

use std::collections::BTreeMap;

use domain::catalogue::MOST_SHARDS;
use domain::dispute::DisputeEvent;
use domain::order::{DisputeNews, Late, MoneyNews, OrderFile, RefundNews, SENT_ALL_THE_SAME, Settled};
use domain::payment::{Payment, RefundEvent};
use domain::stock::{Counter, Draw, most_draws, plan};
use domain::{Code, Coded, EventId, Money, Moved, OrderId, PaymentId, Timestamp, Unclaimed, VariantId};
use payments::{Dispute, DisputeStage, Failure, Kind, RefundStanding, Refunded, Report, Standing};
use store::{Error, Orders, Stock};

/// What came of a report.
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
const TRIES: usize = 12;

/// How often the counters are read until two readings agree that they are short.
const LOOKS: usize = 4;

/// From which counters an order that is over takes its stock again: all counters there can be are looked at, and where too many
/// would be drawn on, their units are gathered first. Nothing when their sum is short, or when the order is not over or cannot
/// go on. What would have to come in first is not promised a second time: there is nobody to ask whether he would wait.
///
/// # Errors
/// The table does not answer; a conflict when the stock does not come to rest.
pub async fn plan_to_reopen(
    orders: &Orders,
    file: &OrderFile,
) -> Result<Option<BTreeMap<VariantId, Vec<Draw>>>, Error> {
    let Some(demand) = file.demand_to_reopen() else { return Ok(None) };
    let stock = orders.stock();
    // A variant may have been spread over more counters since it was ordered.
    let spreads: Vec<_> = demand.keys().map(|variant| (*variant, MOST_SHARDS)).collect();
    let mut seen = stock.readings(&spreads).await?;
    for _ in 0..LOOKS {
        let planned: Option<BTreeMap<_, _>> = demand
            .iter()
            .map(|(variant, wanted)| {
                let readings = seen.get(variant).map_or(&[][..], Vec::as_slice);
                let counters: Vec<Counter> = readings.iter().map(|reading| reading.counter).collect();
                Some((*variant, plan(*wanted, &counters)?))
            })
            .collect();
        let is_short = planned.is_none();
        if let Some(draws) = planned
            && let Some(gathered) = Box::pin(gathered(stock, draws, most_draws(file.vendors.len()))).await?
        {
            return Ok(Some(gathered));
        }
        let before = std::mem::replace(&mut seen, stock.readings(&spreads).await?);
        // One reading of many counters is no moment: units on their way from one to another are in neither.
        if is_short && seen == before {
            return Ok(None);
        }
    }
    Err(Error::Conflict)
}

/// The draws, with units gathered into one counter where there are more of them than a transaction takes. Nothing when somebody
/// else was faster.
async fn gathered(
    stock: &Stock,
    mut draws: BTreeMap<VariantId, Vec<Draw>>,
    most: usize,
) -> Result<Option<BTreeMap<VariantId, Vec<Draw>>>, Error> {
    while draws.values().map(Vec::len).sum::<usize>() > most {
        let Some((variant, widest)) = draws.iter_mut().max_by_key(|(_, draws)| draws.len()) else { break };
        let Some(into) = widest.first().filter(|_| widest.len() > 1).map(|draw| draw.shard) else { break };
        match stock.gather(*variant, widest, into).await {
            Ok(()) => *widest = vec![Draw { shard: into, units: widest.iter().map(|draw| draw.units).sum() }],
            Err(Error::Conflict) => return Ok(None),
            Err(other) => return Err(other),
        }
    }
    Ok(Some(draws))
}

/// Applies a report. Two round trips for one that carries the order's id; three for one that has to be found by the
/// provider's reference.
///
/// # Errors
/// The table does not answer; the provider is to say it again.
pub async fn settle(orders: &Orders, report: &Report, now: Timestamp) -> Result<Outcome, Error> {
    if let Kind::Unknown { name } = &report.kind {
        tracing::info!(provider = report.provider.as_str(), event.name = name.as_str(), "an event of no interest");
        return Ok(Outcome::NotOurs);
    }
    let Some(order) = find(orders, report).await? else {
        return keep(orders, report, None, false, now).await;
    };
    for _ in 0..TRIES {
        let Some(loaded) = orders.file(order).await? else {
            return keep(orders, report, Some(order), false, now).await;
        };
        let mut changed = loaded.clone();
        let mut mint = platform::mint(now);
        let mut late = Late::Refund;
        if brings_money(report)
            // In a box: it is seldom needed, and its depth would count in everything that settles.
            && let Some(draws) = Box::pin(plan_to_reopen(orders, &loaded)).await?
        {
            changed.draw_anew(draws)?;
            late = Late::TakeStock;
        }
        let settled = match apply(&mut changed, report, late, &mut mint) {
            Ok(settled) => settled,
            Err(refusal) if refusal.code() == Code::NotFound => {
                return keep(orders, report, Some(order), true, now).await;
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
            // Somebody else took the stock between the plan and the order. When all of it is gone, the next plan says so, and the
            // money goes back.
            Err(Error::Refused(refusal)) if refusal.code() == Code::OutOfStock && late == Late::TakeStock => {}
            Err(other) => return Err(other),
        }
    }
    Err(Error::Conflict)
}

/// News that no order knows what to do with. Where it tells of money that moved, it is kept: somebody paid, or was paid, for
/// nothing that stands here. When the order `is_ours`, the operator is told as well.
async fn keep(
    orders: &Orders,
    report: &Report,
    order: Option<OrderId>,
    is_ours: bool,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let Some((what, reference, amount)) = moved(report) else {
        tracing::warn!(
            provider = report.provider.as_str(),
            payment.reference = report.reference.as_str(),
            order.id = order.map(tracing::field::display),
            "news of a payment that no order knows"
        );
        return Ok(Outcome::NotOurs);
    };
    let id = EventId::new(now, platform::mint(now).bits());
    let (provider, reference) = (report.provider, reference.to_owned());
    let money = Unclaimed { id, provider, what, reference, amount, order_id: order, at: now };
    if orders.keep_unclaimed(&money, is_ours).await? {
        tracing::warn!(
            provider = report.provider.as_str(),
            payment.reference = report.reference.as_str(),
            order.id = order.map(tracing::field::display),
            event.id = report.event_id.as_deref().unwrap_or_default(),
            "money moved that no order knows of: it is in the operator's list"
        );
    }
    Ok(Outcome::NotOurs)
}

/// What moved or is to move, what the provider calls it, and how much it is; nothing when the money stays where it is.
fn moved(report: &Report) -> Option<(Moved, &str, Option<Money>)> {
    let (what, reference, amount) = match &report.kind {
        Kind::Payment(Standing::Captured { amount }) => (Moved::Payment, &report.reference, *amount),
        Kind::Refund(Refunded { standing: RefundStanding::Failed { .. }, .. })
        | Kind::Dispute(Dispute { stage: DisputeStage::Won, .. })
        | Kind::Payment(_)
        | Kind::Unknown { .. } => return None,
        Kind::Refund(refunded) => (Moved::Refund, &refunded.reference, refunded.amount),
        Kind::Dispute(dispute) => (Moved::Dispute, &dispute.reference, dispute.amount),
    };
    Some((what, reference, amount))
}

/// Whether nobody can be asked about an attempt of which we hold no name: to wait until somebody mends the key would hold its stock
/// for ever. Should money come nevertheless, it is late money.
pub fn was_never_opened(payment: &Payment, failure: &Failure) -> bool {
    payment.reference.is_none() && matches!(failure, Failure::NoKey(_))
}

/// Whether a report may pay an order, and so take one up again that is over.
const fn brings_money(report: &Report) -> bool {
    matches!(report.kind, Kind::Payment(Standing::Captured { .. }))
}

async fn find(orders: &Orders, report: &Report) -> Result<Option<OrderId>, Error> {
    match report.order_id {
        Some(order) => Ok(Some(order)),
        None if report.reference.is_empty() => Ok(None),
        None => orders.with_reference(report.provider, &report.reference).await,
    }
}

/// The attempt that a report speaks of. One that the provider knows by another name is not it: its money would go back to
/// the wrong place.
fn attempt(file: &OrderFile, report: &Report) -> Option<PaymentId> {
    let known = |id: &PaymentId| {
        file.payments.iter().any(|payment| {
            let named = payment.reference.as_ref().is_none_or(|known| *known == report.reference);
            payment.id == *id && payment.provider == report.provider && (named || report.reference.is_empty())
        })
    };
    let by_reference = || {
        let named = |payment: &&Payment| {
            payment.provider == report.provider && payment.reference.as_deref() == Some(report.reference.as_str())
        };
        file.payments.iter().find(named).map(|payment| payment.id)
    };
    report.payment_id.filter(known).or_else(by_reference)
}

fn apply(
    file: &mut OrderFile,
    report: &Report,
    late: Late,
    mint: &mut domain::Mint,
) -> Result<Settled, domain::Refusal> {
    let nothing = Money::zero(file.order.currency);
    let not_found = || domain::Refusal::of(Code::NotFound);
    match &report.kind {
        Kind::Payment(standing) => {
            let payment = attempt(file, report).ok_or_else(not_found)?;
            let mut named = false;
            if let Some(known) = file.payments.iter_mut().find(|known| known.id == payment)
                && known.reference.is_none()
                && !report.reference.is_empty()
            {
                // The webhook was faster than the answer to our own request.
                known.reference = Some(report.reference.clone());
                named = true;
            }
            let news = match standing {
                Standing::Pending => MoneyNews::Pending,
                Standing::Authorized { .. } => MoneyNews::Authorized,
                // An amount that cannot be expressed is surely not the one that was asked for.
                Standing::Captured { amount } => MoneyNews::Captured { amount: amount.unwrap_or(nothing) },
                Standing::Failed { code } => MoneyNews::Failed { reason: code.clone() },
                Standing::Cancelled => MoneyNews::Cancelled,
            };
            let settled = file.settle(payment, &news, late, mint)?;
            Ok(if named { Settled::Changed } else { settled })
        }
        Kind::Refund(refunded) => {
            let event = match &refunded.standing {
                RefundStanding::Pending => RefundEvent::Asked,
                RefundStanding::Succeeded => RefundEvent::Succeeded,
                RefundStanding::Failed { .. } => RefundEvent::Failed,
            };
            let known = refunded.refund_id.or_else(|| {
                file.refunds
                    .iter()
                    .find(|refund| refund.reference.as_deref() == Some(refunded.reference.as_str()))
                    .map(|refund| refund.id)
            });
            match known {
                Some(refund) => {
                    let settled = file.refund_changed(refund, event, Some(refunded.reference.clone()), mint)?;
                    let last = file.order.history.last();
                    if settled == Settled::Changed && last.is_some_and(|last| last.event.starts_with(SENT_ALL_THE_SAME))
                    {
                        tracing::error!(order.id = %file.order.id, refund.id = %refund, "a refund that had ended here was made all the same");
                    }
                    Ok(settled)
                }
                None => {
                    let payment = attempt(file, report).ok_or_else(not_found)?;
                    let (reference, amount) = (refunded.reference.clone(), refunded.amount);
                    file.refunded_by_provider(payment, RefundNews { reference, amount, event }, mint)
                }
            }
        }
        Kind::Dispute(dispute) => {
            let payment = attempt(file, report).ok_or_else(not_found)?;
            tracing::warn!(order.id = %file.order.id, dispute.reference = dispute.reference.as_str(), dispute.stage = ?dispute.stage, "a payment is disputed");
            let news = DisputeNews {
                reference: dispute.reference.clone(),
                amount: dispute.amount,
                reason: dispute.reason.clone(),
                decision: match dispute.stage {
                    DisputeStage::Opened => None,
                    DisputeStage::Won => Some(DisputeEvent::Won),
                    DisputeStage::Lost => Some(DisputeEvent::Lost),
                },
                at: report.occurred_at.unwrap_or(mint.now()),
            };
            Ok(file.dispute_changed(payment, news, mint))
        }
        Kind::Unknown { .. } => Ok(Settled::Unchanged),
    }
}

#[cfg(test)]
mod tests {
    use domain::Currency;
    use domain::payment::{PaymentState, ProviderName};

    use super::*;

    #[test]
    fn only_an_attempt_without_a_name_ends_without_its_provider_and_only_for_want_of_a_key() {
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
