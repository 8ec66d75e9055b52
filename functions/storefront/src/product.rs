//! The page of a product.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use api::{Now, Problem, Query};
use axum::extract::{Path, State};
use browser::{Lang, Reply};
use domain::address::Country;
use domain::catalog::{List, ProductCard};
use domain::return_policy::{ReturnPolicy, WayBack};
use domain::text::Handle;
use domain::{Code, Currency, Money, Timestamp, VariantId};
use pages::parts::Link;
use pages::views::{self, Shows, Variant};
use pages::{Frame, HOME_COUNTRY, Html, Language, Picture, count, date, fill, money};
use serde::Deserialize;
use serde_json::{Value, json};
use shop::{Found, ShownProduct, ShownVariant, Sort};

use crate::App;
use crate::asked::known;
use crate::categories::{crumbs, path_to};
use crate::home::{or_not_here, shown_cards};
use crate::list::{crumb_data, moved};

/// Seconds for which the CDN may serve a product.
const FRESH_S: u32 = 10;
const STALE_S: u32 = 300;

/// How long cards of a category are shown that were read.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Of how many categories they are kept.
const MOST: usize = 200;
/// How many similar products are shown.
const SIMILAR: usize = 5;
/// Fewer units than this are told.
const FEW: i64 = 5;

/// The newest products of categories, kept for a moment, so that the page of a product stays one round trip.
#[derive(Debug, Default)]
pub(crate) struct Similar(Mutex<Known>);

/// Cards by category, currency and language, with the time at which they were read.
type Known = BTreeMap<(Handle, Currency, Language), (Timestamp, Vec<ProductCard>)>;

impl App {
    /// The newest products of a category; none when they cannot be read: the page is shown all the same.
    async fn newest_of(
        &self,
        category: &Handle,
        currency: Currency,
        language: Language,
        now: Timestamp,
    ) -> Vec<ProductCard> {
        let key = (category.clone(), currency, language);
        let known = self.similar.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((read_at, cards)) = known
            && now.since(read_at) < MAX_AGE
        {
            return cards;
        }
        let list = List { category: Some(category.clone()), vendor: None, currency };
        let limit = u16::try_from(SIMILAR + 1).unwrap_or(u16::MAX);
        match self.first_cards(list, language, Sort::Newest, limit).await {
            Ok(cards) => {
                let mut kept = self.similar.0.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() >= MOST {
                    kept.clear();
                }
                kept.insert(key, (now, cards.clone()));
                cards
            }
            Err(problem) => {
                let code = problem.code().as_str();
                tracing::warn!(code, "similar products cannot be read and are left out");
                Vec::new()
            }
        }
    }

    /// The first currency in which a category has something.
    pub(crate) async fn currency_in(&self, category: &Handle, language: Language, now: Timestamp) -> Currency {
        for currency in &self.site.shown.currencies {
            if !self.newest_of(category, *currency, language, now).await.is_empty() {
                return *currency;
            }
        }
        self.window.main_currency()
    }

    /// A picture of what a category has.
    pub(crate) async fn picture_of(
        &self,
        category: &Handle,
        currency: Currency,
        language: Language,
        now: Timestamp,
    ) -> Option<Picture> {
        let cards = self.newest_of(category, currency, language, now).await;
        cards.iter().find_map(|card| card.image.as_ref()).map(|image| Picture::of(image, ""))
    }
}

/// What is asked of a product's page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct AskedProduct {
    #[serde(default, deserialize_with = "known")]
    currency: Option<Currency>,
    #[serde(default, deserialize_with = "known")]
    variant: Option<VariantId>,
}

pub(crate) async fn show_product(
    State(app): State<App>,
    Lang(language): Lang,
    Path((_, handle)): Path<(String, String)>,
    Query(asked): Query<AskedProduct>,
    Now(now): Now,
) -> Result<Reply, Problem> {
    let page = product_page(&app, language, &handle, asked, now).await;
    or_not_here(&app, page, (language, now)).await
}

