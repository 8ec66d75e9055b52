//! The vendor's desk: products, stock, media, imports, orders.

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

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    catalog: Catalog,
    orders: Orders,
    stock: Stock,
    media: Bucket,
    files: Files,
}

/// How often a change is tried again when somebody else changes the same thing in between.
const MAX_ATTEMPTS: usize = 8;

impl App {
    /// Builds the clients. Nothing is called yet but what warms the connection.
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

    /// The caller as a member of the vendor, if role and shop allow what is asked for.
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

/// A call of a member of a shop.
fn scoped_to_member(call: UnscopedRequest, user: UserId, vendor: VendorId) -> ScopedRequest {
    call.scoped_to(format_args!("{user} of {vendor}"))
}

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    // The limit is for what stands above it: a file may be larger than other bodies.
    R::new()
        .routes(routes!(imports::start_vendor_import))
        .limit_bodies(imports::BODY_LIMIT)
        .routes(routes!(imports::show_vendor_import))
        .routes(routes!(exports::start_vendor_export))
        .routes(routes!(exports::show_vendor_export))
        .routes(routes!(products::list_vendor_products, products::create_vendor_product))
        .routes(routes!(
            products::show_vendor_product,
            products::replace_vendor_product,
            products::delete_vendor_product
        ))
        .routes(routes!(publishing::publish_vendor_product))
        .routes(routes!(publishing::unpublish_vendor_product))
        .routes(routes!(stock::change_vendor_stock))
        .routes(routes!(media::begin_media_upload))
        .routes(routes!(orders::list_vendor_orders))
        .routes(routes!(orders::show_vendor_order))
        .routes(routes!(orders::accept_vendor_order))
        .routes(routes!(orders::decline_vendor_order))
        .routes(routes!(orders::ship_vendor_order))
        .routes(routes!(orders::deliver_vendor_order))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
