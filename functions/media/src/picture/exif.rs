//! The one field of EXIF that pixels depend on.

use super::reader::Reader;
use super::sizes::Size;
use domain::catalog::PictureFault;

/// The tag `Orientation`: CIPA DC-008 section 4.6.5.
const ORIENTATION: u16 = 0x0112;

/// How the stored lines of pixels are read to see a picture upright.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Orientation {
    /// The columns of the stored pixels are the lines of the upright picture.
    pub(super) by_columns: bool,
    /// The last stored line (or column) is the first one of the upright picture.
    pub(super) lines_reversed: bool,
    /// The last pixel of a stored line (or column) is the first one of a line of the upright picture.
    pub(super) pixels_reversed: bool,
}

impl Orientation {
    /// The orientation that an EXIF block tells. What cannot be read is upright, as in all viewers.
    pub(super) fn of(exif: &[u8]) -> Self {
        let value = orientation(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)).unwrap_or(1);
        let (by_columns, lines_reversed, pixels_reversed) = match value {
            2 => (false, false, true),
            3 => (false, true, true),
            4 => (false, true, false),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => (false, false, false),
        };
        Self { by_columns, lines_reversed, pixels_reversed }
    }

    /// The size of the upright picture from that of the stored one, and the other way round.
    pub(super) fn turned(self, size: Size) -> Size {
        if self.by_columns { Size { width: size.height, height: size.width } } else { size }
    }
}

/// Looks the tag up in the first directory of a TIFF structure. TIFF 6.0 section 2.
fn orientation(tiff: &[u8]) -> Result<u16, PictureFault> {
    let mut header = Reader(tiff);
    let is_big = match &header.array()? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return Err(PictureFault::Broken),
    };
    let short = |reader: &mut Reader<'_>| if is_big { reader.big_u16() } else { reader.little_u16() };
    let long = |reader: &mut Reader<'_>| if is_big { reader.big_u32() } else { reader.little_u32() };

    let offset = super::reader::length(long(&mut header)?)?;
    let mut directory = Reader(tiff.get(offset..).ok_or(PictureFault::Broken)?);
    for _ in 0..short(&mut directory)? {
        let mut entry = Reader(directory.take(12)?);
        if short(&mut entry)? == ORIENTATION {
            // The type and the count. A short stands in the first two of the four bytes of the value.
            entry.take(6)?;
            return short(&mut entry);
        }
    }
    Err(PictureFault::Broken)
}
