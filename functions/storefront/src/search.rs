//! Searching by words in titles. Until there is an index, the newest products are looked through, which is all of them
//! in a small shop; the page says so when there are more.

use api::{Problem, Query};
use axum::extract::State;
use browser::{Lang, Reply};
use domain::catalog::{List, ProductCard};
use domain::text::{Search, SearchText};
use domain::{Currency, PageRequest};
use pages::parts::{Link, Tone, alert, note};
use pages::views::Screen;
use pages::{Frame, escaped, grid};
use serde::Deserialize;
use shop::{ListQuery, Sort};

use crate::App;
use crate::asked::known;
use crate::home::{FRESH_S, STALE_S, cards_of, shown_cards};

/// How many pages of a hundred cards are looked through, one after the other.
const PAGES: usize = 4;
/// How many products are shown.
const MOST: usize = 40;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct AskedSearch {
    q: Option<String>,
    #[serde(default, deserialize_with = "known")]
    currency: Option<Currency>,
}

pub(crate) async fn search_products(
    State(app): State<App>,
    Lang(language): Lang,
    Query(asked): Query<AskedSearch>,
) -> Result<Reply, Problem> {
    let currency = app.currency(asked.currency);
    let typed: String = asked.q.unwrap_or_default().trim().chars().take(100).collect();
    let path = if typed.is_empty() { "/search".to_owned() } else { format!("/search?q={}", escaped(&typed)) };
    let f = Frame::new(&app.site.shown, language, path, pages::Texts::of(language).search).priced_in(currency);
    let f = Frame { search: typed.clone(), ..f };
    let Ok(words) = SearchText::parse(&typed) else { return Ok(Reply::found(f.to("/products"))) };
    let search = Search::from(&words);
    let (mut found, mut cursor, mut is_cut): (Vec<ProductCard>, _, _) = (Vec::new(), None, false);
    for page in 1..=PAGES {
        let list = List { category: None, vendor: None, currency };
        let request = PageRequest { limit: 100, cursor };
        let asked = ListQuery {
            list,
            sort: Sort::Newest,
            min_price: None,
            max_price: None,
            page: request,
            language: language.content(),
        };
        let slice = app.window.list(asked).await?;
        let fits = |card: &ProductCard| {
            // The handle is made of the title in its own language.
            search.is_found_in([card.title.as_str(), card.handle.as_str(), card.vendor.name.as_str()])
        };
        found.extend(cards_of(&slice.items).into_iter().filter(fits));
        cursor = slice.next;
        is_cut = cursor.is_some() && (page == PAGES || found.len() >= MOST);
        if cursor.is_none() || found.len() >= MOST {
            break;
        }
    }
    found.truncate(MOST);
    let cards = shown_cards(&f, &found, true);
    let mut parts = Vec::new();
    if is_cut {
        parts.push(note(Tone::Info, f.t.search_cut));
    }
    if cards.is_empty() {
        let hint = [f.t.no_products.to_owned(), f.t.no_products_hint.to_owned()];
        parts.push(alert(Tone::Info, "", &hint, &[Link::new(f.to("/products"), f.t.all_products)]));
    } else {
        parts.push(pages::parts::hidden_title(f.t.all_products));
        parts.push(grid(&f, &cards));
    }
    let crumbs = vec![Link::new(f.to("/"), f.t.home), Link::new(f.to(&f.path), f.t.search).when_current(true)];
    Ok(Reply::public(Screen::new(f, typed, parts).below(crumbs).shown(), FRESH_S, STALE_S))
}
