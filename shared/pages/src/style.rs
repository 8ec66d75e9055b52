//! The one sheet of style. Its line breaks are for those who write it: they are left out when this is compiled.

/// The one sheet of style, which every page holds.
pub const STYLE: &str = match str::from_utf8(&JOINED) {
    Ok(joined) => joined,
    // Without one of its bytes that are line breaks, UTF-8 stays UTF-8.
    Err(_) => SHEET,
};

const SHEET: &str = include_str!("../templates/style.css");
const JOINED: [u8; length(SHEET.as_bytes())] = joined(SHEET.as_bytes());

/// The number of bytes that are no line breaks.
const fn length(sheet: &[u8]) -> usize {
    let (mut rest, mut length) = (sheet, 0);
    while let [first, after @ ..] = rest {
        length += (*first != b'\n') as usize;
        rest = after;
    }
    length
}

#[expect(clippy::indexing_slicing, reason = "the index counts what `length` has counted, when this is compiled")]
const fn joined<const LENGTH: usize>(sheet: &[u8]) -> [u8; LENGTH] {
    let (mut rest, mut joined, mut at) = (sheet, [0; LENGTH], 0);
    while let [first, after @ ..] = rest {
        if *first != b'\n' {
            joined[at] = *first;
            at += 1;
        }
        rest = after;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_is_whole_without_its_line_breaks() {
        assert_eq!(STYLE, SHEET.replace('\n', ""));
        let ends = |line: &str| line.is_empty() || line.ends_with(['{', '}', ';', ',']);
        assert!(SHEET.lines().all(ends), "a line break that parts two words");
    }
}
