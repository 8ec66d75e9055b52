//! Pictures: their addresses and alternative texts.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Color;
use crate::stored::is_unjudged;
use crate::text::{Line, composed, is_forbidden, is_unseen};

/// A picture of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Address: `https://…`, or `media:` and the id of an own upload.
    pub src: ImageSource,
    /// Alternative text: what the picture shows, for those who cannot see it.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    pub alt: Option<Line>,
}

/// Address of a picture: `https://…`, or `media:` and the id of an own upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(value_type = String, examples("https://example.com/bowl.jpg"))]
pub struct ImageSource(String);

impl ImageSource {
    /// Accepts an https address without credentials, or `media:` and an id. The address is handed on, never fetched.
    pub fn parse(text: &str) -> Option<Self> {
        let text = composed(text.trim());
        let shown = |character: char| !is_forbidden(character) && !character.is_whitespace() && !is_unseen(character);
        let printable =
            text.len() <= 2_000 && text.chars().all(|character| shown(character) && !"<>\"\\^`{|}".contains(character));
        let known = match (text.strip_prefix("https://"), text.strip_prefix("media:")) {
            (Some(rest), _) => {
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                !host.is_empty() && !host.contains('@')
            }
            (None, Some(id)) => id.parse::<crate::MediaId>().is_ok(),
            (None, None) => false,
        };
        (printable && known).then(|| Self(text.into_owned()))
    }

    /// The address as it was written, in the composed form and without surrounding spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The own upload that it names, if it names one.
    pub fn media(&self) -> Option<crate::MediaId> {
        self.0.strip_prefix("media:").and_then(|id| id.parse().ok())
    }

    /// The source of a file below where pictures are served, which no request can name.
    pub(super) fn of_path(path: &str) -> Self {
        Self(format!("media:{path}"))
    }

    /// The address for a browser. `media_base` is where own pictures are served, without a slash at the end.
    pub fn url(&self, media_base: &str) -> String {
        self.0.strip_prefix("media:").map_or_else(|| self.0.clone(), |path| format!("{media_base}/{path}"))
    }
}

impl<'de> Deserialize<'de> for ImageSource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text)
            .or_else(|| is_unjudged().then(|| Self(text.into_owned())))
            .ok_or_else(|| serde::de::Error::custom("must be an https address or `media:` and an upload's id"))
    }
}

/// A picture with an address that a browser can load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageLink {
    /// Absolute address of the picture.
    #[schema(format = "uri", examples("https://media.example/bowl.jpg"))]
    pub url: String,
    /// Alternative text: what the picture shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub alt: Option<Line>,
    /// Its width in pixels, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples(1_280))]
    pub width: Option<u32>,
    /// Its height in pixels, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples(960))]
    pub height: Option<u32>,
    /// Its average colour, to be shown until it is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub color: Option<Color>,
    /// The same picture in smaller files and other widths, ascending; none for a picture at a foreign address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<ImageFile>,
}

/// A file of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageFile {
    /// Its media type.
    #[serde(rename = "type")]
    #[schema(examples("image/webp"))]
    pub kind: Cow<'static, str>,
    /// Its width in pixels.
    #[schema(examples(320))]
    pub width: u32,
    /// Its absolute address.
    #[schema(format = "uri", examples("https://media.example/m/mzxw6ytboi2dmnzq-320.webp"))]
    pub url: String,
}

impl ImageLink {
    /// A picture of which only the address is known.
    pub const fn of(url: String) -> Self {
        Self { url, alt: None, width: None, height: None, color: None, sources: Vec::new() }
    }
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
            "https://exa\u{202e}mple.test/x",
            "https://\u{200b}/x",
            "https://a.test/\u{fffe}",
        ] {
            assert!(ImageSource::parse(bad).is_none(), "{bad}");
        }
        let composed = ImageSource::parse("https://a.test/cafe\u{301}").unwrap();
        assert_eq!(composed.as_str(), "https://a.test/caf\u{e9}");
        assert_eq!(ImageSource::parse(composed.as_str()), Some(composed));
    }
}
