//! The vendor's desk over HTTP: products, stock, media, imports, exports, orders.

mod exports;
mod imports;
mod mapping;
mod media;
mod orders;
mod products;
mod returns;
mod settlements;
mod stock;
mod summary;
mod view;

use api::{Caller, CountedFor, Members, Routes, routes};
use axum::Router;
use desk::{Arrival, Desk};
use domain::vendor::Member;
use domain::{Timestamp, VendorId};
use platform::{Config, Fatal};

/// The state of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    desk: Desk,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { desk: Desk::new(config).await? })
    }
}

impl Members for App {
    type Error = desk::Error;

    async fn member(&self, by: &Caller, now: Timestamp, named: Option<VendorId>) -> Result<Member, desk::Error> {
        self.desk.member(Arrival { user: by.user, at: by.signed_in_at, now }, named).await
    }
}

/// The routes and their entries in the OpenAPI document.
pub fn routes<R: Routes<App>>() -> R {
    // The limit applies to the routes above it: the body of an import may be larger than others.
    R::new()
        .routes(routes!(
            imports::list_vendor_imports[InvalidCursor],
            imports::start_vendor_import[VendorSuspended, WrongState, ImportRunning, TooManyRequests, Conflict],
        ))
        .limit_bodies(imports::BODY_LIMIT)
        .routes(routes!(imports::show_vendor_import))
        .routes(routes!(
            mapping::show_vendor_import_mapping,
            mapping::replace_vendor_import_mapping[VendorSuspended, WrongState, Conflict],
        ))
        .routes(routes!(
            exports::list_vendor_exports[InvalidCursor],
            exports::start_vendor_export[ImportRunning, TooManyRequests, Conflict],
        ))
        .routes(routes!(exports::show_vendor_export))
        .routes(routes!(
            products::list_vendor_products[InvalidCursor],
            products::create_vendor_product[VendorSuspended, WrongState, HandleTaken, LimitReached, Conflict],
        ))
        .routes(routes!(
            products::show_vendor_product,
            products::replace_vendor_product[VendorSuspended, HandleTaken, WrongState, LimitReached, Conflict],
            products::delete_vendor_product[VendorSuspended, WrongState, Conflict],
        ))
        .routes(
            routes!(products::publish_vendor_product[VendorSuspended, WrongState, HandleTaken, LimitReached, Conflict]),
        )
        .routes(routes!(products::unpublish_vendor_product[VendorSuspended, WrongState, Conflict]))
        .routes(routes!(stock::change_vendor_stock[VendorSuspended, OutOfStock, WrongState, LimitReached, Conflict]))
        // What follows has counters of its own, or is a step of an order.
        .limit_calls("desk")
        .routes(routes!(media::begin_media_upload[VendorSuspended, WrongState, LimitReached, TooManyRequests]))
        .routes(routes!(media::show_media))
        .routes(routes!(summary::show_vendor_summary))
        .routes(routes!(settlements::list_vendor_settlements[InvalidCursor]))
        .routes(routes!(orders::list_vendor_orders[InvalidCursor]))
        .routes(routes!(orders::show_vendor_order))
        .routes(routes!(orders::accept_vendor_order[VendorSuspended, WrongState, PaymentDisputed, Conflict]))
        .routes(routes!(orders::decline_vendor_order[VendorSuspended, WrongState, Conflict]))
        .routes(routes!(orders::decline_vendor_order_by_old_name[VendorSuspended, WrongState, Conflict]))
        .routes(routes!(orders::ship_vendor_order[
            WrongState, PaymentDisputed, LimitReached, IdempotencyKeyMissing, Conflict,
        ]))
        .routes(routes!(orders::deliver_vendor_order[WrongState, Conflict]))
        .routes(routes!(orders::deliver_vendor_parcel[WrongState, Conflict]))
        .routes(routes!(orders::give_up_vendor_parcel[WrongState, Conflict]))
        .routes(routes!(orders::take_back_vendor_parcel[WrongState, Conflict]))
        .routes(routes!(returns::grant_own_refund[VendorSuspended, WrongState, Conflict]))
        .routes(routes!(returns::approve_return[WrongState, Conflict]))
        .routes(routes!(returns::decline_return[WrongState, Conflict]))
        .routes(routes!(returns::receive_return[WrongState, Conflict]))
}

pub fn router(app: App) -> Router {
    api::counting_router(routes(), app, count)
}

/// Counts a call of the list of routes that is limited. Who is not signed in changes nothing here.
async fn count(app: App, list: &'static str, by: CountedFor, now: Timestamp) -> Result<(), desk::Error> {
    match by {
        CountedFor::Person(user) => app.desk.count_change(list, user, now).await,
        CountedFor::Client(_) => Ok(()),
    }
}
