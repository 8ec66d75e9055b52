//! Texts in ASCII, for handles: transliterated from Cyrillic, accents taken off.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// A text's letters and digits in lower-case ASCII, a hyphen in the place of anything else. Apostrophes and accents
/// are dropped; what has no counterpart, such as Chinese characters, is as good as a blank.
///
/// Uzbek and Russian Cyrillic as Uzbek's Latin alphabet of 1995 writes them, with the additions of Russian.
pub(super) fn latin(text: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd();
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            ascii.push(character);
        } else if let Some(ascii_text) = counterpart(character) {
            ascii.push_str(ascii_text);
        } else if !is_dropped(character) {
            let mut bytes = [0_u8; 4];
            let parts = decomposed.normalize(character.encode_utf8(&mut bytes));
            let base: String = parts.chars().filter(char::is_ascii_alphanumeric).collect();
            if base.is_empty() && !ascii.ends_with('-') {
                ascii.push('-');
            }
            ascii.push_str(&base.to_ascii_lowercase());
        }
    }
    ascii
}

/// Apostrophes and what stands for one in Uzbek, and accents that follow their letter.
fn is_dropped(character: char) -> bool {
    matches!(
        character,
        '\'' | '`' | '\u{b4}' | '\u{2bb}' | '\u{2bc}' | '\u{2018}' | '\u{2019}' | '\u{300}'..='\u{36f}' | 'ъ' | 'ь'
    )
}

const fn counterpart(character: char) -> Option<&'static str> {
    Some(match character {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ғ' => "g",
        'д' => "d",
        'е' | 'э' => "e",
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
        'о' | 'ў' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "x",
        'ҳ' => "h",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "shch",
        'ю' => "yu",
        'я' => "ya",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        _ => return None,
    })
}
