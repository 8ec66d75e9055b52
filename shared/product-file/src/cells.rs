//! Cells: escaping against spreadsheet formulas, and parsing of values.

use std::borrow::Cow;

use domain::catalog::{ImageSource, MAX_ON_HAND, MAX_OVERSELL};
use domain::text::{BadText, Handle, Line, composed, is_forbidden, is_line_break};
use domain::{Currency, Money};

use super::faults::Fault;
use super::product::Status;

/// Whether a spreadsheet would take the cell for a formula once all apostrophes before it were removed.
fn is_formula_behind_apostrophes(bytes: &[u8]) -> bool {
    let bare = bytes.iter().find(|byte| **byte != b'\'');
    matches!(bare, Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
}

/// Puts an apostrophe before text that a spreadsheet would evaluate as a formula.
///
/// Text that already has apostrophes before a formula sign gets one more, so that [`unescape_formula`] restores exactly
/// this text.
pub fn escape_formula(text: &str) -> Cow<'_, str> {
    if is_formula_behind_apostrophes(text.as_bytes()) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Removes the apostrophe that [`escape_formula`] adds.
pub(super) fn unescape_formula(bytes: &[u8]) -> &[u8] {
    match bytes.split_first() {
        Some((b'\'', rest)) if is_formula_behind_apostrophes(rest) => rest,
        _ => bytes,
    }
}

/// Joins the lines of a cell with spaces: spreadsheets allow line breaks in cells, titles do not.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    let breaks = |character: char| character.is_control() || is_line_break(character);
    if !text.contains(breaks) {
        return Cow::Borrowed(text);
    }
    let words: Vec<&str> = text.split(breaks).map(str::trim).filter(|part| !part.is_empty()).collect();
    Cow::Owned(words.join(" "))
}

/// Removes control characters but line breaks and tabs: descriptions of other shop systems have some.
pub(super) fn lines(text: &str) -> Cow<'_, str> {
    let unwanted = |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
    if text.contains(unwanted) { Cow::Owned(text.replace(unwanted, "")) } else { Cow::Borrowed(text) }
}

pub(super) const fn text_fault(bad: &BadText) -> Fault {
    match bad {
        BadText::TooLong(_) => Fault::TextTooLong,
        BadText::Empty | BadText::ControlCharacter | BadText::Hidden | BadText::Form(_) => Fault::BadText,
    }
}

/// What a cell is taken for, and the warning when that is not quite what it says.
pub(super) type Cell<T> = Result<(T, Option<Fault>), Fault>;

/// For a cell that is taken as it is or not at all.
pub(super) fn exactly<T>(read: Result<T, Fault>) -> Cell<T> {
    read.map(|value| (value, None))
}

/// For a cell that is left out when it cannot be read.
pub(super) fn or_instead<T>(read: Result<T, Fault>, instead: T, fault: Fault) -> Cell<T> {
    Ok(read.map_or((instead, Some(fault)), |value| (value, None)))
}

/// A text on one line, in the form in which it is kept: cut when it is too long, and without characters that cannot be
/// shown.
pub(super) fn line<T>(text: &str, parse: impl Fn(&str) -> Result<T, BadText>) -> Cell<T> {
    mended(&one_line(text), parse)
}

/// The same for a text that may have several lines.
pub(super) fn mended<T>(text: &str, parse: impl Fn(&str) -> Result<T, BadText>) -> Cell<T> {
    let shown = |character: &char| !is_forbidden(*character) || is_line_break(*character);
    let (cleaned, fault): (String, Fault) = match parse(text) {
        Ok(value) => return Ok((value, None)),
        Err(BadText::TooLong(most)) => (text.chars().filter(shown).take(most).collect(), Fault::TextCut),
        Err(_) => (composed(text).chars().filter(shown).collect(), Fault::CharactersRemoved),
    };
    match parse(&cleaned) {
        Err(BadText::TooLong(most)) => {
            let cut: String = cleaned.chars().take(most).collect();
            parse(&cut).map(|value| (value, Some(Fault::TextCut)))
        }
        read => read.map(|value| (value, Some(fault))),
    }
    .map_err(|bad| text_fault(&bad))
}

