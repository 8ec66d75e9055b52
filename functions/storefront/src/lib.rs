//! The shop in the browser: what everybody gets alike. Behind the gateway's route `$default`, so it has no right to
//! anything that is somebody's, and writes nothing.

mod asked;
mod categories;
mod feed;
mod home;
mod list;
mod product;
mod search;
mod sitemap;
mod statics;
mod vendor;
mod xml;

use std::sync::Arc;

use axum::Router;
use browser::{Pages, Site};
use platform::{Config, Fatal};
use shop::{ShownTexts, Window};

use crate::categories::Categories;

/// State shared by the handlers.
#[derive(Clone, Debug)]
pub struct App {
    window: Window,
    texts: ShownTexts,
    site: Arc<Site>,
    categories: Arc<Categories>,
    similar: Arc<product::Similar>,
    /// Whether browsers keep what was seen for when there is no network.
    keeps_offline: bool,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self {
            window: Window::new(config).await?,
            texts: ShownTexts::new(config)?,
            site: Arc::new(Site::new(config)?),
            categories: Arc::default(),
            similar: Arc::default(),
            keeps_offline: config.required_bool("OFFLINE_PAGES")?,
        })
    }
}

/// The pages.
pub fn pages() -> Pages<App> {
    Pages::default()
        .page("/", home::choose_language)
        .page("/{lang}", home::add_slash)
        .page("/{lang}/", home::show_home)
        .page("/{lang}/products", list::list_products)
        .page("/{lang}/c/{*category}", list::list_category)
        .page("/{lang}/search", search::search_products)
        .page("/{lang}/p/{handle}", product::show_product)
        .page("/{lang}/v/{handle}", vendor::show_vendor)
        .page("/{lang}/delivery", statics::show_delivery)
        .page("/{lang}/returns", statics::show_returns)
        .page("/{lang}/privacy", statics::show_privacy)
        .page("/{lang}/terms", statics::show_terms)
        .page("/{lang}/offline", statics::show_offline)
        .page("/{lang}/manifest.webmanifest", statics::show_manifest)
        .page("/{lang}/feed.xml", feed::show_feed)
        .page("/robots.txt", statics::show_robots)
        .page("/sitemap.xml", sitemap::show_sitemap)
        .page("/icon.svg", statics::show_icon)
        .page("/app.js", statics::show_script)
        .page("/sw.js", statics::show_worker)
        .page("/speculation-rules.json", statics::show_speculation_rules)
        .otherwise(home::show_missing)
}

/// The pages; and for what the API has no route for, its problems, 404 or 405.
pub fn router(app: App) -> Router {
    let site = app.site.as_ref().clone();
    browser::router(pages(), app, site)
}
