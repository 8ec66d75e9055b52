//! The desks in the browser, without script: of a vendor's staff (`/desk`) and of the operator's people (`/operate`).
//! Each page and each form has a route of its own at the gateway; whose it is says a cookie.
//!
//! Who may what is decided by the use cases of [`desk`] and [`shop`], as for the API: a page only shows what they give,
//! and what they refuse.

mod amounts;
mod apply;
mod documents;
mod home;
mod import;
mod imports;
mod invitations;
mod label;
mod mapping;
mod operate;
mod operate_areas;
mod operate_order;
mod operate_orders;
mod operate_settings;
mod operate_texts;
mod operate_vendors;
mod operate_waiting;
mod order;
mod order_steps;
mod orders;
mod pictures;
mod product;
mod product_steps;
mod product_texts;
mod products;
mod refund_steps;
mod replacing;
mod setting_form;
mod shop_file;
mod shown;
mod states;
mod who;
mod written;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use browser::{MOST_UPLOADED, Pages, Sessions, Site};
use domain::legal::{MAX_LANGUAGES, MAX_TEXT_LENGTH};
use platform::{Config, Fatal};
use shop::BrowserSessions;

/// State shared by the handlers.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) desk: desk::Desk,
    pub(crate) vendors: desk::Vendors,
    pub(crate) operator: desk::Operator,
    pub(crate) orders: shop::Orders,
    pub(crate) sessions: BrowserSessions,
    pub(crate) site: Arc<Site>,
    /// Where own uploads are served, without a slash at the end.
    pub(crate) media_base: Arc<str>,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        // Each opens a connection.
        let (desk, vendors, operator, orders, sessions) = tokio::join!(
            desk::Desk::new(config),
            desk::Vendors::new(config),
            desk::Operator::new(config),
            shop::Orders::new(config),
            BrowserSessions::new(config)
        );
        Ok(Self {
            desk: desk?,
            vendors: vendors?,
            operator: operator?,
            orders: orders?,
            sessions: sessions?,
            site: Arc::new(Site::new(config)?),
            media_base: Arc::from(config.required("MEDIA_BASE_URL")?),
        })
    }
}

impl Sessions for App {
    fn site(&self) -> &Site {
        &self.site
    }

    fn sessions(&self) -> &BrowserSessions {
        &self.sessions
    }
}

/// The pages.
pub fn pages() -> Pages<App> {
    of_operator(of_products(of_orders(of_shop(Pages::default()))))
}

fn of_shop(pages: Pages<App>) -> Pages<App> {
    let files = || DefaultBodyLimit::max(MOST_UPLOADED);
    pages
        .page("/desk", home::show_desk)
        .form("/desk/invitations/{token}", invitations::show_invitation, invitations::answer_invitation)
        .form("/desk/apply", apply::show_application, apply::open_shop)
        .form("/desk/shop", shop_file::show_shop, shop_file::change_shop)
        .act("/desk/shop/submit", shop_file::submit_shop)
        .act("/desk/shop/terms", shop_file::accept_terms)
        .form("/desk/shop/documents", documents::show_documents, documents::add_document.layer(files()))
}

fn of_orders(pages: Pages<App>) -> Pages<App> {
    pages
        .page("/desk/orders", orders::list_orders)
        .page("/desk/orders/{id}", order::show_order)
        .page("/desk/orders/{id}/label", label::show_label)
        .act("/desk/orders/{id}/accept", order_steps::accept)
        .act("/desk/orders/{id}/decline", order_steps::decline)
        .act("/desk/orders/{id}/ship", order_steps::ship)
        .act("/desk/orders/{id}/deliver", order_steps::deliver)
        .act("/desk/orders/{id}/refund", order_steps::refund)
        .act("/desk/orders/{id}/parcels/{number}", order_steps::end_parcel)
        .act("/desk/orders/{id}/returns/{number}", order_steps::decide_return)
}

