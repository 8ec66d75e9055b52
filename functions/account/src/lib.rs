//! Accounts: sign-up, sign-in, profile.

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

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    rate_limits: RateLimits,
    user_pool: UserPool,
    settings: SettingsTable,
}

/// What a call does, as far as its limits are concerned.
#[derive(Clone, Copy, Debug)]
enum LimitedCall {
    /// It tries a password or a mailed code.
    Credential(&'static str),
    /// It sends mail to whatever address it names. All of these count together: whose mailbox is full does not ask which
    /// call it was.
    Mail,
}

impl App {
    /// Builds the clients. Nothing is called yet but what warms the connection.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
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

    /// Counts an attempt by client address and by e-mail address, and refuses it when there were too many.
    async fn count(&self, call: LimitedCall, client: &str, email: &Email, now: Timestamp) -> Result<(), Problem> {
        let limits = self.settings.current().await?.limits;
        let (call, limits) = match call {
            LimitedCall::Credential(call) => (call, limits.sign_in),
            LimitedCall::Mail => ("mail", limits.mail),
        };
        Ok(self.rate_limits.count(call, client, Target::Email(email), limits, now).await?)
    }
}

/// Nothing more is said: the answer is the same whether or not the address has an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {}

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(sign_up::sign_up))
        .routes(routes!(sign_up::confirm_sign_up))
        .routes(routes!(sign_up::resend_code))
        .routes(routes!(session::sign_in))
        .routes(routes!(session::refresh_session))
        .routes(routes!(session::sign_out))
        .routes(routes!(password::request_password_reset))
        .routes(routes!(password::reset_password))
        .routes(routes!(profile::show_my_profile, profile::change_my_profile))
        .routes(routes!(addresses::list_my_addresses, addresses::replace_my_addresses))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
