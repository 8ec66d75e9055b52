//! Rules of the code base that the compiler does not check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project").to_path_buf()
}

/// Every source file below a folder: its path from the root, and its text.
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

/// Every source file below a folder that runs in production, without what is for tests.
pub(crate) fn production_sources(folder: &str) -> Vec<(String, String)> {
    let is_test = |name: &str| name.ends_with("tests.rs") || name.contains("/tests/");
    let all = sources(folder).into_iter().filter(|(name, _)| !is_test(name));
    all.map(|(name, text)| (name, production(&text))).collect()
}

/// The source that runs in production: without what is marked `#[cfg(test)]`. A marked item ends with its own line, as
/// `mod tests;` does, or with the closing brace at its own indentation, as rustfmt places it.
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
            lines.by_ref().find(|line| matches!(line.trim(), "}" | "};") && indent(line) == indent(item));
        }
    }
    kept
}

#[test]
fn only_code_marked_for_tests_is_left_out_of_the_production_source() {
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
    for (name, text) in production_sources("shared/domain/src") {
        for word in ["async fn", "aws_sdk", "axum", "http::", "std::env", "SystemTime", "Instant::now", "tokio"] {
            assert!(!text.contains(word), "{name} contains {word}");
        }
    }
}

/// What a package depends on, as its manifest names it.
fn dependencies(package: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).expect("a manifest");
    let name = |line: &str| line.split(['.', '=', ' ']).next().unwrap_or_default().to_owned();
    manifest.lines().filter(|line| !line.starts_with(['#', '[', ' '])).map(name).collect()
}

#[test]
fn api_store_and_payments_do_not_know_each_other() {
    for (name, strangers) in [
        ("api", ["store", "payments", "platform"]),
        ("store", ["api", "payments", "platform"]),
        ("payments", ["api", "store", "platform"]),
        ("domain", ["api", "store", "payments"]),
        ("pages", ["api", "store", "payments"]),
        ("pages", ["shop", "desk", "platform"]),
        ("browser", ["store", "payments", "desk"]),
        ("domain", ["platform", "axum", "tokio"]),
    ] {
        let known = dependencies(&format!("shared/{name}"));
        for stranger in strangers {
            assert!(!known.contains(stranger), "{name} depends on {stranger}");
        }
    }
}

/// The packages in a folder.
fn packages(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    names.filter(|name| root().join(folder).join(name).join("Cargo.toml").exists()).collect()
}

#[test]
fn no_function_depends_on_a_function() {
    let functions = packages("functions");
    for function in &functions {
        let needed = dependencies(&format!("functions/{function}"));
        let other = functions.iter().find(|other| needed.contains(*other));
        assert!(other.is_none(), "functions/{function} depends on functions/{other:?}: move what both need to shared/");
    }
    for room in packages("shared") {
        let needed = dependencies(&format!("shared/{room}"));
        let function = functions.iter().find(|function| needed.contains(*function));
        assert!(function.is_none(), "shared/{room} depends on functions/{function:?}");
    }
}

#[test]
fn only_settlement_knows_both_the_tables_and_the_providers() {
    for folder in ["shared", "functions"] {
        for package in packages(folder) {
            let knows = dependencies(&format!("{folder}/{package}")).contains("payments");
            assert_eq!(knows, package == "settlement", "{folder}/{package}: providers are called by settlement");
        }
    }
    assert!(dependencies("shared/settlement").contains("store"));
}

#[test]
fn what_buyers_and_vendors_can_do_knows_no_http_and_its_faces_no_table() {
    for room in ["shop", "desk", "settlement"] {
        let needed = dependencies(&format!("shared/{room}"));
        for stranger in ["api", "axum", "lambda_http", "lambda_runtime"] {
            assert!(!needed.contains(stranger), "shared/{room} depends on {stranger}");
        }
    }
    let pages = ["storefront", "storefront-private", "storefront-desk"];
    let faces = ["catalog", "cart", "checkout", "orders", "account", "vendor-desk", "vendor-onboarding", "admin"];
    for face in faces.into_iter().chain(pages) {
        let needed = dependencies(&format!("functions/{face}"));
        let stranger =
            needed.iter().find(|name| ["store", "settlement"].contains(&name.as_str()) || name.starts_with("aws-"));
        assert!(stranger.is_none(), "functions/{face} depends on {stranger:?}: its use cases are in shop and desk");
        for (name, text) in production_sources(&format!("functions/{face}")) {
            for word in ["store::", "settlement::", ".orders()", ".stock()"] {
                assert!(!text.contains(word), "{name} contains {word}: it reaches around its use cases");
            }
        }
    }
}

