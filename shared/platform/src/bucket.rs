//! A bucket to which clients upload files and from which they download them, by URLs signed for one file each. Signing
//! sends no request.

use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use domain::upload::{FileLink, LINK_LIFETIME, Upload};
use domain::{Code, Coded, Timestamp};

/// A bucket whose files are uploaded and downloaded by signed URLs.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
}

/// A file that is going to be uploaded. S3 refuses one with another type or length.
#[derive(Clone, Copy, Debug)]
pub struct UploadSpec<'a> {
    /// Its key in the bucket.
    pub key: &'a str,
    pub content_type: &'a str,
    /// Its length in bytes.
    pub size: u64,
}

/// A URL could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("not signed: {0}")]
pub struct NotSigned(String);

/// The bucket did not take a file.
#[derive(Debug, thiserror::Error)]
#[error("the bucket did not take a file: {0}")]
pub struct NotPut(String);

impl Coded for NotPut {
    fn code(&self) -> Code {
        Code::Unavailable
    }
}

impl Coded for NotSigned {
    fn code(&self) -> Code {
        Code::Internal
    }
}

impl Bucket {
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// A signed URL to which a file can be uploaded, with the headers that the upload must send.
    ///
    /// # Errors
    /// When the URL cannot be signed. Signing needs no network, so this is not expected.
    pub async fn upload(&self, file: UploadSpec<'_>, now: Timestamp) -> Result<Upload, NotSigned> {
        let put = self.client.put_object().bucket(&self.name).key(file.key).content_type(file.content_type);
        let put = put.content_length(i64::try_from(file.size).unwrap_or(i64::MAX));
        let request =
            put.presigned(presigning(now)?).await.map_err(|error| not_signed(&DisplayErrorContext(&error)))?;
        Ok(Upload {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            // Other headers that the client adds to its own calls, such as the trace id, are not signed and not for the
            // uploader.
            headers: request
                .headers()
                .filter(|(name, _)| name.starts_with("content-"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            expires_at: now + LINK_LIFETIME,
        })
    }

    /// Puts a file that came with a request, where a browser without scripts has sent it.
    ///
    /// # Errors
    /// When the bucket does not take it.
    pub async fn put(&self, file: UploadSpec<'_>, bytes: Bytes) -> Result<(), NotPut> {
        let put = self.client.put_object().bucket(&self.name).key(file.key).content_type(file.content_type);
        let sent = put.body(ByteStream::from(bytes)).send().await;
        sent.map(|_| ()).map_err(|error| NotPut(DisplayErrorContext(&error).to_string()))
    }

    /// A signed URL from which a file of a stranger's can be downloaded, under the name that they gave it. No browser
    /// shows it, whatever it says that it is.
    ///
    /// # Errors
    /// When the URL cannot be signed. Signing needs no network, so this is not expected.
    pub async fn download(&self, key: &str, filename: &str, now: Timestamp) -> Result<FileLink, NotSigned> {
        let get = self.client.get_object().bucket(&self.name).key(key).response_content_disposition(attached(filename));
        let request =
            get.presigned(presigning(now)?).await.map_err(|error| not_signed(&DisplayErrorContext(&error)))?;
        Ok(FileLink { url: request.uri().to_owned(), expires_at: now + LINK_LIFETIME })
    }

    /// A signed URL from which a file can be downloaded.
    ///
    /// # Errors
    /// When the URL cannot be signed. Signing needs no network, so this is not expected.
    pub async fn link(&self, key: &str, now: Timestamp) -> Result<FileLink, NotSigned> {
        let get = self.client.get_object().bucket(&self.name).key(key);
        let request =
            get.presigned(presigning(now)?).await.map_err(|error| not_signed(&DisplayErrorContext(&error)))?;
        Ok(FileLink { url: request.uri().to_owned(), expires_at: now + LINK_LIFETIME })
    }
}

/// An attachment with a name in any script (RFC 6266, RFC 8187).
fn attached(filename: &str) -> String {
    use std::fmt::Write as _;
    let mut written = "attachment; filename*=UTF-8''".to_owned();
    for byte in filename.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            written.push(char::from(byte));
        } else {
            let _ = write!(written, "%{byte:02X}");
        }
    }
    written
}

/// The settings of a URL that is valid from now on.
fn presigning(now: Timestamp) -> Result<PresigningConfig, NotSigned> {
    let begun = SystemTime::UNIX_EPOCH + now.since(Timestamp::default());
    let signed = PresigningConfig::builder().start_time(begun).expires_in(LINK_LIFETIME).build();
    signed.map_err(|error| not_signed(&error))
}

fn not_signed(error: &dyn std::fmt::Display) -> NotSigned {
    NotSigned(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_so_that_nothing_of_it_is_more_than_a_name() {
        assert_eq!(attached("passport.pdf"), "attachment; filename*=UTF-8''passport.pdf");
        assert_eq!(attached("a\"; \u{44f}\r\n"), "attachment; filename*=UTF-8''a%22%3B%20%D1%8F%0D%0A");
    }
}
