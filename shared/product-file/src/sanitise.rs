//! Sanitises the HTML of descriptions: untrusted input that is shown on public pages. Only plain formatting is kept.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use domain::text::{BadText, LongText, composed, is_forbidden};

/// Kept are text, paragraphs, emphasis, lists, headings, tables and links. Pictures are removed, because a foreign
/// server would learn who reads the page; styles, classes and ids, because they would affect the surrounding page.
static ALLOWED_HTML: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut allowed = Builder::empty();
    allowed
        .tags(HashSet::from([
            "a",
            "b",
            "blockquote",
            "br",
            "caption",
            "code",
            "dd",
            "div",
            "dl",
            "dt",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "i",
            "li",
            "ol",
            "p",
            "pre",
            "s",
            "small",
            "strong",
            "sub",
            "sup",
            "table",
            "tbody",
            "td",
            "tfoot",
            "th",
            "thead",
            "tr",
            "u",
            "ul",
        ]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("td", HashSet::from(["colspan", "rowspan"])),
            ("th", HashSet::from(["colspan", "rowspan"])),
        ]))
        .clean_content_tags(HashSet::from([
            "script", "style", "template", "title", "iframe", "noembed", "noframes", "noscript", "object", "svg",
            "math", "textarea", "select", "xmp",
        ]))
        .url_schemes(HashSet::from(["https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow noopener noreferrer"))
        .strip_comments(true);
    allowed
});

