//! One Uzbek word from Latin into Cyrillic script.

use super::apostrophe::is_apostrophe;
use super::foreign;

/// Writes a word of ASCII characters and apostrophes in Cyrillic script.
pub(super) fn write(word: &str, written: &mut String) {
    if is_foreign(word) {
        written.push_str(word);
    } else if let Some(name) = foreign::latin_part(word) {
        written.push_str(name);
        let ending = word.get(name.len()..).unwrap_or_default();
        // Without the apostrophe's sound: it only parts the ending from the name.
        let parting = ending.chars().next().filter(|first| is_apostrophe(*first));
        written.extend(parting);
        write_native(ending.get(parting.map_or(0, char::len_utf8)..).unwrap_or_default(), Before::Consonant, written);
    } else if let Some((length, cyrillic)) = foreign::loanword(word) {
        let (start, ending) = word.split_at(length);
        write_like(start, cyrillic, written);
        let ends_in_vowel = start.ends_with(|last: char| is_vowel(last.to_ascii_lowercase()));
        write_native(ending, if ends_in_vowel { Before::Vowel } else { Before::Consonant }, written);
    } else {
        write_native(word, Before::Nothing, written);
    }
}

/// Whether a word cannot be Uzbek: Uzbek has no `w` and no `c` but in `ch`, and Roman numbers stay what they are.
fn is_foreign(word: &str) -> bool {
    let mut characters = word.chars().map(|character| character.to_ascii_lowercase()).peekable();
    let mut is_odd = false;
    while let Some(character) = characters.next() {
        is_odd |= character == 'w' || (character == 'c' && characters.peek() != Some(&'h'));
    }
    is_odd || (word.len() > 1 && word.bytes().all(|byte| matches!(byte, b'I' | b'V' | b'X')))
}

/// What stands before a sound in its word. It decides between `э` and `е`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Vowel,
    Consonant,
}

/// What the start of a word is written as.
struct Sound {
    /// How many bytes of Latin text it takes.
    length: usize,
    /// In lower case.
    cyrillic: &'static str,
    is_vowel: bool,
}

/// Writes what is Uzbek by the rules of spelling.
fn write_native(word: &str, before: Before, written: &mut String) {
    let (mut rest, mut before, mut last) = (word, before, None);
    while let Some(first) = rest.chars().next() {
        let sound = sound(rest, before, last);
        // The hard sign has no case of its own: it is a capital among capitals.
        let next = rest.chars().nth(1);
        let is_capital = if is_apostrophe(first) {
            last.is_some_and(|last: char| last.is_ascii_uppercase())
                && next.is_some_and(|next| next.is_ascii_uppercase())
        } else {
            first.is_ascii_uppercase()
        };
        if is_capital {
            written.extend(sound.cyrillic.chars().flat_map(char::to_uppercase));
        } else {
            written.push_str(sound.cyrillic);
        }
        let (taken, behind) = rest.split_at(sound.length);
        before = if sound.is_vowel { Before::Vowel } else { Before::Consonant };
        last = taken.chars().next_back();
        rest = behind;
    }
}

/// The sound at the start of `rest`, which is not empty; `last` is the character before it.
fn sound(rest: &str, before: Before, last: Option<char>) -> Sound {
    let mut characters = rest.chars();
    let mut next = || characters.next().map_or('\0', |character| character.to_ascii_lowercase());
    let (first, second, third) = (next(), next(), next());
    let vowel = |length, cyrillic| Sound { length, cyrillic, is_vowel: true };
    let consonant = |length, cyrillic| Sound { length, cyrillic, is_vowel: false };
    match (first, second) {
        ('s', 'h') => consonant(2, "ш"),
        ('c', 'h') => consonant(2, "ч"),
        ('t', 's') if before == Before::Nothing || !is_ending_with_s(rest.get(1..).unwrap_or_default()) => {
            consonant(2, "ц")
        }
        ('y', 'a') => vowel(2, "я"),
        // `yo‘` is `й` and `ў`, as in `йўқ`.
        ('y', 'o') if !is_apostrophe(third) => vowel(2, "ё"),
        ('y', 'u') => vowel(2, "ю"),
        ('y', 'e') => vowel(2, "е"),
        ('o', modifier) if is_apostrophe(modifier) => vowel(1 + modifier.len_utf8(), "ў"),
        ('g', modifier) if is_apostrophe(modifier) => consonant(1 + modifier.len_utf8(), "ғ"),
        ('e', _) => vowel(1, if before == Before::Consonant { "е" } else { "э" }),
        // `s’h` is not `sh`, and says nothing else: `Исҳоқ`.
        (apostrophe, 'h') if is_apostrophe(apostrophe) && matches!(last, Some('s' | 'S')) => {
            consonant(apostrophe.len_utf8(), "")
        }
        (apostrophe, _) if is_apostrophe(apostrophe) => consonant(apostrophe.len_utf8(), "ъ"),
        (other, _) => Sound { length: other.len_utf8(), cyrillic: single(other), is_vowel: is_vowel(other) },
    }
}

/// Whether the `s` behind a `t` begins an ending or is that of `sh`, so that the two are no `ц`: `кетса`, `айтсин`,
/// `хизматсиз` against `процент`, `акция`. The few loanwords with `ца` stand among the loanwords.
fn is_ending_with_s(rest: &str) -> bool {
    let rest = rest.to_ascii_lowercase();
    let is_imperative = rest.strip_prefix("sin").is_some_and(|more| more.is_empty() || more.starts_with("lar"));
    rest.starts_with("sh") || rest.starts_with("sa") || rest.starts_with("siz") || is_imperative
}

fn is_vowel(latin: char) -> bool {
    matches!(latin, 'a' | 'e' | 'i' | 'o' | 'u')
}

/// What one Latin character alone is. `c`, `w` and whatever is not Latin do not come here.
fn single(latin: char) -> &'static str {
    match latin {
        'a' => "а",
        'b' => "б",
        'd' => "д",
        'f' => "ф",
        'g' => "г",
        'h' => "ҳ",
        'i' => "и",
        'j' => "ж",
        'k' => "к",
        'l' => "л",
        'm' => "м",
        'n' => "н",
        'o' => "о",
        'p' => "п",
        'q' => "қ",
        'r' => "р",
        's' => "с",
        't' => "т",
        'u' => "у",
        'v' => "в",
        'x' => "х",
        'y' => "й",
        'z' => "з",
        _ => "",
    }
}

/// Writes a Cyrillic word in the case of a Latin one: small, with a capital, in capitals.
fn write_like(latin: &str, cyrillic: &str, written: &mut String) {
    let is_capitals = latin.len() > 1 && latin.bytes().all(|byte| byte.is_ascii_uppercase());
    let has_capital = latin.starts_with(|first: char| first.is_ascii_uppercase());
    for (place, character) in cyrillic.chars().enumerate() {
        if is_capitals || (has_capital && place == 0) {
            written.extend(character.to_uppercase());
        } else {
            written.push(character);
        }
    }
}
