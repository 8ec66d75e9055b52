//! Product files in their bucket.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

/// Bytes per ranged read. A file is read at the pace at which its products are written, and one connection held open
/// for that long would be closed by the server.
const CHUNK: u64 = 4 * 1024 * 1024;
/// Least size of a part in bytes, except the last: S3 requires 5 MiB.
pub(crate) const PART: usize = 5 * 1024 * 1024;
const CSV: &str = "text/csv; charset=utf-8";

#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) client: Client,
    pub(crate) bucket: String,
}

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The object, or the multipart upload, does not exist.
    #[error("the file is not there")]
    Missing,
    /// The ETag differs from that of the first read: the object was replaced.
    #[error("the file has changed")]
    Changed,
    /// The bucket answered with another error, or did not answer.
    #[error("the call to the bucket failed: {0}")]
    Failed(String),
}

fn failed<E>(error: SdkError<E>) -> FilesError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    match code {
        "NoSuchKey" | "NotFound" | "NoSuchUpload" => FilesError::Missing,
        "PreconditionFailed" => FilesError::Changed,
        _ => FilesError::Failed(DisplayErrorContext(&error).to_string()),
    }
}

/// A file that is read from its start in chunks of [`CHUNK`] bytes.
#[derive(Debug)]
pub(crate) struct Download<'a> {
    files: &'a Files,
    key: &'a str,
    etag: Option<String>,
    size: Option<u64>,
    offset: u64,
}

impl<'a> Download<'a> {
    /// The next chunk; nothing at the end of the file.
    ///
    /// # Errors
    /// [`FilesError::Changed`] when the object was replaced between two chunks.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, FilesError> {
        if self.size.is_some_and(|size| self.offset >= size) {
            return Ok(None);
        }
        let range = format!("bytes={}-{}", self.offset, self.offset + CHUNK - 1);
        let request = self.files.client.get_object().bucket(&self.files.bucket).key(self.key).range(range);
        let answer = match request.set_if_match(self.etag.clone()).send().await {
            Ok(answer) => answer,
            // No range of an empty object can be satisfied: S3 answers 416.
            Err(error) if error.as_service_error().and_then(|error| error.code()) == Some("InvalidRange") => {
                self.size = Some(self.offset);
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        let etag = answer.e_tag().map(str::to_owned);
        if self.etag.is_some() && self.etag != etag {
            return Err(FilesError::Changed);
        }
        let whole =
            answer.content_range().and_then(|range| range.rsplit_once('/')).and_then(|(_, size)| size.parse().ok());
        let bytes = answer.body.collect().await.map_err(|error| FilesError::Failed(error.to_string()))?.into_bytes();
        self.offset += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.size = whole.or(Some(self.offset));
        self.etag = etag;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// The same file, from its start.
    pub(crate) fn again(&self) -> Self {
        self.files.download(self.key, self.etag.clone())
    }

    /// The size of the file in bytes; known after the first chunk.
    pub(crate) const fn size(&self) -> Option<u64> {
        self.size
    }

    /// The ETag of the file; known after the first chunk.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }
}

impl Files {
    /// Reads a file; with an ETag, only as long as the object still has it.
    pub(crate) fn download<'a>(&'a self, key: &'a str, etag: Option<String>) -> Download<'a> {
        Download { files: self, key, etag, size: None, offset: 0 }
    }

    /// Writes the next part of a file: of a multipart upload, which is begun with the first part and completed with the
    /// last, or of a file that has only one part. Nothing is changed when it fails.
    pub(crate) async fn write_part(
        &self,
        (key, filename): (&str, &str),
        (upload, parts): (&mut Option<String>, &mut Vec<String>),
        bytes: Vec<u8>,
        is_last: bool,
    ) -> Result<(), FilesError> {
        if is_last && upload.is_none() {
            return self.put(key, bytes, filename).await;
        }
        let id = match upload.clone() {
            Some(id) => id,
            None => self.begin(key, filename).await?,
        };
        let number = i32::try_from(parts.len() + 1).unwrap_or(i32::MAX);
        let tag = self.put_part(key, &id, number, bytes).await?;
        if is_last {
            let tags: Vec<String> = parts.iter().cloned().chain([tag.clone()]).collect();
            self.complete(key, &id, &tags).await?;
        }
        parts.push(tag);
        *upload = Some(id);
        Ok(())
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, filename: &str) -> Result<(), FilesError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(CSV);
        let put = put.content_disposition(attachment(filename)).body(ByteStream::from(bytes));
        put.send().await.map(|_| ()).map_err(failed)
    }

    /// Begins a multipart upload and answers its id.
    async fn begin(&self, key: &str, filename: &str) -> Result<String, FilesError> {
        let begin = self.client.create_multipart_upload().bucket(&self.bucket).key(key).content_type(CSV);
        let begun = begin.content_disposition(attachment(filename)).send().await.map_err(failed)?;
        begun.upload_id.ok_or_else(|| FilesError::Failed("an upload without an id".to_owned()))
    }

    /// Uploads a part, numbered from one, and answers its ETag. Uploading the same number again replaces the part.
    async fn put_part(&self, key: &str, upload: &str, number: i32, bytes: Vec<u8>) -> Result<String, FilesError> {
        let put = self.client.upload_part().bucket(&self.bucket).key(key).upload_id(upload).part_number(number);
        let done = put.body(ByteStream::from(bytes)).send().await.map_err(failed)?;
        done.e_tag.ok_or_else(|| FilesError::Failed("a part without an ETag".to_owned()))
    }

    /// Completes a multipart upload from the parts with these ETags, in order.
    async fn complete(&self, key: &str, upload: &str, etags: &[String]) -> Result<(), FilesError> {
        let parts =
            (1_i32..).zip(etags).map(|(number, etag)| CompletedPart::builder().part_number(number).e_tag(etag).build());
        let whole = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        complete.multipart_upload(whole).send().await.map(|_| ()).map_err(failed)
    }
}

fn attachment(filename: &str) -> String {
    format!("attachment; filename=\"{filename}\"")
}
