//! Presigned uploads of pictures, and what became of them.

use std::borrow::Cow;

use api::{Answer, Idempotent, Json, Member, Now, Path, Problem};
use axum::extract::State;
use desk::{BeginUpload, BegunUpload, Desk};
use domain::MediaId;
use domain::catalog::{ImageLink, Picture, PictureFault};
use domain::upload::Upload;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Where to upload a picture, and how products refer to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaUploadView {
    id: MediaId,
    /// The `src` by which products and variants refer to the picture: `media:` and its id. They may do so at once:
    /// buyers see the picture as soon as it was looked at.
    src: String,
    upload: Upload,
}

/// A picture of the vendor's.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaView {
    id: MediaId,
    /// The `src` by which products and variants refer to it.
    src: String,
    #[serde(flatten)]
    picture: PictureView,
}

/// What became of a picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct PictureView {
    state: PictureState,
    /// Why it cannot be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    fault: Option<PictureFaultView>,
    /// The picture as buyers see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    image: Option<ImageLink>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PictureState {
    /// It is not uploaded, or was not looked at yet.
    Waiting,
    /// Buyers see it.
    Ready,
    /// It cannot be shown.
    Refused,
}

/// Why a picture cannot be shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct PictureFaultView {
    #[schema(examples("heic_picture"))]
    code: String,
    /// What to do, in English.
    detail: Cow<'static, str>,
}

impl PictureView {
    pub(crate) fn of(desk: &Desk, picture: &Picture) -> Self {
        let state = match picture {
            Picture { files: Some(_), .. } => PictureState::Ready,
            Picture { fault: Some(_), .. } => PictureState::Refused,
            _ => PictureState::Waiting,
        };
        let fault = picture.fault.as_ref().map(|code| PictureFaultView {
            code: code.clone(),
            detail: PictureFault::of(code).map_or("it cannot be shown".into(), |fault| fault.detail().into()),
        });
        Self { state, fault, image: desk.shown_picture(picture) }
    }
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
        let BegunUpload { id, upload } = begun.clone();
        Answer::created(format!("/v1/vendor/media/{id}"), &MediaUploadView { id, src: format!("media:{id}"), upload })
    };
    let answer = Answer::of(app.desk.begin_upload(&member, &asked, call.responding(&begun)).await?)?;
    match answer.member::<MediaId>("id") {
        Some(id) if answer.is_replayed() => {
            answer.with_upload_renewed(now, app.desk.sign_upload(&member, id, &asked, now)).await
        }
        _ => Ok(answer),
    }
}

/// Shows what became of a picture.
#[utoipa::path(
    get, path = "/v1/vendor/media/{id}", params(("id" = MediaId, Path, description = "The picture's id.")),
    responses((status = OK, body = MediaView))
)]
pub async fn show_media(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<MediaId>,
) -> Result<Json<MediaView>, Problem> {
    let known = app.desk.picture(&member, id).await?;
    let picture = PictureView::of(&app.desk, &known.picture);
    Ok(Json(MediaView { id, src: format!("media:{id}"), picture }))
}
