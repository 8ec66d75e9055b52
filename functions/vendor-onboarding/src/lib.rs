//! Onboarding of vendors: application, documents, profile, invitations, members.

mod application;
mod documents;
mod invitations;
mod members;
mod profile;

use api::{Caller, CountedFor, Members, Routes, routes};
use axum::Router;
use desk::{Arrival, Vendors};
use domain::vendor::Member;
use domain::{Timestamp, VendorId};
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

    async fn member(&self, by: &Caller, now: Timestamp, named: Option<VendorId>) -> Result<Member, desk::Error> {
        self.vendors.member(Arrival { user: by.user, at: by.signed_in_at, now }, named).await
    }
}

/// The routes and their entries in the OpenAPI document.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(application::open_vendor[Forbidden, Invalid, LimitReached, TermsNotAccepted, HandleTaken]))
        .routes(routes!(
            profile::show_own_vendor,
            profile::change_own_vendor[VendorSuspended, WrongState, ChecklistIncomplete, HandleTaken, Conflict],
        ))
        .routes(routes!(documents::add_vendor_document[VendorSuspended, LimitReached, Conflict]))
        .routes(routes!(application::submit_vendor[VendorSuspended, WrongState, ChecklistIncomplete, Conflict]))
        .routes(routes!(
            members::list_vendor_members,
            members::remove_vendor_member[StepUpNeeded, VendorSuspended, NotFound, WrongState, Conflict],
        ))
        .routes(routes!(members::accept_vendor_terms[Conflict]))
        .routes(routes!(members::leave_vendor[Invalid, Forbidden, WrongState, Conflict]))
        .limit_calls("shop")
        .routes(routes!(
            invitations::list_vendor_invitations,
            invitations::invite_vendor_member[StepUpNeeded, VendorSuspended, WrongState, TooManyRequests, Conflict],
            invitations::take_back_vendor_invitation[StepUpNeeded, VendorSuspended, NotFound, Conflict],
        ))
        .routes(routes!(invitations::accept_invitation[
            TermsNotAccepted, Forbidden, NotFound, WrongState, LimitReached, TooManyRequests, Conflict,
        ]))
        .routes(routes!(invitations::accept_operator_invitation[
            Forbidden, NotFound, WrongState, LimitReached, TooManyRequests, Conflict,
        ]))
        .routes(routes!(invitations::decline_invitation[Forbidden, NotFound, TooManyRequests, Conflict]))
}

pub fn router(app: App) -> Router {
    api::counting_router(routes(), app, count)
}

/// Counts a call of the list of routes that is limited. Who is not signed in changes nothing here.
async fn count(app: App, list: &'static str, by: CountedFor, now: Timestamp) -> Result<(), desk::Error> {
    match by {
        CountedFor::Person(user) => app.vendors.count_change(list, user, now).await,
        CountedFor::Client(_) => Ok(()),
    }
}
