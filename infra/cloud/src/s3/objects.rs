//! Reading, writing and copying objects.

use std::collections::BTreeMap;
use std::ops::Range;

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, CreateMultipartUploadInput, GetObjectInput,
    GetObjectOutput, HeadObjectInput, HeadObjectOutput, Metadata, MetadataDirective, PutObjectInput, PutObjectOutput,
    StreamingBlob, Timestamp, TimestampFormat,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use tokio::fs::File;

use super::bytes::{self, Claimed, Written};
use super::conditions::{ReadConditions, WriteConditions, modified};
use super::files::{Answer, Files, caller, internal, strong};
use super::store::{Headers, Object};
use crate::gateway::hex;

macro_rules! headers_of {
    ($input:expr) => {
        Headers {
            metadata: $input.metadata.take().unwrap_or_default().into_iter().collect(),
            content_type: $input.content_type.take().map(|value| value.to_string()),
            content_encoding: $input.content_encoding.take(),
            content_disposition: $input.content_disposition.take(),
            content_language: $input.content_language.take(),
            cache_control: $input.cache_control.take(),
            expires: $input.expires.take().and_then(written),
            website_redirect_location: $input.website_redirect_location.take(),
            checksums: BTreeMap::new(),
        }
    };
}

impl Headers {
    fn of_object(input: &mut PutObjectInput) -> Self {
        headers_of!(input)
    }

    fn of_copy(input: &mut CopyObjectInput) -> Self {
        headers_of!(input)
    }

    pub(super) fn of_upload(input: &mut CreateMultipartUploadInput) -> Self {
        headers_of!(input)
    }

    fn checksum(&self, algorithm: &str) -> Option<String> {
        self.checksums.get(algorithm).cloned()
    }

    fn metadata(&self) -> Option<Metadata> {
        let all: Metadata = self.metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        (!all.is_empty()).then_some(all)
    }

    fn expires(&self) -> Option<Timestamp> {
        self.expires.as_deref().and_then(|text| Timestamp::parse(TimestampFormat::DateTime, text).ok())
    }
}

fn written(at: Timestamp) -> Option<String> {
    let mut text = Vec::new();
    at.format(TimestampFormat::DateTime, &mut text).ok()?;
    String::from_utf8(text).ok()
}

/// The fields that `GetObjectOutput` and `HeadObjectOutput` have in common.
macro_rules! described {
    ($output:ident, $object:expr, { $($more:tt)* }) => {{
        let headers = &$object.headers;
        $output {
            accept_ranges: Some("bytes".to_owned()),
            last_modified: Some(modified(&$object)),
            e_tag: strong(&$object.e_tag),
            metadata: headers.metadata(),
            content_type: headers.content_type.clone(),
            content_encoding: headers.content_encoding.clone(),
            content_disposition: headers.content_disposition.clone(),
            content_language: headers.content_language.clone(),
            cache_control: headers.cache_control.clone(),
            expires: headers.expires(),
            website_redirect_location: headers.website_redirect_location.clone(),
            $($more)*
            ..$output::default()
        }
    }};
}

/// The bytes of an object that are asked for, and `Content-Range` when they are not all.
fn range_of(object: &Object, range: Option<s3s::dto::Range>) -> S3Result<(Range<u64>, Option<String>)> {
    let Some(range) = range else { return Ok((0..object.size, None)) };
    let range = range.check(object.size)?;
    let last = range.end.saturating_sub(1);
    let written = format!("bytes {}-{last}/{}", range.start, object.size);
    Ok((range, Some(written)))
}

fn refuse_parts(part_number: Option<i32>) -> S3Result<()> {
    if part_number.is_some() {
        return Err(s3_error!(NotImplemented, "Objects are not read by part here."));
    }
    Ok(())
}

