//! Outbox events: written in the transaction of the change that they report, and delivered to consumers later.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::order::OrderEvent;
use crate::{EventId, Timestamp, UnmatchedPayment, VariantId, VendorId};

/// An event for consumers. All kinds are stored, delivered and marked as delivered in the same way.
///
/// Which kind one is, its fields say. None refuses fields that it does not know: a newer release may add some, and its
/// events are delivered to consumers of this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OutboxEvent {
    /// Something happened to an order. Stored without a tag for its kind, because it was the only kind at first.
    Order(OrderEvent),
    /// The stock of a variant runs low.
    LowStock(LowStock),
    /// A provider reported money that no order here knows.
    UnmatchedPayment(UnmatchedPayment),
}

/// The units of a variant that can be bought have fallen to the vendor's threshold. The event names the variant: its
/// consumer reads the title, because a text that a vendor wrote must not travel where all vendors' events wait in one
/// row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowStock {
    /// A consumer that has processed this id does not process it again.
    pub id: EventId,
    pub variant: VariantId,
    pub vendor: VendorId,
    /// What releases before 2026-11-30 need to be there; to be removed when none of them runs any more.
    #[serde(default)]
    pub title: Unread,
    /// What releases before 2026-11-30 wrote; to be removed when none of their events is left.
    #[serde(default, skip_serializing)]
    pub sku: Unread,
    /// Units that could be bought at that time; negative when units were owed to buyers.
    pub left: i64,
    /// The threshold that the vendor has set, in units.
    pub low_stock_at: i64,
    pub at: Timestamp,
}

/// A text that earlier releases read and wrote here. It is written empty, and what they wrote is not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread;

impl Serialize for Unread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl OutboxEvent {
    pub const fn id(&self) -> EventId {
        match self {
            Self::Order(event) => event.id,
            Self::LowStock(low) => low.id,
            Self::UnmatchedPayment(money) => money.id,
        }
    }

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
    use crate::{OrderId, ProductId};

    #[test]
    fn an_outbox_event_is_read_as_what_it_was_written_as() {
        let at = Timestamp::from_millis(1_000);
        let (id, vendor) = (EventId::from_bits(7), VendorId::from_bits(3));
        let variant = VariantId::new(ProductId::from_bits(5), 2);
        let low = LowStock { id, variant, vendor, title: Unread, sku: Unread, left: -2, low_stock_at: 5, at };
        let paid = OrderEvent {
            id,
            kind: OrderEventKind::OrderPaid,
            order: OrderId::from_bits(9),
            vendor: Some(vendor),
            parcel: None,
            return_number: None,
            at,
        };
        let money = serde_json::json!({
            "id": id, "provider": "stripe", "what": "refund", "reference": "re_1", "order_id": OrderId::from_bits(9), "at": at,
        });
        let money: UnmatchedPayment = serde_json::from_value(money).unwrap();
        for event in
            [OutboxEvent::Order(paid.clone()), OutboxEvent::LowStock(low), OutboxEvent::UnmatchedPayment(money)]
        {
            let mut stored = serde_json::to_value(&event).unwrap();
            assert_eq!(serde_json::from_value::<OutboxEvent>(stored.clone()).unwrap(), event);
            stored["from_a_newer_release"] = serde_json::json!({"count": 1});
            assert_eq!(serde_json::from_value::<OutboxEvent>(stored).unwrap(), event);
        }
        let stored = serde_json::to_string(&paid).unwrap();
        assert_eq!(serde_json::from_str::<OutboxEvent>(&stored).unwrap(), OutboxEvent::Order(paid));
    }

    #[test]
    fn what_an_earlier_release_wrote_about_low_stock_is_read_and_sent_again_without_its_text() {
        let title = "Bowl\u{fffe}";
        let stored = serde_json::json!({
            "id": EventId::from_bits(7), "variant": VariantId::new(ProductId::from_bits(5), 2),
            "vendor": VendorId::from_bits(3), "title": title, "sku": "B-1", "left": 2, "low_stock_at": 5,
            "at": Timestamp::from_millis(1_000),
        });
        let event: OutboxEvent = serde_json::from_value(stored).unwrap();
        let sent = serde_json::to_value(&event).unwrap();
        assert_eq!((&sent["title"], &sent["sku"], &sent["left"]), (&"".into(), &serde_json::Value::Null, &2.into()));
    }
}
