//! Texts of products in several languages: written by their vendors, and shown to who asks for one.

use serde_json::{Value, json};

use crate::shop::invariants::{items, put_item};
use crate::shop::sale::text;
use crate::shop::{Product, Shop};

/// A bowl whose own texts are in Uzbek, with Russian ones and a Chinese title.
fn bowl() -> Value {
    json!({
        "title": "Koʻk kosa", "handle": "bowl", "language": "uz", "description_html": "<p>Loydan</p>",
        "options": [{"name": "Rang"}],
        "variants": [
            {"options": {"Rang": "Koʻk"}, "price": {"amount": "12.50", "currency": "USD"}, "on_hand": 5},
            {"options": {"Rang": "Oq"}, "price": {"amount": "12.50", "currency": "USD"}, "on_hand": 5},
        ],
        "translations": {
            "RU": {
                "title": "Синяя миска", "description_html": "<p>Из глины</p><script>x</script>",
                "seo": {"title": "Миска из Риштана"},
                "options": {"Rang": {"name": "Цвет", "values": {"Koʻk": "Синий", "Oq": "Белый"}}},
            },
            "zh-hans": {"title": "蓝碗"},
        },
    })
}

async fn written(shop: &Shop) -> Product {
    let mut product = shop.vendor("ceramics").await.product("bowl");
    for (field, value) in bowl().as_object().expect("an object") {
        product = product.set(field, value.clone());
    }
    let product = product.publish().await;
    shop.wait_until_idle().await;
    product
}

async fn shown(shop: &Shop, query: &str) -> Value {
    shop.anon().get(&format!("/v1/products/bowl{query}")).await.expect(200).clone()
}

/// The titles of a list, and the language that it says that they are in.
async fn listed(shop: &Shop, query: &str) -> (Vec<String>, String) {
    let page = shop.anon().get(&format!("/v1/products?{query}")).await;
    let titles = page.expect(200)["items"].as_array().expect("items").iter().map(|card| text(&card["title"]));
    (titles.collect(), page.header("content-language").to_owned())
}

#[tokio::test]
async fn a_product_is_shown_in_the_language_that_is_asked_for_with_its_options() {
    let shop = Shop::open().await;
    written(&shop).await;
    for (query, title, html, option, value, language) in [
        ("", "Koʻk kosa", "<p>Loydan</p>", "Rang", "Koʻk", "uz"),
        ("?lang=ru", "Синяя миска", "<p>Из глины</p>", "Цвет", "Синий", "ru"),
        ("?lang=ru-RU", "Синяя миска", "<p>Из глины</p>", "Цвет", "Синий", "ru"),
        ("?lang=uz-Cyrl", "Кўк коса", "<p>Лойдан</p>", "Ранг", "Кўк", "uz-Cyrl"),
        ("?lang=zh", "蓝碗", "<p>Loydan</p>", "Rang", "Koʻk", "zh-Hans"),
        ("?lang=en", "Koʻk kosa", "<p>Loydan</p>", "Rang", "Koʻk", "uz"),
    ] {
        let seen = shown(&shop, query).await;
        assert_eq!((&seen["title"], &seen["description_html"]), (&json!(title), &json!(html)), "{query}");
        assert_eq!((&seen["options"][0]["name"], &seen["language"]), (&json!(option), &json!(language)), "{query}");
        assert_eq!(seen["variants"][0]["options"], json!({option: value}), "{query}");
    }
    assert_eq!(shown(&shop, "?lang=ru").await["seo"]["title"], "Миска из Риштана");
    assert_eq!(shown(&shop, "?lang=uz-Cyrl").await["transliterated_from"], "uz");
    let answer = shop.anon().get("/v1/products/bowl?lang=zh").await;
    answer.expect(200);
    assert_eq!(answer.header("content-language"), "zh-Hans");
}

#[tokio::test]
async fn a_list_has_titles_in_the_language_that_is_asked_for_in_each_order() {
    let shop = Shop::open().await;
    let bowl = written(&shop).await;
    bowl.vendor.product("plain").price("3.00").stock(5).publish().await;
    for sort in ["newest", "price", "-price"] {
        for (language, title) in
            [("ru", "Синяя миска"), ("uz-cyrl", "Кўк коса"), ("zh-Hant", "蓝碗"), ("en", "Koʻk kosa")]
        {
            let (titles, said) = listed(&shop, &format!("sort={sort}&lang={language}")).await;
            assert!(titles.contains(&title.to_owned()), "{sort} {language}: {titles:?}");
            assert_eq!((titles.len(), said.to_lowercase()), (2, language.to_lowercase()));
        }
        assert!(listed(&shop, &format!("sort={sort}")).await.0.contains(&"Koʻk kosa".to_owned()));
    }
    // A cursor goes on in another language.
    let first = shop.anon().get("/v1/products?limit=1&lang=ru").await.expect(200).clone();
    let next = format!("limit=1&lang=zh&cursor={}", text(&first["next"]));
    let (first, second) = (text(&first["items"][0]["title"]), listed(&shop, &next).await.0);
    assert!(
        first == "plain" && second == ["蓝碗"] || first == "Синяя миска" && second == ["plain"],
        "{first} {second:?}"
    );
}

