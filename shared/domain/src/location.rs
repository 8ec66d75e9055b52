//! A place on the map, for couriers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// Degrees in steps of a millionth, which is 11 cm or less on the ground: compared and stored exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Degrees(i32);

/// The digits after the point that are kept.
const DIGITS: usize = 6;

impl Degrees {
    /// Takes a number of degrees between -`limit` and `limit`.
    fn within(degrees: f64, limit: i32) -> Option<Self> {
        if !degrees.is_finite() {
            return None;
        }
        // The decimal form is rounded to the digits that are kept; without its point it counts millionths.
        let text: String = format!("{degrees:.DIGITS$}").chars().filter(|character| *character != '.').collect();
        let millionths: i32 = text.parse().ok()?;
        let limit = limit.checked_mul(1_000_000)?;
        (-limit..=limit).contains(&millionths).then_some(Self(millionths))
    }
}

impl fmt::Display for Degrees {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, millionths) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(formatter, "{sign}{}.{:0DIGITS$}", millionths / 1_000_000, millionths % 1_000_000)
    }
}

impl Serialize for Degrees {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_string().parse().map_err(serde::ser::Error::custom)?)
    }
}

fn latitude<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Degrees, D::Error> {
    let degrees = f64::deserialize(deserializer)?;
    Degrees::within(degrees, 90).ok_or_else(|| serde::de::Error::custom("must be from -90 to 90 degrees"))
}

fn longitude<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Degrees, D::Error> {
    let degrees = f64::deserialize(deserializer)?;
    Degrees::within(degrees, 180).ok_or_else(|| serde::de::Error::custom("must be from -180 to 180 degrees"))
}

/// A place on the map (WGS 84), kept to a millionth of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees north of the equator, negative to the south.
    #[serde(deserialize_with = "latitude")]
    #[schema(value_type = f64, minimum = -90, maximum = 90, examples(41.311081))]
    pub lat: Degrees,
    /// Degrees east of Greenwich, negative to the west.
    #[serde(deserialize_with = "longitude")]
    #[schema(value_type = f64, minimum = -180, maximum = 180, examples(69.240562))]
    pub lon: Degrees,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Location, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn a_place_is_kept_to_a_millionth_of_a_degree() {
        let tashkent = read(r#"{"lat":41.3110811,"lon":69.2405619}"#).unwrap();
        assert_eq!(serde_json::to_string(&tashkent).unwrap(), r#"{"lat":41.311081,"lon":69.240562}"#);
        assert_eq!(
            serde_json::to_string(&read(r#"{"lat":-0.5,"lon":-180}"#).unwrap()).unwrap(),
            r#"{"lat":-0.5,"lon":-180.0}"#
        );
        for bad in [
            r#"{"lat":90.1,"lon":0}"#,
            r#"{"lat":0,"lon":-180.5}"#,
            r#"{"lat":"41","lon":0}"#,
            r#"{"lat":1e300,"lon":0}"#,
            r#"{"lat":1}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_place_reads_back_as_itself(lat in -90_000_000..=90_000_000_i32, lon in -180_000_000..=180_000_000_i32) {
            let place = Location { lat: Degrees(lat), lon: Degrees(lon) };
            let text = serde_json::to_string(&place).unwrap();
            prop_assert_eq!(read(&text).unwrap(), place);
        }
    }
}
