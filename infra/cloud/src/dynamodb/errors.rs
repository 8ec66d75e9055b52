//! The error responses that do not come from dynoxide, in DynamoDB's form.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::account::ACCOUNT;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Status and JSON body of the response.
    Answer(StatusCode, Bytes),
    /// The connection breaks without a response.
    Drop,
}

impl Outcome {
    pub(super) fn ok(body: Vec<u8>) -> Self {
        Self::Answer(StatusCode::OK, body.into())
    }

    pub(super) fn refused(body: &Value) -> Self {
        Self::Answer(StatusCode::BAD_REQUEST, body.to_string().into())
    }
}

const MODEL: &str = "com.amazonaws.dynamodb.v20120810#";
const CORAL: &str = "com.amazon.coral.service#";
const ONGOING: &str = "Transaction is ongoing for the item";
const TOO_FAST: &str = "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically \
                        scaling your table or index so please try again shortly.";

pub(super) fn unknown_operation() -> Value {
    json!({ "__type": format!("{CORAL}UnknownOperationException") })
}

pub(super) fn unreadable() -> Value {
    json!({ "__type": format!("{CORAL}SerializationException") })
}

pub(super) fn unauthenticated() -> Value {
    json!({
        "__type": format!("{CORAL}MissingAuthenticationTokenException"),
        "message": "Request is missing Authentication Token",
    })
}

pub(super) fn invalid_token() -> Value {
    json!({
        "__type": format!("{CORAL}UnrecognizedClientException"),
        "message": "The security token included in the request is invalid.",
    })
}

/// `what` is an action and a resource: `dynamodb:GetItem on resource: arn:…`.
pub(super) fn access_denied(access_key_id: &str, what: &str) -> Value {
    let function = access_key_id.strip_prefix("LOCAL").unwrap_or(access_key_id);
    json!({
        "__type": format!("{CORAL}AccessDeniedException"),
        "Message": format!(
            "User: arn:aws:sts::{ACCOUNT}:assumed-role/{function}/{function} is not authorized to perform: {what} \
             because no identity-based policy allows the action"
        ),
    })
}

pub(super) fn conflict() -> Value {
    json!({ "__type": format!("{MODEL}TransactionConflictException"), "message": ONGOING })
}

pub(super) fn in_progress() -> Value {
    json!({
        "__type": format!("{MODEL}TransactionInProgressException"),
        "Message": "The transaction with the given request token is already in progress.",
    })
}

pub(super) fn another_transaction() -> Value {
    json!({
        "__type": format!("{MODEL}IdempotentParameterMismatchException"),
        "Message": "The request uses the same client token as a previous, but non-identical request. Do not reuse a client \
                    token with different requests, unless the requests are identical",
    })
}

pub(super) fn throttled() -> Value {
    json!({ "__type": format!("{MODEL}ThrottlingException"), "message": TOO_FAST })
}

/// A cancelled transaction; `affected` tells for each action whether it conflicts.
pub(super) fn cancelled_by_conflict(affected: &[bool]) -> Value {
    cancelled(affected, "TransactionConflict", ONGOING)
}

/// A cancelled transaction whose first action was throttled.
pub(super) fn cancelled_by_throttling(actions: usize) -> Value {
    let affected: Vec<bool> = (0..actions).map(|at| at == 0).collect();
    cancelled(&affected, "ThrottlingError", TOO_FAST)
}

pub(super) fn validation(message: &str) -> Value {
    json!({ "__type": format!("{CORAL}ValidationException"), "message": message })
}

/// A cancelled transaction of which one action is invalid.
pub(super) fn cancelled_by_validation(at: usize, actions: usize, message: &str) -> Value {
    let affected: Vec<bool> = (0..actions).map(|other| other == at).collect();
    cancelled(&affected, "ValidationError", message)
}

fn cancelled(affected: &[bool], code: &str, message: &str) -> Value {
    let code_of = |affected: bool| if affected { code } else { "None" };
    let codes: Vec<&str> = affected.iter().map(|&affected| code_of(affected)).collect();
    let reasons: Vec<Value> = affected
        .iter()
        .map(|&affected| if affected { json!({ "Code": code, "Message": message }) } else { json!({ "Code": "None" }) })
        .collect();
    json!({
        "__type": format!("{MODEL}TransactionCanceledException"),
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        ),
        "CancellationReasons": reasons,
    })
}
