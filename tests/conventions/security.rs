//! `infra/security.md` names tests and files as proof: what it names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project").to_owned()
}

/// What stands between backticks on the page.
fn named() -> Vec<String> {
    let page = fs::read_to_string(root().join("infra/security.md")).expect("the page");
    page.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn functions_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            functions_in(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let source = fs::read_to_string(&path).expect("a source");
            for line in source.lines() {
                if let Some((_, rest)) = line.split_once("fn ")
                    && let Some((name, _)) = rest.split_once('(')
                {
                    found.insert(name.to_owned());
                }
            }
        }
    }
}

/// Whether a name is one of ours for a function: small letters, digits and underscores, three words at least.
fn is_sentence(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.bytes().all(is_allowed) && name.matches('_').count() >= 2
}

#[test]
fn every_test_that_the_page_on_security_names_is_there() {
    let mut functions = BTreeSet::new();
    for folder in ["shared", "functions", "infra", "tests"] {
        functions_in(&root().join(folder), &mut functions);
    }
    let named = named();
    let sentences: Vec<&String> = named.iter().filter(|name| is_sentence(name)).collect();
    assert!(sentences.len() > 100, "{} tests are named", sentences.len());
    let gone: Vec<_> = sentences.into_iter().filter(|name| !functions.contains(*name)).collect();
    assert!(gone.is_empty(), "{gone:#?}");
}

#[test]
fn every_file_that_the_page_on_security_names_is_there() {
    let is_file =
        |name: &&String| name.contains('/') && name.contains('.') && !name.contains(' ') && !name.starts_with('/');
    let gone: Vec<String> =
        named().iter().filter(is_file).filter(|name| !root().join(name.as_str()).exists()).cloned().collect();
    assert!(gone.is_empty(), "{gone:#?}");
}
