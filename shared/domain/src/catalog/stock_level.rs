//! How much of a product is left, and by which texts it is found: what a vendor's list of products is filtered by.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Availability, Product};
use crate::text::Search;

/// How much of a product is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StockLevel {
    /// It can be bought, and none of its variants is low.
    InStock,
    /// It can be bought, and a variant has no more units than its `low_stock_at`.
    Low,
    /// None of its variants can be bought, backorders included.
    SoldOut,
}

impl StockLevel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InStock => "in_stock",
            Self::Low => "low",
            Self::SoldOut => "sold_out",
        }
    }
}

impl Product {
    pub fn stock_level(&self, availability: &Availability) -> StockLevel {
        if !self.is_available(availability) {
            return StockLevel::SoldOut;
        }
        let is_low = self
            .variants
            .iter()
            .any(|variant| variant.low_stock_at.is_some_and(|least| availability.units(variant.id) <= least));
        if is_low { StockLevel::Low } else { StockLevel::InStock }
    }

    /// Whether the words occur in its title, its handles, its tags, or the SKUs and options of its variants.
    pub fn is_found_by(&self, search: &Search) -> bool {
        let own = [self.title.as_str(), self.handle.as_str()].into_iter();
        let imported = self.file_handle.iter().map(|handle| handle.as_str());
        let tags = self.tags.iter().map(|tag| tag.as_str());
        let skus = self.variants.iter().filter_map(|variant| variant.sku.as_ref()).map(|sku| sku.as_str());
        let values = self.options.iter().flat_map(|option| &option.values).map(|value| value.as_str());
        search.is_found_in(own.chain(imported).chain(tags).chain(skus).chain(values))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::examples::{PLACED, usd, vendor_card};
    use crate::text::SearchText;
    use crate::{ProductId, VariantId, VendorId};

    fn product() -> Product {
        let variant = |ordinal| VariantId::new(ProductId::from_bits(1), ordinal);
        serde_json::from_value(json!({
            "id": ProductId::from_bits(1), "vendor": vendor_card(VendorId::from_bits(2), "Chorsu"), "handle": "bowl",
            "title": "Кўк коса", "state": "published", "created_at": PLACED, "next_ordinal": 2, "tags": ["gift"],
            "options": [{"name": "Size", "values": ["Large", "Small"]}],
            "variants": [
                {"id": variant(0), "sku": "BOWL-L", "prices": [{"price": usd(100)}], "low_stock_at": 2},
                {"id": variant(1), "sku": "BOWL-S", "prices": [{"price": usd(100)}]},
            ],
        }))
        .unwrap()
    }

    #[test]
    fn a_product_is_low_while_it_can_be_bought_and_a_variant_is_low() {
        let mut product = product();
        let level = |product: &Product, large: i64, small: i64| {
            let units = [(product.variants[0].id, large), (product.variants[1].id, small)];
            product.stock_level(&Availability { available: units.into(), ..Availability::default() })
        };
        assert_eq!(level(&product, 3, 0), StockLevel::InStock, "the small one has no threshold");
        assert_eq!(level(&product, 2, 9), StockLevel::Low);
        assert_eq!(level(&product, -1, 9), StockLevel::Low);
        assert_eq!(level(&product, 0, 0), StockLevel::SoldOut);
        product.variants[1].inventory_policy = crate::catalog::InventoryPolicy::Backorder;
        assert_eq!(level(&product, 3, 0), StockLevel::InStock, "more can be ordered than there is");
        for each in [StockLevel::InStock, StockLevel::Low, StockLevel::SoldOut] {
            assert_eq!(json!(each), each.as_str());
        }
    }

    #[test]
    fn a_product_is_found_by_its_names_codes_and_options() {
        let product = product();
        let finds = |text: &str| product.is_found_by(&Search::from(&SearchText::parse(text).unwrap()));
        for text in ["kosa", "КОСА", "bowl-s", "gift small", "bowl large"] {
            assert!(finds(text), "{text}");
        }
        assert!(!finds("medium") && !finds("kosa medium"));
    }
}
