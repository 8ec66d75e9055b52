//! Presigned uploads of pictures.

use api::{Answer, Idempotent, Json, Member, Now, Problem};
use axum::extract::State;
use desk::{BeginUpload, BegunUpload};
use domain::MediaId;
use domain::upload::Upload;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Where to upload a picture, and how products refer to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaUploadView {
    id: MediaId,
    /// The `src` by which products and variants refer to the picture: `media:` and its id.
    src: String,
    /// The picture's public address once it is uploaded.
    url: String,
    upload: Upload,
}

/// Begins the upload of a picture.
///
/// The answer says where to upload it: one PUT within ten minutes, with exactly the type and length given here.
#[utoipa::path(
    post, path = "/v1/vendor/media", request_body = BeginUpload, responses((status = CREATED, body = MediaUploadView))
)]
pub async fn begin_media_upload(
    State(app): State<App>,
    Now(now): Now,
    Member(member): Member,
    Idempotent { body: Json(asked), call }: Idempotent<Json<BeginUpload>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(member.key_scope());
    let begun = |begun: &BegunUpload| {
        let BegunUpload { id, url, upload } = begun.clone();
        Answer::created(url.clone(), &MediaUploadView { id, src: format!("media:{id}"), url, upload })
    };
    let answer = Answer::of(app.desk.begin_upload(&member, &asked, call.responding(&begun)).await?)?;
    match answer.member::<MediaId>("id") {
        Some(id) if answer.is_replayed() => {
            answer.with_upload_renewed(now, app.desk.sign_upload(id, &asked, now)).await
        }
        _ => Ok(answer),
    }
}
