//! Pictures: a place to upload one to.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use api::{Answer, Buyer, Call, Json, KeyHeader, Keyed, Now, Problem, VendorHeader, once};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::presigning::PresigningConfig;
use axum::extract::State;
use domain::vendor::Permission;
use domain::{MediaId, Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, of_member};

/// How long an upload may be begun.
const UPLOAD_OPEN: Duration = Duration::from_secs(600);
/// The largest picture: 10 MB.
const LARGEST: u64 = 10 * 1024 * 1024;

/// A picture that is going to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginUpload {
    content_type: PictureType,
    /// Bytes, at most 10 MB.
    size: u64,
}

/// What pictures are. Drawings in SVG are programs, and not taken.
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

/// Where a picture goes, and how products name it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaUploadView {
    id: MediaId,
    /// What to write as a picture's `src`.
    src: String,
    /// Where everybody finds it once it is uploaded.
    url: String,
    upload: MediaUpload,
}

/// One request that puts the file where it belongs.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaUpload {
    /// The method: `PUT`.
    method: String,
    /// The address. It is a secret, and good for this one file.
    url: String,
    /// Headers that must be sent exactly so: they are signed.
    headers: BTreeMap<String, String>,
    /// Until when the upload may begin.
    expires_at: Timestamp,
}

/// Answers where to upload a picture: one PUT within ten minutes, with the type and length given here.
#[utoipa::path(
    post, path = "/v1/vendor/media", params(KeyHeader), request_body = BeginUpload, responses((status = CREATED, body = MediaUploadView))
)]
pub async fn begin_upload(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Keyed { body: Json(asked), call }: Keyed<Json<BeginUpload>>,
) -> Result<Answer, Problem> {
    let standing = app.standing(buyer.user, named, Permission::EditProducts).await?;
    let call = of_member(call, buyer.user, standing.file.card.id);
    once(app.accounts.kept(call.named()), app.sign_upload(asked, &call, now)).await
}

impl App {
    /// Nothing is written but the answer, if the call has a key: a repeat gets the same address, good for as long as it was.
    async fn sign_upload(&self, asked: BeginUpload, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        if !(1..=LARGEST).contains(&asked.size) {
            return Err(Refusal::field("/size", "out_of_range", format!("1 to {LARGEST} bytes")).into());
        }
        let id = MediaId::new(now, platform::mint(now).bits());
        let begun = SystemTime::UNIX_EPOCH + now.since(Timestamp::default());
        let signed = PresigningConfig::builder().start_time(begun).expires_in(UPLOAD_OPEN).build();
        let request = self
            .s3
            .put_object()
            .bucket(&self.media_bucket)
            .key(id.to_string())
            .content_type(asked.content_type.as_str())
            .content_length(i64::try_from(asked.size).unwrap_or(i64::MAX))
            .presigned(signed.map_err(Problem::internal)?)
            .await
            .map_err(|error| Problem::internal(DisplayErrorContext(&error)))?;
        let url = format!("{}/{id}", self.catalog.media_base());
        let view = MediaUploadView {
            id,
            src: format!("media:{id}"),
            url: url.clone(),
            upload: MediaUpload {
                method: request.method().to_owned(),
                url: request.uri().to_owned(),
                headers: request
                    .headers()
                    .filter(|(name, _)| name.starts_with("content-"))
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                expires_at: now + UPLOAD_OPEN,
            },
        };
        let answer = Answer::created(url, &view)?;
        self.accounts.keeping(call.keeps(&answer)?).keep().await?;
        Ok(answer)
    }
}
