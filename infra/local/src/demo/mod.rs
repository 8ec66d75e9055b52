//! The demo data: four vendors with their product files, a category tree and generated pictures.
//!
//! The files refer to pictures by name, such as `media:rishtan-blue-kosa`. [`ProductFile::with_uploads`] replaces the
//! names by the ids of uploads, [`ProductFile::pictures`] lists the names, and [`picture`] draws one.

mod drawing;

use std::collections::BTreeSet;

use domain::catalog::CategoryTree;
use domain::{Currency, MediaId, Money};

pub use drawing::picture;

/// The handle of the vendor that the demo account `vendor@bozor.test` owns.
pub const DEMO_VENDOR: &str = "chorsu-ceramics";

/// The prefix of a picture's name in a product file.
const UPLOAD: &str = "media:";

/// A vendor of the demo data.
#[derive(Clone, Copy, Debug)]
pub struct Vendor {
    pub handle: &'static str,
    pub name: &'static str,
    /// The vendor's e-mail address, which is also that of its owner's account.
    pub email: &'static str,
    pub about: &'static str,
    pub currency: Currency,
    /// Flat rates for delivery, one per currency that the vendor sells in.
    pub shipping_rates: &'static [Money],
    /// The greatest total of an order that is collected on delivery, one per currency.
    pub cash_on_delivery: &'static [Money],
    /// Product files, the one in the vendor's own currency first.
    pub files: &'static [ProductFile],
}

/// A product file with prices in one currency.
#[derive(Clone, Copy, Debug)]
pub struct ProductFile {
    pub currency: Currency,
    /// Shopify product CSV.
    pub csv: &'static str,
}

/// 500 USD, and about as much in sums.
const CASH_ON_DELIVERY: &[Money] = &[Money::new(50_000, Currency::USD), Money::new(600_000_000, Currency::UZS)];

/// All vendors. The first is [`DEMO_VENDOR`], whose products are all in stock and priced in USD and UZS.
pub const VENDORS: [Vendor; 4] = [
    Vendor {
        handle: DEMO_VENDOR,
        name: "Chorsu Ceramics",
        email: "vendor@bozor.test",
        about: "Bowls, plates and teapots from Rishtan and Gijduvon, chosen stall by stall under the blue dome \
                of Chorsu.",
        currency: Currency::USD,
        shipping_rates: &[Money::new(750, Currency::USD), Money::new(9_000_000, Currency::UZS)],
        cash_on_delivery: CASH_ON_DELIVERY,
        files: &[
            ProductFile { currency: Currency::USD, csv: include_str!("chorsu-ceramics.usd.csv") },
            ProductFile { currency: Currency::UZS, csv: include_str!("chorsu-ceramics.uzs.csv") },
        ],
    },
    Vendor {
        handle: "margilan-silk",
        name: "Margilan Silk House",
        email: "margilan@bozor.test",
        about: "Atlas, adras and velvet from hand looms in Margilan, and what families around sew and embroider \
                from them.",
        currency: Currency::USD,
        shipping_rates: &[Money::new(500, Currency::USD), Money::new(6_000_000, Currency::UZS)],
        cash_on_delivery: CASH_ON_DELIVERY,
        files: &[
            ProductFile { currency: Currency::USD, csv: include_str!("margilan-silk.usd.csv") },
            ProductFile { currency: Currency::UZS, csv: include_str!("margilan-silk.uzs.csv") },
        ],
    },
    Vendor {
        handle: "siyob-spices",
        name: "Siyob Fruits & Spices",
        email: "siyob@bozor.test",
        about: "Dried fruits, nuts, spices and sweets from the Siyob bazaar in Samarkand. Delivered within Uzbekistan.",
        currency: Currency::UZS,
        shipping_rates: &[Money::new(2_500_000, Currency::UZS)],
        cash_on_delivery: CASH_ON_DELIVERY,
        files: &[ProductFile { currency: Currency::UZS, csv: include_str!("siyob-spices.uzs.csv") }],
    },
    Vendor {
        handle: "chust-crafts",
        name: "Chust Knives & Woodwork",
        email: "chust@bozor.test",
        about: "Knives from the smiths of Chust, and what carvers and luthiers of the valley make from walnut, elm \
                and mulberry.",
        currency: Currency::UZS,
        shipping_rates: &[Money::new(4_500_000, Currency::UZS), Money::new(900, Currency::USD)],
        cash_on_delivery: CASH_ON_DELIVERY,
        files: &[
            ProductFile { currency: Currency::UZS, csv: include_str!("chust-crafts.uzs.csv") },
            ProductFile { currency: Currency::USD, csv: include_str!("chust-crafts.usd.csv") },
        ],
    },
];

/// The category tree; the product types in the files are names of its categories.
pub fn categories() -> Result<CategoryTree, serde_json::Error> {
    serde_json::from_str(include_str!("categories.json"))
}

/// The upload id of a picture. It is derived from the name, so that loading the demo data twice uploads nothing new.
pub fn media_id(picture: &str) -> MediaId {
    let digest = ring::digest::digest(&ring::digest::SHA256, picture.as_bytes());
    let bits = digest.as_ref().iter().take(16).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    MediaId::from_bits(bits)
}

