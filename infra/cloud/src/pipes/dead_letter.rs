//! Dead letters of records that were given up. As in AWS, they contain the records' position in the stream, not the
//! records (<https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>).

use crate::account::{ACCOUNT, REGION, function_arn};
use crate::time::Timestamp;
use serde_json::{Value, json};

use crate::dynamodb::StreamRecord;
use crate::sqs::wire::random_uuid;

/// Why records are given up, as dead letters call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

pub(super) fn of_pipe(pipe: &str, why: GivenUp, batch: Value, now: Timestamp) -> String {
    json!({
        "context": {
            "partnerResourceArn": format!("arn:aws:pipes:{REGION}:{ACCOUNT}:pipe/{pipe}"),
            "condition": why.condition(),
        },
        "version": "1.0",
        "timestamp": now,
        "DDBStreamBatchInfo": batch,
    })
    .to_string()
}

/// The dead letter of an event source mapping.
pub(super) fn of_function(function: &str, why: GivenUp, attempts: u32, batch: Value, now: Timestamp) -> String {
    let mut body = json!({
        "requestContext": {
            "requestId": random_uuid(),
            "functionArn": function_arn(function),
            "condition": why.condition(),
            "approximateInvokeCount": attempts,
        },
        "version": "1.0",
        "timestamp": now,
        "DDBStreamBatchInfo": batch,
    });
    if attempts > 0 {
        let response = json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" });
        body.as_object_mut().map(|body| body.insert("responseContext".to_owned(), response));
    }
    body.to_string()
}

/// Where the records are.
pub(super) fn batch(shard: &str, stream_arn: &str, records: &[StreamRecord]) -> Value {
    let number = |record: Option<&StreamRecord>| {
        record.and_then(|record| record.event.pointer("/dynamodb/SequenceNumber")).cloned().unwrap_or_default()
    };
    let arrival = |record: Option<&StreamRecord>| {
        let seconds = record?.event.pointer("/dynamodb/ApproximateCreationDateTime")?.as_f64()?;
        Some(Timestamp::from_millis((seconds as i64).saturating_mul(1_000)))
    };
    json!({
        "shardId": shard,
        "startSequenceNumber": number(records.first()),
        "endSequenceNumber": number(records.last()),
        "approximateArrivalOfFirstRecord": arrival(records.first()),
        "approximateArrivalOfLastRecord": arrival(records.last()),
        "batchSize": records.len(),
        "streamArn": stream_arn,
    })
}

impl GivenUp {
    const fn condition(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}
