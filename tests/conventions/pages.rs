//! What holds for every page of every function.

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

#[test]
fn each_fault_of_a_product_file_is_said_in_each_language_and_what_a_file_holds_stays_as_it_is() {
    for fault in Fault::ALL {
        for language in Language::ALL.into_iter().filter(|language| *language != Language::En) {
            let said = pages::file_fault(language, fault.code());
            let said = said.unwrap_or_else(|| panic!("{} is not said in {}", fault.code(), language.tag()));
            assert!(!said.contains(['{', '}']) && said.trim() == said, "{said}");
        }
    }
    let said = pages::file_fault(Language::UzCyrl, Fault::BadPolicy.code()).expect("a sentence");
    assert_eq!(said, "Захира қоидаси deny ёки continue бўлади: deny деб олинди.");
    assert_eq!(pages::file_fault(Language::Ru, "unheard_of"), None);
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
            if page.header("content-type").starts_with("text/html") && !page.html.is_empty() {
                assert!(!page.html.contains(" style=") && !page.html.contains("<script>"), "{method} {path}");
                assert!(page.html.contains("<html lang=\"en\">"), "{method} {path}");
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
