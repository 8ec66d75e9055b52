//! Lambda functions with their environments, roles and event sources.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::api::RouteEvent;
use super::document::Resource;
use super::pipes::{FilterCriteria, filter, record_age};
use super::{TemplateError, policies, properties, refuse};
use crate::dynamodb::{Start, Table};
use crate::iam::Statement;
use crate::pipes::{BACKOFF, Source};
use crate::sqs::{Mapping, Queue};

#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// The logical id, such as `CartFunction`.
    pub id: String,
    /// The physical name, as logs and the Runtime API give it.
    pub name: String,
    /// The binary that is built for it, which is named like its package: `cart`.
    pub binary: String,
    /// The environment variables of the template, without those that Lambda sets.
    pub environment: BTreeMap<String, String>,
    /// Memory in megabytes.
    pub memory: u32,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// The statements of its role.
    pub statements: Vec<Statement>,
    /// What invokes it besides the API.
    pub sources: Vec<EventSource>,
    /// Whether it may send messages to itself. Lambda stops a message that has gone round about 16 times otherwise
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>). Not modelled here.
    pub may_recurse: bool,
    /// How often Lambda repeats an asynchronous invocation that failed. Here none is repeated.
    pub async_retries: u32,
    /// How many of the account's concurrent invocations are kept for it. Here there is no such limit.
    pub reserved_concurrency: Option<u32>,
}

