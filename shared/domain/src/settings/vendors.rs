//! What vendors have to show and to prove, by the country of the vendor.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::address::Country;
use crate::code::FieldError;
use crate::vendor::{DocumentKind, IdentityField};

/// The most countries with rules of their own.
const MAX_COUNTRIES: usize = 100;
/// The longest time that an expired paper may have, in days.
const MAX_GRACE_DAYS: u16 = 365;

/// What is asked of vendors of one country, or of all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountryRule {
    /// The country; without it, every country that has no rule of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub country: Option<Country>,
    /// What the public identity needs besides name, kind and country.
    #[serde(default)]
    pub fields: Vec<IdentityField>,
    /// Kinds of papers that are needed.
    #[serde(default)]
    pub papers: Vec<DocumentKind>,
}

/// What is asked of vendors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VendorRules {
    /// By country, at most 100.
    #[schema(max_items = 100)]
    pub countries: Vec<CountryRule>,
    /// How many days a needed paper may have expired before its vendor is in the operator's list.
    #[schema(maximum = 365)]
    pub grace_days: u16,
}

impl Default for VendorRules {
    fn default() -> Self {
        let all = CountryRule { country: None, fields: vec![IdentityField::Address], papers: Vec::new() };
        Self { countries: vec![all], grace_days: 14 }
    }
}

impl VendorRules {
    /// The rule of a country; nothing when neither it nor the others have one.
    fn of(&self, country: Option<&Country>) -> Option<&CountryRule> {
        let own = self.countries.iter().find(|rule| rule.country.is_some() && rule.country.as_ref() == country);
        own.or_else(|| self.countries.iter().find(|rule| rule.country.is_none()))
    }

    /// The fields that the identity of a vendor of this country needs.
    pub fn fields(&self, country: &Country) -> &[IdentityField] {
        self.of(Some(country)).map_or(&[], |rule| rule.fields.as_slice())
    }

    /// The papers that a vendor of this country needs; of one who has not named it, those of all others.
    pub fn papers(&self, country: Option<&Country>) -> &[DocumentKind] {
        self.of(country).map_or(&[], |rule| rule.papers.as_slice())
    }

    /// What is not allowed in it.
    pub fn check(&self) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        if self.countries.len() > MAX_COUNTRIES {
            wrong.push(FieldError::new("/vendors/countries", "too_many", format!("at most {MAX_COUNTRIES} countries")));
        }
        if self.grace_days > MAX_GRACE_DAYS {
            let detail = format!("at most {MAX_GRACE_DAYS} days");
            wrong.push(FieldError::new("/vendors/grace_days", "out_of_range", detail));
        }
        for (index, rule) in self.countries.iter().enumerate() {
            let at = format!("/vendors/countries/{index}");
            if self.countries.iter().take(index).any(|other| other.country == rule.country) {
                wrong.push(FieldError::new(format!("{at}/country"), "duplicate", "one rule per country"));
            }
            if rule.fields.contains(&IdentityField::Other) {
                wrong.push(FieldError::new(format!("{at}/fields"), "unknown", "is no field"));
            }
            if rule.papers.contains(&DocumentKind::Other) {
                wrong.push(FieldError::new(format!("{at}/papers"), "unknown", "is no kind of paper"));
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_has_its_own_rule_or_that_of_all_others() {
        let uzbekistan = Country::parse("UZ").unwrap();
        let own = CountryRule {
            country: Some(uzbekistan.clone()),
            fields: vec![IdentityField::TaxId],
            papers: vec![DocumentKind::Registration],
        };
        let mut rules = VendorRules::default();
        assert_eq!(rules.fields(&uzbekistan), [IdentityField::Address]);
        rules.countries.push(own.clone());
        assert_eq!(rules.fields(&uzbekistan), [IdentityField::TaxId]);
        assert_eq!(rules.papers(Some(&uzbekistan)), [DocumentKind::Registration]);
        assert!(rules.papers(None).is_empty());
        assert!(rules.check().is_empty());
        rules.countries.push(own);
        assert_eq!(rules.check().len(), 1);
    }
}
