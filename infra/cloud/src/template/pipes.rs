//! EventBridge Pipes: from a table's stream to a queue.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::document::Resource;
use super::policies::Role;
use super::{TemplateError, properties, refuse};
use crate::dynamodb::{Start, Table};
use crate::iam::Statement;
use crate::pipes::{BACKOFF, Filter, Source};
use crate::sqs::Queue;

/// The most records that a pipe may send to a queue at once
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html>).
const MAX_BATCH: usize = 10;

/// A pipe from a table's stream to a queue, which sends each record as a message's body.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipe {
    pub id: String,
    /// What is read, from the oldest record on.
    pub source: Source,
    /// The name of the queue that records go to.
    pub queue: String,
    /// The name of the queue that gets the positions of records that were given up.
    pub dead_letters: Option<String>,
    /// The statements of the pipe's own role.
    pub statements: Vec<Statement>,
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
    filters: Vec<WrittenFilter>,
}

/// The filter of a resource; without criteria, everything passes.
pub(super) fn filter(id: &str, criteria: Option<FilterCriteria>) -> Result<Filter, TemplateError> {
    let filters = criteria.map(|criteria| criteria.filters).unwrap_or_default();
    Filter::parse(filters.iter().map(|filter| filter.pattern.as_str())).map_err(|error| refuse(id, error.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct WrittenFilter {
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
    let max_age = record_age(id, stream.maximum_record_age_in_seconds)?;
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
    // The role belongs to this pipe only, so its statements go by the pipe's id.
    let statements = role.statements.iter().cloned().map(|s| Statement { role: id.to_owned(), ..s }).collect();
    Ok(Pipe {
        id: id.to_owned(),
        source: Source {
            name: id.to_owned(),
            table: table.name.clone(),
            start: Start::TrimHorizon,
            filter: filter(id, read.source_parameters.filter_criteria)?,
            batch_size: stream.batch_size,
            bisect,
            retries: Some(stream.maximum_retry_attempts),
            max_age: Some(max_age),
            backoff: BACKOFF,
        },
        queue: queue_name(&read.target)?,
        dead_letters: stream.dead_letter_config.map(|config| queue_name(&config.arn)).transpose()?,
        statements,
    })
}
