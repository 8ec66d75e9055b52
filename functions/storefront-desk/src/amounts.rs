//! Amounts and days as people type them.

use api::Problem;
use domain::text::BadText;
use domain::{Currency, Money};

/// An amount with blanks between thousands, and a comma or a point before decimals.
///
/// # Errors
/// `invalid` at the field's pointer, when it is no amount of the currency.
pub(crate) fn amount(typed: &str, currency: Currency, pointer: &str) -> Result<Money, Problem> {
    let is_blank = |character: &char| character.is_whitespace() || matches!(*character, '\u{a0}' | '\u{202f}');
    let plain: String = typed.chars().filter(|character| !is_blank(character)).collect();
    let plain = plain.replace(',', ".");
    let given = Money::parse(&plain, currency).ok().filter(|amount| amount.minor() >= 0);
    given.ok_or_else(|| Problem::field(pointer, "amount", "is no amount"))
}

/// A whole number.
///
/// # Errors
/// `invalid` at the field's pointer, when it is none.
pub(crate) fn units(typed: &str, pointer: &str) -> Result<i64, Problem> {
    let plain: String = typed.chars().filter(|character| !character.is_whitespace()).collect();
    plain.parse().map_err(|_| Problem::field(pointer, "number", "is no number"))
}

/// A text as a problem of a field.
pub(crate) fn bad(pointer: &str, text: &BadText) -> Problem {
    Problem::field(pointer, "invalid", text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_as_people_write_it() {
        let read = |typed: &str| amount(typed, Currency::USD, "/price").ok().map(|amount| amount.decimal());
        assert_eq!(read("1 200,50").as_deref(), Some("1200.50"));
        assert_eq!(read("12").as_deref(), Some("12.00"));
        for wrong in ["42o", "", "-1", "1.2.3"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
