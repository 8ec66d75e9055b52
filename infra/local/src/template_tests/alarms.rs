//! What rings an alarm: everything that needs somebody, with a runbook, and nothing that heals by itself.

use std::collections::{BTreeMap, BTreeSet};

use cloud::template::{EventSource, written_resources};
use serde_json::Value;

use super::nested::file;
use super::template;

/// The alarms by their logical ids.
fn alarms() -> BTreeMap<String, Value> {
    let all = written_resources(&file("infra/observability.yaml")).unwrap();
    let alarms = all.into_iter().filter(|(_, (kind, _))| kind == "AWS::CloudWatch::Alarm");
    alarms.map(|(id, (_, properties))| (id, properties)).collect()
}

/// The metrics of an alarm, each with its name and the parameter that its dimension refers to.
fn metrics(alarm: &Value) -> Vec<(String, Option<String>)> {
    let of = |metric: &Value| {
        let parameter = metric["Dimensions"][0]["Value"]["Ref"].as_str().map(str::to_owned);
        metric["MetricName"].as_str().map(|name| (name.to_owned(), parameter))
    };
    match alarm["Metrics"].as_array() {
        Some(metrics) => metrics.iter().filter_map(|metric| of(&metric["MetricStat"]["Metric"])).collect(),
        None => of(alarm).into_iter().collect(),
    }
}

/// The alarms that count a metric, by what its dimension refers to.
fn counting(name: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, alarm) in alarms() {
        for (metric, parameter) in metrics(&alarm) {
            if metric == name {
                found.entry(parameter.unwrap_or_default()).or_default().push(id.clone());
            }
        }
    }
    found
}

#[test]
fn every_alarm_has_its_runbook_and_every_runbook_its_alarm() {
    let runbooks = file("infra/runbooks.md");
    let anchors: BTreeSet<String> = runbooks
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|title| title.to_lowercase().replace(' ', "-"))
        .collect();
    let mut named = BTreeSet::new();
    for (id, alarm) in alarms() {
        let description = alarm["AlarmDescription"].as_str().unwrap();
        let (_, anchor) =
            description.split_once(" infra/runbooks.md#").unwrap_or_else(|| panic!("{id} has no runbook"));
        named.insert(anchor.to_owned());
        assert!(!alarm["TreatMissingData"].is_null() && !alarm["AlarmActions"].is_null(), "{id}");
    }
    assert_eq!(named, anchors);
}

/// Lambda counts a time-out, a panic and a function that runs out of memory as errors of the function, and nothing else
/// tells of them.
#[test]
fn a_timeout_a_panic_and_an_exhausted_memory_of_any_function_ring() {
    let (alarms, errors) = (alarms(), counting("Errors"));
    for function in &template().functions {
        let [id] = errors[&function.id].as_slice() else { panic!("{}: {:?}", function.id, errors[&function.id]) };
        let alarm = &alarms[id];
        if function.id == "HousekeepingFunction" {
            continue;
        }
        assert_eq!((&alarm["ComparisonOperator"], &alarm["Threshold"]), (&"GreaterThanThreshold".into(), &0.into()));
        let terms = alarm["Metrics"].as_array().unwrap();
        let sum: BTreeSet<&str> = terms[0]["Expression"].as_str().unwrap().split(" + ").collect();
        let ids: BTreeSet<&str> = terms[1..].iter().map(|term| term["Id"].as_str().unwrap()).collect();
        assert_eq!(sum, ids, "{id} adds all of its metrics up");
        assert!(terms.len() <= 10 + 1, "{id}: an alarm has at most ten metrics");
    }
}

/// A run that fails each minute and one that never begins look alike: no minute has a run that succeeded.
#[test]
fn housekeeping_that_is_silent_or_fails_for_five_minutes_rings_and_one_failed_run_does_not() {
    let alarm = &alarms()["NoHousekeepingAlarm"];
    assert_eq!(metrics(alarm).len(), 2);
    assert_eq!(alarm["Metrics"][0]["Expression"], "FILL(runs, 0) - FILL(errors, 0)");
    assert_eq!((&alarm["ComparisonOperator"], &alarm["Threshold"]), (&"LessThanThreshold".into(), &1.into()));
    assert_eq!((&alarm["EvaluationPeriods"], &alarm["DatapointsToAlarm"]), (&5.into(), &5.into()));
    assert_eq!(alarm["TreatMissingData"], "breaching");
}