impl ProductFile {
    /// The file with each picture's name replaced by its upload's id.
    pub fn with_uploads(&self, id: impl Fn(&str) -> MediaId) -> String {
        let mut parts = self.csv.split(UPLOAD);
        let mut csv = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = split_name(part);
            csv.push_str(UPLOAD);
            csv.push_str(&id(name).to_string());
            csv.push_str(rest);
        }
        csv
    }

    /// The names of the pictures in the file.
    pub fn pictures(&self) -> BTreeSet<&'static str> {
        self.csv.split(UPLOAD).skip(1).map(|part| split_name(part).0).collect()
    }
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_ascii_alphanumeric() && character != '-').unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::text::{Email, Handle};
    use product_file::{ProductDraft, ProductReader, Products};

    use super::*;

    fn products(file: &ProductFile) -> Vec<ProductDraft> {
        let csv = file.with_uploads(media_id);
        Products::new(csv.as_bytes(), ProductReader::new(file.currency))
            .map(|entry| entry.unwrap().product.unwrap())
            .collect()
    }

    fn of(handle: &str) -> Vendor {
        VENDORS.into_iter().find(|vendor| vendor.handle == handle).unwrap()
    }

    #[test]
    fn the_demo_data_is_as_large_as_it_says() {
        let all: Vec<ProductDraft> = VENDORS.iter().flat_map(|vendor| products(&vendor.files[0])).collect();
        assert!(all.len() >= 60, "{}", all.len());
        assert!(all.iter().filter(|product| product.options.len() >= 2).count() >= 10);
        assert!(all.iter().any(|product| product.options.len() == 3 && product.variants.len() >= 16));
        let mut handles: Vec<_> = all.iter().map(|product| product.handle.clone()).collect();
        handles.sort();
        handles.dedup();
        assert_eq!(handles.len(), all.len());
        for product in &all {
            assert!(product.body_html.is_some() && product.seo.title.is_some() && product.seo.description.is_some());
            assert!(product.wants_publishing() && !product.images.is_empty());
        }
    }

    #[test]
    fn every_product_has_its_place_in_the_tree_and_no_category_is_empty() {
        let tree = categories().unwrap();
        tree.check().unwrap();
        assert!(tree.roots.len() >= 3 && tree.roots.iter().all(|root| !root.children.is_empty()));
        let mut counts: BTreeMap<Handle, usize> = BTreeMap::new();
        for product in VENDORS.iter().flat_map(|vendor| products(&vendor.files[0])) {
            let path = tree.find(product.category.unwrap().as_str()).unwrap();
            assert_eq!(path.len(), 2);
            *counts.entry(path[1].clone()).or_default() += 1;
        }
        assert_eq!(counts.len(), tree.roots.iter().map(|root| root.children.len()).sum::<usize>());
    }

    #[test]
    fn the_demo_vendor_has_everything_in_stock_and_in_both_currencies() {
        let vendor = of(DEMO_VENDOR);
        assert_eq!(vendor.files.iter().map(|file| file.currency).collect::<Vec<_>>(), [Currency::USD, Currency::UZS]);
        for file in vendor.files {
            for product in products(file) {
                for variant in &product.variants {
                    let price = variant.price.unwrap().price;
                    assert!(price.minor() > 0 && price.currency() == file.currency);
                    assert!(variant.quantity.unwrap() > 0);
                }
            }
        }
        assert!(
            VENDORS.iter().filter(|vendor| vendor.files.iter().any(|file| file.currency == Currency::USD)).count() >= 2
        );
    }

    #[test]
    fn the_files_of_a_vendor_differ_in_prices_only() {
        for vendor in VENDORS {
            let without_prices = |file: &ProductFile| {
                let mut products = products(file);
                products.iter_mut().flat_map(|product| &mut product.variants).for_each(|variant| variant.price = None);
                products
            };
            let first = without_prices(&vendor.files[0]);
            assert!(vendor.files.iter().all(|file| without_prices(file) == first));
        }
    }

    #[test]
    fn a_vendor_delivers_in_each_currency_it_sells_in() {
        for vendor in VENDORS {
            Handle::parse(vendor.handle).unwrap();
            Email::parse(vendor.email).unwrap();
            assert_eq!(vendor.files[0].currency, vendor.currency);
            for file in vendor.files {
                assert!(vendor.shipping_rates.iter().any(|rate| rate.currency() == file.currency && rate.minor() > 0));
            }
        }
    }

    #[test]
    fn every_picture_of_a_file_is_one_of_its_uploads() {
        for file in VENDORS.iter().flat_map(|vendor| vendor.files) {
            let uploads: BTreeSet<MediaId> = file.pictures().into_iter().map(media_id).collect();
            assert_eq!(uploads.len(), file.pictures().len());
            let shown: BTreeSet<MediaId> = products(file)
                .iter()
                .flat_map(|product| product.images.iter().map(|image| image.src.media().unwrap()))
                .collect();
            assert_eq!(shown, uploads);
        }
    }
}
