//! PNG. <https://www.w3.org/TR/png-3/>

use std::io::Cursor;

use png::{BitDepth, ColorType, Limits, Transformations};

use super::decoded::Decoded;
use super::exif::Orientation;
use super::raster::{Raster, Samples};
use super::reader::{Reader, length};
use super::sizes::{Size, check};
use domain::catalog::PictureFault;

const SIGNATURE: usize = 8;

/// What the decoder may allocate besides the pixels: a few lines.
const LIMITS: Limits = Limits { bytes: 16 << 20 };

/// Decodes a PNG in 8 bits a sample: of an animation the picture that viewers of plain PNG show.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, PictureFault> {
    let Stripped { bytes, size, orientation } = strip(bytes)?;
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), LIMITS);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|_| PictureFault::Broken)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(PictureFault::Broken)?];
    let frame = reader.next_frame(&mut pixels).map_err(|_| PictureFault::Broken)?;
    let samples = match (frame.color_type, frame.bit_depth) {
        (ColorType::Grayscale, BitDepth::Eight) => Samples::Grey,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Samples::GreyAlpha,
        (ColorType::Rgb, BitDepth::Eight) => Samples::Rgb,
        (ColorType::Rgba, BitDepth::Eight) => Samples::Rgba,
        _ => return Err(PictureFault::Broken),
    };
    Ok(Decoded { raster: Raster::new(size, samples, pixels)?, orientation })
}

/// A file of nothing but what makes pixels.
struct Stripped {
    bytes: Vec<u8>,
    size: Size,
    orientation: Orientation,
}

/// Leaves out what does not make pixels, such as compressed profiles and texts, which inflate to a thousand times their
/// size, and the further pictures of an animation.
fn strip(bytes: &[u8]) -> Result<Stripped, PictureFault> {
    let mut reader = Reader(bytes);
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(reader.take(SIGNATURE)?);
    let (size, header) = header(&mut reader)?;
    kept.extend_from_slice(header);

    let (mut orientation, mut has_pixels) = (None, false);
    loop {
        let (kind, chunk) = chunk(&mut reader)?;
        match &kind {
            b"IDAT" => {
                has_pixels = true;
                kept.extend_from_slice(chunk);
            }
            b"PLTE" | b"tRNS" => kept.extend_from_slice(chunk),
            b"IEND" => {
                kept.extend_from_slice(chunk);
                break;
            }
            b"eXIf" if orientation.is_none() => orientation = chunk.get(8..).map(Orientation::of),
            _ => {}
        }
    }
    if !has_pixels {
        return Err(PictureFault::Broken);
    }
    Ok(Stripped { bytes: kept, size, orientation: orientation.unwrap_or_default() })
}

/// The first chunk, which tells the size.
fn header<'a>(reader: &mut Reader<'a>) -> Result<(Size, &'a [u8]), PictureFault> {
    let (kind, chunk) = chunk(reader)?;
    if kind != *b"IHDR" {
        return Err(PictureFault::Broken);
    }
    let mut fields = Reader(chunk);
    fields.take(8)?;
    let size = Size { width: fields.big_u32()?, height: fields.big_u32()? };
    Ok((check(size)?, chunk))
}

/// The kind of the next chunk, and the whole of it: length, kind, data and checksum.
fn chunk<'a>(reader: &mut Reader<'a>) -> Result<([u8; 4], &'a [u8]), PictureFault> {
    let mut ahead = *reader;
    let data = length(ahead.big_u32()?)?;
    let kind = ahead.array()?;
    Ok((kind, reader.take(data.checked_add(12).ok_or(PictureFault::Broken)?)?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture;
    use super::{Reader, SIGNATURE, chunk, strip};

    #[test]
    fn only_what_makes_pixels_reaches_the_decoder() {
        for (name, expected) in [
            ("metadata-bombs.png", "IHDR IDAT IEND"),
            ("turned-6.png", "IHDR IDAT IEND"),
            ("animated.png", "IHDR IDAT IEND"),
            ("palette-transparent.png", "IHDR PLTE tRNS IDAT IEND"),
        ] {
            let bytes = strip(&fixture(name)).unwrap().bytes;
            let mut reader = Reader(&bytes[SIGNATURE..]);
            let mut kinds = Vec::new();
            while !reader.is_empty() {
                kinds.push(String::from_utf8(chunk(&mut reader).unwrap().0.to_vec()).unwrap());
            }
            assert_eq!(kinds.join(" "), expected, "{name}");
        }
    }
}
