//! Work is bounded by its input: twice as much of what a stranger sends costs at most about twice as much.

use std::hint::black_box;
use std::time::{Duration, Instant};

use domain::Currency;
use domain::catalog::ImageSource;
use domain::text::{KINDS, LongText};
use product_file::{ProductReader, Products, shown_description};

/// What work that grows with the square of its input would multiply by four. What is linear doubles; the rest is room
/// for a busy machine.
const MOST: u32 = 3;

/// What a text is filled with: a piece that is repeated, or one that is different each time.
#[derive(Clone, Copy, Debug)]
enum Filler {
    Same(&'static str),
    Numbered(&'static str),
    /// This at the beginning, then that.
    Behind(&'static str, &'static str),
    /// As much of the first as of the second.
    Halves(&'static str, &'static str),
}

const FILLERS: [Filler; 30] = [
    Filler::Same("a"),
    Filler::Same("word "),
    Filler::Same("&"),
    Filler::Same("&a"),
    Filler::Same("&amp;"),
    Filler::Same("&laquo;"),
    Filler::Same("&#0000000000000000000000000038;"),
    Filler::Same("\u{ab}"),
    Filler::Same("\u{a0}"),
    Filler::Same("<"),
    Filler::Same(">"),
    Filler::Same("</x>"),
    Filler::Same("<p>"),
    Filler::Same("<b x=1>"),
    Filler::Same("<!--"),
    Filler::Same("<![CDATA["),
    Filler::Same("<a x=\"<b y='"),
    Filler::Same("<p title='&'>"),
    Filler::Behind("<a title='", "&"),
    Filler::Behind("<a title=", "\u{ab}"),
    Filler::Behind("<script>", "&<"),
    Filler::Behind("<table>", "x "),
    Filler::Behind("<a", " a=1"),
    Filler::Numbered(" a"),
    Filler::Numbered("<a a"),
    Filler::Halves("<br>", "x "),
    Filler::Same("e\u{301}"),
    Filler::Same("\u{301}\u{323}"),
    Filler::Same(","),
    Filler::Same("\r\n"),
];

impl Filler {
    /// A text of about this many bytes.
    fn of(self, bytes: usize) -> String {
        match self {
            Self::Same(piece) => piece.repeat(bytes / piece.len()),
            Self::Numbered(piece) => {
                let pieces = (0..bytes / (piece.len() + 5)).map(|number| format!("{piece}{number:05}"));
                std::iter::once("<a".to_owned()).chain(pieces).collect()
            }
            Self::Behind(start, piece) => format!("{start}{}", piece.repeat(bytes / piece.len())),
            Self::Halves(first, second) => {
                let halves = [first, second].map(|piece| piece.repeat(bytes / 2 / piece.len()));
                let [first, second] = halves;
                format!("{first}<table>{second}")
            }
        }
    }
}

/// How long this thread has had a processor: what others do meanwhile does not count. Where the system does not say,
/// the time that has passed.
fn worked(begun: Instant) -> Duration {
    let read = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = read.and_then(|text| text.split(' ').next().and_then(|nanos| nanos.parse().ok()));
    nanos.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

/// What one call costs. It is repeated for long enough to be measured.
fn cost(mut work: impl FnMut()) -> Duration {
    let begun = Instant::now();
    let before = worked(begun);
    for calls in 1.. {
        work();
        let spent = worked(begun).saturating_sub(before);
        if spent >= Duration::from_millis(24) {
            return spent / calls;
        }
    }
    unreachable!("the loop ends by its return")
}

/// Whether doubling a text doubles the work. One measurement may be disturbed, three in a row are not.
fn is_linear(filler: Filler, bytes: usize, work: impl Fn(&str)) -> Result<(), String> {
    let mut measured = Vec::new();
    for _ in 0..3 {
        let costs = [bytes, 2 * bytes].map(|bytes| {
            let text = filler.of(bytes);
            cost(|| work(black_box(&text)))
        });
        if costs[1] <= costs[0] * MOST {
            return Ok(());
        }
        measured.push(costs);
    }
    Err(format!("{filler:?}: {measured:?}"))
}

#[track_caller]
fn assert_linear(what: &str, bytes: usize, work: impl Fn(&str) + Copy) {
    let failed: Vec<_> = FILLERS.iter().filter_map(|filler| is_linear(*filler, bytes, work).err()).collect();
    assert!(failed.is_empty(), "{what}: {failed:#?}");
}

#[test]
fn twice_the_description_is_twice_the_work() {
    assert_linear("a description", 18_000, |text| {
        let written = LongText::parse(text).expect("it is short enough");
        drop(black_box(shown_description(&written)));
    });
}

#[test]
fn twice_the_text_is_twice_the_work() {
    for (name, parse) in KINDS {
        assert_linear(name, 20_000, |text| drop(black_box(parse(text))));
    }
    assert_linear("ImageSource", 20_000, |text| drop(black_box(ImageSource::parse(text))));
}

/// Whether twice as many of something are twice the work.
#[track_caller]
fn assert_linear_in_number(what: &str, number: usize, work: impl Fn(usize)) {
    let measured: Vec<_> = (0..3).map(|_| [number, 2 * number].map(|count| cost(|| work(black_box(count))))).collect();
    let is_linear = measured.iter().any(|[once, twice]| *twice <= *once * MOST);
    assert!(is_linear, "{what}: {measured:?}");
}

fn read(file: &str) -> usize {
    Products::new(file.as_bytes(), ProductReader::new(Currency::USD)).count()
}

#[test]
fn twice_the_rows_or_columns_of_a_product_file_are_twice_the_work() {
    assert_linear_in_number("products", 300, |count| {
        let rows = (0..count).map(|row| format!("bowl-{row},Bowl {row},1.00\n"));
        let file: String = std::iter::once("Handle,Title,Variant Price\n".to_owned()).chain(rows).collect();
        assert_eq!(read(&file), count);
    });
    assert_linear_in_number("rows of one product", 1_000, |count| {
        let rows = (0..count).map(|row| format!("bowl,Bowl,{row},1.00\n"));
        let file: String =
            std::iter::once("Handle,Title,Option1 Value,Variant Price\n".to_owned()).chain(rows).collect();
        black_box(read(&file));
    });
    assert_linear_in_number("columns", 100, |count| {
        let header: String = (0..count).map(|column| format!(",Column {column}")).collect();
        let row = format!("bowl,Bowl,1.00{}\n", ",x".repeat(count));
        black_box(read(&format!("Handle,Title,Variant Price{header}\n{}", row.repeat(20))));
    });
}

#[test]
fn twice_the_cell_of_a_product_file_is_twice_the_work() {
    for column in ["Body (HTML)", "Tags", "Option1 Name", "Option1 Value", "Image Src", "SEO Description", "Vendor"] {
        assert_linear(column, 100_000, |text| {
            let cell = text.replace('"', "\"\"");
            let file = format!("Handle,Title,Variant Price,{column}\nbowl,Bowl,1.00,\"{cell}\"\n");
            let products = Products::new(file.as_bytes(), ProductReader::new(Currency::USD));
            assert_eq!(products.count(), 1);
        });
    }
}
