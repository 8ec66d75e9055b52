//! Sanitises the HTML of descriptions: untrusted input that is shown on public pages. Only plain formatting is kept.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

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
/// Elements that a parser opens again in each paragraph when they were not closed.
/// <https://html.spec.whatwg.org/multipage/parsing.html#the-list-of-active-formatting-elements>
const FORMATTING: [&str; 13] =
    ["b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// The part of the HTML that may be shown. Sanitising twice gives the same as sanitising once.
///
/// HTML that still changes after six rounds, or that would make a parser produce far more elements than it was given,
/// is escaped and shown as text.
pub fn sanitise(html: &str) -> String {
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
        let shown = ALLOWED_HTML.clean(html).to_string();
        shown
            .chars()
            .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
            .collect::<String>()
            .trim()
            .to_owned()
    })
}

/// The escaped source.
fn as_text(html: &str) -> String {
    let shown: String = html
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\u{a0}', "&nbsp;")
        .chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .collect();
    shown.trim().to_owned()
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
    tags <= MAX_HTML_TAGS && open.saturating_mul(tags) <= MAX_REPAIRS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formatting_stays_and_everything_else_goes() {
        for (source, shown) in [
            ("<p>Hand <b>made</b><br>in Rishtan</p>", "<p>Hand <b>made</b><br>in Rishtan</p>"),
            ("a<script>alert(1)</script>b", "ab"),
            ("<p style=\"color:red\" onclick=\"x()\" class=a id=b>x</p>", "<p>x</p>"),
            ("<img src=x onerror=alert(1)>x", "x"),
            ("<a href=\"javascript:alert(1)\">x</a>", "<a rel=\"nofollow noopener noreferrer\">x</a>"),
            ("<a href=\"/admin\">x</a>", "<a rel=\"nofollow noopener noreferrer\">x</a>"),
            (
                "<a href=\"https://a.test/?b&c\" target=_top>x</a>",
                "<a href=\"https://a.test/?b&amp;c\" rel=\"nofollow noopener noreferrer\">x</a>",
            ),
            ("<svg><style><img src=x onerror=alert(1)></style></svg>x", "x"),
            (
                "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
                "",
            ),
            ("5 < 6 & 7 > 2", "5 &lt; 6 &amp; 7 &gt; 2"),
            ("<div><span>x</span></div>", "<div>x</div>"),
            ("<iframe src=https://a.test></iframe><form><input value=1></form>x", "x"),
            ("  \u{1}line\r\nline\u{0}\t&#1;&#13;end  ", "line\nline\tend"),
            ("", ""),
        ] {
            assert_eq!(sanitise(source), shown, "{source}");
        }
    }

    #[test]
    fn html_that_is_built_to_explode_is_shown_as_text() {
        let open: String = (0..1_000).map(|number| format!("<b x={number}>")).collect();
        let bomb = format!("{open}{}", "<p>".repeat(3_000));
        assert_eq!(sanitise(&bomb), bomb.replace('<', "&lt;").replace('>', "&gt;"));
        assert_eq!(sanitise(&sanitise(&bomb)), sanitise(&bomb));
        assert!(sanitise(&"<div>".repeat(100_000)).starts_with("&lt;div&gt;"));
    }

    #[test]
    fn deep_nesting_is_parsed_without_running_out_of_stack() {
        let deep = "<div>".repeat(2_400);
        assert_eq!(sanitise(&deep), format!("{deep}{}", "</div>".repeat(2_400)));
    }

    #[test]
    fn a_long_ordinary_description_is_no_bomb() {
        let row = "<tr><td style=\"x\"><strong style=\"y\">Height</strong></td><td>12 cm</td></tr>";
        let shown = sanitise(&format!("<table>{}</table>", row.repeat(60)));
        assert_eq!(shown.matches("<strong>").count(), 60);
    }

    /// Pieces that parsers repair in unexpected ways.
    fn fragments() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "<a href=https://a.test>",
            "<a href=\"javascript:x\">",
            "</a>",
            "<b>",
            "<b x=1>",
            "</b>",
            "<i>",
            "</i>",
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<table>",
            "</table>",
            "<tr>",
            "<td>",
            "</td>",
            "<caption>",
            "<ul>",
            "<li>",
            "</ul>",
            "<h1>",
            "</h2>",
            "<svg>",
            "</svg>",
            "<math>",
            "<mtext>",
            "<style>",
            "</style>",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<select>",
            "<option>",
            "<button>",
            "</button>",
            "<form>",
            "</form>",
            "<pre>",
            "\n",
            "\r",
            "<textarea>",
            "</textarea>",
            "<noscript>",
            "<template>",
            "<br/>",
            "</br>",
            "</p>",
            "text",
            "&lt;",
            "&amp;lt;",
            "&#13;",
            "&#0;",
            "&nbsp;",
            "<",
            ">",
            "\"",
            "'",
            "<frameset>",
            "<body onload=x>",
            "<html>",
            "<plaintext>",
            "<selectedcontent>",
            "<rt>",
            "<ruby>",
            "<nobr>",
            "<dd>",
            "<dt>",
            "<object>",
            "</object>",
            "<title>",
            "<foreignObject>",
            "<col>",
            "<input>",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn sanitising_twice_is_sanitising_once(html in prop_oneof![fragments(), any::<String>()]) {
            let once = sanitise(&html);
            prop_assert_eq!(sanitise(&once), once.clone());
            let lower = once.to_lowercase();
            for forbidden in ["<script", "<style", "<img", "<svg", "<iframe", "<a href=\"javascript", "<form"] {
                prop_assert!(!lower.contains(forbidden), "{}", once);
            }
        }

        #[test]
        fn text_is_a_fixed_point(text in any::<String>()) {
            let shown = as_text(&text);
            prop_assert_eq!(sanitise(&shown), shown);
        }
    }
}
