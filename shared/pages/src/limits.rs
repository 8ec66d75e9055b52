//! What a refusal that names a limit says in the language of a page. The details of the API are English sentences, and
//! each holds its limit in the same words; where one does not, the sentence without a number has to do.

use domain::Money;

use crate::{Language, Texts, fill, money, number};

/// What is said of a text with too many characters.
pub fn too_long(detail: &str, language: Language) -> String {
    let t = Texts::of(language);
    let most = most_in(detail, language).filter(|(_, unit)| *unit == "characters");
    most.map_or_else(|| t.error_too_long.to_owned(), |(most, _)| fill(t.error_too_long_for, &[("most", &most)]))
}

/// Whether a detail says that a text has too many characters, whatever the code beside it.
pub fn is_too_long(detail: &str) -> bool {
    most_in(detail, Language::En).is_some_and(|(_, unit)| unit == "characters")
}

/// What is said of there being as many as are allowed.
pub fn reached(detail: Option<&str>, language: Language) -> String {
    let t = Texts::of(language);
    let most = detail.and_then(|detail| most_in(detail, language)).and_then(|(most, unit)| match unit {
        "MB" => Some(format!("{most}\u{a0}MB")),
        // Nobody counts them.
        "bytes" => None,
        _ => Some(most),
    });
    most.map_or_else(|| t.desk_error_limit.to_owned(), |most| fill(t.desk_error_limit_of, &[("most", &most)]))
}

/// What is said of more than somebody may give back of an order.
pub fn refund(detail: Option<&str>, language: Language) -> String {
    let t = Texts::of(language);
    let amount = detail.and_then(amount_in).map(|amount| money(amount, language));
    let say = |amount: String| fill(t.op_error_refund_limit_of, &[("amount", &amount)]);
    amount.map_or_else(|| t.op_error_refund_limit.to_owned(), say)
}

/// The limit in a detail, and the word behind it.
fn most_in(detail: &str, language: Language) -> Option<(String, &str)> {
    let (_, behind) = detail.split_once("at most ").or_else(|| detail.split_once("that are allowed: "))?;
    let end = behind.find(|found: char| !found.is_ascii_digit()).unwrap_or(behind.len());
    let (digits, rest) = behind.split_at_checked(end)?;
    let unit = rest.trim_start().split(|found: char| !found.is_ascii_alphabetic()).next().unwrap_or_default();
    Some((number(digits.parse().ok()?, language), unit))
}

/// The amount in a detail: `up to 20.00 USD of an order`.
fn amount_in(detail: &str) -> Option<Money> {
    let (_, behind) = detail.split_once("up to ")?;
    let mut words = behind.split(' ');
    let (amount, currency) = (words.next()?, words.next()?);
    Money::parse(amount, currency.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use domain::Currency;
    use domain::text::BadText;

    use super::*;

    #[test]
    fn the_limit_on_a_text_is_said_in_each_language() {
        let detail = BadText::TooLong(2_000).to_string();
        assert!(is_too_long(&detail) && !is_too_long(&BadText::Empty.to_string()));
        for language in Language::ALL {
            let said = too_long(&detail, language);
            assert!(said.contains(&number(2_000, language)), "{language:?}: {said}");
            let said = too_long("must be at most 4096 bytes as a whole", language);
            assert_eq!(said, Texts::of(language).error_too_long, "nobody counts bytes");
        }
    }

    #[test]
    fn how_many_are_allowed_is_said_in_each_language() {
        for language in Language::ALL {
            for (detail, most) in [
                ("at most 20 documents", "20"),
                ("a vendor order has at most 20 parcels: the last one holds all that is left", "20"),
                ("the vendor has the most products that are allowed: 50", "50"),
                ("a shop has at most 200 MB of pictures in thirty days", "200\u{a0}MB"),
            ] {
                let said = reached(Some(detail), language);
                assert!(said.contains(most) && !said.contains('{'), "{language:?}: {said}");
            }
            for none in
                [None, Some("no more codes are sent"), Some("it takes at most 65536 bytes"), Some("at most few")]
            {
                assert_eq!(reached(none, language), Texts::of(language).desk_error_limit);
            }
        }
    }

    #[test]
    fn how_much_may_be_given_back_is_said_as_the_language_writes_it() {
        let most = Money::new(2_050, Currency::USD);
        let detail = format!("you may give back up to {most} of an order: ask finance or an owner");
        for language in Language::ALL {
            let said = refund(Some(&detail), language);
            assert!(said.contains(&money(most, language)) && !said.contains('{'), "{language:?}: {said}");
            assert_eq!(refund(Some("up to you"), language), Texts::of(language).op_error_refund_limit);
            assert_eq!(refund(None, language), Texts::of(language).op_error_refund_limit);
        }
    }
}
