use serde_json::json;

use super::*;

fn language(tag: &str) -> ContentLanguage {
    ContentLanguage::parse(tag).unwrap()
}

/// A bowl whose own texts are in Uzbek, with Russian ones, and a title in Chinese.
fn bowl() -> Product {
    let id = |ordinal| crate::VariantId::new(crate::ProductId::from_bits(1), ordinal);
    let variant = |ordinal, value| json!({"id": id(ordinal), "values": [value], "prices": [], "ordinal": ordinal});
    serde_json::from_value(json!({
        "id": crate::ProductId::from_bits(1), "handle": "kosa", "title": "Kosa", "language": "uz", "state": "draft",
        "options": [{"name": "Rang", "values": ["Koʻk", "Oq"]}],
        "variants": [variant(1, "Koʻk"), variant(2, "Oq")],
        "seo": {"title": "Kosa — Rishton"},
        "translations": {
            "ru": {"title": "Миска", "options": {"Rang": {"name": "Цвет", "values": {"Koʻk": "Синий"}}}},
            "zh-Hans": {"title": "碗"}
        },
        "vendor": {"id": crate::VendorId::from_bits(2), "handle": "ceramics", "name": "Ceramics"},
        "created_at": "2026-11-30T00:00:00Z", "next_ordinal": 3,
    }))
    .unwrap()
}

/// Title, SEO title, name of the option and its values as they are shown, with the language that is said.
fn shown(product: &Product, wanted: &str) -> (Vec<String>, Option<String>) {
    let mut product = product.clone();
    let wording = product.show_in(&language(wanted));
    assert!(product.translations.is_empty(), "nobody reads them twice");
    let mut texts = vec![product.title.to_string()];
    texts.extend(product.seo.title.iter().map(ToString::to_string));
    for option in &product.options {
        texts.push(option.name.to_string());
        texts.extend(option.values.iter().map(ToString::to_string));
    }
    let values: Vec<&Name> = product.variants.iter().flat_map(|variant| &variant.values).collect();
    assert_eq!(values, product.options[0].values.iter().collect::<Vec<_>>(), "variants have the same words");
    (texts, wording.shown().map(ToString::to_string))
}

#[test]
fn a_product_is_shown_in_the_language_that_is_asked_for_and_else_in_its_own() {
    let expect = |wanted: &str, texts: &[&str], said: &str| {
        let (found, language) = shown(&bowl(), wanted);
        assert_eq!(
            (found.iter().map(String::as_str).collect::<Vec<_>>(), language.as_deref()),
            (texts.to_vec(), Some(said)),
            "{wanted}"
        );
    };
    expect("uz", &["Kosa", "Kosa — Rishton", "Rang", "Koʻk", "Oq"], "uz");
    expect("uz-Cyrl", &["Коса", "Коса — Риштон", "Ранг", "Кўк", "Оқ"], "uz-Cyrl");
    // What is missing in the translation stands in the product's own language.
    expect("ru", &["Миска", "Цвет", "Синий", "Oq"], "ru");
    expect("ru-RU", &["Миска", "Цвет", "Синий", "Oq"], "ru");
    expect("zh", &["碗", "Rang", "Koʻk", "Oq"], "zh-Hans");
    expect("en", &["Kosa", "Kosa — Rishton", "Rang", "Koʻk", "Oq"], "uz");
    let unknown = Product { language: None, ..bowl() };
    assert_eq!(shown(&unknown, "uz-Cyrl").1, None, "nobody says that it is Uzbek");
}

#[test]
fn a_description_is_chosen_by_itself() {
    let descriptions: InLanguages<String> = [(language("ru"), "<p>Глина</p>".to_owned())].into_iter().collect();
    let said = |wanted: &str| bowl().description_in(&language(wanted), "<p>Loy</p>", &descriptions);
    assert_eq!(
        ["ru", "uz", "uz-Cyrl", "zh", "en"].map(said),
        ["<p>Глина</p>", "<p>Loy</p>", "<p>Лой</p>", "<p>Loy</p>", "<p>Loy</p>"]
    );
}

