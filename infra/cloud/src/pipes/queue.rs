//! EventBridge Pipes from a stream to a queue.

use std::sync::Arc;

use super::{Context, Sink, dead_letter};
use crate::dynamodb::{Consumer, OpenError, StreamRecord};

/// Sends each record that passes the filter as one message.
pub(super) struct ToQueue {
    pub(super) sink: Arc<dyn Sink>,
}

impl ToQueue {
    /// Sends these records, then commits them. A crash in between sends them again.
    pub(super) async fn deliver(
        &self,
        context: &Context,
        consumer: &mut Consumer,
        records: &[StreamRecord],
    ) -> Result<(), OpenError> {
        let Some(last) = records.last().map(|record| record.position) else { return Ok(()) };
        let passing: Vec<StreamRecord> =
            records.iter().filter(|record| context.source.filter.passes(&record.event)).cloned().collect();
        let mut attempts = 0;
        while !passing.is_empty() {
            let bodies = passing.iter().map(|record| record.event.to_string()).collect();
            let Err(error) = self.sink.send(bodies).await else { break };
            tracing::warn!(pipe.name = context.source.name, error = %error, "A pipe could not deliver to its queue.");
            attempts += 1;
            if context.gives_up_after(attempts) {
                let arn = consumer.stream_arn()?;
                let message =
                    dead_letter::of_pipe(&context.source.name, consumer.table(), &arn, &passing, context.clock.now());
                context.send_dead_letter(message).await;
                break;
            }
            context.backoff(attempts).await;
        }
        consumer.commit(last)
    }
}
