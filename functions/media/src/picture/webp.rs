//! WebP. <https://developers.google.com/speed/webp/docs/riff_container>

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::decoded::Decoded;
use super::exif::Orientation;
use super::raster::{Raster, Samples};
use super::reader::{Reader, length};
use super::sizes::{Size, check};
use domain::catalog::PictureFault;

/// The flag of the extended header that says that there is a chunk of alpha.
const HAS_ALPHA: u8 = 0x10;

/// Decodes a WebP: of an animation its first frame, without the rest of the canvas if it is smaller.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, PictureFault> {
    let (still, orientation) = still(bytes)?;
    let size = check(still.pixels.size()?)?;
    let mut decoder = WebPDecoder::new(Cursor::new(still.file(size))).map_err(|_| PictureFault::Broken)?;
    let samples = if decoder.has_alpha() { Samples::Rgba } else { Samples::Rgb };
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or(PictureFault::Broken)?];
    decoder.read_image(&mut pixels).map_err(|_| PictureFault::Broken)?;
    Ok(Decoded { raster: Raster::new(size, samples, pixels)?, orientation })
}

/// The chunks of one picture.
struct Still<'a> {
    alpha: Option<&'a [u8]>,
    pixels: Pixels<'a>,
}

enum Pixels<'a> {
    Lossy(&'a [u8]),
    Lossless(&'a [u8]),
}

impl Pixels<'_> {
    /// The size that the decoder goes by. That of the container may be another one: a decoder that believed it would
    /// allocate for pixels which nobody had counted.
    fn size(&self) -> Result<Size, PictureFault> {
        match self {
            Self::Lossy(data) => {
                // RFC 6386 section 9.1: three bytes of the frame, a start code, 14 bits of size and 2 of scale each.
                let mut reader = Reader(data);
                reader.take(3)?;
                if reader.array()? != [0x9D, 0x01, 0x2A] {
                    return Err(PictureFault::Broken);
                }
                let (width, height) = (reader.little_u16()? & 0x3FFF, reader.little_u16()? & 0x3FFF);
                Ok(Size { width: width.into(), height: height.into() })
            }
            Self::Lossless(data) => {
                // RFC 9649 section 3.4: a signature, and 14 bits each of the sides less one.
                let mut reader = Reader(data);
                reader.take(1)?;
                let bits = reader.little_u32()?;
                Ok(Size { width: (bits & 0x3FFF) + 1, height: (bits >> 14 & 0x3FFF) + 1 })
            }
        }
    }
}

impl Still<'_> {
    /// A file of this picture alone.
    fn file(&self, size: Size) -> Vec<u8> {
        let mut chunks = Vec::new();
        match (&self.pixels, self.alpha) {
            (Pixels::Lossless(data), _) => push(&mut chunks, b"VP8L", data),
            (Pixels::Lossy(data), None) => push(&mut chunks, b"VP8 ", data),
            (Pixels::Lossy(data), Some(alpha)) => {
                let [w0, w1, w2, _] = (size.width - 1).to_le_bytes();
                let [h0, h1, h2, _] = (size.height - 1).to_le_bytes();
                push(&mut chunks, b"VP8X", &[HAS_ALPHA, 0, 0, 0, w0, w1, w2, h0, h1, h2]);
                push(&mut chunks, b"ALPH", alpha);
                push(&mut chunks, b"VP8 ", data);
            }
        }
        let mut file = Vec::with_capacity(chunks.len() + 12);
        push(&mut file, b"RIFF", &[b"WEBP", chunks.as_slice()].concat());
        file
    }
}

fn push(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    file.extend_from_slice(kind);
    // Data are parts of an upload, whose length is far below 4 GiB.
    file.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend_from_slice(data);
    if !data.len().is_multiple_of(2) {
        file.push(0);
    }
}

/// The first picture of a file, and how it is to be turned.
fn still(bytes: &[u8]) -> Result<(Still<'_>, Orientation), PictureFault> {
    let mut reader = Reader(bytes);
    reader.take(4)?;
    let mut chunks = Reader(reader.take_length()?);
    chunks.take(4)?;

    let (mut found, mut orientation) = (Found::default(), None);
    while !chunks.is_empty() {
        match chunk(&mut chunks)? {
            (kind, data) if kind == *b"ANMF" => {
                let mut frame = Reader(data);
                // Its place and size, its duration and how it is blended.
                frame.take(16)?;
                while !frame.is_empty() {
                    let (kind, data) = chunk(&mut frame)?;
                    found.note(kind, data);
                }
            }
            (kind, data) if kind == *b"EXIF" && orientation.is_none() => orientation = Some(Orientation::of(data)),
            (kind, data) => found.note(kind, data),
        }
    }
    let still = Still { alpha: found.alpha, pixels: found.pixels.ok_or(PictureFault::Broken)? };
    Ok((still, orientation.unwrap_or_default()))
}

/// The chunks of the first picture, as far as they have been read.
#[derive(Default)]
struct Found<'a> {
    alpha: Option<&'a [u8]>,
    pixels: Option<Pixels<'a>>,
}

impl<'a> Found<'a> {
    fn note(&mut self, kind: [u8; 4], data: &'a [u8]) {
        if self.pixels.is_none() {
            match &kind {
                b"ALPH" => self.alpha = Some(data),
                b"VP8 " => self.pixels = Some(Pixels::Lossy(data)),
                b"VP8L" => self.pixels = Some(Pixels::Lossless(data)),
                _ => {}
            }
        }
    }
}

/// The kind of the next chunk, and its data.
fn chunk<'a>(reader: &mut Reader<'a>) -> Result<([u8; 4], &'a [u8]), PictureFault> {
    let kind = reader.array()?;
    let data = reader.take_length()?;
    // Data of an odd length are padded. At the end of a file it is sometimes forgotten.
    if !data.len().is_multiple_of(2) && !reader.is_empty() {
        reader.take(1)?;
    }
    Ok((kind, data))
}

impl<'a> Reader<'a> {
    /// Data after their length.
    fn take_length(&mut self) -> Result<&'a [u8], PictureFault> {
        let count = self.little_u32().and_then(length)?;
        self.take(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture;
    use super::{Reader, chunk, still};

    #[test]
    fn only_what_makes_pixels_reaches_the_decoder() {
        for (name, expected) in [
            ("turned-6.webp", "VP8 "),
            ("polyglot.webp", "VP8 "),
            ("animated.webp", "VP8 "),
            ("lossless.webp", "VP8L"),
            ("alpha-lossless.webp", "VP8L"),
            ("alpha.webp", "VP8X ALPH VP8 "),
        ] {
            let bytes = fixture(name);
            let (still, _) = still(&bytes).unwrap();
            let file = still.file(still.pixels.size().unwrap());
            assert_eq!(file.len(), 8 + u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize, "{name}");
            let mut chunks = Reader(&file[12..]);
            let mut kinds = Vec::new();
            while !chunks.is_empty() {
                kinds.push(String::from_utf8(chunk(&mut chunks).unwrap().0.to_vec()).unwrap());
            }
            assert_eq!(kinds.join(" "), expected, "{name}");
        }
    }
}
