//! Accounts: sign-up, sign-in, profile.

mod addresses;
mod credentials;
mod directory;
mod password;
mod profile;
mod session;
mod sign_up;

use std::time::Duration;

use api::idempotency::fingerprint;
use api::{Problem, Routes, routes};
use axum::Router;
use domain::Timestamp;
use domain::text::Email;
use platform::{Config, Fatal};
use serde::Serialize;
use store::{Accounts, Attempts};
use utoipa::ToSchema;

use crate::directory::Directory;

/// Over how long attempts are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// How many attempts one e-mail address gets in that time, for each kind of attempt.
const PER_EMAIL: u32 = 30;
/// How many attempts one client address gets in that time. A whole office, or a whole mobile network, may share one.
const PER_ADDRESS: u32 = 6_000;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    attempts: Attempts,
    directory: Directory,
    per_email: u32,
    per_address: u32,
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
            attempts: Attempts::new(dynamodb.clone(), config.required("CARTS_TABLE")?),
            accounts: Accounts::new(dynamodb, table),
            directory: Directory::new(config.cognito()?, config.required("USER_POOL_CLIENT_ID")?),
            per_email: limit(config, "ATTEMPTS_PER_EMAIL", PER_EMAIL)?,
            per_address: limit(config, "ATTEMPTS_PER_ADDRESS", PER_ADDRESS)?,
        })
    }

    /// Counts an attempt of some kind, by client address and by e-mail address, and refuses it when there were too many.
    async fn count(&self, kind: &str, client: &str, email: &Email, now: Timestamp) -> Result<(), Problem> {
        let client = format!("client#{}", fingerprint(client.as_bytes()));
        self.attempts.count(&client, self.per_address, WINDOW, now).await?;
        let email = format!("{kind}#{}", fingerprint(email.as_str().as_bytes()));
        Ok(self.attempts.count(&email, self.per_email, WINDOW, now).await?)
    }
}

fn limit(config: &Config, name: &str, default: u32) -> Result<u32, Fatal> {
    match config.optional(name) {
        Some(text) => text.parse().map_err(|_| Fatal::new(format!("{name} is no number"))),
        None => Ok(default),
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
        .routes(routes!(password::forgot_password))
        .routes(routes!(password::reset_password))
        .routes(routes!(profile::show_me, profile::change_me))
        .routes(routes!(addresses::list_addresses, addresses::replace_addresses))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
