//! One picture: looked at, written in the sizes of pages, and shown in the products that name it.
//!
//! Each step may be repeated after any interruption: the names of the files follow from what was uploaded, the first
//! result that is written stays, and the upload is deleted last.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::catalog::{Color, Picture, PictureFault, PictureFiles, PictureName, VendorPicture};
use domain::upload::picture_key;
use domain::{MediaId, Timestamp, VendorId};
use ring::digest;
use store::Backoff;

use crate::picture::{FileKind, Made};
use crate::{App, MediaError, picture};

/// How often a product that has asked for a picture is read again until it names it: it does so within the time of
/// one write, or when another delivery of the message comes.
const WAITS: u32 = 4;

impl App {
    /// Looks at an upload. An upload whose result is known already is deleted: a signed address may be used twice.
    pub(crate) async fn look_at(
        &self,
        vendor: VendorId,
        id: MediaId,
        is_first: bool,
        now: Timestamp,
    ) -> Result<(), MediaError> {
        let key = picture_key(vendor, id);
        let mut known = self.catalog.picture(vendor, id).await?;
        if known.as_ref().is_none_or(|known| known.picture.is_waiting()) {
            let looked_at = match self.uploads.read(&key).await? {
                Some(bytes) => Some(self.result_of(vendor, id, bytes).await?),
                // Uploads of a release that did not look at them were public under their ids. What cannot be written
                // anew stays as it is.
                None => match self.public.read(&id.to_string()).await? {
                    Some(bytes) => Some(self.result_of(vendor, id, bytes).await?).filter(|of| of.fault.is_none()),
                    None => None,
                },
            };
            let Some(picture) = looked_at else { return Ok(()) };
            known = Some(self.catalog.settle_picture((vendor, id), (None, &picture), now).await?);
        }
        if let Some(known) = known {
            self.show(&known, is_first).await?;
            if known.picture.files.is_some() {
                self.public.delete(&id.to_string()).await?;
            }
        }
        self.uploads.delete(&key).await
    }

    /// Writes what became of a picture into the products that have named it.
    pub(crate) async fn show(&self, known: &VendorPicture, is_first: bool) -> Result<(), MediaError> {
        let source = known.address.clone().unwrap_or_else(|| format!("media:{}", known.id));
        let pictures = BTreeMap::from([(source, known.picture.clone())]);
        let mut are_all_named = true;
        let mut backoff = Backoff::default();
        for product in &known.products {
            let mut shown = self.catalog.show_pictures(*product, &pictures).await;
            for _ in 0..WAITS {
                if is_first && shown.as_ref().is_ok_and(BTreeSet::is_empty) {
                    backoff.pause().await?;
                    shown = self.catalog.show_pictures(*product, &pictures).await;
                }
            }
            match shown {
                Ok(named) => are_all_named &= !named.is_empty(),
                // One product must not keep the others from their picture.
                Err(error @ (store::Error::Corrupt { .. } | store::Error::Newer { .. } | store::Error::Refused(_))) => {
                    tracing::warn!(product.id = %product, cause = %error, "a picture is not shown in a product");
                }
                Err(other) => return Err(other.into()),
            }
        }
        // It asks for a picture before it is written. Later it has been written, or it never is.
        if is_first && !are_all_named { Err(MediaError::NotNamedYet) } else { Ok(()) }
    }

    /// What becomes of these bytes. The files of a picture that passes are public when this returns.
    async fn result_of(&self, vendor: VendorId, id: MediaId, bytes: Bytes) -> Result<Picture, MediaError> {
        let name = name_of(vendor, id, None, &bytes);
        self.picture_of(vendor, id, (name, bytes)).await
    }

    /// What becomes of the bytes that get this name.
    pub(crate) async fn picture_of(
        &self,
        vendor: VendorId,
        id: MediaId,
        (name, bytes): (PictureName, Bytes),
    ) -> Result<Picture, MediaError> {
        // Where functions share a runtime, decoding must not keep the others waiting.
        let made = tokio::task::spawn_blocking(move || picture::make(&bytes));
        match made.await.map_err(|_| MediaError::BrokenOff)? {
            Ok(made) => Ok(Picture { files: Some(self.publish(name, made).await?), fault: None }),
            Err(fault) => {
                tracing::info!(vendor.id = %vendor, media.id = %id, fault = fault.code(), "an upload cannot be shown");
                Ok(Picture { files: None, fault: Some(fault.code().to_owned()) })
            }
        }
    }

    async fn publish(&self, name: PictureName, made: Made) -> Result<PictureFiles, MediaError> {
        let mut files = PictureFiles {
            name,
            width: made.width,
            height: made.height,
            color: Color(made.color),
            widths: Vec::with_capacity(made.files.len()),
        };
        for file in made.files {
            match file.kind {
                FileKind::Webp => {
                    self.public.put(&files.webp(file.width), "image/webp", file.bytes).await?;
                    files.widths.push(file.width);
                }
                FileKind::Jpeg => self.public.put(&files.jpeg(), "image/jpeg", file.bytes).await?,
            }
        }
        Ok(files)
    }

    /// Deletes an upload of a release that did not look at pictures, and that is public under its id, if it is none.
    pub(crate) async fn check_public_upload(&self, id: MediaId) -> Result<(), MediaError> {
        let key = id.to_string();
        let Some(bytes) = self.public.read(&key).await? else { return Ok(()) };
        let made = tokio::task::spawn_blocking(move || picture::make(&bytes));
        match made.await.map_err(|_| MediaError::BrokenOff)? {
            // That release took AVIF.
            Ok(_) | Err(PictureFault::Avif) => Ok(()),
            Err(fault) => {
                tracing::warn!(media.id = key, fault = fault.code(), "an upload is not a picture and was deleted");
                self.public.delete(&key).await
            }
        }
    }
}

/// The name of the files of these bytes. It is another one for each upload, and after files that were deleted, so that
/// deleting one picture deletes no other.
pub(crate) fn name_of(vendor: VendorId, id: MediaId, gone: Option<&PictureFiles>, bytes: &[u8]) -> PictureName {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(format!("{vendor} {id} ").as_bytes());
    if let Some(gone) = gone {
        hash.update(format!("{} ", gone.name).as_bytes());
    }
    hash.update(bytes);
    PictureName::of_hash(hash.finish().as_ref().first_chunk().unwrap_or(&[0; 32]))
}
