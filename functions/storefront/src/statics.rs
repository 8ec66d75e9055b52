//! Pages and files that are the same for a long time.

use api::Problem;
use axum::extract::State;
use browser::{Lang, Reply};
use bytes::Bytes;
use pages::parts::{Tone, alert, prose, text};
use pages::views::Screen;
use pages::{Frame, Html, Language, Texts};
use serde_json::json;

use crate::App;

const HOUR_S: u32 = 3_600;
const DAY_S: u32 = 86_400;

fn page(app: &App, language: Language, path: &str, words: fn(&Texts) -> (&'static str, &'static str)) -> Reply {
    let (title, words) = words(Texts::of(language));
    let f = Frame::new(&app.place.site, language, path, title).found_as(words, Vec::new());
    let screen = Screen::new(f, title, [prose(&Html::joined([text(words)]))]);
    Reply::public(screen.shown(), HOUR_S, DAY_S)
}

pub(crate) async fn show_delivery(State(app): State<App>, Lang(language): Lang) -> Reply {
    page(&app, language, "/delivery", |t| (t.delivery_page, t.static_delivery_text))
}

pub(crate) async fn show_returns(State(app): State<App>, Lang(language): Lang) -> Reply {
    page(&app, language, "/returns", |t| (t.returns_page, t.static_returns_text))
}

pub(crate) async fn show_privacy(State(app): State<App>, Lang(language): Lang) -> Reply {
    page(&app, language, "/privacy", |t| (t.privacy_page, t.static_privacy_text))
}

pub(crate) async fn show_terms(State(app): State<App>, Lang(language): Lang) -> Reply {
    page(&app, language, "/terms", |t| (t.terms_page, t.static_terms_text))
}

pub(crate) async fn show_offline(State(app): State<App>, Lang(language): Lang) -> Reply {
    let f = Frame::new(&app.place.site, language, "/offline", Texts::of(language).offline_title);
    let said = alert(Tone::Info, "", &[f.t.offline_text.to_owned()], &[]);
    let title = f.t.offline_title;
    Reply::public(Screen::new(f, title, [said]).shown(), HOUR_S, DAY_S)
}

pub(crate) async fn show_manifest(State(app): State<App>, Lang(language): Lang) -> Reply {
    let site = &app.place.site;
    let start = format!("/{}/", language.code());
    let manifest = json!({
        "name": site.name, "short_name": site.name, "lang": language.tag(), "start_url": start, "scope": "/",
        "display": "standalone", "background_color": "#fbf4e6", "theme_color": "#0a5c64",
        "icons": [{"src": "/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    });
    Reply::file("application/manifest+json", Bytes::from(manifest.to_string()), HOUR_S, DAY_S)
}

pub(crate) async fn show_robots(State(app): State<App>) -> Reply {
    let site = &app.place.site.url;
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
    Reply::checked("text/javascript; charset=utf-8", Bytes::from_static(worker.as_bytes()))
}

pub(crate) async fn show_speculation_rules() -> Reply {
    let rules = Bytes::from_static(pages::SPECULATION_RULES.as_bytes());
    Reply::file("application/speculationrules+json", rules, HOUR_S, DAY_S)
}

pub(crate) async fn show_script() -> Reply {
    Reply::file("text/javascript; charset=utf-8", Bytes::from_static(pages::SCRIPT.as_bytes()), HOUR_S, DAY_S)
}
