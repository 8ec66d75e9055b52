//! From the bytes that somebody uploaded to the files that pages show.
//!
//! Nothing of an upload is served as it came. What a picture is, is told from its bytes; its pixels are counted in its
//! header before a decoder allocates them; the decoders are handed only those parts of a file that make pixels, so that
//! no profile, text or preview is parsed or inflated by them; and only pixels reach the encoders, so that no EXIF, GPS
//! position, ICC profile, XMP or appended script is in what they write. Colours are taken as sRGB.
//!
//! The same bytes give the same files on the same architecture.

mod encode;
mod exif;
mod jpeg;
mod kind;
mod png;
mod raster;
mod reader;
mod sizes;
mod webp;

pub(crate) use domain::catalog::PictureFault;
use exif::Orientation;
use kind::Kind;
use raster::Raster;
use sizes::Size;

/// More pixels than this are not decoded: 160 MB as RGBA, and about 460 MB in the costliest coding, a progressive JPEG
/// in CMYK. The function has 1,024 MB.
pub(crate) const MAX_PIXELS: u32 = 40_000_000;

/// The longest side that is decoded, in pixels.
pub(crate) const MAX_SIDE: u32 = 20_000;

/// A picture in the sizes that pages show.
#[derive(Debug)]
pub(crate) struct Made {
    /// The width of the largest file, in pixels.
    pub(crate) width: u32,
    /// The height of the largest file, in pixels.
    pub(crate) height: u32,
    /// The average colour in sRGB, on white where the picture is transparent: what a page shows until a file is there.
    pub(crate) color: [u8; 3],
    /// WebP from the narrowest to the widest, no two of the same width, then one JPEG as wide as the widest.
    pub(crate) files: Vec<MadeFile>,
}

/// One file of a picture. It has no metadata.
#[derive(Debug)]
pub(crate) struct MadeFile {
    pub(crate) kind: FileKind,
    /// In pixels.
    pub(crate) width: u32,
    /// In pixels.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests compare it with what the file says"))]
    pub(crate) height: u32,
    pub(crate) bytes: Vec<u8>,
}

/// The kinds of files that are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FileKind {
    Webp,
    Jpeg,
}

/// What a decoder gives: pixels as they are stored, and how they are to be turned.
struct Decoded {
    raster: Raster,
    orientation: Orientation,
}

/// Makes the files of a picture. Takes about 0.2 s of CPU for a photograph of 12 megapixels.
///
/// # Errors
/// When the bytes are no picture that is read, or a broken one.
pub(crate) fn make(bytes: &[u8]) -> Result<Made, PictureFault> {
    let Decoded { raster, orientation } = match kind::of(bytes)? {
        Kind::Jpeg => jpeg::decode(bytes)?,
        Kind::Png => png::decode(bytes)?,
        Kind::Webp => webp::decode(bytes)?,
    };
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

/// Refuses what is too large to be decoded, or has no pixels.
fn check(size: Size) -> Result<Size, PictureFault> {
    let Size { width, height } = size;
    if width == 0 || height == 0 {
        return Err(PictureFault::Broken);
    }
    let fits = width <= MAX_SIDE && height <= MAX_SIDE && width.saturating_mul(height) <= MAX_PIXELS;
    fits.then_some(size).ok_or(PictureFault::TooManyPixels)
}