#[test]
fn only_problem_rs_maps_a_code_to_a_status() {
    // What is no refusal.
    let kind = ["OK", "CREATED", "ACCEPTED", "NO_CONTENT", "NOT_MODIFIED", "MOVED_PERMANENTLY", "FOUND", "SEE_OTHER"];
    for folder in ["shared", "functions"] {
        for (name, text) in production_sources(folder) {
            // The statuses of a provider's and a gateway's responses are not ours.
            if name == "shared/api/src/problem.rs"
                || name.starts_with("shared/payments/")
                || name.starts_with("shared/platform/src/messenger/")
            {
                continue;
            }
            // Whoever compares reads the status of something else.
            for status in text.replace("== StatusCode::", "").split("StatusCode::").skip(1) {
                let status =
                    status.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').next();
                let status = status.unwrap_or_default();
                let is_constant = !status.is_empty() && status.chars().all(|character| !character.is_ascii_lowercase());
                assert!(!is_constant || kind.contains(&status), "{name} contains StatusCode::{status}");
            }
        }
    }
}

#[test]
fn no_request_scans_a_table_and_only_tables_spell_keys() {
    // A text that begins like "ORDER#" is a key of a table.
    let is_key = |literal: &str| {
        let start = literal.split('#').next().unwrap_or_default();
        literal.contains('#') && start.len() > 2 && start.chars().all(|character| character.is_ascii_uppercase())
    };
    for folder in ["shared", "functions"] {
        for (name, text) in production_sources(folder) {
            // The walk of a rebuild, which is worked off from a queue.
            let may_walk = name.starts_with("shared/store/") || name.starts_with("functions/follow-up/");
            assert!(!text.contains(".scan()") || name == "shared/store/src/catalog/walk.rs", "{name} scans");
            assert!(!text.contains(".walk(") || may_walk, "{name} walks through a table");
            if !name.starts_with("shared/store/") {
                let spelled = text.split('"').find(|literal| is_key(literal));
                assert!(spelled.is_none(), "{name} spells the key {spelled:?}");
            }
        }
    }
    let template = fs::read_to_string(root().join("template.yaml")).expect("the template");
    assert!(!template.contains("dynamodb:*"), "template.yaml lets a role do everything");
    let scanning: Vec<&str> = template.lines().filter(|line| line.contains("dynamodb:Scan")).collect();
    assert!(matches!(scanning[..], [line] if line.contains("WalkThroughCatalog")), "roles may scan: {scanning:?}");
}

/// The names in a template at this key, as in `AttributeName: pk`.
fn named<'a>(template: &'a str, key: &str) -> BTreeSet<&'a str> {
    let parts = template.lines().flat_map(|line| line.split(['{', ',']));
    let values = parts.filter_map(|part| part.trim().trim_start_matches("- ").strip_prefix(key));
    values.map(|name| name.trim_end_matches(['}', ']']).trim()).collect()
}

#[test]
fn only_tables_spell_the_attributes_of_keys_and_indexes() {
    let template = fs::read_to_string(root().join("template.yaml")).expect("the template");
    let mut spelled_by_tables = named(&template, "AttributeName: ");
    spelled_by_tables.append(&mut named(&template, "IndexName: "));
    for known in ["pk", "sk", "state_key", "buyer_sort", "by_state", "by_undelivered"] {
        assert!(spelled_by_tables.contains(known), "{known} was not found in the template");
    }
    // A name of several words in any text, and a single word in a text that is the name or an expression.
    let spells = |literal: &str| {
        let is_expression = ["=", "<", ">", "attribute_", "begins_with", "SET ", "REMOVE "];
        let is_expression = is_expression.iter().any(|sign| literal.contains(sign));
        let mut words = literal.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        words.any(|word| spelled_by_tables.contains(word) && (word.contains('_') || is_expression || word == literal))
    };
    assert!(spells("pk") && spells("attribute_exists(pk)") && spells("SET due_at = :at") && spells("by due_at"));
    assert!(!spells("a payment without its reference"));
    for folder in ["shared", "functions"] {
        for (name, text) in production_sources(folder).iter().filter(|(name, _)| !name.starts_with("shared/store/")) {
            let literals = text.lines().filter(|line| !line.trim().starts_with("//"));
            let spelled = literals.flat_map(|line| line.split('"').skip(1).step_by(2)).find(|literal| spells(literal));
            assert!(spelled.is_none(), "{name} spells {spelled:?}: only shared/store knows keys and indexes");
        }
    }
}

