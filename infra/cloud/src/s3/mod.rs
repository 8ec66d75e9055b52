//! S3 buckets: the protocol of `s3s` on a store of our own, with presigned URLs, permissions, CORS and upload
//! notifications.
//!
//! [`Buckets::call`] takes the request as it was sent, path prefix included, because signatures cover the whole path.
//! It authenticates the caller by the embedded cloud's clock, and signs the request again for the S3 implementation
//! behind it, which knows neither the prefix nor that clock.

mod adopt;
mod bucket;
mod bytes;
mod chunks;
mod conditions;
mod cors;
mod files;
mod listing;
mod notification;
mod objects;
mod permission;
mod signature;
mod store;
#[cfg(test)]
mod tests;
mod uploads;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::OriginalUri;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::BodyExt;
use s3s::dto::StreamingBlob;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3Result};
use tempfile::TempDir;

use crate::clock::Clock;
use crate::faults::{CallContext, Faults, Kind, drop_connection};
use crate::gateway::{decoded, hex};

pub use bucket::{Bucket, CorsRule, Notification, Notify};

use self::bytes::Claimed;
use files::Files;
pub(crate) use permission::FromEdge;
use permission::{Permissions, TriggeredFault};
use store::{Headers, Object, Store, StoreError};

/// Whether the holder of an access key (first) may perform an action such as `s3:PutObject` (second) on an ARN (third).
pub type Permit = Arc<dyn Fn(&str, &str, &str) -> bool + Send + Sync>;

#[derive(Clone)]
pub struct Settings {
    /// The path at which the endpoint is mounted, such as `/_aws/s3`; empty when it has a port of its own.
    pub prefix: String,
    /// The secret of every access key.
    pub secret: String,
    pub permit: Permit,
    /// Presigned URLs expire by this clock.
    pub clock: Clock,
    pub faults: Faults,
    /// Sends the notifications of new objects.
    pub notify: Notify,
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Settings").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Why the buckets could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the directory of the buckets cannot be used: {0}")]
    Directory(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The endpoint to give to SDK clients for a base URL such as `http://127.0.0.1:3000/_aws/s3`.
///
/// It ends in a slash, because the SDK appends the bucket's name to the endpoint's path without one. The host should be
/// an IP address: with an address the SDK puts the bucket into the path, with a name into the host.
pub fn endpoint(base: &str) -> String {
    format!("{}/", base.trim_end_matches('/'))
}

/// The S3 API that the functions and browsers call.
pub struct Buckets {
    service: S3Service,
    store: Arc<Store>,
    settings: Settings,
    buckets: HashMap<String, Bucket>,
    root: PathBuf,
    /// Deletes the directory with the buckets when nothing is to be kept.
    _temporary: Option<TempDir>,
}

impl fmt::Debug for Buckets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Buckets").field("root", &self.root).finish_non_exhaustive()
    }
}

/// An error response with S3's code and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

impl Refusal {
    const DENIED: Self = Self::forbidden("AccessDenied", "Access Denied");

    const fn forbidden(code: &'static str, message: &'static str) -> Self {
        Self { status: StatusCode::FORBIDDEN, code, message }
    }

    const fn invalid(code: &'static str, message: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message }
    }

    fn into_response(self, method: &Method) -> Response<Body> {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>",
            self.code, self.message
        );
        let body = if *method == Method::HEAD { Body::empty() } else { Body::from(xml) };
        let mut answer = Response::new(body);
        *answer.status_mut() = self.status;
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        answer
    }
}

impl Buckets {
    /// Opens the buckets in a directory, or in a temporary one that is deleted when they are dropped.
    pub fn open(root: Option<&Path>, buckets: Vec<Bucket>, settings: Settings) -> Result<Self, OpenError> {
        let temporary = if root.is_none() { Some(tempfile::tempdir()?) } else { None };
        let keep = root.is_some();
        let root = root.or_else(|| temporary.as_ref().map(TempDir::path)).unwrap_or(Path::new(".")).to_path_buf();
        let store = Arc::new(Store::open(&root, keep)?);
        adopt::adopt(&store, &root, buckets.iter().map(|bucket| &bucket.name))?;
        let buckets: HashMap<String, Bucket> =
            buckets.into_iter().map(|bucket| (bucket.name.clone(), bucket)).collect();
        let files = Files {
            store: Arc::clone(&store),
            buckets: buckets.clone(),
            clock: settings.clock.clone(),
            send: Arc::clone(&settings.notify),
        };
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(signature::OneSecret(settings.secret.clone()));
        service.set_access(Permissions::new(settings.permit.clone(), settings.faults.clone(), &buckets));
        Ok(Self { service: service.build(), store, settings, buckets, root, _temporary: temporary })
    }

