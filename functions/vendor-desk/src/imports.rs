//! Product files in: `POST /v1/vendor/imports` and how far one has come.

use api::{
    Answer, Buyer, Json, KeyHeader, Keyed, Now, Path, Problem, Query, RawBody, VendorHeader, VendorIdHeader, once,
};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::CONTENT_TYPE;
use domain::job::{FilePosition, ImportJob, ImportView, JobState, MOST_FILE_BYTES, MOST_INLINE_BYTES, Tally};
use domain::text::Line;
use domain::vendor::{Permission, VendorJob};
use domain::{Code, Currency, ImportId, Refusal};
use platform::Announced;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::files::CSV;
use crate::{App, of_member};

/// Where imports are.
const IMPORTS: &str = "/v1/vendor/imports/";

/// How a file is brought in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportParameters {
    /// The currency of the file's prices; the shop's own when nothing is said. Prices in other currencies stay.
    currency: Option<Currency>,
    /// Whether the file is only checked, and nothing is written but the report.
    #[serde(default)]
    dry_run: bool,
    /// Whether products are published that the file shows as published and active. Others stay what they are, and new ones
    /// begin as drafts.
    #[serde(default)]
    publish: bool,
}

/// A file that is going to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnounceFile {
    /// What it is called.
    filename: Line,
    /// Its exact length in bytes, at most 200 MB.
    #[schema(minimum = 1, maximum = 209_715_200)]
    size: u64,
}

impl AnnounceFile {
    const fn at<'a>(&self, key: &'a str) -> Announced<'a> {
        Announced { key, content_type: CSV, size: self.size }
    }
}

/// What comes with the request: the file itself, or word of one.
#[derive(Debug)]
pub enum ProductFile {
    /// The file.
    Inline(Bytes),
    /// One that will be uploaded.
    Announced(AnnounceFile),
}

impl<S: Send + Sync> FromRequest<S> for ProductFile {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let named = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/csv" => {
                let RawBody(bytes) = RawBody::from_request(request, state).await?;
                Ok(Self::Inline(bytes))
            }
            "application/json" => {
                Json::from_request(request, state).await.map(|Json(announced)| Self::Announced(announced))
            }
            _ => Err(Problem::because(
                Code::UnsupportedMediaType,
                "Send the file as text/csv, or its name and size as application/json.",
            )),
        }
    }
}

/// The limit on bodies of this route: the file itself may come in one.
pub const BODY_LIMIT: usize = MOST_INLINE_BYTES;

/// Imports a product file in Shopify's format.
///
/// A file of up to 1 MB comes as the body. A larger one is announced by its name and size; the answer says where to upload it, within
/// ten minutes, and the import begins when it is there. Good products go in and bad ones are reported; importing a file again
/// changes nothing.
#[utoipa::path(
    post, path = "/v1/vendor/imports", params(ImportParameters, VendorIdHeader, KeyHeader),
    request_body(content((AnnounceFile = "application/json"), (String = "text/csv"))),
    responses((status = ACCEPTED, body = ImportView))
)]
pub async fn start_import(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Query(asked): Query<ImportParameters>,
    Keyed { body: product_file, call }: Keyed<ProductFile>,
) -> Result<Answer, Problem> {
    let standing = app.accounts.standing(buyer.user, named).await?;
    standing.may(Permission::EditProducts)?;
    let call = of_member(call, buyer.user, standing.file.card.id);
    let announced = match &product_file {
        ProductFile::Announced(announced) => Some(announced),
        ProductFile::Inline(bytes) if bytes.is_empty() => {
            return Err(Problem::because(Code::Malformed, "The file is empty."));
        }
        ProductFile::Inline(_) => None,
    };
    if announced.is_some_and(|announced| !(1..=MOST_FILE_BYTES).contains(&announced.size)) {
        return Err(Refusal::field("/size", "out_of_range", format!("1 to {MOST_FILE_BYTES} bytes")).into());
    }
    let job = ImportJob {
        id: ImportId::new(now, platform::mint(now).bits()),
        vendor: standing.file.card.id,
        filename: announced.map(|announced| announced.filename.clone()),
        currency: asked.currency.unwrap_or(standing.file.currency),
        dry_run: asked.dry_run,
        publish: asked.publish,
        state: JobState::Waiting,
        rows: None,
        position: FilePosition::default(),
        tally: Tally::default(),
        tag: None,
        lease: None,
        created_at: now,
        finished_at: None,
        version: 0,
    };
    let mut view = ImportView::new(&job, Vec::new());
    if let Some(announced) = announced {
        view.upload = Some(app.files.doors.upload(announced.at(&job.key()), now).await?);
    }
    let answer = Answer::accepted(format!("{IMPORTS}{}", job.id), &view)?;
    let answer = once(app.accounts.kept(call.named()), async {
        app.accounts.keeping(call.keeps(&answer)?).add_import(&job).await?;
        Ok(answer)
    })
    .await?;
    let waiting = if answer.is_replayed() { app.still_waiting(&job, &answer).await? } else { Some(job) };
    match (product_file, waiting) {
        // First the job, then the file: the bucket tells of a file as soon as it is there, and that is what starts the import.
        // A repeat brings it again, because the first call may have come to its end before the file was there.
        (ProductFile::Inline(bytes), Some(job)) => {
            app.files.put(&job.key(), bytes).await?;
            Ok(answer)
        }
        (ProductFile::Announced(announced), Some(job)) => {
            app.files.doors.renew(answer, announced.at(&job.key()), now).await
        }
        (_, None) => Ok(answer),
    }
}

impl App {
    /// The import that an answer was given for before, if it still waits for its file.
    async fn still_waiting(&self, asked: &ImportJob, answer: &Answer) -> Result<Option<ImportJob>, Problem> {
        let id = answer.location().and_then(|place| place.strip_prefix(IMPORTS)).and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| Problem::internal("an import without a place"))?;
        Ok(self.accounts.import(asked.vendor, id).await?.filter(|first| first.state == JobState::Waiting))
    }
}

/// Shows how far an import has come, and what is wrong with its file.
///
/// One whose file has not come within an hour fails with `upload_missing`.
#[utoipa::path(
    get, path = "/v1/vendor/imports/{id}",
    params(("id" = ImportId, Path, description = "The import."), VendorIdHeader),
    responses((status = OK, body = ImportView))
)]
pub async fn show_import(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ImportId>,
) -> Result<Json<ImportView>, Problem> {
    let standing = app.accounts.standing(buyer.user, named).await?;
    standing.may(Permission::ReadProducts)?;
    let found = app.accounts.import_with_faults(standing.file.card.id, id).await?;
    let (job, faults) = found.ok_or_else(|| Refusal::of(Code::NotFound))?;
    if job.is_forgotten(now) {
        // Whether its file is there finds out who works on it: then the import goes on, or it fails.
        app.files.remind_of(&VendorJob::Import { vendor_id: job.vendor, id }).await;
    }
    Ok(Json(ImportView::new(&job, faults)))
}
