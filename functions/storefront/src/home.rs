//! The home page, and the way to it.

use api::{Now, Problem, Query};
use axum::extract::State;
use browser::{Lang, Preferred, Reply};
use domain::catalog::{List, ProductCard};
use domain::{Currency, PageRequest};
use pages::views::{Home, Tile};
use pages::{Card, CardRow, Frame, fill};
use serde::Deserialize;
use serde_json::json;
use shop::{ListQuery, Sort};

use crate::App;
use crate::asked::known;

/// Seconds for which the CDN may serve a page with lists.
pub(crate) const FRESH_S: u32 = 30;
pub(crate) const STALE_S: u32 = 300;

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
    pub(crate) async fn first_cards(&self, list: List, sort: Sort, limit: u16) -> Result<Vec<ProductCard>, Problem> {
        let page = PageRequest { limit, cursor: None };
        let found = self.window.list(ListQuery { list, sort, min_price: None, max_price: None, page }).await?;
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
        app.first_cards(all(), Sort::Newest, ROW),
        app.first_cards(all(), Sort::Price, ROW)
    );
    let (tree, newest, affordable) = (tree?, newest?, affordable?);
    let site = &app.place.site;
    let t = pages::Texts::of(language);
    let title = fill(t.home_title, &[("shop", &site.name)]);
    let organization = json!({
        "@context": "https://schema.org", "@type": "Organization", "name": site.name,
        "url": format!("{}/{}/", site.url, language.code()), "logo": format!("{}/icon.svg", site.url),
    });
    let f = Frame::new(site, language, "/", title)
        .found_as(t.home_description, vec![organization.to_string()])
        .priced_in(currency);
    let mut categories = Vec::new();
    for root in tree.roots.iter().take(TILES) {
        let known = match asked.currency {
            Some(currency) => currency,
            None => app.currency_in(&root.handle, now).await,
        };
        let image = app.picture_of(&root.handle, known, now).await;
        let href = f.to(&format!("/c/{}", root.handle));
        categories.push(Tile { href, name: root.name.to_string(), image });
    }
    let row = |title: &str, cards: &[ProductCard], more: &str| CardRow {
        title: title.to_owned(),
        cards: shown_cards(&f, cards, false),
        more: f.to(more),
    };
    let rows = [row(f.t.newest, &newest, "/products"), row(f.t.affordable, &affordable, "/products?sort=price")];
    let rows = rows.into_iter().filter(|row| !row.cards.is_empty()).collect();
    let hero = newest.iter().find_map(|card| card.image.as_ref()).map(|image| image.url.clone());
    let f = Frame { image: hero.clone(), ..f.clone() };
    let page = Home { f, hero, categories, rows };
    Ok(Reply::public(page.shown(), FRESH_S, STALE_S))
}
