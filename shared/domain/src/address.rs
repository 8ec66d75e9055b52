//! Where things go.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::text::{Line, Name, Phone};

/// The countries of ISO 3166-1, alpha-2.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV \
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG \
    KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX \
    MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
    SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG \
    VI VN VU WF WS YE YT ZA ZM ZW";

/// A country: ISO 3166-1 alpha-2, in capitals.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z]{2}$", example = "UZ")]
pub struct Country(String);

impl Country {
    /// Checks a code.
    pub fn parse(text: &str) -> Option<Self> {
        COUNTRIES.split_ascii_whitespace().any(|known| known == text).then(|| Self(text.to_owned()))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a country (ISO 3166-1 alpha-2, in capitals)"))
    }
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Who receives it.
    pub name: Name,
    /// Street and number.
    pub line1: Line,
    /// Flat, floor, entrance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<Line>,
    /// City or village.
    pub city: Line,
    /// State, province or region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Line>,
    /// Postal code, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Line>,
    /// Country.
    pub country: Country,
    /// Telephone number for the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_one_of_the_list_in_capitals() {
        assert!(Country::parse("UZ").is_some());
        for bad in ["uz", "XX", "UZB", "", "AD AE", " "] {
            assert!(Country::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_address_refuses_what_it_does_not_know() {
        let good = r#"{"name":"Aziza","line1":"12 Navoi","city":"Tashkent","country":"UZ"}"#;
        assert!(serde_json::from_str::<Address>(good).is_ok());
        assert!(serde_json::from_str::<Address>(&good.replace("line1", "street")).is_err());
        assert!(serde_json::from_str::<Address>(&good.replace("12 Navoi", "")).is_err());
    }
}
