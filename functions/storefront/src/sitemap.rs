//! What search engines are to read: an index, and its parts in every language. A part for pages and categories, one for
//! the newest products, and one for the products of each category, so that each request reads a bounded list, whatever
//! the size of the catalog, and the index reads none at all.
//!
//! It is no job that writes files, as long as a category has fewer products than a part holds: a file would be a day
//! old, and a function that everybody may call needs no right to write. It says no `lastmod`, because a card does not
//! know when its product was changed, and a wrong date is worse than none.

use std::collections::BTreeSet;

use api::{Now, Problem, Query};
use axum::extract::State;
use browser::Reply;
use bytes::Bytes;
use domain::catalog::{Category, CategoryTree, List};
use domain::text::Handle;
use domain::{Code, PageRequest};
use pages::Language;
use serde::Deserialize;
use shop::{ListQuery, Sort};

use crate::App;
use crate::categories::path_of;
use crate::home::cards_of;
use crate::xml::escaped;

/// Pages of a hundred products that a part reads. A sitemap has at most 50,000 addresses; five languages of so many
/// products, each with the addresses of the others, are 3 MB, and an answer has at most 4.
const PAGES: usize = 10;
/// A part ends after so many bytes: handles may be long.
const MOST_BYTES: usize = 3_500_000;

const HOUR_S: u32 = 3_600;
const DAY_S: u32 = 86_400;

/// Which part is asked for; the index when none is. Nothing else may be: each other address would be read anew.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedPart {
    part: Option<String>,
    category: Option<String>,
}

/// The path of each category, below those above it.
fn category_paths<'a>(within: &'a [Category], above: &[&'a Category], paths: &mut Vec<String>) {
    for category in within {
        let mut path = above.to_vec();
        path.push(category);
        paths.push(path_of(&path));
        category_paths(&category.children, &path, paths);
    }
}

/// The handles of all categories.
fn handles(within: &[Category], found: &mut Vec<Handle>) {
    for category in within {
        found.push(category.handle.clone());
        handles(&category.children, found);
    }
}

pub(crate) async fn show_sitemap(
    State(app): State<App>,
    Query(asked): Query<AskedPart>,
    Now(now): Now,
) -> Result<Reply, Problem> {
    let tree = app.categories.tree(&app.window, now).await?;
    let paths = match (asked.part.as_deref(), asked.category.as_deref()) {
        (None, None) => return Ok(file(index(&app, &tree))),
        (Some("pages"), None) => {
            let mut paths: Vec<String> =
                ["/", "/products", "/delivery", "/returns", "/privacy", "/terms"].map(str::to_owned).to_vec();
            category_paths(&tree.roots, &[], &mut paths);
            paths
        }
        (Some("newest"), None) => products(&app, None).await?,
        (None, Some(category)) => {
            let handle = Handle::parse(category).map_err(|_| Problem::of(Code::NotFound))?;
            products(&app, Some(handle)).await?
        }
        _ => return Err(Problem::of(Code::NotFound)),
    };
    Ok(file(part(&app, &paths)))
}

fn file(xml: String) -> Reply {
    Reply::file("application/xml", Bytes::from(xml), HOUR_S, DAY_S)
}

fn index(app: &App, tree: &CategoryTree) -> String {
    let mut categories = Vec::new();
    handles(&tree.roots, &mut categories);
    let parts = ["part=pages".to_owned(), "part=newest".to_owned()];
    let parts = parts.into_iter().chain(categories.iter().map(|handle| format!("category={handle}")));
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sitemapindex \
         xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for part in parts {
        let address = format!("{}/sitemap.xml?{part}", app.site.shown.url);
        xml.push_str(&format!("<sitemap><loc>{}</loc></sitemap>\n", escaped(&address)));
    }
    xml.push_str("</sitemapindex>\n");
    xml
}

/// The paths of the newest products, of all or of a category, in whichever currency they are sold.
async fn products(app: &App, category: Option<Handle>) -> Result<Vec<String>, Problem> {
    let mut found = BTreeSet::new();
    for currency in &app.site.shown.currencies {
        // What is sold in one currency alone is not kept out by what is sold in another.
        let (mut cursor, mut pages_left) = (None, PAGES);
        while pages_left > 0 {
            pages_left -= 1;
            let list = List { category: category.clone(), vendor: None, currency: *currency };
            let page = PageRequest { limit: 100, cursor };
            let asked = ListQuery { list, sort: Sort::Newest, min_price: None, max_price: None, page, language: None };
            let slice = app.window.list(asked).await?;
            found.extend(cards_of(&slice.items).iter().map(|card| format!("/p/{}", card.handle)));
            cursor = slice.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn part(app: &App, paths: &[String]) -> String {
    let site = &app.site.shown.url;
    let address = |language: &Language, path: &str| escaped(&format!("{site}/{}{path}", language.code()));
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
         xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n",
    );
    for path in paths {
        if xml.len() >= MOST_BYTES {
            break;
        }
        for language in &Language::ALL {
            xml.push_str(&format!("<url><loc>{}</loc>", address(language, path)));
            for other in &Language::ALL {
                let (tag, href) = (other.tag(), address(other, path));
                xml.push_str(&format!("<xhtml:link rel=\"alternate\" hreflang=\"{tag}\" href=\"{href}\"/>"));
            }
            xml.push_str("</url>\n");
        }
    }
    xml.push_str("</urlset>\n");
    xml
}
