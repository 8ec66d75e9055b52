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
        ("<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">", ""),
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

#[test]
fn characters_that_no_text_may_have_do_not_come_in_by_entities() {
    assert_eq!(sanitise("a&#xFFFE;b&#xFDD0;c&#x202E;d&gt;&#xFDD0;e"), "abcd&gt;e");
    assert_eq!(sanitise("&laquo;\u{b0}&nbsp;\u{a0}&#176;&amp;amp;\u{bb}"), "«°&nbsp;&nbsp;°&amp;amp;»");
    assert_eq!(
        sanitise("<p title='&'>&lt&<b>&am</b>&p;&"),
        "<p title=\"&amp;\">&lt;&amp;<b>&amp;am</b>&amp;p;&amp;</p>"
    );
}

#[test]
fn what_is_composed_after_sanitising_is_sanitised_again() {
    for source in ["<p>&#x338; onclick=alert(1)>x</p>", "<p>\u{338} onclick=alert(1)>x</p>"] {
        let shown = sanitise(source);
        assert_eq!(composed(&shown), shown, "{source}");
        assert!(!shown.contains("<p\u{226f}"), "{shown}");
    }
}

#[test]
fn a_tag_with_too_many_attributes_is_shown_as_text() {
    let tag = |attributes: usize| format!("<p{}>x</p>", " a=\"b>\"".repeat(attributes));
    assert_eq!(sanitise(&tag(100)), "<p>x</p>");
    assert!(sanitise(&tag(101)).starts_with("&lt;p a="));
    let names: String = (0..20_000).map(|name| format!(" a{name}")).collect();
    for hostile in [
        format!("<a{names}"),
        format!("</a{names}>"),
        format!("<!-- <a x=\" --><b{names}>"),
        format!("<a x='<a y=\"'{names}>\">"),
        format!("<a x=''{}>", names.replace(' ', "/")),
    ] {
        assert!(most_attributes(&hostile) > MAX_ATTRIBUTES, "{hostile:.60}");
    }
    let words = "five words before a break <br> ".repeat(1_000);
    assert!(most_attributes(&words) < 2);
}

#[test]
fn a_description_is_measured_before_it_is_parsed_and_after() {
    let long = |text: &str| LongText::parse(text).and_then(|html| shown_description(&html));
    assert_eq!(long(&"&".repeat(40_001)), Err(BadText::TooLong(40_000)));
    assert_eq!(long(&"&".repeat(8_001)), Err(BadText::TooLong(40_000)));
    assert!(long(&"&".repeat(8_000)).is_ok());
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
        "&",
        "\u{ab}",
        "\u{338}",
        "&#x338;",
        "&#xFDD0;",
        "&gt;",
        "e\u{301}",
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
        prop_assert_eq!(composed(&once), once.as_str());
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
