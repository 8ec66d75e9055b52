//! What is read, and what is made of it.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::{FIELDS, FileKind, Seen, Size, assert_fields, fixture, is_like, made, make, position};

#[test]
fn a_jpeg_is_read_in_all_usual_codings() {
    for name in ["baseline.jpg", "progressive.jpg", "restarts.jpg", "half-colour-width.jpg"] {
        assert_fields(name);
    }
}

#[test]
fn a_jpeg_is_read_in_all_colours() {
    for name in ["rgb.jpg", "cmyk.jpg", "cmyk-progressive.jpg", "ycck.jpg"] {
        assert_fields(name);
    }
}

#[test]
fn adobe_tells_rgb_where_the_names_of_components_do_not() {
    let mut named = fixture("rgb.jpg");
    let (frame, scan) = (position(&named, &[0xFF, 0xC0]), position(&named, &[0xFF, 0xDA]));
    for (at, name) in [
        (frame + 10, b'R'),
        (frame + 13, b'G'),
        (frame + 16, b'B'),
        (scan + 5, b'R'),
        (scan + 7, b'G'),
        (scan + 9, b'B'),
    ] {
        assert_eq!(named[at], name);
        named[at] = name - 0x40;
    }
    let seen = Seen::of(&make(&named).unwrap().files[0]).fields();
    assert!(seen.iter().zip(&FIELDS).all(|(seen, wanted)| is_like(seen, wanted, 12)), "{seen:?}");
}

#[test]
fn a_png_is_read_in_all_colours_and_depths() {
    for name in ["plain.png", "sixteen-bits.png", "palette.png", "interlaced.png", "opaque-alpha.png"] {
        assert_fields(name);
    }
}

#[test]
fn a_webp_is_read_in_both_codings() {
    for name in ["lossy.webp", "lossless.webp"] {
        assert_fields(name);
    }
}

#[test]
fn an_animation_gives_its_first_picture() {
    for name in ["animated.png", "animated.webp"] {
        assert_fields(name);
    }
}

#[test]
fn a_grey_picture_stays_grey() {
    for name in ["grey.jpg", "grey.png", "grey-sixteen-bits.png"] {
        let made = made(name);
        for file in &made.files {
            let seen = Seen::of(file);
            for x in [0, 12, 24, 36, 47] {
                let pixel = seen.at(x, 16);
                let grey = u8::try_from(x * 255 / 47).unwrap();
                assert!(is_like(&pixel, &[grey, grey, grey, 255], 10), "{name}: {pixel:?} instead of {grey} at {x}");
            }
        }
        assert!(is_like(&made.color, &[127, 127, 127], 3), "{name}: {:?}", made.color);
    }
}

#[test]
fn webp_keeps_alpha_and_jpeg_and_the_average_are_on_white() {
    for name in ["alpha.png", "alpha.webp", "alpha-lossless.webp"] {
        let made = made(name);
        let [webp, jpeg] = made.files.as_slice() else { panic!("{name}: {:?}", made.files.len()) };
        // Transparent above on the left, half so below on the right.
        let [[.., clear], opaque, _, half] = Seen::of(webp).fields();
        assert_eq!(clear, 0, "{name}");
        assert!(is_like(&opaque, &[30, 180, 30, 255], 12), "{name}: {opaque:?}");
        assert!(is_like(&half, &[230, 220, 40, 128], 12), "{name}: {half:?}");
        let [clear, opaque, _, half] = Seen::of(jpeg).fields();
        assert!(is_like(&clear, &[255, 255, 255], 4), "{name}: {clear:?}");
        assert!(is_like(&opaque, &[30, 180, 30], 12), "{name}: {opaque:?}");
        assert!(is_like(&half, &[243, 238, 148], 12), "{name}: {half:?}");
        assert!(is_like(&made.color, &[140, 176, 163], 8), "{name}: {:?}", made.color);
    }
}

#[test]
fn an_invisible_colour_does_not_bleed_into_what_is_seen() {
    // White columns between transparent black ones, too narrow to be kept apart in any size that is made.
    for (colours, white) in
        [(png::ColorType::Rgba, &[255, 255, 255, 255][..]), (png::ColorType::GrayscaleAlpha, &[255, 255])]
    {
        let clear = vec![0; white.len()];
        let columns: Vec<&[u8]> = std::iter::repeat_n([white, clear.as_slice()], 2000 * 40 / 2).flatten().collect();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2000, 40);
        encoder.set_color(colours);
        encoder.write_header().unwrap().write_image_data(&columns.concat()).unwrap();
        let made = make(&bytes).unwrap();
        for file in &made.files {
            for [r, g, b, alpha] in Seen::of(file).pixels {
                assert!(r.min(g).min(b) > 250, "{:?} {}: {:?}", file.kind, file.width, [r, g, b, alpha]);
                assert!(file.kind == FileKind::Jpeg || (100..156).contains(&alpha), "{}: {alpha}", file.width);
            }
        }
        assert_eq!(made.color, [255, 255, 255]);
    }
}

#[test]
fn a_transparent_colour_of_a_palette_and_grey_with_alpha_are_transparent() {
    for name in ["palette-transparent.png", "grey-alpha.png"] {
        let made = made(name);
        let [[.., clear], [.., opaque], ..] = Seen::of(&made.files[0]).fields();
        assert_eq!((clear, opaque), (0, 255), "{name}");
        assert!(is_like(&Seen::of(&made.files[1]).fields()[0], &[255, 255, 255], 4), "{name}");
    }
}

