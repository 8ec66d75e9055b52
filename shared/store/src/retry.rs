//! Calls to DynamoDB, retried with backoff when they are throttled or conflict.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure};
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::dispatch::Dispatch;
use crate::error::{Failure, failure};
use crate::item::{Attributes, Condition, string, text};

/// How long throttled and conflicting calls are retried. API Gateway times out after 30 seconds, and the caller needs
/// some of them for its own work.
pub(crate) const RETRY_BUDGET: Duration = Duration::from_secs(12);
const FIRST_BACKOFF_MS: u64 = 8;
const MAX_BACKOFF_MS: u64 = 400;

/// Repeats a call while it fails with [`Failure::Retryable`], until the retry budget is spent. The backoff has full
/// jitter, so that callers whose transactions were in conflict do not retry at the same moment.
pub(crate) async fn with_retries<T, F, Fut>(call: F) -> Result<T, Failure>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, Failure>>,
{
    with_retries_within(RETRY_BUDGET, call).await
}

pub(crate) async fn with_retries_within<T, F, Fut>(budget: Duration, call: F) -> Result<T, Failure>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, Failure>>,
{
    let mut backoff = Backoff::within(budget);
    loop {
        match call().await {
            Err(Failure::Retryable(text)) if !backoff.waits().await => return Err(Failure::Retryable(text)),
            Err(Failure::Retryable(_)) => {}
            other => return other,
        }
    }
}

/// How often a change is decided and written while other changes come first. With the backoff's jitter the last attempt
/// comes after three seconds on average: a new product with a hundred variants is changed as often by the projection of
/// its stock.
const MAX_ATTEMPTS: u32 = 20;

/// Paces attempts, with full jitter: the one place where they are counted.
#[derive(Debug)]
pub struct Backoff {
    /// How many attempts may follow.
    left: u32,
    deadline: Option<Instant>,
    ceiling: u64,
}

/// For a change that is written under a version: 20 attempts.
impl Default for Backoff {
    fn default() -> Self {
        Self { left: MAX_ATTEMPTS - 1, deadline: None, ceiling: FIRST_BACKOFF_MS }
    }
}

impl Backoff {
    /// So many attempts.
    pub(crate) fn attempts(attempts: u32) -> Self {
        Self { left: attempts - 1, ..Self::default() }
    }

    /// As many attempts as fit into a time.
    pub(crate) fn within(budget: Duration) -> Self {
        Self { left: u32::MAX, deadline: Some(Instant::now() + budget), ..Self::default() }
    }

    /// Waits before the next attempt. False when there were enough.
    pub(crate) async fn waits(&mut self) -> bool {
        let pause = Duration::from_millis(fastrand::u64(1..=self.ceiling));
        if self.left == 0 || self.deadline.is_some_and(|deadline| Instant::now() + pause >= deadline) {
            return false;
        }
        self.left -= 1;
        self.ceiling = (self.ceiling * 2).min(MAX_BACKOFF_MS);
        sleep(pause).await;
        true
    }

    /// Waits before the next attempt at a change that others came first of.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there were enough attempts.
    pub async fn pause(&mut self) -> Result<(), Error> {
        if self.waits().await { Ok(()) } else { Err(Error::Conflict) }
    }
}

/// What is decided about something that was loaded.
#[derive(Debug)]
pub enum Decision<T, D = ()> {
    /// Write it as it is here, if it differs from what was loaded. `D` is what else the response needs.
    Write(T, D),
    /// It has changed since it was loaded: load it again.
    LoadAgain,
}

