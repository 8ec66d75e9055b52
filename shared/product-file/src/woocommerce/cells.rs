//! Cells as WooCommerce writes them: `includes/export/abstract-wc-csv-exporter.php` and
//! `class-wc-product-csv-exporter.php` of <https://github.com/woocommerce/woocommerce>.

use domain::Timestamp;

/// Splits a list: values are joined by a comma, or by a bar in older files. A comma within a value has a backslash.
pub(super) fn list(text: &str, may_be_barred: bool) -> Vec<String> {
    let mut values = vec![String::new()];
    let is_barred = may_be_barred && text.contains('|');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(last) = values.last_mut() else { break };
        match character {
            '\\' if characters.peek() == Some(&',') => last.extend(characters.next()),
            '|' if is_barred => values.push(String::new()),
            ',' if !is_barred => values.push(String::new()),
            other => last.push(other),
        }
    }
    values.into_iter().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
}

/// A single value, in which commas have a backslash as well.
pub(super) fn value(text: &str) -> String {
    text.replace("\\,", ",").trim().to_owned()
}

/// The categories of a list of paths such as `Home > Bowls, Sale`, the deepest first. WooCommerce's own category for
/// what has none is none.
pub(super) fn categories(text: &str, may_be_barred: bool) -> Vec<String> {
    let mut paths: Vec<(usize, String)> = list(text, may_be_barred)
        .into_iter()
        .filter_map(|path| {
            let last = path.rsplit('>').map(str::trim).find(|name| !name.is_empty())?.to_owned();
            (!last.eq_ignore_ascii_case("uncategorized")).then_some((path.matches('>').count(), last))
        })
        .collect();
    // A stable sort: of equally deep ones, the first stays the first.
    paths.sort_by_key(|(depth, _)| usize::MAX - depth);
    paths.into_iter().map(|(_, last)| last).collect()
}

/// A list as [`list`] splits it.
pub(super) fn written_list<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let mut list = String::new();
    for value in values {
        if !list.is_empty() {
            // A backslash right before the comma would be taken for that of a comma within a value.
            list.push_str(if list.ends_with('\\') { " , " } else { ", " });
        }
        list.push_str(&written_value(value));
    }
    list
}

/// A value as [`value`] reads it.
pub(super) fn written_value(text: &str) -> String {
    text.replace(',', "\\,")
}

/// A text with line breaks as [`unbroken`] reads it.
pub(super) fn written_description(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut is_behind_backslash = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&'n') => written.push_str("\\\\"),
            // Behind a backslash it would be taken for a backslash and an `n`.
            '\n' if !is_behind_backslash => written.push_str("\\n"),
            other => written.push(other),
        }
        is_behind_backslash = character == '\\';
    }
    written
}

/// A text in which line breaks are written as `\n`. A backslash and an `n` that were written as such have another
/// backslash before them.
pub(super) fn unbroken(text: &str) -> String {
    let parts: Vec<String> = text.split("\\\\n").map(|part| part.replace("\\n", "\n")).collect();
    parts.join("\\n")
}

/// A description: line breaks are written as `\n`. Where it has no paragraphs of its own, they are made of what stands
/// between blank lines, as WooCommerce does when it shows the text.
pub(super) fn description(text: &str) -> String {
    const BLOCKS: [&str; 6] = ["<ul", "<ol", "<h", "<table", "<pre", "<blockquote"];
    let text = unbroken(&text.replace("\\r", "")).replace("\r\n", "\n");
    let lower = text.to_ascii_lowercase();
    if !text.trim().contains('\n') || ["<p", "<br", "<div"].iter().any(|markup| lower.contains(markup)) {
        return text;
    }
    let paragraph = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let is_block = BLOCKS.iter().any(|block| lower.starts_with(block));
        if is_block { text.to_owned() } else { format!("<p>{}</p>", text.replace('\n', "<br>")) }
    };
    text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).map(paragraph).collect()
}

/// A price as it is written, with a point or a comma before its decimals, but without zeros beyond the second of four
/// or more. Three digits may be thousands, where somebody has edited the file.
pub(super) fn price(text: &str) -> &str {
    let Some((whole, decimals)) = text.split_once(['.', ',']) else { return text };
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let says_nothing = |rest: &str| rest.len() > 1 && rest.bytes().all(|byte| byte == b'0');
    match decimals.split_at_checked(2) {
        Some((cents, rest)) if is_number(cents) && says_nothing(rest) => text.get(..whole.len() + 3).unwrap_or(text),
        _ => text,
    }
}

