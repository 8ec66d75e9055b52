//! Postal addresses.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::code::{Code, FieldError, Refusal};
use crate::location::Location;
use crate::stored::is_unjudged;
use crate::text::{Line, Name, Note, Phone, optional};

/// The countries of ISO 3166-1, alpha-2.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES \
    ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN \
    IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG \
    MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL \
    PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// A country code of ISO 3166-1 alpha-2, in capitals.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z]{2}$", example = "UZ")]
pub struct Country(String);

impl Country {
    /// Accepts a code of the list; nothing for other texts and for lower case.
    pub fn parse(text: &str) -> Option<Self> {
        COUNTRIES.split_ascii_whitespace().any(|known| known == text).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if let Some(country) = Self::parse(&text) {
            return Ok(country);
        }
        let stored = is_unjudged().then(|| Self(text.into_owned()));
        stored.ok_or_else(|| serde::de::Error::custom("not a country (ISO 3166-1 alpha-2, in capitals)"))
    }
}

/// A postal address. Besides `name` and `country` it needs what its country needs: in UZ `region`, `district`, `phone`,
/// and `line1` or `landmark`; in CN `region`, `city`, `district`, `line1` and `phone`; elsewhere `line1` and `city`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Aziza Karimova", "phone": "+998712000000", "country": "UZ", "region": "Tashkent", "district": "Yunusobod",
    "city": "Tashkent", "line1": "12 Navoi Street", "apartment": "17", "postal_code": "100011",
    "landmark": "behind the bakery", "location": {"lat": 41.311_081, "lon": 69.240_562}
}))]
pub struct Address {
    /// Full name of the recipient.
    #[schema(examples("Aziza Karimova"))]
    pub name: Name,
    /// Telephone number of the recipient, for the carrier.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Country.
    pub country: Country,
    /// State, province or region.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub region: Option<Line>,
    /// District of a region or a city.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub district: Option<Line>,
    /// City, town or village.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub city: Option<Line>,
    /// Street and house number.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub line1: Option<Line>,
    /// What did not fit into the first line.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub line2: Option<Line>,
    /// Entrance of the building.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub entrance: Option<Line>,
    /// Floor.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub floor: Option<Line>,
    /// Apartment or office.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub apartment: Option<Line>,
    /// Postal code, in countries that have them.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Line>,
    /// A landmark nearby, where streets have no names.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub landmark: Option<Line>,
    /// The place on the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// A note for the courier, of a few lines.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// A field of an address that a country may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressField {
    /// `region`.
    Region,
    /// `district`.
    District,
    /// `city`.
    City,
    /// `line1`.
    Line1,
    /// `line1`, or `landmark` where streets have no names.
    Line1OrLandmark,
    /// `phone`: the courier calls before they come.
    Phone,
}

impl AddressField {
    /// Its name on the wire: of two, that of the usual one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::District => "district",
            Self::City => "city",
            Self::Line1 | Self::Line1OrLandmark => "line1",
            Self::Phone => "phone",
        }
    }

    const fn is_given(self, address: &Address) -> bool {
        match self {
            Self::Region => address.region.is_some(),
            Self::District => address.district.is_some(),
            Self::City => address.city.is_some(),
            Self::Line1 => address.line1.is_some(),
            Self::Line1OrLandmark => address.line1.is_some() || address.landmark.is_some(),
            Self::Phone => address.phone.is_some(),
        }
    }
}

/// What an address needs besides a name and a country, by country; the row without a country is that of all others.
/// In Uzbekistan parcels are sorted by region and district, in China by province, city and district, and couriers of
/// both call before they come.
const NEEDED: &[(Option<&str>, &[AddressField])] = &[
    (Some("UZ"), &[AddressField::Region, AddressField::District, AddressField::Line1OrLandmark, AddressField::Phone]),
    (
        Some("CN"),
        &[AddressField::Region, AddressField::City, AddressField::District, AddressField::Line1, AddressField::Phone],
    ),
    (None, &[AddressField::Line1, AddressField::City]),
];

impl Address {
    /// The fields that an address in a country needs, besides a name and the country.
    pub fn needed(country: &Country) -> &'static [AddressField] {
        let row = |wanted: Option<&str>| NEEDED.iter().find(|(known, _)| *known == wanted).map(|(_, fields)| *fields);
        row(Some(country.as_str())).or_else(|| row(None)).unwrap_or_default()
    }

    /// Refuses an address that lacks what its country needs. `pointer` is where the address stands in the request.
    ///
    /// # Errors
    /// `invalid`, with each field that is missing.
    pub fn check(&self, pointer: &str) -> Result<(), Refusal> {
        let country = self.country.as_str();
        let missing: Vec<FieldError> = Self::needed(&self.country)
            .iter()
            .filter(|field| !field.is_given(self))
            .map(|field| {
                let detail = match field {
                    AddressField::Line1OrLandmark => format!("is needed in {country}, or a landmark"),
                    _ => format!("is needed in {country}"),
                };
                FieldError::new(format!("{pointer}/{}", field.name()), "missing", detail)
            })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Invalid, missing)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
    }

    #[test]
    fn an_address_needs_what_its_country_needs() {
        let whole = json!({
            "name": "Aziza", "phone": "+998712000000", "region": "Toshkent", "district": "Yunusobod", "city": "Toshkent",
            "line1": "12 Navoi", "landmark": "behind the bakery",
        });
        for (country, needed) in [
            ("UZ", &["region", "district", "phone"][..]),
            ("CN", &["region", "city", "district", "line1", "phone"]),
            ("DE", &["line1", "city"]),
        ] {
            let missing = |left_out: &[&str]| {
                let mut written = whole.clone();
                written["country"] = json!(country);
                for name in left_out {
                    // What is blank is missing.
                    written[*name] = json!(" ");
                }
                let address: Address = serde_json::from_value(written).unwrap();
                let refused = address.check("/address").err();
                let fields = refused.map(|refused| crate::Coded::fields(&refused)).unwrap_or_default();
                fields.into_iter().map(|field| field.pointer).collect::<Vec<_>>()
            };
            assert!(missing(&[]).is_empty(), "{country}");
            for name in ["phone", "region", "district", "city", "line1", "landmark"] {
                let expected: Vec<String> =
                    needed.iter().filter(|one| **one == name).map(|one| format!("/address/{one}")).collect();
                assert_eq!(missing(&[name]), expected, "{name} in {country}");
            }
            let without_place = missing(&["line1", "landmark"]);
            assert_eq!(without_place, ["/address/line1"], "{country}");
        }
    }

    #[test]
    fn an_address_keeps_everything_that_a_courier_is_told() {
        let full = concat!(
            r#"{"name":"Aziza","phone":"+998712000000","country":"UZ","region":"Tashkent","district":"Chilonzor","#,
            r#""city":"Tashkent","line1":"12 Navoi","line2":"block B","entrance":"2","floor":"4","apartment":"17","#,
            r#""postal_code":"100011","landmark":"behind the bakery","location":{"lat":41.311081,"lon":69.240562},"#,
            r#""note":"ring twice"}"#
        );
        let address: Address = serde_json::from_str(full).unwrap();
        assert_eq!(serde_json::to_string(&address).unwrap(), full);
    }
}