/// A handle as the file has it. Which one stands for it here is [`Handle::mapped_from`].
pub(super) fn handle(text: &str) -> Cell<Line> {
    let line = Line::parse(text).map_err(|_| Fault::BadHandle)?;
    let is_one = Handle::parse(&text.to_ascii_lowercase()).is_ok();
    Ok((line, (!is_one).then_some(Fault::HandleMapped)))
}

/// Parses a price: digits, and after a point at most as many as the currency has. A decimal comma is accepted where
/// commas do not separate cells. Thousands separators are refused: `1.250` would be 1250 in one country and 1.25 in
/// another.
pub(super) fn price(text: &str, currency: Currency, decimal_comma: bool) -> Result<Money, Fault> {
    let separator = |character: char| character == '.' || (decimal_comma && character == ',');
    let (whole, fraction) = match text.split_once(separator) {
        Some((_, "")) => return Err(Fault::BadPrice),
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = usize::try_from(currency.exponent()).unwrap_or(0);
    // Some shop systems export whole yen as "1200.00"; zeros after the point are unambiguous.
    let fraction = if digits == 0 && matches!(fraction, "0" | "00") { "" } else { fraction };
    if !whole.starts_with(|character: char| character.is_ascii_digit()) || fraction.len() > digits {
        return Err(Fault::BadPrice);
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    let decimal = if digits == 0 { whole.to_owned() } else { format!("{whole}.{fraction:0<digits$}") };
    Money::parse(&decimal, currency).ok().filter(|price| price.is_price()).ok_or(Fault::BadPrice)
}

/// The category of a path such as `Home & Garden > Kitchen > Bowls`: the last one.
pub(super) fn last_category(text: &str) -> &str {
    text.rsplit('>').map(str::trim).find(|name| !name.is_empty()).unwrap_or(text)
}

/// Parses a whole number; a spreadsheet may have written it as `12.0`.
fn whole(text: &str) -> Option<u64> {
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => digits,
        Some(_) => return None,
        None => text,
    };
    (digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// Parses units on hand, at most [`MAX_ON_HAND`]. They are below zero when more was sold than there was.
pub(super) fn quantity(text: &str) -> Result<i64, Fault> {
    let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |digits| (digits, -1));
    let units = whole(digits).and_then(|units| i64::try_from(units).ok()).filter(|units| *units <= MAX_ON_HAND);
    // What can be owed is bounded as well.
    units.map(|units| sign * units).filter(|units| *units >= -i64::from(MAX_OVERSELL)).ok_or(Fault::BadQuantity)
}

/// Parses an inventory policy: whether a variant is sold beyond its stock.
pub(super) fn policy(text: &str) -> Result<bool, Fault> {
    match text.trim().to_ascii_lowercase().as_str() {
        "continue" => Ok(true),
        "deny" => Ok(false),
        _ => Err(Fault::BadPolicy),
    }
}

/// Parses a weight in grams; a fraction of a gram is dropped.
pub(super) fn grams(text: &str) -> Result<u32, Fault> {
    let grams = match text.split_once('.') {
        Some((grams, fraction)) if !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit()) => grams,
        _ => text,
    };
    whole(grams).and_then(|grams| u32::try_from(grams).ok()).ok_or(Fault::BadGrams)
}

/// Parses the position of a picture among the product's pictures, counted from one.
pub(super) fn position(text: &str) -> Result<u32, Fault> {
    whole(text)
        .and_then(|position| u32::try_from(position).ok())
        .filter(|position| *position > 0)
        .ok_or(Fault::BadPosition)
}

/// Parses the address of a picture. One without https or with spaces is mended.
pub(super) fn image(text: &str) -> Cell<ImageSource> {
    if let Some(source) = ImageSource::parse(text) {
        return Ok((source, None));
    }
    let spaced = one_line(text).trim().replace(' ', "%20");
    let scheme = spaced.find("//").filter(|at| *at == 0 || spaced.get(..*at).is_some_and(is_http));
    let secure = scheme.map(|at| format!("https:{}", spaced.get(at..).unwrap_or_default()));
    let source = secure.as_deref().and_then(ImageSource::parse).ok_or(Fault::BadUrl)?;
    Ok((source, Some(Fault::AddressMended)))
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http:") || scheme.eq_ignore_ascii_case("https:")
}

/// Parses true or false, in any case and in the spellings of spreadsheets.
pub(super) fn boolean(text: &str) -> Result<bool, Fault> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(Fault::BadBoolean),
    }
}

