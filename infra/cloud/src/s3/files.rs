//! The file store, with what it lacks: upload notifications, and directories that do not count as objects.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CopyObjectInput, CopyObjectOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, GetBucketLocationInput, GetBucketLocationOutput,
    GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListBucketsInput, ListBucketsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
    ListPartsInput, ListPartsOutput, PutObjectInput, PutObjectOutput, UploadPartCopyInput, UploadPartCopyOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

use super::BucketSpec;
use super::notification::Created;
use crate::clock::Clock;

pub(super) struct Files {
    files: Arc<FileSystem>,
    root: PathBuf,
    buckets: HashMap<String, BucketSpec>,
    clock: Clock,
}

impl Files {
    pub(super) fn new(files: Arc<FileSystem>, root: &Path, buckets: HashMap<String, BucketSpec>, clock: Clock) -> Self {
        Self { files, root: root.to_path_buf(), buckets, clock }
    }

    /// A key that is only a prefix of other keys is a directory on disk, but not an object.
    fn refuse_directory(&self, bucket: &str, key: &str) -> S3Result<()> {
        if self.root.join(bucket).join(key).is_dir() {
            return Err(s3_error!(NoSuchKey, "The specified key does not exist."));
        }
        Ok(())
    }

    /// Notifies all matching sinks, and fails unless all of them accept the event. A failed upload is not acknowledged,
    /// so its sender retries it and no notification is lost.
    async fn notify(&self, event: &str, bucket: &str, key: &str, by: Option<String>) -> S3Result<()> {
        let notifications = self.buckets.get(bucket).map_or([].as_slice(), |bucket| bucket.notifications.as_slice());
        let concerned: Vec<_> = notifications.iter().filter(|notification| notification.concerns(event, key)).collect();
        if concerned.is_empty() {
            return Ok(());
        }
        let head = HeadObjectInput { bucket: bucket.to_owned(), key: key.to_owned(), ..HeadObjectInput::default() };
        let head = self.files.head_object(inner(head)).await?.output;
        let created = Created {
            event,
            bucket,
            key,
            size: head.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0),
            e_tag: head.e_tag.as_ref().map_or("", |e_tag| e_tag.value()),
            by: by.as_deref().unwrap_or("anonymous"),
            at: self.clock.now(),
        };
        for notification in concerned {
            (notification.sink)(created.json()).await.map_err(|failure| {
                tracing::error!(error = %failure, bucket, "a sink did not accept an upload's notification");
                s3_error!(InternalError, "We encountered an internal error. Please try again.")
            })?;
        }
        Ok(())
    }
}

/// Puts an object without a notification.
pub(super) async fn put(
    files: &FileSystem,
    (bucket, key): (&str, &str),
    content_type: &str,
    bytes: Vec<u8>,
) -> S3Result<()> {
    let input = PutObjectInput {
        body: Some(Body::from(bytes).into()),
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        content_type: Some(content_type.to_owned()),
        ..PutObjectInput::default()
    };
    files.put_object(inner(input)).await.map(|_| ())
}

/// A request that the endpoint itself makes to the file store.
fn inner<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: http::Method::HEAD,
        uri: http::Uri::default(),
        headers: http::HeaderMap::new(),
        extensions: http::Extensions::new(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

fn caller<T>(request: &S3Request<T>) -> Option<String> {
    request.credentials.as_ref().map(|credentials| credentials.access_key.clone())
}

type Answer<T> = S3Result<S3Response<T>>;

#[async_trait::async_trait]
impl S3 for Files {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        self.refuse_directory(&request.input.bucket, &request.input.key)?;
        self.files.get_object(request).await
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.refuse_directory(&request.input.bucket, &request.input.key)?;
        self.files.head_object(request).await
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let (bucket, key, by) = (request.input.bucket.clone(), request.input.key.clone(), caller(&request));
        let answer = self.files.put_object(request).await?;
        self.notify("ObjectCreated:Put", &bucket, &key, by).await?;
        Ok(answer)
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        let (bucket, key, by) = (request.input.bucket.clone(), request.input.key.clone(), caller(&request));
        let answer = self.files.copy_object(request).await?;
        self.notify("ObjectCreated:Copy", &bucket, &key, by).await?;
        Ok(answer)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let (bucket, key, by) = (request.input.bucket.clone(), request.input.key.clone(), caller(&request));
        let answer = self.files.complete_multipart_upload(request).await?;
        self.notify("ObjectCreated:CompleteMultipartUpload", &bucket, &key, by).await?;
        Ok(answer)
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        if self.refuse_directory(&request.input.bucket, &request.input.key).is_err() {
            // Deleting what does not exist succeeds.
            return Ok(S3Response::new(DeleteObjectOutput::default()));
        }
        self.files.delete_object(request).await
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        self.files.delete_objects(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        self.files.create_multipart_upload(request).await
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        self.files.upload_part(request).await
    }

    async fn upload_part_copy(&self, request: S3Request<UploadPartCopyInput>) -> Answer<UploadPartCopyOutput> {
        self.files.upload_part_copy(request).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        self.files.abort_multipart_upload(request).await
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        self.files.list_parts(request).await
    }

    async fn list_objects(&self, request: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        self.files.list_objects(request).await
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        self.files.list_objects_v2(request).await
    }

    async fn list_buckets(&self, request: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        self.files.list_buckets(request).await
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.files.head_bucket(request).await
    }

    async fn get_bucket_location(&self, request: S3Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        self.files.get_bucket_location(request).await
    }
}