/// What invokes a function besides the API.
#[derive(Clone, Debug, PartialEq)]
pub enum EventSource {
    /// Messages of a queue; each that fails is reported individually.
    Queue(Mapping),
    /// Records of a table's stream, oldest first; the first that fails is reported, and the batch is bisected.
    Stream {
        source: Source,
        /// The name of the queue that gets the positions of records that were given up.
        dead_letters: Option<String>,
    },
    /// A fixed rate, by the cloud's clock.
    Schedule {
        /// The interval.
        every: Duration,
    },
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FunctionProperties {
    runtime: Option<String>,
    handler: Option<String>,
    memory_size: Option<u32>,
    timeout: Option<u64>,
    environment: Option<Environment>,
    #[serde(default)]
    policies: Vec<Value>,
    #[serde(default)]
    events: BTreeMap<String, Event>,
    recursive_loop: Option<RecursiveLoop>,
    event_invoke_config: Option<EventInvokeConfig>,
    reserved_concurrent_executions: Option<u32>,
    // The place of the code, the processor, traces and the log group have no meaning here.
    #[serde(rename = "Tracing")]
    _tracing: Option<IgnoredAny>,
    #[serde(rename = "CodeUri")]
    _code: Option<IgnoredAny>,
    #[serde(rename = "Architectures")]
    _architectures: Option<IgnoredAny>,
    #[serde(rename = "LoggingConfig")]
    _logging: Option<IgnoredAny>,
    #[serde(rename = "Description")]
    _description: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
enum RecursiveLoop {
    Allow,
    Terminate,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct EventInvokeConfig {
    maximum_retry_attempts: u32,
    #[serde(rename = "MaximumEventAgeInSeconds")]
    _age: u32,
}

/// Lambda's own default.
const ASYNC_RETRIES: u32 = 2;

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Environment {
    variables: BTreeMap<String, Value>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, tag = "Type", content = "Properties")]
enum Event {
    HttpApi(HttpEvent),
    Schedule(ScheduleEvent),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct HttpEvent {
    api_id: String,
    /// An event with neither method nor path is the route `$default`, as SAM has it.
    method: Option<String>,
    path: Option<String>,
    auth: Option<HttpAuth>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct HttpAuth {
    authorizer: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ScheduleEvent {
    schedule: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Globals {
    function: FunctionProperties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct BuildMetadata {
    build_method: String,
    build_properties: BuildProperties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct BuildProperties {
    binary: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct MappingProperties {
    function_name: String,
    event_source_arn: String,
    batch_size: usize,
    function_response_types: Vec<String>,
    scaling_config: Option<ScalingConfig>,
    starting_position: Option<String>,
    bisect_batch_on_function_error: Option<bool>,
    maximum_retry_attempts: Option<u32>,
    maximum_record_age_in_seconds: Option<u64>,
    destination_config: Option<DestinationConfig>,
    filter_criteria: Option<FilterCriteria>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ScalingConfig {
    maximum_concurrency: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DestinationConfig {
    on_failure: OnFailure,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OnFailure {
    destination: String,
}

pub(super) fn read(
    globals: &Value,
    functions: &[(String, Resource)],
    mappings: &[(String, Resource)],
    tables: &[Table],
    queues: &[Queue],
) -> Result<(Vec<Function>, Vec<RouteEvent>), TemplateError> {
    let globals = Globals::deserialize(globals).map_err(|error| TemplateError::new("Globals", error.to_string()))?;
    let mut all = Vec::new();
    let mut routes = Vec::new();
    for (id, resource) in functions {
        all.push(function(id, resource, &globals.function, &mut routes)?);
    }
    for (id, resource) in mappings {
        let read: MappingProperties = properties(id, &resource.properties)?;
        let target = all
            .iter_mut()
            .find(|function| function.name == read.function_name)
            .ok_or_else(|| refuse(id, format!("{} is not a function of the template", read.function_name)))?;
        let source = source(id, read, target, tables, queues)?;
        target.sources.push(source);
    }
    let binaries: BTreeSet<&str> = all.iter().map(|function| function.binary.as_str()).collect();
    if binaries.len() != all.len() {
        return Err(TemplateError::new("Resources", "two functions are built from one binary"));
    }
    Ok((all, routes))
}

fn function(
    id: &str,
    resource: &Resource,
    globals: &FunctionProperties,
    routes: &mut Vec<RouteEvent>,
) -> Result<Function, TemplateError> {
    let read: FunctionProperties = properties(id, &resource.properties)?;
    let build: BuildMetadata = properties(id, &resource.metadata)?;
    if build.build_method != "rust-cargolambda" {
        return Err(refuse(id, format!("build method {} is not known here", build.build_method)));
    }
    if read.runtime.as_ref().or(globals.runtime.as_ref()).map(String::as_str) != Some("provided.al2023") {
        return Err(refuse(id, "only the runtime provided.al2023 is known here"));
    }
    if read.handler.as_ref().or(globals.handler.as_ref()).map(String::as_str) != Some("bootstrap") {
        return Err(refuse(id, "the handler must be bootstrap"));
    }
    let mut environment = BTreeMap::new();
    for variables in [&globals.environment, &read.environment].into_iter().flatten() {
        for (name, value) in &variables.variables {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                other => return Err(refuse(id, format!("{name} must be a text, not {other}"))),
            };
            environment.insert(name.clone(), text);
        }
    }
    let mut sources = Vec::new();
    for (event, declared) in read.events {
        match declared {
            Event::HttpApi(http) => routes.push(RouteEvent {
                function: id.to_owned(),
                event,
                api: http.api_id,
                method: http.method,
                path: http.path,
                authorizer: http.auth.map(|auth| auth.authorizer),
            }),
            Event::Schedule(schedule) => {
                let every = rate(&schedule.schedule)
                    .ok_or_else(|| refuse(id, format!("{event}: schedule {} is not known here", schedule.schedule)))?;
                sources.push(EventSource::Schedule { every });
            }
        }
    }
    let missing = |what: &str| refuse(id, format!("it has no {what}"));
    Ok(Function {
        id: id.to_owned(),
        name: resource.name.clone(),
        binary: build.build_properties.binary,
        environment,
        memory: read.memory_size.or(globals.memory_size).ok_or_else(|| missing("MemorySize"))?,
        timeout: Duration::from_secs(read.timeout.or(globals.timeout).ok_or_else(|| missing("Timeout"))?),
        statements: policies::statements(id, &read.policies)?,
        sources,
        may_recurse: read.recursive_loop == Some(RecursiveLoop::Allow),
        reserved_concurrency: read.reserved_concurrent_executions,
        async_retries: read.event_invoke_config.map_or(ASYNC_RETRIES, |config| config.maximum_retry_attempts),
    })
}

/// Parses `rate(1 minute)`, `rate(5 minutes)` and so on.
fn rate(schedule: &str) -> Option<Duration> {
    let (count, unit) = schedule.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let seconds = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    // EventBridge demands the singular for one and the plural for more.
    ((count == 1) != unit.ends_with('s')).then(|| Duration::from_secs(count.saturating_mul(seconds)))
}

fn source(
    id: &str,
    read: MappingProperties,
    function: &Function,
    tables: &[Table],
    queues: &[Queue],
) -> Result<EventSource, TemplateError> {
    if read.function_response_types != ["ReportBatchItemFailures"] {
        return Err(refuse(id, "a source must accept reports of single failures (ReportBatchItemFailures)"));
    }
    if let Some(queue) = queues.iter().find(|queue| queue.arn == read.event_source_arn) {
        if queue.visibility_timeout < function.timeout {
            return Err(refuse(id, "the queue's visibility timeout is shorter than the function's timeout"));
        }
        let of_streams = read.starting_position.is_some()
            || read.bisect_batch_on_function_error.is_some()
            || read.maximum_retry_attempts.is_some()
            || read.maximum_record_age_in_seconds.is_some()
            || read.destination_config.is_some()
            || read.filter_criteria.is_some();
        if of_streams {
            return Err(refuse(
                id,
                "a queue has no position, bisecting, retries, destination or filter here: its redrive policy applies",
            ));
        }
        let max_concurrency = read.scaling_config.map(|scaling| scaling.maximum_concurrency);
        if max_concurrency.is_some_and(|most| !(2..=1_000).contains(&most)) {
            return Err(refuse(id, "MaximumConcurrency is a number from 2 to 1,000"));
        }
        let mapping = Mapping { batch_size: read.batch_size, max_concurrency, ..Mapping::of(&queue.name) };
        return Ok(EventSource::Queue(mapping));
    }
    let table = tables
        .iter()
        .find(|table| table.stream_arn().as_ref() == Some(&read.event_source_arn))
        .ok_or_else(|| refuse(id, format!("{} is no queue or stream of the template", read.event_source_arn)))?;
    if read.starting_position.as_deref() != Some("TRIM_HORIZON") || read.scaling_config.is_some() {
        return Err(refuse(id, "a stream is read from TRIM_HORIZON, without a scaling configuration"));
    }
    if read.bisect_batch_on_function_error != Some(true) {
        return Err(refuse(id, "a stream's failed batch must be bisected (BisectBatchOnFunctionError)"));
    }
    let (Some(max_retries), Some(age)) = (read.maximum_retry_attempts, read.maximum_record_age_in_seconds) else {
        return Err(refuse(id, "a stream needs limits of retries and record age, or one bad record blocks it"));
    };
    let dead_letters = match read.destination_config.map(|config| config.on_failure.destination) {
        None => None,
        Some(arn) => {
            let queue = queues.iter().find(|queue| queue.arn == arn);
            Some(queue.ok_or_else(|| refuse(id, format!("{arn} is not a queue of the template")))?.name.clone())
        }
    };
    let source = Source {
        name: function.id.clone(),
        table: table.name.clone(),
        start: Start::TrimHorizon,
        filter: filter(id, read.filter_criteria)?,
        batch_size: read.batch_size,
        bisect: true,
        retries: Some(max_retries),
        max_age: Some(record_age(id, age)?),
        backoff: BACKOFF,
    };
    Ok(EventSource::Stream { source, dead_letters })
}