/// The most times that the result is cleaned again until it no longer changes: repaired HTML may need another round.
const MAX_ROUNDS: usize = 6;
/// The most tags of a description. Closing tags count too, because some of them create elements. For each tag a parser
/// searches all open elements, so the cost of nested tags grows with the square of their number.
const MAX_HTML_TAGS: usize = 5_000;
/// The most elements that a parser may have to create to repair unclosed formatting.
const MAX_REPAIRS: usize = 100_000;
/// The most attributes of a tag. A parser compares each with all before it.
const MAX_ATTRIBUTES: u32 = 100;
/// Elements that a parser opens again in each paragraph when they were not closed.
/// <https://html.spec.whatwg.org/multipage/parsing.html#the-list-of-active-formatting-elements>
const FORMATTING: [&str; 13] =
    ["b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// The description that is kept and shown of what a vendor wrote or a file has, both measured before they are parsed.
/// Escaping makes it longer, so its length is checked once more: it must be accepted when its vendor sends it back.
pub fn shown_description(html: &LongText) -> Result<LongText, BadText> {
    LongText::parse(&sanitise(html.as_str()))
}

/// The part of the HTML that may be shown. Sanitising twice gives the same as sanitising once.
///
/// HTML that still changes after six rounds, or that would make a parser produce far more elements than it was given,
/// is escaped and shown as text.
fn sanitise(html: &str) -> String {
    stable(html).unwrap_or_else(|| as_text(html))
}

fn stable(html: &str) -> Option<String> {
    let mut current = cleaned(html)?;
    for _ in 0..MAX_ROUNDS {
        let next = cleaned(&current)?;
        if next == current {
            return Some(current);
        }
        current = next;
    }
    None
}

fn cleaned(html: &str) -> Option<String> {
    is_simple(html).then(|| {
        let shown = ALLOWED_HTML.clean(&with_stops(html)).to_string();
        // Composed here too, for what entities wrote; the next round sees what that made of `>` and a stroke.
        composed(&visible(&shown.replace(STOP, ""))).into_owned()
    })
}

/// What a stop is in HTML, and how html5ever writes it. Its second character stands for nothing in any text.
const STOP: &str = "&gt;\u{fdd0}";

/// The HTML with a stop before each character that html5ever's serializer looks for: `&`, and U+0080 to U+00BF, which
/// begin with the byte of a non-breaking space.
///
/// For each of them the serializer searches the whole rest of the text for the next `<` or `>` first
/// (`html5ever::serialize::write_escaped`), so that 40,000 ampersands would cost as much as 800 MB of text. A stop has
/// a `>`, so no search is longer than the way to the next such character. It has nothing that ends a tag, a name or a
/// quoted value, so it changes nothing but the text, from which it is removed again.
fn with_stops(html: &str) -> String {
    let mut stopped = String::with_capacity(html.len());
    for character in html.chars().filter(|character| !is_invisible(*character)) {
        if matches!(character, '&' | '\u{80}'..='\u{bf}') {
            stopped.push_str(STOP);
        }
        stopped.push(character);
    }
    stopped
}

/// The text without what a text may not contain, trimmed. Entities can write what the source may not.
fn visible(text: &str) -> String {
    let visible: String = text.chars().filter(|found| *found != '\r' && !is_invisible(*found)).collect();
    visible.trim().to_owned()
}

fn is_invisible(character: char) -> bool {
    !matches!(character, '\n' | '\r' | '\t') && is_forbidden(character)
}

/// The escaped source.
fn as_text(html: &str) -> String {
    let escaped =
        composed(html).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\u{a0}', "&nbsp;");
    visible(&escaped)
}

/// Whether the parsed tree stays in proportion to the source: unclosed formatting is opened again in each later
/// element, so that a few kilobytes could become millions of elements. A parser keeps at most three equal elements and
/// one link open, so only formatting with attributes accumulates without bound. The estimate is never too low.
fn is_simple(html: &str) -> bool {
    let (mut tags, mut unclosed) = (0_usize, 0_usize);
    let mut kinds = BTreeSet::new();
    for after in html.split('<').skip(1) {
        tags += usize::from(after.starts_with(|character: char| character.is_ascii_alphabetic() || character == '/'));
        let end = after.find(|character: char| character.is_ascii_whitespace() || matches!(character, '/' | '>'));
        let (name, rest) = end.and_then(|end| after.split_at_checked(end)).unwrap_or((after, ""));
        if let Some(kind) = FORMATTING.iter().find(|kind| kind.eq_ignore_ascii_case(name)) {
            kinds.insert(*kind);
            unclosed += usize::from(!rest.starts_with('>'));
        }
    }
    let open = unclosed.saturating_add(kinds.len() * 3 + 1);
    tags <= MAX_HTML_TAGS && open.saturating_mul(tags) <= MAX_REPAIRS && most_attributes(html) <= MAX_ATTRIBUTES
}

/// The most attributes that any tag of the HTML has, wherever a parser sees tags: what looks like one inside a comment
/// or a quoted value counts too. Read from the end, so that one pass knows for each place how many attributes follow
/// in each state of a tokenizer.
fn most_attributes(html: &str) -> u32 {
    let bytes = html.as_bytes();
    let before = |index: usize, back: usize| index.checked_sub(back).and_then(|index| bytes.get(index));
    let (mut ahead, mut most) = (AttributesAhead::default(), 0);
    for (index, byte) in bytes.iter().enumerate().rev() {
        ahead = ahead.preceded_by(*byte);
        let opens =
            before(index, 1) == Some(&b'<') || (before(index, 1), before(index, 2)) == (Some(&b'/'), Some(&b'<'));
        if opens && byte.is_ascii_alphabetic() {
            most = most.max(ahead.tag_name);
        }
    }
    most
}

/// How many attributes begin between a place in a tag and its end, by the state in which a tokenizer is there.
/// <https://html.spec.whatwg.org/multipage/parsing.html#tag-name-state>
#[derive(Clone, Copy, Default)]
struct AttributesAhead {
    tag_name: u32,
    before_name: u32,
    name: u32,
    after_name: u32,
    before_value: u32,
    double_quoted: u32,
    single_quoted: u32,
    unquoted: u32,
}

impl AttributesAhead {
    fn preceded_by(self, byte: u8) -> Self {
        let begun = self.name.saturating_add(1);
        match byte {
            b'>' => Self { double_quoted: self.double_quoted, single_quoted: self.single_quoted, ..Self::default() },
            b'\t' | b'\n' | b'\r' | b'\x0c' | b' ' => {
                Self { tag_name: self.before_name, name: self.after_name, unquoted: self.before_name, ..self }
            }
            b'/' => Self {
                tag_name: self.before_name,
                name: self.before_name,
                after_name: self.before_name,
                before_value: self.unquoted,
                ..self
            },
            b'=' => Self {
                before_name: begun,
                name: self.before_value,
                after_name: self.before_value,
                before_value: self.unquoted,
                ..self
            },
            b'"' => Self {
                before_name: begun,
                after_name: begun,
                before_value: self.double_quoted,
                double_quoted: self.before_name,
                ..self
            },
            b'\'' => Self {
                before_name: begun,
                after_name: begun,
                before_value: self.single_quoted,
                single_quoted: self.before_name,
                ..self
            },
            _ => Self { before_name: begun, after_name: begun, before_value: self.unquoted, ..self },
        }
    }
}

#[cfg(test)]
mod tests;
