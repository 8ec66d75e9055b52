//! How long an order's token opens it.

use std::time::Duration;

use super::{OrderState, PlacedOrder};
use crate::Timestamp;

/// How long after an order has ended its token opens it: mails with it stay in mailboxes, and with what comes after.
const AFTER_THE_END: Duration = Duration::from_secs(180 * 86_400);

impl PlacedOrder {
    /// Whether the order ended so long ago, and nothing has happened to it since, that its token opens it no more.
    pub fn token_is_over(&self, now: Timestamp) -> bool {
        let has_ended = matches!(self.order.state, OrderState::Expired | OrderState::Cancelled | OrderState::Completed);
        let last = self.history.iter().map(|entry| entry.at).max().unwrap_or(self.order.placed_at);
        has_ended && now.since(last) > AFTER_THE_END
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VendorId;
    use crate::examples::{NOW, order, vendor_card};
    use crate::payment::ProviderName;

    #[test]
    fn only_an_order_that_ended_half_a_year_ago_opens_no_more() {
        let mut placed = order(ProviderName::Stripe, &[vendor_card(VendorId::from_bits(1), "Chorsu")]);
        let last = placed.history.iter().map(|entry| entry.at).max().unwrap_or(NOW);
        let (within, after) = (last + AFTER_THE_END, last + AFTER_THE_END + Duration::from_secs(1));
        assert!(!placed.token_is_over(after), "it goes on");
        for ended in [OrderState::Expired, OrderState::Cancelled, OrderState::Completed] {
            placed.order.state = ended;
            assert_eq!([placed.token_is_over(within), placed.token_is_over(after)], [false, true], "{ended:?}");
        }
    }
}
