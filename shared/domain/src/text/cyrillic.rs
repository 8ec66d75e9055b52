//! Uzbek from Latin into Cyrillic script.
//!
//! Texts are written in Latin script once; their Cyrillic form is computed, so that the two cannot say different
//! things. What is not Uzbek stays: places for values, tags, entities, addresses and names of brands.

mod apostrophe;
mod foreign;
mod word;

use apostrophe::{Quotation, is_apostrophe};

/// Transliterates Uzbek text.
///
/// `{name}`, `<tags>`, `&entities;`, addresses of pages and mailboxes, file names, brands and words that cannot be
/// Uzbek are left as they are. So is every character that is not a Latin one: punctuation, digits, text that is
/// Cyrillic already.
///
/// It is for texts of ours. On a text of a stranger, with thousands of braces that nothing closes, it would take time
/// by the square of the length: that is for [`content_to_cyrillic`].
pub fn to_cyrillic(latin: &str) -> String {
    transliterated(latin, Braces::ArePlaces)
}

/// Transliterates what a shop has written, as [`to_cyrillic`] does, but for braces, which are its own.
pub fn content_to_cyrillic(latin: &str) -> String {
    transliterated(latin, Braces::AreText)
}

/// What braces are in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Braces {
    ArePlaces,
    AreText,
}

/// A part of a text.
pub(super) enum Piece<'a> {
    /// Words, and what stands between them.
    Words(&'a str),
    /// A place for a value, a tag, an entity or an address, which is the same in every script.
    Fixed(&'a str),
}

/// The parts of a text, in their order.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    braces: Braces,
    /// Whether a `<` may begin a tag: where nothing closes one, nothing closes those behind it, and none is looked for,
    /// so that a text with thousands of them takes a time by its length.
    has_tags: bool,
}

impl<'a> Pieces<'a> {
    pub(super) const fn of(text: &'a str, braces: Braces) -> Self {
        Self { rest: text, braces, has_tags: true }
    }

    /// How many bytes at the start of the rest are the same in every script.
    fn fixed_length(&mut self) -> usize {
        let (text, braces) = (self.rest, self.braces);
        match text.chars().next() {
            Some('{') if braces == Braces::ArePlaces => place_length(text),
            Some('<') if self.has_tags && begins_tag(text) => {
                let length = tag_length(text);
                self.has_tags = length > 0;
                length
            }
            Some('<') => 0,
            Some('&') => entity_length(text),
            Some(first) if !first.is_whitespace() => {
                if !is_address(text.get(..piece_length(text, braces)).unwrap_or_default()) {
                    return 0;
                }
                // An address goes on through the braces and entities in it, until a space or a tag ends it.
                text.find(|character: char| character.is_whitespace() || character == '<').unwrap_or(text.len())
            }
            _ => 0,
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let fixed = self.fixed_length();
        let length = if fixed > 0 { fixed } else { piece_length(self.rest, self.braces) };
        let (piece, behind) = self.rest.split_at(length);
        self.rest = behind;
        Some(if fixed > 0 { Piece::Fixed(piece) } else { Piece::Words(piece) })
    }
}

fn transliterated(latin: &str, braces: Braces) -> String {
    // A Cyrillic character has two bytes.
    let mut written = String::with_capacity(latin.len() * 2);
    let mut quotation = Quotation::default();
    for piece in Pieces::of(latin, braces) {
        match piece {
            Piece::Words(words) => transliterate(words, &mut quotation, &mut written),
            Piece::Fixed(fixed) => written.push_str(fixed),
        }
    }
    written
}

/// How many bytes follow until something else may begin: a space, or what [`Pieces`] knows. At least one
/// character, so that every piece is progress.
fn piece_length(text: &str, braces: Braces) -> usize {
    let ends = |(at, character): &(usize, char)| {
        let is_entity = *character == '&' && entity_length(text.get(*at..).unwrap_or_default()) > 0;
        is_entity
            || character.is_whitespace()
            || *character == '<'
            || (*character == '{' && braces == Braces::ArePlaces)
    };
    // Leading spaces belong to nobody, and are pieces of their own.
    let first = text.chars().next().map_or(0, char::len_utf8);
    if text.starts_with(char::is_whitespace) {
        return first;
    }
    text.char_indices().skip(1).find(ends).map_or(text.len(), |(at, _)| at)
}

/// The length of `{name}` with what is nested in it; zero when nothing closes it.
fn place_length(text: &str) -> usize {
    let mut depth = 0_u32;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    0
}

/// Whether a `<` is that of a tag or a comment; else it stands for "less than".
fn begins_tag(text: &str) -> bool {
    text.chars().nth(1).is_some_and(|second| second.is_ascii_alphabetic() || matches!(second, '/' | '!'))
}

/// The length of a tag or a comment; zero when nothing closes it. A `>` in a quoted attribute closes none.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    0
}

