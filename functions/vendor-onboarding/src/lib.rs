//! Vendors: application, profile, members.

mod application;
mod documents;
mod members;
mod people;
mod profile;

use api::{Answer, Call, Problem, Routes, UnclaimedCall, routes};
use axum::Router;
use domain::vendor::{Permission, VendorFile};
use domain::{UserId, VendorId};
use platform::{Bucket, Config, Fatal};
use store::{Accounts, Catalog};

use crate::people::People;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    catalog: Catalog,
    documents: Bucket,
    people: People,
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
            accounts: Accounts::new(dynamodb.clone(), table),
            catalog: Catalog::new(dynamodb, config.required("CATALOG_TABLE")?, config.required("MEDIA_BASE_URL")?),
            documents: Bucket::new(config.s3()?, config.required("DOCUMENTS_BUCKET")?),
            people: People::new(config.cognito()?, config.required("USER_POOL_ID")?),
        })
    }

    /// The file of the shop that the person works for, if the person may do this there.
    async fn file(&self, user: UserId, named: Option<VendorId>, permission: Permission) -> Result<VendorFile, Problem> {
        let standing = self.accounts.standing(user, named).await?;
        standing.may(permission)?;
        Ok(standing.file)
    }

    /// Writes a changed file, and answers with what it will be then.
    async fn save(&self, changed: &VendorFile, call: &Call, answer: Answer) -> Result<Answer, Problem> {
        let answer = answer.with_version(changed.version + 1);
        self.accounts.keeping(call.keeps(&answer)?).save_vendor(changed, &self.catalog).await?;
        Ok(answer)
    }
}

/// A call of a member of a shop.
fn of_member(call: UnclaimedCall, user: UserId, file: &VendorFile) -> Call {
    call.of(format_args!("{user} of {}", file.card.id))
}

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(application::apply))
        .routes(routes!(profile::show_own_shop, profile::change_own_shop))
        .routes(routes!(documents::add_document))
        .routes(routes!(application::submit_application))
        .routes(routes!(members::put_member, members::list_members, members::remove_member))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
