//! Which characters a text may have, and the one form in which it is kept.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// The text in Normalization Form C, in which a letter with its accent has one spelling
/// (<https://unicode.org/reports/tr15/>).
///
/// It composes also a `<`, `=` or `>` with a stroke that follows, so HTML is normalised before it is sanitised, never
/// after.
pub fn composed(text: &str) -> Cow<'_, str> {
    // ASCII is composed already, and most stored texts are that.
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
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

/// The form in which a text is kept: composed, without blanks and zero-width spaces at its ends, and with one kind of
/// line break. Empty when nothing of it can be seen.
pub(super) fn kept_form(text: &str) -> String {
    let composed = composed(text);
    let lines =
        if composed.contains('\r') { Cow::Owned(composed.replace("\r\n", "\n").replace('\r', "\n")) } else { composed };
    let kept =
        lines.trim_matches(|end: char| end.is_whitespace() || matches!(end, '\u{200b}' | '\u{2060}' | '\u{feff}'));
    if is_blank(kept) { String::new() } else { kept.to_owned() }
}

/// Whether nothing of the text can be seen.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || is_unseen(character))
}

/// Whether the character is shown as nothing: Unicode's `Default_Ignorable_Code_Point` without what [`is_forbidden`]
/// has, and the empty pattern of Braille. Most of them are needed between others, as in emoji and in Persian.
/// <https://www.unicode.org/Public/17.0.0/ucd/DerivedCoreProperties.txt>
pub const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether the character ends a line for some reader: one line of text has none of them.
pub fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The ASCII digit for a decimal digit of any script that people of our countries write, and for its full-width form.
pub(super) fn ascii_digit(character: char) -> Option<char> {
    /// The zeros of Arabic (two kinds), N'Ko, the scripts of India, Thai, Lao, Tibetan, Myanmar, Khmer and Mongolian,
    /// and full width. The nine digits follow each.
    const ZEROS: [u32; 22] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
        0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0xff10,
    ];
    let digit = ZEROS.iter().find_map(|zero| u32::from(character).checked_sub(*zero).filter(|digit| *digit < 10))?;
    char::from_digit(digit, 10)
}