/// What a unit of weight has of milligrams.
pub(super) fn milligrams_of(unit: &str) -> u64 {
    match unit {
        "g" => 1_000,
        "lbs" | "lb" => 453_592,
        "oz" => 28_350,
        _ => 1_000_000,
    }
}

/// A weight in whole grams; nothing when it is no number, with a point or a comma.
pub(super) fn grams(text: &str, milligrams: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || text.is_empty() || text.len() == 1 && whole.is_empty() {
        return None;
    }
    let micro = format!("{fraction:0<6}").get(..6)?.parse::<u64>().ok()?;
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let millionths = whole.checked_mul(1_000_000)?.checked_add(micro)?;
    millionths.checked_mul(milligrams).map(|weight| weight / 1_000_000_000)
}

/// Whether a sale that begins and ends on these days, if on any, is on. Nothing when a day cannot be read.
pub(super) fn is_on(starts: &str, ends: &str, now: Timestamp) -> Option<bool> {
    let today = now.to_string();
    let today = today.get(..10)?;
    let day = |text: &str| {
        let day = text.get(..10).filter(|day| {
            day.bytes()
                .enumerate()
                .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
        });
        day.map(str::to_owned)
    };
    let has_begun = if starts.is_empty() { true } else { day(starts)?.as_str() <= today };
    let has_ended = if ends.is_empty() { false } else { day(ends)?.as_str() < today };
    Some(has_begun && !has_ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_where_the_exporter_joins_them() {
        assert_eq!(
            list(r"https://a.test/1\,2.jpg, https://a.test/3.jpg", true),
            ["https://a.test/1,2.jpg", "https://a.test/3.jpg"]
        );
        assert_eq!(list("Red | Dark blue | S, M", true), ["Red", "Dark blue", "S, M"]);
        assert!(list(" ,", true).is_empty());
        assert_eq!(value(r"1\,5 l"), "1,5 l");
        assert_eq!(
            categories(r"Sale, Home > Bowls\, deep, Home, Uncategorized", true),
            ["Bowls, deep", "Sale", "Home"]
        );
    }

    #[test]
    fn a_description_has_its_line_breaks_again() {
        assert_eq!(description(r"One\nline\n\nTwo"), "<p>One<br>line</p><p>Two</p>");
        assert_eq!(description(r"<p>One</p>\n<p>C:\\new</p>"), "<p>One</p>\n<p>C:\\new</p>");
        assert_eq!(description("plain"), "plain");
        assert_eq!(
            description(r"One\n\n<ul>\n<li>a</li>\n</ul>\n\nTwo"),
            "<p>One</p><ul>\n<li>a</li>\n</ul><p>Two</p>"
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let values = ["a, b", "c\\", "d|e", "\\,", "f"];
        assert_eq!(list(&written_list(values.into_iter()), false), values);
        assert_eq!(value(&written_value("1,5 l \\, x")), "1,5 l \\, x");
        for text in ["a\nb", "\\n", "\\\\n", "a\\\nb", "\\n\n\nn", "C:\\readme\n", ""] {
            assert_eq!(unbroken(&written_description(text)), text);
        }
        assert_eq!(written_description("a\n\\new"), r"a\n\\new");
    }

    #[test]
    fn a_price_has_no_zeros_that_say_nothing() {
        let prices = ["12", "12.5", "12.500", "12,5000", "0.125", "1.2.3000", "é,é00", ""].map(price);
        assert_eq!(prices, ["12", "12.5", "12.500", "12,50", "0.125", "1.2.3000", "é,é00", ""]);
    }

    #[test]
    fn weights_are_grams_whatever_their_unit() {
        assert_eq!(grams("0.5", milligrams_of("kg")), Some(500));
        assert_eq!(grams("1,25", milligrams_of("kg")), Some(1_250));
        assert_eq!(grams(".75", milligrams_of("lbs")), Some(340));
        assert_eq!(grams("10", milligrams_of("oz")), Some(283));
        assert_eq!(grams("300", milligrams_of("g")), Some(300));
        for bad in ["", "-1", "a", "1.2.3", "99999999999999999999"] {
            assert_eq!(grams(bad, milligrams_of("kg")), None, "{bad}");
        }
    }

    #[test]
    fn a_sale_is_on_from_its_first_day_to_its_last() {
        let now = Timestamp::from_millis(1_795_000_000_123); // 2026-11-18
        assert_eq!(is_on("", "", now), Some(true));
        assert_eq!(is_on("2026-11-18 0:00:00", "2026-11-18", now), Some(true));
        assert_eq!(is_on("2026-11-19", "", now), Some(false));
        assert_eq!(is_on("", "2026-11-17T00:00:00", now), Some(false));
        assert_eq!(is_on("soon", "", now), None);
    }
}
