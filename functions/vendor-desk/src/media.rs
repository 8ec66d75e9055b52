//! Presigned uploads of pictures.

use api::{Answer, Caller, Idempotent, Json, Now, Problem, ScopedRequest, VendorHeader, replay_or_run};
use axum::extract::State;
use domain::upload::Upload;
use domain::vendor::Permission;
use domain::{MediaId, Refusal, Timestamp};
use platform::UploadSpec;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, scoped_to_member};

/// The most bytes of a picture: 10 MB.
const MAX_SIZE: u64 = 10 * 1024 * 1024;

/// Type and length of a picture that is going to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginUpload {
    content_type: PictureType,
    /// The exact length in bytes, at most 10 MB.
    size: u64,
}

/// The types of pictures that are accepted. SVG is not: it may contain scripts.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
enum PictureType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/webp")]
    Webp,
    #[serde(rename = "image/avif")]
    Avif,
}

impl PictureType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Avif => "image/avif",
        }
    }
}

impl BeginUpload {
    const fn upload_spec<'a>(&self, key: &'a str) -> UploadSpec<'a> {
        UploadSpec { key, content_type: self.content_type.as_str(), size: self.size }
    }
}

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
    post, path = "/v1/vendor/media",
    request_body = BeginUpload, responses((status = CREATED, body = MediaUploadView))
)]
pub async fn begin_media_upload(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Idempotent { body: Json(asked), call }: Idempotent<Json<BeginUpload>>,
) -> Result<Answer, Problem> {
    let member = app.member(caller.user, vendor_id, Permission::EditProducts).await?;
    let call = scoped_to_member(call, caller.user, member.account.card.id);
    let answer =
        replay_or_run(app.accounts.stored_response(call.as_idempotent()), app.sign_upload(&asked, &call, now)).await?;
    match answer.member::<MediaId>("id") {
        Some(id) if answer.is_replayed() => app.media.renew(answer, asked.upload_spec(&id.to_string()), now).await,
        _ => Ok(answer),
    }
}

impl App {
    /// Writes nothing but the stored response, if the call has an idempotency key: a replay then gets an upload for the
    /// same picture.
    async fn sign_upload(&self, asked: &BeginUpload, call: &ScopedRequest, now: Timestamp) -> Result<Answer, Problem> {
        if !(1..=MAX_SIZE).contains(&asked.size) {
            return Err(Refusal::field("/size", "out_of_range", format!("1 to {MAX_SIZE} bytes")).into());
        }
        let id = MediaId::new(now, platform::ids(now).bits());
        let key = id.to_string();
        let upload = self.media.upload(asked.upload_spec(&key), now).await?;
        let url = format!("{}/{id}", self.catalog.media_base());
        let view = MediaUploadView { id, src: format!("media:{id}"), url: url.clone(), upload };
        let answer = Answer::created(url, &view)?;
        self.accounts.storing(call.stored(&answer)?).store_response().await?;
        Ok(answer)
    }
}