#[tokio::test]
async fn a_product_keeps_its_texts_when_they_are_not_written_and_loses_them_when_they_are_written_away() {
    let shop = Shop::open().await;
    let product = written(&shop).await;
    let path = format!("/v1/vendor/products/{}", product.id);
    let own = product.vendor.client.get(&path).await.expect(200).clone();
    assert_eq!(own["translations"]["ru"]["description_html"], "<p>Из глины</p>");
    let mut change = bowl();
    for (at, variant) in change["variants"].as_array_mut().expect("variants").iter_mut().enumerate() {
        variant["id"] = own["variants"][at]["id"].clone();
        variant.as_object_mut().expect("an object").remove("on_hand");
    }
    let fields = change.as_object_mut().expect("an object");
    fields.remove("translations");
    fields.remove("language");
    // Without its white variant nothing is left to be said of white.
    fields["variants"].as_array_mut().expect("variants").pop();
    let client = product.vendor.client.with("if-match", "*");
    let kept = client.put(&path, &change).await.expect(200).clone();
    assert_eq!((&kept["language"], &kept["translations"]["zh-Hans"]["title"]), (&json!("uz"), &json!("蓝碗")));
    assert_eq!(kept["translations"]["ru"]["options"]["Rang"]["values"], json!({"Koʻk": "Синий"}));
    // What a vendor reads can be written back.
    change["translations"] = kept["translations"].clone();
    let again = client.put(&path, &change).await.expect(200).clone();
    assert_eq!(again["translations"], kept["translations"]);
    change["translations"] = json!({});
    assert!(client.put(&path, &change).await.expect(200)["translations"].is_null());
    shop.wait_until_idle().await;
    assert_eq!(shown(&shop, "?lang=ru").await["description_html"], "<p>Loydan</p>");
    assert_eq!(listed(&shop, "lang=ru").await.0, ["Koʻk kosa"]);
}

#[tokio::test]
async fn texts_that_do_not_fit_are_refused_where_they_stand() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let long = "x".repeat(70_000);
    for (translations, pointer, code) in [
        (json!({"uz": {"title": "Kosa"}}), "/translations/uz", "duplicate"),
        (json!({"russian": {"title": "Миска"}}), "/translations", "malformed"),
        (json!({"ru": {"title": "Миска"}, "RU": {"title": "Чаша"}}), "/translations", "malformed"),
        (json!({"ru": {"heading": "Миска"}}), "/translations/ru/heading", "unknown_field"),
        (json!({"ru": {"description_html": long}}), "/translations/ru/description_html", "too_long"),
        (json!({"ru": {"options": {"Hajm": {"name": "Объём"}}}}), "/translations/ru/options/Hajm", "unknown"),
        (
            json!({"ru": {"options": {"Rang": {"values": {"Koʻk": "Oq"}}}}}),
            "/translations/ru/options/Rang/values/Oq",
            "duplicate",
        ),
    ] {
        let mut product = bowl();
        product["translations"] = translations;
        let refused = vendor.client.post("/v1/vendor/products", &product).await.expect_problem(400, "invalid").clone();
        let error = &refused["errors"][0];
        assert!(text(&error["pointer"]).starts_with(pointer), "{refused}");
        if code != "malformed" && code != "too_long" {
            assert_eq!(error["code"], code, "{refused}");
        }
    }
}

#[tokio::test]
async fn pages_and_carts_speak_the_language_of_their_reader() {
    let shop = Shop::open().await;
    let bowl = written(&shop).await;
    let browser = shop.browser();
    for (language, title, tag) in [
        ("ru", "Синяя миска", ""),
        ("uz-cyrl", "Кўк коса", ""),
        ("zh", "蓝碗", " lang=\"zh-Hans\""),
        ("en", "Koʻk kosa", " lang=\"uz\""),
    ] {
        let page = browser.visit(&format!("/{language}/p/bowl")).await.expect(200);
        page.shows(&format!("<h1{tag}>{title}</h1>"));
        browser.visit(&format!("/{language}/products")).await.expect(200).shows(title);
        browser.visit(&format!("/{language}/v/ceramics")).await.expect(200).shows(title);
        browser.visit(&format!("/{language}/")).await.expect(200).shows(title);
    }
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let cart = guest.client.get(&format!("/v1/carts/{}?lang=ru", guest.cart)).await.expect(200).clone();
    assert_eq!(cart["groups"][0]["lines"][0]["title"], "Синяя миска (Синий)");
}

