//! The desk of a vendor's staff: its tables, files and queue.

use domain::vendor::Member;
use domain::{UserId, VendorId};
use platform::{Bucket, Config, Fatal};
use store::{Accounts, Catalog, Orders, SettingsTable, Stock};

use crate::Error;
use crate::files::Files;

/// What a vendor's staff can do with its products, stock, files and vendor orders.
#[derive(Clone, Debug)]
pub struct Desk {
    pub(crate) accounts: Accounts,
    pub(crate) catalog: Catalog,
    pub(crate) orders: Orders,
    pub(crate) stock: Stock,
    pub(crate) settings: SettingsTable,
    pub(crate) media: Bucket,
    /// Where pictures are served, without a slash at the end.
    pub(crate) media_base: String,
    pub(crate) files: Files,
}

impl Desk {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("ACCOUNTS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        Ok(Self {
            accounts: Accounts::new(dynamodb.clone(), table),
            catalog: Catalog::new(dynamodb.clone(), config.required("CATALOG_TABLE")?),
            orders: Orders::new(dynamodb.clone(), config.required("ORDERS_TABLE")?, stock.clone()),
            settings: SettingsTable::new(dynamodb, config.required("SETTINGS_TABLE")?),
            stock,
            media: Bucket::new(config.s3()?, config.required("MEDIA_BUCKET")?),
            media_base: config.required("MEDIA_BASE_URL")?.to_owned(),
            files: Files::new(config)?,
        })
    }

    /// A person's membership with the named vendor, or with the only one there is. It is read at each call, so that the
    /// removal of a member and the suspension of a vendor take effect at once.
    pub async fn member(&self, user: UserId, named: Option<VendorId>) -> Result<Member, Error> {
        Ok(self.accounts.member(user, named).await?)
    }
}
