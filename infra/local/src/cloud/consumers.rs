//! Event consumers in this process, behind the same code of `platform` that parses the event in Lambda.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Timestamp;
use platform::{Config, EventError, Fatal};

use crate::clock::Clock;
use crate::faults::Faults;
use crate::gateway::{BoxFuture, InvocationContext, Invoke, InvokeError};

/// A consumer: takes the event (JSON) and the time, and returns the response (JSON).
pub(super) type Consumer =
    Arc<dyn Fn(String, Timestamp) -> BoxFuture<'static, Result<String, EventError>> + Send + Sync>;

pub(super) struct InProcess {
    consumer: Consumer,
    clock: Clock,
    limit: Duration,
    faults: Faults,
}

impl InProcess {
    pub(super) fn new(consumer: Consumer, clock: Clock, limit: Duration, faults: Faults) -> Self {
        Self { consumer, clock, limit, faults }
    }
}

impl Invoke for InProcess {
    fn invoke(&self, event: Bytes, context: InvocationContext) -> BoxFuture<'_, Result<Bytes, InvokeError>> {
        let (consumer, now, limit) = (Arc::clone(&self.consumer), self.clock.now(), self.limit);
        let crash = self.faults.crash_of(&context.trace_id);
        // A separate task, so that a panic becomes this invocation's error.
        let running = tokio::spawn(async move {
            let event = String::from_utf8(event.to_vec()).map_err(|error| InvokeError::Failed(error.to_string()))?;
            let consumed = platform::trace::scope(Some(context.trace_id), consumer(event, now));
            match tokio::time::timeout(limit, consumed).await {
                Ok(Ok(answer)) => Ok(Bytes::from(answer)),
                Ok(Err(error)) => Err(InvokeError::Failed(error.to_string())),
                Err(_) => Err(InvokeError::TimedOut),
            }
        });
        Box::pin(async move {
            let abort = running.abort_handle();
            tokio::select! {
                ended = running => ended.map_err(|failure| InvokeError::Failed(failure.to_string()))?,
                () = crash => {
                    abort.abort();
                    Err(InvokeError::Failed("it was killed by a fault".to_owned()))
                }
            }
        })
    }
}

pub(super) async fn order_events(config: &Config) -> Result<Consumer, Fatal> {
    let app = Arc::new(order_events::App::new(config).await?);
    Ok(Arc::new(move |event, now| {
        let app = Arc::clone(&app);
        Box::pin(async move { platform::queue_batch(&*app, &event, now, &order_events::handle).await })
    }))
}

pub(super) async fn imports(config: &Config) -> Result<Consumer, Fatal> {
    let app = Arc::new(imports::App::new(config).await?);
    Ok(Arc::new(move |event, now| {
        let app = Arc::clone(&app);
        Box::pin(async move { platform::queue_batch(&*app, &event, now, &imports::handle).await })
    }))
}

pub(super) async fn projections(config: &Config) -> Result<Consumer, Fatal> {
    let app = Arc::new(projections::App::new(config).await?);
    Ok(Arc::new(move |event, now| {
        let app = Arc::clone(&app);
        Box::pin(async move { platform::stream_batch(&*app, &event, now, &projections::handle).await })
    }))
}

pub(super) async fn housekeeping(config: &Config) -> Result<Consumer, Fatal> {
    let app = Arc::new(housekeeping::App::new(config).await?);
    Ok(Arc::new(move |event, now| {
        let app = Arc::clone(&app);
        Box::pin(async move { platform::schedule_tick(&*app, &event, now, &housekeeping::handle).await })
    }))
}
