//! What somebody has to be told of: an order's event, a variant that runs low, or money that belongs to no order.

use serde::{Deserialize, Serialize};

use crate::order::OrderEvent;
use crate::{EventId, Timestamp, UnmatchedPayment, VariantId, VendorId};

/// Something that happened, for those who act on it later. All kinds are kept, delivered and marked in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OutboxEvent {
    /// To an order. These were there first: they carry no word for what they are.
    Order(OrderEvent),
    /// To the stock of a variant.
    LowStock(LowStock),
    /// To money that no order here knows.
    UnmatchedPayment(UnmatchedPayment),
}

/// What can be bought of a variant has fallen to what its seller wants to be told of. It holds all that is told: who sends the
/// mail need not read the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LowStock {
    /// Id: who has acted on it once does not act again.
    pub id: EventId,
    /// Which variant.
    pub variant: VariantId,
    /// Whose.
    pub vendor: VendorId,
    /// What it is called.
    pub title: String,
    /// The seller's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Units that could be bought then; below zero when units were owed to buyers.
    pub left: i64,
    /// What the seller wants to be told of.
    pub low_stock_at: i64,
    /// When.
    pub at: Timestamp,
}

impl OutboxEvent {
    /// Its id.
    pub const fn id(&self) -> EventId {
        match self {
            Self::Order(event) => event.id,
            Self::LowStock(low) => low.id,
            Self::UnmatchedPayment(money) => money.id,
        }
    }

    /// When it happened.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Order(event) => event.at,
            Self::LowStock(low) => low.at,
            Self::UnmatchedPayment(money) => money.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::OrderEventKind;
    use crate::payment::ProviderName;
    use crate::{MoneyMovement, OrderId, ProductId};

    #[test]
    fn an_outbox_event_is_read_as_what_it_was_written_as() {
        let at = Timestamp::from_millis(1_000);
        let (id, vendor) = (EventId::from_bits(7), VendorId::from_bits(3));
        let variant = VariantId::new(ProductId::from_bits(5), 2);
        let low = LowStock { id, variant, vendor, title: "Bowl".into(), sku: None, left: -2, low_stock_at: 5, at };
        let paid =
            OrderEvent { id, kind: OrderEventKind::OrderPaid, order: OrderId::from_bits(9), vendor: Some(vendor), at };
        let money = UnmatchedPayment {
            id,
            provider: ProviderName::Stripe,
            what: MoneyMovement::Refund,
            reference: "re_1".into(),
            amount: None,
            order_id: Some(OrderId::from_bits(9)),
            at,
        };
        for event in
            [OutboxEvent::Order(paid.clone()), OutboxEvent::LowStock(low), OutboxEvent::UnmatchedPayment(money)]
        {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<OutboxEvent>(&text).unwrap(), event);
        }
        let stored = serde_json::to_string(&paid).unwrap();
        assert_eq!(serde_json::from_str::<OutboxEvent>(&stored).unwrap(), OutboxEvent::Order(paid));
    }
}
