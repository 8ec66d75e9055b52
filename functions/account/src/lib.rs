//! Accounts: sign-up, sign-in, profile, address book.

mod addresses;
mod code;
mod contact;
mod mfa;
mod my_sessions;
mod password;
mod profile;
mod session;
mod sign_up;

use api::{CountedFor, Json, Routes, routes};
use axum::Router;
use axum::http::StatusCode;
use domain::Timestamp;
use serde::Serialize;
use shop::Changing;
use utoipa::ToSchema;

/// The state of the handlers.
pub use shop::People as App;

/// An empty object: there is nothing else to know.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {}

/// A request for a code. The answer is alike whether or not the address has an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeRequestView {
    /// The token to send with the code: without it the code opens nothing. Five codes may be tried with it.
    #[schema(examples("5yIyn1uY0aLBZbV3gEsiHkdSgW6vgVGs0W3FfX2m4xk"))]
    request: String,
}

/// 202: mail is on its way, if there is anybody to send it to.
const fn requested(request: String) -> (StatusCode, Json<CodeRequestView>) {
    (StatusCode::ACCEPTED, Json(CodeRequestView { request }))
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    // What has counters of its own, for what can be guessed and for mail, comes behind the list.
    R::new()
        .routes(routes!(session::refresh_session[Unauthorized, TooManyRequests]))
        .routes(routes!(session::sign_out[TooManyRequests]))
        .routes(routes!(mfa::answer_challenge[Invalid, CodeMismatch, InvalidCredentials, TooManyRequests]))
        .routes(routes!(my_sessions::list_my_sessions))
        .routes(routes!(my_sessions::end_my_session[NotFound]))
        .routes(routes!(
            mfa::begin_mfa[StepUpNeeded, WrongState, Conflict, TooManyRequests],
            mfa::remove_mfa[CodeMismatch, WrongState, Conflict, TooManyRequests],
        ))
        .routes(
            routes!(profile::show_my_profile[TooManyRequests], profile::change_my_profile[TooManyRequests, Conflict]),
        )
        .routes(routes!(addresses::list_my_addresses, addresses::replace_my_addresses[Invalid, Conflict]))
        .limit_calls("account")
        .routes(routes!(sign_up::sign_up[Invalid, TooManyRequests]))
        .routes(routes!(sign_up::confirm_sign_up[CodeMismatch, PasswordNeeded, Invalid, TooManyRequests]))
        .routes(routes!(sign_up::resend_code[Invalid, TooManyRequests]))
        .routes(routes!(session::sign_in[InvalidCredentials, TooManyRequests]))
        .routes(routes!(code::send_sign_in_code[Invalid, TooManyRequests]))
        .routes(routes!(code::sign_in_by_code[CodeMismatch, TooManyRequests]))
        .routes(routes!(my_sessions::change_my_password[InvalidCredentials, Invalid, TooManyRequests]))
        .routes(routes!(contact::ask_to_change_my_contact[StepUpNeeded, WrongState, Invalid, TooManyRequests]))
        .routes(
            routes!(contact::change_my_contact[StepUpNeeded, CodeMismatch, AlreadyExists, Conflict, Invalid, TooManyRequests]),
        )
        .routes(routes!(mfa::confirm_mfa[StepUpNeeded, CodeMismatch, WrongState, Conflict, TooManyRequests]))
        .routes(routes!(mfa::replace_recovery_codes[CodeMismatch, WrongState, Conflict, TooManyRequests]))
        .routes(routes!(password::request_password_reset[Invalid, TooManyRequests]))
        .routes(routes!(password::reset_password[CodeMismatch, Conflict, Invalid, TooManyRequests]))
}

pub fn router(app: App) -> Router {
    api::counting_router(routes(), app, count)
}

/// Counts a call of the list of routes that is limited.
async fn count(people: App, list: &'static str, by: CountedFor, now: Timestamp) -> Result<(), shop::Error> {
    match by {
        CountedFor::Person(user) => people.count_change(list, Changing::Person(user), now).await,
        CountedFor::Client(client) => people.count_change(list, Changing::Client(&client), now).await,
    }
}