async fn product_page(
    app: &App,
    language: Language,
    handle: &str,
    asked: AskedProduct,
    now: Timestamp,
) -> Result<Reply, Problem> {
    let handle = Handle::parse(handle).map_err(|_| Problem::of(Code::NotFound))?;
    let (currency, wanted) = (app.currency(asked.currency), language.content());
    let (found, tree, rules) = tokio::join!(
        app.window.product(&handle, currency, wanted.as_ref(), now),
        app.categories.tree(&app.window, now),
        app.texts.return_rules()
    );
    let (mut found, mut currency) = (found?, currency);
    // What has no price in a currency is shown in one that it has: its address is one, whatever the currency.
    for other in app.site.shown.currencies.iter().filter(|other| **other != currency) {
        if !matches!(found, Found::Nowhere) {
            break;
        }
        found = app.window.product(&handle, *other, wanted.as_ref(), now).await?;
        if matches!(found, Found::Here(_)) {
            currency = *other;
            break;
        }
    }
    let shown = match found {
        Found::Here(shown) => shown,
        Found::Moved(handle) => return Ok(moved(app, language, &format!("/p/{handle}"), currency)),
        Found::Nowhere => return Err(Problem::of(Code::NotFound)),
    };
    let tree = tree?;
    let path = shown.product.categories.last().and_then(|category| path_to(&tree, category)).unwrap_or_default();
    let similar = match shown.product.categories.last() {
        Some(category) => app.newest_of(category, currency, language, now).await,
        None => Vec::new(),
    };
    let similar: Vec<ProductCard> =
        similar.into_iter().filter(|card| card.id != shown.product.id).take(SIMILAR).collect();

    let returns = match rules {
        Ok(rules) => Country::parse(HOME_COUNTRY).map(|home| rules.policy(&home, &shown.product.categories)),
        Err(cause) => {
            tracing::warn!(%cause, "the rules of returns cannot be read: search engines are told where they stand");
            None
        }
    };

    let site = &app.site.shown;
    let own_path = format!("/p/{handle}");
    let title = shown.product.seo.title.as_ref().map_or(shown.product.title.as_str(), |title| title.as_str());
    let f = Frame::new(site, language, own_path, title).priced_in(currency);
    let crumbs = crumbs(&f, &path, false);
    let data = vec![data_of(&f, &shown, returns), crumb_data(&f, &crumbs)];
    let image = pictures(&f, &shown, app.window.media_base()).first().map(|picture| picture.src.clone());
    let f = Frame { image, ..f.found_as(summary(&shown), data) };
    let page = view(f, crumbs, &shown, asked.variant, similar, app.window.media_base());
    Ok(Reply::public(page.shown(), FRESH_S, STALE_S))
}

/// What search engines and those who share the page show of it.
pub(crate) fn summary(shown: &ShownProduct) -> String {
    let written = shown.product.seo.description.as_ref().map(|text| text.as_str().to_owned());
    let text = written.unwrap_or_else(|| plain(&shown.description_html));
    let short: String = text.chars().take(200).collect();
    if short.is_empty() { shown.product.title.to_string() } else { short }
}

/// The words of sanitised HTML.
fn plain(html: &str) -> String {
    let mut words = String::new();
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                words.push(' ');
            }
            other if !in_tag => words.push(other),
            _ => {}
        }
    }
    let words = words.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

const fn is_buyable(variant: &ShownVariant) -> bool {
    variant.available > 0 || variant.backorder
}

/// The pictures with their words.
pub(crate) fn pictures(f: &Frame<'_>, shown: &ShownProduct, media_base: &str) -> Vec<Picture> {
    let title = shown.product.title.as_str();
    let words = |number: usize| fill(f.t.picture_of, &[("title", title), ("n", &number.to_string())]);
    let images = (1..).zip(shown.product.shown_images(media_base));
    images
        .map(|(number, image)| {
            let alt = image.alt.as_ref().map_or_else(|| words(number), ToString::to_string);
            Picture::of(&image, alt)
        })
        .collect()
}

/// What a buyer is told of how much is there.
fn state(f: &Frame<'_>, variant: &ShownVariant) -> (&'static str, String) {
    let few = u64::try_from(variant.available).unwrap_or(0);
    match (variant.available, variant.backorder, variant.available_from) {
        (1..FEW, false, _) => ("wait", count(f.t.few_left, few, f.language)),
        (1.., _, _) => ("ok", f.t.in_stock.to_owned()),
        (_, true, Some(from)) => ("wait", fill(f.t.on_order_from, &[("date", &date(from, f.language))])),
        (_, true, None) => ("wait", f.t.on_order.to_owned()),
        (_, false, _) => ("bad", f.t.sold_out.to_owned()),
    }
}

