//! Names that people take for one another.

use icu_normalizer::ComposingNormalizerBorrowed;

use super::characters::is_unseen;

/// The most characters of a look: it stands in keys, and one character of a name may be many in NFKC.
const MOST: usize = 500;

/// What is left of a name when what nobody sees is taken out of it: case, blanks, forms of one character (NFKC), and
/// whether a letter is Latin or the Cyrillic one that looks like it. Two names with one look are taken for one another.
/// It is for comparing only: it is no name itself.
pub fn look_of(name: &str) -> String {
    let compatible = ComposingNormalizerBorrowed::new_nfkc().normalize(name);
    let seen = compatible.chars().filter(|character| !character.is_whitespace() && !is_unseen(*character));
    seen.flat_map(char::to_lowercase).map(latin_twin).take(MOST).collect()
}

/// The Latin letter that a Cyrillic one looks like, in either case.
/// <https://www.unicode.org/Public/security/17.0.0/confusables.txt>
const fn latin_twin(character: char) -> char {
    match character {
        'а' => 'a',
        'в' => 'b',
        'с' => 'c',
        'ԁ' => 'd',
        'е' | 'ё' => 'e',
        'н' | 'һ' => 'h',
        'і' | 'ї' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'қ' => 'k',
        'м' => 'm',
        'о' => 'o',
        'р' => 'p',
        'ԛ' => 'q',
        'ѕ' => 's',
        'т' => 't',
        'ԝ' => 'w',
        'х' | 'ҳ' => 'x',
        'у' | 'ү' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_have_one_look() {
        for (one, other) in [
            ("Silk Road", "SILK  road"),
            ("Silk Road", "silkroad"),
            ("Silk\u{a0}Road", "Silk\u{200b}Road"),
            ("Самарканд", "CAMAPKAHД"),
            ("BEHOM", "ВЕНОМ"),
            ("Ｂｏｚｏｒ", "Bozor"),
            ("Cafe\u{301}", "Caf\u{e9}"),
            ("\u{fb01}ne", "fine"),
        ] {
            assert_eq!(look_of(one), look_of(other), "{one} and {other}");
        }
        for (one, other) in [("Silk Road", "Silk Roads"), ("Bozor", "Bazar"), ("Шелк", "Silk"), ("茶壶", "茶")] {
            assert_ne!(look_of(one), look_of(other), "{one} and {other}");
        }
    }
}
