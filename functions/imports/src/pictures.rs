//! The pictures that a product file names by their addresses, which another function fetches.

use std::collections::BTreeSet;

use domain::catalog::Product;
use domain::vendor::{NamedAt, PictureJob};

use crate::merge::{IMAGE, ImportContext};
use crate::plan::Place;

/// The messages that ask for the pictures of a product that are not here. One that could not be fetched before gets
/// another try.
pub(crate) fn wanted(context: &ImportContext, place: &Place, product: &Product) -> Vec<PictureJob> {
    if !context.fetch_images {
        return Vec::new();
    }
    let is_here = |address: &str| product.pictures.get(address).is_some_and(|known| known.files.is_some());
    let foreign = product.sources().filter(|source| source.media().is_none()).map(|source| source.as_str().to_owned());
    let missing: Vec<String> =
        foreign.filter(|address| !is_here(address)).collect::<BTreeSet<_>>().into_iter().collect();
    let column = context.spellings.get(IMAGE).map_or(IMAGE, String::as_str);
    let job = |(part, addresses): (u32, &[String])| PictureJob::Fetch {
        vendor_id: context.vendor.id,
        product_id: product.id,
        addresses: addresses.to_vec(),
        named_at: NamedAt {
            import: context.import,
            line: place.line,
            product: place.handle.clone(),
            column: column.to_owned(),
            part,
        },
        attempts: 0,
    };
    (0..).zip(missing.chunks(PictureJob::MOST_ADDRESSES)).map(job).collect()
}