#[test]
fn only_the_domain_changes_the_state_of_orders_payments_products_and_jobs() {
    for folder in ["shared", "functions"] {
        for (name, text) in production_sources(folder) {
            if name.starts_with("shared/domain/") {
                continue;
            }
            for line in text.lines().filter(|line| line.contains(".state = ")) {
                // A parser's own state, and the fields of log lines, whose names begin with a noun.
                let (before, _) = line.split_once(".state = ").unwrap_or_default();
                let field = before.rsplit([' ', '(', ',']).next().unwrap_or_default();
                let is_logged = ["order", "dispute"].contains(&field);
                let is_logged = is_logged && (line.contains("tracing::") || !line.ends_with(';'));
                assert!(field == "self" || is_logged, "{name} changes a state:{line}");
            }
            // A step that the state does not allow is an error, never the old state.
            for step in text.split(".after(").skip(1) {
                let statement = step.split(';').next().unwrap_or_default();
                assert!(
                    !statement.contains("unwrap_or"),
                    "{name} keeps the old state after an illegal step:{statement}"
                );
            }
        }
    }
    for (name, text) in production_sources("shared/domain/src") {
        for step in text.split(".after(").skip(1) {
            let statement = step.split(';').next().unwrap_or_default();
            assert!(!statement.contains("unwrap_or("), "{name} keeps the old state after an illegal step:{statement}");
        }
    }
}

#[test]
fn attempts_at_a_write_are_counted_in_one_place() {
    for folder in ["shared", "functions"] {
        for (name, text) in production_sources(folder) {
            // Attempts at paying an order are no writes.
            let is_place = ["shared/store/src/retry.rs", "shared/domain/src/order/changes.rs"].contains(&name.as_str());
            assert!(is_place || !text.contains("ATTEMPTS: "), "{name} counts attempts: use store::Backoff");
        }
    }
}

#[test]
fn every_write_to_a_table_has_a_condition() {
    let starts =
        [".put_item()", ".update_item()", ".delete_item()", "Put::builder()", "Update::builder()", "Delete::builder()"];
    let mut count = 0;
    for folder in ["shared", "functions"] {
        for (name, text) in production_sources(folder) {
            assert!(!text.contains(".batch_write_item()"), "{name} writes in batches, which have no conditions");
            for start in starts {
                for call in text.split(start).skip(1) {
                    let call = call.split(';').next().unwrap_or_default();
                    assert!(call.contains(".condition_expression("), "{name}: {start} without a condition:{call}");
                    count += 1;
                }
            }
        }
    }
    assert!(count >= 7, "only {count} writes were found");
}

#[test]
fn money_is_never_a_float() {
    for folder in ["shared/domain/src", "shared/store/src", "shared/payments/src", "functions"] {
        // Degrees on a map and the quality of a picture are no money, and a deserializer hands on every number of JSON.
        let others =
            ["shared/domain/src/location.rs", "shared/store/src/tolerant.rs", "functions/media/src/picture/encode.rs"];
        for (name, text) in production_sources(folder).into_iter().filter(|(name, _)| !others.contains(&name.as_str()))
        {
            let mut words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
            let float = words.find(|word| ["f32", "f64"].contains(word));
            assert!(float.is_none(), "{name} contains {}", float.unwrap_or_default());
        }
    }
}

