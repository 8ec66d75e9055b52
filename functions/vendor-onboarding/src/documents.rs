//! Documents for the check of an applicant (KYC). Clients upload them directly to the private bucket.

use api::views::DocumentView;
use api::{Answer, Idempotent, Json, Member, Now, Problem};
use axum::extract::State;
use desk::{AddDocument, BegunDocument};
use domain::upload::Upload;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::profile::OWN_VENDOR;

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
    Member(member): Member,
    Idempotent { body: Json(asked), call }: Idempotent<Json<AddDocument>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let begun = |begun: &BegunDocument| {
        let view = DocumentUploadView { document: DocumentView::of(&begun.document), upload: begun.upload.clone() };
        Ok(Answer::created(OWN_VENDOR.to_owned(), &view)?.with_version(begun.version))
    };
    let answer = Answer::of(app.vendors.add_document(&member, &asked, call.responding(&begun)).await?)?;
    if !answer.is_replayed() {
        return Ok(answer);
    }
    // The stored response does not contain the key of the file; the vendor's account does.
    let recorded = answer.member::<DocumentView>("document");
    let key =
        recorded.and_then(|recorded| member.account.documents.into_iter().find(|known| recorded.is_of(known))?.key);
    match key {
        Some(key) => answer.with_upload_renewed(now, app.vendors.sign_document(&key, &asked, now)).await,
        None => Ok(answer),
    }
}