/// Reads items by their keys, consistently or not, in batches of at most 100 keys, until no key is left unprocessed.
pub(crate) async fn batch(
    client: &Client,
    requests: Vec<(String, Vec<Attributes>, bool)>,
) -> Result<Vec<(String, Attributes)>, Error> {
    let mut found = Vec::new();
    let mut waiting: Vec<(String, Attributes, bool)> = requests
        .into_iter()
        .flat_map(|(table, keys, consistent)| keys.into_iter().map(move |key| (table.clone(), key, consistent)))
        .collect();
    let mut backoff = Backoff::within(RETRY_BUDGET);
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(100));
        let chunk = std::mem::replace(&mut waiting, rest);
        let mut tables: std::collections::HashMap<String, (Vec<Attributes>, bool)> = std::collections::HashMap::new();
        for (table, key, consistent) in chunk {
            let entry = tables.entry(table).or_insert((Vec::new(), consistent));
            entry.0.push(key);
        }
        let mut items = std::collections::HashMap::new();
        for (table, (keys, consistent)) in tables {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(consistent)
                .build()
                .map_err(|error| Error::Failed(error.to_string()))?;
            items.insert(table, request);
        }
        let answer = with_retries(|| async {
            client
                .batch_get_item()
                .set_request_items(Some(items.clone()))
                .dispatch()
                .await
                .map_err(|error| failure(&error))
        })
        .await?;
        for (table, items) in answer.responses.unwrap_or_default() {
            found.extend(items.into_iter().map(|item| (table.clone(), item)));
        }
        let unanswered = answer.unprocessed_keys.unwrap_or_default();
        if !unanswered.is_empty() {
            if !backoff.waits().await {
                return Err(Error::Unavailable("keys stay unprocessed".to_owned()));
            }
            for (table, request) in unanswered {
                let consistent = request.consistent_read().unwrap_or(false);
                waiting.extend(request.keys.into_iter().map(|key| (table.clone(), key, consistent)));
            }
        }
    }
    Ok(found)
}

