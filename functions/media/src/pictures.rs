//! Uploaded pictures: an object that is not a picture is deleted.
//!
//! The client declares the content type of an upload, and the presigned request binds it to that declaration only, not
//! to the bytes. So the first bytes of each new object in the media bucket are checked once.

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};

use crate::MediaError;

/// The `Range` that is read: long enough for the magic numbers and the brands of an AVIF.
const HEAD: &str = "bytes=0-63";

#[derive(Clone, Debug)]
pub(crate) struct Pictures {
    pub(crate) client: aws_sdk_s3::Client,
    pub(crate) bucket: String,
}

impl Pictures {
    /// Checks the first bytes of an uploaded object, and deletes it when it is not a picture. May be repeated.
    pub(crate) async fn check(&self, key: &str) -> Result<(), MediaError> {
        let head = match self.client.get_object().bucket(&self.bucket).key(key).range(HEAD).send().await {
            Ok(answer) => answer.body.collect().await.map_err(|error| MediaError(error.to_string()))?.into_bytes(),
            Err(error) => match error.as_service_error().and_then(|error| error.code()) {
                // Deleted in the meantime. Any other error, such as a denied access, fails the message: after its last
                // delivery it is in the dead-letter queue, whose alarm shows it.
                Some("NoSuchKey") => return Ok(()),
                // No range of an empty object can be satisfied: S3 answers 416.
                Some("InvalidRange") => bytes::Bytes::new(),
                _ => return Err(MediaError(DisplayErrorContext(&error).to_string())),
            },
        };
        if is_picture(&head) {
            return Ok(());
        }
        tracing::warn!(media.id = key, "an upload is not a picture and was deleted");
        let deleted = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        deleted.map(|_| ()).map_err(|error| MediaError(DisplayErrorContext(&error).to_string()))
    }
}

/// Whether a file begins like a JPEG, PNG, WebP or AVIF.
/// <https://www.iana.org/assignments/media-types>, ISO/IEC 14496-12 for the brands of AVIF.
fn is_picture(head: &[u8]) -> bool {
    let webp = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
    let avif = head.get(4..8) == Some(b"ftyp")
        && head.get(8..).is_some_and(|brands| brands.chunks(4).any(|brand| matches!(brand, b"avif" | b"avis")));
    head.starts_with(&[0xFF, 0xD8, 0xFF]) || head.starts_with(b"\x89PNG\r\n\x1a\n") || webp || avif
}

#[cfg(test)]
mod tests {
    use super::is_picture;

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        assert!(is_picture(b"\xff\xd8\xff\xe0\x00\x10JFIF"));
        assert!(is_picture(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"));
        assert!(is_picture(b"RIFF\x24\x00\x00\x00WEBPVP8 "));
        assert!(is_picture(b"\x00\x00\x00\x20ftypmif1\x00\x00\x00\x00mif1avif"));
        for other in [
            &b""[..],
            b"<svg xmlns=",
            b"<!doctype html>",
            b"GIF89a",
            b"RIFF\x24\x00\x00\x00WAVE",
            b"%PDF-1.7",
            b"\xff\xd8",
        ] {
            assert!(!is_picture(other), "{other:?}");
        }
    }
}
