//! One run of housekeeping over many orders: it spares a provider that does not answer, and keeps below the rate of
//! calls that a provider allows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::order::PlacedOrder;
use domain::payment::{Payment, ProviderName};
use domain::{PaymentId, RefundId, Timestamp};
use payments::{Failure, Providers};
use platform::SharedPace;

use crate::Settlement;
use crate::closing::{Closing, was_left_unopened};

/// Unanswered calls after which a provider is not called again: more timeouts would use up the time of orders that need
/// no provider.
const MAX_UNANSWERED: u32 = 3;

/// What the calls of one run share. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// How many calls each provider left unanswered.
    unanswered: Arc<Mutex<BTreeMap<ProviderName, u32>>>,
    paces: BTreeMap<ProviderName, SharedPace>,
}

impl Run {
    fn begin(providers: &Providers) -> Self {
        let pace = |name| {
            let allowed = providers.facts(name)?.calls_per_second?;
            // The other half is for buyers, who do not wait in a queue.
            Some((name, SharedPace::new((allowed / 2).max(1))))
        };
        Self { unanswered: Arc::default(), paces: ProviderName::ALL.into_iter().filter_map(pace).collect() }
    }

    fn unanswered(&self) -> MutexGuard<'_, BTreeMap<ProviderName, u32>> {
        // Nothing panics while the lock is held.
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_given_up(&self, provider: ProviderName) -> bool {
        self.unanswered().get(&provider).is_some_and(|times| *times >= MAX_UNANSWERED)
    }
}

impl Settlement {
    /// The same for one run of many orders: it keeps below the rate of calls that each provider allows, and a provider
    /// that leaves too many calls unanswered is not called again.
    #[must_use]
    pub fn for_one_run(&self) -> Self {
        Self { run: Some(Run::begin(&self.providers)), ..self.clone() }
    }

    /// Calls a provider: in a run when it is its turn.
    pub(crate) async fn ask<T>(
        &self,
        provider: ProviderName,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(run) = &self.run else { return call.await };
        if run.is_given_up(provider) {
            return Err(Failure::Unavailable("too many calls in this run got no answer".to_owned()));
        }
        if let Some(pace) = run.paces.get(&provider) {
            pace.wait().await;
        }
        let answer = call.await;
        if matches!(answer, Err(Failure::Unavailable(_) | Failure::Unclear(_) | Failure::KeySpent(_))) {
            *run.unanswered().entry(provider).or_default() += 1;
        }
        answer
    }

    /// Whether a call of a provider would have to wait for its turn in this run. One that is not called any more is not
    /// waited for.
    pub fn has_to_wait(&self, provider: ProviderName) -> bool {
        let Some(run) = &self.run else { return false };
        !run.is_given_up(provider) && run.paces.get(&provider).is_some_and(|pace| !pace.is_free())
    }

    /// The provider that has to be asked about an order whose deadline or check is due; `None` when none has to.
    pub fn asked_about(placed: &PlacedOrder, now: Timestamp) -> Option<ProviderName> {
        let is_over = placed.order.due_at.is_none_or(|due| due <= now);
        let closes = |payment: &&Payment| {
            Closing::ToRelease.concerns(payment, placed.order.state) && !was_left_unopened(payment, now)
        };
        let first = if is_over { placed.payments.iter().find(closes) } else { Self::awaited(placed).next() };
        first.map(|payment| payment.provider)
    }

    /// The provider that has to be asked about an attempt that the order does not wait for.
    pub fn asked_to_close(placed: &PlacedOrder, payment: PaymentId) -> Option<ProviderName> {
        let followed = placed.payments.iter().find(|known| known.id == payment && known.is_followed)?;
        Some(followed.provider)
    }

    /// The provider that has to be asked for a refund.
    pub fn asked_for(placed: &PlacedOrder, refund: RefundId) -> Option<ProviderName> {
        let payment = placed.refunds.iter().find(|known| known.id == refund)?.payment;
        placed.payments.iter().find(|known| known.id == payment).map(|payment| payment.provider)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use domain::VendorId;
    use domain::examples::{self, after, usd, vendor_card};
    use domain::payment::{PaymentState, RefundReason};
    use http::{Request, Response};
    use payments::{Freshness, HttpFailure, SecretUnavailable, stripe};

    use super::*;

    fn order(provider: ProviderName) -> PlacedOrder {
        examples::order(provider, &[vendor_card(VendorId::from_bits(3), "Chorsu Ceramics")])
    }

    #[tokio::test]
    async fn a_run_takes_half_of_the_calls_that_a_provider_allows() {
        let http = |_: Request<Bytes>| {
            std::future::ready(Err::<Response<Bytes>, _>(HttpFailure::Unsent("no network".to_owned())))
        };
        let secrets = |_: ProviderName, _: Freshness| std::future::ready(Err::<String, _>(SecretUnavailable));
        let providers = Providers::new(Arc::new(http), Arc::new(secrets), stripe::URL);
        let run = Run::begin(&providers);
        assert_eq!(run.paces.keys().copied().collect::<Vec<_>>(), [ProviderName::Stripe], "cash calls nobody");
        let pace = &run.paces[&ProviderName::Stripe];
        for call in 0..12 {
            assert!(pace.is_free(), "call {call}");
            pace.wait().await;
        }
        assert!(!pace.is_free(), "12 of 25 calls a second");
    }

    #[test]
    fn a_provider_is_asked_about_a_payment_that_may_still_come() {
        let (ahead, over) = (after(60), after(900));
        let card = order(ProviderName::Stripe);
        assert_eq!(Settlement::asked_about(&card, ahead), Some(ProviderName::Stripe));
        assert_eq!(Settlement::asked_about(&card, over), Some(ProviderName::Stripe));
        assert_eq!(Settlement::asked_about(&order(ProviderName::CashOnDelivery), over), None);
        let mut unopened = card.clone();
        unopened.payments = vec![Payment { state: PaymentState::Created, reference: None, ..card.payments[0].clone() }];
        assert_eq!(Settlement::asked_about(&unopened, ahead), None);
        assert_eq!(Settlement::asked_about(&unopened, over), None, "nobody can pay it");
        let mut given_up = card.clone();
        given_up.payments = vec![Payment { state: PaymentState::Failed, reference: None, ..card.payments[0].clone() }];
        assert_eq!(Settlement::asked_about(&given_up, over), None);
    }

    #[test]
    fn the_provider_of_the_refunded_payment_is_asked_for_a_refund() {
        let mut placed = order(ProviderName::CashOnDelivery);
        let card = examples::payment(7, placed.order.id, ProviderName::Stripe, usd(2_500));
        let refund = domain::payment::Refund { reason: RefundReason::Late, ..examples::refund(3, &card, usd(2_500)) };
        placed.payments.push(card);
        placed.refunds.push(refund);
        assert_eq!(placed.refunds[0].payment, PaymentId::from_bits(7));
        assert_eq!(Settlement::asked_for(&placed, placed.refunds[0].id), Some(ProviderName::Stripe));
    }
}
