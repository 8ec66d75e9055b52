//! What keeps the house as it is: rules that the compiler does not know.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project").to_path_buf()
}

/// Every source file below a folder.
pub(crate) fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                walk(&entry, found);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                found.push(entry);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).expect("inside").display().to_string();
            (name, fs::read_to_string(path).expect("a source file"))
        })
        .collect()
}

/// The text without what is marked as being for tests: what runs in production. What is marked ends with its own line, as
/// `mod tests;` does, or with the bracket that stands under its beginning, as rustfmt puts it.
fn production(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        let is_attribute = |line: &&str| line.trim().starts_with("#[");
        let Some(item) = lines.by_ref().find(|line| !is_attribute(line)) else { break };
        if item.ends_with('{') {
            lines.by_ref().find(|line| line.trim() == "}" && indent(line) == indent(item));
        }
    }
    kept
}

#[test]
fn only_what_is_marked_is_left_out_of_the_production() {
    let text = "\
mod a;
#[cfg(test)]
mod laws;
mod b;
impl A {
    #[cfg(test)]
    fn shown() {
        if true {
        }
    }
    fn real() {}
}
#[cfg(test)]
#[expect(lint, reason = \"so\")]
mod tests {
    fn tested() {
    }
}
fn last() {}
";
    assert_eq!(production(text), "mod a;\nmod b;\nimpl A {\n    fn real() {}\n}\nfn last() {}\n");
}

#[test]
fn the_domain_knows_no_clock_no_network_and_does_not_wait() {
    for (name, text) in sources("shared/domain/src") {
        for word in ["async fn", "aws_sdk", "axum", "http::", "std::env", "SystemTime", "Instant::now", "tokio"] {
            assert!(!production(&text).contains(word), "{name} contains {word}");
        }
    }
}

#[test]
fn api_store_and_payments_do_not_know_each_other() {
    for (name, strangers) in [
        ("api", ["store", "payments", "platform"]),
        ("store", ["api", "payments", "platform"]),
        ("payments", ["api", "store", "platform"]),
        ("domain", ["api", "store", "payments"]),
    ] {
        let manifest = fs::read_to_string(root().join("shared").join(name).join("Cargo.toml")).expect("a manifest");
        for stranger in strangers {
            assert!(!manifest.contains(&format!("\n{stranger}.workspace")), "{name} depends on {stranger}");
        }
    }
}

#[test]
fn only_problem_rs_maps_a_code_to_a_status() {
    for folder in ["shared", "functions"] {
        for (name, text) in sources(folder) {
            // What a provider answers is its own status, not ours.
            if name != "shared/api/src/problem.rs" && !name.starts_with("shared/payments/") {
                for word in [
                    "StatusCode::CONFLICT",
                    "StatusCode::FORBIDDEN",
                    "StatusCode::NOT_FOUND",
                    "StatusCode::UNAUTHORIZED",
                ] {
                    assert!(!production(&text).contains(word), "{name} contains {word}");
                }
            }
        }
    }
}

#[test]
fn no_request_scans_a_table_and_only_tables_spell_keys() {
    for folder in ["shared", "functions"] {
        for (name, text) in sources(folder) {
            assert!(!production(&text).contains(".scan()"), "{name} scans");
            if !name.starts_with("shared/store/") && !name.starts_with("shared/platform/") {
                for word in ["\"ORDER#", "\"CART#", "\"PRODUCT#", "\"VENDOR#", "\"STOCK#", "\"USER#"] {
                    assert!(!production(&text).contains(word), "{name} spells the key {word}");
                }
            }
        }
    }
}

#[test]
fn money_is_never_a_float() {
    for folder in ["shared/domain/src", "shared/store/src", "shared/payments/src", "functions"] {
        for (name, text) in sources(folder) {
            for word in [": f64", ": f32", "as f64", "as f32", "<f64>", "<f32>"] {
                assert!(!production(&text).contains(word), "{name} contains {word}");
            }
        }
    }
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    for folder in ["shared", "functions", "infra/local/src", "tests"] {
        for (name, _) in sources(folder) {
            let stem = Path::new(&name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            assert!(!["utils", "util", "common", "helpers", "core", "types", "models"].contains(&stem), "{name}");
        }
    }
}

#[test]
fn no_file_is_too_long() {
    for folder in ["shared", "functions", "infra/local", "tests"] {
        for (name, text) in sources(folder) {
            // About 400, and a little more where the tests of one thing are many.
            assert!(text.lines().count() <= 480, "{name} has {} lines: split it", text.lines().count());
        }
    }
}

#[test]
fn every_main_is_a_few_lines() {
    for folder in ["functions", "infra/local"] {
        for (name, text) in sources(folder) {
            if name.ends_with("/main.rs") {
                assert!(text.lines().count() <= 15, "{name} has {} lines", text.lines().count());
            }
        }
    }
}

#[test]
fn no_function_links_aws_lc() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a lock file");
    for name in ["aws-lc-rs", "aws-lc-sys", "aws-lc-fips-sys", "openssl-sys"] {
        assert!(!lock.contains(&format!("name = \"{name}\"")), "{name} is in the tree");
    }
}

#[test]
fn every_dependency_has_its_line_among_the_decisions() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("a file");
    let (manifest, decisions) = (read("Cargo.toml"), read("infra/decisions.md"));
    let table = manifest.split("[workspace.dependencies]").nth(1).expect("dependencies");
    let table = table.split("\n[").next().expect("dependencies");
    // The house's own have a path, and the AWS SDK is many.
    let foreign = table.lines().filter(|line| !line.contains("path = ") && !line.starts_with("aws-"));
    let names = foreign.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    let silent: Vec<&str> =
        names.map(|(name, _)| name).filter(|name| !decisions.contains(&format!("`{name}`"))).collect();
    assert!(silent.is_empty(), "say in infra/decisions.md what these are for: {silent:?}");
}

#[test]
fn what_the_template_counts_in_the_logs_is_what_the_functions_log() {
    let template = fs::read_to_string(root().join("template.yaml")).expect("the template");
    let counted: Vec<&str> = template
        .lines()
        .filter_map(|line| line.split_once("FilterPattern: '{ $.message = ")?.1.strip_suffix(" }'"))
        .collect();
    assert!(!counted.is_empty());
    let functions = sources("functions");
    for message in counted {
        let is_logged = functions.iter().any(|(_, text)| production(text).contains(message));
        assert!(is_logged, "nobody logs {message}: the metric would stay at zero");
    }
}
