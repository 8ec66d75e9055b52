//! The stack that Bozor's template nests.

use cloud::template::{Template, TemplateError, Texts};

use crate::site;

const LOCATION: &str = "infra/observability.yaml";
const EDGE: &str = "infra/edge.yaml";

pub(super) fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// With the other nested template as it is.
fn parse(root: &str, nested: &[(&str, &str)]) -> Result<Template, TemplateError> {
    let edge = file(EDGE);
    let known = nested.iter().any(|(location, _)| *location == EDGE);
    let others = (!known).then_some((EDGE, edge.as_str()));
    let nested: &[(&str, &str)] = &nested.iter().copied().chain(others).collect::<Vec<_>>();
    Template::parse(Texts { root, nested }, &site("http://localhost:3000"))
}

/// The error after replacing `from` by `to` in the stack `Watch`, once.
fn broken(from: &str, to: &str) -> TemplateError {
    let root = file("template.yaml");
    let (before, stack) = root.split_once("  Watch:\n").unwrap();
    let (own, _) = stack.split_once("\n\n").unwrap();
    assert!(own.contains(from), "the stack no longer has {from:?}");
    let changed = format!("{before}  Watch:\n{}", stack.replacen(from, to, 1));
    parse(&changed, &[(LOCATION, &file(LOCATION))]).unwrap_err()
}

#[test]
fn a_stack_has_the_parameters_that_are_handed_over() {
    let template = parse(&file("template.yaml"), &[(LOCATION, &file(LOCATION))]).unwrap();
    let [stack] = template.stacks.as_slice() else { panic!("one stack") };
    assert_eq!((stack.id.as_str(), stack.location.as_str()), ("Watch", LOCATION));
    assert_eq!(stack.parameters["AlarmTopic"], "");
    assert_eq!(stack.parameters["ProjectionsDeadLetters"], "bozor-ProjectionsDeadLetters");
    assert_eq!(stack.parameters["CatalogFunction"], template.function("CatalogFunction").unwrap().name);
}

#[test]
fn what_is_handed_over_must_be_what_the_nested_template_declares() {
    let stack = "Resources.Watch".to_owned();
    let nested = |parameter: &str| format!("{stack}.{LOCATION}.Parameters.{parameter}");
    let queue = "ImportsQueue: !GetAtt ImportsQueue.QueueName";
    let cases = [
        (queue, "AlarmName: x", nested("AlarmName"), "there is no such parameter"),
        (&format!("        {queue}\n"), "", nested("ImportsQueue"), "it has no default"),
        (queue, "ImportsQueue: [a, b]", stack.clone(), "must be a text"),
        (LOCATION, "infra/alarms.yaml", stack.clone(), "no nested template"),
        (&format!("TemplateURL: {LOCATION}"), "Tags: []", stack.clone(), "`Tags`"),
    ];
    for (from, to, path, reason) in cases {
        let error = broken(from, to);
        assert!(error.path == path && error.reason.contains(reason), "{from} -> {to}: {error}");
    }
}

#[test]
fn what_a_nested_template_would_add_without_being_seen_is_refused() {
    let nested = |rest: &str| format!("Resources.Watch.{LOCATION}.{rest}");
    let cases = [
        ("Type: AWS::CloudWatch::Alarm", "Type: AWS::SQS::Queue", nested("Resources."), "AWS::SQS::Queue"),
        ("Value: !Ref ImportsQueue", "Value: !Ref ImportsQueues", nested("Resources."), "ImportsQueues is unknown"),
    ];
    let root = file("template.yaml");
    for (from, to, path, reason) in cases {
        let text = file(LOCATION);
        assert!(text.contains(from), "{from}");
        let error = parse(&root, &[(LOCATION, &text.replacen(from, to, 1))]).unwrap_err();
        assert!(error.path.starts_with(&path) && error.reason.contains(reason), "{from} -> {to}: {error}");
    }
    let with = |head: &str| {
        let text = format!("{head}\n{}", file(LOCATION));
        parse(&root, &[(LOCATION, &text)]).unwrap_err().path
    };
    assert_eq!(with("Transform: AWS::Serverless-2016-10-31"), nested("Transform"));
    assert_eq!(with("Globals: {Function: {Timeout: 3}}"), nested("Globals"));
}

#[test]
fn a_nested_template_that_no_stack_names_is_refused() {
    let text = file(LOCATION);
    let error = parse(&file("template.yaml"), &[(LOCATION, &text), ("infra/backup.yaml", &text)]).unwrap_err();
    assert_eq!((error.path.as_str(), error.reason.as_str()), ("infra/backup.yaml", "no stack is made of it"));
}
