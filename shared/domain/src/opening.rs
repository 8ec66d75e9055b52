//! What opening a payment attempt at its provider came to.

use crate::order::PlacedOrder;
use crate::payment::{Action, FrozenOpening, Payment, PaymentState, PaymentStep, ProviderName, RefundRules};
use crate::provider_news::PaymentNews;
use crate::{Code, Ids, PaymentId, Refusal};

impl PlacedOrder {
    /// Fixes what is sent to the provider of the attempt that was just made, and what it can pay back. Nothing is sent
    /// for cash, or where there is nothing to pay.
    pub fn freeze_opening(&mut self, return_url: Option<&str>, hosted_page: bool, refunds: Option<RefundRules>) {
        if matches!(self.order.provider, ProviderName::CashOnDelivery | ProviderName::Unneeded) {
            return;
        }
        let description = Some(format!("Order {}", self.order.id.number()));
        let current = self.order.payment;
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.id == current) {
            let return_url = return_url.map(str::to_owned);
            payment.opening = Some(FrozenOpening { return_url, description, methods: Vec::new(), hosted_page });
            payment.refunds = refunds.filter(|rules| *rules != RefundRules::ANY);
        }
    }
}

impl PlacedOrder {
    /// Another attempt in the place of one that was given up before anybody could pay it: it sends the same under
    /// another key. Nothing when the order does not wait for this attempt any more, or has too many.
    pub fn replace_given_up(&mut self, given_up: PaymentId, ids: &mut Ids) -> Option<PaymentId> {
        let known = self.payments.iter().find(|payment| payment.id == given_up)?.clone();
        let is_current = self.order.payment == given_up && known.state == PaymentState::Failed;
        if !is_current || known.was_handed_out() {
            return None;
        }
        let replaced = self.retry_payment(known.provider, &[], ids).ok()?;
        let payment = self.payments.iter_mut().find(|payment| payment.id == replaced)?;
        (payment.opening, payment.refunds) = (known.opening, known.refunds);
        payment.slow_deadline = known.slow_deadline;
        Some(replaced)
    }
}

/// What opening an attempt at its provider came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The provider has it, now or since an earlier opening.
    Open {
        /// The provider's id of the payment; nothing where the provider makes one when the buyer pays.
        reference: Option<String>,
        /// The provider's id of the page on which the buyer pays, where pages have ids of their own.
        page: Option<String>,
        /// What the buyer does next.
        action: Action,
        /// Its state there.
        news: PaymentNews,
    },
    /// The provider refused it and does not have it.
    Refused {
        /// The provider's code.
        code: String,
    },
    /// The provider failed, and answers the same to every repeat of this attempt: it is given up. What the provider may
    /// have made of it was handed out to nobody.
    GivenUp {
        /// The provider's code.
        code: String,
    },
    /// The provider is down, or its answer is lost: opening the same attempt again finds the same payment.
    Unanswered,
}

impl Payment {
    /// The attempt after it was opened. A state other than `Created` is newer than the opening: a webhook came before
    /// its answer. News other than of a cancellation comes as news, too, and is applied by settlement.
    ///
    /// # Errors
    /// `internal` for a step that an attempt that was only created cannot take.
    pub fn after_opening(&self, opening: &Opening) -> Result<Self, Refusal> {
        let mut opened = self.clone();
        let step = match opening {
            Opening::Open { reference, page, action, news } => {
                opened.reference = reference.clone().or(opened.reference);
                opened.add_page(page.as_deref());
                opened.action = Some(action.clone());
                if *news == PaymentNews::Cancelled { PaymentStep::Cancelled } else { PaymentStep::Pending }
            }
            Opening::Refused { code } | Opening::GivenUp { code } => {
                if self.state == PaymentState::Created {
                    opened.action = Some(Action::Retry);
                    opened.failure = Some(code.clone());
                }
                PaymentStep::Failed
            }
            // What another call was answered meanwhile stays: a repeat is answered by it.
            Opening::Unanswered => {
                opened.action = opened.action.or(Some(Action::Retry));
                return Ok(opened);
            }
        };
        if self.state == PaymentState::Created {
            let impossible = || Refusal::because(Code::Internal, "an attempt cannot be opened in its state");
            opened.state = self.state.after(step).ok_or_else(impossible)?;
        }
        Ok(opened)
    }
}