fn view<'a>(
    f: Frame<'a>,
    crumbs: Vec<Link>,
    shown: &ShownProduct,
    asked: Option<VariantId>,
    similar: Vec<ProductCard>,
    media_base: &str,
) -> views::Product<'a> {
    let product = &shown.product;
    let variants = &shown.variants;
    let chosen = variants.iter().find(|variant| Some(variant.id) == asked);
    let cheapest = || variants.iter().filter(|variant| is_buyable(variant)).min_by_key(|one| one.price.minor());
    let chosen = chosen.or_else(cheapest).or_else(|| variants.first());
    let differ = variants.iter().any(|variant| chosen.is_some_and(|chosen| chosen.price != variant.price));
    let name = |variant: &ShownVariant| {
        let in_order = product.options.iter().filter_map(|option| variant.options.get(option.name.as_str()));
        let values: Vec<&str> = in_order.map(String::as_str).collect();
        if values.is_empty() { product.title.to_string() } else { values.join(", ") }
    };
    let shows = |variant: &ShownVariant| {
        let was = variant.compare_at_price.filter(|was| was.minor() > variant.price.minor());
        let (tone, state) = state(&f, variant);
        Shows {
            price: money(variant.price, f.language),
            was: was.map(|was| money(was, f.language)).unwrap_or_default(),
            unit: pages::unit_words(&f, variant.sale_unit, variant.reference_price).unwrap_or_default(),
            tone,
            state,
        }
    };
    let choice = |variant: &ShownVariant| Variant {
        id: variant.id.to_string(),
        name: name(variant),
        price: differ.then(|| money(variant.price, f.language)),
        // A choice that cannot be bought is shown, and another has to be made.
        chosen: is_buyable(variant) && chosen.is_some_and(|chosen| chosen.id == variant.id),
        buyable: is_buyable(variant),
        shows: shows(variant),
    };
    let price = chosen.map_or(shown.card.price, |chosen| chosen.price);
    let nothing =
        || Shows { price: money(price, f.language), tone: "bad", state: f.t.sold_out.to_owned(), ..Shows::default() };
    let options: Vec<&str> = product.options.iter().map(|option| option.name.as_str()).collect();
    let delivery = shown.delivery.map(|rate: Money| fill(f.t.delivery_cost, &[("price", &money(rate, f.language))]));
    let tag = shown.language.as_ref().filter(|language| f.language.content().as_ref() != Some(*language));
    views::Product {
        tag: tag.map(ToString::to_string),
        heading: product.title.to_string(),
        pictures: pictures(&f, shown, media_base),
        vendor: product.vendor.name.to_string(),
        vendor_href: f.to(&format!("/v/{}", product.vendor.handle)),
        shows: chosen.map_or_else(nothing, shows),
        currency: price.currency().as_str(),
        choose: if options.is_empty() { f.t.choose_variant.to_owned() } else { options.join(", ") },
        choices: variants.iter().map(choice).collect(),
        buyable: variants.iter().any(is_buyable),
        delivery,
        description: Html::sanitised(&shown.description_html),
        facts: facts(&f, shown),
        similar: shown_cards(&f, &similar, false),
        crumbs,
        f,
    }
}

/// Who makes the product and who sells it.
fn facts(f: &Frame<'_>, shown: &ShownProduct) -> Vec<(String, String)> {
    let origin = &shown.product.origin;
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: Option<String>| facts.extend(value.map(|value| (name.to_owned(), value)));
    fact(f.t.manufacturer, origin.manufacturer.as_ref().map(ToString::to_string));
    fact(f.t.importer, origin.importer.as_ref().map(ToString::to_string));
    fact(f.t.country_of_origin, origin.country.as_ref().map(|country| country.as_str().to_owned()));
    facts.extend(shown.vendor_identity.iter().flat_map(|identity| pages::identity_facts(f.t, identity)));
    facts
}

/// The product as search engines read it, one or a group of those that differ: the same prices as on the page.
fn data_of(f: &Frame<'_>, shown: &ShownProduct, policy: Option<ReturnPolicy>) -> String {
    let url = f.canonical(&f.language);
    let images: Vec<&str> = shown.card.image.iter().map(|image| image.url.as_str()).collect();
    let title = shown.product.title.as_str();
    let back_to = shown.vendor_identity.as_ref().map(|identity| identity.country.as_str());
    let returns = returns_of(&format!("{}{}", f.site.url, f.to("/returns")), policy, back_to);
    let mut data = json!({
        "@context": "https://schema.org", "name": title, "url": url, "description": summary(shown), "image": images,
    });
    let Some(fields) = data.as_object_mut() else { return String::new() };
    match shown.variants.as_slice() {
        [only] => {
            fields.insert("@type".to_owned(), Value::from("Product"));
            fields.extend(only.sku.iter().map(|sku| ("sku".to_owned(), Value::from(sku.as_str()))));
            fields.insert("offers".to_owned(), offer_of(&url, shown, only, &returns));
        }
        several => {
            let variant = |variant: &ShownVariant| {
                let values: Vec<&str> = variant.options.values().map(String::as_str).collect();
                let name = format!("{title} ({})", values.join(", "));
                let mut one = json!({
                    "@type": "Product", "name": name, "image": images,
                    "offers": offer_of(&url, shown, variant, &returns),
                });
                if let (Some(sku), Some(one)) = (&variant.sku, one.as_object_mut()) {
                    one.insert("sku".to_owned(), Value::from(sku.as_str()));
                }
                one
            };
            fields.insert("@type".to_owned(), Value::from("ProductGroup"));
            fields.insert("productGroupID".to_owned(), Value::from(shown.product.id.to_string()));
            fields.insert("hasVariant".to_owned(), several.iter().map(variant).collect());
        }
    }
    data.to_string()
}

