//! The site and the frame that all its pages have.

use domain::Currency;

use crate::{Language, Texts};

/// What a site is called and how its people are reached.
#[derive(Clone, Debug)]
pub struct Site {
    pub name: String,
    /// The address of its pages, without a slash at the end.
    pub url: String,
    /// The telephone number of its help.
    pub phone: Option<String>,
    /// The name of its help at Telegram, without `@`.
    pub telegram: Option<String>,
    /// The language of whoever has told none.
    pub main_language: Language,
    /// The currencies that its pages offer, the main one first.
    pub currencies: Vec<Currency>,
}

impl Site {
    fn main_currency(&self) -> Option<Currency> {
        self.currencies.first().copied()
    }
}

/// What a page tells its frame.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    pub site: &'a Site,
    pub language: Language,
    pub t: &'static Texts,
    pub title: String,
    /// One paragraph for search engines and for who shares the page.
    pub description: String,
    /// The path below the language, with its query: `/p/blue-bowl`, `/` for the home page.
    pub path: String,
    /// The currency of its prices.
    pub currency: Option<Currency>,
    /// Whether search engines may show it.
    pub indexed: bool,
    /// The address of a picture for who shares the page.
    pub image: Option<String>,
    /// Its data for search engines, each a JSON document.
    pub json_ld: Vec<String>,
    /// How many items are in the visitor's cart; nothing on a page that everybody gets alike.
    pub cart_items: Option<u32>,
    /// Whether the visitor is signed in; nothing on a page that everybody gets alike.
    pub signed_in: Option<bool>,
    /// What was searched for.
    pub search: String,
    /// Whether its path names no language: a parameter of that path chooses one.
    pub unprefixed: bool,
}

impl<'a> Frame<'a> {
    /// A page that search engines leave out.
    pub fn new(site: &'a Site, language: Language, path: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            site,
            language,
            t: Texts::of(language),
            title: title.into(),
            description: String::new(),
            path: path.into(),
            currency: None,
            indexed: false,
            image: None,
            json_ld: Vec::new(),
            cart_items: None,
            signed_in: None,
            search: String::new(),
            unprefixed: false,
        }
    }

    /// A page that search engines may show.
    #[must_use]
    pub fn found_as(self, description: impl Into<String>, json_ld: Vec<String>) -> Self {
        Self { indexed: true, description: description.into(), json_ld, ..self }
    }

    /// A page whose prices are in a currency.
    #[must_use]
    pub fn priced_in(self, currency: Currency) -> Self {
        Self { currency: Some(currency), ..self }
    }

    /// The path of another page in the same language and currency. `path` begins with a slash.
    pub fn to(&self, path: &str) -> String {
        let plain = format!("/{}{path}", self.language.code());
        match self.currency.filter(|currency| Some(*currency) != self.site.main_currency()) {
            Some(currency) => with_query(&plain, "currency", currency.as_str()),
            None => plain,
        }
    }

    /// The path of the same page in another language.
    pub fn in_language(&self, language: &Language) -> String {
        if self.unprefixed {
            return with_query(&self.path, "language", language.code());
        }
        let other = Self { language: *language, ..self.clone() };
        other.to(&self.path)
    }

    /// The path of the same page with prices in another currency.
    pub fn in_currency(&self, currency: &Currency) -> String {
        Self { currency: Some(*currency), ..self.clone() }.to(&self.path)
    }

    /// The one address of the page, whatever its currency.
    pub fn canonical(&self, language: &Language) -> String {
        format!("{}/{}{}", self.site.url, language.code(), self.path)
    }

    pub(crate) fn languages(&self) -> &'static [Language] {
        &Language::ALL
    }

    pub(crate) fn is_currency(&self, currency: &Currency) -> bool {
        self.currency.or(self.site.main_currency()) == Some(*currency)
    }

    /// The title of the window.
    pub(crate) fn window_title(&self) -> String {
        if self.title.contains(&self.site.name) {
            self.title.clone()
        } else {
            format!("{} · {}", self.title, self.site.name)
        }
    }

    /// A telephone number as a link has it.
    pub(crate) fn dialled(&self, phone: &str) -> String {
        phone.chars().filter(|character| !character.is_whitespace()).collect()
    }

    pub(crate) fn sell_here(&self) -> String {
        crate::fill(self.t.sell_here, &[("shop", &self.site.name)])
    }

    /// What the page says when it is shown without a network, and of what waits for one: the worker and the script,
    /// which know no language, find it in the page. No message has a `|` in it.
    pub(crate) fn without_network(&self) -> String {
        let t = self.t;
        let ages = [t.offline_seen, t.age_now, t.age_minutes, t.age_hours, t.age_days];
        let adding = [t.cart_waits, t.added_to_cart, t.cart_short, t.cart_refused];
        [ages.as_slice(), adding.as_slice()].concat().join("|")
    }

    /// Documents for search engines, in which nothing can end the element that holds them.
    pub(crate) fn data(&self) -> Vec<String> {
        self.json_ld.iter().map(|json| json.replace('<', "\\u003c")).collect()
    }
}

/// A path with one more parameter.
pub fn with_query(path: &str, name: &str, value: &str) -> String {
    let (path, fragment) = path.split_once('#').map_or((path, ""), |(path, fragment)| (path, fragment));
    let mark = if path.contains('?') { '&' } else { '?' };
    let hash = if fragment.is_empty() { "" } else { "#" };
    format!("{path}{mark}{name}={}{hash}{fragment}", escaped(value))
}

/// A value as a query holds it.
pub fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_value_is_escaped() {
        assert_eq!(with_query("/en/search", "q", "кoса & b"), "/en/search?q=%D0%BAo%D1%81%D0%B0%20%26%20b");
        assert_eq!(with_query("/en/c/x?sort=price", "currency", "UZS"), "/en/c/x?sort=price&currency=UZS");
        assert_eq!(with_query("/en/p/x#buy", "currency", "UZS"), "/en/p/x?currency=UZS#buy");
    }

    #[test]
    fn links_keep_the_language_and_a_currency_that_is_not_the_main_one() {
        let site = Site {
            name: "Bozor".to_owned(),
            url: "https://shop.example".to_owned(),
            phone: None,
            telegram: None,
            main_language: Language::En,
            currencies: vec![Currency::USD, Currency::UZS],
        };
        let frame = Frame::new(&site, Language::Ru, "/p/kosa", "Kosa");
        assert_eq!(frame.clone().priced_in(Currency::USD).to("/cart"), "/ru/cart");
        let sums = frame.priced_in(Currency::UZS);
        assert_eq!(sums.to("/c/bowls"), "/ru/c/bowls?currency=UZS");
        assert_eq!(sums.in_language(&Language::Uz), "/uz/p/kosa?currency=UZS");
        assert_eq!(sums.canonical(&Language::Uz), "https://shop.example/uz/p/kosa");
        let hostile = Frame { json_ld: vec![r#"{"name":"</script><b>"}"#.to_owned()], ..sums };
        assert!(!hostile.data()[0].contains('<'));
    }
}