/// The length of `&name;` or `&#39;`; zero for an `&` that stands for itself.
fn entity_length(text: &str) -> usize {
    // The longest name of HTML has 31 characters.
    let name = text.get(1..).unwrap_or_default();
    let length = name.bytes().take(33).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#').count();
    let is_entity = length > 0 && name.as_bytes().get(length) == Some(&b';');
    if is_entity { length + 2 } else { 0 }
}

/// Whether a piece without spaces is the address of a page or a mailbox, a path, or the name of a file.
fn is_address(piece: &str) -> bool {
    let trimmed = piece.trim_start_matches(['(', '[', '"', '«', '“', '‘', '\'']);
    let is_path =
        trimmed.strip_prefix('/').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()));
    is_path
        || trimmed.contains('@')
        || trimmed.contains("://")
        || ["mailto:", "tel:", "sms:"].iter().any(|scheme| trimmed.starts_with(scheme))
        || has_name_with_dot(trimmed)
}

/// Whether there is a dot as in `bozor.uz` or `products.csv`: without a space behind it, with two lower-case characters
/// of ASCII. Abbreviations such as `h.k.` have one, and the next sentence begins with a capital.
fn has_name_with_dot(piece: &str) -> bool {
    piece.char_indices().filter(|(_, character)| *character == '.').any(|(at, _)| {
        let before = piece.get(..at).unwrap_or_default();
        let ending = piece.get(at + 1..).unwrap_or_default();
        let ending = ending.split(|character: char| !character.is_ascii_alphanumeric()).next().unwrap_or_default();
        before.ends_with(|last: char| last.is_ascii_alphanumeric())
            && ending.len() >= 2
            && ending.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && ending.starts_with(|first: char| first.is_ascii_lowercase())
    })
}

/// Transliterates the words of a piece and leaves what is between them.
fn transliterate(piece: &str, quotation: &mut Quotation, written: &mut String) {
    let mut rest = piece;
    while let Some(first) = rest.chars().next() {
        let length = word_length(rest, quotation);
        let (part, behind) = rest.split_at(if length > 0 { length } else { first.len_utf8() });
        if length > 0 {
            word::write(part, written);
        } else {
            quotation.pass(first);
            written.push(first);
        }
        rest = behind;
    }
}

/// The length of the word at the start of `text`, with its apostrophes; zero when there is none.
///
/// An apostrophe inside a word belongs to it. At its end only one behind `o` or `g` does, as in `tog‘`, unless it
/// closes a quotation: the opening `‘` closes none.
fn word_length(text: &str, quotation: &Quotation) -> usize {
    let mut length = 0;
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let belongs = if is_apostrophe(character) {
            let is_inside = characters.peek().is_some_and(char::is_ascii_alphabetic);
            let modifies = matches!(before, Some('o' | 'O' | 'g' | 'G'));
            let closes = quotation.is_closed_by(character);
            before.is_some_and(|last: char| last.is_ascii_alphabetic()) && (is_inside || (modifies && !closes))
        } else {
            character.is_ascii_alphabetic()
        };
        if !belongs {
            break;
        }
        length += character.len_utf8();
        before = Some(character);
    }
    length
}

#[cfg(test)]
mod tests;
