//! What the operator promises about returns, by country and category.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::address::Country;
use crate::code::FieldError;
use crate::text::Handle;

/// Who pays for sending goods back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayBack {
    Buyer,
    Vendor,
    Operator,
    /// Somebody that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// What holds for one line of an order, frozen when it was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnPolicy {
    /// For how many days after the delivery a return can be asked for; 0 for goods that are not taken back.
    #[schema(minimum = 0, maximum = 365)]
    pub days: u16,
    /// Who pays for sending the goods back.
    pub way_back: WayBack,
}

/// An exception for a country, a category with all below it, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnException {
    /// The country to which the goods go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub country: Option<Country>,
    /// The handle of a category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<Handle>,
    /// For how many days after the delivery a return can be asked for; 0 for goods that are not taken back.
    #[schema(minimum = 0, maximum = 365)]
    pub days: u16,
    /// Who pays for sending the goods back.
    pub way_back: WayBack,
}

/// What holds in general, and the exceptions from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReturnRules {
    pub days: u16,
    pub way_back: WayBack,
    pub exceptions: Vec<ReturnException>,
}

/// A year: what is sold longer ago is a matter of warranty.
pub const MAX_RETURN_DAYS: u16 = 365;
/// The most exceptions, which are one item with what holds in general.
pub const MAX_EXCEPTIONS: usize = 100;

impl Default for ReturnRules {
    fn default() -> Self {
        Self { days: 14, way_back: WayBack::Buyer, exceptions: Vec::new() }
    }
}

impl ReturnException {
    /// How closely it fits: by the depth of its category first, and then by its country. Nothing when it does not.
    fn fit(&self, country: &Country, path: &[Handle]) -> Option<(usize, bool)> {
        let depth = match &self.category {
            Some(category) => path.iter().position(|above| above == category)? + 1,
            None => 0,
        };
        let fits = self.country.as_ref().is_none_or(|own| own == country);
        fits.then_some((depth, self.country.is_some()))
    }
}

impl ReturnRules {
    /// What holds for goods of a category, given by the path from the root of the tree, that go to a country: the
    /// exception that fits most closely, the first of equals, or what holds in general.
    pub fn policy(&self, country: &Country, path: &[Handle]) -> ReturnPolicy {
        let mut closest: Option<((usize, bool), &ReturnException)> = None;
        for exception in &self.exceptions {
            let Some(fit) = exception.fit(country, path) else { continue };
            if closest.is_none_or(|(known, _)| fit > known) {
                closest = Some((fit, exception));
            }
        }
        let general = ReturnPolicy { days: self.days, way_back: self.way_back };
        closest.map_or(general, |(_, exception)| ReturnPolicy { days: exception.days, way_back: exception.way_back })
    }

    /// What is wrong with the exceptions.
    pub fn check(&self) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        if self.exceptions.len() > MAX_EXCEPTIONS {
            return vec![FieldError::new("/exceptions", "too_many", format!("at most {MAX_EXCEPTIONS}"))];
        }
        for (at, exception) in self.exceptions.iter().enumerate() {
            let pointer = |field: &str| format!("/exceptions/{at}{field}");
            if exception.country.is_none() && exception.category.is_none() {
                wrong.push(FieldError::new(pointer(""), "missing", "an exception has a country, a category, or both"));
            }
            if exception.days > MAX_RETURN_DAYS {
                wrong.push(FieldError::new(pointer("/days"), "out_of_range", "must be 0 to 365"));
            }
            if exception.way_back == WayBack::Other {
                wrong.push(FieldError::new(pointer("/way_back"), "unknown", "nobody that this release knows"));
            }
            let same =
                |known: &&ReturnException| known.country == exception.country && known.category == exception.category;
            if self.exceptions.iter().take(at).any(|known| same(&known)) {
                wrong.push(FieldError::new(pointer(""), "duplicate", "this country and category have an exception"));
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exception(country: Option<&str>, category: Option<&str>, days: u16) -> ReturnException {
        ReturnException {
            country: country.map(|code| Country::parse(code).unwrap()),
            category: category.map(|handle| Handle::parse(handle).unwrap()),
            days,
            way_back: WayBack::Vendor,
        }
    }

    #[test]
    fn the_exception_that_fits_most_closely_holds() {
        let rules = ReturnRules {
            exceptions: vec![
                exception(Some("DE"), None, 30),
                exception(None, Some("food"), 0),
                exception(Some("DE"), Some("food"), 1),
                exception(None, Some("tea"), 7),
            ],
            ..ReturnRules::default()
        };
        assert!(rules.check().is_empty());
        let days = |country: &str, path: &[&str]| {
            let path: Vec<Handle> = path.iter().map(|handle| Handle::parse(handle).unwrap()).collect();
            rules.policy(&Country::parse(country).unwrap(), &path).days
        };
        assert_eq!(days("UZ", &[]), 14);
        assert_eq!(days("UZ", &["textiles"]), 14);
        assert_eq!(days("DE", &["textiles"]), 30);
        assert_eq!(days("UZ", &["food", "spices"]), 0);
        assert_eq!(days("DE", &["food"]), 1);
        assert_eq!(days("DE", &["food", "tea"]), 7, "the closer category, though without a country");
    }

    #[test]
    fn exceptions_say_what_they_are_about_and_only_once() {
        let wrong = |exceptions: Vec<ReturnException>| {
            let rules = ReturnRules { exceptions, ..ReturnRules::default() };
            rules.check().into_iter().map(|error| format!("{} {}", error.pointer, error.code)).collect::<Vec<_>>()
        };
        assert_eq!(wrong(vec![exception(None, None, 3)]), ["/exceptions/0 missing"]);
        assert_eq!(wrong(vec![exception(Some("DE"), None, 366)]), ["/exceptions/0/days out_of_range"]);
        let twice = vec![exception(Some("DE"), None, 3), exception(Some("DE"), None, 4)];
        assert_eq!(wrong(twice), ["/exceptions/1 duplicate"]);
        assert_eq!(wrong(vec![exception(Some("DE"), None, 3); 101]), ["/exceptions too_many"]);
    }
}
