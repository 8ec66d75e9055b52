//! From the bytes that somebody uploaded to the files that pages show.
//!
//! Nothing of an upload is served as it came. What a picture is, is told from its bytes; its pixels are counted in its
//! header before a decoder allocates them; the decoders are handed only those parts of a file that make pixels, so that
//! no profile, text or preview is parsed or inflated by them; and only pixels reach the encoders, so that no EXIF, GPS
//! position, ICC profile, XMP or appended script is in what they write. Colours are taken as sRGB.
//!
//! The same bytes give the same files on the same architecture.

mod decoded;
mod encode;
mod exif;
mod jpeg;
mod kind;
mod made;
mod png;
mod raster;
mod reader;
mod sizes;
#[cfg(test)]
mod tests;
mod webp;

use decoded::Decoded;
use domain::catalog::PictureFault;
use kind::Kind;

pub(crate) use made::{FileKind, Made};

/// Makes the files of a picture. Takes about 0.2 s of CPU for a photograph of 12 megapixels.
///
/// # Errors
/// When the bytes are no picture that is read, or a broken one.
pub(crate) fn make(bytes: &[u8]) -> Result<Made, PictureFault> {
    let Decoded { raster, orientation } = decode(bytes)?;
    let (largest, smaller) = sizes::of(orientation.turned(raster.size()));
    // Turning 1,280 pixels costs a tenth of turning 4,000. The next sizes are made from this one for the same reason.
    let is_opaque = raster.is_opaque();
    let mut raster = raster.resized(orientation.turned(largest), is_opaque)?.coloured(is_opaque).turned(orientation);

    let fallback = encode::jpeg(&raster)?;
    let mut files = vec![encode::webp(&raster)?];
    for size in smaller {
        raster = raster.resized(size, is_opaque)?;
        files.push(encode::webp(&raster)?);
    }
    files.reverse();
    files.push(fallback);
    Ok(Made { width: largest.width, height: largest.height, color: raster.average(), files })
}

fn decode(bytes: &[u8]) -> Result<Decoded, PictureFault> {
    match kind::of(bytes)? {
        Kind::Jpeg => jpeg::decode(bytes),
        Kind::Png => png::decode(bytes),
        Kind::Webp => webp::decode(bytes),
    }
}
