//! Colours of pictures.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A colour of the sRGB space, written as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, pattern = "^#[0-9a-f]{6}$", examples("#a4733c"))]
pub struct Color(pub [u8; 3]);

impl fmt::Display for Color {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Color {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a colour is # and six hexadecimal digits";
        let digits = text
            .strip_prefix('#')
            .filter(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .ok_or(WRONG)?;
        let number = u32::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        let [_, parts @ ..] = number.to_be_bytes();
        Ok(Self(parts))
    }
}

impl Serialize for Color {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_written_as_it_is_read() {
        let color: Color = "#a4733c".parse().unwrap();
        assert_eq!((color, color.to_string().as_str()), (Color([0xa4, 0x73, 0x3c]), "#a4733c"));
        for wrong in ["", "a4733c", "#a4733", "#a4733cc", "#a4733g", "#+12345", "#я1234"] {
            assert!(wrong.parse::<Color>().is_err(), "{wrong}");
        }
    }
}
