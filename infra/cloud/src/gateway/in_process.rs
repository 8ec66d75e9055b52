//! Functions in this process: a router behind `lambda_http`'s own conversion, or a handler of events.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use tokio::sync::watch;
use tower::Service;

use super::{BoxFuture, InvocationContext, Invoke, InvokeError};
use crate::account::function_arn;
use crate::faults::Faults;

/// Takes an event (JSON) and returns the response (JSON).
type Handler = Arc<dyn Fn(Bytes, InvocationContext) -> BoxFuture<'static, Result<Bytes, InvokeError>> + Send + Sync>;

/// Runs a function in this process.
#[derive(Clone)]
pub struct InProcess {
    handler: Handler,
    limit: Option<Duration>,
    faults: Faults,
    ended: Ended,
}

/// Whether the functions of this process have ended. Clones share it.
#[derive(Clone, Debug)]
pub struct Ended(watch::Sender<bool>);

impl Default for Ended {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Ended {
    /// Ends all invocations that are running, and all that begin later.
    pub fn end(&self) {
        self.0.send_replace(true);
    }

    /// Runs an invocation until its end or until the functions have ended.
    pub async fn or<T>(self, invocation: impl Future<Output = Result<T, InvokeError>>) -> Result<T, InvokeError> {
        let mut ended = self.0.subscribe();
        tokio::select! {
            biased;
            _ = ended.wait_for(|ended| *ended) => Err(InvokeError::Ended("the cloud was stopped".to_owned())),
            answered = invocation => answered,
        }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("InProcess").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl InProcess {
    /// A function behind the API. Event and response go through the same types and JSON as in AWS, so what these cannot
    /// express fails here too.
    pub fn router(name: impl Into<String>, router: Router) -> Self {
        let name = name.into();
        Self::handler(move |event, context| Box::pin(run(router.clone(), event, lambda_context(&name, context))))
    }

    /// A function that gets events of queues, streams or schedules.
    pub fn handler(
        handler: impl Fn(Bytes, InvocationContext) -> BoxFuture<'static, Result<Bytes, InvokeError>> + Send + Sync + 'static,
    ) -> Self {
        Self { handler: Arc::new(handler), limit: None, faults: Faults::default(), ended: Ended::default() }
    }

    /// Sets the function's timeout, after which the invocation fails.
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets the faults that may kill an invocation.
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Sets what ends its invocations.
    pub fn with_ended(mut self, ended: Ended) -> Self {
        self.ended = ended;
        self
    }
}

impl Invoke for InProcess {
    fn invoke(&self, event: Bytes, context: InvocationContext) -> BoxFuture<'_, Result<Bytes, InvokeError>> {
        // A separate task: a panic becomes this invocation's error, and the function runs to its end even if the caller
        // disconnects, as in Lambda.
        let crash = self.faults.crash_of(&context.trace_id);
        let running = tokio::spawn(self.ended.clone().or((self.handler)(event, context)));
        Box::pin(async move {
            let abort = running.abort_handle();
            let limit = async {
                match self.limit {
                    Some(limit) => tokio::time::sleep(limit).await,
                    None => std::future::pending().await,
                }
            };
            let ended = tokio::select! {
                ended = running => ended,
                () = crash => {
                    abort.abort();
                    return Err(InvokeError::Failed("it was killed by a fault".to_owned()));
                }
                () = limit => {
                    abort.abort();
                    return Err(InvokeError::TimedOut);
                }
            };
            ended.map_err(|failure| InvokeError::Failed(failure.to_string()))?
        })
    }
}

fn lambda_context(name: &str, invocation: InvocationContext) -> Context {
    let mut context = Context::default();
    context.invoked_function_arn = function_arn(name);
    context.request_id = invocation.request_id;
    context.xray_trace_id = Some(invocation.trace_id);
    context.deadline = u64::try_from(invocation.deadline.millis()).unwrap_or(0);
    context
}

async fn run(router: Router, event: Bytes, context: Context) -> Result<Bytes, InvokeError> {
    let request: LambdaRequest =
        serde_json::from_slice(&event).map_err(|failure| InvokeError::Failed(failure.to_string()))?;
    // With axum's body the adapter is not `Send`, only its future is, so the adapter must be dropped before the first
    // await. A router is always ready, so it may be called without `poll_ready`.
    let answering = {
        let mut adapter = Adapter::from(router);
        adapter.call(LambdaEvent::new(request, context))
    };
    let answered: Result<_, Infallible> = answering.await;
    let answer = answered.unwrap_or_else(|never| match never {});
    serde_json::to_vec(&answer).map(Bytes::from).map_err(|failure| InvokeError::Failed(failure.to_string()))
}
