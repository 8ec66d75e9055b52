//! The columns of a Shopify product file and the spellings of their headers.

/// Declares the columns once: name, the header that an export writes, and aliases that an import accepts.
macro_rules! columns {
    ($($name:ident = $header:literal $(| $alias:literal)*,)+) => {
        /// A column that is read; others in a file are ignored.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Column { $($name,)+ }

        impl Column {
            /// Every column, in Shopify's order.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The header an export writes.
            pub(super) const fn header(self) -> &'static str {
                match self { $(Self::$name => $header,)+ }
            }

            /// The headers by which the column is found, in order of precedence.
            pub(super) const fn spellings(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$header $(, $alias)*],)+ }
            }
        }
    };
}

// The aliases are the headers of the product template that Shopify introduced in 2024.
columns! {
    Handle = "Handle" | "URL handle",
    Title = "Title",
    Body = "Body (HTML)" | "Body" | "Description",
    Vendor = "Vendor",
    Type = "Type",
    Category = "Product Category",
    Tags = "Tags",
    Published = "Published" | "Published on online store",
    Option1Name = "Option1 Name",
    Option1Value = "Option1 Value",
    Option2Name = "Option2 Name",
    Option2Value = "Option2 Value",
    Option3Name = "Option3 Name",
    Option3Value = "Option3 Value",
    Option4Value = "Option4 Value",
    Sku = "Variant SKU" | "SKU",
    Grams = "Variant Grams" | "Weight value (grams)",
    SaleUnit = "Sale Unit",
    Quantity = "Variant Inventory Qty" | "Inventory quantity",
    Policy = "Variant Inventory Policy" | "Continue selling when out of stock",
    Price = "Variant Price" | "Price",
    CompareAtPrice = "Variant Compare At Price" | "Compare-at price",
    Image = "Image Src" | "Product image URL",
    ImagePosition = "Image Position",
    ImageAlt = "Image Alt Text",
    SeoTitle = "SEO Title",
    SeoDescription = "SEO Description",
    VariantImage = "Variant Image" | "Variant image URL",
    Status = "Status",
}

/// The column that says in a file of refused rows why they were refused. It is no column of a product, so that an
/// import of the mended file ignores it.
pub(super) const REASON: &str = "Refused because";

impl Column {
    /// Whether an export has it. Those that it has not are kept as they are.
    pub(super) const fn is_written(self) -> bool {
        !matches!(self, Self::Option4Value | Self::Category)
    }
}

/// The optional columns that a file has. What has no column stays as it is stored. An empty cell removes the stored
/// value, except for prices and units on hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The title: without it, the file changes products and does not name all of their variants.
    pub title: bool,
    /// Names or values of options: without them, the file cannot tell the variants of a product by their values.
    pub options: bool,
    /// The description.
    pub body: bool,
    pub vendor: bool,
    /// The category (`Type`).
    pub category: bool,
    pub tags: bool,
    pub images: bool,
    /// The alternative texts of pictures.
    pub image_alt: bool,
    pub seo_title: bool,
    pub seo_description: bool,
    pub sku: bool,
    pub grams: bool,
    /// What one unit of a variant is.
    pub sale_unit: bool,
    /// The inventory policy: whether variants are sold beyond their stock.
    pub policy: bool,
    pub compare_at_price: bool,
    pub variant_image: bool,
}

impl Columns {
    /// All columns, as in Bozor's own exports.
    pub const ALL: Self = Self {
        title: true,
        options: true,
        body: true,
        vendor: true,
        category: true,
        tags: true,
        images: true,
        image_alt: true,
        seo_title: true,
        seo_description: true,
        sku: true,
        grams: true,
        sale_unit: true,
        policy: true,
        compare_at_price: true,
        variant_image: true,
    };
}
