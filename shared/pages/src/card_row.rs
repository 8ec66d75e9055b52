//! Products as lists show them.

use askama::Template;
use domain::catalog::{ProductCard, SaleUnit};
use domain::text::Line;
use domain::vendor::PublicIdentity;

use crate::format::NO_BREAK_SPACE;
use crate::{Frame, Html, Picture, Texts, fill, money};

/// A card of a product.
#[derive(Clone, Debug)]
pub struct Card {
    pub href: String,
    pub title: String,
    pub vendor: String,
    pub price: String,
    pub was: Option<String>,
    pub unit: Option<String>,
    pub tag: Option<String>,
    pub image: Option<Picture>,
    pub available: bool,
    /// Whether its picture is the first that somebody sees.
    pub first: bool,
}

/// A row of cards with its title and where more of them are.
#[derive(Clone, Debug)]
pub struct CardRow {
    pub title: String,
    pub cards: Vec<Card>,
    pub more: String,
}

#[derive(Template)]
#[template(
    source = "<ul class=\"grid\">{% for card in cards %}{% include \"card.html\" %}{% endfor %}</ul>",
    ext = "html"
)]
struct Grid<'a> {
    f: &'a Frame<'a>,
    cards: &'a [Card],
}

/// Cards side by side.
pub fn grid(f: &Frame<'_>, cards: &[Card]) -> Html {
    Html::of(&Grid { f, cards })
}

/// By how many percent a price is lower than the former one.
fn discount(price: i64, was: i64) -> Option<i64> {
    (was > price && was > 0)
        .then(|| (was.saturating_sub(price)).saturating_mul(100) / was)
        .filter(|percent| *percent > 0)
}

/// What one unit is, and what one measure of it costs.
pub fn unit_words(f: &Frame<'_>, unit: Option<SaleUnit>, reference: Option<domain::Money>) -> Option<String> {
    let unit = unit?;
    let what = fill(f.t.per_unit, &[("unit", &unit.measure_of(1))]);
    Some(match reference {
        Some(price) => format!("{what} · {} / {}", money(price, f.language), unit.unit.as_str()),
        None => what,
    })
}

/// Who sells, with the names of what is known.
pub fn identity_facts(t: &Texts, identity: &PublicIdentity) -> Vec<(String, String)> {
    let text = |known: &Option<Line>| known.as_ref().map(ToString::to_string);
    let known = [
        (t.legal_name, Some(identity.legal_name.to_string())),
        (t.tax_number, text(&identity.tax_id)),
        (t.registration_number, text(&identity.register_no)),
        (t.vendor_address, text(&identity.address)),
        (t.vendor_contact, identity.phone.as_ref().map(ToString::to_string)),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl Card {
    /// A stored card as a page shows it.
    pub fn of(f: &Frame<'_>, card: &ProductCard, first: bool) -> Self {
        let was = card.compare_at_price.filter(|was| was.minor() > card.price.minor());
        let percent = was.and_then(|was| discount(card.price.minor(), was.minor()));
        let tag = if card.available {
            percent.map(|percent| fill(f.t.discount, &[("n", &percent.to_string())]))
        } else {
            Some(f.t.sold_out.to_owned())
        };
        Self {
            href: f.to(&format!("/p/{}", card.handle)),
            title: card.title.to_string(),
            vendor: card.vendor.name.to_string(),
            price: money(card.price, f.language),
            was: was.map(|was| money(was, f.language)),
            unit: unit_words(f, card.sale_unit, card.reference_price),
            tag,
            image: card.image.as_ref().map(|image| Picture::of(image, "")),
            available: card.available,
            first,
        }
    }

    /// Its price, which may break before the name of the currency: half of the narrowest phone has no room for
    /// millions of soʻm in one line, and would break within the word.
    pub(crate) fn price_in_two(&self) -> String {
        match self.price.rsplit_once(NO_BREAK_SPACE) {
            Some((amount, currency)) if currency.chars().all(char::is_alphabetic) => format!("{amount} {currency}"),
            _ => self.price.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_may_break_before_its_currency_and_nowhere_else() {
        let card = |price: String| Card {
            href: String::new(),
            title: String::new(),
            vendor: String::new(),
            price,
            was: None,
            unit: None,
            tag: None,
            image: None,
            available: true,
            first: false,
        };
        let broken =
            |minor, currency, language| card(money(domain::Money::new(minor, currency), language)).price_in_two();
        let (sum, dollar) = (domain::Currency::UZS, domain::Currency::USD);
        assert_eq!(broken(181_200_000, sum, crate::Language::Ru), "1\u{a0}812\u{a0}000 сум");
        assert_eq!(broken(181_200_000, sum, crate::Language::Uz), "1\u{a0}812\u{a0}000 soʻm");
        let plain = money(domain::Money::new(181_200_000, dollar), crate::Language::Ru);
        assert_eq!(broken(181_200_000, dollar, crate::Language::Ru), plain, "a sign stays with its number");
    }

    #[test]
    fn a_discount_is_whole_percents_and_never_nothing() {
        assert_eq!(discount(85, 100), Some(15));
        assert_eq!(discount(999, 1_000), None, "less than one percent");
        assert_eq!((discount(100, 100), discount(120, 100), discount(0, 100)), (None, None, Some(100)));
    }
}
