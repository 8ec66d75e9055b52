//! A vendor writes a product's texts in other languages at the desk in the browser.

use serde_json::{Value, json};

use super::desk_pages::{CERAMICS, between};
use crate::shop::{Browser, Page, Product, Shop};

const NAME: &str = "options/Rang/name";
const BLUE: &str = "options/Rang/values/Koʻk";
const WHITE: &str = "options/Rang/values/Oq ~1 qora";

/// A bowl whose texts are in Uzbek, blue or white and black, and the path of its page at the desk.
async fn bowl(shop: &Shop) -> (Product, String) {
    let price = json!({"amount": "12.50", "currency": "USD"});
    let variant = |value: &str| json!({"options": {"Rang": value}, "price": price.clone(), "on_hand": 5});
    let product = shop.vendor("ceramics").await.product("bowl");
    let product = product
        .set("title", json!("Kosa"))
        .set("language", json!("uz"))
        .set("description_html", json!("<p>Loydan</p>"))
        .set("options", json!([{"name": "Rang"}]))
        .set("variants", json!([variant("Koʻk"), variant("Oq / qora")]));
    let product = product.publish().await;
    shop.wait_until_idle().await;
    let path = format!("/desk/products/{}", product.id);
    (product, path)
}

/// Sends the form of a page with its key and its version.
async fn send(desk: &Browser, path: &str, more: &[(&str, &str)]) -> Page {
    let page = desk.visit(path).await.expect(200);
    let (key, version) = (page.value("key"), page.value("version"));
    let mut fields = vec![("key", &*key), ("version", &*version)];
    fields.extend_from_slice(more);
    desk.submit(path, &fields).await
}

/// The languages that the page of a product at the desk lists, with how much is written in each.
async fn listed(desk: &Browser, path: &str) -> Vec<(String, String)> {
    let page = desk.visit(path).await.expect(200);
    let mark = format!("href=\"{path}/texts/");
    let rows = page.html.split(&*mark).skip(1).map(|row| {
        let tag = row.split('"').next().unwrap_or_default();
        let state = row.split_once("class=\"state").and_then(|(_, state)| state.split(['>', '<']).nth(1));
        (tag.to_owned(), state.unwrap_or_default().to_owned())
    });
    rows.collect()
}

fn pairs(rows: &[(String, String)]) -> Vec<(&str, &str)> {
    rows.iter().map(|(tag, state)| (tag.as_str(), state.as_str())).collect()
}

