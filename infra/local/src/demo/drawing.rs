//! Generated product pictures: patterns seeded by the picture's name, so that one name always gives the same picture.
//!
//! A pattern is drawn in one quarter on a coarse grid and mirrored. It uses integers only, so that every machine
//! produces the same bytes.

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

/// Pixels of a picture's side.
const SIDE: u32 = 480;
/// Pixels of a grid cell's side.
const CELL: usize = 3;
/// Grid cells from the middle of a picture to its edge.
const REACH: i32 = 80;
/// Colours of a palette.
const COLOURS: usize = 8;
/// Palette indexes that are rotated from picture to picture: all but ground, lines and highlights.
const AREAS: [u8; 5] = [2, 3, 5, 6, 7];

/// Colours as red, green and blue: 0 is the ground, 1 the lines, 4 the highlights; the others fill areas.
type Palette = [[u8; 3]; COLOURS];

/// The palette index of a grid cell, whose position is counted from the picture's centre to the right and down.
type Pattern = Box<dyn Fn(i32, i32) -> u8>;

const CERAMIC: Palette = [
    [244, 239, 226],
    [23, 42, 92],
    [32, 94, 166],
    [46, 161, 178],
    [250, 250, 244],
    [120, 196, 199],
    [201, 138, 56],
    [17, 110, 122],
];
const SILK: Palette = [
    [247, 232, 205],
    [43, 22, 38],
    [186, 35, 52],
    [238, 173, 47],
    [252, 246, 236],
    [33, 74, 140],
    [98, 47, 112],
    [38, 128, 95],
];
const SPICE: Palette = [
    [236, 221, 190],
    [74, 44, 25],
    [200, 94, 28],
    [231, 164, 52],
    [250, 238, 208],
    [139, 54, 37],
    [112, 122, 54],
    [171, 120, 68],
];
const WOOD: Palette = [
    [238, 226, 206],
    [52, 34, 24],
    [124, 78, 45],
    [181, 128, 78],
    [250, 243, 230],
    [92, 99, 104],
    [160, 58, 40],
    [205, 168, 96],
];

/// Draws the picture of this name in the style of this vendor: a PNG of a few kilobytes.
///
/// A name that ends in `-detail` shows the pattern of the name without that suffix, at twice the size.
pub fn picture(name: &str, vendor: &str) -> Result<Vec<u8>, EncodingError> {
    let (name, nearer) = name.strip_suffix("-detail").map_or((name, 1), |whole| (whole, 2));
    let seed = Seed::of(name);
    let (palette, pattern) = match vendor {
        "chorsu-ceramics" => (CERAMIC, plate(&seed)),
        "margilan-silk" => (SILK, ikat(&seed)),
        "siyob-spices" => (SPICE, heaps(&seed)),
        _ => (WOOD, stars(&seed)),
    };
    let quarter: Vec<Vec<u8>> =
        (0..REACH).map(|y| packed(&(0..REACH).map(|x| pattern(x / nearer, y / nearer)).collect::<Vec<u8>>())).collect();
    let mut image = Vec::with_capacity(usize::try_from(SIDE * SIDE / 2).unwrap_or(0));
    for row in quarter.iter().rev().chain(&quarter) {
        for _ in 0..CELL {
            image.extend_from_slice(row);
        }
    }
    encoded(&image, &turned(palette, &seed))
}

/// A row of pixels, two to a byte, from the right half of a row of cells.
fn packed(half: &[u8]) -> Vec<u8> {
    let cells = half.iter().rev().chain(half);
    let mut pixels = cells.flat_map(|colour| std::iter::repeat_n(*colour, CELL));
    let mut row = Vec::with_capacity(half.len() * CELL);
    while let (Some(left), Some(right)) = (pixels.next(), pixels.next()) {
        row.push((left << 4) | right);
    }
    row
}

