//! Papers of vendors that have expired.

use api::{Json, Now, Operator, Page, PageQuery, Problem, Query};
use axum::extract::State;
use domain::marketplace::OperatorPermission;
use domain::vendor::{DocumentKind, Paper};
use domain::{Timestamp, VendorId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A paper that has expired, and that no newer one has replaced.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExpiredPaper {
    vendor_id: VendorId,
    kind: DocumentKind,
    expires_at: Timestamp,
}

impl From<Paper> for ExpiredPaper {
    fn from(paper: Paper) -> Self {
        Self { vendor_id: paper.vendor, kind: paper.kind, expires_at: paper.expires_at }
    }
}

/// Lists papers of vendors that have expired.
///
/// The last ones come first.
///
/// Those that are within the days of grace (the setting `vendors/rules`) are left out, so a page may have fewer items
/// than `limit`, and goes on with `next`. No vendor is suspended for it by itself.
#[utoipa::path(
    get, path = "/v1/admin/papers/expired", params(PageQuery), responses((status = OK, body = Page<ExpiredPaper>))
)]
pub async fn list_expired_papers(
    State(App { desk: app }): State<App>,
    Now(now): Now,
    Operator(operator): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<ExpiredPaper>>, Problem> {
    operator.may(OperatorPermission::ReadVendors)?;
    Ok(Json(Page::of(app.expired_papers(now, &asked.page()).await?, ExpiredPaper::from)))
}
