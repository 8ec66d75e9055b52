//! The operator's endpoints: vendors, orders, payments, categories, settings, rebuilds.

mod categories;
mod legal;
mod members;
mod orders;
mod papers;
mod payments;
mod products;
mod rebuilds;
mod settings;
mod settlements;
mod summary;
mod suppressions;
mod vendors;

use api::{Caller, CountedFor, Operators, Routes, routes};
use axum::Router;
use desk::Arrival;
use domain::{Timestamp, marketplace};
use platform::{Config, Fatal};

/// The state of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    desk: desk::Operator,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { desk: desk::Operator::new(config).await? })
    }
}

impl Operators for App {
    type Error = desk::Error;

    async fn operator(&self, by: &Caller, now: Timestamp) -> Result<marketplace::Operator, desk::Error> {
        let who = Arrival { user: by.user, at: by.signed_in_at, now };
        self.desk.came_in(who, by.may_be_first_owner()).await
    }
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(summary::show_operator_summary))
        .routes(routes!(vendors::list_vendors_as_operator[InvalidCursor]))
        .routes(routes!(vendors::show_vendor_as_operator))
        .routes(routes!(vendors::list_vendor_imports_as_operator[InvalidCursor]))
        .routes(routes!(vendors::approve_vendor[WrongState, ChecklistIncomplete, HandleTaken, AlreadyExists, Conflict]))
        .routes(routes!(vendors::reject_vendor[Invalid, WrongState, Conflict]))
        .routes(routes!(vendors::suspend_vendor[Invalid, WrongState, Conflict]))
        .routes(routes!(vendors::reinstate_vendor[WrongState, Conflict]))
        .routes(routes!(vendors::invite_owner_as_operator[StepUpNeeded, TooManyRequests, Conflict]))
        .routes(routes!(products::hide_product[Invalid, LimitReached, Conflict]))
        .routes(routes!(products::show_hidden_product[LimitReached, Conflict]))
        .routes(routes!(legal::list_terms_as_operator[InvalidCursor], legal::publish_terms[StepUpNeeded, Invalid, Conflict]))
        .routes(routes!(papers::list_expired_papers[InvalidCursor]))
        .routes(routes!(members::list_operators))
        .routes(routes!(
            members::change_operator[StepUpNeeded, NotFound, WrongState, Conflict],
            members::remove_operator[StepUpNeeded, NotFound, WrongState, Conflict],
        ))
        .routes(routes!(
            members::list_operator_invitations,
            members::invite_operator[StepUpNeeded, TooManyRequests, Conflict],
            members::take_back_operator_invitation[StepUpNeeded, NotFound, Conflict],
        ))
        .routes(routes!(orders::list_orders_as_operator[Invalid, InvalidCursor]))
        .routes(routes!(orders::show_order_as_operator))
        .routes(routes!(payments::list_payments_as_operator[InvalidCursor]))
        .routes(routes!(payments::list_refunds_as_operator[InvalidCursor]))
        .routes(routes!(payments::list_failed_refunds[InvalidCursor]))
        .routes(routes!(payments::list_disputes_as_operator[Invalid, InvalidCursor]))
        .routes(routes!(payments::list_unmatched_payments[InvalidCursor]))
        .routes(routes!(settlements::list_settlements_as_operator[Invalid, InvalidCursor]))
        .routes(routes!(settings::list_settings))
        .routes(routes!(settings::show_setting, settings::put_setting[StepUpNeeded, Invalid], settings::reset_setting[StepUpNeeded, Invalid]))
        .routes(routes!(settings::list_setting_changes[InvalidCursor]))
        .routes(routes!(settings::restore_setting[StepUpNeeded, Invalid]))
        .routes(routes!(suppressions::list_suppressions[InvalidCursor], suppressions::lift_suppression[NotFound]))
        .routes(routes!(rebuilds::start_rebuild[Invalid, Conflict]))
        .routes(routes!(rebuilds::show_rebuild))
        .routes(routes!(categories::show_categories_as_operator, categories::replace_categories_as_operator[Invalid]))
        .limit_calls("operator")
}

pub fn router(app: App) -> Router {
    api::counting_router(routes(), app, count)
}

/// Counts a call of the list of routes that is limited. Who is not signed in changes nothing here.
async fn count(app: App, list: &'static str, by: CountedFor, now: Timestamp) -> Result<(), desk::Error> {
    match by {
        CountedFor::Person(user) => app.desk.count_change(list, user, now).await,
        CountedFor::Client(_) => Ok(()),
    }
}
