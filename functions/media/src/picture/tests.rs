//! Made of fixtures of less than 4 KB each, which show four fields of colour, a ramp of grey, or nothing.

mod formats;
mod hostile;
mod metadata;

use super::decoded::Decoded;
use super::made::MadeFile;
use super::raster::Samples;
use super::sizes::Size;
use super::{FileKind, Made, PictureFault, decode, make};

/// What the four fields show: above left and right, below left and right. They are 24 by 16 pixels each.
const FIELDS: [[u8; 3]; 4] = [[220, 30, 30], [30, 180, 30], [30, 30, 220], [230, 220, 40]];

pub(super) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn made(name: &str) -> Made {
    make(&fixture(name)).unwrap_or_else(|fault| panic!("{name}: {fault:?}"))
}

/// A file that was made, decoded again.
struct Seen {
    size: Size,
    pixels: Vec<[u8; 4]>,
    has_alpha: bool,
}

impl Seen {
    fn of(file: &MadeFile) -> Self {
        let Decoded { raster, orientation } = decode(&file.bytes).unwrap();
        assert_eq!(orientation, super::exif::Orientation::default());
        let size = raster.size();
        assert_eq!(size, Size { width: file.width, height: file.height });
        let bytes = raster.bytes();
        let pixels = match raster.samples() {
            Samples::Rgb => bytes.as_chunks().0.iter().map(|[r, g, b]| [*r, *g, *b, 255]).collect(),
            Samples::Rgba => bytes.as_chunks().0.to_vec(),
            other => panic!("{other:?}"),
        };
        Self { size, pixels, has_alpha: raster.samples() == Samples::Rgba }
    }

    fn at(&self, x: u32, y: u32) -> [u8; 4] {
        self.pixels[(y * self.size.width + x) as usize]
    }

    /// The colours in the middle of the four fields.
    fn fields(&self) -> [[u8; 4]; 4] {
        let Size { width, height } = self.size;
        [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| self.at(width * x / 4, height * y / 4))
    }
}

fn is_like(seen: &[u8], wanted: &[u8], tolerance: u8) -> bool {
    seen.iter().zip(wanted).all(|(seen, wanted)| seen.abs_diff(*wanted) <= tolerance)
}

/// Asserts that a fixture gives the four fields, upright, in both kinds of files.
fn assert_fields(name: &str) {
    let made = made(name);
    assert_eq!((made.width, made.height), (48, 32), "{name}");
    assert_eq!(made.files.iter().map(|file| file.kind).collect::<Vec<_>>(), [FileKind::Webp, FileKind::Jpeg], "{name}");
    for file in &made.files {
        let seen = Seen::of(file);
        assert!(!seen.has_alpha, "{name}: {:?}", file.kind);
        for (seen, wanted) in seen.fields().iter().zip(&FIELDS) {
            assert!(is_like(seen, wanted, 12), "{name}: {:?}: {seen:?} instead of {wanted:?}", file.kind);
        }
    }
    assert!(is_like(&made.color, &[128, 115, 80], 8), "{name}: {:?}", made.color);
}

/// Corrects the checksums of a PNG after its chunks have been changed.
fn with_checksums(mut png: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = png.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(chunk) = png.get(at + 4..at + 8 + length) else { break };
        let checksum = checksum(chunk).to_be_bytes();
        let Some(stored) = png.get_mut(at + 8 + length..at + 12 + length) else { break };
        stored.copy_from_slice(&checksum);
        at += 12 + length;
    }
    png
}

/// CRC-32 as PNG has it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { 0xEDB8_8320 ^ (sum >> 1) } else { sum >> 1 })
    })
}

/// The position of some bytes in a file.
pub(super) fn position(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}
