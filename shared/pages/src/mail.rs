//! What is written to people: the messages of mail and short messages, and a mail as text and as HTML.

mod languages;
mod messages;

use std::sync::OnceLock;

use askama::Template;

use crate::{Html, Language, to_cyrillic};

pub use self::messages::MailTexts;

impl MailTexts {
    /// The messages of a language.
    pub fn of(language: Language) -> &'static Self {
        static CYRILLIC: OnceLock<MailTexts> = OnceLock::new();
        match language {
            Language::En => &languages::en::TEXTS,
            Language::Ru => &languages::ru::TEXTS,
            Language::Uz => &languages::uz::TEXTS,
            Language::Zh => &languages::zh::TEXTS,
            // Once for each process: what is leaked is as long as the table.
            Language::UzCyrl => CYRILLIC.get_or_init(|| languages::uz::TEXTS.map(|text| to_cyrillic(text).leak())),
        }
    }
}

/// A mail that is being written, piece by piece.
#[derive(Clone, Debug)]
pub struct Draft {
    language: Language,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Code(String),
    /// Things, and the words above them if there are some.
    List(Option<String>, Vec<String>),
    Sums(Vec<(String, String)>),
    Link {
        words: String,
        href: String,
    },
}

/// A mail as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// Plain text, which says everything.
    pub text: String,
    /// The same as an HTML document that loads nothing.
    pub html: String,
}

impl Draft {
    /// Begins a mail. It does not address the reader by name: names are typed in by whoever orders, so the marketplace
    /// would mail a stranger's text to any address.
    pub fn new(language: Language) -> Self {
        Self { language, pieces: Vec::new() }.text(MailTexts::of(language).hello)
    }

    pub const fn language(&self) -> Language {
        self.language
    }

    fn with(mut self, piece: Piece) -> Self {
        self.pieces.push(piece);
        self
    }

    /// A paragraph, which may have several lines.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.with(Piece::Text(text.into()))
    }

    /// A code, alone on its line.
    #[must_use]
    pub fn code(self, code: impl Into<String>) -> Self {
        self.with(Piece::Code(code.into()))
    }

    /// Things, one below the other.
    #[must_use]
    pub fn list(self, things: Vec<String>) -> Self {
        self.with(Piece::List(None, things))
    }

    /// Things below the words that they belong to.
    #[must_use]
    pub fn list_of(self, words: String, things: Vec<String>) -> Self {
        self.with(Piece::List(Some(words), things))
    }

    /// Amounts with their names, the last one the total.
    #[must_use]
    pub fn sums(self, sums: Vec<(String, String)>) -> Self {
        self.with(Piece::Sums(sums))
    }

    /// Where to go, and the words in front of it.
    #[must_use]
    pub fn link(self, words: &str, href: impl Into<String>) -> Self {
        self.with(Piece::Link { words: words.to_owned(), href: href.into() })
    }

    /// The mail with a subject, from a site of this name.
    pub fn finish(self, subject: &str, site: &str) -> Mail {
        let (subject, site) = (one_line(subject), one_line(site));
        let mut text: String = self.pieces.iter().map(|piece| format!("{}\n\n", piece.text())).collect();
        text.push_str(&site);
        text.push('\n');
        let pieces: Vec<Html> = self.pieces.iter().map(Piece::html).collect();
        let page = Page { language: self.language, subject: &subject, site: &site, pieces: &pieces };
        let html = Html::of(&page).into_string();
        Mail { subject, text, html }
    }
}

impl Piece {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => printable(text),
            Self::Code(code) => one_line(code),
            Self::List(words, things) => {
                let words = words.iter().map(|words| one_line(words));
                let things = things.iter().map(|thing| format!("- {}", one_line(thing)));
                words.chain(things).collect::<Vec<_>>().join("\n")
            }
            Self::Sums(sums) => {
                let line = |(name, amount): &(String, String)| format!("{}: {}", one_line(name), one_line(amount));
                sums.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            Self::Link { words, href } => format!("{}\n{}", one_line(words), one_line(href)),
        }
    }

    fn html(&self) -> Html {
        match self {
            Self::Text(text) => Html::of(&Paragraph { lines: printable(text).lines().map(str::to_owned).collect() }),
            Self::Code(code) => Html::of(&Code { code: &one_line(code) }),
            Self::List(words, things) => {
                let words = words.iter().map(|words| Html::of(&Paragraph { lines: vec![one_line(words)] }));
                let things = Html::of(&List { things: things.iter().map(|thing| one_line(thing)).collect() });
                Html::joined(words.chain([things]))
            }
            Self::Sums(sums) => Html::of(&Sums { sums }),
            Self::Link { words, href } => {
                let words = one_line(words);
                Html::of(&Link { words: words.trim_end_matches([':', '：']), href: &one_line(href) })
            }
        }
    }
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Page<'a> {
    language: Language,
    subject: &'a str,
    site: &'a str,
    pieces: &'a [Html],
}

