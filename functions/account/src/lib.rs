//! Accounts: sign-up, sign-in, profile, address book.

mod addresses;
mod password;
mod profile;
mod session;
mod sign_up;

use api::{Json, Routes, routes};
use axum::Router;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// The state of the handlers.
pub use shop::People as App;

/// An empty object: the answer is the same whether or not the address has an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {}

/// 202: mail is on its way, if there is anybody to send it to.
const ACKNOWLEDGED: (StatusCode, Json<Acknowledged>) = (StatusCode::ACCEPTED, Json(Acknowledged {}));

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(sign_up::sign_up[Invalid, TooManyRequests]))
        .routes(routes!(sign_up::confirm_sign_up[AlreadyExists, CodeMismatch, CodeExpired, Invalid, TooManyRequests]))
        .routes(routes!(sign_up::resend_code[TooManyRequests]))
        .routes(routes!(session::sign_in[InvalidCredentials, NotConfirmed, TooManyRequests]))
        .routes(routes!(session::refresh_session[Unauthorized, TooManyRequests]))
        .routes(routes!(session::sign_out[TooManyRequests]))
        .routes(routes!(password::request_password_reset[TooManyRequests]))
        .routes(routes!(password::reset_password[CodeMismatch, Invalid, TooManyRequests]))
        .routes(
            routes!(profile::show_my_profile[TooManyRequests], profile::change_my_profile[TooManyRequests, Conflict]),
        )
        .routes(routes!(addresses::list_my_addresses, addresses::replace_my_addresses[Invalid, Conflict]))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
