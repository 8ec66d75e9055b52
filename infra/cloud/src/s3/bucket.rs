//! A bucket, as the template describes it.

use std::sync::Arc;

use serde::Deserialize;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// The logical id in the template.
    pub id: String,
    /// The name that requests use.
    pub name: String,
    /// The ARN that statements name; an object's is this, a slash and its key.
    pub arn: String,
    /// Whether anonymous callers may read an object whose key they know, as a bucket policy for all principals allows.
    pub public_read: bool,
    /// Whether the edge before it may read its objects.
    pub edge_read: bool,
    /// Whether its policy refuses plain HTTP. Here all calls count as encrypted.
    pub over_tls_only: bool,
    /// The first rule that allows a request counts.
    pub cors: Vec<CorsRule>,
    /// Queues that are notified of new objects.
    pub notifications: Vec<Notification>,
}

/// One CORS rule of a bucket. Each origin and each header may contain one `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorsRule {
    #[serde(rename = "AllowedOrigins")]
    pub origins: Vec<String>,
    #[serde(rename = "AllowedMethods")]
    pub methods: Vec<String>,
    /// The allowed request headers.
    #[serde(default, rename = "AllowedHeaders")]
    pub headers: Vec<String>,
    /// The response headers that scripts may read.
    #[serde(default, rename = "ExposedHeaders")]
    pub exposed: Vec<String>,
    /// For how many seconds a browser may cache a preflight.
    #[serde(rename = "MaxAge")]
    pub max_age: Option<u32>,
}

/// A queue that is notified of each object that is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The name of the queue.
    pub queue: String,
    /// Only keys that start with this; empty for all.
    pub prefix: String,
    /// Only keys that end with this; empty for all.
    pub suffix: String,
}

impl Notification {
    /// Whether the queue is notified of an object with this key.
    pub fn is_for(&self, key: &str) -> bool {
        key.starts_with(&self.prefix) && key.ends_with(&self.suffix)
    }
}

/// Sends a notification's JSON (second) to a queue by its name (first). Once it has returned `Ok`, the notification
/// must survive a crash.
pub type Notify = Arc<dyn Fn(&str, String) -> Result<(), String> + Send + Sync>;
