//! One word for one thing: what was renamed before the first client was generated does not come back.

use std::collections::BTreeSet;
use std::fs;

use syn::visit::{self, Visit};

use super::house::{root, sources};

/// Words that no identifier is made of any more. The README's list of words says what replaced them.
const RETIRED_WORDS: [&str; 31] = [
    "seller",
    "sellers",
    "catalogue",
    "mint",
    "minted",
    "shelf",
    "shelves",
    "unclaimed",
    "conflicted",
    "crowd",
    "crowded",
    "stranded",
    "letter",
    "letters",
    "patience",
    "patient",
    "patiently",
    "door",
    "doors",
    "occasion",
    "occasions",
    "tries",
    "standing",
    "keeping",
    "draw",
    "draws",
    "gather",
    "gathered",
    "counter",
    "counters",
    "levelled",
];

/// Names that are retired as a whole: no identifier has their words one behind another.
const RETIRED_NAMES: [&str; 27] = [
    "OrderFile",
    "VendorFile",
    "MoneyNews",
    "PaymentEvent",
    "VendorOrderEvent",
    "RefundEvent",
    "DisputeEvent",
    "KeptAnswer",
    "NamedCall",
    "UnclaimedCall",
    "TakeStock",
    "BackOrder",
    "WhenOut",
    "PayAgain",
    "StockCounter",
    "Admin",
    "SignedIn",
    "pay_again",
    "take_again",
    "give_back",
    "level_out",
    "call_off",
    "needs_a_hand",
    "by_bank",
    "when_out",
    "back_order",
    "kept_answer",
];

/// Identifiers that hold a retired word in another meaning, with the reason.
const ALLOWED: [(&str, &str); 2] =
    [("RowCounter", "it counts rows of a file"), ("row_counter", "it counts rows of a file")];

/// Words of prose that mean nothing else.
const RETIRED_PROSE: [&str; 17] = [
    "catalogue",
    "order file",
    "sub-order",
    "Mint",
    "Shelf",
    "kept answer",
    "named call",
    "unclaimed",
    "crowded",
    "conflicted",
    "stranded",
    "call off",
    "calls off",
    "called off",
    "call it off",
    "calls it off",
    "seller",
];

/// Where retired words stand on purpose: what release 0.1.0 stored, the names of tests before, and other languages.
const OLD_NAMES: [&str; 14] = [
    // A word of schema.org.
    "functions/storefront/src/product.rs",
    // Pages for buyers say seller.
    "shared/pages/src/languages/",
    "tests/fixtures/",
    "tests/names.md",
    "tests/conventions/words.rs",
    "tests/properties/stored_data",
    "tests/conventions/bad_input/webhooks.rs",
    "shared/domain/src/order/history.rs",
    // Stored keys and kinds, and the old names that serde reads.
    "shared/store/src/orders/",
    "shared/domain/src/payment.rs",
    "shared/domain/src/refund.rs",
    "infra/decisions/",
    // Headers of product files in other languages, which have such words or parts of them.
    "shared/product-file/src/woocommerce/language.rs",
    "shared/product-file/src/tests/languages.rs",
];

/// Every identifier of a source file, those inside macros as well.
#[derive(Default)]
struct Identifiers(BTreeSet<String>);

impl Identifiers {
    fn read(name: &str, source: &str) -> BTreeSet<String> {
        let file = syn::parse_file(source).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut found = Self::default();
        found.visit_file(&file);
        found.0
    }

