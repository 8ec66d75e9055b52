//! What follows a use case.

use serde_json::json;

use super::scenario::Scenario;
use super::use_cases::UseCase;

impl Scenario {
    /// What buyer, provider and operator do afterwards.
    pub(super) async fn finish(&mut self, of: UseCase) {
        match of {
            UseCase::CheckOut
            | UseCase::CheckOutOnPage
            | UseCase::RetryPayment
            | UseCase::CheckOutBroken
            | UseCase::RetryBroken => {
                if self.order["payment"]["action"]["type"] == "retry" {
                    // Another payment attempt is another request, with a key of its own.
                    self.order = self.retry_payment("once-more").await;
                }
                self.shop.stripe(self.id(), "succeed").await;
            }
            UseCase::DisputeOpened | UseCase::DisputeOpenedUnderWay => {
                self.shop.stripe(self.id(), "lose_dispute").await;
            }
            UseCase::SettleProcessing => {
                self.deliver_webhooks().await;
                self.shop.stripe(self.id(), "succeed").await;
            }
            UseCase::ExpireProcessing => drop(self.shop.stripe(self.id(), "fail").await),
            UseCase::SettleWrongAmount => {
                let operator = self.shop.operator().await;
                let path = format!("/v1/admin/orders/{}", self.id());
                let seen = operator.get(&path).await.expect(200).clone();
                let payment = seen["payments"][0]["id"].as_str().expect("a payment");
                let decide = json!({"decision": "refund"});
                operator.post(&format!("{path}/payments/{payment}/decide"), &decide).await.expect(200);
            }
            _ => {}
        }
    }
}
