//! EventBridge Pipes: from a table's stream to a queue.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::document::Resource;
use super::policies::Role;
use super::{TemplateError, properties, refuse};
use crate::dynamodb::Table;
use crate::iam::Statement;
use crate::sqs::Queue;

/// The most records that a pipe may send to a queue at once
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html>).
const MAX_BATCH: usize = 10;

/// A pipe from a table's stream to a queue. It starts at the oldest record, and sends each record as a message's body.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipe {
    pub id: String,
    /// The name of the table whose stream is read.
    pub table: String,
    /// Patterns, one of which a record must match; empty lets all records pass.
    pub filters: Vec<Value>,
    /// The name of the queue that records go to.
    pub queue: String,
    /// The name of the queue that gets the positions of records that were given up.
    pub dead_letters: Option<String>,
    /// The most records in one batch.
    pub batch_size: usize,
    /// Whether a failed batch is halved.
    pub bisect: bool,
    /// How often what failed is retried.
    pub max_retries: u32,
    /// The age at which a record is given up.
    pub max_record_age: Duration,
    /// The statements of the pipe's own role.
    pub statements: Vec<Statement>,
}

impl Pipe {
    /// Whether a stream's record passes the filters.
    pub fn lets_pass(&self, record: &Value) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|pattern| fits(pattern, Some(record)))
    }
}

/// The supported subset of EventBridge's patterns: every key must match, and a list holds the values that do.
fn fits(pattern: &Value, value: Option<&Value>) -> bool {
    match pattern {
        Value::Object(keys) => keys.iter().all(|(key, inner)| fits(inner, value.and_then(|value| value.get(key)))),
        Value::Array(choices) => match value {
            Some(Value::Array(items)) => items.iter().any(|item| choices.contains(item)),
            Some(value) => choices.contains(value),
            None => false,
        },
        _ => false,
    }
}

/// Whether a pattern is in the subset that [`fits`] supports.
fn is_plain(pattern: &Value) -> bool {
    match pattern {
        Value::Object(keys) => !keys.is_empty() && keys.values().all(is_plain),
        Value::Array(choices) => {
            !choices.is_empty() && choices.iter().all(|choice| !choice.is_object() && !choice.is_array())
        }
        _ => false,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct PipeProperties {
    role_arn: String,
    source: String,
    source_parameters: SourceParameters,
    target: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SourceParameters {
    filter_criteria: Option<FilterCriteria>,
    #[serde(rename = "DynamoDBStreamParameters")]
    stream: StreamParameters,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct FilterCriteria {
    filters: Vec<Filter>,
}

impl FilterCriteria {
    pub(super) fn patterns(self) -> Vec<String> {
        self.filters.into_iter().map(|filter| filter.pattern).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Filter {
    pattern: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct StreamParameters {
    starting_position: StartingPosition,
    batch_size: usize,
    maximum_retry_attempts: u32,
    maximum_record_age_in_seconds: u64,
    on_partial_batch_item_failure: Option<PartialFailure>,
    dead_letter_config: Option<DeadLetterConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum StartingPosition {
    TrimHorizon,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum PartialFailure {
    AutomaticBisect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DeadLetterConfig {
    arn: String,
}

/// Reads `MaximumRecordAgeInSeconds`. Lambda's limits are 60 seconds and a week, and -1 is no limit, with which one bad
/// record blocks its shard for a day
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html>).
pub(super) fn record_age(id: &str, seconds: u64) -> Result<Duration, TemplateError> {
    if (60..=604_800).contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        Err(refuse(id, "a record's age is limited to 60 to 604,800 seconds"))
    }
}

pub(super) fn read(
    resources: &[(String, Resource)],
    roles: &BTreeMap<String, Role>,
    tables: &[Table],
    queues: &[Queue],
) -> Result<Vec<Pipe>, TemplateError> {
    if roles.len() != resources.len() {
        return Err(TemplateError::new("Resources", "each AWS::IAM::Role must be the role of a pipe"));
    }
    resources.iter().map(|(id, resource)| pipe(id, resource, roles, tables, queues)).collect()
}

fn pipe(
    id: &str,
    resource: &Resource,
    roles: &BTreeMap<String, Role>,
    tables: &[Table],
    queues: &[Queue],
) -> Result<Pipe, TemplateError> {
    let read: PipeProperties = properties(id, &resource.properties)?;
    let stream = read.source_parameters.stream;
    let StartingPosition::TrimHorizon = stream.starting_position;
    let bisect = stream.on_partial_batch_item_failure.is_some_and(|PartialFailure::AutomaticBisect| true);
    if !(1..=MAX_BATCH).contains(&stream.batch_size) {
        return Err(refuse(id, format!("a batch for a queue has at most {MAX_BATCH} records")));
    }
    let max_record_age = record_age(id, stream.maximum_record_age_in_seconds)?;
    let role = roles
        .get(&read.role_arn)
        .filter(|role| role.service == "pipes.amazonaws.com")
        .ok_or_else(|| refuse(id, format!("{} is not a role for pipes", read.role_arn)))?;
    let queue_name = |arn: &str| {
        let queue = queues.iter().find(|queue| queue.arn == arn);
        queue.map(|queue| queue.name.clone()).ok_or_else(|| refuse(id, format!("{arn} is not a queue of the template")))
    };
    let table = tables
        .iter()
        .find(|table| table.stream_arn().as_ref() == Some(&read.source))
        .ok_or_else(|| refuse(id, format!("{} is not a stream of the template", read.source)))?;
    let mut filters = Vec::new();
    for filter in read.source_parameters.filter_criteria.map(|criteria| criteria.filters).unwrap_or_default() {
        let pattern: Value = serde_json::from_str(&filter.pattern)
            .map_err(|error| refuse(id, format!("the filter {} is no JSON: {error}", filter.pattern)))?;
        if !is_plain(&pattern) {
            return Err(refuse(id, format!("the filter {pattern} has more than plain values")));
        }
        filters.push(pattern);
    }
    // The role belongs to this pipe only, so its statements go by the pipe's id.
    let statements = role.statements.iter().cloned().map(|s| Statement { role: id.to_owned(), ..s }).collect();
    Ok(Pipe {
        id: id.to_owned(),
        table: table.name.clone(),
        filters,
        queue: queue_name(&read.target)?,
        dead_letters: stream.dead_letter_config.map(|config| queue_name(&config.arn)).transpose()?,
        batch_size: stream.batch_size,
        bisect,
        max_retries: stream.maximum_retry_attempts,
        max_record_age,
        statements,
    })
}
