//! Accounts: sign-up, sign-in, profile, address book.

mod addresses;
mod credentials;
mod password;
mod profile;
mod session;
mod sign_up;
mod user_pool;

use api::{Problem, Routes, routes};
use axum::Router;
use domain::Timestamp;
use domain::text::Email;
use platform::{Config, Fatal};
use serde::Serialize;
use store::rate_limits::Target;
use store::{Accounts, RateLimits, SettingsTable};
use utoipa::ToSchema;

use crate::user_pool::UserPool;

/// State shared by the handlers.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    rate_limits: RateLimits,
    user_pool: UserPool,
    settings: SettingsTable,
}

/// The kind of a rate-limited call, which decides the limit that applies.
#[derive(Clone, Copy, Debug)]
enum LimitedCall {
    /// Tries a password or a mailed code. Each endpoint has a count of its own, under this name.
    Credential(&'static str),
    /// Sends mail to an address that the caller names. All such endpoints share one count, so that nobody can flood a
    /// mailbox by alternating between them.
    Mail,
}

impl App {
    /// Builds the clients and warms the connection to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        let table = config.required("ACCOUNTS_TABLE")?;
        platform::prewarm(config, &dynamodb, table).await;
        Ok(Self {
            rate_limits: RateLimits::new(dynamodb.clone(), config.required("CARTS_TABLE")?),
            settings: SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?),
            accounts: Accounts::new(dynamodb, table),
            user_pool: UserPool::new(config.cognito()?, config.required("USER_POOL_CLIENT_ID")?),
        })
    }

    /// Counts a call by client IP address and by e-mail address, and refuses it once either is over its rate limit.
    async fn count(&self, call: LimitedCall, client: &str, email: &Email, now: Timestamp) -> Result<(), Problem> {
        let limits = self.settings.current().await?.limits;
        let (call, limits) = match call {
            LimitedCall::Credential(call) => (call, limits.sign_in),
            LimitedCall::Mail => ("mail", limits.mail),
        };
        Ok(self.rate_limits.count(call, client, Target::Email(email), limits, now).await?)
    }
}

/// An empty object: the answer is the same whether or not the address has an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {}

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