/// Parses a status, in any case.
pub(super) fn status(text: &str) -> Result<Status, Fault> {
    match text.to_lowercase().as_str() {
        "active" => Ok(Status::Active),
        // An unlisted product of Shopify is shown only to those who have its link. A draft is the closest state that
        // does not show it to everybody.
        "draft" | "unlisted" => Ok(Status::Draft),
        "archived" => Ok(Status::Archived),
        _ => Err(Fault::BadStatus),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_price_has_at_most_the_currencys_digits() {
        let usd = |text| price(text, Currency::USD, false).map(Money::minor);
        assert_eq!(usd("12.50"), Ok(1250));
        assert_eq!(usd("12.5"), Ok(1250));
        assert_eq!(usd("12"), Ok(1200));
        assert_eq!(usd("0"), Ok(0));
        assert_eq!(usd("007.10"), Ok(710));
        for bad in [
            "-1",
            "-0.00",
            "12.345",
            "12.500",
            "1,250.00",
            "12,50",
            "1 250",
            "$5",
            "5 USD",
            "+5",
            ".5",
            "5.",
            "1e3",
            "٣",
            "NaN",
            "1.2.3",
            "99999999999999999999",
        ] {
            assert_eq!(usd(bad), Err(Fault::BadPrice), "{bad}");
        }
        assert_eq!(price("12,50", Currency::USD, true).map(Money::minor), Ok(1250));
        assert_eq!(price("1.250,00", Currency::USD, true), Err(Fault::BadPrice));
        assert_eq!(price("1200.00", Currency::JPY, false).map(Money::minor), Ok(1200));
        assert_eq!(price("1200.50", Currency::JPY, false), Err(Fault::BadPrice));
        assert_eq!(price("1.250", Currency::KWD, false).map(Money::minor), Ok(1250));
    }

    #[test]
    fn numbers_are_whole() {
        assert_eq!((policy("CONTINUE"), policy("deny")), (Ok(true), Ok(false)));
        assert_eq!(policy("maybe"), Err(Fault::BadPolicy));
        assert_eq!(quantity("12"), Ok(12));
        assert_eq!(quantity("12.0"), Ok(12));
        assert_eq!((quantity("-2"), quantity("-0")), (Ok(-2), Ok(0)));
        for bad in ["--1", "-", "1.5", "many", "10000001", "-1000001", "", "1,000"] {
            assert_eq!(quantity(bad), Err(Fault::BadQuantity), "{bad}");
        }
        assert_eq!(grams("453.6"), Ok(453));
        assert_eq!(grams("-1"), Err(Fault::BadGrams));
        assert_eq!(position("0"), Err(Fault::BadPosition));
    }

    #[test]
    fn only_an_apostrophe_before_a_formula_sign_is_taken_off() {
        assert_eq!(unescape_formula(b"'=1+1"), b"=1+1");
        assert_eq!(unescape_formula(b"''=1+1"), b"'=1+1");
        assert_eq!(unescape_formula(b"'tis"), b"'tis");
        assert_eq!(unescape_formula(b"'"), b"'");
        assert_eq!(escape_formula("-5"), "'-5");
        assert_eq!(escape_formula("'@x"), "''@x");
        assert_eq!(escape_formula("O'Neil"), "O'Neil");
    }

    proptest! {
        #[test]
        fn an_escaped_text_reads_back(text in "['=+@a\\-\\t\\r]{0,6}") {
            let escaped = escape_formula(&text);
            prop_assert!(!escaped.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(unescape_formula(escaped.as_bytes()), text.as_bytes());
        }
    }
}
