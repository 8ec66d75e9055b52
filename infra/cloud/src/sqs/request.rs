//! What the operations have in common: the queue that a request names, its numbers, and refusals.

use std::sync::Arc;
use std::time::Duration;

use super::wire::{Call, Refusal};
use super::{Queue, Queues};
use crate::account::{ACCOUNT, REGION};

/// The longest visibility timeout, in seconds: twelve hours.
pub(super) const MAX_VISIBILITY: i64 = 43_200;

pub(super) fn queue_of_arn(queues: &Queues, arn: &str) -> Result<Arc<Queue>, Refusal> {
    arn.strip_prefix(&format!("arn:aws:sqs:{REGION}:{ACCOUNT}:")).and_then(|name| queues.spec(name).ok()).ok_or_else(
        || {
            Refusal::new("ResourceNotFoundException", "The resource that you specified for the ARN doesn't exist.")
                .with_query_code("ResourceNotFoundException")
        },
    )
}

/// The queue of a URL, if the caller is allowed the action on it. As in AWS, permission is checked before existence, so
/// that a denied caller cannot learn which queues exist.
pub(super) fn permitted_queue(
    queues: &Queues,
    call: &Call<'_>,
    url: &str,
    action: &str,
) -> Result<Arc<Queue>, Refusal> {
    let mut segments = url.rsplit('/');
    let name = segments.next().unwrap_or_default();
    call.require(&queues.inner.permit, action, &Queues::arn(name))?;
    if segments.next() != Some(ACCOUNT) {
        return Err(no_such_queue());
    }
    queues.spec(name).map_err(|_| no_such_queue())
}

pub(super) fn seconds_within(name: &str, seconds: i64, max: i64) -> Result<Duration, Refusal> {
    u64::try_from(seconds).ok().filter(|_| seconds <= max).map(Duration::from_secs).ok_or_else(|| {
        invalid(format!(
            "Value {seconds} for parameter {name} is invalid. Reason: Must be >= 0 and <= {max}, if provided."
        ))
    })
}

pub(super) fn no_such_queue() -> Refusal {
    Refusal::new("QueueDoesNotExist", "The specified queue does not exist.")
        .with_query_code("AWS.SimpleQueueService.NonExistentQueue")
}

pub(super) fn invalid(message: String) -> Refusal {
    Refusal::new("InvalidParameterValueException", message).with_query_code("InvalidParameterValue")
}
