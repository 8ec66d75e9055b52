//! Texts of products in several languages come in files, and go out in them.

use serde_json::json;

use super::{errors, export, import, products, shop_with_categories};

const FILE: &str = "Handle,Title,Text Language,Title / ru,Body (HTML) / ru,Title / zh-hans,Option1 Name,Option1 Name / ru,\
    Option1 Value,Option1 Value / ru,Variant Price\n\
    kosa,Kosa,uz,Миска,<p>Глина</p>,碗,Rang,Цвет,Oq,Белый,1.00\nkosa,,,,,,,,Qora,Чёрный,1.00\n\
    piyola,Piyola,,,,,Rang,,Oq,,1.00\n";

#[tokio::test]
async fn texts_in_several_languages_come_in_and_go_out_with_files() {
    let (shop, vendor) = shop_with_categories().await;
    let job = import(&shop, &vendor, "?publish=true", FILE).await;
    assert_eq!((&job["created"], errors(&job)), (&json!(2), Vec::new()), "{job}");
    let known = products(&vendor).await;
    let kosa = &known["kosa"];
    let id = kosa["id"].as_str().expect("an id");
    let read = vendor.client.get(&format!("/v1/vendor/products/{id}")).await.expect(200).clone();
    assert_eq!(read["language"], "uz");
    assert_eq!(read["translations"]["ru"]["title"], "Миска");
    assert_eq!(read["translations"]["ru"]["description_html"], "<p>Глина</p>");
    assert_eq!(
        read["translations"]["ru"]["options"],
        json!({"Rang": {"name": "Цвет", "values": {"Oq": "Белый", "Qora": "Чёрный"}}})
    );
    assert_eq!(read["translations"]["zh-Hans"]["title"], "碗");

    let exported = export(&shop, &vendor, "").await;
    let header = exported.lines().next().expect("a header");
    assert!(header.contains(",Text Language,Title / ru,Body (HTML) / ru,"), "{header}");
    assert!(header.contains(",Title / zh-Hans,"), "{header}");
    assert_eq!(import(&shop, &vendor, "?stock=set", exported.clone()).await["unchanged"], 2);
    let other = shop.vendor("others").await;
    let job = import(&shop, &other, "", exported).await;
    assert_eq!((&job["created"], errors(&job)), (&json!(2), Vec::new()), "{job}");
    let back = export(&shop, &other, "").await;
    for text in ["Миска", "<p>Глина</p>", "碗", "Цвет", "Чёрный"] {
        assert!(back.contains(text), "{text}: {back}");
    }

    // The language of a book is not that of its texts, and a cell that names none leaves what was said.
    let book = "Handle,Title,Text Language,Language,Option1 Name,Option1 Value,Variant Price\n\
        kosa,Kosa,Uzbek,English,Rang,Oq,1.00\nkosa,,,,,Qora,1.00\n";
    let job = import(&shop, &vendor, "", book).await;
    assert_eq!(errors(&job), [(2, "Text Language", "bad_language")], "{job}");
    assert_eq!(products(&vendor).await["kosa"]["language"], "uz");
    let exported = export(&shop, &vendor, "").await;
    assert!(exported.lines().next().is_some_and(|header| header.ends_with(",Language")), "{exported}");
    assert!(exported.contains(",English\n") || exported.contains(",English\r\n"), "{exported}");

    // A file without these columns leaves the texts, and WooCommerce's format has none.
    let woocommerce = export(&shop, &vendor, "?format=woocommerce").await;
    assert!(!woocommerce.contains("Миска"), "{woocommerce}");
    import(&shop, &vendor, "", woocommerce).await;
    assert_eq!(products(&vendor).await["kosa"]["translations"], known["kosa"]["translations"]);
    let many = ["en", "ru", "kk", "ky", "tg", "tr", "zh", "de", "fr"].map(|tag| format!("Title / {tag}")).join(",");
    let job = import(&shop, &vendor, "", format!("Handle,Title,Variant Price,{many}\na,A,1\n")).await;
    assert_eq!((&job["state"], errors(&job)), (&json!("failed"), vec![(1, "Title / fr", "too_many_languages")]));
}
