//! Imports of product files: starting an import, showing its progress, listing those that were. The worker does the
//! import itself.

use api::views::ImportView;
use api::{Answer, Argument, Idempotent, Json, Member, Now, Page, PageQuery, Path, Problem, Query, RawBody};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::CONTENT_TYPE;
use desk::{AnnounceFile, AskedFile, BegunImport, ImportParameters};
use domain::job::MAX_INLINE_BYTES;
use domain::{Code, ImportId};

use crate::App;

const IMPORTS: &str = "/v1/vendor/imports/";

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
            // What browsers and spreadsheets call the same file.
            "text/csv" | "application/csv" | "application/vnd.ms-excel" | "application/octet-stream" => {
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

/// Lists the vendor's imports, newest first.
///
/// Each is shown without its report, whose entries are all counted by `more_errors`, `more_warnings` and
/// `more_infos`.
#[utoipa::path(
    get, path = "/v1/vendor/imports", params(PageQuery), responses((status = OK, body = Page<ImportView>))
)]
pub async fn list_vendor_imports(
    State(app): State<App>,
    Member(member): Member,
    Query(asked): Query<PageQuery>,
) -> Result<Json<Page<ImportView>>, Problem> {
    let imports = app.desk.imports(&member, &asked.page()).await?;
    Ok(Json(Page::of(imports, |job| ImportView::new(&job, Vec::new()))))
}

/// Starts an import of a product file.
///
/// The file is a CSV file in Shopify's format, WooCommerce's own product export, or any other whose columns the shop
/// has mapped; its header says which one it is. Columns that are not used here are kept, and exported again.
///
/// Up to 1 MB may be sent as the body; `application/csv`, `application/vnd.ms-excel` and `application/octet-stream` are
/// taken for `text/csv`. For a larger file send its name and size as JSON: the answer says where to upload it within
/// ten minutes, and the import starts when it is uploaded.
///
/// Products without errors are imported, the others are reported. Importing a file again changes nothing. A file with
/// titles names all variants of its products; one without, or whose products' rows stand apart, only changes what it
/// names. New products beyond those that a shop may have are refused with `limit_reached`, each for itself; changes of
/// others pass. A shop imports nothing before it is approved, and one file at a time: another import is refused with
/// `import_running` until the first is over. An import whose file was not uploaded yet ends for a new one.
#[utoipa::path(
    post, path = "/v1/vendor/imports", params(ImportParameters),
    request_body(content((AnnounceFile = "application/json"), (String = "text/csv"))),
    responses((status = ACCEPTED, body = ImportView))
)]
pub async fn start_vendor_import(
    State(app): State<App>,
    Now(now): Now,
    Member(member): Member,
    Query(asked): Query<ImportParameters>,
    Idempotent { body: product_file, call }: Idempotent<ProductFile>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let file = match &product_file {
        ProductFile::ToUpload(announced) => AskedFile::Announced(announced),
        ProductFile::Inline(bytes) if bytes.is_empty() => {
            return Err(Problem::because(Code::Malformed, "The file is empty."));
        }
        ProductFile::Inline(bytes) => AskedFile::Inline { bytes: bytes.len(), filename: None },
    };
    let begun = |begun: &BegunImport| {
        let view = ImportView { upload: begun.upload.clone(), ..ImportView::new(&begun.job, Vec::new()) };
        Answer::accepted(format!("{IMPORTS}{}", begun.job.id), &view)
    };
    let (outcome, job) = app.desk.begin_import(&member, &asked, file, call.responding(&begun)).await?;
    let answer = Answer::of(outcome)?;
    // A replay names the import of the first request, which may have stopped before its file was there.
    let waiting = if answer.is_replayed() {
        app.desk.waiting_import(&member, answer.created_at(IMPORTS)?).await?
    } else {
        Some(job)
    };
    match (product_file, waiting) {
        (ProductFile::Inline(bytes), Some(job)) => {
            app.desk.put_file(&job, bytes).await?;
            Ok(answer)
        }
        (ProductFile::ToUpload(announced), Some(job)) => {
            answer.with_upload_renewed(now, app.desk.sign_file_upload(&job, &announced, now)).await
        }
        (_, None) => Ok(answer),
    }
}

/// Shows the progress of an import and the faults of its file.
///
/// An import whose file was not uploaded within an hour fails with `upload_missing`. Once it is completed and products
/// were refused, `refused_rows` is a file with all of their rows, to be mended and imported.
#[utoipa::path(
    get, path = "/v1/vendor/imports/{id}", params(("id" = ImportId, Path, description = "The import.")),
    responses((status = OK, body = ImportView))
)]
pub async fn show_vendor_import(
    State(app): State<App>,
    Now(now): Now,
    Member(member): Member,
    Path(id): Path<ImportId>,
) -> Result<Json<ImportView>, Problem> {
    let shown = app.desk.import(&member, id, now).await?;
    Ok(Json(ImportView { refused_rows: shown.refused_rows, ..ImportView::new(&shown.job, shown.faults) }))
}
