//! News of a payment provider, by webhook or as the answer to a request: one type for all providers, from their crate
//! to the order.

use crate::dispute::DisputeState;
use crate::order::PlacedOrder;
use crate::payment::{Payment, ProviderName, RefundStep};
use crate::{Money, MoneyMovement, OrderId, PaymentId, RefundId, Timestamp};

/// Something that a provider reported. Settlement takes nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderNews {
    pub provider: ProviderName,
    /// The payment's reference at the provider; for a refund or a dispute, that of the payment it belongs to. Empty
    /// only for [`NewsKind::Unknown`] events that are not about a payment, and for news of a page on which nobody has
    /// paid yet.
    pub reference: String,
    /// The provider's id of the page on which the buyer pays, when the news is about it.
    pub page: Option<String>,
    /// The order id in the payment's metadata. Nothing when it is missing or malformed: a refund or a dispute may lack
    /// it, and its order is then found by `reference`.
    pub order_id: Option<OrderId>,
    /// The payment attempt's id in the payment's metadata; nothing likewise.
    pub payment_id: Option<PaymentId>,
    /// The webhook event's id, the same in each delivery. Nothing when the provider was asked.
    pub event_id: Option<String>,
    /// When it happened, by the provider's clock. Nothing when the provider was asked: the state is the current one.
    pub occurred_at: Option<Timestamp>,
    pub kind: NewsKind,
}

/// The subject of the news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewsKind {
    /// The payment itself.
    Payment(PaymentNews),
    /// One refund of the payment.
    Refund(RefundNews),
    /// A dispute about the payment.
    Dispute(DisputeNews),
    /// Anything else. The webhook accepts it, so that the provider does not send it again.
    Unknown {
        /// The provider's name for the event.
        name: String,
    },
}

impl ProviderNews {
    /// The same news with the ids of the attempt that was asked about: its order is then found without a lookup.
    #[must_use]
    pub fn about(self, payment: &Payment) -> Self {
        Self {
            order_id: self.order_id.or(Some(payment.order)),
            payment_id: self.payment_id.or(Some(payment.id)),
            ..self
        }
    }

    /// Whether it is about this attempt. One with another reference is not meant, even when its id is named, because
    /// its refund would go to the wrong payment.
    fn is_about(&self, payment: &Payment) -> bool {
        let is_named = self.payment_id == Some(payment.id);
        let knows = |reference: &str| payment.references().any(|known| known == reference);
        let is_referred_to = match &payment.reference {
            Some(_) if self.reference.is_empty() => is_named,
            Some(_) => knows(&self.reference),
            None => is_named,
        };
        // An attempt has one page. Another one that names it was opened by mistake, and says nothing of this one.
        let has_page = match &self.page {
            Some(page) => payment.further_references.is_empty() || knows(page),
            None => true,
        };
        payment.provider == self.provider && is_referred_to && has_page
    }

    /// The kind of money movement, the provider's reference to it and its amount; nothing when no money moves.
    pub fn money_movement(&self) -> Option<(MoneyMovement, &str, Option<Money>)> {
        Some(match &self.kind {
            NewsKind::Payment(PaymentNews::Captured { amount }) => (MoneyMovement::Payment, &self.reference, *amount),
            NewsKind::Refund(RefundNews { outcome: RefundOutcome::Failed { .. }, .. })
            | NewsKind::Dispute(DisputeNews { state: DisputeState::Won, .. })
            | NewsKind::Payment(_)
            | NewsKind::Unknown { .. } => return None,
            NewsKind::Refund(refunded) => (MoneyMovement::Refund, &refunded.reference, refunded.amount),
            NewsKind::Dispute(dispute) => (MoneyMovement::Dispute, &dispute.reference, dispute.amount),
        })
    }
}

impl PlacedOrder {
    /// The payment attempt that a news is about: the one that it names, else the one with its reference.
    pub fn attempt_of(&self, news: &ProviderNews) -> Option<PaymentId> {
        let meant = || self.payments.iter().filter(|payment| news.is_about(payment)).map(|payment| payment.id);
        meant().find(|id| news.payment_id == Some(*id)).or_else(|| meant().next())
    }

    /// Records the provider's ids that news brings of an attempt: the reference of one that has none yet, and its page.
    /// Answers whether one was not known.
    pub fn name_attempt(&mut self, payment: PaymentId, news: &ProviderNews) -> bool {
        let Some(known) = self.payments.iter_mut().find(|known| known.id == payment) else { return false };
        let is_unnamed = known.reference.is_none() && !news.reference.is_empty();
        if is_unnamed {
            known.reference = Some(news.reference.clone());
        }
        known.add_page(news.page.as_deref()) || is_unnamed
    }

    /// The refund that a news is about; nothing for one that was made at the provider's dashboard and is news.
    pub fn refund_of(&self, news: &RefundNews) -> Option<RefundId> {
        let has_reference = |refund: &&crate::payment::Refund| refund.reference.as_deref() == Some(&news.reference);
        news.refund_id.or_else(|| self.refunds.iter().find(has_reference).map(|refund| refund.id))
    }
}

