//! A product as its vendor would write it: a page changes a part of it and leaves the rest as it is.

use std::fmt::Write as _;

use desk::{OwnProduct, WriteProduct};
use domain::VariantId;
use domain::catalog::Variant;
use domain::text::ContentLanguage;
use serde_json::{Map, Value, json};

use api::Problem;

/// The stored product as a request to replace it by itself. What is left out of a variant keeps its value, as do its
/// language and its texts in other languages.
pub(crate) fn written(own: &OwnProduct) -> Map<String, Value> {
    let product = &own.product;
    let variant = |variant: &Variant| {
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| {
            if !value.is_null() {
                fields.insert(name.to_owned(), value);
            }
        };
        set("id", json!(variant.id));
        set("sku", json!(variant.sku));
        set("options", json!(product.options_of(variant)));
        set("prices", variant.prices.iter().map(|price| json!(price.price)).collect());
        set("compare_at_prices", variant.prices.iter().filter_map(|price| Some(json!(price.compare_at?))).collect());
        set("grams", json!(variant.grams));
        set("sale_unit", json!(variant.sale_unit));
        set("image", json!(variant.image));
        set("low_stock_at", json!(variant.low_stock_at));
        Value::Object(fields)
    };
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    };
    set("title", json!(product.title));
    set("handle", json!(product.handle));
    set("description_html", json!(own.description_html));
    set("category", json!(product.category()));
    set("options", json!(product.options));
    set("images", json!(product.images));
    set("tags", json!(product.tags));
    set("seo", json!(product.seo));
    set("manufacturer", json!(product.origin.manufacturer));
    set("importer", json!(product.origin.importer));
    set("country_of_origin", json!(product.origin.country));
    set("variants", product.variants.iter().map(variant).collect());
    fields
}

/// The request with another price of a variant in the vendor's own currency.
pub(crate) fn with_price(
    own: &OwnProduct,
    variant: VariantId,
    (price, former): (domain::Money, Option<domain::Money>),
) -> Map<String, Value> {
    let mut changed = own.clone();
    for known in changed.product.variants.iter_mut().filter(|known| known.id == variant) {
        let new = domain::catalog::Price { price, compare_at: former };
        match known.prices.iter_mut().find(|known| known.price.currency() == own.currency) {
            Some(known) => *known = new,
            None => known.prices.push(new),
        }
    }
    written(&changed)
}

/// The request with other texts in a language, or with none in it. What is written in the others stays.
pub(crate) fn with_texts(own: &OwnProduct, language: &ContentLanguage, texts: Option<Value>) -> Map<String, Value> {
    let translations = &own.product.translations;
    let stored = |tag: &ContentLanguage| {
        let mut texts = json!(translations.get(tag).cloned().unwrap_or_default());
        if let (Some(texts), Some(html)) = (texts.as_object_mut(), own.descriptions.get(tag)) {
            texts.insert("description_html".to_owned(), json!(html));
        }
        (tag.to_string(), texts)
    };
    let others = own.languages().into_iter().filter(|tag| *tag != language).map(stored);
    let all: Map<String, Value> = others.chain(texts.map(|texts| (language.to_string(), texts))).collect();
    let mut fields = written(own);
    fields.insert("translations".to_owned(), Value::Object(all));
    fields
}

/// The request as the API reads it.
pub(crate) fn read(fields: Map<String, Value>) -> Result<WriteProduct, Problem> {
    browser::as_api(&Value::Object(fields))
}

/// A text in paragraphs as HTML.
pub(crate) fn as_html(text: &str) -> String {
    let mut html = String::new();
    let text = text.replace("\r\n", "\n");
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        let escaped = paragraph.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(html, "<p>{}</p>", escaped.replace('\n', "<br>"));
    }
    html
}

/// HTML of nothing but paragraphs as the text that it was; nothing when a text could not say all of it.
pub(crate) fn as_text(html: &str) -> Option<String> {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = after.split_once('>')?;
        match tag {
            "p" => {}
            "/p" => text.push_str("\n\n"),
            "br" => text.push('\n'),
            _ => return None,
        }
        rest = after;
    }
    text.push_str(rest);
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&nbsp;", "\u{a0}");
    Some(plain.replace("&amp;", "&").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_reads_back_and_formatting_is_not_lost() {
        for text in ["Blue bowl.\nThrown in Rishton.\n\nA & B < C", "", "&lt;b&gt;"] {
            assert_eq!(as_text(&as_html(text)).as_deref(), Some(text));
        }
        assert_eq!(as_html("<b>a</b>"), "<p>&lt;b&gt;a&lt;/b&gt;</p>");
        assert_eq!(as_text("<p>One</p><ul><li>Two</li></ul>"), None);
    }
}
