//! The operations of S3 on the store.

use std::collections::HashMap;
use std::sync::Arc;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Bucket, CommonPrefix, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
    DeletedObject, ETag, EncodingType, GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput,
    ListBucketsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput,
    ListPartsOutput, PutObjectInput, PutObjectOutput, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::Notify;
use super::conditions::at_second;
use super::listing::{self, Asked, MAX_KEYS, Page};
use super::notification::Created;
use super::store::{Object, Store, StoreError};
use crate::clock::Clock;

pub(super) type Answer<T> = S3Result<S3Response<T>>;

pub(super) struct Files {
    pub(super) store: Arc<Store>,
    pub(super) buckets: HashMap<String, super::Bucket>,
    pub(super) clock: Clock,
    pub(super) send: Notify,
}

impl Files {
    pub(super) fn require_bucket(&self, bucket: &str) -> S3Result<()> {
        if self.buckets.contains_key(bucket) {
            return Ok(());
        }
        Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    pub(super) fn require_object(&self, bucket: &str, key: &str) -> S3Result<Object> {
        self.require_bucket(bucket)?;
        let found = self.store.object(bucket, key).map_err(internal)?;
        found.ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().millis()
    }

    /// Notifies all queues that want it, and fails unless all of them take the event. A failed upload is not
    /// acknowledged, so its sender retries it and no notification is lost.
    pub(super) fn notify(
        &self,
        event: &str,
        (bucket, key): (&str, &str),
        object: &Object,
        by: Option<String>,
    ) -> S3Result<()> {
        let notifications = self.buckets.get(bucket).map_or([].as_slice(), |bucket| bucket.notifications.as_slice());
        let created = Created {
            event,
            bucket,
            key,
            size: object.size,
            e_tag: &object.e_tag,
            by: by.as_deref().unwrap_or("anonymous"),
            at: self.clock.now(),
        };
        for notification in notifications.iter().filter(|notification| notification.is_for(key)) {
            (self.send)(&notification.queue, created.json()).map_err(|failure| {
                tracing::error!(error = failure, bucket, "a queue did not take an upload's notification");
                s3_error!(InternalError, "We encountered an internal error. Please try again.")
            })?;
        }
        Ok(())
    }

    fn page(&self, bucket: &str, asked: Asked<'_>) -> S3Result<Page> {
        self.require_bucket(bucket)?;
        listing::page(&self.store, bucket, asked).map_err(internal)
    }
}

/// An error of the index or of a file.
pub(super) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> S3Error {
    tracing::error!(error = %error, "the files of a bucket cannot be used");
    S3Error::with_source(S3ErrorCode::InternalError, Box::new(error))
}

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        internal(error)
    }
}

pub(super) fn caller<T>(request: &S3Request<T>) -> Option<String> {
    request.credentials.as_ref().map(|credentials| credentials.access_key.clone())
}

pub(super) fn strong(e_tag: &str) -> Option<ETag> {
    Some(ETag::Strong(e_tag.to_owned()))
}

/// The keys of a page.
struct Entries {
    contents: Option<Vec<s3s::dto::Object>>,
    common_prefixes: Option<Vec<CommonPrefix>>,
    count: i32,
}

impl Entries {
    fn of(page: Page, encoding: Option<&EncodingType>) -> Self {
        let written = |text: String| match encoding {
            Some(encoding) if encoding.as_str() == EncodingType::URL => super::signature::encoded(&text, true),
            _ => text,
        };
        let count = page.objects.len() + page.common_prefixes.len();
        let contents: Vec<s3s::dto::Object> = page
            .objects
            .into_iter()
            .map(|listed| s3s::dto::Object {
                e_tag: strong(&listed.e_tag),
                last_modified: Some(at_second(listed.modified_at)),
                size: i64::try_from(listed.size).ok(),
                key: Some(written(listed.key)),
                ..s3s::dto::Object::default()
            })
            .collect();
        let prefixes: Vec<CommonPrefix> =
            page.common_prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(written(prefix)) }).collect();
        Self {
            contents: (!contents.is_empty()).then_some(contents),
            common_prefixes: (!prefixes.is_empty()).then_some(prefixes),
            count: i32::try_from(count).unwrap_or(i32::MAX),
        }
    }
}

