//! JPEG. <https://www.w3.org/Graphics/JPEG/itu-t81.pdf>

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::decoded::Decoded;
use super::exif::Orientation;
use super::raster::{Raster, Samples};
use super::reader::Reader;
use super::sizes::{MAX_SIDE, Size, check};
use domain::catalog::PictureFault;

/// Encoders write about ten scans, optimisers up to twenty. Each scan goes over all pixels again, whatever its length:
/// a small file of very many scans would keep the decoder busy for minutes.
const MAX_SCANS: usize = 64;

// The markers that are named below. All are in table B.1.
const PROGRESSIVE: u8 = 0xC2;
const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;

/// Adobe's segment that says that four components are YCCK. Without it they are CMYK.
const YCCK: &[u8] = b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\x02";

/// Decodes a JPEG, baseline or progressive, in grey, colour or CMYK.
///
/// The decoder is told to be strict. It would fill with grey what is missing or damaged.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, PictureFault> {
    let Stripped { bytes, frame, is_rgb, orientation } = strip(bytes)?;
    let (samples, colours) = match frame.names.len() {
        1 => (Samples::Grey, ColorSpace::Luma),
        // Colours that are asked for as they are stored are not converted.
        3 if is_rgb => (Samples::Rgb, ColorSpace::YCbCr),
        _ => (Samples::Rgb, ColorSpace::RGB),
    };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize)
        .jpeg_set_max_scans(MAX_SCANS)
        .jpeg_set_out_colorspace(colours);
    let pixels = JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode();
    let raster = Raster::new(frame.size, samples, pixels.map_err(|_| PictureFault::Broken)?)?;
    Ok(Decoded { raster, orientation })
}

/// A file of nothing but what makes pixels.
struct Stripped {
    bytes: Vec<u8>,
    frame: Frame,
    /// Three components that are red, green and blue. The usual ones are luminance and two differences of colour.
    is_rgb: bool,
    orientation: Orientation,
}

/// Leaves out what does not make pixels: EXIF with its preview, profiles, texts, and whatever comes after the end, such
/// as a second picture, a video or a script.
///
/// # Errors
/// [`PictureFault::Broken`] when the end is missing. Decoders do not mind: they would show the upper part of a
/// photograph whose upload broke off.
fn strip(bytes: &[u8]) -> Result<Stripped, PictureFault> {
    let mut reader = Reader(bytes);
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(reader.take(2)?);

    let (mut frame, mut scans, mut notes) = (None::<Frame>, Scans::default(), Notes::default());
    let mut coded_bytes = 0;
    loop {
        let marker = marker(&mut reader)?;
        match marker {
            END => break,
            // TEM and restarts stand alone. They have no meaning between segments.
            0x01 | 0xD0..=0xD7 => continue,
            // The start of another picture within this one.
            0xD8 => return Err(PictureFault::Broken),
            _ => {}
        }
        let (segment, body) = segment(&mut reader)?;
        match (marker, &frame) {
            (0xC0..=0xC2, None) => frame = Some(Frame::read(marker == PROGRESSIVE, body)?),
            (SCAN, Some(frame)) => {
                let is_ycck = frame.names.len() == 4 && notes.adobe == Some(2);
                if scans.count == 0 && is_ycck {
                    kept.extend_from_slice(YCCK);
                }
                frame.check(is_ycck)?;
                scans.add(frame, body)?;
            }
            (0xC0..=0xC2 | SCAN, _) => return Err(PictureFault::Broken),
            // Tables, and the interval of restarts.
            (0xC4 | 0xDB | 0xDD, _) => {}
            // The frames of other codings, and what belongs to them.
            (0xC3..=0xCF | 0xDE | 0xDF, _) => return Err(PictureFault::OtherKind),
            _ => {
                notes.read(marker, body);
                continue;
            }
        }
        kept.extend_from_slice(&[0xFF, marker]);
        kept.extend_from_slice(segment);
        if marker == SCAN {
            let coded = coded(&mut reader)?;
            coded_bytes += coded.len();
            kept.extend_from_slice(coded);
        }
    }
    kept.extend_from_slice(&[0xFF, END]);
    let frame = frame.filter(|frame| scans.seen.len() == frame.names.len()).ok_or(PictureFault::Broken)?;
    if frame.least_bytes() > coded_bytes {
        return Err(PictureFault::Broken);
    }
    // As in libjpeg, Adobe's word counts where JFIF has not settled the colours. The decoder looks at names by itself.
    let is_rgb = !notes.is_jfif && notes.adobe == Some(0) && frame.names != *b"RGB";
    Ok(Stripped { bytes: kept, frame, is_rgb, orientation: notes.orientation.unwrap_or_default() })
}

/// The next marker. Whatever is between segments is skipped, as all decoders do.
fn marker(reader: &mut Reader<'_>) -> Result<u8, PictureFault> {
    let mut previous = 0;
    loop {
        let byte = reader.byte()?;
        if previous == 0xFF && !matches!(byte, 0 | 0xFF) {
            return Ok(byte);
        }
        previous = byte;
    }
}

/// A segment with and without its length.
fn segment<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], &'a [u8]), PictureFault> {
    let mut ahead = *reader;
    let segment = reader.take(ahead.big_u16()?.into())?;
    Ok((segment, segment.get(2..).ok_or(PictureFault::Broken)?))
}

/// The coded pixels of a scan: what comes before the next marker that is not a restart.
fn coded<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], PictureFault> {
    let mut at = 0;
    loop {
        let rest = reader.0.get(at..).ok_or(PictureFault::Broken)?;
        at += rest.iter().position(|byte| *byte == 0xFF).ok_or(PictureFault::Broken)?;
        match reader.0.get(at + 1).ok_or(PictureFault::Broken)? {
            0 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return reader.take(at),
        }
    }
}