/// How goods are given back by who lives in the home country: where it stands, and what holds where that is known. The
/// words are those of <https://schema.org/MerchantReturnPolicy>. `back_to` is the country of their vendor.
fn returns_of(link: &str, policy: Option<ReturnPolicy>, back_to: Option<&str>) -> Value {
    let category = |policy: ReturnPolicy| match policy.days {
        0 => "https://schema.org/MerchantReturnNotPermitted",
        _ => "https://schema.org/MerchantReturnFiniteReturnWindow",
    };
    let fees = |policy: ReturnPolicy| match policy.way_back {
        WayBack::Buyer => Some("https://schema.org/ReturnFeesCustomerResponsibility"),
        WayBack::Vendor | WayBack::Operator => Some("https://schema.org/FreeReturn"),
        WayBack::Other => None,
    };
    let taken_back = policy.filter(|policy| policy.days > 0);
    let mut returns = json!({
        "@type": "MerchantReturnPolicy", "merchantReturnLink": link,
        "applicableCountry": policy.map(|_| HOME_COUNTRY), "returnPolicyCategory": policy.map(category),
        "merchantReturnDays": taken_back.map(|policy| policy.days), "returnFees": taken_back.and_then(fees),
        "returnMethod": taken_back.map(|_| "https://schema.org/ReturnByMail"),
        "returnPolicyCountry": taken_back.and(back_to),
    });
    if let Some(fields) = returns.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    returns
}

/// What a variant costs, whether it is there, what its delivery costs, and how it is given back.
fn offer_of(url: &str, shown: &ShownProduct, variant: &ShownVariant, returns: &Value) -> Value {
    let availability = if variant.available > 0 {
        "https://schema.org/InStock"
    } else if variant.backorder {
        "https://schema.org/BackOrder"
    } else {
        "https://schema.org/OutOfStock"
    };
    let mut offer = json!({
        "@type": "Offer", "url": format!("{url}?variant={}", variant.id), "price": variant.price.decimal(),
        "priceCurrency": variant.price.currency().as_str(), "availability": availability,
        "seller": {"@type": "Organization", "name": shown.product.vendor.name.as_str()},
        "hasMerchantReturnPolicy": returns,
    });
    if let (Some(rate), Some(offer)) = (shown.delivery, offer.as_object_mut()) {
        let rate = json!({"@type": "MonetaryAmount", "value": rate.decimal(), "currency": rate.currency().as_str()});
        let destination = json!({"@type": "DefinedRegion", "addressCountry": HOME_COUNTRY});
        let details =
            json!({"@type": "OfferShippingDetails", "shippingRate": rate, "shippingDestination": destination});
        offer.insert("shippingDetails".to_owned(), details);
    }
    offer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_for_search_engines_has_words_only() {
        assert_eq!(plain("<p>Blue&nbsp;bowl</p><ul><li>A &amp; B</li></ul>"), "Blue bowl A & B");
    }

    #[test]
    fn search_engines_are_told_of_returns_what_is_known() {
        let link = json!({"@type": "MerchantReturnPolicy", "merchantReturnLink": "/returns"});
        assert_eq!(returns_of("/returns", None, Some("UZ")), link);
        let said = |days: u16, way_back: WayBack| {
            let returns = returns_of("/returns", Some(ReturnPolicy { days, way_back }), Some("CN"));
            let text = |field: &str| returns[field].as_str().map(|text| text.replace("https://schema.org/", ""));
            assert_eq!(returns["applicableCountry"], HOME_COUNTRY);
            (text("returnPolicyCategory"), returns["merchantReturnDays"].as_u64(), text("returnFees"))
        };
        let words = |word: &str| Some(word.to_owned());
        let finite = || words("MerchantReturnFiniteReturnWindow");
        assert_eq!(said(14, WayBack::Buyer), (finite(), Some(14), words("ReturnFeesCustomerResponsibility")));
        assert_eq!(said(30, WayBack::Vendor), (finite(), Some(30), words("FreeReturn")));
        assert_eq!(said(7, WayBack::Other), (finite(), Some(7), None));
        assert_eq!(said(0, WayBack::Buyer), (words("MerchantReturnNotPermitted"), None, None));
    }
}