#[tokio::test]
async fn a_vendor_writes_russian_texts_at_the_desk_and_takes_them_away_again() {
    let shop = Shop::open().await;
    let (product, path) = bowl(&shop).await;
    let desk = shop.browser_of(CERAMICS).await;
    let before = [
        ("uz-Cyrl", "Made from the other script"),
        ("ru", "Not written"),
        ("en", "Not written"),
        ("zh-Hans", "Not written"),
    ];
    assert_eq!(pairs(&listed(&desk, &path).await), before);

    let texts = format!("{path}/texts/ru");
    let page = desk.visit(&texts).await.expect(200).shows("Own text: Kosa").shows("<p>Loydan</p>");
    assert_eq!(page.names("options/"), [NAME, BLUE, WHITE]);
    let alike = [("title", "Миска"), (NAME, "Цвет"), (BLUE, "Синий"), (WHITE, "Синий")];
    let page = send(&desk, &texts, &alike).await.expect(400);
    assert_eq!(page.errors(), ["word-0-2"]);
    let page = page.shows("Another one is already called so in this language.").shows("value=\"Миска\"");
    assert_eq!(between(&page, &format!("name=\"{BLUE}\" type=\"text\" value=\""), "\""), "Синий");
    let long = "x".repeat(300);
    assert_eq!(send(&desk, &texts, &[("title", &long)]).await.expect(400).errors(), ["title"]);
    assert_eq!(send(&desk, &texts, &[("seo/title", &long)]).await.expect(400).errors(), ["seo-title"]);

    let mut fields = alike.to_vec();
    fields[3] = (WHITE, "Чёрно-белый");
    fields.extend([("description_html", "Из глины.\r\n\r\nОбожжена."), ("seo/title", "Миска из Риштана")]);
    let saved = send(&desk, &texts, &fields).await.expect(303);
    assert_eq!(saved.location(), format!("{path}?done=saved"));
    desk.submit(&texts, &[("key", "k1"), ("version", "1"), ("title", "Чаша")]).await.expect(412);
    assert_eq!(pairs(&listed(&desk, &path).await)[1], ("ru", "Written"));
    desk.visit(&texts).await.expect(200).shows("Обожжена.</textarea>").shows("value=\"Миска из Риштана\"");

    shop.wait_until_idle().await;
    let page = shop.browser().visit("/ru/p/bowl").await.expect(200).shows("<p>Из глины.</p><p>Обожжена.</p>");
    page.shows(">Миска</h1>").shows("Синий").shows("Чёрно-белый");
    let page = shop.browser().visit("/en/p/bowl").await.expect(200).shows(">Kosa</h1>").shows("<p>Loydan</p>");
    assert!(!page.html.contains("Миска"), "{}", page.html);

    // Another language leaves it as it is.
    send(&desk, &format!("{path}/texts/zh-Hans"), &[("description_html", "陶碗")]).await.expect(303);
    let seen = product.seen_by_vendor().await;
    assert_eq!(seen["translations"]["ru"]["options"]["Rang"]["values"]["Oq / qora"], "Чёрно-белый");
    assert_eq!(seen["translations"]["zh-Hans"], json!({"description_html": "<p>陶碗</p>", "seo": {}}));
    assert_eq!(pairs(&listed(&desk, &path).await)[3], ("zh-Hans", "Partly written"));

    send(&desk, &texts, &[("do", "remove"), ("title", "Миска")]).await.expect(303);
    // Of a language in which every field is blank nothing is left either.
    send(&desk, &format!("{path}/texts/zh-Hans"), &[("title", " ")]).await.expect(303);
    assert_eq!(pairs(&listed(&desk, &path).await), before);
    assert_eq!(product.seen_by_vendor().await["translations"], Value::Null);
    shop.wait_until_idle().await;
    let page = shop.browser().visit("/ru/p/bowl").await.expect(200).shows(">Kosa</h1>").shows("<p>Loydan</p>");
    assert!(!page.html.contains("Синий"), "{}", page.html);
}

#[tokio::test]
async fn a_product_has_one_language_of_its_own_and_no_other_texts_in_it() {
    let shop = Shop::open().await;
    let (product, path) = bowl(&shop).await;
    let desk = shop.browser_of(CERAMICS).await;
    for none in ["uz", "russian", "r"] {
        desk.visit(&format!("{path}/texts/{none}")).await.expect(404);
        desk.submit(&format!("{path}/texts/{none}"), &[("key", "k1"), ("title", "Kosa")]).await.expect(404);
    }
    send(&desk, &format!("{path}/texts/ru"), &[("title", "Миска")]).await.expect(303);
    let own = |language| [("title", "Kosa"), ("description", "Loydan"), ("language", language)];
    let page = send(&desk, &path, &own("ru")).await.expect(400);
    assert_eq!(page.errors(), ["language"]);
    send(&desk, &path, &own("uz-Cyrl")).await.expect(303);
    let seen = product.seen_by_vendor().await;
    assert_eq!((&seen["language"], &seen["translations"]["ru"]["title"]), (&json!("uz-Cyrl"), &json!("Миска")));
    let states = listed(&desk, &path).await;
    assert_eq!(pairs(&states)[..2], [("uz", "Made from the other script"), ("ru", "Written")]);

    // Whoever says nothing of the language may do so later.
    let new = [("title", "Vase"), ("handle", "vase"), ("price", "9"), ("language", ""), ("visibility", "draft")];
    let key = desk.visit("/desk/products/new").await.expect(200).shows("Not said").value("key");
    let mut fields = new.to_vec();
    fields.push(("key", &key));
    let created = desk.submit("/desk/products/new", &fields).await.expect(303).location();
    let vase = created.strip_suffix("?done=created").expect("a draft");
    assert_eq!(listed(&desk, vase).await.len(), 5);
    send(&desk, vase, &[("title", "Vase"), ("language", "en")]).await.expect(303);
    assert_eq!(listed(&desk, vase).await.len(), 4);
}
