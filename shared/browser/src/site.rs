//! The site that pages belong to, how it is reached, and the language that a path names.

use axum::extract::FromRequestParts;
use domain::{Code, Currency};
use http::request::Parts;
use pages::Language;
use platform::{Config, Fatal};

use api::Problem;

/// The site with what its pages need to know of their surroundings.
#[derive(Clone, Debug)]
pub struct Site {
    /// What its pages show of it.
    pub shown: pages::Site,
    /// Scheme, host and port of the pages.
    pub(crate) origin: String,
    /// Whether pages are compressed here, because nobody before does it.
    pub(crate) compresses: bool,
}

impl Site {
    /// Reads what all functions of pages are given.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub fn new(config: &Config) -> Result<Self, Fatal> {
        let url = config.required("STORE_URL")?.to_owned();
        let given = |name: &str| config.optional(name).map(str::to_owned);
        let mut currencies: Vec<Currency> = vec![config.required("MAIN_CURRENCY")?.parse().map_err(Fatal::new)?];
        for code in config.optional("OTHER_CURRENCIES").unwrap_or_default().split(',').map(str::trim) {
            if !code.is_empty() {
                currencies.push(code.parse().map_err(Fatal::new)?);
            }
        }
        currencies.dedup();
        Ok(Self {
            origin: origin_of(&url),
            compresses: config.required_bool("COMPRESS_PAGES")?,
            shown: pages::Site {
                name: config.required("SHOP_NAME")?.to_owned(),
                url,
                phone: given("HELP_PHONE"),
                telegram: given("HELP_TELEGRAM"),
                main_language: config.required("MAIN_LANGUAGE")?.parse().map_err(Fatal::new)?,
                currencies,
            },
        })
    }

    /// Whether browsers come by https. Without it they take no cookie whose name begins with `__Host-`.
    pub(crate) fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

/// Scheme, host and port of an address, as browsers write an origin.
fn origin_of(url: &str) -> String {
    let end = url.find("://").and_then(|scheme| Some(scheme + 3 + url.get(scheme + 3..)?.find('/')?));
    url.get(..end.unwrap_or(url.len())).unwrap_or(url).to_ascii_lowercase()
}

/// The language in the first segment of the path. A path of another is 404.
#[derive(Clone, Copy, Debug)]
pub struct Lang(pub Language);

/// The language that a path begins with.
pub(crate) fn language_of(path: &str) -> Option<Language> {
    Language::parse(path.split('/').nth(1).unwrap_or_default())
}

impl<S: Send + Sync> FromRequestParts<S> for Lang {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        language_of(parts.uri.path()).map(Self).ok_or_else(|| Problem::of(Code::NotFound))
    }
}

/// A site for tests, at this address.
#[cfg(test)]
pub(crate) fn tests_site(url: &str) -> Site {
    let shown = pages::Site {
        name: "Bozor".to_owned(),
        url: url.to_owned(),
        phone: None,
        telegram: None,
        main_language: Language::En,
        currencies: vec![],
    };
    Site { shown, origin: origin_of(url), compresses: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_the_address_without_its_path() {
        for (url, origin) in [
            ("https://Shop.example", "https://shop.example"),
            ("https://shop.example/uz", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
        ] {
            assert_eq!(origin_of(url), origin);
        }
    }

    #[test]
    fn a_path_names_its_language_first() {
        assert_eq!(language_of("/ru/cart"), Some(Language::Ru));
        assert_eq!(language_of("/uz-cyrl/"), Some(Language::UzCyrl));
        for none in ["/", "/v1/carts", "/RU/cart", "/de/", "ru"] {
            assert_eq!(language_of(none), None, "{none}");
        }
    }
}
