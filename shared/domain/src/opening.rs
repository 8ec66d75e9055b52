//! What opening a payment attempt at its provider came to.

use crate::payment::{Action, Payment, PaymentState, PaymentStep};
use crate::provider_news::PaymentNews;
use crate::{Code, Refusal};

/// What opening an attempt at its provider came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The provider has it, now or since an earlier opening.
    Open {
        /// The provider's id of the payment.
        reference: String,
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
            Opening::Open { reference, action, news } => {
                opened.reference = Some(reference.clone());
                opened.action = Some(action.clone());
                if *news == PaymentNews::Cancelled { PaymentStep::Cancelled } else { PaymentStep::Pending }
            }
            Opening::Refused { code } => {
                opened.action = Some(Action::Retry);
                if self.state == PaymentState::Created {
                    opened.failure = Some(code.clone());
                }
                PaymentStep::Failed
            }
            Opening::Unanswered => {
                opened.action = Some(Action::Retry);
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