fn limit(max_keys: Option<i32>) -> S3Result<usize> {
    let asked = usize::try_from(max_keys.unwrap_or(1_000))
        .map_err(|_| s3_error!(InvalidArgument, "Argument maxKeys must be an integer between 0 and 2147483647"))?;
    Ok(asked.min(MAX_KEYS))
}

#[async_trait::async_trait]
impl S3 for Files {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        self.get(request.input).await
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.head(request.input)
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        self.put(request).await
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        self.copy(request).await
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        let input = request.input;
        if input.if_match.is_some() || input.version_id.is_some() {
            return Err(s3_error!(NotImplemented, "Objects have no versions here, and are deleted without condition."));
        }
        self.require_bucket(&input.bucket)?;
        self.store.delete(&input.bucket, &input.key).map_err(internal)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        let input = request.input;
        self.require_bucket(&input.bucket)?;
        let mut deleted = Vec::new();
        for object in input.delete.objects {
            self.store.delete(&input.bucket, &object.key).map_err(internal)?;
            deleted.push(DeletedObject { key: Some(object.key), ..DeletedObject::default() });
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let deleted = if quiet { None } else { Some(deleted) };
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..DeleteObjectsOutput::default() }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        self.begin(request.input)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        self.put_part(request).await
    }

    async fn upload_part_copy(&self, request: S3Request<UploadPartCopyInput>) -> Answer<UploadPartCopyOutput> {
        self.copy_part(request.input).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        self.complete(request).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let input = request.input;
        self.require_upload(&input.bucket, &input.key, &input.upload_id)?;
        self.store.abort(&input.upload_id).map_err(internal)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        self.parts(request.input)
    }

    async fn list_objects(&self, request: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        let input = request.input;
        let asked = Asked {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: input.marker.as_deref(),
            limit: limit(input.max_keys)?,
        };
        let page = self.page(&input.bucket, asked)?;
        let last = page.last.clone();
        let entries = Entries::of(page, input.encoding_type.as_ref());
        Ok(S3Response::new(ListObjectsOutput {
            contents: entries.contents,
            common_prefixes: entries.common_prefixes,
            is_truncated: Some(last.is_some()),
            // Without a delimiter the caller goes on after the last key.
            next_marker: last.filter(|_| input.delimiter.is_some()),
            delimiter: input.delimiter,
            encoding_type: input.encoding_type,
            marker: input.marker,
            max_keys: input.max_keys.or(Some(1_000)),
            name: Some(input.bucket),
            prefix: input.prefix,
            ..ListObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        let input = request.input;
        let resumed = input.continuation_token.as_deref().map(|token| {
            listing::last_of(token)
                .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
        });
        let resumed = resumed.transpose()?;
        let asked = Asked {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: resumed.as_deref().or(input.start_after.as_deref()),
            limit: limit(input.max_keys)?,
        };
        let page = self.page(&input.bucket, asked)?;
        let next = page.last.as_deref().map(listing::token);
        let entries = Entries::of(page, input.encoding_type.as_ref());
        Ok(S3Response::new(ListObjectsV2Output {
            contents: entries.contents,
            common_prefixes: entries.common_prefixes,
            key_count: Some(entries.count),
            is_truncated: Some(next.is_some()),
            next_continuation_token: next,
            continuation_token: input.continuation_token,
            delimiter: input.delimiter,
            encoding_type: input.encoding_type,
            max_keys: input.max_keys.or(Some(1_000)),
            name: Some(input.bucket),
            prefix: input.prefix,
            start_after: input.start_after,
            ..ListObjectsV2Output::default()
        }))
    }

    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        let mut names: Vec<&String> = self.buckets.keys().collect();
        names.sort_unstable();
        let buckets = names.into_iter().map(|name| Bucket { name: Some(name.clone()), ..Bucket::default() }).collect();
        Ok(S3Response::new(ListBucketsOutput { buckets: Some(buckets), ..ListBucketsOutput::default() }))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.require_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn get_bucket_location(&self, request: S3Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        self.require_bucket(&request.input.bucket)?;
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }
}
