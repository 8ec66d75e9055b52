//! Uploads of pictures, and what became of them.

use std::time::Duration;

use bytes::Bytes;
use domain::catalog::{ImageLink, Picture, VendorPicture};
use domain::settings::Limit;
use domain::upload::{Upload, picture_key};
use domain::vendor::{Member, Permission};
use domain::{Call, Code, MediaId, Outcome, Refusal, Timestamp, VendorId};
use platform::UploadSpec;
use serde::Deserialize;
use store::rate_limits::Target;
use utoipa::ToSchema;

use crate::{Desk, Done, Error};

/// The most bytes of a picture: 10 MB.
const MAX_SIZE: u64 = 10 * 1024 * 1024;
const THIRTY_DAYS: Duration = Duration::from_secs(30 * 86_400);

/// Type and length of a picture that is going to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginUpload {
    content_type: PictureType,
    /// The exact length in bytes, at most 10 MB.
    size: u64,
}

/// The types of pictures that are accepted. SVG is not: it may contain scripts. AVIF and HEIC are not: save them as
/// JPEG.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub enum PictureType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/webp")]
    Webp,
}

/// Where to upload a picture.
#[derive(Clone, Debug)]
pub struct BegunUpload {
    pub id: MediaId,
    pub upload: Upload,
}

impl PictureType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

impl Desk {
    /// Begins the upload of a picture, which is noted: a replay names the same one. What passes can be read by
    /// everybody, so a vendor who is not approved has no pictures.
    pub async fn begin_upload<R>(
        &self,
        member: &Member,
        asked: &BeginUpload,
        call: Call<'_, BegunUpload, R>,
    ) -> Done<R> {
        let now = call.at();
        member.may(Permission::EditProducts)?;
        member.is_approved()?;
        let id = MediaId::new(now, platform::ids(now).bits());
        let work = async {
            if !(1..=MAX_SIZE).contains(&asked.size) {
                return Err(Refusal::field("/size", "out_of_range", format!("1 to {MAX_SIZE} bytes")).into());
            }
            self.count_upload(member.vendor(), asked.size, now).await?;
            let upload = self.sign_upload(member, id, asked, now).await?;
            let begun = BegunUpload { id, upload };
            Ok::<_, Error>(self.accounts.answer(call, &begun).await?)
        };
        let begun = self.accounts.once(call.request(), work).await?;
        // One that is not noted, because this breaks off here, is known as soon as it was looked at.
        if matches!(begun, Outcome::Done(_)) {
            self.catalog.announce_picture(member.vendor(), id, now).await?;
        }
        Ok(begun)
    }

    /// Counts what is announced, whether or not it is uploaded: a signed URL is as good as the picture.
    async fn count_upload(&self, vendor: VendorId, size: u64, now: Timestamp) -> Result<(), Error> {
        let quotas = self.settings.current().await?.quotas;
        let shop = Target::Vendor(vendor);
        // In kilobytes, so that small pictures count for what they are.
        let kilobytes = u32::try_from(size.div_ceil(1_000)).unwrap_or(u32::MAX);
        let limit = Limit { most: quotas.media_megabytes.saturating_mul(1_000), within: THIRTY_DAYS };
        if kilobytes > limit.most {
            // No time helps: it would not fit into an empty window either.
            let detail = format!("a shop has at most {} MB of pictures in thirty days", quotas.media_megabytes);
            return Err(Refusal::because(Code::LimitReached, detail).into());
        }
        self.rate_limits.count_one("upload", shop, Limit::per_minute(quotas.uploads), now).await?;
        Ok(self.rate_limits.count_units("upload-size", shop, (kilobytes, limit), now).await?)
    }

    /// Puts a picture whose upload was begun, for a browser that cannot upload it itself.
    pub async fn put_picture(
        &self,
        member: &Member,
        id: MediaId,
        asked: &BeginUpload,
        bytes: Bytes,
    ) -> Result<(), Error> {
        let (key, content_type) = (picture_key(member.vendor(), id), asked.content_type.as_str());
        Ok(self.uploads.put(UploadSpec { key: &key, content_type, size: asked.size }, bytes).await?)
    }

    /// Signs the upload of a picture.
    pub async fn sign_upload(
        &self,
        member: &Member,
        id: MediaId,
        asked: &BeginUpload,
        now: Timestamp,
    ) -> Result<Upload, Error> {
        let (key, content_type) = (picture_key(member.vendor(), id), asked.content_type.as_str());
        Ok(self.uploads.upload(UploadSpec { key: &key, content_type, size: asked.size }, now).await?)
    }

    /// What became of a picture whose upload was begun. One that was never uploaded is known for a week.
    pub async fn picture(&self, member: &Member, id: MediaId) -> Result<VendorPicture, Error> {
        member.may(Permission::ReadProducts)?;
        let known = self.catalog.picture(member.vendor(), id).await?;
        Ok(known.ok_or_else(|| Refusal::of(Code::NotFound))?)
    }

    /// A picture that passed with its public addresses.
    pub fn shown_picture(&self, picture: &Picture) -> Option<ImageLink> {
        Some(picture.files.as_ref()?.link(None, |path| format!("{}/{path}", self.media_base)))
    }
}
