//! Goods that are sold by measure: by the metre, the kilogram or the litre.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::Money;

/// What goods are measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Pieces, of which one step is a pack.
    Piece,
    /// Metres.
    M,
    /// Kilograms.
    Kg,
    /// Litres.
    L,
    /// One that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

impl Measure {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Piece => "piece",
            Self::M => "m",
            Self::Kg => "kg",
            Self::L => "l",
            Self::Other => "other",
        }
    }
}

/// How much of a measure, in thousandths: above zero, at most 10,000. Written as a decimal, such as `0.25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step(u32);

/// One step in thousandths of its measure is at most this.
const MAX_STEP: u32 = 10_000_000;

impl Step {
    /// Parses a decimal with at most three digits after the point.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) || whole.len() > 5 || fraction.len() > 3 {
            return None;
        }
        let thousandths: u32 = format!("{fraction:0<3}").parse().ok()?;
        let step = whole.parse::<u32>().ok()?.checked_mul(1_000)?.checked_add(thousandths)?;
        (1..=MAX_STEP).contains(&step).then_some(Self(step))
    }

    const fn is_whole(self) -> bool {
        self.0.is_multiple_of(1_000)
    }
}

/// Thousandths as a decimal without zeros at its end.
fn decimal(thousandths: u64) -> String {
    let (whole, fraction) = (thousandths / 1_000, thousandths % 1_000);
    let text = format!("{whole}.{fraction:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&decimal(u64::from(self.0)))
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom("must be above zero, at most 10000, with at most 3 digits after the point")
        })
    }
}

impl utoipa::PartialSchema for Step {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("A decimal above zero and at most 10000, with at most three digits after the point."))
            .pattern(Some(r"^[0-9]{1,5}(\.[0-9]{1,3})?$"))
            .examples(["0.5"])
            .into()
    }
}

impl ToSchema for Step {}

/// What one unit of a variant is: so much of a measure. Quantities count units, and prices are those of one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"unit": "kg", "step": "0.25"}))]
pub struct SaleUnit {
    /// What it is measured in.
    pub unit: Measure,
    /// How much of it one unit is; whole for pieces.
    pub step: Step,
}

impl SaleUnit {
    /// Whether pieces come in whole numbers.
    pub fn is_valid(self) -> bool {
        self.unit != Measure::Piece || self.step.is_whole()
    }

    /// Parses a number and its measure, such as `0.5 m`, `250 g` or `1,5 L`, as files have it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace(',', ".").to_lowercase();
        let at = text.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, unit) = (text.get(..at)?, text.get(at..)?.trim());
        let (unit, parts) = match unit {
            "piece" | "pieces" | "pcs" | "pc" => (Measure::Piece, 1),
            "m" => (Measure::M, 1),
            "cm" => (Measure::M, 100),
            "mm" => (Measure::M, 1_000),
            "kg" => (Measure::Kg, 1),
            "g" => (Measure::Kg, 1_000),
            "l" => (Measure::L, 1),
            "cl" => (Measure::L, 100),
            "ml" => (Measure::L, 1_000),
            _ => return None,
        };
        // Smaller measures are whole: half a gram is less than a thousandth.
        let step = if parts == 1 {
            Step::parse(number)?
        } else {
            let whole: u32 = number.parse().ok()?;
            let step = whole.checked_mul(1_000 / parts)?;
            Some(Step(step)).filter(|step| (1..=MAX_STEP).contains(&step.0))?
        };
        Some(Self { unit, step }).filter(|parsed| parsed.is_valid())
    }

    /// How much so many units are, with the measure: `1.5 m`.
    pub fn measure_of(self, units: u32) -> String {
        let thousandths = u64::from(self.step.0).saturating_mul(u64::from(units));
        format!("{} {}", decimal(thousandths), self.unit.as_str())
    }

    /// The price of one kilogram, metre, litre or piece when one unit costs so much, rounded half to even. Nothing when
    /// it does not fit.
    pub fn reference_price(self, price: Money) -> Option<Money> {
        let (thousand, step) = (i128::from(price.minor()).checked_mul(1_000)?, i128::from(self.step.0));
        let (quotient, rest) = (thousand.div_euclid(step), thousand.rem_euclid(step));
        let up = match (rest * 2).cmp(&step) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => quotient.rem_euclid(2),
            std::cmp::Ordering::Greater => 1,
        };
        i64::try_from(quotient + up).ok().map(|minor| Money::new(minor, price.currency()))
    }
}

impl std::fmt::Display for SaleUnit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.step, self.unit.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Currency;

    #[test]
    fn a_sale_unit_is_read_as_people_write_it() {
        let read = |text: &str| SaleUnit::parse(text).map(|unit| unit.to_string());
        for (text, expected) in [
            ("0.5 m", "0.5 m"),
            ("0,5m", "0.5 m"),
            ("250 g", "0.25 kg"),
            ("1.250 KG", "1.25 kg"),
            ("75 cl", "0.75 l"),
            ("50 cm", "0.5 m"),
            ("12 pcs", "12 piece"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for bad in ["", "m", "5", "0 m", "1.5 pcs", "0.0001 kg", "-1 kg", "1.2.3 l", "3 oz", "99999 kg", "0.5 g", ". m"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_reference_price_is_that_of_one_measure() {
        let price = |text: &str, minor| {
            SaleUnit::parse(text).unwrap().reference_price(Money::new(minor, Currency::UZS)).map(Money::minor)
        };
        assert_eq!(price("250 g", 1_000), Some(4_000));
        assert_eq!(price("3 m", 5_200), Some(1_733));
        assert_eq!(price("0.016 kg", 1), Some(62), "62.5 is rounded to even");
        assert_eq!(price("0.001 kg", i64::MAX), None);
        assert_eq!(SaleUnit::parse("0.5 m").unwrap().measure_of(3), "1.5 m");
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(step in 1..=MAX_STEP, unit in 0..3_usize) {
            let unit = [Measure::M, Measure::Kg, Measure::L][unit];
            let one = SaleUnit { unit, step: Step(step) };
            prop_assert_eq!(SaleUnit::parse(&one.to_string()), Some(one));
            let json = serde_json::to_string(&one).unwrap();
            prop_assert_eq!(serde_json::from_str::<SaleUnit>(&json).unwrap(), one);
        }
    }
}
