//! Which characters a text may have, and the one form in which it is kept.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// The text in Normalization Form C, in which a letter with its accent has one spelling
/// (<https://unicode.org/reports/tr15/>).
///
/// It composes also a `<`, `=` or `>` with a stroke that follows, so HTML is normalised before it is sanitised, never
/// after.
pub fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Whether no text may have the character: a control character (only some types allow line breaks and tabs), an
/// embedding, override or isolate of the writing direction, which would reorder what is shown beside the text, or a
/// code point that is no character. SQS takes no message with some of the last.
pub fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || is_noncharacter(character)
}

/// <https://www.unicode.org/faq/private_use.html#noncharacters>
const fn is_noncharacter(character: char) -> bool {
    matches!(character, '\u{fdd0}'..='\u{fdef}') || character as u32 & 0xfffe == 0xfffe
}
