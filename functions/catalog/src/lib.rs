//! Catalogue: listing, product page, categories, shop page.
