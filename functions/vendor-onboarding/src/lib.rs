//! Onboarding of vendors: application, documents, profile, members.

mod application;
mod documents;
mod members;
mod profile;

use api::{Members, Routes, routes};
use axum::Router;
use desk::Vendors;
use domain::vendor::Member;
use domain::{UserId, VendorId};
use platform::{Config, Fatal};

/// The state of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    vendors: Vendors,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { vendors: Vendors::new(config).await? })
    }
}

impl Members for App {
    type Error = desk::Error;

    async fn member(&self, user: UserId, named: Option<VendorId>) -> Result<Member, desk::Error> {
        self.vendors.member(user, named).await
    }
}

/// The routes and their entries in the OpenAPI document.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(application::open_vendor[Invalid, LimitReached, HandleTaken]))
        .routes(routes!(
            profile::show_own_vendor,
            profile::change_own_vendor[VendorSuspended, WrongState, ChecklistIncomplete, Conflict],
        ))
        .routes(routes!(documents::add_vendor_document[VendorSuspended, LimitReached, Conflict]))
        .routes(routes!(application::submit_vendor[VendorSuspended, WrongState, ChecklistIncomplete, Conflict]))
        .routes(routes!(
            members::put_vendor_member[VendorSuspended, NotFound, LimitReached, WrongState, Conflict],
            members::list_vendor_members,
            members::remove_vendor_member[VendorSuspended, NotFound, WrongState, Conflict],
        ))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