#[test]
fn no_module_has_a_meaningless_name() {
    for folder in ["shared", "functions", "infra", "tests"] {
        for (name, _) in sources(folder) {
            let stem = Path::new(&name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            assert!(!["utils", "util", "common", "helpers", "core", "types", "models"].contains(&stem), "{name}");
        }
    }
}

#[test]
fn no_file_is_too_long() {
    for folder in ["shared", "functions", "infra", "tests"] {
        // The messages of a language are one constant.
        let is_table = |name: &str| name.starts_with("shared/pages/src/languages/");
        for (name, text) in sources(folder).into_iter().filter(|(name, _)| !is_table(name)) {
            // About 400 lines, and some more where one subject needs many tests.
            assert!(text.lines().count() <= 480, "{name} has {} lines: split it", text.lines().count());
        }
    }
}

#[test]
fn no_comment_is_wider_than_120_columns() {
    let is_comment = |line: &str| line.trim_start().starts_with("//");
    for folder in ["shared", "functions", "infra", "tests"] {
        for (name, text) in sources(folder) {
            let wide = text.lines().position(|line| is_comment(line) && line.chars().count() > 120);
            assert!(wide.is_none(), "{name}:{}: wrap it", wide.unwrap_or_default() + 1);
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
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let mut decisions = String::new();
    for entry in fs::read_dir(root().join("infra/decisions")).expect("a folder") {
        decisions.push_str(&fs::read_to_string(entry.expect("an entry").path()).expect("decisions of a room"));
    }
    let table = manifest.split("[workspace.dependencies]").nth(1).expect("dependencies");
    let table = table.split("\n[").next().expect("dependencies");
    // The workspace's own crates have a path, and the crates of the AWS SDK are justified together.
    let foreign = table.lines().filter(|line| !line.contains("path = ") && !line.starts_with("aws-"));
    let names = foreign.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    let silent: Vec<&str> =
        names.map(|(name, _)| name).filter(|name| !decisions.contains(&format!("`{name}`"))).collect();
    assert!(silent.is_empty(), "say in infra/decisions/ what these are for: {silent:?}");
}

#[test]
fn every_message_that_the_template_counts_is_logged() {
    let template = fs::read_to_string(root().join("infra/observability.yaml")).expect("the template of the alarms");
    let counted: Vec<&str> = template
        .lines()
        .filter_map(|line| line.split_once("FilterPattern: '{ $.message = \"")?.1.split('"').next())
        .collect();
    assert!(!counted.is_empty());
    let sources: Vec<(String, String)> = ["functions", "shared"].into_iter().flat_map(production_sources).collect();
    for message in counted {
        let is_logged = sources.iter().any(|(_, text)| text.contains(message));
        assert!(is_logged, "nobody logs {message}: the metric would stay at zero");
    }
}

/// The files that a module's declarations lead to: `mod a;` in `lib.rs` is `a.rs` or `a/mod.rs`, or what `#[path]`
/// names.
fn declared_by(name: &str, text: &str) -> Vec<String> {
    let path = Path::new(name);
    let folder = path.parent().expect("a folder");
    let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
    let is_root = ["lib", "main", "mod", "build"].contains(&stem);
    let below = if is_root { folder.to_path_buf() } else { folder.join(stem) };
    let mut found = Vec::new();
    let mut modules = vec![(below, syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}")).items)];
    while let Some((below, items)) = modules.pop() {
        for item in items {
            let syn::Item::Mod(module) = item else { continue };
            let child = module.ident.to_string();
            let named = module.attrs.iter().find(|attribute| attribute.path().is_ident("path"));
            if let Some((_, items)) = module.content {
                modules.push((below.join(child), items));
            } else if let Some(named) = named {
                let syn::Meta::NameValue(pair) = &named.meta else { continue };
                let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(file), .. }) = &pair.value else { continue };
                found.push(folder.join(file.value()).display().to_string());
            } else {
                found.push(below.join(format!("{child}.rs")).display().to_string());
                found.push(below.join(child).join("mod.rs").display().to_string());
            }
        }
    }
    found
}

#[test]
fn no_source_file_is_left_out_of_the_build() {
    let all: Vec<(String, String)> = ["shared", "functions", "infra", "tests"].into_iter().flat_map(sources).collect();
    let declared: Vec<String> = all.iter().flat_map(|(name, text)| declared_by(name, text)).collect();
    let is_root = |name: &str| {
        ["/src/lib.rs", "/src/main.rs", "/build.rs"].iter().any(|end| name.ends_with(end)) || name == "tests/main.rs"
    };
    let orphans: Vec<&String> =
        all.iter().map(|(name, _)| name).filter(|name| !is_root(name) && !declared.contains(name)).collect();
    assert!(orphans.is_empty(), "no module names these, so nobody compiles them: {orphans:#?}");
    let lib = "mod a;\n#[cfg(test)]\n#[path = \"c_tests.rs\"]\nmod tests;\nmod b { mod d; }\n";
    let found = declared_by("x/src/lib.rs", lib);
    for file in ["x/src/a.rs", "x/src/a/mod.rs", "x/src/c_tests.rs", "x/src/b/d.rs"] {
        assert!(found.iter().any(|known| known == file), "{file}: {found:?}");
    }
}
