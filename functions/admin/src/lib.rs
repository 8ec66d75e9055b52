//! The operator's endpoints: vendors, orders, payments, categories, settings, rebuilds.

mod categories;
mod orders;
mod payments;
mod rebuilds;
mod settings;
mod settlements;
mod summary;
mod suppressions;
mod vendors;

use api::{Routes, routes};
use axum::Router;

/// The state of the handlers.
pub use desk::Operator as App;

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(summary::show_operator_summary))
        .routes(routes!(vendors::list_vendors_as_operator[InvalidCursor]))
        .routes(routes!(vendors::show_vendor_as_operator))
        .routes(routes!(vendors::list_vendor_imports_as_operator[InvalidCursor]))
        .routes(routes!(vendors::approve_vendor[WrongState, Conflict]))
        .routes(routes!(vendors::reject_vendor[Invalid, WrongState, Conflict]))
        .routes(routes!(vendors::suspend_vendor[Invalid, WrongState, Conflict]))
        .routes(routes!(vendors::reinstate_vendor[WrongState, Conflict]))
        .routes(routes!(orders::list_orders_as_operator[Invalid, InvalidCursor]))
        .routes(routes!(orders::show_order_as_operator))
        .routes(routes!(payments::list_payments_as_operator[InvalidCursor]))
        .routes(routes!(payments::list_refunds_as_operator[InvalidCursor]))
        .routes(routes!(payments::list_failed_refunds[InvalidCursor]))
        .routes(routes!(payments::list_disputes_as_operator[Invalid, InvalidCursor]))
        .routes(routes!(payments::list_unmatched_payments[InvalidCursor]))
        .routes(routes!(settlements::list_settlements_as_operator[Invalid, InvalidCursor]))
        .routes(routes!(settings::list_settings))
        .routes(routes!(settings::show_setting, settings::put_setting[Invalid], settings::reset_setting[Invalid]))
        .routes(routes!(settings::list_setting_changes[InvalidCursor]))
        .routes(routes!(settings::restore_setting[Invalid]))
        .routes(routes!(suppressions::list_suppressions[InvalidCursor], suppressions::lift_suppression[NotFound]))
        .routes(routes!(rebuilds::start_rebuild[Invalid, Conflict]))
        .routes(routes!(rebuilds::show_rebuild))
        .routes(routes!(categories::show_categories_as_operator, categories::replace_categories_as_operator[Invalid]))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
