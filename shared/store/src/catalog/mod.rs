//! The table Catalog: products, listing rows, availability, shops, categories. Public; read by everyone.

mod batches;
mod files;
mod handles;
mod listing;
mod picture_reports;
mod pictures;
mod product_counts;
mod products;
mod rebuilds;
mod shop_sync;
mod shops;
mod vendor_lists;
mod vendors;
mod walk;

use aws_sdk_dynamodb::Client;
use domain::catalog::{Availability, CategoryTree, FileColumns, FileHeaders, Product, VendorPicture};
use domain::job::{Derived, Rebuild};
use domain::stored::Kept;
use domain::text::{Handle, InLanguages};
use domain::vendor::Shop;
use domain::{MediaId, ProductId, VendorId};

use crate::idempotency::stores_responses;
use crate::item::{Attributes, key};
use crate::stored::{Stored, stored};

pub use self::handles::HandleHolder;
pub use self::listing::{ListQuery, Sort};
pub use self::pictures::{UnusedPicture, picture_id};
pub use self::products::StoredProduct;
pub use self::shop_sync::Synced;
pub use self::vendor_lists::{FindProducts, ShortProducts};
pub use self::walk::{FoundRow, Walk, WalkItem};

const PRODUCT: &str = "product";
const DESCRIPTION: &str = "description";
const DESCRIPTIONS: &str = "descriptions";
const AVAILABILITY: &str = "availability";
const HANDLE: &str = "handle";
const FILE_COLUMNS: &str = "file_columns";
const FILE_KEY: &str = "file_key";
const FILE_HEADERS: &str = "file_headers";
const LISTING: &str = "listing";
const SHOP: &str = "shop";
const CATEGORIES: &str = "categories";
const REBUILD: &str = "rebuild";
const DRAFTS: &str = "drafts";
const PICTURE: &str = "picture";
const UNUSED_PICTURE: &str = "unused_picture";
const PICTURES_TOLD: &str = "pictures_told";

stored! {
    PRODUCT => Product: ["handle_key", "handle_sort", "vendor_key", "vendor_sort"];
    SHOP => Shop: ["handle_key", "handle_sort"],
        fields: ["id", "handle", "name", "about_html", "state", "currency", "shipping_rates", "cash_on_delivery",
            "public_identity", "created_at", "version"];
    CATEGORIES => CategoryTree: [];
    REBUILD => Rebuild: [];
    FILE_COLUMNS => FileColumns: [];
    FILE_HEADERS => FileHeaders: [];
    PICTURE => VendorPicture: [];
}

/// The version of an availability is beside it, because pages do not need it.
impl Stored for Availability {
    const KIND: &'static str = AVAILABILITY;
    const ATTRIBUTES: &'static [&'static str] = &["handle_key", "handle_sort"];

    fn kept(&self) -> &Kept {
        &self.kept
    }

    fn complete(&mut self, _: u64, kept: Kept) {
        self.kept = kept;
    }
}

#[derive(Clone, Debug)]
pub struct Catalog {
    client: Client,
    table: String,
    vendors: vendors::Vendors,
    product_counts: product_counts::ProductCounts,
}

stores_responses!(Catalog);

impl Catalog {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
            vendors: vendors::Vendors::default(),
            product_counts: product_counts::ProductCounts::default(),
        }
    }
}

/// The keys of the items.
enum Entry<'a> {
    /// `PRODUCT#<id>` / `PRODUCT`.
    Product(ProductId),
    /// `PRODUCT#<id>` / `DESCRIPTION`.
    Description(ProductId),
    /// `PRODUCT#<id>` / `DESCRIPTIONS`: the descriptions in other languages than the product's own.
    Descriptions(ProductId),
    /// `PRODUCT#<id>` / `AVAILABILITY`.
    Availability(ProductId),
    /// `PRODUCT#<id>` / `FILE`: what product files say of it beyond what is used.
    FileColumns(ProductId),
    /// `FILE#<vendor>#<key>` / `PRODUCT`: the product that has this key in its vendor's files.
    FileKey(VendorId, &'a str),
    /// `VENDOR#<id>` / `FILE`: the columns of the vendor's files beyond those that are used.
    FileHeaders(VendorId),
    /// `HANDLE#product#<handle>` / `HANDLE`: keeps a product's handle unique.
    ProductHandle(&'a Handle),
    /// `HANDLE#vendor#<handle>` / `HANDLE`: keeps a shop's handle unique.
    ShopHandle(&'a Handle),
    /// `VENDOR#<id>` / `SHOP`.
    Shop(VendorId),
    /// `VENDOR#<id>` / `DRAFTS`: how many drafts a vendor has who is not approved.
    Drafts(VendorId),
    /// `PICTURE#<vendor>#<id>` / `PICTURE`: what became of a vendor's picture.
    Picture(VendorId, MediaId),
    /// `CATEGORIES` / `TREE`.
    Categories,
    /// `REBUILD#<what>` / `REBUILD`: the last rebuild of a kind of copies.
    Rebuild(Derived),
}

impl Entry<'_> {
    fn key(&self) -> Attributes {
        match self {
            Self::Product(id) => key(format!("PRODUCT#{id}"), "PRODUCT"),
            Self::Description(id) => key(format!("PRODUCT#{id}"), "DESCRIPTION"),
            Self::Descriptions(id) => key(format!("PRODUCT#{id}"), "DESCRIPTIONS"),
            Self::Availability(id) => key(format!("PRODUCT#{id}"), "AVAILABILITY"),
            Self::FileColumns(id) => key(format!("PRODUCT#{id}"), "FILE"),
            Self::FileKey(vendor, file_key) => key(format!("FILE#{vendor}#{file_key}"), "PRODUCT"),
            Self::FileHeaders(vendor) => key(format!("VENDOR#{vendor}"), "FILE"),
            Self::ProductHandle(handle) => key(format!("HANDLE#product#{handle}"), "HANDLE"),
            Self::ShopHandle(handle) => key(format!("HANDLE#vendor#{handle}"), "HANDLE"),
            Self::Shop(id) => key(format!("VENDOR#{id}"), "SHOP"),
            Self::Drafts(id) => key(format!("VENDOR#{id}"), "DRAFTS"),
            Self::Picture(vendor, id) => key(format!("PICTURE#{vendor}#{id}"), "PICTURE"),
            Self::Categories => key("CATEGORIES", "TREE"),
            Self::Rebuild(what) => key(format!("REBUILD#{}", what.as_str()), "REBUILD"),
        }
    }
}

/// Partition of `by_handle` for a product's page.
fn product_handle(handle: &Handle) -> String {
    format!("product#{handle}")
}

/// Partition of `by_handle` for a shop's page.
fn shop_handle(handle: &Handle) -> String {
    format!("vendor#{handle}")
}

/// Partition of `by_vendor`: a vendor's products.
fn vendor_products(vendor: VendorId) -> String {
    format!("VENDOR#{vendor}")
}

/// What is at a handle.
#[derive(Clone, Debug)]
pub enum ProductAt {
    Here(Box<ProductPage>),
    /// The product has another handle by now.
    Renamed(Box<Product>),
    Nowhere,
}

/// A product with its descriptions and its availability.
#[derive(Clone, Debug)]
pub struct ProductPage {
    pub product: Product,
    /// The long description: sanitised HTML.
    pub description_html: String,
    /// The descriptions in other languages.
    pub descriptions: InLanguages<String>,
    pub availability: Availability,
}
