//! Dead letters of records that could not be delivered. As in AWS, they contain the records' position in the stream,
//! not the records.

use crate::time::Timestamp;
use serde_json::{Value, json};

use crate::dynamodb::{StreamRecord, table_arn};

pub(super) fn of_pipe(pipe: &str, table: &str, stream_arn: &str, records: &[StreamRecord], now: Timestamp) -> String {
    json!({
        "context": {
            "partnerResourceArn": format!("arn:aws:pipes:us-east-1:000000000000:pipe/{pipe}"),
            "condition": "RetryAttemptsExhausted",
        },
        "version": "1.0",
        "timestamp": now,
        "DDBStreamBatchInfo": batch(table, stream_arn, records),
    })
    .to_string()
}

/// The dead letter of an event source mapping.
pub(super) fn of_function(
    function: &str,
    attempts: u32,
    table: &str,
    stream_arn: &str,
    records: &[StreamRecord],
    now: Timestamp,
) -> String {
    json!({
        "requestContext": {
            "functionArn": format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"),
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": attempts,
        },
        "version": "1.0",
        "timestamp": now,
        "DDBStreamBatchInfo": batch(table, stream_arn, records),
    })
    .to_string()
}

fn batch(table: &str, stream_arn: &str, records: &[StreamRecord]) -> Value {
    let of = |record: Option<&StreamRecord>, field: &str| {
        record.and_then(|record| record.event.pointer(field)).cloned().unwrap_or_default()
    };
    json!({
        "shardId": format!("shardId-00000001-{table}"),
        "startSequenceNumber": of(records.first(), "/dynamodb/SequenceNumber"),
        "endSequenceNumber": of(records.last(), "/dynamodb/SequenceNumber"),
        "approximateArrivalOfFirstRecord": of(records.first(), "/dynamodb/ApproximateCreationDateTime"),
        "approximateArrivalOfLastRecord": of(records.last(), "/dynamodb/ApproximateCreationDateTime"),
        "batchSize": records.len(),
        "streamArn": stream_arn,
        "tableArn": table_arn(table),
    })
}