/// What the segments that are left out say about the pixels.
#[derive(Default)]
struct Notes {
    orientation: Option<Orientation>,
    is_jfif: bool,
    /// Adobe's transformation: 0 for none, 1 for YCbCr, 2 for YCCK.
    adobe: Option<u8>,
}

impl Notes {
    fn read(&mut self, marker: u8, body: &[u8]) {
        match marker {
            0xE0 if body.starts_with(b"JFIF\0") => self.is_jfif = true,
            0xE1 if body.starts_with(b"Exif\0\0") => {
                self.orientation.get_or_insert_with(|| Orientation::of(body));
            }
            0xEE if body.starts_with(b"Adobe") => self.adobe = body.get(11).copied(),
            _ => {}
        }
    }
}

/// What the header of the frame says.
struct Frame {
    size: Size,
    is_progressive: bool,
    /// The names of the components.
    names: Vec<u8>,
    /// How many columns and lines each component has for one of the coarsest component, in four bits each.
    sampling: Vec<u8>,
}

impl Frame {
    fn read(is_progressive: bool, body: &[u8]) -> Result<Self, PictureFault> {
        let mut reader = Reader(body);
        let bits = reader.byte()?;
        let (height, width) = (reader.big_u16()?, reader.big_u16()?);
        let size = check(Size { width: width.into(), height: height.into() })?;
        let components = reader.byte()?;
        if bits != 8 || !matches!(components, 1 | 3 | 4) {
            return Err(PictureFault::OtherKind);
        }
        let (mut names, mut sampling) = (Vec::new(), Vec::new());
        for _ in 0..components {
            let [name, factors, _] = reader.array()?;
            if names.contains(&name) || !matches!((factors >> 4, factors & 15), (1..=4, 1..=4)) {
                return Err(PictureFault::Broken);
            }
            names.push(name);
            sampling.push(factors);
        }
        Ok(Self { size, is_progressive, names, sampling })
    }

    /// The least that the coded pixels can take: a bit for each square of 8 by 8. The decoder makes up what is missing
    /// before the end, so that a file of 500 bytes would cost as much as 40 megapixels if its header says so.
    fn least_bytes(&self) -> usize {
        let squares = (self.size.width / 8) * (self.size.height / 8);
        (squares / 8) as usize
    }

    /// Accepts what cameras, phones, browsers and graphics programs write: colours in full or half resolution in either
    /// direction, and a fourth component as fine as the first. In other layouts zune-jpeg 0.5.15 makes wrong colours or
    /// panics.
    fn check(&self, is_ycck: bool) -> Result<(), PictureFault> {
        let is_decoded = match self.sampling.as_slice() {
            [_] | [0x11, 0x11, 0x11, 0x11] => true,
            [fine, 0x11, 0x11] => matches!(fine, 0x11 | 0x12 | 0x21 | 0x22),
            [fine, 0x11, 0x11, black] => is_ycck && fine == black && matches!(fine, 0x12 | 0x21 | 0x22),
            _ => false,
        };
        is_decoded.then_some(()).ok_or(PictureFault::OtherKind)
    }
}

/// The scans that have been read.
#[derive(Default)]
struct Scans {
    count: usize,
    /// The components that have pixels already, by name.
    seen: Vec<u8>,
}

impl Scans {
    fn add(&mut self, frame: &Frame, body: &[u8]) -> Result<(), PictureFault> {
        self.count += 1;
        let mut reader = Reader(body);
        let components = reader.byte()?;
        let mut names = Vec::new();
        for _ in 0..components {
            let [name, _] = reader.array()?;
            if !frame.names.contains(&name) || names.contains(&name) {
                return Err(PictureFault::Broken);
            }
            names.push(name);
        }
        // Where the scan begins in the spectrum. Only the first band has the averages, which all others refine.
        let is_first_band = reader.byte()? == 0;
        if names.is_empty() || self.count > MAX_SCANS {
            return Err(PictureFault::Broken);
        }
        if !frame.is_progressive {
            // One scan of all components. Of a scan for each of them the decoder makes wrong colours as well.
            if self.count > 1 {
                return Err(PictureFault::Broken);
            }
            if names != frame.names {
                return Err(PictureFault::OtherKind);
            }
        }
        if is_first_band {
            names.retain(|name| !self.seen.contains(name));
            self.seen.append(&mut names);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fixture, position};
    use super::{Reader, SCAN, marker, segment, strip};

    #[test]
    fn only_what_makes_pixels_reaches_the_decoder() {
        for name in ["turned-3.jpg", "polyglot.jpg", "progressive.jpg", "rgb.jpg", "cmyk.jpg", "ycck.jpg"] {
            let bytes = strip(&fixture(name)).unwrap().bytes;
            let mut reader = Reader(&bytes[2..]);
            let mut is_ycck = false;
            loop {
                let marker = marker(&mut reader).unwrap();
                assert!(matches!(marker, 0xC0 | 0xC2 | 0xC4 | 0xDA | 0xDB | 0xEE), "{name}: {marker:X}");
                is_ycck |= marker == 0xEE;
                segment(&mut reader).unwrap();
                if marker == SCAN {
                    break;
                }
            }
            assert_eq!(is_ycck, name == "ycck.jpg", "{name}");
            assert_eq!(position(&bytes, &[0xFF, 0xD9]), bytes.len() - 2, "{name}");
        }
    }
}
