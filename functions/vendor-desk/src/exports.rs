//! Product files out: `POST /v1/vendor/exports` and where the file is.

use api::{
    Answer, Caller, IdempotencyKeyHeader, Idempotent, Json, NoBody, Now, Path, Problem, Query, VendorHeader,
    VendorIdHeader, replay_or_run,
};
use axum::extract::State;
use domain::job::{ExportJob, ExportView, JobState};
use domain::vendor::{Permission, VendorJob};
use domain::{Code, Currency, ExportId, Refusal};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{App, scoped_to_member};

/// Where exports are.
const EXPORTS: &str = "/v1/vendor/exports/";

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
    post, path = "/v1/vendor/exports", params(ExportParameters, VendorIdHeader, IdempotencyKeyHeader),
    responses((status = ACCEPTED, body = ExportView))
)]
pub async fn start_vendor_export(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Query(asked): Query<ExportParameters>,
    Idempotent { call, .. }: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let member = app.accounts.member(caller.user, vendor_id).await?;
    member.may(Permission::ReadProducts)?;
    let vendor = member.account.card.id;
    let call = scoped_to_member(call, caller.user, vendor);
    let job = ExportJob {
        id: ExportId::new(now, platform::ids(now).bits()),
        vendor,
        currency: asked.currency.unwrap_or(member.account.currency),
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
    let answer = Answer::accepted(format!("{EXPORTS}{}", job.id), &ExportView::from(&job))?;
    let answer = replay_or_run(app.accounts.stored_response(call.as_idempotent()), async {
        app.accounts.storing(call.stored(&answer)?).add_export(&job).await?;
        Ok(answer)
    })
    .await?;
    // Also for a repeat: the first call may have come to its end before the queue was asked. A job that was asked for twice is
    // done once.
    let id = answer.location().and_then(|location| location.strip_prefix(EXPORTS)).and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Problem::internal("an export without a location"))?;
    app.files.enqueue(&VendorJob::Export { vendor_id: vendor, id }).await?;
    Ok(answer)
}

/// Shows how far an export has come; once it is complete, with an address where the file can be had for ten minutes.
#[utoipa::path(
    get, path = "/v1/vendor/exports/{id}",
    params(("id" = ExportId, Path, description = "The export."), VendorIdHeader),
    responses((status = OK, body = ExportView))
)]
pub async fn show_vendor_export(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<ExportId>,
) -> Result<Json<ExportView>, Problem> {
    let member = app.accounts.member(caller.user, vendor_id).await?;
    member.may(Permission::ReadProducts)?;
    let found = app.accounts.export(member.account.card.id, id).await?;
    let job = found.ok_or_else(|| Refusal::of(Code::NotFound))?;
    if job.is_abandoned(now) {
        app.files.enqueue_abandoned(&VendorJob::Export { vendor_id: job.vendor, id }).await;
    }
    let mut view = ExportView::from(&job);
    if job.state == JobState::Completed {
        let (url, expires_at) = app.files.presigner.link(&job.key(), now).await?;
        view.url = Some(url);
        view.url_expires_at = Some(expires_at);
    }
    Ok(Json(view))
}
