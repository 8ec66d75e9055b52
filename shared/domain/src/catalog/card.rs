//! Cards: a product as lists show it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ImageLink, Product, SaleUnit};
use crate::text::{Handle, Title};
use crate::vendor::VendorCard;
use crate::{Currency, Money, ProductId};

/// A product as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductCard {
    /// Id of the product.
    pub id: ProductId,
    /// Handle of the product page.
    pub handle: Handle,
    /// Title of the product, without a variant's values.
    pub title: Title,
    /// The vendor.
    pub vendor: VendorCard,
    /// The product's first picture that can be shown; null when there is none.
    #[schema(required = true)]
    pub image: Option<ImageLink>,
    /// The lowest price of its variants in the list's currency.
    pub price: Money,
    /// The higher price that the variant with the lowest price is compared to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub compare_at_price: Option<Money>,
    /// What one unit of the variant with the lowest price is, when it is sold by measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sale_unit: Option<SaleUnit>,
    /// The price of one measure of it: of a kilogram, a metre, a litre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reference_price: Option<Money>,
    /// Whether at least one variant can be bought now.
    pub available: bool,
}

impl Product {
    /// The card in a currency as its page shows it; nothing when no variant has a price in it. `media_base` is where
    /// own uploads are served, without a slash at the end.
    pub fn shown_card(&self, currency: Currency, available: bool, media_base: &str) -> Option<ProductCard> {
        self.card(currency, available, |path| format!("{media_base}/{path}"))
    }

    pub(super) fn card(
        &self,
        currency: Currency,
        available: bool,
        url: impl Fn(&str) -> String + Copy,
    ) -> Option<ProductCard> {
        let (sale_unit, lowest) = self
            .variants
            .iter()
            .filter_map(|variant| Some((variant.sale_unit, variant.price_in(currency)?)))
            .min_by_key(|(_, price)| price.price.minor())?;
        Some(ProductCard {
            id: self.id,
            handle: self.handle.clone(),
            title: self.title.clone(),
            vendor: self.vendor.clone(),
            image: self.images.iter().find_map(|image| self.shown_image(image, url)),
            price: lowest.price,
            compare_at_price: lowest.compare_at,
            sale_unit,
            reference_price: sale_unit.and_then(|unit| unit.reference_price(lowest.price)),
            available,
        })
    }
}
