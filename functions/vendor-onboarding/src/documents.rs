//! Papers for the check of who an applicant is. They go straight into the private bucket.

use api::{Answer, Buyer, Call, Json, KeyHeader, Keyed, Now, Problem, VendorHeader, VendorIdHeader, once};
use axum::extract::State;
use domain::text::Line;
use domain::upload::Upload;
use domain::vendor::{Document, DocumentKind, DocumentView, Permission, VendorFile};
use domain::{Code, MediaId, Refusal, Timestamp};
use platform::Announced;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::profile::OWN_SHOP;
use crate::{App, of_member};

/// The largest document: 10 MB.
const LARGEST: u64 = 10 * 1024 * 1024;
/// The most documents in a file.
const MOST_DOCUMENTS: usize = 20;

/// A document that is going to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddDocument {
    /// What it shows.
    kind: DocumentKind,
    /// The name of the file.
    filename: Line,
    /// What it is.
    content_type: DocumentType,
    /// Its exact length in bytes, at most 10 MB.
    #[schema(minimum = 1, maximum = 10_485_760)]
    size: u64,
}

/// The kinds of files that are taken.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub enum DocumentType {
    /// PDF.
    #[serde(rename = "application/pdf")]
    Pdf,
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG.
    #[serde(rename = "image/png")]
    Png,
}

impl DocumentType {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

impl AddDocument {
    const fn at<'a>(&self, key: &'a str) -> Announced<'a> {
        Announced { key, content_type: self.content_type.content_type(), size: self.size }
    }
}

/// A document that was noted, and where its file goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentUploadView {
    document: DocumentView,
    upload: Upload,
}

/// Notes a document, and answers where to upload its file: one PUT within ten minutes, with the type and length given here.
#[utoipa::path(
    post, path = "/v1/vendors/me/documents", params(VendorIdHeader, KeyHeader), request_body = AddDocument,
    responses((status = CREATED, body = DocumentUploadView))
)]
pub async fn add_document(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Keyed { body: Json(asked), call }: Keyed<Json<AddDocument>>,
) -> Result<Answer, Problem> {
    let file = app.file(buyer.user, named, Permission::EditShop).await?;
    let call = of_member(call, buyer.user, &file);
    let answer = once(app.accounts.kept(call.named()), app.note_document(file, &asked, &call, now)).await?;
    if !answer.is_replayed() {
        return Ok(answer);
    }
    // The answer does not say where the file lies; the shop's own record does.
    let noted = answer.member::<DocumentView>("document");
    let file = app.file(buyer.user, named, Permission::EditShop).await?;
    let key = noted.and_then(|noted| file.documents.into_iter().find(|known| noted.is_of(known))?.key);
    match key {
        Some(key) => app.documents.renew(answer, asked.at(&key), now).await,
        None => Ok(answer),
    }
}

impl App {
    async fn note_document(
        &self,
        file: VendorFile,
        asked: &AddDocument,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        if !(1..=LARGEST).contains(&asked.size) {
            return Err(Refusal::field("/size", "out_of_range", format!("1 to {LARGEST} bytes")).into());
        }
        if file.documents.len() >= MOST_DOCUMENTS {
            let detail = format!("at most {MOST_DOCUMENTS} documents");
            return Err(Refusal::because(Code::LimitReached, detail).into());
        }
        let id = MediaId::new(now, platform::mint(now).bits());
        let key = format!("{}/{id}.{}", file.card.id, asked.content_type.extension());
        let upload = self.documents.upload(asked.at(&key), now).await?;
        let mut changed: VendorFile = file;
        let document = Document { kind: asked.kind, key: Some(key), filename: asked.filename.clone(), at: now };
        let view = DocumentUploadView { document: DocumentView::of(&document), upload };
        changed.documents.push(document);
        let answer = Answer::created(OWN_SHOP.to_owned(), &view)?;
        self.save(&changed, call, answer).await
    }
}
