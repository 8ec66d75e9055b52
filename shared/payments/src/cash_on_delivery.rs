//! Cash on delivery: there is no remote provider, so every answer is known at once, and cash cannot be sent back.

use std::sync::Arc;

use domain::payment::{Action, Payment};
use domain::pricing::MAX_TOTAL;

use crate::transport::BoxFuture;
use crate::{
    Amounts, Cancellation, Connected, Connector, Facts, Failure, Freshness, HostedPage, Opened, PaymentNews, Provider,
};

/// Cash on delivery. It is settled by the vendor's delivery, not by a webhook.
#[derive(Clone, Copy, Debug)]
pub struct CashOnDelivery;

/// Any total that a cart can come to. Cash never passes through the marketplace, so it refunds none.
pub(crate) const FACTS: Facts = Facts {
    amounts: |_| Some(Amounts { least: 0, greatest: MAX_TOTAL, step: 1 }),
    page: HostedPage::Never,
    slow: false,
    method: |_, _| None,
    calls_per_second: None,
    refunds: None,
};

impl Connector for CashOnDelivery {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn connect(&self, _: Freshness) -> BoxFuture<'_, Result<Connected, Failure>> {
        Box::pin(std::future::ready(Ok(Connected::new(Arc::new(*self)))))
    }
}

impl Provider for CashOnDelivery {
    fn open<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<Opened, Failure>> {
        let answer = if payment.amount.is_total() {
            // The payment attempt's own id, because no provider assigns a reference.
            let reference = Some(payment.id.to_string());
            Ok(Opened { reference, page: None, action: Action::None, news: PaymentNews::Pending })
        } else {
            Err(Failure::Refused { code: "amount_not_payable".into() })
        };
        Box::pin(std::future::ready(answer))
    }

    fn cancel<'a>(&'a self, _: &'a Payment) -> BoxFuture<'a, Result<Cancellation, Failure>> {
        Box::pin(std::future::ready(Ok(Cancellation::Cancelled)))
    }
}
