//! What a change says: the versions that it is meant for, and each field of a partial change.

use serde::{Deserialize, Deserializer};

use crate::code::{Code, Refusal};

/// The versions that the caller has seen and means to change. It prevents lost updates: a change that was made from an
/// outdated version fails instead of overwriting a newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Any current version.
    Any,
    /// The listed versions.
    Versions(Vec<u64>),
}

impl Expected {
    /// Accepts a change when the current version is one of those expected, and fails with `version_mismatch` when it is
    /// not.
    pub fn check(&self, current: u64) -> Result<(), Refusal> {
        match self {
            Self::Any => Ok(()),
            Self::Versions(versions) if versions.contains(&current) => Ok(()),
            Self::Versions(_) => Err(Refusal::of(Code::VersionMismatch)),
        }
    }
}

/// One field of a partial change, a text: left as it is, emptied (`null` or `""`), or set to a new value.
///
/// In a request type: `#[serde(default)]`, and `#[schema(value_type = Option<T>)]` for the OpenAPI document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The field is absent.
    #[default]
    Keep,
    /// The field is `null`, or an empty text.
    Clear,
    /// The field has a value.
    To(T),
}

impl<T> Change<T> {
    /// The value of the field after the change.
    pub fn applied(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::To(value) => Some(value),
        }
    }

    /// The same change, with what is made of its value.
    pub fn map<U>(self, value: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Keep => Change::Keep,
            Self::Clear => Change::Clear,
            Self::To(new) => Change::To(value(new)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An empty text clears the field, as null does: a form sends it for a field that was emptied.
        Ok(crate::text::optional(deserializer)?.map_or(Self::Clear, Self::To))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Asked {
        #[serde(default)]
        name: Change<String>,
    }

    #[test]
    fn a_field_is_kept_emptied_or_set() {
        let after = |json: &str| serde_json::from_str::<Asked>(json).unwrap().name.applied(Some("old".to_owned()));
        assert_eq!(after("{}").as_deref(), Some("old"));
        assert_eq!(after(r#"{"name":null}"#), None);
        assert_eq!(after(r#"{"name":""}"#), None);
        assert_eq!(after(r#"{"name":"new"}"#).as_deref(), Some("new"));
        assert!(serde_json::from_str::<Asked>(r#"{"name":7}"#).is_err());
    }
}
