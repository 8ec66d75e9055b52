//! Cash on delivery: there is no remote provider, so every answer is known at once.

use domain::Timestamp;
use domain::payment::{Action, Payment, ProviderName, Refund};
use http::HeaderMap;

use crate::{Cancellation, Failure, NewsKind, Opened, PaymentNews, Provider, ProviderNews, RefundNews, WebhookError};

/// Cash on delivery. It is settled by the vendor's delivery, not by a webhook.
#[derive(Clone, Copy, Debug)]
pub struct CashOnDelivery;

impl Provider for CashOnDelivery {
    async fn open(&self, payment: &Payment) -> Result<Opened, Failure> {
        if !payment.amount.is_total() {
            return Err(Failure::Refused { code: "amount_not_payable".into() });
        }
        Ok(Opened { reference: reference(payment), action: Action::None, news: PaymentNews::Pending })
    }

    async fn look_up(&self, payment: &Payment) -> Result<ProviderNews, Failure> {
        Ok(ProviderNews {
            provider: ProviderName::CashOnDelivery,
            reference: reference(payment),
            order_id: Some(payment.order),
            payment_id: Some(payment.id),
            event_id: None,
            occurred_at: None,
            kind: NewsKind::Payment(PaymentNews::Pending),
        })
    }

    async fn cancel(&self, _payment: &Payment) -> Result<Cancellation, Failure> {
        Ok(Cancellation::Cancelled)
    }

    /// Always refused: cash never passes through the marketplace, so it cannot be sent back.
    async fn refund(&self, _refund: &Refund, _payment_reference: &str) -> Result<RefundNews, Failure> {
        Err(Failure::Refused { code: "paid_in_cash".into() })
    }

    fn verify(&self, _headers: &HeaderMap, _body: &[u8], _now: Timestamp) -> Result<ProviderNews, WebhookError> {
        Err(WebhookError::NoWebhook)
    }
}

/// The payment attempt's own id, because no provider assigns a reference.
fn reference(payment: &Payment) -> String {
    payment.id.to_string()
}
