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

use api::{Call, Problem, Routes, UnclaimedCall, routes};
use axum::Router;
use domain::vendor::Permission;
use domain::{UserId, VendorId};
use platform::{Bucket, Config, Fatal};
use store::accounts::Standing;
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
const TRIES: usize = 8;

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

    /// The caller's place at the desk, if role and shop allow what is asked for.
    async fn standing(
        &self,
        user: UserId,
        named: Option<VendorId>,
        permission: Permission,
    ) -> Result<Standing, Problem> {
        let standing = self.accounts.standing(user, named).await?;
        standing.may(permission)?;
        Ok(standing)
    }
}

/// A call of a member of a shop.
fn of_member(call: UnclaimedCall, user: UserId, vendor: VendorId) -> Call {
    call.of(format_args!("{user} of {vendor}"))
}

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    // The limit is for what stands above it: a file may be larger than other bodies.
    R::new()
        .routes(routes!(imports::start_import))
        .limit_bodies(imports::BODY_LIMIT)
        .routes(routes!(imports::show_import))
        .routes(routes!(exports::start_export))
        .routes(routes!(exports::show_export))
        .routes(routes!(products::list_own_products, products::create_product))
        .routes(routes!(products::show_own_product, products::replace_product, products::delete_product))
        .routes(routes!(publishing::publish_product))
        .routes(routes!(publishing::unpublish_product))
        .routes(routes!(stock::change_stock))
        .routes(routes!(media::begin_upload))
        .routes(routes!(orders::list_orders))
        .routes(routes!(orders::show_own_part))
        .routes(routes!(orders::accept_order))
        .routes(routes!(orders::refuse_order))
        .routes(routes!(orders::ship_order))
        .routes(routes!(orders::deliver_order))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
