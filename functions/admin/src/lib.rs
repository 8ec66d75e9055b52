//! The operator's desk: vendors, orders, settings.

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

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    catalog: Catalog,
    orders: Orders,
    documents: Bucket,
    jobs: Jobs,
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

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(vendors::list_vendors_as_operator))
        .routes(routes!(vendors::show_vendor_as_operator))
        .routes(routes!(vendors::approve_vendor))
        .routes(routes!(vendors::reject_vendor))
        .routes(routes!(vendors::suspend_vendor))
        .routes(routes!(vendors::reinstate_vendor))
        .routes(routes!(orders::list_orders_as_operator))
        .routes(routes!(orders::show_order_as_operator))
        .routes(routes!(payments::list_payments_as_operator))
        .routes(routes!(payments::list_failed_refunds))
        .routes(routes!(payments::list_unmatched_payments))
        .routes(routes!(categories::show_categories_as_operator, categories::replace_categories_as_operator))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
