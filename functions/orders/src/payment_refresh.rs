//! The buyer is back from the provider: how the payment stands is asked there, and not waited for until somebody tells.

use api::Problem;
use domain::Timestamp;
use domain::order::{OrderState, PlacedOrder};
use payment_webhook::settlement::settle;
use store::rate_limits::Target;

use crate::App;
use crate::cancellation::with_ids_of;

impl App {
    /// The order after its provider was asked. One that waits for no money, or whose provider knows of no attempt, is not asked
    /// about. A provider that does not answer changes nothing: its webhook or the next housekeeping brings the news.
    pub(crate) async fn refresh_payment(
        &self,
        loaded: PlacedOrder,
        client: &str,
        now: Timestamp,
    ) -> Result<PlacedOrder, Problem> {
        let is_open = loaded.order.state == OrderState::AwaitingPayment;
        let open = loaded.payments.iter().filter(|payment| payment.may_be_paid() && payment.reference.is_some());
        let open: Vec<_> = open.filter(|_| is_open).collect();
        if open.is_empty() {
            return Ok(loaded);
        }
        let limits = self.settings.current().await?.limits.payment;
        self.rate_limits.count("settle", client, Target::Order(loaded.order.id), limits, now).await?;
        let mut is_changed = false;
        for payment in open {
            match self.providers.look_up(payment).await {
                Ok(news) => {
                    settle(&self.orders, &with_ids_of(news, payment), now).await?;
                    is_changed = true;
                }
                Err(failure) => {
                    tracing::warn!(order.id = %payment.order, payment.id = %payment.id, cause = %failure, "a provider does not say how a payment stands");
                }
            }
        }
        // Its webhook may have been faster than this answer, so the order is read again in any case.
        if is_changed { self.reload(&loaded).await } else { Ok(loaded) }
    }
}
