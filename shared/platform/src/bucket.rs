//! A bucket that others put files into and fetch them from, by addresses that are signed for one file each. Nothing is sent.

use std::time::{Duration, SystemTime};

use api::{Answer, Problem};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::presigning::PresigningConfig;
use domain::upload::{LINK_LIFETIME, Upload};
use domain::{Code, Coded, Timestamp};

/// How long after its time is over an upload is signed anew for a repeat. Later its file may be in use, and must not be replaced.
const RENEW_WINDOW: Duration = Duration::from_secs(3_000);
/// The member of an answer that says how to upload.
const UPLOAD: &str = "upload";

/// A bucket whose files come and go by signed addresses.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
}

/// A file that is going to be uploaded: exactly so, or S3 refuses it.
#[derive(Clone, Copy, Debug)]
pub struct UploadSpec<'a> {
    /// Where it will lie.
    pub key: &'a str,
    /// Its type.
    pub content_type: &'a str,
    /// Its length in bytes.
    pub size: u64,
}

/// An address could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("not signed: {0}")]
pub struct NotSigned(String);

impl Coded for NotSigned {
    fn code(&self) -> Code {
        Code::Internal
    }
}

impl Bucket {
    /// A bucket by its name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// Where a file can be uploaded.
    ///
    /// # Errors
    /// 500; it does not happen, signing needs nobody.
    pub async fn upload(&self, file: UploadSpec<'_>, now: Timestamp) -> Result<Upload, NotSigned> {
        let put = self.client.put_object().bucket(&self.name).key(file.key).content_type(file.content_type);
        let put = put.content_length(i64::try_from(file.size).unwrap_or(i64::MAX));
        let request =
            put.presigned(presigning(now)?).await.map_err(|error| not_signed(&DisplayErrorContext(&error)))?;
        Ok(Upload {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            // What else the client adds to its own calls, such as a trace, is not signed and not for the uploader.
            headers: request
                .headers()
                .filter(|(name, _)| name.starts_with("content-"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            expires_at: now + LINK_LIFETIME,
        })
    }

    /// Where a file can be fetched, and until when.
    ///
    /// # Errors
    /// 500; it does not happen, signing needs nobody.
    pub async fn link(&self, key: &str, now: Timestamp) -> Result<(String, Timestamp), NotSigned> {
        let get = self.client.get_object().bucket(&self.name).key(key);
        let request =
            get.presigned(presigning(now)?).await.map_err(|error| not_signed(&DisplayErrorContext(&error)))?;
        Ok((request.uri().to_owned(), now + LINK_LIFETIME))
    }

    /// An answer that was given before, with an upload that may begin: the one in it is signed anew when its time is over, within
    /// the hour in which it was asked for.
    ///
    /// # Errors
    /// 500; it does not happen, signing needs nobody.
    pub async fn renew(&self, stored: Answer, file: UploadSpec<'_>, now: Timestamp) -> Result<Answer, Problem> {
        match stored.member::<Upload>(UPLOAD) {
            Some(upload) if upload.expires_at <= now && now < upload.expires_at + RENEW_WINDOW => {
                stored.with_member(UPLOAD, &self.upload(file, now).await?)
            }
            _ => Ok(stored),
        }
    }
}

/// An address that is good from now on.
fn presigning(now: Timestamp) -> Result<PresigningConfig, NotSigned> {
    let begun = SystemTime::UNIX_EPOCH + now.since(Timestamp::default());
    let signed = PresigningConfig::builder().start_time(begun).expires_in(LINK_LIFETIME).build();
    signed.map_err(|error| not_signed(&error))
}

fn not_signed(error: &dyn std::fmt::Display) -> NotSigned {
    NotSigned(error.to_string())
}
