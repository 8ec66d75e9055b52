//! The home page, and the way to it.

use api::{Now, Problem, Query};
use axum::extract::State;
use browser::{Lang, Preferred, Reply};
use domain::catalog::{Category, List, ProductCard};
use domain::{Code, Currency, PageRequest, Timestamp};
use futures_util::future::join_all;
use http::Method;
use pages::parts::Link;
use pages::views::{Home, Missing, Tile};
use pages::{Card, CardRow, Frame, Language, Picture, category_name, fill};
use serde::Deserialize;
use serde_json::json;
use shop::{ListQuery, Sort};

use crate::App;
use crate::asked::known;

/// Seconds for which the CDN may serve a page with lists.
pub(crate) const FRESH_S: u32 = 30;
pub(crate) const STALE_S: u32 = 300;

/// Something that is not there may be there soon.
const MISSING_S: u32 = 10;

/// How many cards a row has.
const ROW: u16 = 10;
/// How many categories are shown with a picture.
const TILES: usize = 12;

/// To the home page in the visitor's language.
pub(crate) async fn choose_language(Preferred(language): Preferred) -> Reply {
    Reply::found(format!("/{}/", language.code())).varying_by("accept-language, cookie")
}

pub(crate) async fn add_slash(Lang(language): Lang) -> Reply {
    Reply::moved(format!("/{}/", language.code()))
}

/// In which currency prices are shown.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Shown {
    #[serde(default, deserialize_with = "known")]
    pub(crate) currency: Option<Currency>,
}

impl App {
    pub(crate) fn currency(&self, asked: Option<Currency>) -> Currency {
        asked.unwrap_or_else(|| self.window.main_currency())
    }

    /// The first cards of a list. One that cannot be read is left out and logged.
    pub(crate) async fn first_cards(
        &self,
        list: List,
        language: Language,
        sort: Sort,
        limit: u16,
    ) -> Result<Vec<ProductCard>, Problem> {
        let (page, language) = (PageRequest { limit, cursor: None }, language.content());
        let found =
            self.window.list(ListQuery { list, sort, min_price: None, max_price: None, page, language }).await?;
        Ok(cards_of(&found.items))
    }
}

/// Cards as they are stored. One of a newer release may be unreadable: the others are shown.
pub(crate) fn cards_of(stored: &[String]) -> Vec<ProductCard> {
    let read = |card: &String| match serde_json::from_str::<ProductCard>(card) {
        Ok(card) => Some(card),
        Err(cause) => {
            tracing::warn!(%cause, "a card cannot be read and is left out");
            None
        }
    };
    stored.iter().filter_map(read).collect()
}

/// Cards of a page, the first of which is seen first when `leads`.
pub(crate) fn shown_cards(f: &Frame<'_>, cards: &[ProductCard], leads: bool) -> Vec<Card> {
    cards.iter().enumerate().map(|(place, card)| Card::of(f, card, leads && place == 0)).collect()
}

fn row(f: &Frame<'_>, title: &str, cards: &[ProductCard], more: &str) -> CardRow {
    CardRow { title: title.to_owned(), cards: shown_cards(f, cards, false), more: f.to(more) }
}

impl App {
    /// The page for what is not there: whoever has followed an old link sees what there is instead.
    pub(crate) async fn not_here(&self, language: Language, now: Timestamp) -> Result<Reply, Problem> {
        let problem = Problem::of(Code::NotFound);
        let currency = self.window.main_currency();
        let list = List { category: None, vendor: None, currency };
        let (tree, newest) =
            tokio::join!(self.categories.tree(&self.window, now), self.first_cards(list, language, Sort::Newest, ROW));
        // Where nothing can be read, the usual page of the problem says as much.
        let (Ok(tree), Ok(newest)) = (tree, newest) else { return Err(problem) };
        let f = Frame::new(&self.site.shown, language, "/", pages::Texts::of(language).problem_not_found);
        let link = |root: &Category| Link::new(f.to(&format!("/c/{}", root.handle)), category_name(root, language));
        let categories = tree.roots.iter().take(TILES).map(link).collect();
        let rows = if newest.is_empty() { Vec::new() } else { vec![row(&f, f.t.newest, &newest, "/products")] };
        Ok(Reply::public(Missing { f, categories, rows }.shown(), MISSING_S, 0).because(&problem))
    }
}

/// The answer, or the page for what is not there where it says so.
pub(crate) async fn or_not_here(
    app: &App,
    answer: Result<Reply, Problem>,
    (language, now): (Language, Timestamp),
) -> Result<Reply, Problem> {
    match answer {
        Err(problem) if problem.code() == Code::NotFound => app.not_here(language, now).await,
        answer => answer,
    }
}

/// What no function has a page for. A path that names no language was none of the shop's: it is not worth a read.
pub(crate) async fn show_missing(
    State(app): State<App>,
    method: Method,
    language: Result<Lang, Problem>,
    Now(now): Now,
) -> Result<Reply, Problem> {
    match language {
        Ok(Lang(language)) if matches!(method, Method::GET | Method::HEAD) => app.not_here(language, now).await,
        _ => Err(Problem::of(Code::NotFound)),
    }
}

pub(crate) async fn show_home(
    State(app): State<App>,
    Lang(language): Lang,
    Query(asked): Query<Shown>,
    Now(now): Now,
) -> Result<Reply, Problem> {
    let currency = app.currency(asked.currency);
    let all = || List { category: None, vendor: None, currency };
    let (tree, newest, affordable) = tokio::join!(
        app.categories.tree(&app.window, now),
        app.first_cards(all(), language, Sort::Newest, ROW),
        app.first_cards(all(), language, Sort::Price, ROW)
    );
    let (tree, newest, affordable) = (tree?, newest?, affordable?);
    let site = &app.site.shown;
    let t = pages::Texts::of(language);
    let title = fill(t.home_title, &[("shop", &site.name)]);
    let organization = json!({
        "@context": "https://schema.org", "@type": "Organization", "name": site.name,
        "url": format!("{}/{}/", site.url, language.code()), "logo": format!("{}/icon.svg", site.url),
    });
    let f = Frame::new(site, language, "/", title)
        .found_as(t.home_description, vec![organization.to_string()])
        .priced_in(currency);
    let tile = async |root: &Category| {
        let known = match asked.currency {
            Some(currency) => currency,
            None => app.currency_in(&root.handle, language, now).await,
        };
        let image = app.picture_of(&root.handle, known, language, now).await;
        Tile { href: f.to(&format!("/c/{}", root.handle)), name: category_name(root, f.language), image }
    };
    let categories = join_all(tree.roots.iter().take(TILES).map(tile)).await;
    let rows =
        vec![row(&f, f.t.newest, &newest, "/products"), row(&f, f.t.affordable, &affordable, "/products?sort=price")];
    let rows = rows.into_iter().filter(|row| !row.cards.is_empty()).collect();
    let hero = newest.iter().find_map(|card| card.image.as_ref()).map(|image| Picture::of(image, ""));
    let f = Frame { image: hero.as_ref().map(|hero| hero.src.clone()), ..f.clone() };
    let page = Home { f, hero, categories, rows };
    Ok(Reply::public(page.shown(), FRESH_S, STALE_S))
}