#[tokio::test]
async fn rows_of_an_earlier_release_get_their_titles_when_lists_are_rebuilt() {
    let shop = Shop::open().await;
    written(&shop).await;
    for mut item in items(&shop, "CatalogTable").await {
        if item["kind"]["S"] == "listing" {
            item.as_object_mut().expect("an item").remove("titles").expect("titles");
            put_item(&shop, "CatalogTable", &item).await;
        }
    }
    assert_eq!(listed(&shop, "lang=ru").await.0, ["Koʻk kosa"]);
    shop.operator().await.post("/v1/admin/rebuilds", &json!({"what": "listings"})).await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(listed(&shop, "lang=ru").await.0, ["Синяя миска"]);
}

#[tokio::test]
async fn a_language_with_a_description_alone_hides_no_title_in_another_script_of_it() {
    let shop = Shop::open().await;
    let product = written(&shop).await;
    let path = format!("/v1/vendor/products/{}", product.id);
    let own = product.vendor.client.get(&path).await.expect(200).clone();
    let mut change = bowl();
    for (at, variant) in change["variants"].as_array_mut().expect("variants").iter_mut().enumerate() {
        variant["id"] = own["variants"][at]["id"].clone();
        variant.as_object_mut().expect("an object").remove("on_hand");
    }
    change["translations"] = json!({"uz-Cyrl": {"description_html": "<p>Сопол</p>"}});
    product.vendor.client.with("if-match", "*").put(&path, &change).await.expect(200);
    shop.wait_until_idle().await;
    for tag in ["uz-Cyrl", "uz-Cyrl-UZ"] {
        let seen = shown(&shop, &format!("?lang={tag}")).await;
        assert_eq!((&seen["title"], &seen["description_html"]), (&json!("Кўк коса"), &json!("<p>Сопол</p>")));
        assert_eq!(listed(&shop, &format!("lang={tag}")).await.0, ["Кўк коса"]);
    }
    assert_eq!(shown(&shop, "?lang=uz").await["description_html"], "<p>Loydan</p>");
}

#[tokio::test]
async fn descriptions_that_an_earlier_release_has_left_at_a_former_handle_come_along_with_the_next_change() {
    let shop = Shop::open().await;
    let product = written(&shop).await;
    for mut item in items(&shop, "CatalogTable").await {
        if item["kind"]["S"] == "descriptions" {
            item["handle_key"] = json!({"S": "product#former"});
            put_item(&shop, "CatalogTable", &item).await;
        }
    }
    assert_eq!(shown(&shop, "?lang=ru").await["description_html"], "<p>Loydan</p>");
    let path = format!("/v1/vendor/products/{}", product.id);
    product.vendor.client.post(&format!("{path}/unpublish"), &json!({})).await.expect(200);
    product.vendor.client.post(&format!("{path}/publish"), &json!({})).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!(shown(&shop, "?lang=ru").await["description_html"], "<p>Из глины</p>");
    // Whatever another product has left there is not shown.
    for item in items(&shop, "CatalogTable").await {
        if item["kind"]["S"] == "descriptions" {
            let mut stray = item.clone();
            stray["pk"] = json!({"S": "PRODUCT#prd_00000000000000000000000001"});
            stray["data"] = json!({"S": "{\"ru\":\"<p>Чужое</p>\"}"});
            put_item(&shop, "CatalogTable", &stray).await;
        }
    }
    assert_eq!(shown(&shop, "?lang=ru").await["description_html"], "<p>Из глины</p>");
}

#[tokio::test]
async fn a_deleted_product_leaves_no_text_behind() {
    let shop = Shop::open().await;
    let product = written(&shop).await;
    let path = format!("/v1/vendor/products/{}", product.id);
    product.vendor.client.with("if-match", "*").delete(&path).await.expect(204);
    shop.wait_until_idle().await;
    let left = items(&shop, "CatalogTable").await;
    assert_eq!(left.iter().filter(|item| item.to_string().contains(&product.id)).count(), 0, "{left:?}");
}
