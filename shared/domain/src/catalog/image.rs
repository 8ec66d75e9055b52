//! Pictures: where they lie and what they show.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::Line;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Where: `https://…`, or `media:<id>` of an own upload.
    pub src: ImageSource,
    /// What it shows, for those who cannot see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<Line>,
}

/// Where a picture lies: an https address, or `media:` and the id of an own upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(value_type = String, example = "https://example.com/bowl.jpg")]
pub struct ImageSource(String);

impl ImageSource {
    /// Checks an address. It is never fetched, only handed on.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let printable = text.len() <= 2_000
            && text.chars().all(|character| {
                !character.is_control() && !character.is_whitespace() && !"<>\"\\^`{|}".contains(character)
            });
        let known = match (text.strip_prefix("https://"), text.strip_prefix("media:")) {
            (Some(rest), _) => {
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                !host.is_empty() && !host.contains('@')
            }
            (None, Some(id)) => id.parse::<crate::MediaId>().is_ok(),
            (None, None) => false,
        };
        (printable && known).then(|| Self(text.to_owned()))
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The own upload it names.
    pub fn media(&self) -> Option<crate::MediaId> {
        self.0.strip_prefix("media:").and_then(|id| id.parse().ok())
    }

    /// The address for a browser, given where own uploads are served (no slash at the end).
    pub fn url(&self, media_base: &str) -> String {
        self.media().map_or_else(|| self.0.clone(), |id| format!("{media_base}/{id}"))
    }
}

impl<'de> Deserialize<'de> for ImageSource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("must be an https address or `media:` and an upload's id"))
    }
}

/// A picture as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageLink {
    /// Where it lies.
    pub url: String,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<Line>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_an_https_address_or_an_own_upload() {
        let upload = format!("media:{}", crate::MediaId::from_bits(7));
        assert_eq!(
            ImageSource::parse(&upload).unwrap().url("https://cdn.test/m"),
            format!("https://cdn.test/m/{}", crate::MediaId::from_bits(7))
        );
        for bad in [
            "http://a.b/c",
            "javascript:alert(1)",
            "https://",
            "https://user@host/x",
            "media:../x",
            "data:image/png;base64,AA",
            "https://a b",
        ] {
            assert!(ImageSource::parse(bad).is_none(), "{bad}");
        }
    }
}
