//! Settlement: from a provider's report to a changed order. Idempotent, and indifferent to the order in which reports come.

use domain::order::{Late, MoneyNews, OrderFile, Settled};
use domain::payment::RefundEvent;
use domain::{Code, Coded, Money, OrderId, PaymentId, Timestamp};
use payments::{DisputeStage, Kind, RefundStanding, Report, Standing};
use store::{Error, Orders};

/// What came of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The order was changed.
    Changed,
    /// The order knew already, or is further on.
    Unchanged,
    /// Nothing of ours: no order, no attempt or no kind of news that we know. It is in the log.
    NotOurs,
}

/// How often an order is read again that somebody else changes at the same time.
const TRIES: usize = 12;

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
        tracing::error!(
            provider = report.provider.as_str(),
            payment.reference = report.reference.as_str(),
            event.id = report.event_id.as_deref().unwrap_or_default(),
            "news of a payment that belongs to no order"
        );
        return Ok(Outcome::NotOurs);
    };
    let mut late = Late::TakeStock;
    for _ in 0..TRIES {
        let Some(loaded) = orders.file(order).await? else {
            tracing::error!(order.id = %order, payment.reference = report.reference.as_str(), "news of an order that is not there");
            return Ok(Outcome::NotOurs);
        };
        let mut changed = loaded.clone();
        let mut mint = platform::mint(now);
        let settled = match apply(&mut changed, report, late, &mut mint) {
            Ok(settled) => settled,
            Err(refusal) if refusal.code() == Code::NotFound => {
                tracing::error!(order.id = %order, payment.reference = report.reference.as_str(), "news of an attempt that the order does not know");
                return Ok(Outcome::NotOurs);
            }
            Err(refusal) => return Err(refusal.into()),
        };
        if settled == Settled::Unchanged {
            return Ok(Outcome::Unchanged);
        }
        match orders.save(&loaded, &changed).await {
            Ok(()) => {
                tracing::info!(order.id = %order, order.state = changed.order.state.as_str(), "settled");
                return Ok(Outcome::Changed);
            }
            Err(Error::Conflict) => {}
            // The stock of a late order is gone: its money goes back.
            Err(Error::Refused(refusal)) if refusal.code() == Code::OutOfStock && late == Late::TakeStock => {
                late = Late::Refund
            }
            Err(other) => return Err(other),
        }
    }
    Err(Error::Conflict)
}

async fn find(orders: &Orders, report: &Report) -> Result<Option<OrderId>, Error> {
    match report.order_id {
        Some(order) => Ok(Some(order)),
        None if report.reference.is_empty() => Ok(None),
        None => orders.with_reference(report.provider, &report.reference).await,
    }
}

/// The attempt that a report speaks of.
fn attempt(file: &OrderFile, report: &Report) -> Option<PaymentId> {
    let known =
        |id: &PaymentId| file.payments.iter().any(|payment| payment.id == *id && payment.provider == report.provider);
    let by_reference = || {
        let named = |payment: &&domain::payment::Payment| {
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
            if let Some(known) = file.payments.iter_mut().find(|known| known.id == payment)
                && known.reference.is_none()
                && !report.reference.is_empty()
            {
                // The webhook was faster than the answer to our own request.
                known.reference = Some(report.reference.clone());
            }
            let news = match standing {
                Standing::Pending => MoneyNews::Pending,
                Standing::Authorized { .. } => MoneyNews::Authorized,
                // An amount that cannot be expressed is surely not the one that was asked for.
                Standing::Captured { amount } => MoneyNews::Captured { amount: amount.unwrap_or(nothing) },
                Standing::Failed { code } => MoneyNews::Failed { reason: code.clone() },
                Standing::Cancelled => MoneyNews::Cancelled,
            };
            file.settle(payment, &news, late, mint)
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
                Some(refund) => file.refund_changed(refund, event, Some(refunded.reference.clone()), mint),
                None => Ok(file.remark("refunded_at_provider", &refunded.reference, mint)),
            }
        }
        Kind::Dispute(dispute) => {
            let remark = match dispute.stage {
                DisputeStage::Opened => "dispute_opened",
                DisputeStage::Won => "dispute_won",
                DisputeStage::Lost => "dispute_lost",
            };
            tracing::warn!(order.id = %file.order.id, dispute.reference = dispute.reference.as_str(), dispute.stage = remark, "a payment is disputed");
            Ok(file.remark(remark, &dispute.reference, mint))
        }
        Kind::Unknown { .. } => Ok(Settled::Unchanged),
    }
}
