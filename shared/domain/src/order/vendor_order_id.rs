//! Ids of vendor orders.

use serde::Deserialize;

use crate::OrderId;

/// Id of a vendor order: it contains its order's id, so that one key finds both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorOrderId {
    pub order: OrderId,
    /// Position within the order, counted from 1.
    pub ordinal: u16,
}

impl utoipa::PartialSchema for VendorOrderId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^(vor|sub)_[0-9a-hjkmnp-tv-z]{26}_[1-9][0-9]{0,4}$"))
            .examples(["vor_01jd2v9k3mfe8tq5r7w0x4y6za_1"])
            .into()
    }
}

impl utoipa::ToSchema for VendorOrderId {}

impl std::fmt::Display for VendorOrderId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let order = self.order.to_string();
        write!(formatter, "vor_{}_{}", order.strip_prefix("ord_").unwrap_or(&order), self.ordinal)
    }
}

impl std::str::FromStr for VendorOrderId {
    type Err = crate::ids::BadId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = crate::ids::BadId;
        // Release 0.1.0 wrote `sub_`: its ids stand in messages and in vendors' notes.
        let rest = text.strip_prefix("vor_").or_else(|| text.strip_prefix("sub_")).ok_or(bad)?;
        let (order, ordinal) = rest.split_once('_').ok_or(bad)?;
        let id = Self { order: format!("ord_{order}").parse()?, ordinal: ordinal.parse().map_err(|_| bad)? };
        let is_canonical = id.to_string().strip_prefix("vor_") == Some(rest);
        if is_canonical { Ok(id) } else { Err(bad) }
    }
}

impl<'de> Deserialize<'de> for VendorOrderId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
