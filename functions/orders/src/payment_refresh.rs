//! Refreshing a payment when the buyer returns from the provider: its state is looked up there instead of waiting for
//! the webhook.

use api::Problem;
use domain::Timestamp;
use domain::order::{OrderState, PlacedOrder};
use payment_webhook::settlement::settle;
use store::rate_limits::Target;

use crate::App;
use crate::cancellation::with_ids_of;

impl App {
    /// The order after a lookup of its open payment attempts at their providers. Nothing is looked up for an order that
    /// does not await payment, or for attempts without a reference. A provider that does not answer changes nothing:
    /// its webhook or the next housekeeping run brings the news.
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
                    tracing::warn!(
                        order.id = %payment.order,
                        payment.id = %payment.id,
                        cause = %failure,
                        "a payment could not be looked up"
                    );
                }
            }
        }
        // A webhook may have changed the order before this news, so it is read again in any case.
        if is_changed { self.reload(&loaded).await } else { Ok(loaded) }
    }
}
