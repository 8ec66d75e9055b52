//! What a file is, told from its first bytes. A declared type is what an uploader likes it to be.

use super::reader::Reader;
use domain::catalog::PictureFault;

/// The kinds that are decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Jpeg,
    Png,
    Webp,
}

/// The kind of a picture, or what it is instead.
pub(super) fn of(bytes: &[u8]) -> Result<Kind, PictureFault> {
    if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        Ok(Kind::Jpeg)
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Ok(Kind::Png)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Ok(Kind::Webp)
    } else {
        Err(other(bytes))
    }
}

fn other(bytes: &[u8]) -> PictureFault {
    if let Some(fault) = brand(bytes) {
        return fault;
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        return PictureFault::Gif;
    }
    if OTHER_KINDS.iter().any(|magic| bytes.starts_with(magic)) || is_bmp(bytes) {
        return PictureFault::OtherKind;
    }
    let text = text(bytes);
    let text = text.trim_ascii_start();
    if text.starts_with(b"%PDF-") {
        PictureFault::Pdf
    } else if is_svg(text) {
        PictureFault::Svg
    } else {
        PictureFault::NotAPicture
    }
}

/// The first bytes of TIFF in both byte orders, PSD, JPEG XL bare and in its container, JPEG 2000, and ICO.
const OTHER_KINDS: [&[u8]; 7] =
    [b"II*\0", b"MM\0*", b"8BPS", b"\xFF\x0A", b"\0\0\0\x0CJXL \r\n\x87\n", b"\0\0\0\x0CjP  \r\n\x87\n", b"\0\0\x01\0"];

/// `BM` alone begins too many texts: its reserved fields are zero, and the header that follows has a known length.
fn is_bmp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BM")
        && bytes.get(6..10) == Some(&[0; 4])
        && matches!(bytes.get(14..18), Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

/// The kind that the brands of an ISO media file tell: the major brand, or else the first compatible one that is known.
/// HEIF's general brand says nothing about the coding, so that it is HEIC only when no other brand is known.
/// ISO/IEC 14496-12 section 4.3, ISO/IEC 23008-12 annex B.
fn brand(bytes: &[u8]) -> Option<PictureFault> {
    let mut reader = Reader(bytes);
    let size = usize::try_from(reader.big_u32().ok()?).ok()?;
    if reader.take(4).ok()? != b"ftyp" {
        return None;
    }
    let listed = size.saturating_sub(8).min(reader.0.len());
    let (brands, _) = reader.take(listed).ok()?.as_chunks::<4>();
    let known = brands.iter().find_map(|brand| match brand {
        b"avif" | b"avis" => Some(PictureFault::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some(PictureFault::Heic),
        _ => None,
    });
    let is_heif = brands.iter().any(|brand| matches!(brand, b"mif1" | b"mif2" | b"msf1"));
    known.or(is_heif.then_some(PictureFault::Heic))
}

/// The first characters of a text in UTF-8 or UTF-16 without its byte order mark: of UTF-16 only the ASCII ones.
fn text(bytes: &[u8]) -> Vec<u8> {
    let head = bytes.get(..4096).unwrap_or(bytes);
    match head {
        [0xEF, 0xBB, 0xBF, text @ ..] => text.to_vec(),
        [0xFE, 0xFF, text @ ..] | [0xFF, 0xFE, text @ ..] => text.iter().copied().filter(|byte| *byte != 0).collect(),
        _ => head.to_vec(),
    }
}

/// Whether the first element of an XML document is `svg`, under whatever prefix.
fn is_svg(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        let after = if let Some(comment) = rest.strip_prefix(b"<!--") {
            after(comment, b"-->")
        } else if let Some(instruction) = rest.strip_prefix(b"<?") {
            after(instruction, b"?>")
        } else if let Some(declaration) = rest.strip_prefix(b"<!DOCTYPE svg") {
            // The declarations inside a document type have their own angle brackets: entities, as Illustrator writes.
            let open = declaration.iter().position(|byte| matches!(byte, b'[' | b'>'));
            match open.and_then(|at| declaration.get(at..)) {
                Some([b'[', inner @ ..]) => after(inner, b"]").and_then(|rest| self::after(rest, b">")),
                Some([_, rest @ ..]) => Some(rest),
                _ => None,
            }
        } else {
            return is_svg_element(rest);
        };
        match after {
            Some(after) => rest = after,
            None => return false,
        }
    }
}

fn is_svg_element(text: &[u8]) -> bool {
    let Some(element) = text.strip_prefix(b"<") else { return false };
    let end = element.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
    let name = end.and_then(|end| element.get(..end)).unwrap_or(element);
    name.rsplit(|byte| *byte == b':').next() == Some(b"svg")
}

/// What follows the first occurrence of an end.
fn after<'a>(text: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(end.len()).position(|window| window == end)?;
    text.get(at + end.len()..)
}
