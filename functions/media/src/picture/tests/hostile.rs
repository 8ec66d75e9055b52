//! What is refused, and that it is refused quickly.

use std::time::{Duration, Instant};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::super::sizes::{MAX_PIXELS, MAX_SIDE, check};
use super::{PictureFault, Size, assert_fields, decode, fixture, make, position, with_checksums};

/// Fixtures of all formats and codings, to be damaged.
const VICTIMS: [&str; 14] = [
    "baseline.jpg",
    "progressive.jpg",
    "restarts.jpg",
    "grey.jpg",
    "ycck.jpg",
    "cmyk-progressive.jpg",
    "plain.png",
    "interlaced.png",
    "palette-transparent.png",
    "animated.png",
    "lossy.webp",
    "lossless.webp",
    "alpha.webp",
    "animated.webp",
];

fn fault(bytes: &[u8]) -> PictureFault {
    make(bytes).map(|made| (made.width, made.height)).unwrap_err()
}

#[test]
fn other_kinds_are_refused_by_name() {
    assert_eq!(fault(&fixture("picture.heic")), PictureFault::Heic);
    assert_eq!(fault(&fixture("picture.avif")), PictureFault::Avif);
    assert_eq!(fault(&fixture("picture.gif")), PictureFault::Gif);
    for name in ["picture.bmp", "picture.tiff", "picture.jp2"] {
        assert_eq!(fault(&fixture(name)), PictureFault::OtherKind, "{name}");
    }
    for magic in [&b"\xFF\x0A\xFA\x1F"[..], b"\0\0\0\x0CJXL \r\n\x87\n", b"8BPS\0\x01", b"\0\0\x01\0\x01\0\x10\x10"] {
        assert_eq!(fault(magic), PictureFault::OtherKind, "{magic:?}");
    }
}

#[test]
fn a_brand_tells_heic_from_avif_and_from_a_video() {
    let file = |brands: &[u8]| {
        let size = u32::try_from(brands.len() + 8).unwrap();
        [&size.to_be_bytes(), &b"ftyp"[..], brands, b"\0\0\0\x08mdat"].concat()
    };
    assert_eq!(fault(&file(b"mif1\0\0\0\0mif1heic")), PictureFault::Heic);
    assert_eq!(fault(&file(b"mif1\0\0\0\0miafMA1A")), PictureFault::Heic);
    assert_eq!(fault(&file(b"mif1\0\0\0\0mif1avifmiaf")), PictureFault::Avif);
    assert_eq!(fault(&file(b"avis\0\0\0\0msf1avis")), PictureFault::Avif);
    assert_eq!(fault(&file(b"isom\0\0\0\0isommp42")), PictureFault::NotAPicture);
    // A brand after the box is none, and a box longer than the file is read as far as it goes.
    assert_eq!(fault(b"\0\0\0\x10ftypisom\0\0\0\0heic"), PictureFault::NotAPicture);
    assert_eq!(fault(b"\xFF\xFF\xFF\xFFftypheic"), PictureFault::Heic);
}

