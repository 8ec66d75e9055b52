//! Exports of product files: starting an export, showing its progress, listing those that were. The worker writes the
//! file.

use api::views::ExportView;
use api::{Answer, Idempotent, Json, Member, NoBody, Now, Page, PageQuery, Path, Problem, Query};
use axum::extract::State;
use desk::ExportParameters;
use domain::ExportId;
use domain::job::ExportJob;

use crate::App;

const EXPORTS: &str = "/v1/vendor/exports/";

/// Lists the vendor's exports, newest first.
///
/// Each is shown without the address of its file.
#[utoipa::path(
    get, path = "/v1/vendor/exports", params(PageQuery), responses((status = OK, body = Page<ExportView>))
)]
pub async fn list_vendor_exports(
    State(app): State<App>,
    Member(member): Member,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<ExportView>>, Problem> {
    let exports = app.desk.exports(&member, &asked.page()).await?;
    Ok(Json(Page::of(exports, |job| ExportView::from(&job))))
}

/// Starts an export of all products of the vendor.
///
/// The file is a CSV file in Shopify's format or in WooCommerce's. Importing it again changes nothing. A shop has one
/// export at a time: another one is refused with `import_running` until the first is over.
#[utoipa::path(
    post, path = "/v1/vendor/exports", params(ExportParameters), responses((status = ACCEPTED, body = ExportView))
)]
pub async fn start_vendor_export(
    State(app): State<App>,
    Member(member): Member,
    Query(asked): Query<ExportParameters>,
    Idempotent { call, .. }: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let begun = |job: &ExportJob| Answer::accepted(format!("{EXPORTS}{}", job.id), &ExportView::from(job));
    let answer = Answer::of(app.desk.begin_export(&member, &asked, call.responding(&begun)).await?)?;
    // Enqueued for a replay too: the first call may have stopped between storing the job and sending its message.
    app.desk.enqueue_export(&member, answer.created_at(EXPORTS)?).await?;
    Ok(answer)
}

/// Shows the progress of an export.
///
/// Once it is complete, `url` is an address from which the file can be downloaded until `url_expires_at`.
#[utoipa::path(
    get, path = "/v1/vendor/exports/{id}", params(("id" = ExportId, Path, description = "The export.")),
    responses((status = OK, body = ExportView))
)]
pub async fn show_vendor_export(
    State(app): State<App>,
    Now(now): Now,
    Member(member): Member,
    Path(id): Path<ExportId>,
) -> Result<Json<ExportView>, Problem> {
    let (job, link) = app.desk.export(&member, id, now).await?;
    let (url, url_expires_at) = link.map(|link| (link.url, link.expires_at)).unzip();
    Ok(Json(ExportView { url, url_expires_at, ..ExportView::from(&job) }))
}