#[test]
fn lists_have_each_title_once_cut_and_uzbek_in_both_scripts() {
    let titles = bowl().listed_titles();
    let titles: Vec<(&str, &str)> = titles.iter().map(|(tag, title)| (tag.as_str(), title.as_str())).collect();
    assert_eq!(titles, [("ru", "Миска"), ("uz", "Kosa"), ("uz-Cyrl", "Коса"), ("zh", "碗"), ("zh-Hans", "碗")]);
    let mut long = bowl();
    let title = Title::parse(&"ў".repeat(200)).unwrap();
    long.translations =
        [(language("uz-Cyrl"), Translation { title: Some(title), ..Translation::default() })].into_iter().collect();
    long.language = None;
    let titles = long.listed_titles();
    assert_eq!((titles["uz-Cyrl"].chars().count(), titles["uz-Cyrl"].ends_with('…')), (MAX_LISTED_TITLE, true));
    assert!(titles["uz"].starts_with("oʻoʻ"));
    let alone = Product { translations: InLanguages::new(), language: Some(language("ru")), ..bowl() };
    assert!(alone.listed_titles().is_empty(), "the card says it");
    let silent = Product { translations: InLanguages::new(), language: None, ..bowl() };
    assert!(silent.listed_titles().is_empty());
}

#[test]
fn words_that_mean_nothing_or_the_same_are_refused_where_they_stand() {
    let faults = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut product = serde_json::to_value(bowl()).unwrap();
        change(&mut product);
        let product: Product = serde_json::from_value(product).unwrap();
        let faults = product.translation_faults();
        faults.into_iter().map(|found| format!("{} {}", found.pointer, found.fault.code())).collect::<Vec<_>>()
    };
    assert!(faults(&|_| {}).is_empty());
    assert_eq!(
        faults(&|product| product["translations"]["uz"] = json!({"title": "Kosa"})),
        ["/translations/uz product_own_language_twice"]
    );
    let words = |words: serde_json::Value| {
        move |product: &mut serde_json::Value| product["translations"]["ru"]["options"] = words.clone()
    };
    assert_eq!(
        faults(&words(json!({"A/b": {"name": "Цвет"}}))),
        ["/translations/ru/options/A~1b product_unknown_word"]
    );
    assert_eq!(
        faults(&words(json!({"Rang": {"values": {"Qizil": "Красный"}}}))),
        ["/translations/ru/options/Rang/values/Qizil product_unknown_word"]
    );
    assert_eq!(
        faults(&words(json!({"Rang": {"values": {"Koʻk": "Oq"}}}))),
        ["/translations/ru/options/Rang/values/Oq product_same_word"],
        "with the one that is not translated"
    );
    let tags = ["en", "ru", "kk", "ky", "tg", "tr", "zh", "de", "fr"];
    let many = |product: &mut serde_json::Value| {
        product["translations"] = tags.iter().map(|tag| ((*tag).to_owned(), json!({"title": "x"}))).collect();
    };
    assert_eq!(faults(&many), ["/translations product_too_many_languages"]);
}

#[test]
fn words_of_what_is_gone_are_forgotten() {
    let mut product = bowl();
    product.options[0].values.remove(0);
    product.forget_words();
    let russian = product.translations.get(&language("ru")).unwrap();
    assert_eq!(russian.options.values().map(|words| words.values.len()).collect::<Vec<_>>(), [0]);
    product.options.clear();
    product.forget_words();
    assert!(product.translations.get(&language("ru")).unwrap().options.is_empty());
    assert!(product.translation_faults().is_empty());
}

fn words(product: &Product) -> Vec<String> {
    product
        .options
        .iter()
        .flat_map(|option| option.values.iter().chain([&option.name]))
        .map(ToString::to_string)
        .collect()
}

fn said(json: serde_json::Value) -> Translation {
    serde_json::from_value(json).unwrap()
}

#[test]
fn each_text_is_chosen_by_itself_so_that_a_half_translated_language_hides_nothing() {
    // In Cyrillic script there is a description alone: the title is made from the Latin one.
    let mut half = bowl();
    half.translations.insert(language("uz-Cyrl"), Translation::default());
    assert_eq!(shown(&half, "uz-Cyrl"), shown(&bowl(), "uz-Cyrl"));
    assert_eq!(half.listed_titles(), bowl().listed_titles());
    let mut kazakh = bowl();
    kazakh.translations.insert(language("ru-KZ"), said(json!({"options": {"Rang": {"values": {"Oq": "Белая"}}}})));
    let (texts, _) = shown(&kazakh, "ru");
    assert_eq!(texts, ["Миска", "Цвет", "Синий", "Белая"], "what one form lacks another has");
}

