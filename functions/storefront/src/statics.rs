//! Pages and files that are the same for a long time.

use api::Problem;
use axum::extract::State;
use browser::{Lang, Reply};
use bytes::Bytes;
use domain::legal::LegalText;
use pages::parts::{Tone, alert, paragraphs};
use pages::views::Screen;
use pages::{Frame, Language, Texts};
use serde_json::json;

use crate::App;

const MINUTE_S: u32 = 60;
const HOUR_S: u32 = 3_600;
const DAY_S: u32 = 86_400;
/// What search engines show of a description, in bytes of Latin text.
const MOST_SUMMARY: usize = 300;

/// A page that shows what the operator has published, or else what holds in every shop.
async fn page(
    app: &App,
    language: Language,
    (path, text): (&str, LegalText),
    title: &str,
    usual: &str,
) -> Result<Reply, Problem> {
    let published = app.texts.last(text).await?;
    let texts = published.iter().flat_map(|version| &version.texts);
    let found = pages::operators_text(texts.map(|(tag, text)| (tag.as_str(), text.as_str())), language);
    let (tag, words) = found.unwrap_or_else(|| (language.tag().to_owned(), usual.to_owned()));
    let description = if tag == language.tag() { summary_of(&words) } else { title };
    let f = Frame::new(&app.site.shown, language, path, title).found_as(description, Vec::new());
    // What buyers accept is what they read: a new version is not hidden for long by a cached one.
    Ok(Reply::public(Screen::new(f, title, [paragraphs(&words, &tag)]).shown(), MINUTE_S, MINUTE_S))
}

/// The first sentences, for who looks for the page or shares it.
fn summary_of(words: &str) -> &str {
    let first = words.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    first.get(..first.floor_char_boundary(MOST_SUMMARY)).unwrap_or(first)
}

pub(crate) async fn show_delivery(State(app): State<App>, Lang(language): Lang) -> Result<Reply, Problem> {
    let t = Texts::of(language);
    page(&app, language, ("/delivery", LegalText::Delivery), t.delivery_page, t.static_delivery_text).await
}

pub(crate) async fn show_returns(State(app): State<App>, Lang(language): Lang) -> Result<Reply, Problem> {
    let t = Texts::of(language);
    page(&app, language, ("/returns", LegalText::Returns), t.returns_page, t.static_returns_text).await
}

pub(crate) async fn show_privacy(State(app): State<App>, Lang(language): Lang) -> Result<Reply, Problem> {
    let t = Texts::of(language);
    page(&app, language, ("/privacy", LegalText::Privacy), t.privacy_page, t.static_privacy_text).await
}

/// The public offer: what buyers accept with an order.
pub(crate) async fn show_terms(State(app): State<App>, Lang(language): Lang) -> Result<Reply, Problem> {
    let t = Texts::of(language);
    page(&app, language, ("/terms", LegalText::Offer), t.terms_page, t.static_terms_text).await
}

pub(crate) async fn show_offline(State(app): State<App>, Lang(language): Lang) -> Reply {
    let f = Frame::new(&app.site.shown, language, "/offline", Texts::of(language).offline_title);
    let said = alert(Tone::Info, "", &[f.t.offline_text.to_owned()], &[]);
    let title = f.t.offline_title;
    Reply::public(Screen::new(f, title, [said]).shown(), HOUR_S, DAY_S)
}

pub(crate) async fn show_manifest(State(app): State<App>, Lang(language): Lang) -> Reply {
    let site = &app.site.shown;
    let start = format!("/{}/", language.code());
    let manifest = json!({
        "name": site.name, "short_name": site.name, "lang": language.tag(), "start_url": start, "scope": "/",
        "display": "standalone", "background_color": "#fbf4e6", "theme_color": "#0a5c64",
        "icons": [{"src": "/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    });
    Reply::file("application/manifest+json", Bytes::from(manifest.to_string()), HOUR_S, DAY_S)
}

pub(crate) async fn show_robots(State(app): State<App>) -> Reply {
    let site = &app.site.shown.url;
    let mut lines = String::from("User-agent: *\n");
    for language in Language::ALL {
        for private in ["cart", "checkout", "account", "orders", "sign-in", "search"] {
            lines.push_str(&format!("Disallow: /{}/{private}\n", language.code()));
        }
    }
    lines.push_str(&format!("Disallow: /desk\nDisallow: /operate\nDisallow: /r/\n\nSitemap: {site}/sitemap.xml\n"));
    Reply::file("text/plain; charset=utf-8", Bytes::from(lines), HOUR_S, DAY_S)
}

pub(crate) async fn show_icon() -> Result<Reply, Problem> {
    Ok(Reply::file("image/svg+xml", Bytes::from_static(pages::ICON.as_bytes()), DAY_S, DAY_S))
}

/// Asked for anew each time, so that another one is there at the next visit.
pub(crate) async fn show_worker(State(app): State<App>) -> Reply {
    let worker = if app.keeps_offline { pages::WORKER } else { pages::WORKER_OFF };
    Reply::checked("text/javascript; charset=utf-8", Bytes::from(pages::without_comments(worker)))
}

pub(crate) async fn show_speculation_rules() -> Reply {
    let rules = Bytes::from_static(pages::SPECULATION_RULES.as_bytes());
    Reply::file("application/speculationrules+json", rules, HOUR_S, DAY_S)
}

pub(crate) async fn show_script() -> Reply {
    Reply::file("text/javascript; charset=utf-8", Bytes::from(pages::without_comments(pages::SCRIPT)), HOUR_S, DAY_S)
}
