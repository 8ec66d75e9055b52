//! The parts that pages are put together from: alerts, forms, lines of goods, sums, tables, links.

use askama::Template;

use crate::{Html, Texts};

/// A link with its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub href: String,
    pub name: String,
    /// Whether it leads to what is shown.
    pub current: bool,
}

impl Link {
    pub fn new(href: impl Into<String>, name: impl Into<String>) -> Self {
        Self { href: href.into(), name: name.into(), current: false }
    }

    #[must_use]
    pub fn when_current(self, current: bool) -> Self {
        Self { current, ..self }
    }
}

/// How an alert or a state is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Info,
    Wait,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Wait => "wait",
        }
    }

    /// The class of a state's badge.
    pub const fn badge(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Bad => "bad",
            Self::Info => "",
            Self::Wait => "wait",
        }
    }
}

#[derive(Template)]
#[template(path = "parts/alert.html")]
struct Alert<'a> {
    kind: &'a str,
    title: &'a str,
    lines: &'a [String],
    links: &'a [Link],
}

/// Something that a visitor should not miss. A bad one has the focus.
pub fn alert(tone: Tone, title: &str, lines: &[String], links: &[Link]) -> Html {
    Html::of(&Alert { kind: tone.class(), title, lines, links })
}

/// A sentence of good news, or of what is awaited.
pub fn note(tone: Tone, line: &str) -> Html {
    alert(tone, "", &[line.to_owned()], &[])
}

#[derive(Template)]
#[template(path = "parts/boxed.html")]
struct Boxed<'a> {
    title: &'a str,
    state: (&'a str, &'a str),
    content: Html,
}

/// A panel with a title.
pub fn boxed(title: &str, pieces: impl IntoIterator<Item = Html>) -> Html {
    Html::of(&Boxed { title, state: ("", ""), content: Html::joined(pieces) })
}

/// A panel with a title and a state.
pub fn stated(title: &str, (tone, state): (Tone, &str), pieces: impl IntoIterator<Item = Html>) -> Html {
    Html::of(&Boxed { title, state: (tone.badge(), state), content: Html::joined(pieces) })
}

#[derive(Template)]
#[template(source = "<div id=\"{{ id }}\">{{ content }}</div>", ext = "html")]
struct Anchored<'a> {
    id: &'a str,
    content: Html,
}

/// Something that links lead to.
pub fn anchored(id: &str, content: Html) -> Html {
    Html::of(&Anchored { id, content })
}

#[derive(Template)]
#[template(path = "parts/sum.html")]
struct Sum<'a> {
    rows: &'a [(String, String)],
}

#[derive(Template)]
#[template(path = "parts/facts.html")]
struct Facts<'a> {
    /// What has a name, with the one or more things that it names.
    named: Vec<(&'a str, Vec<&'a str>)>,
}

/// Amounts with their names, the total last.
pub fn sum(rows: &[(String, String)]) -> Html {
    Html::of(&Sum { rows })
}

/// Facts with their names. Of those beside each other with one name, as what happened in one minute has, the name
/// stands once: a list of names has each once.
pub fn facts(rows: &[(String, String)]) -> Html {
    let of_one_name = rows.chunk_by(|(one, _), (other, _)| one == other);
    let named = of_one_name.filter_map(|chunk| {
        let (name, _) = chunk.first()?;
        Some((name.as_str(), chunk.iter().map(|(_, fact)| fact.as_str()).collect()))
    });
    if rows.is_empty() { Html::default() } else { Html::of(&Facts { named: named.collect() }) }
}

/// A line of a cart or an order.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub image: Option<String>,
    pub href: Option<String>,
    pub title: String,
    pub notes: Vec<String>,
    pub price: String,
    pub warnings: Vec<String>,
    pub actions: Html,
}

#[derive(Template)]
#[template(path = "parts/lines.html")]
struct Lines<'a> {
    lines: &'a [Line],
}

/// Goods, one below the other.
pub fn lines(lines: &[Line]) -> Html {
    Html::of(&Lines { lines })
}

#[derive(Template)]
#[template(path = "parts/table.html")]
struct Table<'a> {
    caption: &'a str,
    columns: &'a [String],
    rows: Vec<Vec<(&'a str, &'a Html)>>,
}

/// A table, whose rows stand one below the other on a phone.
pub fn table(caption: &str, columns: &[String], rows: &[Vec<Html>]) -> Html {
    let names = || columns.iter().map(String::as_str).chain(std::iter::repeat(""));
    let rows = rows.iter().map(|row| names().zip(row).collect()).collect();
    Html::of(&Table { caption, columns, rows })
}

#[derive(Template)]
#[template(path = "parts/links.html")]
struct Links<'a> {
    class: &'a str,
    label: &'a str,
    links: &'a [Link],
}

/// Links among which one is current: tabs.
pub fn tabs(label: &str, links: &[Link]) -> Html {
    Html::of(&Links { class: "sort", label, links })
}