#[derive(Clone, Debug, Default)]
pub(crate) struct QueryRequest {
    pub(crate) table: String,
    pub(crate) index: Option<&'static str>,
    /// Name and value of the partition key.
    pub(crate) partition: (&'static str, String),
    /// The sort key's part of the key condition, with its values.
    pub(crate) sort_key_condition: Option<(String, Attributes)>,
    pub(crate) newest_first: bool,
    pub(crate) consistent: bool,
    pub(crate) limit: Option<i32>,
    /// The key after which the page begins.
    pub(crate) start: Option<Attributes>,
    /// The only attribute that is read beside keys, where the others are not needed.
    pub(crate) only: Option<&'static str>,
    /// Entries of attributes that are maps, which are read beside it.
    pub(crate) parts: Vec<(&'static str, String)>,
    /// Whether the keys are enough. Else the items of an index that holds only keys are read by them.
    pub(crate) only_keys: bool,
}

/// The indexes of whole items that stood in the place of those with keys before 2026-12-02. A stack that is on its way
/// from them gets one index with each deployment, so for a while it has the old ones only.
const FORMER: [(&str, &str); 4] = [
    ("keys_by_state", "by_state"),
    ("keys_by_contact", "by_email"),
    ("keys_by_reference", "by_reference"),
    ("keys_by_due", "by_due"),
];

impl QueryRequest {
    /// A query of one partition of an index.
    pub(crate) fn of(table: &str, index: &'static str, partition: (&'static str, String)) -> Self {
        Self { table: table.to_owned(), index: Some(index), partition, ..Self::default() }
    }
}

/// A page of a query, and the key after which the next one begins.
pub(crate) struct Found {
    pub(crate) items: Vec<Attributes>,
    pub(crate) last: Option<Attributes>,
}

/// Reads one page of a query: of an index that holds only keys with the items, in one more call for each hundred.
pub(crate) async fn query(client: &Client, request: QueryRequest) -> Result<Found, Error> {
    let has_keys = request.index.is_some_and(|index| index.starts_with("keys_by_"));
    let is_enough = !has_keys || request.only_keys || request.only.is_some();
    let table = request.table.clone();
    let mut found = query_index(client, request).await?;
    if !is_enough {
        found.items = with_items(client, table, found.items).await?;
    }
    Ok(found)
}

/// The items of these entries of an index, in their order, with the keys that the index has of them: an item may have
/// changed since. One that is gone is left out.
pub(crate) async fn with_items(
    client: &Client,
    table: String,
    entries: Vec<Attributes>,
) -> Result<Vec<Attributes>, Error> {
    let key_of = |item: &Attributes| -> Attributes {
        ["pk", "sk"].iter().filter_map(|name| item.get(*name).map(|part| ((*name).to_owned(), part.clone()))).collect()
    };
    let texts_of = |item: &Attributes| ["pk", "sk"].map(|name| text(item, name).unwrap_or_default().to_owned());
    let read = batch(client, vec![(table, entries.iter().map(key_of).collect(), false)]).await?;
    let mut read: BTreeMap<[String; 2], Attributes> =
        read.into_iter().map(|(_, item)| (texts_of(&item), item)).collect();
    let found = entries.into_iter().filter_map(|entry| {
        let mut item = read.remove(&texts_of(&entry))?;
        item.extend(entry);
        Some(item)
    });
    Ok(found.collect())
}

async fn query_index(client: &Client, mut request: QueryRequest) -> Result<Found, Error> {
    match query_as_named(client, request.clone()).await {
        Err(cause) if is_missing_index(&cause) => {
            let former = FORMER.into_iter().find(|(index, _)| request.index == Some(index));
            let Some((_, former)) = former else { return Err(cause) };
            request.index = Some(former);
            query_as_named(client, request).await
        }
        found => found,
    }
}

/// Whether DynamoDB has said that an index is not there, or is still being filled.
pub(crate) fn is_missing_index(cause: &Error) -> bool {
    matches!(cause, Error::Failed(cause) if is_of_missing_index(cause))
}

fn is_of_missing_index(cause: &str) -> bool {
    cause.contains("the specified index") || cause.contains("backfilling")
}

async fn query_as_named(client: &Client, request: QueryRequest) -> Result<Found, Error> {
    let (attribute, value) = &request.partition;
    let condition = match &request.sort_key_condition {
        Some((more, _)) => format!("#partition = :partition AND {more}"),
        None => "#partition = :partition".to_owned(),
    };
    let names = std::iter::once(("#partition".to_owned(), (*attribute).to_owned()))
        .chain(request.only.map(|only| ("#only".to_owned(), only.to_owned())));
    let parts = request.parts.iter().enumerate().flat_map(|(at, (map, entry))| {
        [(format!("#map{at}"), (*map).to_owned()), (format!("#entry{at}"), entry.clone())]
    });
    let names: std::collections::HashMap<String, String> = names.chain(parts).collect();
    let projection = request.only.map(|_| {
        let parts = (0..request.parts.len()).map(|at| format!(", #map{at}.#entry{at}"));
        std::iter::once("#only".to_owned()).chain(parts).collect::<String>()
    });
    let mut values = request.sort_key_condition.as_ref().map(|(_, values)| values.clone()).unwrap_or_default();
    values.insert(":partition".to_owned(), AttributeValue::S(value.clone()));
    let answer = with_retries(|| async {
        client
            .query()
            .table_name(&request.table)
            .set_index_name(request.index.map(str::to_owned))
            .key_condition_expression(&condition)
            .set_expression_attribute_names(Some(names.clone()))
            .set_projection_expression(projection.clone())
            .set_expression_attribute_values(Some(values.clone()))
            .scan_index_forward(!request.newest_first)
            .consistent_read(request.consistent)
            .set_limit(request.limit)
            .set_exclusive_start_key(request.start.clone())
            .dispatch()
            .await
            .map_err(|error| match failure(&error) {
                // The start key comes from a caller's cursor, and only DynamoDB checks whether it is a key.
                Failure::Failed(cause) if is_of_missing_index(&cause) => Failure::Failed(cause),
                Failure::Failed(_) if request.start.is_some() && error.code() == Some("ValidationException") => {
                    Failure::InvalidPageKey
                }
                other => other,
            })
    })
    .await?;
    let last = answer.last_evaluated_key.filter(|last| !last.is_empty());
    Ok(Found { items: answer.items.unwrap_or_default(), last })
}

/// Reads all pages of a query.
pub(crate) async fn query_all(client: &Client, mut request: QueryRequest) -> Result<Vec<Attributes>, Error> {
    let mut items = Vec::new();
    loop {
        let page = query(client, request.clone()).await?;
        items.extend(page.items);
        match page.last {
            Some(last) => request.start = Some(last),
            None => return Ok(items),
        }
    }
}

pub(crate) async fn get(
    client: &Client,
    table: &str,
    key: Attributes,
    consistent: bool,
) -> Result<Option<Attributes>, Error> {
    let answer = with_retries(|| async {
        client
            .get_item()
            .table_name(table)
            .set_key(Some(key.clone()))
            .consistent_read(consistent)
            .dispatch()
            .await
            .map_err(|error| failure(&error))
    })
    .await?;
    Ok(answer.item)
}

/// The attribute with the mark of the call that last updated an item, by which a repeated call recognises its own
/// write.
const WRITTEN: &str = "written_by";

/// A mark of one call, so that what it writes equals what no other call writes at the same time.
pub(crate) fn mark() -> (String, AttributeValue) {
    (WRITTEN.to_owned(), string(format!("{:016x}", fastrand::u64(..))))
}

/// Puts one item under a condition. The SDK sends a call again when its answer is lost, and the condition may then fail
/// because of the call's own success: an existing item that equals the one to be put counts as success. What two calls
/// may write alike at the same time, and only one of them may have done, carries a [`mark`].
pub(crate) async fn put_one(
    client: &Client,
    table: &str,
    item: Attributes,
    condition: &Condition,
) -> Result<(), Failure> {
    with_retries(|| async {
        let sent = client
            .put_item()
            .table_name(table)
            .set_item(Some(item.clone()))
            .condition_expression(&condition.expression)
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .dispatch()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) if refused.item() == Some(&item) => Ok(()),
                _ => Err(failure(&error)),
            },
        }
    })
    .await
}

