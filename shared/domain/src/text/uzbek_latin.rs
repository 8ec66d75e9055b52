//! Uzbek from Cyrillic into the Latin script of 1995, with `ʻ` in `oʻ` and `gʻ`, and `ʼ` for the hard sign.

use super::cyrillic::{Braces, Piece, Pieces};

/// Transliterates Uzbek text. What is not Cyrillic stays as it is, and so do tags and addresses, also with Cyrillic
/// ones in them: another address is another page.
pub fn to_latin(cyrillic: &str) -> String {
    let mut latin = String::with_capacity(cyrillic.len());
    for piece in Pieces::of(cyrillic, Braces::AreText) {
        match piece {
            Piece::Words(words) => write(words, &mut latin),
            Piece::Fixed(fixed) => latin.push_str(fixed),
        }
    }
    latin
}

fn write(words: &str, latin: &mut String) {
    let mut before = None;
    let mut characters = words.chars().peekable();
    while let Some(character) = characters.next() {
        let after = characters.peek().copied();
        match spelling(character, before, after) {
            Some(small) if character.is_uppercase() => push_capital(latin, small, before, after),
            Some(small) => latin.push_str(small),
            None => latin.push(character),
        }
        before = Some(character);
    }
}

/// What is written for a Cyrillic character between two others; nothing for one that is not of the alphabet.
fn spelling(character: char, before: Option<char>, after: Option<char>) -> Option<&'static str> {
    let small = |character: Option<char>| character.and_then(|character| character.to_lowercase().next());
    let follows_vowel = matches!(small(before), Some('а' | 'е' | 'ё' | 'и' | 'о' | 'у' | 'э' | 'ю' | 'я' | 'ў' | 'ы'));
    Some(match small(Some(character))? {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' => "g",
        'ғ' => "gʻ",
        'д' => "d",
        'е' => {
            let begins = !before.is_some_and(char::is_alphabetic);
            if begins || follows_vowel || matches!(small(before), Some('ъ' | 'ь')) { "ye" } else { "e" }
        }
        'ё' => "yo",
        'ж' => "j",
        'з' => "z",
        'и' | 'ы' => "i",
        'й' => "y",
        'к' => "k",
        'қ' => "q",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'ў' => "oʻ",
        'п' => "p",
        'р' => "r",
        // Else the two would read as `sh`.
        'с' if small(after) == Some('ҳ') => "sʼ",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "x",
        'ҳ' => "h",
        'ц' => {
            if follows_vowel {
                "ts"
            } else {
                "s"
            }
        }
        'ч' => "ch",
        'ш' | 'щ' => "sh",
        'э' => "e",
        'ю' => "yu",
        'я' => "ya",
        // Before a vowel of two sounds it only says that they are two, which the Latin spelling does by itself.
        'ъ' if matches!(small(after), Some('е' | 'ё' | 'ю' | 'я')) => "",
        'ъ' => "ʼ",
        'ь' => "",
        _ => return None,
    })
}

/// A capital is one letter in a word with small ones, and all of them in a word of capitals.
fn push_capital(latin: &mut String, small: &str, before: Option<char>, after: Option<char>) {
    let is_capital = |character: Option<char>| character.is_some_and(char::is_uppercase);
    let beside = if after.is_some_and(char::is_alphabetic) { after } else { before };
    if is_capital(beside) {
        latin.extend(small.chars().flat_map(char::to_uppercase));
        return;
    }
    let mut characters = small.chars();
    latin.extend(characters.next().into_iter().flat_map(char::to_uppercase));
    latin.push_str(characters.as_str());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::to_cyrillic;
    use super::to_latin;

    #[test]
    fn words_are_spelled_as_the_alphabet_of_1995_spells_them() {
        for (cyrillic, latin) in [
            ("Ўзбекистон", "Oʻzbekiston"),
            ("сўм", "soʻm"),
            ("тоғ", "togʻ"),
            ("Исҳоқ", "Isʼhoq"),
            ("маънавият", "maʼnaviyat"),
            ("объект", "obyekt"),
            ("ер, поезд, мен", "yer, poyezd, men"),
            ("цирк, доцент, акция", "sirk, dotsent, aksiya"),
            ("Шаҳар, ШАҲАР, Ш.", "Shahar, SHAHAR, Sh."),
            ("ЧОЙ, Чой", "CHOY, Choy"),
            ("Ёз ва ЯНГИ ЙИЛ", "Yoz va YANGI YIL"),
            ("август, альбом", "avgust, albom"),
            ("Қишлоқ хўжалиги №1 — 5 кг", "Qishloq xoʻjaligi №1 — 5 kg"),
        ] {
            assert_eq!(to_latin(cyrillic), latin, "{cyrillic}");
        }
    }

    #[test]
    fn what_is_not_cyrillic_stays_as_it_is() {
        let html = r#"<p class="a">Kosa &amp; lagan</p> 瓷碗 🙂"#;
        assert_eq!(to_latin(html), html);
    }

    #[test]
    fn tags_and_addresses_stay_as_they_are() {
        assert_eq!(
            to_latin(r#"<a href="https://пример.уз/чаша" title="Чаша">Чаша</a> ва https://пример.уз/чаша"#),
            r#"<a href="https://пример.уз/чаша" title="Чаша">Chasha</a> va https://пример.уз/чаша"#
        );
        // Nothing closes them.
        let odd = "<а чаша ".repeat(5_000);
        assert_eq!(to_latin(&odd), "<a chasha ".repeat(5_000));
        let odd = "<b чаша ".repeat(5_000);
        assert_eq!(to_latin(&odd), "<b chasha ".repeat(5_000));
    }

    #[test]
    fn words_come_back_from_the_other_script() {
        for word in ["Kosa", "Koʻk choynak", "Togʻ asali", "Yetkazib berish", "Paxta gazlama", "CHOY"] {
            assert_eq!(to_latin(&to_cyrillic(word)), word);
        }
    }

    proptest! {
        // Without dots, which make an address of what stands around them.
        #[test]
        fn no_character_of_the_alphabet_is_left(text in "[а-яА-ЯўқғҳЎҚҒҲёЁa-z >&0-9]{0,60}") {
            let latin = to_latin(&text);
            prop_assert!(!latin.chars().any(|character| matches!(character, 'а'..='я' | 'А'..='Я')), "{}", latin);
            prop_assert_eq!(to_latin(&latin), latin.clone());
        }
    }
}
