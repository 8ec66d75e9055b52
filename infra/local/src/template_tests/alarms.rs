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
        // Lambda counts no errors of a function that nobody calls, and a sum with what is missing may be missing.
        let filled: BTreeSet<String> =
            terms[1..].iter().map(|term| format!("FILL({}, 0)", term["Id"].as_str().unwrap())).collect();
        assert_eq!(sum, filled.iter().map(String::as_str).collect(), "{id} adds all of its metrics up");
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

/// Settings are read twice a minute by each running function.
#[test]
fn every_table_that_requests_wait_for_is_watched_for_throttles() {
    let tables = template().tables.into_iter().map(|table| table.id).filter(|id| id != "SettingsTable");
    let tables: BTreeSet<String> = tables.collect();
    for metric in ["ReadThrottleEvents", "WriteThrottleEvents"] {
        assert_eq!(counting(metric).into_keys().collect::<BTreeSet<_>>(), tables, "{metric}");
    }
}

/// What a run of housekeeping logs is what it has tried, and what fails is tried again after an hour at the latest.
#[test]
fn an_order_that_is_stuck_rings_though_most_runs_do_not_see_it() {
    let alarm = &alarms()["StuckAlarm"];
    assert_eq!((&alarm["Statistic"], &alarm["Period"]), (&"Maximum".into(), &3600.into()));
    assert_eq!((&alarm["Threshold"], &alarm["EvaluationPeriods"]), (&0.into(), &1.into()));
}

/// Housekeeping takes these away every ten minutes, so they heal by themselves unless they come again and again.
#[test]
fn dead_letters_that_only_name_a_place_in_a_stream_ring_after_half_an_hour() {
    for id in ["ProjectionsDeadLettersAlarm", "OrderEventsPipeDeadLettersAlarm"] {
        let alarm = &alarms()[id];
        assert_eq!(alarm["EvaluationPeriods"], 6, "{id}");
        assert_eq!(alarm["Metrics"][1]["MetricStat"]["Period"], 300, "{id}");
    }
}

/// A message that is worded anew would leave its alarm dead, and its board empty.
#[test]
fn every_filter_looks_for_what_the_functions_and_the_gateway_log() {
    let mut sources = String::new();
    for folder in ["functions", "shared"] {
        read_all(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder), &mut sources);
    }
    let access_log = file("template.yaml");
    let mut seen = 0;
    for (id, (kind, properties)) in written_resources(&file("infra/observability.yaml")).unwrap() {
        if kind != "AWS::Logs::MetricFilter" {
            continue;
        }
        let pattern = properties["FilterPattern"].as_str().unwrap();
        let value = properties["MetricTransformations"][0]["MetricValue"].as_str().unwrap_or_default();
        let of_gateway = pattern.contains("$.route");
        if let Some((_, message)) = pattern.split_once("$.message = \"") {
            let message = message.split('"').next().unwrap();
            assert!(sources.contains(&format!("\"{message}\"")), "{id}: nobody logs {message:?}");
            seen += 1;
        }
        for field in pattern.split("$.").skip(1).chain(value.strip_prefix("$.")) {
            let name: String = field.chars().take_while(|each| each.is_alphanumeric() || *each == '_').collect();
            let is_there = match name.as_str() {
                // Of every line of the functions' own.
                "level" | "message" => true,
                _ if of_gateway => {
                    access_log.contains(&format!("\"{name}\":")) || access_log.contains(&format!("{name}:"))
                }
                _ => sources.contains(&format!("{name} =")) || sources.contains(&format!("{name}:")),
            };
            assert!(is_there, "{id}: nobody logs the field {name}");
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

/// Appends all sources of a folder but their tests.
fn read_all(folder: &std::path::Path, to: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, to);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            to.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
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
