//! The operator's endpoints: vendors, orders, payments, categories.

mod categories;
mod jobs;
mod orders;
mod payments;
mod vendors;

use api::{Routes, routes};
use axum::Router;
use platform::{Bucket, Config, Fatal};
use store::{Accounts, Catalog, Orders};

use crate::jobs::Jobs;

/// State shared by the handlers.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    catalog: Catalog,
    orders: Orders,
    documents: Bucket,
    jobs: Jobs,
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
            accounts: Accounts::new(dynamodb.clone(), table),
            catalog: Catalog::new(
                dynamodb.clone(),
                config.required("CATALOG_TABLE")?,
                config.required("MEDIA_BASE_URL")?,
            ),
            orders: Orders::for_reading(dynamodb, config.required("ORDERS_TABLE")?),
            documents: Bucket::new(config.s3()?, config.required("DOCUMENTS_BUCKET")?),
            jobs: Jobs::new(config.sqs()?, config.required("IMPORTS_QUEUE_URL")?),
        })
    }
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(vendors::list_vendors_as_operator[InvalidCursor]))
        .routes(routes!(vendors::show_vendor_as_operator))
        .routes(routes!(vendors::approve_vendor[WrongState, Conflict]))
        .routes(routes!(vendors::reject_vendor[Invalid, WrongState, Conflict]))
        .routes(routes!(vendors::suspend_vendor[Invalid, WrongState, Conflict]))
        .routes(routes!(vendors::reinstate_vendor[WrongState, Conflict]))
        .routes(routes!(orders::list_orders_as_operator[Invalid, InvalidCursor]))
        .routes(routes!(orders::show_order_as_operator))
        .routes(routes!(payments::list_payments_as_operator[InvalidCursor]))
        .routes(routes!(payments::list_failed_refunds[InvalidCursor]))
        .routes(routes!(payments::list_unmatched_payments[InvalidCursor]))
        .routes(routes!(categories::show_categories_as_operator, categories::replace_categories_as_operator[Invalid]))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