#[test]
fn a_drawing_is_known_behind_whatever_comes_first() {
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let prolog = "<?xml version=\"1.0\"?>\n<!-- <html> -->\n<!DOCTYPE svg [ <!ENTITY a \"b\"> ]>\n";
    let doctype = "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"svg11.dtd\">";
    let little: Vec<u8> = format!("\u{FEFF}{svg}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = format!("\u{FEFF}{prolog}{svg}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    for text in [
        svg.as_bytes(),
        format!("\n\t {svg}").as_bytes(),
        format!("\u{FEFF}{svg}").as_bytes(),
        format!("\u{FEFF}{prolog}{svg}").as_bytes(),
        format!("{doctype}{svg}").as_bytes(),
        b"<svg>",
        b"<svg:svg xmlns:svg=\"http://www.w3.org/2000/svg\">",
        &little,
        &big,
    ] {
        assert_eq!(fault(text), PictureFault::Svg, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn a_document_is_no_picture() {
    for pdf in [&b"%PDF-1.7\n"[..], b"\n%PDF-1.4"] {
        assert_eq!(fault(pdf), PictureFault::Pdf);
    }
    for bytes in [
        &b""[..],
        b"<",
        b"<!doctype html><svg></svg>",
        b"<html><svg></svg></html>",
        b"<svgs>",
        b"<?xml version",
        b"<!-- <svg>",
        b"BM is how this text begins.",
        b"PK\x03\x04",
        b"\x1F\x8B\x08",
        b"RIFF\x24\0\0\0WAVE",
        b"\xFF\xD8",
        b"\x89PNG",
        b"GIF",
        b"\0\0\0\x04ft",
        b"\xFE\xFF",
    ] {
        assert_eq!(fault(bytes), PictureFault::NotAPicture, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_file_that_breaks_off_anywhere_is_refused() {
    for name in VICTIMS {
        let whole = fixture(name);
        for length in 12..whole.len() {
            let fault = decode(&whole[..length]).map(|decoded| decoded.raster.size()).unwrap_err();
            assert_eq!(fault, PictureFault::Broken, "{name} of {length} bytes");
        }
    }
}

#[test]
fn a_jpeg_that_lacks_something_in_the_middle_is_refused() {
    // Sixteen ones are no code of any table. The decoder would go on with grey if it were not told to be strict.
    let mut file = fixture("baseline.jpg");
    let coded = position(&file, &[0xFF, 0xDA]) + 14;
    file.splice(coded + 8..coded + 12, [0xFF, 0, 0xFF, 0, 0xFF, 0]);
    assert_eq!(fault(&file), PictureFault::Broken);

    // An end after the scan of the first component, so that the colours are missing.
    let mut file = jpeg(|encoder| encoder.set_progressive(true));
    let scan = position(&file, &[0xFF, 0xDA]);
    assert_eq!(file[scan + 4], 1);
    let next = scan + 4 + position(&file[scan + 4..], &[0xFF, 0xDA]);
    file.splice(next.., [0xFF, 0xD9]);
    assert_eq!(fault(&file), PictureFault::Broken);
}

#[test]
fn whatever_follows_the_end_changes_nothing() {
    for name in VICTIMS {
        let mut bytes = fixture(name);
        let alone = make(&bytes).unwrap();
        bytes.extend_from_slice(&fixture("one-pixel.jpg"));
        bytes.extend_from_slice(b"<script>alert(1)</script>");
        let followed = make(&bytes).unwrap();
        assert!(alone.files.iter().zip(&followed.files).all(|(alone, with)| alone.bytes == with.bytes), "{name}");
    }
}

#[test]
fn pixels_are_counted_before_they_are_decoded() {
    assert_eq!(fault(&fixture("60000-pixels.png")), PictureFault::TooManyPixels);
    assert_eq!(fault(&fixture("60000-pixels.jpg")), PictureFault::TooManyPixels);
    // Its container says 48 by 32 pixels, and the frame in it 16,383 by 16,383.
    assert_eq!(fault(&fixture("lying-container.webp")), PictureFault::TooManyPixels);
    let mut lossless = fixture("lossless.webp");
    let sides = position(&lossless, b"VP8L") + 9;
    lossless[sides..sides + 4].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x0F]);
    assert_eq!(fault(&lossless), PictureFault::TooManyPixels);
}

#[test]
fn the_most_pixels_are_forty_million_and_none_is_no_picture() {
    let size = |width, height| check(Size { width, height });
    assert!(size(8000, MAX_PIXELS / 8000).is_ok());
    assert_eq!(size(8000, MAX_PIXELS / 8000 + 1), Err(PictureFault::TooManyPixels));
    assert!(size(MAX_SIDE, 1).is_ok() && size(1, MAX_SIDE).is_ok());
    assert_eq!(size(MAX_SIDE + 1, 1), Err(PictureFault::TooManyPixels));
    assert_eq!(size(1, MAX_SIDE + 1), Err(PictureFault::TooManyPixels));
    assert_eq!(size(u32::MAX, u32::MAX), Err(PictureFault::TooManyPixels));
    assert_eq!(size(0, 1), Err(PictureFault::Broken));
    assert_eq!(size(1, 0), Err(PictureFault::Broken));
}

#[test]
fn pixels_that_never_end_are_read_as_far_as_the_header_says() {
    let file = fixture("endless-pixels.png");
    // The middle of its compressed data are zeros, each of which stands for a thousand zeros: a gigabyte in all.
    let data = position(&file, b"IDAT") - 4;
    let mut longer = file[..data + 100].to_vec();
    longer.resize(longer.len() + 1_000_000, 0);
    longer.extend_from_slice(&file[data + 100..]);
    let length = u32::from_be_bytes(file[data..data + 4].try_into().unwrap()) + 1_000_000;
    longer[data..data + 4].copy_from_slice(&length.to_be_bytes());
    let longer = with_checksums(longer);

    let start = Instant::now();
    for bytes in [file, longer] {
        let made = make(&bytes).unwrap();
        assert_eq!((made.width, made.height, made.color), (16, 16, [0, 0, 0]));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_small_jpeg_does_not_cost_as_much_as_its_header_says() {
    let mut file = fixture("baseline.jpg");
    let frame = position(&file, &[0xFF, 0xC0]);
    file[frame + 5..frame + 9].copy_from_slice(&[0x17, 0x70, 0x17, 0x70]);
    let start = Instant::now();
    assert_eq!(fault(&file), PictureFault::Broken);
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
}

#[test]
fn a_jpeg_of_countless_scans_is_refused() {
    assert!(make(&jpeg(|encoder| encoder.set_progressive_scans(20))).is_ok());
    assert_eq!(fault(&jpeg(|encoder| encoder.set_progressive_scans(22))), PictureFault::Broken);
}

/// A JPEG as the encoder writes it when it is told so.
fn jpeg(configure: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 80);
    configure(&mut encoder);
    encoder.encode(&[90; 40 * 40 * 3], 40, 40, ColorType::Rgb).unwrap();
    bytes
}

#[test]
fn a_jpeg_in_a_coding_that_would_be_read_wrongly_is_refused() {
    // A scan for each component: the decoder makes wrong colours of it, and panics in some sizes.
    assert_eq!(fault(&jpeg(|encoder| encoder.set_optimized_huffman_tables(true))), PictureFault::OtherKind);
    for fine in [SamplingFactor::F_4_1, SamplingFactor::F_1_4, SamplingFactor::F_4_2] {
        assert_eq!(fault(&jpeg(|encoder| encoder.set_sampling_factor(fine))), PictureFault::OtherKind);
    }
    for fine in [SamplingFactor::F_4_1, SamplingFactor::F_1_4, SamplingFactor::F_4_2] {
        let progressive = jpeg(|encoder| {
            encoder.set_sampling_factor(fine);
            encoder.set_progressive(true);
        });
        assert_eq!(fault(&progressive), PictureFault::OtherKind);
    }
    let plain = fixture("baseline.jpg");
    let frame = position(&plain, &[0xFF, 0xC0]);
    // Lossless, differential, and arithmetic coding; then 12 bits, and two components.
    for (at, value) in [(1, 0xC3), (1, 0xC5), (1, 0xC9), (4, 12), (9, 2)] {
        let mut file = plain.clone();
        file[frame + at] = value;
        assert_eq!(fault(&file), PictureFault::OtherKind, "{at}: {value:X}");
    }
}

#[test]
fn a_header_that_says_nothing_sensible_is_broken() {
    let set = |name: &str, mark: &[u8], at: usize, bytes: &[u8]| {
        let mut file = fixture(name);
        let at = position(&file, mark) + at;
        file[at..at + bytes.len()].copy_from_slice(bytes);
        if name.ends_with("png") { with_checksums(file) } else { file }
    };
    for file in [
        set("plain.png", b"IHDR", 4, &[0; 4]),
        set("plain.png", b"IHDR", 12, &[7]),
        set("plain.png", b"IHDR", 0, b"IHDX"),
        set("plain.png", b"IDAT", 0, b"idat"),
        set("palette.png", b"PLTE", 0, b"pLTE"),
        set("baseline.jpg", &[0xFF, 0xC0], 5, &[0, 0]),
        set("baseline.jpg", &[0xFF, 0xC0], 11, &[0]),
        set("baseline.jpg", &[0xFF, 0xC0], 13, &[1]),
        set("baseline.jpg", &[0xFF, 0xDB], 2, &[0, 1]),
        set("lossy.webp", b"VP8 ", 14, &[0, 0]),
        set("lossy.webp", b"VP8 ", 11, &[0]),
        set("lossy.webp", b"VP8 ", 0, b"VP9 "),
    ] {
        assert_eq!(fault(&file), PictureFault::Broken);
    }
}

#[test]
fn an_orientation_that_makes_no_sense_is_ignored() {
    let file = fixture("turned-1.jpg");
    let exif = position(&file, b"Exif\0\0");
    // The order of bytes, the magic number, the directory's place, the count of entries.
    for (at, bytes) in [(6, &b"XX"[..]), (8, &[9, 9]), (10, &[0xFF; 4]), (14, &[0xFF; 2]), (14, &[0; 2])] {
        let mut file = file.clone();
        file[exif + at..exif + at + bytes.len()].copy_from_slice(bytes);
        assert!(make(&file).is_ok_and(|made| (made.width, made.height) == (48, 32)), "{at}");
    }
    assert_fields("turned-1.jpg");
}

/// Numbers that look random and are the same in every run. <https://www.jstatsoft.org/article/view/v008i14>
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn a_damaged_file_is_refused_or_shown_but_never_a_panic_or_slow() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    for name in VICTIMS {
        let whole = fixture(name);
        let mut refused = 0;
        for round in 0..600 {
            let mut file = whole.clone();
            for _ in 0..=round % 3 {
                let at = numbers.below(file.len());
                file[at] = if round % 2 == 0 { numbers.below(256) as u8 } else { file[at] ^ (1 << numbers.below(8)) };
            }
            match round % 5 {
                0 => file.truncate(numbers.below(file.len())),
                1 => drop(file.drain(numbers.below(file.len())..)),
                _ => {}
            }
            if name.ends_with("jpg") && round % 5 == 1 {
                file.extend_from_slice(&[0xFF, 0xD9]);
            }
            // Without the right checksums no damage would get any further than to them.
            let file = if name.ends_with("png") { with_checksums(file) } else { file };
            let start = Instant::now();
            refused += u32::from(decode(&file).is_err());
            if round % 20 == 0 {
                drop(make(&file));
            }
            assert!(start.elapsed() < Duration::from_secs(5), "{name}, round {round}: {:?}", start.elapsed());
        }
        // Not everything may be refused, or nothing of a decoder would have been seen.
        assert!((60..600).contains(&refused), "{name}: {refused}");
    }
}
