//! Which form of a noun stands behind a number.

use crate::language::Language;

/// A form of a noun, by the names of Unicode's
/// [CLDR](https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plural {
    One,
    /// In Russian after 2, 3, 4, 22, but not 12: `2 товара`.
    Few,
    /// In Russian after 0, 5 to 20, 25: `5 товаров`.
    Many,
    /// What is neither of these, and the only form of a language without plurals. Russian has it for fractions.
    Other,
}

/// The form for a whole number of things: `1 item`, `2 items`.
pub const fn plural(n: u64, language: Language) -> Plural {
    match language {
        Language::Uz | Language::UzCyrl | Language::En => match n {
            1 => Plural::One,
            _ => Plural::Other,
        },
        Language::Ru => match (n % 10, n % 100) {
            (_, 11..=14) => Plural::Many,
            (1, _) => Plural::One,
            (2..=4, _) => Plural::Few,
            _ => Plural::Many,
        },
        Language::Zh => Plural::Other,
    }
}

#[cfg(test)]
mod tests {
    use icu_locale_core::Locale;
    use icu_plurals::{PluralCategory, PluralRules};
    use proptest::prelude::*;

    use super::*;

    /// What CLDR says for each of the numbers.
    fn expected(language: Language, numbers: impl IntoIterator<Item = u64>) -> Vec<(u64, Plural)> {
        // CLDR has rules per language, whatever its script; ICU does not fall back from `uz-Cyrl` to `uz`.
        let locale: Locale = language.tag().split('-').next().unwrap().parse().unwrap();
        let rules = PluralRules::try_new_cardinal((&locale).into()).unwrap();
        let form = |n| match rules.category_for(n) {
            PluralCategory::One => Plural::One,
            PluralCategory::Few => Plural::Few,
            PluralCategory::Many => Plural::Many,
            PluralCategory::Other => Plural::Other,
            other => panic!("{language:?} has {other:?}"),
        };
        numbers.into_iter().map(|n| (n, form(n))).collect()
    }

    #[test]
    fn the_first_two_thousand_numbers_have_the_form_of_cldr() {
        for language in Language::ALL {
            for (n, form) in expected(language, 0..2_000) {
                assert_eq!(plural(n, language), form, "{n} in {language:?}");
            }
        }
    }

    #[test]
    fn no_whole_number_has_the_form_that_russian_keeps_for_fractions() {
        assert!((0..1_000).all(|n| plural(n, Language::Ru) != Plural::Other));
    }

    proptest! {
        #[test]
        fn every_number_has_the_form_of_cldr(numbers in prop::collection::vec(0_u64..1_000_000_000_000, 1..50)) {
            for language in Language::ALL {
                for (n, form) in expected(language, numbers.iter().copied()) {
                    prop_assert_eq!(plural(n, language), form, "{} in {:?}", n, language);
                }
            }
        }
    }
}
