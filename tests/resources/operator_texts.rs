//! Texts of the operator: published at their desk, and shown in the shop.

use local::seed::OPERATOR;
use serde_json::{Value, json};

use super::desk_pages::{CERAMICS, press};
use crate::shop::Shop;

#[tokio::test]
async fn a_text_of_the_operator_is_published_in_versions_and_the_shop_shows_it_in_the_language_that_fits() {
    let shop = Shop::open().await;
    shop.vendor("ceramics").await;
    let (operator, visitor) = (shop.browser_of(OPERATOR).await, shop.browser());
    let usual = visitor.visit("/en/returns").await.expect(200).html;
    assert!(usual.contains("<div class=\"prose\" lang=\"en\"><p>"), "{usual}");
    operator.visit("/operate/settings/limits").await.expect(200).shows("href=\"/operate/texts\"");
    operator.visit("/operate/texts").await.expect(200).shows("href=\"/operate/texts/returns\"");
    operator.visit("/operate/texts/nothing").await.expect(404);
    let at = "/operate/texts/returns";
    let blank = press(&operator, at, "", &[("texts/uz", " ")]).await.expect(400);
    assert_eq!(blank.errors(), ["texts-uz"]);
    let texts = [("texts/uz", "14 kun.\r\n\r\nQaytaring."), ("texts/ru", "14 дней <b>на возврат</b>.")];
    let key = operator.visit(at).await.expect(200).value("key");
    let fields: Vec<(&str, &str)> = std::iter::once(("key", &*key)).chain(texts).collect();
    for _ in 0..2 {
        let published = operator.submit(at, &fields).await.expect(303).location();
        assert_eq!(published, format!("{at}?done=published-text"));
    }
    let versions = shop.operator().await.get("/v1/admin/terms/returns").await.expect(200)["items"].clone();
    assert_eq!(versions.as_array().map(Vec::len), Some(1), "a form that is sent twice publishes once");
    for (language, shown) in [
        ("uz", "<div class=\"prose\" lang=\"uz\"><p>14 kun.</p><p>Qaytaring.</p></div>"),
        ("uz-cyrl", "<div class=\"prose\" lang=\"uz-Cyrl\"><p>14 кун.</p><p>Қайтаринг.</p></div>"),
        ("en", "lang=\"ru\""),
    ] {
        visitor.visit(&format!("/{language}/returns")).await.expect(200).shows(shown);
    }
    let russian = visitor.visit("/ru/returns").await.expect(200).html;
    assert!(!russian.contains("<b>") && russian.contains("на возврат"), "{russian}");
    operator.visit(at).await.expect(200).shows("14 дней");

    // What buyers accept is what the page of terms says, and members have days for what they accept.
    press(&operator, "/operate/texts/offer", "", &[("texts/en", "The offer, version one.")]).await.expect(303);
    visitor.visit("/en/terms").await.expect(200).shows("The offer, version one.");
    let agreement = [("texts/en", "The agreement."), ("grace_days", "soon")];
    let wrong = press(&operator, "/operate/texts/agreement", "", &agreement).await.expect(400);
    assert_eq!(wrong.errors(), ["grace_days"]);
    wrong.shows("The agreement.");
    let agreement = [("texts/en", "The agreement."), ("grace_days", "30")];
    press(&operator, "/operate/texts/agreement", "", &agreement).await.expect(303);
    let vendor = shop.browser_of(CERAMICS).await;
    vendor.visit("/operate/texts").await.expect(403);
    vendor.visit(at).await.expect(403);
    vendor.submit(at, &fields).await.expect(403);
}

#[tokio::test]
async fn the_longest_texts_are_published_by_the_page_and_what_a_table_cannot_hold_is_refused() {
    let shop = Shop::open().await;
    let (page, operator) = (shop.browser_of(OPERATOR).await, shop.operator().await);
    let (long, chinese) = ("ж".repeat(30_000), "字".repeat(30_000));
    let at = "/operate/texts/offer";
    press(&page, at, "", &[("texts/ru", &long), ("texts/zh", &chinese)]).await.expect(303);
    let published = operator.get("/v1/terms").await.expect(200)["offer"]["texts"].clone();
    assert_eq!((&published["ru"], &published["zh"]), (&json!(long), &json!(chinese)));

    let texts: serde_json::Map<String, Value> = ["de", "en", "fr", "kk"]
        .map(|language| (language.to_owned(), json!("字".repeat(20_100))))
        .into_iter()
        .collect();
    let refused = operator.post("/v1/admin/terms/offer", &json!({ "texts": texts })).await;
    assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/texts");
    let more = [("texts/en", &*chinese), ("texts/ru", &chinese), ("texts/uz", &chinese), ("texts/zh", &chinese)];
    let refused = press(&page, at, "", &more).await.expect(400);
    assert_eq!(refused.errors(), ["texts-uz"]);
    assert_eq!(operator.get("/v1/terms").await.expect(200)["offer"]["version"], 1);
}
