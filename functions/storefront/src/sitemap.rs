//! What search engines are to read: every category and the newest products, in every language.

use std::collections::BTreeSet;

use api::{Now, Problem};
use axum::extract::State;
use browser::Reply;
use bytes::Bytes;
use domain::PageRequest;
use domain::catalog::{Category, List};
use pages::Language;
use shop::{ListQuery, Sort};

use crate::App;
use crate::categories::path_of;
use crate::home::cards_of;

/// Pages of a hundred products. A sitemap has at most 50,000 addresses: five languages of 2,000 products are 10,000.
const PAGES: usize = 20;

/// The path of each category, below those above it.
fn category_paths<'a>(within: &'a [Category], above: &[&'a Category], paths: &mut Vec<String>) {
    for category in within {
        let mut path = above.to_vec();
        path.push(category);
        paths.push(path_of(&path));
        category_paths(&category.children, &path, paths);
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

pub(crate) async fn show_sitemap(State(app): State<App>, Now(now): Now) -> Result<Reply, Problem> {
    let tree = app.categories.tree(&app.window, now).await?;
    let mut paths: Vec<String> =
        ["/", "/products", "/delivery", "/returns", "/privacy", "/terms"].map(str::to_owned).to_vec();
    category_paths(&tree.roots, &[], &mut paths);
    let mut pages_left = PAGES;
    let mut products = BTreeSet::new();
    for currency in &app.place.site.currencies {
        let (currency, mut cursor) = (*currency, None);
        while pages_left > 0 {
            pages_left -= 1;
            let list = List { category: None, vendor: None, currency };
            let page = PageRequest { limit: 100, cursor };
            let asked = ListQuery { list, sort: Sort::Newest, min_price: None, max_price: None, page };
            let slice = app.window.list(asked).await?;
            products.extend(cards_of(&slice.items).iter().map(|card| format!("/p/{}", card.handle)));
            cursor = slice.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    paths.extend(products);
    let site = &app.place.site.url;
    let address = |language: &Language, path: &str| escaped(&format!("{site}/{}{path}", language.code()));
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
         xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n",
    );
    for path in &paths {
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
    Ok(Reply::file("application/xml", Bytes::from(xml), 3_600, 86_400))
}
