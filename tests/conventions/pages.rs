//! What holds for every page of every function.

use std::collections::BTreeSet;

use domain::catalog::{
    MAX_CURRENCIES, MAX_DESCRIPTIONS_BYTES, MAX_IMAGES, MAX_KEPT_BYTES, MAX_LISTING_ROWS, MAX_ON_HAND, MAX_OPTIONS,
    MAX_OVERSELL, MAX_PRODUCT_BYTES, MAX_PRODUCT_SHARDS, MAX_SHARDS, MAX_TAGS, MAX_VARIANTS, ProductFault,
};
use domain::job::{ImportFault, ImportRowError};
use domain::text::ContentLanguage;
use local::functions::FUNCTIONS;
use pages::Language;
use product_file::Fault;
use reqwest::Method;

use crate::shop::Shop;

/// A path with something in the place of each parameter.
pub(crate) fn filled(path: &str) -> String {
    let path = path.replace("{lang}", "en").replace("{*category}", "bowls");
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "x1" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Each page with its methods.
fn every_page() -> Vec<(String, Vec<Method>)> {
    let all = FUNCTIONS.iter().flat_map(|function| (function.pages)());
    all.map(|(path, methods)| (filled(path), methods)).collect()
}

/// An entry of the report on a product file.
fn entry(code: &str, value: &str, detail: &str) -> ImportRowError {
    let entry = ImportRowError::of_file(ImportFault::Refused, detail);
    ImportRowError { code: code.to_owned(), value: value.to_owned(), ..entry }
}

/// An entry in each language but English, which needs no sentence beside the detail.
fn in_all_languages(entry: &ImportRowError) -> Vec<(Language, String)> {
    let others = Language::ALL.into_iter().filter(|language| *language != Language::En);
    let said = others.map(|language| {
        let said = pages::file_fault(language, entry);
        (language, said.unwrap_or_else(|| panic!("{} is not said in {}", entry.code, language.tag())))
    });
    said.collect()
}

#[test]
fn each_fault_of_a_product_file_is_said_in_each_language_and_what_a_file_holds_stays_as_it_is() {
    let of_files = Fault::ALL.iter().map(|fault| fault.code());
    let of_imports = ImportFault::ALL.iter().map(|fault| fault.code());
    let codes = of_files.chain(of_imports).chain(ProductFault::ALL.iter().map(|fault| fault.code()));
    let mut known = BTreeSet::new();
    for code in codes {
        assert!(known.insert(code), "{code} has two meanings, and one sentence");
        for value in ["", "7"] {
            for (_, said) in in_all_languages(&entry(code, value, "")) {
                assert!(!said.contains(['{', '}']) && said.trim() == said, "{said}");
            }
        }
    }
    let said = pages::file_fault(Language::UzCyrl, &entry(Fault::BadPolicy.code(), "maybe", "")).expect("a sentence");
    assert_eq!(said, "Захира қоидаси deny ёки continue бўлади: deny деб олинди.");
    assert_eq!(pages::file_fault(Language::Ru, &entry("unheard_of", "", "")), None);
    assert_eq!(pages::file_fault(Language::En, &entry(Fault::BadPolicy.code(), "", "")), None);
}

#[test]
fn what_a_fault_of_a_product_file_is_about_is_said_in_each_language() {
    for (code, value, detail, fact) in [
        ("too_many_rows", "3", "", "3"),
        ("file_too_large", "512", "", "512"),
        ("file_encoding", "windows-1251", "", "windows-1251"),
        ("limit_reached", "30", "", "30"),
        ("variant_reserved", "2", "", "2"),
        ("would_create", "4", "", "4"),
        ("quantity_too_low", "", "at most 6 units may be sold beyond the stock: the stock stays as it is", "6"),
        ("would_change", "", "price of B-1", "price of B-1"),
        ("refused", "", "the catalog is closed", "the catalog is closed"),
        ("product_too_many_currencies", "B-1", "/variants/0/prices: at most 8 currencies", "B-1"),
        ("product_too_many_listing_rows", "96", "", "96"),
        // As earlier releases have stored them.
        ("would_create", "", "5 variants", "5"),
        ("file_encoding", "", "the file was read as x-y", "read as x-y"),
        ("too_many", "", "/tags: at most 250", "at most 250"),
    ] {
        for (language, said) in in_all_languages(&entry(code, value, detail)) {
            assert!(said.contains(fact), "{code} in {}: {said}", language.tag());
        }
    }
    let of_cell = entry("quantity_reserved", "7", "9 units are reserved for buyers: the stock stays as it is");
    for (_, said) in in_all_languages(&ImportRowError { column: "Variant Inventory Qty".to_owned(), ..of_cell }) {
        assert!(said.contains('9') && !said.contains('7'), "{said}");
    }
}

#[test]
fn the_limits_that_sentences_about_product_files_name_are_those_that_hold() {
    for (code, most) in [
        ("too_many_variants", MAX_VARIANTS),
        ("too_many_variants_together", MAX_VARIANTS),
        ("product_too_many_variants", MAX_VARIANTS),
        ("too_many_options", MAX_OPTIONS),
        ("product_too_many_options", MAX_OPTIONS),
        ("too_many_images", MAX_IMAGES),
        ("product_too_many_images", MAX_IMAGES),
        ("too_many_tags", MAX_TAGS),
        ("product_too_many_tags", MAX_TAGS),
        ("product_too_many_currencies", MAX_CURRENCIES),
        ("product_too_many_languages", ContentLanguage::MOST),
        ("product_shards_out_of_range", usize::from(MAX_SHARDS)),
        ("product_too_many_shards", MAX_PRODUCT_SHARDS),
        ("product_too_many_listing_rows", MAX_LISTING_ROWS),
        ("product_too_large", MAX_PRODUCT_BYTES / 1024),
        ("product_descriptions_too_large", MAX_DESCRIPTIONS_BYTES / 1024),
        ("columns_left_out", MAX_KEPT_BYTES / 1024),
        ("kept_columns_full", 4 * MAX_KEPT_BYTES / 1024),
        ("bad_quantity", usize::try_from(MAX_ON_HAND).expect("a size")),
        ("product_low_stock_out_of_range", usize::try_from(MAX_ON_HAND).expect("a size")),
        ("product_oversell_limit_out_of_range", usize::try_from(MAX_OVERSELL).expect("a size")),
    ] {
        for (language, said) in in_all_languages(&entry(code, "", "")) {
            let written = pages::number(i64::try_from(most).expect("a limit"), language);
            let mut words = said.split(|found: char| !(found.is_ascii_digit() || matches!(found, ',' | '\u{a0}')));
            assert!(words.any(|word| word == written), "{code} in {}: {said}", language.tag());
        }
    }
}

#[tokio::test]
async fn a_form_is_taken_from_pages_of_ours_only_and_every_answer_keeps_to_itself() {
    let shop = Shop::open().await;
    for (path, methods) in every_page() {
        let mut browser = shop.browser();
        for method in &methods {
            let page = browser.sends(method.clone(), &path).await;
            assert!(page.status < 500, "{method} {path}: {}", page.status);
            let policy = page.header("content-security-policy").to_owned();
            for rule in ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'"] {
                assert!(policy.contains(rule), "{method} {path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(page.header("x-content-type-options"), "nosniff", "{method} {path}");
            assert_eq!(page.header("referrer-policy"), "same-origin", "{method} {path}");
            assert!(page.header("strict-transport-security").starts_with("max-age=31536000;"), "{method} {path}");
            assert!(page.header("permissions-policy").contains("camera=(), geolocation=()"), "{method} {path}");
            if page.header("content-type").starts_with("text/html") && !page.html.is_empty() {
                assert!(!page.html.contains(" style=") && !page.html.contains("<script>"), "{method} {path}");
                assert!(page.html.contains("<html lang=\"en\">"), "{method} {path}");
                for help in ["href=\"tel:+998712000000\"", "href=\"https://t.me/bozor\""] {
                    assert!(page.html.contains(help), "{method} {path} has no {help}");
                }
            }
        }
        if methods.contains(&Method::POST) {
            for site in [Some("cross-site"), Some("same-site"), Some("none"), None] {
                browser.site = site;
                let page = browser.submit(&path, &[("do", "add")]).await;
                assert_eq!(page.status, 403, "POST {path} from {site:?}");
                assert!(!page.headers.contains_key("set-cookie"), "POST {path} from {site:?}");
            }
        }
        browser.site = Some("same-origin");
        let wrong = browser.sends(Method::PUT, &path).await;
        assert_eq!(wrong.status, 405, "PUT {path}");
    }
}

/// What needs a browser is no part of these tests, and says so: in `.ci/wide` it runs each time.
#[test]
fn the_tests_in_a_browser_are_there_and_left_out_here() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pages");
    for file in ["README.md", "run.mjs", "journey.mjs", "offline.mjs", "security.mjs", "audit.mjs"] {
        assert!(folder.join(file).is_file(), "tests/pages/{file}");
    }
    crate::properties::faults::print_uncaptured(
        "left out: the pages in a real browser, which need node and chromium: see tests/pages/README.md",
    );
}
