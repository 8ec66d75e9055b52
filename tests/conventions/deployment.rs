//! What `samconfig.toml` says about deployments, against the template.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::house::root;

/// The sections of `samconfig.toml`: the lines of each by its name, such as `prod.deploy.parameters`.
fn sections(text: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut current);
        } else if let Some((key, value)) = line.split_once(" = ") {
            found.entry(current.clone()).or_default().push((key.to_owned(), value.to_owned()));
        }
    }
    found
}

/// `CAPABILITY_IAM` is for the roles, and `CAPABILITY_AUTO_EXPAND` for a template that has both a transform and nested
/// stacks, see <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>.
#[test]
fn each_environment_can_be_deployed_and_names_no_parameter_that_is_not_there() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("a file");
    let template = read("template.yaml");
    assert!(template.contains("\nTransform: ") && template.contains("Type: AWS::CloudFormation::Stack"));
    let parameters: BTreeSet<&str> = {
        let (_, rest) = template.split_once("\nParameters:\n").expect("parameters");
        let (own, _) = rest.split_once("\nConditions:").expect("conditions");
        own.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':')).collect()
    };
    assert!(parameters.contains("MailFrom"));
    let sections = sections(&read("samconfig.toml"));
    let mut environments = BTreeSet::new();
    for (section, entries) in &sections {
        let (environment, command) = section.split_once('.').unwrap_or((section, ""));
        let value = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        assert_eq!(value("cached"), None, "{section}: the hash of the sources would walk target/");
        if command == "deploy.parameters" {
            environments.insert(environment);
            assert_eq!(value("capabilities"), Some("\"CAPABILITY_IAM CAPABILITY_AUTO_EXPAND\""), "{section}");
            assert_eq!(value("confirm_changeset"), Some("true"), "{section}");
            let given = value("parameter_overrides").unwrap_or_default();
            for name in given.trim_matches('"').split(' ').filter_map(|entry| Some(entry.split_once('=')?.0)) {
                assert!(parameters.contains(name), "{section}: the template has no parameter {name}");
            }
        }
    }
    assert_eq!(environments, BTreeSet::from(["prod", "staging"]));
    let stacks: BTreeSet<&str> = environments
        .iter()
        .filter_map(|environment| sections.get(&format!("{environment}.global.parameters")))
        .flatten()
        .filter_map(|(key, value)| (key == "stack_name").then_some(value.as_str()))
        .collect();
    assert_eq!(stacks.len(), environments.len(), "two environments have one stack: {stacks:?}");
}

#[test]
fn every_check_that_is_skipped_has_its_answer() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("a file");
    let ids = |text: &str, before: &str| -> BTreeSet<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(before)?.split([' ', '\n']).next());
        lines.filter(|id| id.starts_with("CKV")).map(str::to_owned).collect()
    };
    let (skipped, answered) = (ids(&read(".checkov.yaml"), "  - "), ids(&read("infra/decisions/operations.md"), "| "));
    assert!(!skipped.is_empty());
    assert_eq!(skipped, answered, "left: .checkov.yaml; right: infra/decisions/operations.md");
}