fn of_products(pages: Pages<App>) -> Pages<App> {
    let files = || DefaultBodyLimit::max(MOST_UPLOADED);
    pages
        .page("/desk/products", products::list_products)
        .form("/desk/products/new", product::show_new, product::create)
        .form("/desk/products/{id}", product::show_product, product::change)
        .form("/desk/products/{id}/texts/{tag}", product_texts::show_texts, product_texts::change_texts)
        .act("/desk/products/{id}/publish", product_steps::publish)
        .act("/desk/products/{id}/unpublish", product_steps::unpublish)
        .act("/desk/products/{id}/delete", product_steps::delete)
        .act("/desk/products/{id}/pictures", pictures::add.layer(files()))
        .act("/desk/products/{id}/pictures/remove", pictures::remove)
        .act("/desk/products/{id}/variants/{variant}/price", product_steps::change_price)
        .act("/desk/products/{id}/variants/{variant}/stock", product_steps::change_stock)
        .form("/desk/imports", imports::list_imports, imports::begin.layer(files()))
        .form("/desk/imports/columns", mapping::show_columns, mapping::keep_columns)
        .page("/desk/imports/{id}", import::show_import)
        .act("/desk/imports/{id}/start", import::start_again)
}

fn of_operator(pages: Pages<App>) -> Pages<App> {
    // A form has nine bytes for a letter that is no Latin one.
    let texts = || DefaultBodyLimit::max(MAX_LANGUAGES * MAX_TEXT_LENGTH * 9);
    pages
        .page("/operate", operate::show_summary)
        .page("/operate/waiting/{list}", operate_waiting::show_waiting)
        .form("/operate/invitations/{token}", invitations::show_team_invitation, invitations::answer_team_invitation)
        .page("/operate/vendors", operate_vendors::list_vendors)
        .page("/operate/vendors/{id}", operate_vendors::show_vendor)
        .act("/operate/vendors/{id}/approve", operate_vendors::approve)
        .act("/operate/vendors/{id}/reject", operate_vendors::reject)
        .act("/operate/vendors/{id}/suspend", operate_vendors::suspend)
        .act("/operate/vendors/{id}/reinstate", operate_vendors::reinstate)
        .page("/operate/orders", operate_orders::list_orders)
        .page("/operate/orders/{id}", operate_order::show_order)
        .act("/operate/orders/{id}/cancel", refund_steps::cancel)
        .act("/operate/orders/{id}/refund", refund_steps::grant)
        .act("/operate/orders/{id}/payments/{payment}", refund_steps::decide_amount)
        .act("/operate/orders/{id}/refunds/{refund}/retry", refund_steps::retry)
        .act("/operate/orders/{id}/refunds/{refund}/resolve", refund_steps::resolve)
        .page("/operate/settings/{area}", operate_settings::list_settings)
        .form("/operate/settings/{area}/{id}", operate_settings::show_setting, operate_settings::change_setting)
        .act("/operate/settings/{area}/{id}/restore", operate_settings::restore_setting)
        .page("/operate/texts", operate_texts::list_texts)
        .form("/operate/texts/{text}", operate_texts::show_text, operate_texts::publish_text.layer(texts()))
}

pub fn router(app: App) -> Router {
    let site = app.site.as_ref().clone();
    browser::router(pages(), app, site)
}

#[cfg(test)]
mod tests {
    use browser::MOST_UPLOADED;
    use pages::{Language, Texts};

    #[test]
    fn each_field_of_files_says_how_much_is_taken_at_once_and_who_sent_more_what_to_do() {
        let most = format!("{} ", MOST_UPLOADED / (1024 * 1024));
        for language in Language::ALL {
            let t = Texts::of(language);
            for said in [t.desk_pictures_hint, t.desk_paper_hint, t.desk_file_hint, t.desk_error_too_large] {
                assert!(said.contains(&most), "{language:?}: {said}");
            }
        }
    }
}