#[test]
fn what_search_engines_get_is_in_the_language_of_the_title() {
    let seo = |wanted: &str, own: Product| {
        let mut product = own;
        product.show_in(&language(wanted));
        let Seo { title, description } = product.seo;
        (title.map(|text| text.to_string()), description.map(|text| text.to_string()))
    };
    let mut product = bowl();
    product.seo.description = crate::text::LongText::parse("Loydan").ok();
    assert_eq!(seo("ru", product.clone()), (None, None), "the Russian title says more");
    assert_eq!(seo("uz-Cyrl", product.clone()), (Some("Коса — Риштон".into()), Some("Лойдан".into())));
    assert_eq!(seo("en", product.clone()), (Some("Kosa — Rishton".into()), Some("Loydan".into())));
    product.translations.insert(language("en"), said(json!({"seo": {"description": "Of clay"}})));
    assert_eq!(seo("en", product), (Some("Kosa — Rishton".into()), Some("Of clay".into())));
}

#[test]
fn words_that_are_one_in_the_other_script_stay_as_they_are_written() {
    let mut circus = bowl();
    let names = ["Цирк", "Сирк"].map(|name| Name::parse(name).unwrap());
    circus.language = Some(language("uz-Cyrl"));
    circus.options[0].values = names.to_vec();
    for (variant, name) in circus.variants.iter_mut().zip(names) {
        variant.values = vec![name];
    }
    circus.show_in(&language("uz"));
    assert_eq!(words(&circus), ["Цирк", "Сирк", "Rang"]);
    assert_eq!(circus.variants[1].values[0].as_str(), "Сирк");
}

#[test]
fn words_follow_an_option_in_its_place_and_a_value_of_the_same_variant_to_another_name() {
    let name = |text: &str| Name::parse(text).unwrap();
    let mut renamed = Product { translations: InLanguages::new(), ..bowl() };
    renamed.options[0] = ProductOption { name: name("Tus"), values: vec![name("Moviy"), name("Oq")] };
    renamed.variants[0].values = vec![name("Moviy")];
    renamed.keep_words(&bowl());
    renamed.show_in(&language("ru"));
    assert_eq!(words(&renamed), ["Синий", "Oq", "Цвет"]);
    // Two that change their names with each other say nothing of what is meant: each keeps its own word.
    let mut swapped = Product { translations: InLanguages::new(), ..bowl() };
    swapped.variants[0].values = vec![name("Oq")];
    swapped.variants[1].values = vec![name("Koʻk")];
    swapped.keep_words(&bowl());
    assert_eq!(swapped.translations, bowl().translations);
    // Another option in its place is no other name.
    let mut moved = Product { translations: InLanguages::new(), ..bowl() };
    moved.options.insert(0, ProductOption { name: name("Hajm"), values: vec![name("S")] });
    for variant in &mut moved.variants {
        variant.values.insert(0, name("S"));
    }
    moved.keep_words(&bowl());
    moved.show_in(&language("ru"));
    assert_eq!(words(&moved), ["S", "Hajm", "Синий", "Oq", "Цвет"]);
}

#[test]
fn descriptions_are_bounded_together_and_in_number_and_in_none_of_the_own_language() {
    let faults = |tags: &[&str], html: &str| {
        let descriptions = tags.iter().map(|tag| (language(tag), html.to_owned())).collect();
        let found = bowl().description_faults(&descriptions);
        found.into_iter().map(|found| format!("{} {}", found.pointer, found.fault.code())).collect::<Vec<_>>()
    };
    assert!(faults(&["ru", "zh-Hans", "en"], "<p>x</p>").is_empty());
    assert_eq!(faults(&["uz"], "<p>x</p>"), ["/translations/uz product_own_language_twice"]);
    let many = ["ru", "en", "kk", "ky", "tg", "tr", "de", "fr"];
    assert_eq!(faults(&many, "<p>x</p>"), ["/translations product_too_many_languages"], "with the Chinese title");
    let long = "x".repeat(MAX_DESCRIPTIONS_BYTES / 2 + 1);
    assert_eq!(faults(&["ru", "en"], &long), ["/translations product_descriptions_too_large"]);
}