    /// Puts an object from inside the cloud, without permission check and notification.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub async fn put(&self, bucket: &str, key: &str, content_type: &str, bytes: Vec<u8>) -> S3Result<()> {
        let body = StreamingBlob::from(s3s::Body::from(bytes));
        let written = self.store.write(body, Claimed::default(), None).await?;
        let object = Object {
            blob: written.blob,
            size: written.size,
            e_tag: hex(&written.md5),
            modified_at: self.settings.clock.now().millis(),
            headers: Headers { content_type: Some(content_type.to_owned()), ..Headers::default() },
        };
        self.store.put::<S3Error>((bucket, key), &object, None, |_| Ok(()))
    }

    /// Whether there is an object, for a look from inside the cloud.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn has(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        Ok(self.store.object(bucket, key)?.is_some())
    }

    /// All objects of a bucket with their bytes, for a look from inside the cloud.
    ///
    /// # Errors
    /// The index or a file cannot be read.
    pub fn objects(&self, bucket: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut found = Vec::new();
        for listed in self.store.list(bucket, "", usize::MAX)? {
            if let Some(object) = self.store.object(bucket, &listed.key)? {
                found.push((listed.key, std::fs::read(self.store.path(&object.blob))?));
            }
        }
        Ok(found)
    }

    /// Serves a request. Its path must be the one that was sent: with the prefix, and not decoded.
    pub async fn call(&self, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        // A nested axum router has removed the prefix, but the signature covers it.
        if let Some(OriginalUri(sent)) = parts.extensions.get::<OriginalUri>().cloned() {
            parts.uri = sent;
        }
        let Some((bucket, key)) = self.target(&parts.uri) else {
            let nowhere = Refusal { status: StatusCode::NOT_FOUND, code: "NoSuchKey", message: "No such endpoint." };
            return nowhere.into_response(&parts.method);
        };
        let rules = self.buckets.get(&bucket).map_or([].as_slice(), |bucket| bucket.cors.as_slice());
        if let Some(preflight) = cors::preflight(rules, &parts) {
            return preflight;
        }
        let origin = cors::CorsRequest::of(&parts);
        let signed_chunks = signature::has_signed_chunks(&parts.headers);
        let mut answer = match self.admit(&mut parts) {
            Ok(caller) => {
                let body = if caller.is_some() && signed_chunks { without_signatures(body) } else { body };
                self.carry_out(parts, body, &bucket, &key, caller).await
            }
            Err(refusal) => refusal.into_response(&parts.method),
        };
        if let Some(origin) = origin {
            cors::mark(rules, &origin, answer.headers_mut());
        }
        answer
    }

    /// The bucket and the key that a path names; none when the path lies outside the prefix.
    fn target(&self, uri: &Uri) -> Option<(String, String)> {
        let path = uri.path().strip_prefix(&self.settings.prefix)?.strip_prefix('/')?;
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        Some((decoded(bucket), decoded(key)))
    }

    /// Authenticates the caller, and turns the request into one that the S3 implementation accepts: without the prefix,
    /// and signed by the system clock. None is an anonymous caller.
    fn admit(&self, parts: &mut Parts) -> Result<Option<String>, Refusal> {
        let caller = signature::caller(parts, &self.settings.secret, self.settings.clock.now())?;
        signature::strip(parts, &self.settings.prefix)?;
        if let Some(access_key) = &caller {
            signature::sign(parts, access_key, &self.settings.secret)?;
        }
        Ok(caller)
    }

    async fn carry_out(
        &self,
        mut parts: Parts,
        body: Body,
        bucket: &str,
        key: &str,
        caller: Option<String>,
    ) -> Response<Body> {
        let method = parts.method.clone();
        let triggered = TriggeredFault::default();
        let call_context = parts.extensions.get::<CallContext>().cloned().unwrap_or_default();
        parts.extensions.insert(triggered.clone());
        let request = Request::from_parts(parts, s3s::Body::http_body_unsync(body));
        let answer = match self.service.call(request).await {
            Ok(answer) => answer.map(Body::new),
            Err(failure) => {
                tracing::error!(error = ?failure, "the S3 implementation failed");
                let internal = Refusal {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    code: "InternalError",
                    message: "We encountered an internal error. Please try again.",
                };
                internal.into_response(&method)
            }
        };
        // An answer to HEAD says why it refuses by its status alone.
        let is_bare = answer.status() == StatusCode::NOT_MODIFIED
            || (method == Method::HEAD && answer.status().is_client_error());
        let answer = if is_bare { without_body(answer) } else { answer };
        let triggered = *triggered.0.lock().unwrap_or_else(PoisonError::into_inner);
        if triggered == Some(Kind::CrashAfter) {
            self.settings.faults.kill(call_context.trace.as_deref()).await;
        }
        if matches!(triggered, Some(Kind::Before | Kind::After | Kind::CrashBefore | Kind::CrashAfter)) {
            return drop_connection();
        }
        // As at S3, a caller that may not list the bucket cannot learn which keys exist: 403 instead of 404.
        let reads = method == Method::GET || method == Method::HEAD;
        if answer.status() == StatusCode::NOT_FOUND && reads && !key.is_empty() {
            let access_key = caller.unwrap_or_default();
            if !(self.settings.permit)(&access_key, "s3:ListBucket", &format!("arn:aws:s3:::{bucket}")) {
                return Refusal::DENIED.into_response(&method);
            }
        }
        answer
    }
}

/// An answer of headers alone.
fn without_body(answer: Response<Body>) -> Response<Body> {
    let (mut parts, _) = answer.into_parts();
    for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE] {
        parts.headers.remove(name);
    }
    Response::from_parts(parts, Body::empty())
}

/// Removes the chunks' signatures from a body.
fn without_signatures(body: Body) -> Body {
    let mut chunks = chunks::Unsigned::default();
    Body::new(body.map_frame(move |frame| frame.map_data(|data| chunks.feed(&data))))
}

/// A value that the access checks, which run inside the S3 implementation, return to its caller.
type Slot<T> = Arc<Mutex<Option<T>>>;