/// Links that look like buttons.
pub fn actions(label: &str, links: &[Link]) -> Html {
    if links.is_empty() { Html::default() } else { Html::of(&Links { class: "acts", label, links }) }
}

/// The pages of a list.
pub fn pager(t: &Texts, first: Option<String>, next: Option<String>) -> Html {
    let links = [(first, t.first_page), (next, t.next_page)];
    let links: Vec<Link> = links.into_iter().filter_map(|(href, name)| Some(Link::new(href?, name))).collect();
    if links.is_empty() {
        Html::default()
    } else {
        Html::of(&Links { class: "pager", label: t.pages_label, links: &links })
    }
}

#[derive(Template)]
#[template(path = "parts/steps.html")]
struct Steps<'a> {
    steps: &'a [Link],
}

/// The steps of a checkout; those that are done are links.
pub fn steps(steps: &[Link]) -> Html {
    Html::of(&Steps { steps })
}

#[derive(Template)]
#[template(path = "parts/quantity.html")]
struct Quantity<'a> {
    t: &'static Texts,
    action: &'a str,
    variant: &'a str,
    id: String,
    label: String,
    title: &'a str,
    quantity: u32,
}

/// The form with which a line of a cart is changed.
pub fn quantity(t: &'static Texts, action: &str, (variant, title): (&str, &str), quantity: u32) -> Html {
    let label = crate::fill(t.quantity_of, &[("title", title)]);
    Html::of(&Quantity { t, action, variant, id: format!("q-{variant}"), label, title, quantity })
}

#[derive(Template)]
#[template(
    source = "<{{ tag }}{% if !class.is_empty() %} class=\"{{ class }}\"{% endif %}>{{ text }}</{{ tag }}>",
    ext = "html"
)]
struct Element<'a> {
    tag: &'a str,
    class: &'a str,
    text: &'a str,
}

/// A paragraph.
pub fn text(text: &str) -> Html {
    Html::of(&Element { tag: "p", class: "", text })
}

/// A paragraph of less weight.
pub fn muted(text: &str) -> Html {
    Html::of(&Element { tag: "p", class: "muted", text })
}

#[derive(Template)]
#[template(source = "{% if !html.is_empty() %}<div class=\"prose\">{{ html }}</div>{% endif %}", ext = "html")]
struct Prose<'a> {
    html: &'a Html,
}

/// What somebody has written at length.
pub fn prose(html: &Html) -> Html {
    Html::of(&Prose { html })
}

#[derive(Template)]
#[template(
    source = "<div class=\"prose\" lang=\"{{ tag }}\">{% for line in lines %}<p>{{ line }}</p>{% endfor %}</div>",
    ext = "html"
)]
struct Paragraphs<'a> {
    tag: &'a str,
    lines: Vec<&'a str>,
}

/// Plain text in the language of a tag, a paragraph for each of its lines.
pub fn paragraphs(text: &str, tag: &str) -> Html {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Html::of(&Paragraphs { tag, lines })
}

/// A title within a page.
pub fn title(text: &str) -> Html {
    Html::of(&Element { tag: "h2", class: "", text })
}

/// A title within a page for those who listen to it: others see what it is about.
pub fn hidden_title(text: &str) -> Html {
    Html::of(&Element { tag: "h2", class: "vh", text })
}

/// Plain text for a cell.
pub fn plain(text: &str) -> Html {
    Html::of(&Element { tag: "span", class: "", text })
}

/// A state for a cell.
pub fn badge(tone: Tone, state: &str) -> Html {
    Html::of(&Element { tag: "span", class: &format!("state {}", tone.badge()), text: state })
}

#[derive(Template)]
#[template(source = "<a href=\"{{ href }}\">{{ name }}</a>", ext = "html")]
struct Anchor<'a> {
    href: &'a str,
    name: &'a str,
}

#[derive(Template)]
#[template(source = "<p><a class=\"btn\" href=\"{{ href }}\">{{ name }}</a></p>", ext = "html")]
struct Call<'a> {
    href: &'a str,
    name: &'a str,
}

/// The one link that a page leads to.
pub fn call_to_action(href: &str, name: &str) -> Html {
    Html::of(&Call { href, name })
}

/// A link for a cell.
pub fn anchor(href: &str, name: &str) -> Html {
    Html::of(&Anchor { href, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_one_name_beside_each_other_have_it_once_and_are_text() {
        let row = |name: &str, fact: &str| (name.to_owned(), fact.to_owned());
        let shown =
            facts(&[row("20:05", "Paid"), row("20:05", "<b>Accepted"), row("20:06", "Sent"), row("20:05", "Late")]);
        let shown = shown.to_string();
        assert_eq!(shown.matches("20:05").count(), 2, "{shown}");
        assert!(shown.contains("<dd>Paid</dd><dd>&#60;b&#62;Accepted</dd></div><div>"), "{shown}");
        assert_eq!(facts(&[]).to_string(), "");
    }
}
