//! Imports of product files: starting an import and showing its progress. The worker does the import itself.

use api::views::ImportView;
use api::{
    Answer, Argument, Caller, Idempotent, Json, Now, Path, Problem, Query, RawBody, VendorHeader, replay_or_run,
};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::CONTENT_TYPE;
use domain::job::{FilePosition, ImportCounts, ImportJob, JobState, MAX_FILE_BYTES, MAX_INLINE_BYTES};
use domain::text::Line;
use domain::vendor::{Permission, VendorJob};
use domain::{Code, Currency, ImportId, Refusal};
use platform::UploadSpec;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::files::CSV;
use crate::{App, scoped_to_member};

const IMPORTS: &str = "/v1/vendor/imports/";

/// The parameters of an import.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportParameters {
    /// The currency of the file's prices; by default the vendor's own. Prices in other currencies stay.
    currency: Option<Currency>,
    /// Only check the file: nothing is written but the report.
    #[serde(default)]
    dry_run: bool,
    /// Publish products, except those that the file marks as unpublished, draft or archived. Other products keep their
    /// state, new ones become drafts.
    #[serde(default)]
    publish: bool,
}

/// Name and size of a file that is going to be uploaded, which files of more than 1 MB have to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnounceFile {
    /// The name of the file, shown with the import.
    filename: Line,
    /// Its exact length in bytes, at most 200 MB.
    #[schema(minimum = 1, maximum = 209_715_200)]
    size: u64,
}

impl AnnounceFile {
    const fn upload_spec<'a>(&self, key: &'a str) -> UploadSpec<'a> {
        UploadSpec { key, content_type: CSV, size: self.size }
    }
}

/// The body of the request, by its `Content-Type`: a CSV file, or as JSON the name and size of one to be uploaded.
#[derive(Debug)]
pub enum ProductFile {
    Inline(Bytes),
    ToUpload(AnnounceFile),
}

impl Argument for ProductFile {
    const REFUSES: &'static [Code] = <Json<AnnounceFile> as Argument>::REFUSES;
}

impl<S: Send + Sync> FromRequest<S> for ProductFile {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/csv" => {
                let RawBody(bytes) = RawBody::from_request(request, state).await?;
                Ok(Self::Inline(bytes))
            }
            "application/json" => {
                Json::from_request(request, state).await.map(|Json(announced)| Self::ToUpload(announced))
            }
            _ => Err(Problem::because(
                Code::UnsupportedMediaType,
                "Send the file as text/csv, or its name and size as application/json.",
            )),
        }
    }
}

/// The limit on the body of this route in bytes. It is higher than elsewhere, because the body may be the file itself.
pub const BODY_LIMIT: usize = MAX_INLINE_BYTES;

/// Starts an import of a product file.
///
/// The file is a CSV file in Shopify's format. Up to 1 MB may be sent as the body. For a larger file send its name and
/// size as JSON: the answer says where to upload it within ten minutes, and the import starts when it is uploaded.
/// Products without faults are imported, the others are reported. Importing a file again changes nothing.
#[utoipa::path(
    post, path = "/v1/vendor/imports", params(ImportParameters),
    request_body(content((AnnounceFile = "application/json"), (String = "text/csv"))),
    responses((status = ACCEPTED, body = ImportView))
)]
pub async fn start_vendor_import(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Query(asked): Query<ImportParameters>,
    Idempotent { body: product_file, call }: Idempotent<ProductFile>,
) -> Result<Answer, Problem> {
    let member = app.accounts.member(caller.user, vendor_id).await?;
    member.may(Permission::EditProducts)?;
    let call = scoped_to_member(call, caller.user, member.account.card.id);
    let announced = match &product_file {
        ProductFile::ToUpload(announced) => Some(announced),
        ProductFile::Inline(bytes) if bytes.is_empty() => {
            return Err(Problem::because(Code::Malformed, "The file is empty."));
        }
        ProductFile::Inline(_) => None,
    };
    if announced.is_some_and(|announced| !(1..=MAX_FILE_BYTES).contains(&announced.size)) {
        return Err(Refusal::field("/size", "out_of_range", format!("1 to {MAX_FILE_BYTES} bytes")).into());
    }
    let job = ImportJob {
        id: ImportId::new(now, platform::ids(now).bits()),
        vendor: member.account.card.id,
        filename: announced.map(|announced| announced.filename.clone()),
        currency: asked.currency.unwrap_or(member.account.currency),
        dry_run: asked.dry_run,
        publish: asked.publish,
        state: JobState::Waiting,
        rows: None,
        position: FilePosition::default(),
        counts: ImportCounts::default(),
        tag: None,
        lease: None,
        created_at: now,
        finished_at: None,
        version: 0,
    };
    let mut view = ImportView::new(&job, Vec::new());
    if let Some(announced) = announced {
        view.upload = Some(app.files.presigner.upload(announced.upload_spec(&job.key()), now).await?);
    }
    let answer = Answer::accepted(format!("{IMPORTS}{}", job.id), &view)?;
    let answer = replay_or_run(app.accounts.stored_response(call.as_idempotent()), async {
        app.accounts.storing(call.stored(&answer)?).add_import(&job).await?;
        Ok(answer)
    })
    .await?;
    let waiting = if answer.is_replayed() { app.still_waiting(&job, &answer).await? } else { Some(job) };
    match (product_file, waiting) {
        // The job is stored before the file, because the bucket's notification starts the import at once and the worker
        // must find the job. A replay puts the file again: the first call may have stopped between the two writes.
        (ProductFile::Inline(bytes), Some(job)) => {
            app.files.put(&job.key(), bytes).await?;
            Ok(answer)
        }
        (ProductFile::ToUpload(announced), Some(job)) => {
            app.files.presigner.renew(answer, announced.upload_spec(&job.key()), now).await
        }
        (_, None) => Ok(answer),
    }
}

impl App {
    /// The import that a replayed response names in `Location`, if it still waits for its file. The job of the current
    /// call was not stored, so its id must not be used.
    async fn still_waiting(&self, asked: &ImportJob, answer: &Answer) -> Result<Option<ImportJob>, Problem> {
        let id = answer.location().and_then(|location| location.strip_prefix(IMPORTS)).and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| Problem::internal("an import without a location"))?;
        Ok(self.accounts.import(asked.vendor, id).await?.filter(|first| first.state == JobState::Waiting))
    }
}

/// Shows the progress of an import and the faults of its file.
///
/// An import whose file was not uploaded within an hour fails with `upload_missing`.
#[utoipa::path(
    get, path = "/v1/vendor/imports/{id}",
    params(("id" = ImportId, Path, description = "The import.")),
    responses((status = OK, body = ImportView))
)]
pub async fn show_vendor_import(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<ImportId>,
) -> Result<Json<ImportView>, Problem> {
    let member = app.accounts.member(caller.user, vendor_id).await?;
    member.may(Permission::ReadProducts)?;
    let found = app.accounts.import_with_faults(member.account.card.id, id).await?;
    let (job, faults) = found.ok_or_else(|| Refusal::of(Code::NotFound))?;
    if job.is_abandoned(now) {
        // The worker checks whether the file was uploaded, and resumes the import or fails it.
        app.files.enqueue_abandoned(&VendorJob::Import { vendor_id: job.vendor, id }).await;
    }
    Ok(Json(ImportView::new(&job, faults)))
}