impl Files {
    pub(super) async fn get(&self, mut input: GetObjectInput) -> Answer<GetObjectOutput> {
        refuse_parts(input.part_number)?;
        let conditions = ReadConditions {
            if_match: input.if_match.take(),
            if_none_match: input.if_none_match.take(),
            if_modified_since: input.if_modified_since.take(),
            if_unmodified_since: input.if_unmodified_since.take(),
        };
        loop {
            let object = self.require_object(&input.bucket, &input.key)?;
            conditions.check(&object)?;
            let (range, content_range) = range_of(&object, input.range)?;
            let file = match File::open(self.store.path(&object.blob)).await {
                Ok(file) => file,
                // Replaced or deleted since the index was read.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.is_replaced(&input, &object)? => {
                    continue;
                }
                Err(error) => return Err(internal(error)),
            };
            let length = range.end - range.start;
            // A checksum is of the whole object.
            let sum = |algorithm: &str| content_range.is_none().then(|| object.headers.checksum(algorithm)).flatten();
            let mut answer = described!(GetObjectOutput, object, {
                checksum_crc32: sum("crc32"),
                checksum_crc32c: sum("crc32c"),
                checksum_sha1: sum("sha1"),
                checksum_sha256: sum("sha256"),
                checksum_crc64nvme: sum("crc64nvme"),
                content_length: i64::try_from(length).ok(),
                content_range: content_range.clone(),
                body: Some(StreamingBlob::wrap(bytes::read(file, range).await.map_err(internal)?)),
            });
            // A signed request may ask for another one than the object was stored with.
            if let Some(disposition) = input.response_content_disposition.take() {
                answer.content_disposition = Some(disposition);
            }
            return Ok(S3Response::new(answer));
        }
    }

    fn is_replaced(&self, input: &GetObjectInput, object: &Object) -> S3Result<bool> {
        let found = self.store.object(&input.bucket, &input.key).map_err(internal)?;
        Ok(found.is_none_or(|found| found.blob != object.blob))
    }

    pub(super) fn head(&self, input: HeadObjectInput) -> Answer<HeadObjectOutput> {
        refuse_parts(input.part_number)?;
        let object = self.require_object(&input.bucket, &input.key)?;
        let conditions = ReadConditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        conditions.check(&object)?;
        let (range, content_range) = range_of(&object, input.range)?;
        let sum = |algorithm: &str| content_range.is_none().then(|| object.headers.checksum(algorithm)).flatten();
        Ok(S3Response::new(described!(HeadObjectOutput, object, {
            checksum_crc32: sum("crc32"),
            checksum_crc32c: sum("crc32c"),
            checksum_sha1: sum("sha1"),
            checksum_sha256: sum("sha256"),
            checksum_crc64nvme: sum("crc64nvme"),
            content_length: i64::try_from(range.end - range.start).ok(),
            content_range: content_range.clone(),
        })))
    }

    /// Stores written bytes as an object, if the conditions hold for the one that is replaced. `upload` is the
    /// multipart upload that the object ends.
    pub(super) fn store(
        &self,
        name: (&str, &str),
        written: Written,
        (e_tag, headers): (String, Headers),
        upload: Option<&str>,
        conditions: &WriteConditions,
    ) -> S3Result<Object> {
        let headers = Headers { checksums: written.checksums, ..headers };
        let (size, modified_at) = (written.size, self.now());
        let object = Object { blob: written.blob, size, e_tag, modified_at, headers };
        self.store.put(name, &object, upload, |old| conditions.check(old))?;
        Ok(object)
    }

    pub(super) async fn put(&self, mut request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let by = caller(&request);
        let trailers = request.trailing_headers.take();
        let mut input = request.input;
        self.require_bucket(&input.bucket)?;
        let conditions = WriteConditions { if_match: input.if_match.take(), if_none_match: input.if_none_match.take() };
        let conditions = conditions.offered()?;
        let claimed = Claimed::of_object(&mut input)?;
        let headers = Headers::of_object(&mut input);
        let body = input.body.take().ok_or_else(|| s3_error!(IncompleteBody))?;
        let written = self.store.write(body, claimed, trailers).await?;
        let name = (input.bucket.as_str(), input.key.as_str());
        let e_tag = hex(&written.md5);
        let object = self.store(name, written, (e_tag, headers), None, &conditions)?;
        self.notify("ObjectCreated:Put", name, &object, by)?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: strong(&object.e_tag),
            checksum_crc32: object.headers.checksum("crc32"),
            checksum_crc32c: object.headers.checksum("crc32c"),
            checksum_sha1: object.headers.checksum("sha1"),
            checksum_sha256: object.headers.checksum("sha256"),
            checksum_crc64nvme: object.headers.checksum("crc64nvme"),
            ..PutObjectOutput::default()
        }))
    }

    /// The object that is copied, if it meets the conditions.
    pub(super) fn source(&self, source: &CopySource, conditions: &ReadConditions) -> S3Result<Object> {
        let CopySource::Bucket { bucket, key, .. } = source else {
            return Err(s3_error!(NotImplemented, "Copies are made from buckets only."));
        };
        let object = self.require_object(bucket, key)?;
        conditions.check_source(&object)?;
        Ok(object)
    }

    pub(super) async fn copy(&self, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        let by = caller(&request);
        let mut input = request.input;
        self.require_bucket(&input.bucket)?;
        let conditions = ReadConditions {
            if_match: input.copy_source_if_match.take(),
            if_none_match: input.copy_source_if_none_match.take(),
            if_modified_since: input.copy_source_if_modified_since.take(),
            if_unmodified_since: input.copy_source_if_unmodified_since.take(),
        };
        let source = self.source(&input.copy_source, &conditions)?;
        let replaces =
            input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        let name = (input.bucket.clone(), input.key.clone());
        let name = (name.0.as_str(), name.1.as_str());
        let of_itself = matches!(&input.copy_source, CopySource::Bucket { bucket, key, .. } if name == (bucket, key));
        if of_itself && !replaces {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing it."
            ));
        }
        let headers = if replaces { Headers::of_copy(&mut input) } else { source.headers.clone() };
        let written = self.store.join(std::slice::from_ref(&source.blob), None).await?;
        let written = Written { checksums: source.headers.checksums.clone(), ..written };
        let described = (source.e_tag.clone(), headers);
        let object = self.store(name, written, described, None, &WriteConditions::default())?;
        self.notify("ObjectCreated:Copy", name, &object, by)?;
        let result = CopyObjectResult {
            e_tag: strong(&object.e_tag),
            last_modified: Some(modified(&object)),
            ..CopyObjectResult::default()
        };
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() }))
    }
}
