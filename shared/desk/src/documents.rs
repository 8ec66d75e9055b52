//! Papers of a vendor: each is recorded, and its file is uploaded by its vendor.

use bytes::Bytes;
use domain::text::Line;
use domain::upload::Upload;
use domain::vendor::{Document, DocumentKind, Member, Paper, Permission, VendorAccount};
use domain::{Call, MediaId, Refusal, Timestamp};
use platform::UploadSpec;
use serde::Deserialize;
use store::accounts::Alongside;
use utoipa::ToSchema;

use crate::{Done, Error, Vendors};

/// The most bytes of a document: 10 MB.
const MAX_DOCUMENT_SIZE: u64 = 10 * 1024 * 1024;

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
    /// When it expires. A licence always does.
    #[serde(default, deserialize_with = "domain::text::optional")]
    expires_at: Option<Timestamp>,
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

/// A recorded document, where to upload its file, and the version of the vendor's account that has it.
#[derive(Clone, Debug)]
pub struct BegunDocument {
    pub document: Document,
    pub upload: Upload,
    pub version: u64,
}

impl Vendors {
    /// Records a document and begins the upload of its file.
    pub async fn add_document<R>(
        &self,
        member: &Member,
        asked: &AddDocument,
        call: Call<'_, BegunDocument, R>,
    ) -> Done<R> {
        let now = call.at();
        member.may(Permission::EditShop)?;
        let work = async {
            if !(1..=MAX_DOCUMENT_SIZE).contains(&asked.size) {
                let detail = format!("1 to {MAX_DOCUMENT_SIZE} bytes");
                return Err(Refusal::field("/size", "out_of_range", detail).into());
            }
            if asked.expires_at.is_some_and(|at| at <= now) {
                return Err(Refusal::field("/expires_at", "out_of_range", "has passed").into());
            }
            if asked.expires_at.is_none() && asked.kind.must_expire() {
                return Err(Refusal::field("/expires_at", "missing", "a paper of this kind expires").into());
            }
            let mut changed = member.account.clone();
            let id = MediaId::new(now, platform::ids(now).bits());
            let key = format!("{}/{id}.{}", member.vendor(), asked.content_type.extension());
            let upload = self.sign_document(&key, asked, now).await?;
            let document = Document {
                kind: asked.kind,
                key: Some(key),
                filename: asked.filename.clone(),
                at: now,
                expires_at: asked.expires_at,
            };
            let paper = Paper::of(member.vendor(), &document);
            changed.add_document(document.clone())?;
            let respond =
                |saved: &VendorAccount| call.answer(&BegunDocument { document, upload, version: saved.version });
            let follow = Some(Alongside::Paper(asked.kind, paper.as_ref()));
            Ok::<_, Error>(self.accounts.save_vendor(&changed, follow, &self.catalog, respond).await?)
        };
        self.accounts.once(call.request(), work).await
    }

    /// Puts the file of a recorded document, for a browser that cannot upload it itself.
    pub async fn put_document(&self, document: &Document, asked: &AddDocument, bytes: Bytes) -> Result<(), Error> {
        let Some(key) = &document.key else { return Ok(()) };
        let file = UploadSpec { key, content_type: asked.content_type.content_type(), size: asked.size };
        Ok(self.documents.put(file, bytes).await?)
    }

    /// Signs the upload of a document's file.
    pub async fn sign_document(&self, key: &str, asked: &AddDocument, now: Timestamp) -> Result<Upload, Error> {
        let file = UploadSpec { key, content_type: asked.content_type.content_type(), size: asked.size };
        Ok(self.documents.upload(file, now).await?)
    }
}
