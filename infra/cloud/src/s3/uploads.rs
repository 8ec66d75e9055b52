//! Multipart uploads (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>).

use std::ops::Range;

use s3s::crypto::Checksum as _;
use s3s::dto::{
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CopyPartResult,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ListPartsInput, ListPartsOutput, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::bytes::{Claimed, Written};
use super::conditions::{ReadConditions, WriteConditions, at_second};
use super::files::{Answer, Files, caller, internal, strong};
use super::store::{Headers, Part, Store, Upload};
use crate::gateway::hex;

/// The least size of each part but the last, in bytes
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
const MIN_PART_SIZE: u64 = 5 * 1024 * 1024;
const MAX_PART_NUMBER: i32 = 10_000;

impl Files {
    pub(super) fn begin(&self, mut input: CreateMultipartUploadInput) -> Answer<CreateMultipartUploadOutput> {
        self.require_bucket(&input.bucket)?;
        let id = Store::new_blob();
        let headers = Headers::of_upload(&mut input);
        let upload = Upload { bucket: input.bucket, key: input.key, headers };
        self.store.begin(&id, &upload).map_err(internal)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(upload.bucket),
            key: Some(upload.key),
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) fn require_upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<Upload> {
        self.require_bucket(bucket)?;
        let found = self.store.upload(id).map_err(internal)?;
        found.filter(|upload| upload.bucket == bucket && upload.key == key).ok_or_else(no_such_upload)
    }

    pub(super) async fn put_part(&self, mut request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        let trailers = request.trailing_headers.take();
        let mut input = request.input;
        check_number(input.part_number)?;
        self.require_upload(&input.bucket, &input.key, &input.upload_id)?;
        let claimed = Claimed::of_part(&mut input)?;
        let body = input.body.take().ok_or_else(|| s3_error!(IncompleteBody))?;
        let written = self.store.write(body, claimed, trailers).await?;
        let sum = |algorithm: &str| written.checksums.get(algorithm).cloned();
        let output = UploadPartOutput {
            checksum_crc32: sum("crc32"),
            checksum_crc32c: sum("crc32c"),
            checksum_sha1: sum("sha1"),
            checksum_sha256: sum("sha256"),
            checksum_crc64nvme: sum("crc64nvme"),
            ..UploadPartOutput::default()
        };
        let part = self.keep_part(&input.upload_id, input.part_number, written)?;
        Ok(S3Response::new(UploadPartOutput { e_tag: strong(&part.e_tag), ..output }))
    }

    fn keep_part(&self, upload: &str, number: i32, written: Written) -> S3Result<Part> {
        let e_tag = hex(&written.md5);
        let part = Part { number, blob: written.blob, size: written.size, e_tag, modified_at: self.now() };
        if self.store.put_part(upload, &part).map_err(internal)? { Ok(part) } else { Err(no_such_upload()) }
    }

    pub(super) async fn copy_part(&self, input: UploadPartCopyInput) -> Answer<UploadPartCopyOutput> {
        check_number(input.part_number)?;
        self.require_upload(&input.bucket, &input.key, &input.upload_id)?;
        let conditions = ReadConditions {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        };
        let source = self.source(&input.copy_source, &conditions)?;
        let range = input.copy_source_range.as_deref().map(|range| copy_range(range, source.size)).transpose()?;
        let written = self.store.join(&[source.blob], range).await?;
        let part = self.keep_part(&input.upload_id, input.part_number, written)?;
        let result = CopyPartResult {
            e_tag: strong(&part.e_tag),
            last_modified: Some(at_second(part.modified_at)),
            ..CopyPartResult::default()
        };
        Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() }))
    }

    pub(super) fn parts(&self, input: ListPartsInput) -> Answer<ListPartsOutput> {
        self.require_upload(&input.bucket, &input.key, &input.upload_id)?;
        let parts = self.store.parts(&input.upload_id).map_err(internal)?;
        let parts = parts.into_iter().map(|part| s3s::dto::Part {
            e_tag: strong(&part.e_tag),
            last_modified: Some(at_second(part.modified_at)),
            part_number: Some(part.number),
            size: i64::try_from(part.size).ok(),
            ..s3s::dto::Part::default()
        });
        Ok(S3Response::new(ListPartsOutput {
            parts: Some(parts.collect()),
            is_truncated: Some(false),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            ..ListPartsOutput::default()
        }))
    }

    pub(super) async fn complete(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let by = caller(&request);
        let input = request.input;
        let upload = self.require_upload(&input.bucket, &input.key, &input.upload_id)?;
        let conditions = WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match }.offered()?;
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let parts = chosen(&named, &self.store.parts(&input.upload_id).map_err(internal)?)?;
        let mut md5 = s3s::crypto::Md5::new();
        for part in &parts {
            md5.update(&bytes_of_hex(&part.e_tag));
        }
        let e_tag = format!("{}-{}", hex(&md5.finalize()), parts.len());
        let blobs: Vec<String> = parts.into_iter().map(|part| part.blob).collect();
        let written = self.store.join(&blobs, None).await?;
        let name = (input.bucket.as_str(), input.key.as_str());
        let object = self.store(name, written, (e_tag, upload.headers), Some(&input.upload_id), &conditions)?;
        self.notify("ObjectCreated:CompleteMultipartUpload", name, &object, by)?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            e_tag: strong(&object.e_tag),
            bucket: Some(input.bucket),
            key: Some(input.key),
            ..CompleteMultipartUploadOutput::default()
        }))
    }
}

/// The uploaded parts that a request to complete names, in its order.
fn chosen(named: &[CompletedPart], uploaded: &[Part]) -> S3Result<Vec<Part>> {
    if named.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    let mut parts: Vec<Part> = Vec::new();
    for named in named {
        let number = named.part_number.unwrap_or_default();
        if parts.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. Parts must be ordered by part number."
            ));
        }
        let is_it = |part: &&Part| {
            part.number == number && named.e_tag.as_ref().is_some_and(|e_tag| e_tag.value() == part.e_tag)
        };
        let part = uploaded.iter().find(is_it).ok_or_else(|| {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
                 specified entity tag may not match the part's entity tag."
            )
        })?;
        parts.push(part.clone());
    }
    let too_small = parts.split_last().is_some_and(|(_, rest)| rest.iter().any(|part| part.size < MIN_PART_SIZE));
    if too_small {
        return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
    }
    Ok(parts)
}

fn check_number(number: i32) -> S3Result<()> {
    if (1..=MAX_PART_NUMBER).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"))
}

/// Reads `bytes=first-last`, the only form that S3 takes for the source of a part.
fn copy_range(range: &str, size: u64) -> S3Result<Range<u64>> {
    let read = || {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?))
    };
    let (first, last) = read().ok_or_else(|| {
        s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy"
        )
    })?;
    if first > last || last >= size {
        return Err(s3_error!(InvalidArgument, "Range specified is not valid for source object of size: {size}"));
    }
    Ok(first..last + 1)
}

fn bytes_of_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).filter_map(|digit| u8::try_from(digit).ok()).collect();
    digits.chunks_exact(2).filter_map(|pair| Some(pair.first()? << 4 | pair.last()?)).collect()
}

fn no_such_upload() -> s3s::S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed."
    )
}
