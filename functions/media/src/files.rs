//! The objects of a bucket.

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::MediaError;

/// The most bytes of an object that are read. An upload is signed for at most as many.
const MAX_BYTES: i64 = 10 * 1024 * 1024;
/// What is at an address never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

#[derive(Clone, Debug)]
pub(crate) struct Files {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl Files {
    pub(crate) fn new(client: aws_sdk_s3::Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    /// An object; nothing when there is none. One that is too large is empty, which is no picture.
    pub(crate) async fn read(&self, key: &str) -> Result<Option<Bytes>, MediaError> {
        let answer = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => answer,
            // Any other error, such as a denied access, fails the message: after its last delivery it is in the
            // dead-letter queue, whose alarm shows it.
            Err(error) if error.as_service_error().and_then(|error| error.code()) == Some("NoSuchKey") => {
                return Ok(None);
            }
            Err(error) => return Err(MediaError::Bucket(DisplayErrorContext(&error).to_string())),
        };
        if answer.content_length().is_some_and(|length| length > MAX_BYTES) {
            return Ok(Some(Bytes::new()));
        }
        let body = answer.body.collect().await.map_err(|error| MediaError::Bucket(error.to_string()))?;
        Ok(Some(body.into_bytes()))
    }

    /// Puts an object that everybody may keep for ever.
    pub(crate) async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), MediaError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        let sent = put.cache_control(FOR_EVER).body(ByteStream::from(bytes)).send().await;
        sent.map(|_| ()).map_err(|error| MediaError::Bucket(DisplayErrorContext(&error).to_string()))
    }

    /// Deletes an object; one that is gone is deleted.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), MediaError> {
        let deleted = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        deleted.map(|_| ()).map_err(|error| MediaError::Bucket(DisplayErrorContext(&error).to_string()))
    }
}