fn encoded(image: &[u8], palette: &Palette) -> Result<Vec<u8>, EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, SIDE, SIDE);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Four);
    encoder.set_palette(palette.concat());
    // Each row of cells is three equal rows of pixels; with this filter the repeated ones are zeros.
    encoder.set_filter(Filter::Up);
    encoder.set_compression(Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(image)?;
    writer.finish()?;
    Ok(file)
}

/// A source of pseudorandom numbers for one picture, seeded by its name.
struct Seed(u64);

impl Seed {
    fn of(name: &str) -> Self {
        // FNV-1a, whose low bits alone would repeat for similar names: the finaliser of splitmix64 spreads them.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(spread(hash))
    }

    /// A number from `min` to `max`, the same for the same `which`.
    fn number(&self, which: i32, min: i32, max: i32) -> i32 {
        let drawn = spread(self.0 ^ spread(u64::from(which.unsigned_abs())));
        let span = u64::from(max.abs_diff(min)) + 1;
        min + i32::try_from(drawn % span).unwrap_or(0)
    }
}

/// The finaliser of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
const fn spread(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The palette with its area colours rotated. Ground, lines and highlights stay.
fn turned(palette: Palette, seed: &Seed) -> Palette {
    let turn = usize::try_from(seed.number(0, 0, 4)).unwrap_or(0);
    let mut turned = palette;
    for (place, from) in AREAS.iter().zip(AREAS.iter().cycle().skip(turn)) {
        if let (Some(to), Some(colour)) = (turned.get_mut(usize::from(*place)), palette.get(usize::from(*from))) {
            *to = *colour;
        }
    }
    turned
}

/// The palette index of an area by its number, modulo the number of area colours.
fn area(number: i32) -> u8 {
    AREAS.iter().copied().cycle().nth(usize::try_from(number).unwrap_or(0) % AREAS.len()).unwrap_or(0)
}

/// A painted plate seen from above: a flower in rings.
fn plate(seed: &Seed) -> Pattern {
    let rim = seed.number(1, 144, 154);
    let petals = seed.number(2, 1, 4);
    let flower = seed.number(3, 56, 84);
    let fullness = seed.number(4, 1, 2);
    let heart = seed.number(5, 14, 26);
    let band = rim - seed.number(6, 16, 30);
    Box::new(move |x, y| {
        // Offset by half a cell, so that the centre lies between cells and the mirrored halves meet.
        let (x, y) = (2 * x + 1, 2 * y + 1);
        let distance = (x * x + y * y).isqrt();
        // The position within an octant, from 0 at the axis to 32 at the diagonal; the other octants mirror it.
        let turn = 32 * x.min(y) / x.max(y);
        let wave = (turn * petals % 32 - 16).abs();
        let tips = flower + wave * fullness;
        match distance {
            d if d > rim => 0,
            d if d > rim - 5 => 1,
            d if d > band && (turn * petals / 4 + d / 6) % 2 == 0 => 2,
            d if d > band => 4,
            d if d > band - 4 => 1,
            d if d > tips + 18 && wave > 9 => 5,
            d if d > tips + 6 => 4,
            d if d > tips => 1,
            d if d > tips - 14 => 3,
            d if d > heart + 4 + wave => 2 + u8::from(wave > 9) * 5,
            d if d > heart => 1,
            _ => 6,
        }
    })
}

/// Ikat, silk whose threads are dyed before weaving: stepped lozenges with jagged edges.
fn ikat(seed: &Seed) -> Pattern {
    let width = seed.number(1, 22, 40);
    let height = seed.number(2, 30, 54);
    let steps = seed.number(3, 4, 7);
    // Each pair of columns is shifted vertically, as threads that slip against one another.
    let slips: Vec<i32> = (0..=REACH / 2).map(|threads| seed.number(100 + threads, 0, 5)).collect();
    Box::new(move |x, y| {
        let y = y + slips.iter().copied().nth(usize::try_from(x / 2).unwrap_or(0)).unwrap_or(0);
        let (u, v) = ((x % width - width / 2).abs(), (y % height - height / 2).abs());
        // The distance from 0 at the centre of a lozenge to 32 at the corners of its tile.
        let depth = 32 * u / width + 32 * v / height;
        match depth * steps / 32 {
            ring if ring >= steps => 0,
            ring if ring == steps - 1 => 1,
            ring if ring == steps - 3 => 4,
            ring => area(ring * 2 + (x / width + y / height) % 2 * 2),
        }
    })
}

/// Heaps of fruit: packed rows of discs, each with a highlight.
fn heaps(seed: &Seed) -> Pattern {
    let radius = seed.number(1, 6, 11);
    let third = seed.number(2, 0, 5);
    let (wide, high) = (radius * 2 + 1, radius * 7 / 4);
    let kinds: Vec<i32> = (0..97).map(|place| seed.number(200 + place, 0, 2)).collect();
    Box::new(move |x, y| {
        let row = y / high;
        let across = x + row % 2 * radius;
        let (u, v) = (across % wide - radius, y % high - high / 2);
        let distance = u * u + v * v * 5 / 4;
        let (shine_u, shine_v) = (u + radius / 3, v + radius / 3);
        if distance > radius * radius {
            return 1;
        }
        if distance > (radius - 2) * (radius - 2) {
            return 5;
        }
        if shine_u * shine_u + shine_v * shine_v <= radius * radius / 9 {
            return 4;
        }
        let place = usize::try_from((row * 31 + across / wide) % 97).unwrap_or(0);
        match kinds.get(place) {
            Some(0) => 2,
            Some(1) => 3,
            _ => area(third),
        }
    })
}

/// A girih pattern: eight-pointed stars, each made of two squares, and the crosses between them.
fn stars(seed: &Seed) -> Pattern {
    let tile = seed.number(1, 13, 20) * 2;
    let edge = tile * seed.number(2, 34, 44) / 100;
    let core = seed.number(3, 3, 6);
    let strap = seed.number(4, 2, 4);
    Box::new(move |x, y| {
        let (u, v) = ((x % tile - tile / 2).abs(), (y % tile - tile / 2).abs());
        // The smaller distance from the centre of the two squares, one of which is rotated by 45 degrees (181 / 128 is
        // about the square root of two).
        let star = u.max(v).min((u + v) * 128 / 181);
        match edge - star {
            inside if inside < 0 && (tile / 2 - u).min(tile / 2 - v) < strap => 7,
            inside if inside < 0 => 0,
            0 => 1,
            1 | 2 => 4,
            inside if star < core => 3 + u8::from(inside % 2 == 0) * 3,
            _ if star == core => 1,
            inside => area(inside / 3 % 2),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Cursor;

    use super::*;
    use crate::demo::VENDORS;

    #[test]
    fn a_picture_is_a_small_png_of_eight_colours() {
        let file = picture("rishtan-blue-kosa", "chorsu-ceramics").unwrap();
        let mut reader = png::Decoder::new(Cursor::new(&file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (SIDE, SIDE));
        let colours: BTreeSet<u8> = pixels.iter().flat_map(|pair| [pair >> 4, pair & 15]).collect();
        assert!(colours.len() >= 4 && colours.iter().all(|colour| *colour < 8), "{colours:?}");
    }

    #[test]
    fn every_product_has_a_picture_of_its_own_and_all_are_small() {
        let mut drawn = BTreeSet::new();
        let mut bytes = 0;
        let mut count = 0;
        for vendor in VENDORS {
            for name in vendor.files[0].pictures() {
                let file = picture(name, vendor.handle).unwrap();
                assert_eq!(file, picture(name, vendor.handle).unwrap());
                assert!(file.len() < 16 * 1024, "{name}: {}", file.len());
                bytes += file.len();
                count += 1;
                drawn.insert(file);
            }
        }
        assert_eq!(drawn.len(), count);
        assert!(bytes / count < 8 * 1024, "{}", bytes / count);
    }
}
