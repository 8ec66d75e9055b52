//! Uploads and downloads: clients talk to the bucket directly, with a request that was signed for one file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{MediaId, Timestamp, VendorId};

/// How long a signed request for an upload or a download is valid.
pub const LINK_LIFETIME: Duration = Duration::from_secs(600);

/// A signed address from which one file can be downloaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileLink {
    /// The address. It is a secret: whoever has it can download this one file.
    #[schema(format = "uri", examples("https://files.example/bowls.csv?X-Amz-Signature=1"))]
    pub url: String,
    /// When `url` expires; reading the resource again returns a new one.
    pub expires_at: Timestamp,
}

/// A signed request that uploads one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// HTTP method: `PUT`.
    #[schema(examples("PUT"))]
    pub method: String,
    /// The address. It is a secret: whoever has it can upload this one file.
    #[schema(format = "uri", examples("https://files.example/bowls.csv?X-Amz-Signature=1"))]
    pub url: String,
    /// Headers that must be sent exactly like this, because they are signed.
    pub headers: BTreeMap<String, String>,
    /// Until when the upload may begin.
    pub expires_at: Timestamp,
}

/// Key of an uploaded picture in the bucket of uploads, which nobody can read.
pub fn picture_key(vendor: VendorId, id: MediaId) -> String {
    format!("{vendor}/{id}")
}

/// The picture to which a key in that bucket belongs; nothing for other keys.
pub fn picture_of(key: &str) -> Option<(VendorId, MediaId)> {
    let (vendor, id) = key.split_once('/')?;
    Some((vendor.parse().ok()?, id.parse().ok()?))
}
