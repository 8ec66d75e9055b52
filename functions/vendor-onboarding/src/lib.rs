//! Onboarding of vendors: application, documents, profile, members.

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

/// The state of the function: tables, the bucket of documents and the user pool.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    catalog: Catalog,
    documents: Bucket,
    people: People,
}

impl App {
    /// Builds the clients, and opens the connection to DynamoDB by reading an absent key.
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

    /// The account of the vendor of which the user is a member, if the member's role and the vendor's state give this
    /// permission.
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

    /// Writes a changed account; the answer carries the version that it has then.
    async fn save(&self, changed: &VendorAccount, call: &ScopedRequest, answer: Answer) -> Result<Answer, Problem> {
        let answer = answer.with_version(changed.version + 1);
        self.accounts.storing(call.stored(&answer)?).save_vendor(changed, &self.catalog).await?;
        Ok(answer)
    }
}

/// Scopes the idempotency key to the member and the vendor, so that others' keys never match.
fn scoped_to_member(call: UnscopedRequest, user: UserId, account: &VendorAccount) -> ScopedRequest {
    call.scoped_to(format_args!("{user} of {}", account.card.id))
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
