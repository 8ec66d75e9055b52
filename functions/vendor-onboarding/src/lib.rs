//! Vendors: application, profile, members.

mod application;
mod documents;
mod members;
mod people;
mod profile;

use api::{Answer, Problem, Routes, ScopedRequest, UnscopedRequest, routes};
use axum::Router;
use domain::vendor::{Permission, VendorAccount};
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

    /// The account of the shop that the person works for, if the person may do this there.
    async fn account(
        &self,
        user: UserId,
        vendor_id: Option<VendorId>,
        permission: Permission,
    ) -> Result<VendorAccount, Problem> {
        let member = self.accounts.member(user, vendor_id).await?;
        member.may(permission)?;
        Ok(member.account)
    }

    /// Writes a changed account, and answers with what it will be then.
    async fn save(&self, changed: &VendorAccount, call: &ScopedRequest, answer: Answer) -> Result<Answer, Problem> {
        let answer = answer.with_version(changed.version + 1);
        self.accounts.storing(call.stored(&answer)?).save_vendor(changed, &self.catalog).await?;
        Ok(answer)
    }
}

/// A call of a member of a shop.
fn scoped_to_member(call: UnscopedRequest, user: UserId, account: &VendorAccount) -> ScopedRequest {
    call.scoped_to(format_args!("{user} of {}", account.card.id))
}

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(application::open_vendor))
        .routes(routes!(profile::show_own_vendor, profile::change_own_vendor))
        .routes(routes!(documents::add_vendor_document))
        .routes(routes!(application::submit_vendor))
        .routes(routes!(members::put_vendor_member, members::list_vendor_members, members::remove_vendor_member))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
