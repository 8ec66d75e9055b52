//! The orders that a guest may see on this device: a cookie with their tokens.

use std::time::Duration;

use browser::{Jar, Site, Visitor};
use domain::OrderId;

/// The cookie with the tokens of orders.
pub(crate) const ORDERS: &str = "orders";
/// The most orders that are kept, the newest first. Older ones are opened again by the link in their message.
const MOST: usize = 12;
/// Half a year: as long as the token of an order that has ended opens it.
const KEPT: Duration = Duration::from_secs(180 * 86_400);

/// Orders with their tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuestOrders(Vec<(OrderId, String)>);

impl GuestOrders {
    pub(crate) fn of(visitor: &Visitor, site: &Site) -> Self {
        let written = visitor.cookies.named(ORDERS, site).unwrap_or_default();
        let pairs = written.split('!').filter_map(|pair| pair.split_once('.'));
        let pairs = pairs.filter_map(|(id, token)| Some((id.parse().ok()?, token.to_owned())));
        Self(pairs.take(MOST).collect())
    }

    pub(crate) fn token(&self, order: OrderId) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == order).map(|(_, token)| token.as_str())
    }

    /// The order that was placed or opened last.
    pub(crate) fn newest(&self) -> Option<OrderId> {
        self.0.first().map(|(order, _)| *order)
    }

    /// The same with an order more, or with its newest token.
    #[must_use]
    pub(crate) fn with(mut self, order: OrderId, token: &str) -> Self {
        self.0.retain(|(known, _)| *known != order);
        self.0.insert(0, (order, token.to_owned()));
        self.0.truncate(MOST);
        self
    }

    /// A jar that keeps them.
    pub(crate) fn kept(&self, site: &Site) -> Jar {
        let pairs: Vec<String> = self.0.iter().map(|(order, token)| format!("{order}.{token}")).collect();
        Jar::default().keep(ORDERS, &pairs.join("!"), KEPT, site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_order_comes_first_and_the_oldest_is_forgotten() {
        let mut orders = GuestOrders::default();
        for order in 0..20 {
            orders = orders.with(OrderId::from_bits(order), &format!("token{order}"));
        }
        assert_eq!((orders.0.len(), orders.token(OrderId::from_bits(19))), (MOST, Some("token19")));
        assert_eq!(orders.token(OrderId::from_bits(0)), None);
        let again = orders.with(OrderId::from_bits(19), "newer");
        assert_eq!((again.0.len(), again.token(OrderId::from_bits(19))), (MOST, Some("newer")));
    }
}
