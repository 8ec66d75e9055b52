//! Product files out: `POST /v1/vendor/exports` and where the file is.

use api::{Answer, Buyer, Json, Now, Path, Problem, Query, VendorHeader};
use axum::extract::State;
use domain::job::{ExportJob, ExportView, JobState};
use domain::vendor::{Permission, VendorJob};
use domain::{Code, Currency, ExportId, Refusal};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::App;

/// What the file is to have.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportParameters {
    /// The currency of its prices; the shop's own when nothing is said.
    currency: Option<Currency>,
}

/// Exports all products of the shop into one file in Shopify's format.
///
/// Importing the file again changes nothing.
#[utoipa::path(
    post, path = "/v1/vendor/exports", params(ExportParameters), responses((status = ACCEPTED, body = ExportView))
)]
pub async fn start_export(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Query(asked): Query<ExportParameters>,
) -> Result<Answer, Problem> {
    let standing = app.accounts.standing(buyer.user, named).await?;
    standing.may(Permission::ReadProducts)?;
    let job = ExportJob {
        id: ExportId::new(now, platform::mint(now).bits()),
        vendor: standing.file.card.id,
        currency: asked.currency.unwrap_or(standing.file.currency),
        state: JobState::Waiting,
        rows: 0,
        products: 0,
        failure: None,
        after: None,
        upload: None,
        parts: Vec::new(),
        lease: None,
        created_at: now,
        finished_at: None,
        version: 0,
    };
    let job = app.accounts.add_export(&job).await?;
    app.files.ask_for(&VendorJob::Export { vendor_id: job.vendor, id: job.id }).await?;
    Answer::accepted(format!("/v1/vendor/exports/{}", job.id), &ExportView::from(&job))
}

/// Shows how far an export has come; once it is complete, with an address where the file can be had for ten minutes.
#[utoipa::path(
    get, path = "/v1/vendor/exports/{id}", params(("id" = ExportId, Path, description = "The export.")),
    responses((status = OK, body = ExportView))
)]
pub async fn show_export(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ExportId>,
) -> Result<Json<ExportView>, Problem> {
    let standing = app.accounts.standing(buyer.user, named).await?;
    standing.may(Permission::ReadProducts)?;
    let found = app.accounts.export(standing.file.card.id, id).await?;
    let job = found.ok_or_else(|| Refusal::of(Code::NotFound))?;
    let mut view = ExportView::from(&job);
    if job.state == JobState::Completed {
        let (url, expires_at) = app.files.link(&job.key(), now).await?;
        view.url = Some(url);
        view.url_expires_at = Some(expires_at);
    }
    Ok(Json(view))
}