#[derive(Template)]
#[template(
    source = "<p style=\"margin:0 0 1em\">{% for line in lines %}{% if !loop.first %}<br>{% endif %}{{ line }}{% endfor %}</p>",
    ext = "html"
)]
struct Paragraph {
    lines: Vec<String>,
}

#[derive(Template)]
#[template(
    source = "<p style=\"margin:0 0 1em;font:bold 28px/1.2 monospace;letter-spacing:.12em;overflow-wrap:anywhere\">{{ code }}</p>",
    ext = "html"
)]
struct Code<'a> {
    code: &'a str,
}

#[derive(Template)]
#[template(
    source = "<ul style=\"margin:0 0 1em;padding:0 0 0 1.2em\">{% for thing in things %}<li>{{ thing }}</li>{% endfor %}</ul>",
    ext = "html"
)]
struct List {
    things: Vec<String>,
}

#[derive(Template)]
#[template(
    source = "<table style=\"margin:0 0 1em;border-collapse:collapse\">{% for (name, amount) in sums %}\
              <tr><th scope=\"row\" style=\"padding:0 2em 0 0;font-weight:normal;text-align:left\">{{ name }}</th>\
              <td style=\"text-align:right{% if loop.last %};font-weight:bold{% endif %}\">{{ amount }}</td></tr>\
              {% endfor %}</table>",
    ext = "html"
)]
struct Sums<'a> {
    sums: &'a [(String, String)],
}

#[derive(Template)]
#[template(
    source = "<p style=\"margin:0 0 1em\"><a href=\"{{ href }}\" style=\"display:inline-block;padding:12px 20px;\
              border-radius:8px;background:#0a5c64;color:#ffffff;font-weight:bold;text-decoration:none\">{{ words }}</a></p>",
    ext = "html"
)]
struct Link<'a> {
    words: &'a str,
    href: &'a str,
}

/// Whether a character could add lines to a message or change how others are read.
fn is_odd(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with control characters and line breaks replaced by blanks, so that a title cannot add lines to a message.
pub fn one_line(text: &str) -> String {
    text.chars().map(|character| if is_odd(character) { ' ' } else { character }).collect()
}

/// The same of a text that may have several lines.
fn printable(text: &str) -> String {
    text.replace("\r\n", "\n").split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn places(message: &str) -> BTreeSet<&str> {
        message.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_message_of_mail_has_the_same_places_in_every_language() {
        let english = MailTexts::of(Language::En).all();
        for language in Language::ALL {
            for ((name, english), (_, other)) in english.iter().zip(MailTexts::of(language).all()) {
                assert_eq!(places(english), places(other), "{name} in {language:?}: {other}");
                assert!(!other.trim().is_empty() && one_line(other) == other, "{name} in {language:?}: {other}");
            }
        }
    }

    #[test]
    fn a_mail_says_the_same_as_text_and_as_html_and_what_was_typed_is_text() {
        let mail = Draft::new(Language::Ru)
            .text("Раз\r\nдва")
            .code("048151")
            .list(vec!["2 x </li><script>alert(1)</script>\r\nBcc: all".to_owned()])
            .sums(vec![("Всего".to_owned(), "12,50 $".to_owned())])
            .link("Откройте здесь:", "https://shop.example/r/a?b=\"c\"&d")
            .finish("Subject\r\nBcc: all", "Bozor <b>");
        assert_eq!(mail.subject, "Subject  Bcc: all");
        assert!(mail.text.lines().any(|line| line == "048151"), "{}", mail.text);
        assert!(mail.text.contains("- 2 x </li><script>alert(1)</script>  Bcc: all\n"), "{}", mail.text);
        assert!(mail.text.contains("Всего: 12,50 $\n") && mail.text.contains("Раз\nдва\n"), "{}", mail.text);
        assert!(
            mail.text.ends_with("Откройте здесь:\nhttps://shop.example/r/a?b=\"c\"&d\n\nBozor <b>\n"),
            "{}",
            mail.text
        );
        assert!(mail.html.contains("<html lang=\"ru\">") && mail.html.contains("Раз<br>два"), "{}", mail.html);
        assert!(!mail.html.contains("<script>") && !mail.html.contains("<b>"), "{}", mail.html);
        assert!(!mail.html.contains("b=\"c\""), "{}", mail.html);
        for loads in ["src=", "url(", "<link", "@import", "http://"] {
            assert!(!mail.html.contains(loads), "{loads} in {}", mail.html);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_was_typed_is_markup_or_a_line_of_its_own(typed in "\\PC{0,40}|[<>&\"'\r\n\t]{0,20}") {
            let draft = || Draft::new(Language::En);
            let without = draft().list(vec![String::new()]).finish("", "").html;
            let mail = draft().list(vec![typed.clone()]).finish(&typed, "");
            prop_assert_eq!(mail.html.matches('<').count(), without.matches('<').count());
            prop_assert_eq!(mail.text.lines().count(), draft().list(vec![String::new()]).finish("", "").text.lines().count());
            prop_assert!(!mail.subject.chars().any(char::is_control));
        }
    }
}