#[test]
fn an_orientation_is_carried_out() {
    for orientation in 1..=8 {
        assert_fields(&format!("turned-{orientation}.jpg"));
    }
    for name in ["turned-6.png", "turned-6.webp", "turned-8-big-endian.jpg"] {
        assert_fields(name);
    }
}

#[test]
fn a_single_pixel_is_a_picture() {
    for name in ["one-pixel.jpg", "one-pixel.png", "one-pixel.webp"] {
        let made = made(name);
        assert_eq!((made.width, made.height, made.files.len()), (1, 1, 2), "{name}");
        assert!(is_like(&made.color, &[200, 100, 50], 8), "{name}: {:?}", made.color);
        for file in &made.files {
            assert!(is_like(&Seen::of(file).at(0, 0), &made.color, 8), "{name}");
        }
    }
}

#[test]
fn a_strip_is_scaled_down_to_what_a_page_can_show() {
    let made = made("strip.png");
    assert_eq!((made.width, made.height), (13, 2560));
    let sizes: Vec<_> =
        made.files.iter().map(|file| Seen::of(file).size).map(|size| (size.width, size.height)).collect();
    assert_eq!(sizes, [(3, 640), (6, 1280), (13, 2560), (13, 2560)]);
}

/// A JPEG of this size whose upper half is red and whose lower half is blue.
fn halves(width: u16, height: u16, fine: SamplingFactor) -> Vec<u8> {
    let (width, height) = (usize::from(width), usize::from(height));
    let half = |colour: [u8; 3], lines: usize| std::iter::repeat_n(colour, width * lines);
    let pixels: Vec<u8> =
        half([220, 30, 30], height / 2).chain(half([30, 30, 220], height - height / 2)).flatten().collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(fine);
    encoder.encode(&pixels, width.try_into().unwrap(), height.try_into().unwrap(), ColorType::Rgb).unwrap();
    bytes
}

#[test]
fn a_large_picture_is_made_in_three_widths_and_a_fallback_of_the_widest() {
    let made = make(&halves(1300, 130, SamplingFactor::F_2_2)).unwrap();
    assert_eq!((made.width, made.height), (1280, 128));
    let files: Vec<_> = made.files.iter().map(|file| (file.kind, file.width, file.height)).collect();
    assert_eq!(
        files,
        [
            (FileKind::Webp, 320, 32),
            (FileKind::Webp, 640, 64),
            (FileKind::Webp, 1280, 128),
            (FileKind::Jpeg, 1280, 128),
        ]
    );
    for file in &made.files {
        let [above, _, below, _] = Seen::of(file).fields();
        assert!(is_like(&above, &[220, 30, 30], 12) && is_like(&below, &[30, 30, 220], 12), "{above:?} {below:?}");
    }
    assert!(is_like(&made.color, &[125, 30, 125], 4), "{:?}", made.color);
}

#[test]
fn a_picture_is_turned_at_every_size_and_shape() {
    // Nothing but the orientation is read of these: one entry of a directory, in the order of Intel.
    let exif = |orientation: u8| {
        let mut exif = b"\xFF\xE1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0, 0]);
        exif
    };
    for (width, height) in [(900, 31), (31, 900), (17, 16)] {
        let plain = halves(width, height, SamplingFactor::F_1_1);
        for orientation in 5..=8 {
            let turned = [&plain[..2], &exif(orientation), &plain[2..]].concat();
            let made = make(&turned).unwrap();
            let turned = super::super::sizes::of(Size { width: height.into(), height: width.into() });
            assert_eq!(Size { width: made.width, height: made.height }, turned.0);
            // What was above is on the left in 5 and 8, and on the right in 6 and 7.
            let [left, right, ..] = Seen::of(&made.files[made.files.len() - 2]).fields();
            let red = if matches!(orientation, 5 | 8) { left } else { right };
            assert!(red[0] > 150 && red[2] < 100, "{width} x {height}, {orientation}: {left:?} {right:?}");
        }
    }
}

#[test]
fn the_fallback_is_a_baseline_jpeg_with_half_the_colours() {
    let made = made("progressive.jpg");
    let jpeg = &made.files.last().unwrap().bytes;
    let frame = position(jpeg, &[0xFF, 0xC0]);
    assert_eq!(jpeg[frame + 11], 0x22);
    assert!(!jpeg.windows(2).any(|marker| marker == [0xFF, 0xC2]));
}

#[test]
fn the_fallback_mixes_the_colours_of_neighbours() {
    let columns: Vec<_> =
        std::iter::repeat_n([[220, 30, 30], [30, 30, 220]], 64 * 64 / 2).flatten().flatten().collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 64);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&columns).unwrap();
    let made = make(&bytes).unwrap();
    let pixels = Seen::of(made.files.last().unwrap()).pixels;
    let blue: u32 = pixels.iter().map(|pixel| u32::from(pixel[2])).sum();
    assert!((100..150).contains(&(blue / 64 / 64)), "{}", blue / 64 / 64);
}

#[test]
fn the_same_bytes_give_the_same_files() {
    for name in ["baseline.jpg", "alpha.png", "alpha.webp", "strip.png"] {
        let (first, second) = (made(name), made(name));
        assert_eq!(first.color, second.color);
        for (first, second) in first.files.iter().zip(&second.files) {
            assert!(first.bytes == second.bytes, "{name}: {:?} {}", first.kind, first.width);
        }
    }
}
