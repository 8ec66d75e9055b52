//! What the operator and the vendors settle.

use api::views::{AskedSettlements, EntryLimit, SettlementReply, SettlementStatement, WantsFile};
use api::{Now, Operator, Problem, Query};
use axum::extract::State;
use desk::settlement_file;
use domain::marketplace::OperatorPermission;
use domain::{TimeBound, VendorId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::App;

/// The time for which is settled, and with whom.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSettlements {
    /// The first moment of the time; a date is its beginning in UTC.
    from: TimeBound,
    /// The first moment after it; a date is its beginning in UTC.
    to: TimeBound,
    /// Only entries of this vendor.
    vendor: Option<VendorId>,
    /// Entries per page, 1 to 1,000.
    #[serde(default)]
    #[param(inline)]
    limit: EntryLimit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// Lists what the operator and the vendors settle for a time.
///
/// Each change of an order leaves an entry at its time, with what it has added to the amounts of a vendor order: a sale
/// when it is paid, in cash when it is delivered; what is due when it is delivered; refunds and chargebacks when they
/// are decided. So each amount is in exactly one time, times that follow each other add up, and what is over stays as
/// it was. The sum of `due` is what a vendor is paid for the time. With `Accept: text/csv` the entries come as a file
/// in UTF-8, and a `Link` header names its next page.
#[utoipa::path(
    get, path = "/v1/admin/settlements", params(ListSettlements),
    responses((status = OK, content((SettlementStatement = "application/json"), (String = "text/csv"))))
)]
pub async fn list_settlements_as_operator(
    State(App { desk: app }): State<App>,
    Now(now): Now,
    Operator(operator): Operator,
    WantsFile(as_file): WantsFile,
    Query(ListSettlements { from, to, vendor, limit, cursor }): Query<ListSettlements>,
) -> Result<SettlementReply, Problem> {
    operator.may(OperatorPermission::ReadMoney)?;
    let asked = AskedSettlements { from, to, vendor, limit };
    let found = app.settlements(vendor, asked.period()?, &limit.page(cursor)).await?;
    let file = as_file.then(|| settlement_file(&found.items)).transpose()?;
    asked.reply(found, file, now)
}
