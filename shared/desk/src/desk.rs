//! The desk of a vendor's staff: its tables, files and queue.

use std::sync::Arc;

use domain::order::PlacedOrder;
use domain::vendor::Member;
use domain::{Code, OrderId, Refusal, VendorId};
use platform::{Bucket, Config, Fatal, PersonsSecret, Secret};
use store::{Accounts, Catalog, Keys, Orders, RateLimits, SettingsTable, Stock};

use crate::Error;
use crate::files::Files;
use crate::proof::{Arrival, MfaPolicy};

/// What a vendor's staff can do with its products, stock, files and vendor orders.
#[derive(Clone, Debug)]
pub struct Desk {
    pub(crate) accounts: Accounts,
    pub(crate) mfa: MfaPolicy,
    pub(crate) catalog: Catalog,
    pub(crate) orders: Orders,
    pub(crate) stock: Stock,
    pub(crate) settings: SettingsTable,
    /// What vendors upload as pictures, which nobody sees before it was looked at.
    pub(crate) uploads: Bucket,
    /// Where pictures are served, without a slash at the end.
    pub(crate) media_base: String,
    pub(crate) files: Files,
    pub(crate) persons: Arc<Secret<PersonsSecret>>,
    pub(crate) rate_limits: RateLimits,
}

/// An order with who placed it.
pub(crate) async fn load_opened(
    orders: &Orders,
    persons: &Secret<PersonsSecret>,
    id: OrderId,
) -> Result<PlacedOrder, Error> {
    let found = orders.load_with_key(id, None).await?;
    let (mut order, key) = found.ok_or_else(|| Refusal::of(Code::NotFound))?;
    persons.value().await?.show_person(&mut order, key.as_ref());
    Ok(order)
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
        let orders = Orders::new(dynamodb.clone(), config.required("ORDERS_TABLE")?, stock.clone());
        Ok(Self {
            mfa: MfaPolicy::new(config, SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?))?,
            accounts: Accounts::new(dynamodb.clone(), table),
            catalog: Catalog::new(dynamodb.clone(), config.required("CATALOG_TABLE")?),
            orders: orders.with_keys(Keys::new(dynamodb.clone(), config.required("KEYS_TABLE")?)),
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            rate_limits: RateLimits::new(dynamodb.clone(), config.required("CARTS_TABLE")?),
            settings: SettingsTable::new(dynamodb, config.required("SETTINGS_TABLE")?),
            stock,
            uploads: Bucket::new(config.s3()?, config.required("UPLOADS_BUCKET")?),
            media_base: config.required("MEDIA_BASE_URL")?.to_owned(),
            files: Files::new(config)?,
        })
    }

    /// A person's membership with the named vendor, or with the only approved one. It is read at each call, so that the
    /// removal of a member and the suspension of a vendor take effect at once.
    pub async fn member(&self, by: Arrival, named: Option<VendorId>) -> Result<Member, Error> {
        self.mfa.member(&self.accounts, by, named).await
    }
}
