//! A setting as it is stored.

use serde::{Deserialize, Serialize};

use super::SettingValue;
use crate::stored::Kept;
use crate::{Timestamp, UserId};

/// A stored setting: its value, or that it was set back to its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSetting {
    /// Nothing after it was set back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<SettingValue>,
    /// The operator who changed it; nothing for a value that came from the item that held all settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    pub at: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}
