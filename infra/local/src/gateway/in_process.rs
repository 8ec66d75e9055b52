//! Functions in this process: a router behind `lambda_http`'s own conversion.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use tower::Service;

use super::{BoxFuture, InvocationContext, Invoke, InvokeError};
use crate::faults::Faults;

/// Runs a function's router in this process. The event and the answer go through the same types and JSON as in the
/// cloud, so nothing works here that would not pass through them there.
#[derive(Clone, Debug)]
pub struct InProcess {
    name: String,
    router: Router,
    limit: Option<Duration>,
    faults: Faults,
}

impl InProcess {
    /// A function by its name and its router.
    pub fn new(name: impl Into<String>, router: Router) -> Self {
        Self { name: name.into(), router, limit: None, faults: Faults::default() }
    }

    /// The function's own time limit, after which it counts as failed.
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// What may kill it.
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }
}

impl Invoke for InProcess {
    fn invoke(&self, event: Bytes, context: InvocationContext) -> BoxFuture<'_, Result<Bytes, InvokeError>> {
        // A task of its own: a panic becomes this invocation's error, and, as in the cloud, the function runs to its
        // end even when nobody waits for the answer any more.
        let crash = self.faults.crash_of(&context.trace_id);
        let running = tokio::spawn(run(self.router.clone(), event, lambda_context(&self.name, context)));
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
                    return Err(InvokeError::Failed("it died".to_owned()));
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

/// The name that a function has in this cloud.
pub(super) fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:000000000000:function:{name}")
}

async fn run(router: Router, event: Bytes, context: Context) -> Result<Bytes, InvokeError> {
    let request: LambdaRequest =
        serde_json::from_slice(&event).map_err(|failure| InvokeError::Failed(failure.to_string()))?;
    // The adapter is not `Send` with axum's body, its future is: the adapter must be gone before the first wait. A router
    // is always ready, so nothing is skipped by calling it at once.
    let answering = {
        let mut adapter = Adapter::from(router);
        adapter.call(LambdaEvent::new(request, context))
    };
    let answered: Result<_, Infallible> = answering.await;
    let answer = answered.unwrap_or_else(|never| match never {});
    serde_json::to_vec(&answer).map(Bytes::from).map_err(|failure| InvokeError::Failed(failure.to_string()))
}
