//! Uploads: files go straight into their bucket, by one request that was signed for them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// How long an upload may be begun, and a file be fetched.
pub const LINK_LIFETIME: Duration = Duration::from_secs(600);

/// Where a file can be fetched by whoever has the address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileLink {
    /// Where. It is a secret, and good for this one file.
    pub url: String,
    /// Until when it can be fetched there; asking again gives a new address.
    pub expires_at: Timestamp,
}

/// How to upload a file: one request, exactly so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// `PUT`.
    pub method: String,
    /// Where. It is a secret, and good for this one file.
    pub url: String,
    /// Headers that must be sent exactly so: they are signed.
    pub headers: BTreeMap<String, String>,
    /// Until when the upload may begin.
    pub expires_at: Timestamp,
}
