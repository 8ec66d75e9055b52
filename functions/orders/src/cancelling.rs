//! Calling an order off: first at the provider, then here.

use api::Problem;
use domain::order::{Actor, OrderFile, OrderState};
use domain::payment::Payment;
use domain::{Code, Refusal, Timestamp};
use payment_webhook::settlement::settle;
use payments::Cancellation;
use store::Error;

use crate::App;

/// How often an order is read again that somebody else changes at the same time.
const TRIES: usize = 8;

impl App {
    /// Calls an order off. One that is off already stays as it is, so that a repeat on a weak network is harmless.
    pub(crate) async fn cancel(&self, mut loaded: OrderFile, now: Timestamp) -> Result<OrderFile, Problem> {
        for _ in 0..TRIES {
            if loaded.order.state == OrderState::Cancelled {
                return Ok(loaded);
            }
            // Refused before the provider hears of it.
            loaded.clone().cancel(Actor::Buyer, &mut platform::mint(now))?;
            if self.close_open_attempts(&loaded, now).await? {
                // Paid in this moment: what is cancelled now is a paid order, whose money goes back.
                loaded = self.again(&loaded).await?;
            }
            let mut changed = loaded.clone();
            changed.cancel(Actor::Buyer, &mut platform::mint(now))?;
            match self.orders.save(&loaded, &changed).await {
                Ok(()) => return self.again(&loaded).await,
                Err(Error::Conflict) => loaded = self.again(&loaded).await?,
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }

    async fn again(&self, file: &OrderFile) -> Result<OrderFile, Problem> {
        self.orders.file(file.order.id).await?.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }

    /// Sees to it that no attempt can be paid any more. True when one was paid meanwhile and is settled now. An attempt that the
    /// provider cannot decide yet, or a provider that does not answer, refuses the call: nothing is released that may be paid.
    async fn close_open_attempts(&self, file: &OrderFile, now: Timestamp) -> Result<bool, Problem> {
        let mut settled = false;
        let open: Vec<&Payment> =
            file.payments.iter().filter(|payment| payment.state.is_open() && !payment.provider.pays_after()).collect();
        for payment in open {
            match self.providers.cancel(payment).await? {
                Cancellation::Cancelled => {}
                Cancellation::Captured(report) => {
                    settle(&self.orders, &report, now).await?;
                    settled = true;
                }
                Cancellation::Undecided(_) => {
                    return Err(Refusal::because(
                        Code::WrongState,
                        "the payment is being processed; try again in a moment",
                    )
                    .into());
                }
            }
        }
        Ok(settled)
    }
}
