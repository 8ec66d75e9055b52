//! The delivery of one batch: halves, retries, age, and what is given up.

use crate::time::Timestamp;
use tokio::sync::watch;

use super::dead_letter::{self, GivenUp};
use super::{Context, MAX_BACKOFF, Target};
use crate::dynamodb::{Consumer, OpenError, StreamRecord};

/// A part of a batch that is still to be delivered.
struct Part {
    records: Vec<StreamRecord>,
    attempts: u32,
}

/// Delivers records until each is delivered or given up, and advances the consumer behind them.
///
/// Where a batch fails it is halved, and where only some of its records failed it goes on at these. Lambda counts
/// neither as a retry (<https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>,
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>). Of pipes it is only
/// documented that they halve until all is processed or one failed record is left
/// (<https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_PipeSourceDynamoDBStreamParameters.html>).
/// So only a record that is alone is retried, and it keeps those after it waiting, as the order of a shard demands.
///
/// When `stopped` becomes true, what is not delivered stays in the stream for the next start.
pub(super) async fn deliver(
    context: &Context,
    target: &Target,
    consumer: &mut Consumer,
    records: Vec<StreamRecord>,
    stopped: &mut watch::Receiver<bool>,
) -> Result<(), OpenError> {
    let Some(last) = records.last().map(|record| record.position) else { return Ok(()) };
    let source = &context.source;
    let passing = records.into_iter().filter(|record| source.filter.passes(&record.event)).collect();
    let mut parts = vec![Part { records: passing, attempts: 0 }];
    let mut advanced = false;
    while let Some(Part { mut records, attempts }) = parts.pop() {
        let before = records.first().map(|first| first.position - 1);
        if advanced && let Some(before) = before {
            consumer.commit(before)?;
        }
        if before.is_some() && *stopped.borrow() {
            return Ok(());
        }
        advanced = true;
        let expired = expired(&records, source.max_age.map(|age| context.clock.now() - age));
        if expired > 0 {
            let left = records.split_off(expired);
            let why = GivenUp::RecordAgeExceeded;
            if !give_up(context, target, consumer, &records, attempts, why, stopped).await? {
                return Ok(());
            }
            parts.push(Part { records: left, attempts });
            continue;
        }
        if records.is_empty() {
            continue;
        }
        let left = target.attempt(context, &records).await;
        if left.is_empty() {
            continue;
        }
        // Of a queue's batch, records behind the first that failed may be sent already: a crash sends them again.
        if source.bisect && left.len() < records.len() {
            parts.push(Part { records: left, attempts });
            continue;
        }
        if source.bisect && left.len() > 1 {
            let mut first = left;
            let second = first.split_off(first.len() / 2);
            parts.push(Part { records: second, attempts });
            parts.push(Part { records: first, attempts });
            advanced = false;
            continue;
        }
        let attempts = attempts.saturating_add(1);
        if source.retries.is_some_and(|retries| attempts > retries) {
            let why = GivenUp::RetryAttemptsExhausted;
            if !give_up(context, target, consumer, &left, attempts, why, stopped).await? {
                return Ok(());
            }
            continue;
        }
        if !backoff(context, attempts, stopped).await {
            return Ok(());
        }
        parts.push(Part { records: left, attempts });
    }
    consumer.commit(last)
}

/// How many records from the front could be read since before `oldest`.
fn expired(records: &[StreamRecord], oldest: Option<Timestamp>) -> usize {
    oldest.map_or(0, |oldest| records.iter().take_while(|record| record.since < oldest).count())
}

/// Sends the dead letter of records. Keeps the reader waiting until that succeeds, because the records would be lost
/// without a trace otherwise; false when the reader was stopped meanwhile.
async fn give_up(
    context: &Context,
    target: &Target,
    consumer: &Consumer,
    records: &[StreamRecord],
    attempts: u32,
    why: GivenUp,
    stopped: &mut watch::Receiver<bool>,
) -> Result<bool, OpenError> {
    let name = &context.source.name;
    let Some(dead_letters) = &context.dead_letters else {
        tracing::error!(source.name = name, "Records were given up and there is no dead-letter queue.");
        return Ok(true);
    };
    let batch = dead_letter::batch(consumer.shard(), consumer.stream_arn(), records);
    let now = context.clock.now();
    let message = match target {
        Target::Queue(_) => dead_letter::of_pipe(name, why, batch, now),
        Target::Function(_) => dead_letter::of_function(name, why, attempts, batch, now),
    };
    let mut failures = 0_u32;
    loop {
        let cause = match dead_letters.send(vec![message.clone()]).await {
            Ok(refused) if refused.is_empty() => return Ok(true),
            Ok(_) => "the queue refuses it".to_owned(),
            Err(cause) => cause,
        };
        tracing::error!(source.name = name, error = %cause, "A dead letter could not be sent.");
        failures = failures.saturating_add(1);
        if !backoff(context, failures, stopped).await {
            return Ok(false);
        }
    }
}

/// Waits before the next attempt; false when the reader was stopped meanwhile.
async fn backoff(context: &Context, attempts: u32, stopped: &mut watch::Receiver<bool>) -> bool {
    let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
    pause(context.source.backoff.saturating_mul(factor).min(MAX_BACKOFF), stopped).await
}

/// Waits; false when the reader was stopped meanwhile.
pub(super) async fn pause(time: std::time::Duration, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        // An error means that the handle is gone, and the reader with it.
        _ = stopped.wait_for(|stopped| *stopped) => false,
        () = tokio::time::sleep(time) => true,
    }
}