    fn take(&mut self, tokens: proc_macro2::TokenStream) {
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Ident(ident) => drop(self.0.insert(ident.to_string())),
                proc_macro2::TokenTree::Group(group) => self.take(group.stream()),
                proc_macro2::TokenTree::Punct(_) | proc_macro2::TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Identifiers {
    fn visit_ident(&mut self, ident: &'ast proc_macro2::Ident) {
        self.0.insert(ident.to_string());
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        self.take(invoked.tokens.clone());
        visit::visit_macro(self, invoked);
    }
}

/// The words that an identifier is made of, in lower case: `VendorOrder` and `vendor_order` are `vendor` and `order`.
fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for character in identifier.chars() {
        let begins = character == '_' || (character.is_uppercase() && !before.is_uppercase());
        if begins {
            words.push(String::new());
        }
        if character != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The retired word in an identifier, if there is one.
fn retired(identifier: &str) -> Option<&'static str> {
    if ALLOWED.iter().any(|(allowed, _)| *allowed == identifier) {
        return None;
    }
    let words = words(identifier);
    // A type is looked for among types, a function among functions. `Admin` alone was the operator.
    let is_type = |name: &str| name.starts_with(|first: char| first.is_ascii_uppercase());
    let has = |name: &str| match self::words(name).as_slice() {
        [_] => name == identifier,
        _ if is_type(name) != is_type(identifier) => false,
        parts => words.windows(parts.len()).any(|some| some == parts),
    };
    if let Some(name) = RETIRED_NAMES.iter().find(|name| has(name)) {
        return Some(name);
    }
    let mut before = "";
    for word in &words {
        // A dead letter is what SQS calls it.
        let is_allowed = before == "dead" && word.starts_with("letter");
        if let Some(found) = RETIRED_WORDS.iter().find(|retired| *retired == word).filter(|_| !is_allowed) {
            return Some(found);
        }
        before = word;
    }
    None
}

#[test]
fn a_retired_word_is_found_in_whatever_form_it_stands() {
    for (identifier, found) in [
        ("SellerView", Some("seller")),
        ("a_seller_is_told", Some("seller")),
        ("OrderFile", Some("OrderFile")),
        ("pay_again_now", Some("pay_again")),
        ("is_signed_in", None),
        ("NewOrderFileView", Some("OrderFile")),
        ("counter_of", Some("counter")),
        ("dead_letters", None),
        ("DeadLetterQueue", None),
        ("letters", Some("letters")),
        ("BestSellers", Some("sellers")),
        ("row_counter", None),
        ("encounter", None),
    ] {
        assert_eq!(retired(identifier), found, "{identifier}");
    }
    let source = "fn f() { assert!(shelf.is_empty(), \"{shelf}\"); let x = vec![Mint::new()]; }";
    assert!(Identifiers::read("a", source).is_superset(&["shelf", "Mint"].map(str::to_owned).into()));
}

#[test]
fn the_words_that_were_retired_are_gone() {
    let mut found = Vec::new();
    for folder in ["shared", "functions", "infra", "tests"] {
        for (name, text) in sources(folder) {
            if name == "tests/conventions/words.rs" {
                continue;
            }
            for identifier in Identifiers::read(&name, &text) {
                if let Some(word) = retired(&identifier) {
                    found.push(format!("{name}: {identifier} ({word})"));
                }
            }
        }
    }
    assert!(found.is_empty(), "say it in the words of the README:\n{}", found.join("\n"));
}

#[test]
fn prose_uses_no_retired_word_either() {
    let mut texts: Vec<(String, String)> =
        ["shared", "functions", "infra", "tests"].into_iter().flat_map(sources).collect();
    let manifests = sources("functions").into_iter().chain(sources("shared")).map(|(name, _)| name);
    let manifests: BTreeSet<String> = manifests
        .filter_map(|name| name.split_once("/src/").map(|(package, _)| format!("{package}/Cargo.toml")))
        .collect();
    let others = ["README.md", "template.yaml", "infra/openapi.json", "tests/README.md", "Cargo.toml"];
    for name in manifests.into_iter().chain(others.map(str::to_owned)) {
        let text = fs::read_to_string(root().join(&name)).expect("a file");
        texts.push((name, text));
    }
    for entry in fs::read_dir(root().join("infra")).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.extension().is_some_and(|extension| extension == "md" || extension == "yaml") {
            let name = entry.strip_prefix(root()).expect("inside").display().to_string();
            texts.push((name, fs::read_to_string(&entry).expect("a file")));
        }
    }
    let mut found = Vec::new();
    for (name, text) in texts.iter().filter(|(name, _)| !OLD_NAMES.iter().any(|old| name.starts_with(old))) {
        for (number, line) in text.lines().enumerate() {
            // The old name of a stored value stands in its alias, and fields of the feed have Google's names.
            if line.contains("alias = \"") || line.contains("(\"g:") {
                continue;
            }
            if let Some(word) = RETIRED_PROSE.iter().find(|word| line.contains(**word)) {
                found.push(format!("{name}:{}: {word}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "say it in the words of the README:\n{}", found.join("\n"));
}
