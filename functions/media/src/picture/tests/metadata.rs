//! What must not get from an upload into a file.

use super::{FileKind, MadeFile, assert_fields, fixture, made};

const FIXTURES: [&str; 14] = [
    "turned-1.jpg",
    "turned-2.jpg",
    "turned-3.jpg",
    "turned-4.jpg",
    "turned-5.jpg",
    "turned-6.jpg",
    "turned-7.jpg",
    "turned-8.jpg",
    "turned-6.png",
    "turned-6.webp",
    "metadata-bombs.png",
    "polyglot.jpg",
    "polyglot.png",
    "polyglot.webp",
];

/// The names of the chunks of a WebP, or the markers of a JPEG up to its pixels.
fn parts(file: &MadeFile) -> Vec<Vec<u8>> {
    let (mut parts, bytes) = (Vec::new(), &file.bytes);
    if file.kind == FileKind::Webp {
        let mut at = 12;
        while let Some(header) = bytes.get(at..at + 8) {
            parts.push(header[..4].to_vec());
            at += 8 + u32::from_le_bytes(header[4..].try_into().unwrap()).next_multiple_of(2) as usize;
        }
    } else {
        let mut at = 2;
        while parts.last().is_none_or(|marker| *marker != [0xDA]) {
            parts.push(vec![bytes[at + 1]]);
            at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        }
    }
    parts
}

#[test]
fn a_file_has_no_parts_but_those_that_make_pixels() {
    for name in FIXTURES {
        for file in made(name).files {
            for part in parts(&file) {
                let is_known = match file.kind {
                    FileKind::Webp => matches!(part.as_slice(), b"VP8 " | b"VP8X" | b"ALPH"),
                    // JFIF, tables, the frame and the scan.
                    FileKind::Jpeg => matches!(part.as_slice(), [0xE0 | 0xDB | 0xC4 | 0xC0 | 0xDA]),
                };
                assert!(is_known, "{name}: {part:X?}");
            }
        }
    }
}

#[test]
fn a_position_a_profile_a_comment_and_a_script_are_in_no_file() {
    for name in FIXTURES {
        let upload = fixture(name);
        let has = |bytes: &[u8], wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
        let secrets: [&[u8]; 5] = [b"SECRET", b"<script", b"xmpmeta", b"Exif", b"AAAAAAAA"];
        let is_told = secrets.iter().any(|secret| has(&upload, secret)) || name == "metadata-bombs.png";
        assert!(is_told, "{name} is no test of this");
        for file in made(name).files {
            for secret in secrets {
                assert!(!has(&file.bytes, secret), "{name}: {}", String::from_utf8_lossy(secret));
            }
        }
    }
}

#[test]
fn what_is_hidden_in_a_picture_does_not_keep_it_from_being_shown() {
    for name in FIXTURES {
        assert_fields(name);
    }
}
