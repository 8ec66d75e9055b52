//! Documents for the check of an applicant (KYC). Clients upload them directly to the private bucket.

use api::views::DocumentView;
use api::{Answer, Caller, Idempotent, Json, Now, Problem, ScopedRequest, VendorHeader, replay_or_run};
use axum::extract::State;
use domain::text::Line;
use domain::upload::Upload;
use domain::vendor::{Document, DocumentKind, Permission, VendorAccount};
use domain::{Code, MediaId, Refusal, Timestamp};
use platform::UploadSpec;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::profile::OWN_VENDOR;
use crate::{App, scoped_to_member};

/// The most bytes of a document: 10 MB.
const MAX_SIZE: u64 = 10 * 1024 * 1024;
/// The most documents of a vendor.
const MAX_DOCUMENTS: usize = 20;

/// A document that is going to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddDocument {
    /// What the document proves.
    kind: DocumentKind,
    /// The name of the file.
    filename: Line,
    /// The media type of the file.
    content_type: DocumentType,
    /// The exact length of the file in bytes, at most 10 MB.
    #[schema(minimum = 1, maximum = 10_485_760)]
    size: u64,
}

/// The media types of files that are accepted.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub enum DocumentType {
    /// A PDF file.
    #[serde(rename = "application/pdf")]
    Pdf,
    /// A JPEG picture.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// A PNG picture.
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
    const fn upload_spec<'a>(&self, key: &'a str) -> UploadSpec<'a> {
        UploadSpec { key, content_type: self.content_type.content_type(), size: self.size }
    }
}

/// The recorded document, and where to upload its file.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentUploadView {
    document: DocumentView,
    upload: Upload,
}

/// Records a document and begins the upload of its file.
///
/// The answer says where to upload it: one PUT within ten minutes, with exactly the type and length given here.
#[utoipa::path(
    post, path = "/v1/vendors/me/documents", request_body = AddDocument,
    responses((status = CREATED, body = DocumentUploadView))
)]
pub async fn add_vendor_document(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Idempotent { body: Json(asked), call }: Idempotent<Json<AddDocument>>,
) -> Result<Answer, Problem> {
    let account = app.account(caller.user, vendor_id, Permission::EditShop).await?;
    let call = scoped_to_member(call, caller.user, &account);
    let answer = replay_or_run(
        app.accounts.stored_response(call.as_idempotent()),
        app.record_document(account, &asked, &call, now),
    )
    .await?;
    if !answer.is_replayed() {
        return Ok(answer);
    }
    // The stored response does not contain the key of the file; the vendor's account does.
    let recorded = answer.member::<DocumentView>("document");
    let account = app.account(caller.user, vendor_id, Permission::EditShop).await?;
    let key = recorded.and_then(|recorded| account.documents.into_iter().find(|known| recorded.is_of(known))?.key);
    match key {
        Some(key) => app.documents.renew(answer, asked.upload_spec(&key), now).await,
        None => Ok(answer),
    }
}

impl App {
    async fn record_document(
        &self,
        account: VendorAccount,
        asked: &AddDocument,
        call: &ScopedRequest,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        if !(1..=MAX_SIZE).contains(&asked.size) {
            return Err(Refusal::field("/size", "out_of_range", format!("1 to {MAX_SIZE} bytes")).into());
        }
        if account.documents.len() >= MAX_DOCUMENTS {
            let detail = format!("at most {MAX_DOCUMENTS} documents");
            return Err(Refusal::because(Code::LimitReached, detail).into());
        }
        let id = MediaId::new(now, platform::ids(now).bits());
        let key = format!("{}/{id}.{}", account.card.id, asked.content_type.extension());
        let upload = self.documents.upload(asked.upload_spec(&key), now).await?;
        let mut changed: VendorAccount = account;
        let document = Document { kind: asked.kind, key: Some(key), filename: asked.filename.clone(), at: now };
        let view = DocumentUploadView { document: DocumentView::of(&document), upload };
        changed.documents.push(document);
        let answer = Answer::created(OWN_VENDOR.to_owned(), &view)?;
        self.save(&changed, call, answer).await
    }
}