/// A small shop has a few requests a minute, and all of them may fail.
#[test]
fn a_rate_is_judged_from_its_failures_on_and_not_from_the_number_of_requests() {
    for (id, failures) in [("ApiFailuresAlarm", "failed"), ("CheckoutBudgetAlarm", "bad")] {
        let alarm = &alarms()[id];
        let expression = alarm["Metrics"][0]["Expression"].as_str().unwrap();
        assert!(expression.starts_with(&format!("IF(FILL({failures}, 0) > 2, ")), "{id}: {expression}");
        assert_eq!(alarm["EvaluationPeriods"], 1, "{id}");
    }
}

#[test]
fn each_queue_of_dead_letters_has_its_alarm_and_each_consumed_queue_one_on_its_age() {
    let template = template();
    let id_of = |name: &str| template.queues.iter().find(|queue| queue.name == name).unwrap().id.clone();
    let mut dead_letters: BTreeSet<String> = template
        .queues
        .iter()
        .filter_map(|queue| queue.redrive.as_ref())
        .map(|redrive| id_of(&redrive.dead_letters))
        .collect();
    dead_letters.extend(template.pipes.iter().filter_map(|pipe| pipe.dead_letters.as_deref()).map(id_of));
    let mut consumed = BTreeSet::new();
    for source in template.functions.iter().flat_map(|function| &function.sources) {
        match source {
            EventSource::Stream { dead_letters: Some(queue), .. } => drop(dead_letters.insert(id_of(queue))),
            EventSource::Queue(mapping) => drop(consumed.insert(id_of(&mapping.queue))),
            _ => {}
        }
    }
    for metric in ["ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"] {
        let counted = counting(metric);
        assert_eq!(counted.keys().cloned().collect::<BTreeSet<_>>(), dead_letters, "{metric}");
        assert!(counted.values().all(|alarms| alarms.len() == 1));
    }
    assert_eq!(counting("ApproximateAgeOfOldestMessage").into_keys().collect::<BTreeSet<_>>(), consumed);
}

/// A warning is logged for what is tried again; tests/conventions/logs.rs knows what is logged as an error.
#[test]
fn no_metric_counts_warnings_and_every_counted_metric_has_its_reader() {
    let text = file("infra/observability.yaml");
    let mut made = BTreeSet::new();
    for (id, (kind, properties)) in written_resources(&text).unwrap() {
        if kind != "AWS::Logs::MetricFilter" {
            continue;
        }
        let pattern = properties["FilterPattern"].as_str().unwrap();
        assert!(!pattern.contains("WARN"), "{id}");
        let name = properties["MetricTransformations"][0]["MetricName"].as_str().unwrap().to_owned();
        assert!(made.insert(name.clone()), "{name} is made twice");
        let read = text.matches(&format!("MetricName: {name}}}")).count()
            + text.matches(&format!("MetricName: {name}\n")).count()
            + text.matches(&format!("\"{name}\"")).count();
        assert!(read > 0, "nobody reads {name}");
    }
    assert!(made.len() >= 8, "{made:?}");
}

#[test]
fn the_board_is_json_once_its_names_are_filled_in() {
    let all = written_resources(&file("infra/observability.yaml")).unwrap();
    let (_, board) = &all["Board"];
    let body = board["DashboardBody"]["Fn::Sub"].as_str().unwrap();
    let board: Value = serde_json::from_str(body).unwrap();
    let titles: Vec<&str> = board["widgets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|widget| widget["properties"]["title"].as_str().unwrap())
        .collect();
    for part in ["Orders", "From cart to paid", "Money", "Latency", "Errors", "Dollars per 1,000 orders"] {
        assert!(titles.iter().any(|title| title.starts_with(part)), "{part} is missing: {titles:?}");
    }
}

#[test]
fn the_figures_of_an_idle_stack_count_what_is_there() {
    let (figures, template) = (file("infra/figures.md"), template());
    let sources = template.functions.iter().flat_map(|function| &function.sources);
    let mappings = sources.filter(|source| matches!(source, EventSource::Queue(_))).count();
    let counted: usize = alarms().values().map(|alarm| metrics(alarm).len()).sum();
    for part in [
        format!("{mappings} mappings poll"),
        format!("{} secrets,", template.secrets.len()),
        format!("{counted} metrics in alarms, {} beyond", counted.saturating_sub(10)),
    ] {
        assert!(figures.contains(&part), "infra/figures.md: {part}");
    }
}
