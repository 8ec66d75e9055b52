//! The stacks that Bozor's template nests.

use cloud::template::{Template, TemplateError, Texts};

use crate::site;

const LOCATION: &str = "infra/observability.yaml";

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn parse(root: &str, nested: &[(&str, &str)]) -> Result<Template, TemplateError> {
    Template::parse(Texts { root, nested }, &site("http://localhost:3000"))
}

/// The error after replacing `from` by `to` in the stack `OrderEventsDeadLettersWatch`, once.
fn broken(from: &str, to: &str) -> TemplateError {
    let root = file("template.yaml");
    let (before, stack) = root.split_once("  OrderEventsDeadLettersWatch:\n").unwrap();
    let (own, _) = stack.split_once("\n\n").unwrap();
    assert!(own.contains(from), "the stack no longer has {from:?}");
    let changed = format!("{before}  OrderEventsDeadLettersWatch:\n{}", stack.replacen(from, to, 1));
    parse(&changed, &[(LOCATION, &file(LOCATION))]).unwrap_err()
}

#[test]
fn a_stack_has_the_parameters_that_are_handed_over() {
    let template = parse(&file("template.yaml"), &[(LOCATION, &file(LOCATION))]).unwrap();
    let stack = template.stacks.iter().find(|stack| stack.id == "ProjectionsDeadLettersWatch").unwrap();
    assert_eq!(stack.location, LOCATION);
    let handed: Vec<(&str, &str)> =
        stack.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("AlarmTopic", ""),
        ("Description", "Changes of stock that pages do not show."),
        ("EvaluationPeriods", "1"),
        ("QueueName", "bozor-ProjectionsDeadLetters"),
        ("Statistic", "Maximum"),
    ];
    assert_eq!(handed, expected);
}

#[test]
fn each_queue_of_dead_letters_has_its_alarm() {
    let template = parse(&file("template.yaml"), &[(LOCATION, &file(LOCATION))]).unwrap();
    let watched: Vec<&str> = template.stacks.iter().map(|stack| stack.parameters["QueueName"].as_str()).collect();
    let redriven = template.queues.iter().filter_map(|queue| queue.redrive.as_ref());
    let mut dead_letters: Vec<&str> = redriven.map(|redrive| redrive.dead_letters.as_str()).collect();
    dead_letters.extend(template.pipes.iter().filter_map(|pipe| pipe.dead_letters.as_deref()));
    for source in template.functions.iter().flat_map(|function| &function.sources) {
        if let cloud::template::EventSource::Stream { dead_letters: Some(queue), .. } = source {
            dead_letters.push(queue);
        }
    }
    assert!(dead_letters.len() >= 4, "{dead_letters:?}");
    for queue in dead_letters {
        let alarms = watched.iter().filter(|watched| **watched == queue).count();
        assert_eq!(alarms, 1, "{queue} needs a stack of {LOCATION}");
    }
}

#[test]
fn what_is_handed_over_must_be_what_the_nested_template_declares() {
    let stack = "Resources.OrderEventsDeadLettersWatch".to_owned();
    let nested = |parameter: &str| format!("{stack}.{LOCATION}.Parameters.{parameter}");
    let queue = "QueueName: !GetAtt OrderEventsDeadLetters.QueueName";
    let cases = [
        (queue, "AlarmName: x", nested("AlarmName"), "there is no such parameter"),
        (&format!("        {queue}\n"), "", nested("QueueName"), "it has no default"),
        ("Statistic: Minimum", "Statistic: Average", nested("Statistic"), "not one of the allowed"),
        ("EvaluationPeriods: 2", "EvaluationPeriods: two", nested("EvaluationPeriods"), "is no number"),
        (queue, "QueueName: [a, b]", stack.clone(), "must be a text"),
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
    let nested = |rest: &str| format!("Resources.ExportsDeadLettersWatch.{LOCATION}.{rest}");
    let cases = [
        ("Type: AWS::CloudWatch::Alarm", "Type: AWS::SQS::Queue", nested("Resources.Alarm"), "AWS::SQS::Queue"),
        ("Stat: !Ref Statistic", "Stat: !Ref Statistics", nested("Resources.Alarm"), "Statistics is unknown"),
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
    let error = parse(&file("template.yaml"), &[(LOCATION, &text), ("infra/edge.yaml", &text)]).unwrap_err();
    assert_eq!((error.path.as_str(), error.reason.as_str()), ("infra/edge.yaml", "no stack is made of it"));
}