/// The state of a payment at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentNews {
    /// Not decided: the buyer has not paid yet, or the provider is still working. Unclear states are mapped to this.
    Pending,
    /// The buyer has done all that they can, and a bank decides, which may take days. It cannot be stopped.
    Processing,
    /// The money is reserved and not yet captured.
    Authorized {
        /// The authorized amount; nothing when it cannot be expressed.
        amount: Option<Money>,
    },
    /// The money was captured.
    Captured {
        /// The captured amount; nothing when it cannot be expressed. If it is not exactly what was asked for, the
        /// attempt gets the state `amount_mismatch`.
        amount: Option<Money>,
    },
    /// This attempt was declined. The same payment may still succeed later, with another card.
    Failed {
        /// The provider's reason.
        code: String,
    },
    /// It can no longer be paid.
    Cancelled,
}

/// The state of a refund at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundNews {
    /// The refund's reference at the provider.
    pub reference: String,
    /// Our refund, if we submitted it; nothing for one made at the provider's dashboard.
    pub refund_id: Option<RefundId>,
    /// The refunded amount; nothing when it cannot be expressed.
    pub amount: Option<Money>,
    /// The state of the refund.
    pub outcome: RefundOutcome,
}

/// The state of a refund at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// Not decided yet.
    Pending,
    /// The money was refunded.
    Succeeded,
    /// It was not refunded. This may come after `Succeeded`, when the buyer's bank sends the money back.
    Failed {
        /// The provider's reason.
        code: String,
    },
}

impl RefundOutcome {
    /// The step that our refund takes with this outcome.
    pub const fn step(&self) -> RefundStep {
        match self {
            Self::Pending => RefundStep::Submitted,
            Self::Succeeded => RefundStep::Succeeded,
            Self::Failed { .. } => RefundStep::Failed,
        }
    }
}

/// The state of a dispute at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeNews {
    /// The dispute's reference at the provider.
    pub reference: String,
    /// The disputed amount; nothing when it cannot be expressed.
    pub amount: Option<Money>,
    /// The reason that the buyer's bank gives.
    pub reason: String,
    /// Opened, won or lost.
    pub state: DisputeState,
    /// Until when the shop may answer it; nothing when the provider names no time.
    pub evidence_due_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{self, usd};

    fn news(reference: &str, payment_id: Option<PaymentId>) -> ProviderNews {
        ProviderNews {
            provider: ProviderName::Stripe,
            reference: reference.to_owned(),
            page: None,
            order_id: None,
            payment_id,
            event_id: None,
            occurred_at: None,
            kind: NewsKind::Payment(PaymentNews::Pending),
        }
    }

    fn payment(reference: Option<&str>) -> Payment {
        let payment = examples::payment(2, OrderId::from_bits(1), ProviderName::Stripe, usd(1_250));
        Payment { reference: reference.map(str::to_owned), ..payment }
    }

    #[test]
    fn an_answer_is_about_the_payment_that_was_asked_about() {
        let payment = payment(Some("pi_1"));
        let named = news("pi_1", None).about(&payment);
        assert_eq!((named.order_id, named.payment_id), (Some(payment.order), Some(payment.id)));
        let other = Some(PaymentId::from_bits(9));
        assert_eq!(news("pi_1", other).about(&payment).payment_id, other, "what the provider names stays");
    }

    #[test]
    fn news_with_another_reference_is_not_about_a_payment_that_it_names() {
        let (known, unknown) = (payment(Some("pi_1")), payment(None));
        for (news, about_known, about_unknown) in [
            (news("pi_1", Some(known.id)), true, true),
            (news("pi_1", None), true, false),
            (news("", Some(known.id)), true, true),
            (news("pi_2", Some(known.id)), false, true),
            (news("pi_2", None), false, false),
        ] {
            assert_eq!((news.is_about(&known), news.is_about(&unknown)), (about_known, about_unknown), "{news:?}");
        }
        let of_page = |reference: &str, page: &str| ProviderNews {
            page: Some(page.to_owned()),
            ..news(reference, Some(known.id))
        };
        let on_page = |reference| Payment { further_references: vec!["cs_1".to_owned()], ..payment(reference) };
        for (news, attempt, expected) in [
            // Its reference came with a webhook, and the page's own news may come before or after.
            (news("pi_1", Some(known.id)), on_page(None), true),
            (of_page("", "cs_1"), on_page(None), true),
            (of_page("", "cs_1"), on_page(Some("pi_1")), true),
            (of_page("pi_1", "cs_1"), on_page(Some("pi_1")), true),
            (of_page("pi_1", "cs_1"), payment(None), true),
            (of_page("pi_2", "cs_1"), on_page(Some("pi_1")), false),
            (of_page("", "cs_2"), on_page(None), false),
            (of_page("pi_2", "cs_2"), on_page(None), false),
        ] {
            assert_eq!(news.is_about(&attempt), expected, "{news:?} {attempt:?}");
        }
        let elsewhere = ProviderNews { provider: ProviderName::CashOnDelivery, ..news("pi_1", Some(known.id)) };
        assert!(!elsewhere.is_about(&known));
    }
}