/// Updates one item under a condition and returns its new attributes. Each call writes a mark of its own: when the SDK
/// sends it again after a lost answer, the item with that mark is returned and nothing is written a second time.
pub(crate) async fn update_one(
    client: &Client,
    table: &str,
    key: Attributes,
    change: &str,
    condition: &Condition,
) -> Result<Attributes, Failure> {
    let (_, mark) = mark();
    let marked = Condition {
        expression: format!("({}) AND (attribute_not_exists(#written) OR #written <> :written)", condition.expression),
        ..condition.clone()
    }
    .name("#written", WRITTEN)
    .value(":written", mark.clone());
    let change = match change.strip_prefix("SET ") {
        Some(rest) => format!("SET #written = :written, {rest}"),
        None => format!("SET #written = :written {change}"),
    };
    with_retries(|| async {
        let sent = client
            .update_item()
            .table_name(table)
            .set_key(Some(key.clone()))
            .update_expression(&change)
            .condition_expression(&marked.expression)
            .set_expression_attribute_names(marked.names())
            .set_expression_attribute_values(marked.values())
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .dispatch()
            .await;
        let error = match sent {
            Ok(answer) => return Ok(answer.attributes.unwrap_or_default()),
            Err(error) => error,
        };
        let item = match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => refused.item(),
            _ => None,
        };
        match item.filter(|item| item.get(WRITTEN) == Some(&mark)) {
            Some(own) => Ok(own.clone()),
            None => Err(failure(&error)),
        }
    })
    .await
}

/// Deletes one item under a condition. An item that is gone already counts as success, because the answer to the first
/// attempt may have been lost.
pub(crate) async fn delete_one(
    client: &Client,
    table: &str,
    key: Attributes,
    condition: &Condition,
) -> Result<(), Failure> {
    with_retries(|| async {
        let sent = client
            .delete_item()
            .table_name(table)
            .set_key(Some(key.clone()))
            .condition_expression(&condition.expression)
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .dispatch()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(refused)) if refused.item().is_none() => Ok(()),
                _ => Err(failure(&error)),
            },
        }
    })
    .await
}
