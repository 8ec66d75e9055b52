//! Exports of product files: starting an export and showing its progress. The worker writes the file.

use api::views::ExportView;
use api::{Answer, Caller, Idempotent, Json, NoBody, Now, Path, Problem, Query, VendorHeader, replay_or_run};
use axum::extract::State;
use domain::job::{ExportJob, JobState};
use domain::vendor::{Permission, VendorJob};
use domain::{Code, Currency, ExportId, Refusal};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{App, scoped_to_member};

const EXPORTS: &str = "/v1/vendor/exports/";

/// The parameters of an export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportParameters {
    /// The currency of the file's prices; by default the vendor's own.
    currency: Option<Currency>,
}

/// Starts an export of all products of the vendor.
///
/// The file is a CSV file in Shopify's format. Importing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/vendor/exports", params(ExportParameters),
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
    // Enqueued for a replay too: the first call may have stopped between storing the job and sending its message. The
    // job's lease makes a duplicate message harmless.
    let id = answer.location().and_then(|location| location.strip_prefix(EXPORTS)).and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Problem::internal("an export without a location"))?;
    app.files.enqueue(&VendorJob::Export { vendor_id: vendor, id }).await?;
    Ok(answer)
}

/// Shows the progress of an export.
///
/// Once it is complete, `url` is an address from which the file can be downloaded until `url_expires_at`.
#[utoipa::path(
    get, path = "/v1/vendor/exports/{id}",
    params(("id" = ExportId, Path, description = "The export.")),
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
