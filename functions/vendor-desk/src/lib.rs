//! The vendor's desk over HTTP: products, stock, media, imports, exports, orders.

mod exports;
mod files;
mod imports;
mod input;
mod media;
mod orders;
mod products;
mod publishing;
mod stock;
mod view;

use api::{Problem, Routes, ScopedRequest, UnscopedRequest, routes};
use axum::Router;
use domain::vendor::Permission;
use domain::{UserId, VendorId};
use platform::{Bucket, Config, Fatal};
use store::accounts::Member;
use store::{Accounts, Catalog, Orders, Stock};

use crate::files::Files;

/// The state of the function: tables, buckets and the queue of jobs.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    catalog: Catalog,
    orders: Orders,
    stock: Stock,
    media: Bucket,
    files: Files,
}

/// Attempts of a change whose item is changed by others at the same time.
const MAX_ATTEMPTS: usize = 8;

impl App {
    /// Builds the clients, and opens the connection to DynamoDB by reading an absent key.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        let accounts_table = config.required("ACCOUNTS_TABLE")?;
        platform::prewarm(config, &dynamodb, accounts_table).await;
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        Ok(Self {
            accounts: Accounts::new(dynamodb.clone(), accounts_table),
            catalog: Catalog::new(
                dynamodb.clone(),
                config.required("CATALOG_TABLE")?,
                config.required("MEDIA_BASE_URL")?,
            ),
            orders: Orders::new(dynamodb, config.required("ORDERS_TABLE")?, stock.clone()),
            stock,
            media: Bucket::new(config.s3()?, config.required("MEDIA_BUCKET")?),
            files: Files::new(config)?,
        })
    }

    /// The caller as a member of the vendor, if the member's role and the vendor's state give this permission.
    async fn member(
        &self,
        user: UserId,
        vendor_id: Option<VendorId>,
        permission: Permission,
    ) -> Result<Member, Problem> {
        let member = self.accounts.member(user, vendor_id).await?;
        member.may(permission)?;
        Ok(member)
    }
}

/// Scopes the idempotency key to the member and the vendor, so that others' keys never match.
fn scoped_to_member(call: UnscopedRequest, user: UserId, vendor: VendorId) -> ScopedRequest {
    call.scoped_to(format_args!("{user} of {vendor}"))
}

/// The routes and their entries in the OpenAPI document.
pub fn routes<R: Routes<App>>() -> R {
    // The limit applies to the routes above it: the body of an import may be larger than others.
    R::new()
        .routes(routes!(imports::start_vendor_import[VendorSuspended]))
        .limit_bodies(imports::BODY_LIMIT)
        .routes(routes!(imports::show_vendor_import))
        .routes(routes!(exports::start_vendor_export))
        .routes(routes!(exports::show_vendor_export))
        .routes(routes!(
            products::list_vendor_products[InvalidCursor],
            products::create_vendor_product[VendorSuspended, HandleTaken, LimitReached, Conflict],
        ))
        .routes(routes!(
            products::show_vendor_product,
            products::replace_vendor_product[VendorSuspended, HandleTaken, WrongState, LimitReached, Conflict],
            products::delete_vendor_product[VendorSuspended, WrongState, Conflict],
        ))
        .routes(routes!(publishing::publish_vendor_product[VendorSuspended, WrongState, LimitReached, Conflict]))
        .routes(routes!(publishing::unpublish_vendor_product[VendorSuspended, Conflict]))
        .routes(routes!(stock::change_vendor_stock[VendorSuspended, OutOfStock, WrongState, LimitReached, Conflict]))
        .routes(routes!(media::begin_media_upload[VendorSuspended]))
        .routes(routes!(orders::list_vendor_orders[InvalidCursor]))
        .routes(routes!(orders::show_vendor_order))
        .routes(routes!(orders::accept_vendor_order[VendorSuspended, WrongState, Conflict]))
        .routes(routes!(orders::decline_vendor_order[VendorSuspended, WrongState, Conflict]))
        .routes(routes!(orders::decline_vendor_order_by_old_name[VendorSuspended, WrongState, Conflict]))
        .routes(routes!(orders::ship_vendor_order[WrongState, Conflict]))
        .routes(routes!(orders::deliver_vendor_order[WrongState, Conflict]))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
