//! Permission checks: each operation requires its IAM actions.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use s3s::access::{S3Access, S3AccessContext};
use s3s::dto::{CopyObjectInput, CopySource, DeleteObjectsInput, UploadPartCopyInput};
use s3s::path::S3Path;
use s3s::{S3Error, S3Request, S3Result, s3_error};

use super::{Bucket, Permit, Slot};
use crate::faults::{Call, CallContext, Faults, Kind, SLOW_DELAY};

/// In bytes of UTF-8.
const MAX_KEY_LENGTH: usize = 1_024;

/// The fault injected into a request, for the endpoint to act on after the call.
#[derive(Clone, Debug, Default)]
pub(super) struct TriggeredFault(pub(super) Slot<Kind>);

/// Marks a request that comes from the edge, in whose name CloudFront would sign it. Nobody outside can set it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromEdge;

pub(super) struct Permissions {
    permit: Permit,
    faults: Faults,
    public: HashSet<String>,
    /// The buckets that the edge reads.
    at_edge: HashSet<String>,
}

impl Permissions {
    pub(super) fn new(permit: Permit, faults: Faults, buckets: &HashMap<String, Bucket>) -> Self {
        let names = |is: fn(&Bucket) -> bool| -> HashSet<String> {
            buckets.values().filter(|bucket| is(bucket)).map(|bucket| bucket.name.clone()).collect()
        };
        let (public, at_edge) = (names(|bucket| bucket.public_read), names(|bucket| bucket.edge_read));
        Self { permit, faults, public, at_edge }
    }

    fn require(&self, access_key: Option<&str>, action: &str, bucket: &str, key: Option<&str>) -> S3Result<()> {
        let arn = match key {
            Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
            None => format!("arn:aws:s3:::{bucket}"),
        };
        // The role is checked even if the object is public, so that its permission is recorded as used.
        let granted = access_key.is_some_and(|access_key| (self.permit)(access_key, action, &arn));
        let granted_to_all = action == "s3:GetObject" && self.public.contains(bucket);
        if granted || granted_to_all {
            return Ok(());
        }
        match access_key {
            Some(access_key) => Err(s3_error!(
                AccessDenied,
                "User: {access_key} is not authorized to perform: {action} on resource: \"{arn}\""
            )),
            None => Err(s3_error!(AccessDenied, "Access Denied")),
        }
    }

    fn require_source(&self, request: &S3Request<impl Sized>, source: &CopySource) -> S3Result<()> {
        let CopySource::Bucket { bucket, key, .. } = source else {
            return Err(s3_error!(NotImplemented, "Copies are made from buckets only."));
        };
        well_formed(key)?;
        self.require(access_key(request), "s3:GetObject", bucket, Some(key))
    }

    /// Counts the call and injects the fault that is due.
    async fn apply_fault(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let CallContext { trace, route } = context.extensions_mut().get::<CallContext>().cloned().unwrap_or_default();
        let call = Call::of("s3", context.s3_op().name()).for_route(route);
        let Some(kind) = self.faults.next(&call) else { return Ok(()) };
        if let Some(TriggeredFault(slot)) = context.extensions_mut().get::<TriggeredFault>() {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind);
        }
        match kind {
            Kind::Before => Err(s3_error!(InternalError, "the call does not arrive")),
            Kind::CrashBefore => {
                self.faults.kill(trace.as_deref()).await;
                Err(s3_error!(InternalError, "the call does not arrive"))
            }
            Kind::Throttle => Err(s3_error!(SlowDown, "Please reduce your request rate.")),
            Kind::Conflict => Err(s3_error!(OperationAborted, "A conflicting conditional operation is in progress.")),
            Kind::Slow => {
                tokio::time::sleep(SLOW_DELAY).await;
                Ok(())
            }
            Kind::After | Kind::CrashAfter | Kind::Stale | Kind::Torn | Kind::Duplicate | Kind::Disorder => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl S3Access for Permissions {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        self.apply_fault(context).await?;
        let is_of_the_edge = context.extensions_mut().get::<FromEdge>().is_some() && context.credentials().is_none();
        let access_key = context.credentials().map(|credentials| credentials.access_key.as_str());
        let operation = context.s3_op().name();
        match context.s3_path() {
            S3Path::Object { bucket, key } if is_of_the_edge && self.at_edge.contains(&**bucket) => {
                well_formed(key)?;
                match object_action(operation) {
                    Some("s3:GetObject") => Ok(()),
                    _ => Err(s3_error!(AccessDenied, "Access Denied")),
                }
            }
            S3Path::Object { bucket, key } => {
                well_formed(key)?;
                let action = object_action(operation).ok_or_else(|| unknown(operation, access_key))?;
                self.require(access_key, action, bucket, Some(key))
            }
            // The keys are in the body: `delete_objects` checks each of them.
            S3Path::Bucket { .. } if operation == "DeleteObjects" && access_key.is_some() => Ok(()),
            S3Path::Bucket { bucket } => {
                let action = bucket_action(operation).ok_or_else(|| unknown(operation, access_key))?;
                self.require(access_key, action, bucket, None)
            }
            S3Path::Root if operation == "ListBuckets" => self.require(access_key, "s3:ListAllMyBuckets", "*", None),
            S3Path::Root => Err(unknown(operation, access_key)),
        }
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        for object in &request.input.delete.objects {
            well_formed(&object.key)?;
            self.require(access_key(request), "s3:DeleteObject", &request.input.bucket, Some(&object.key))?;
        }
        Ok(())
    }

    async fn copy_object(&self, request: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        self.require_source(request, &request.input.copy_source)
    }

    async fn upload_part_copy(&self, request: &mut S3Request<UploadPartCopyInput>) -> S3Result<()> {
        self.require_source(request, &request.input.copy_source)
    }
}

fn access_key<T>(request: &S3Request<T>) -> Option<&str> {
    request.credentials.as_ref().map(|credentials| credentials.access_key.as_str())
}

fn unknown(operation: &str, access_key: Option<&str>) -> S3Error {
    if access_key.is_none() {
        return s3_error!(AccessDenied, "Access Denied");
    }
    s3_error!(NotImplemented, "the embedded cloud has no operation {operation}")
}

fn object_action(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "GetObject" | "HeadObject" => "s3:GetObject",
        "PutObject"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy"
        | "CompleteMultipartUpload" => "s3:PutObject",
        "AbortMultipartUpload" => "s3:AbortMultipartUpload",
        "ListParts" => "s3:ListMultipartUploadParts",
        "DeleteObject" => "s3:DeleteObject",
        _ => return None,
    })
}

fn bucket_action(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "ListObjects" | "ListObjectsV2" | "HeadBucket" => "s3:ListBucket",
        "GetBucketLocation" => "s3:GetBucketLocation",
        _ => return None,
    })
}

/// S3 takes any key of up to 1,024 bytes, but one that would lead out of its bucket if it were a path: read from the
/// left, it may not have more `..` than other segments
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>).
fn well_formed(key: &str) -> S3Result<()> {
    if key.len() > MAX_KEY_LENGTH {
        return Err(s3_error!(KeyTooLongError, "Your key is too long"));
    }
    let mut depth: usize = 0;
    for segment in key.split('/') {
        let deeper = match segment {
            "" | "." => Some(depth),
            ".." => depth.checked_sub(1),
            _ => depth.checked_add(1),
        };
        depth = deeper.ok_or_else(|| s3_error!(InvalidURI, "Couldn't parse the specified URI."))?;
    }
    Ok(())
}
