//! Papers for the check of who an applicant is. They go straight into the private bucket.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use api::{Answer, Buyer, Call, Json, KeyHeader, Keyed, Now, Problem, VendorHeader, once};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::presigning::PresigningConfig;
use axum::extract::State;
use domain::text::Line;
use domain::vendor::{Document, DocumentKind, DocumentView, Permission, VendorFile};
use domain::{Code, MediaId, Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::profile::OWN_SHOP;
use crate::{App, of_member};

/// How long an upload may be begun.
const UPLOAD_OPEN: Duration = Duration::from_secs(600);
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

/// A document that was noted, and where its file goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentUploadView {
    document: DocumentView,
    upload: DocumentUpload,
}

/// One request that puts the file where it belongs.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentUpload {
    /// The method: `PUT`.
    method: String,
    /// The address. It is a secret, and good for this one file.
    url: String,
    /// Headers that must be sent exactly so: they are signed.
    headers: BTreeMap<String, String>,
    /// Until when the upload may begin.
    expires_at: Timestamp,
}

/// The bucket of documents.
#[derive(Clone, Debug)]
pub(crate) struct Documents {
    client: Client,
    bucket: String,
}

impl Documents {
    pub(crate) fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    /// Signs an upload of exactly this type and length. Nothing is sent.
    async fn upload(&self, key: &str, asked: &AddDocument, now: Timestamp) -> Result<DocumentUpload, Problem> {
        let begun = SystemTime::UNIX_EPOCH + now.since(Timestamp::default());
        let signed = PresigningConfig::builder().start_time(begun).expires_in(UPLOAD_OPEN).build();
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(asked.content_type.content_type())
            .content_length(i64::try_from(asked.size).unwrap_or(i64::MAX))
            .presigned(signed.map_err(Problem::internal)?)
            .await
            .map_err(|error| Problem::internal(DisplayErrorContext(&error)))?;
        Ok(DocumentUpload {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            headers: request
                .headers()
                .filter(|(name, _)| name.starts_with("content-"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            expires_at: now + UPLOAD_OPEN,
        })
    }
}

/// Notes a document, and answers where to upload its file: one PUT within ten minutes, with the type and length given here.
#[utoipa::path(
    post, path = "/v1/vendors/me/documents", params(KeyHeader), request_body = AddDocument,
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
    once(app.accounts.kept(call.named()), app.note_document(file, asked, &call, now)).await
}

impl App {
    async fn note_document(
        &self,
        file: VendorFile,
        asked: AddDocument,
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
        let upload = self.documents.upload(&key, &asked, now).await?;
        let mut changed: VendorFile = file;
        let document = DocumentView { kind: asked.kind, filename: asked.filename.clone(), at: now };
        changed.documents.push(Document { kind: asked.kind, key: Some(key), filename: asked.filename, at: now });
        let answer = Answer::created(OWN_SHOP.to_owned(), &DocumentUploadView { document, upload })?;
        self.save(&changed, call, answer).await
    }
}
