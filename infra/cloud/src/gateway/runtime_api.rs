//! The Lambda Runtime API, as one process of a function sees it
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Notify, oneshot, watch};

use super::{InvocationContext, InvokeError};
use crate::account::function_arn;

/// The function's response, or why there is none.
pub(super) type Answered = Result<Bytes, InvokeError>;

/// The Runtime API of one process, which handles one invocation at a time.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    arn: String,
    work: Mutex<Work>,
    arrived: Notify,
    /// Whether the process polls for an invocation and has got none yet; also true once it has ended.
    polling: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Work {
    waiting: Option<Waiting>,
    running: Option<(String, oneshot::Sender<Answered>)>,
    closed: Option<String>,
}

#[derive(Debug)]
struct Waiting {
    event: Bytes,
    context: InvocationContext,
    taken: oneshot::Sender<()>,
    answer: oneshot::Sender<Answered>,
}

/// An invocation that was dispatched to a process.
#[derive(Debug)]
pub(super) struct Dispatched {
    /// Resolves when the process has taken it: after its initialisation, if it has just been started.
    pub(super) taken: oneshot::Receiver<()>,
    /// Resolves with the response. Both fail if the process ends before.
    pub(super) answer: oneshot::Receiver<Answered>,
}

impl RuntimeApi {
    pub(super) fn new(function: &str) -> Arc<Self> {
        Arc::new(Self {
            arn: function_arn(function),
            work: Mutex::default(),
            arrived: Notify::new(),
            polling: watch::Sender::new(false),
        })
    }

    /// Dispatches an invocation to the process, which must have none.
    pub(super) fn dispatch(&self, event: Bytes, context: InvocationContext) -> Dispatched {
        let ((taken, has_taken), (answer, has_answered)) = (oneshot::channel(), oneshot::channel());
        let mut work = self.work();
        if work.closed.is_none() {
            work.waiting = Some(Waiting { event, context, taken, answer });
            self.arrived.notify_one();
        }
        Dispatched { taken: has_taken, answer: has_answered }
    }

    /// Records that the process has ended; the invocations that wait for it fail.
    pub(super) fn close(&self, why: String) {
        let mut work = self.work();
        work.waiting = None;
        work.running = None;
        work.closed.get_or_insert(why);
        self.polling.send_replace(true);
    }

    /// Waits until the process polls for an invocation, or has ended.
    pub(super) async fn wait_for_poll(&self) {
        // This cannot fail, because `self` holds the sender.
        let _ = self.polling.subscribe().wait_for(|polling| *polling).await;
    }

    /// Why the process has ended; `None` while it runs.
    pub(super) fn closed(&self) -> Option<String> {
        self.work().closed.clone()
    }

    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            // The gateway refuses responses that are too large; a limit here would only cut the connection.
            .layer(DefaultBodyLimit::disable())
            .with_state(self)
    }

    fn take(&self) -> Option<(Bytes, InvocationContext)> {
        let mut work = self.work();
        let Waiting { event, context, taken, answer } = work.waiting.take()?;
        work.running = Some((context.request_id.clone(), answer));
        self.polling.send_replace(false);
        // The caller may have disconnected; the function runs all the same, as in Lambda.
        let _ = taken.send(());
        Some((event, context))
    }

    fn finish(&self, id: &str, answered: Answered) -> Response {
        let mut work = self.work();
        match work.running.take() {
            Some((running, answer)) if running == id => {
                let _ = answer.send(answered);
                (StatusCode::ACCEPTED, Json(json!({"status": "OK"}))).into_response()
            }
            other => {
                work.running = other;
                let problem = json!({"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"});
                (StatusCode::BAD_REQUEST, Json(problem)).into_response()
            }
        }
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn next(State(runtime_api): State<Arc<RuntimeApi>>) -> Response {
    loop {
        let arrived = runtime_api.arrived.notified();
        if let Some((event, context)) = runtime_api.take() {
            let headers = [
                ("content-type", "application/json".to_owned()),
                ("lambda-runtime-aws-request-id", context.request_id),
                ("lambda-runtime-deadline-ms", context.deadline.millis().to_string()),
                ("lambda-runtime-invoked-function-arn", runtime_api.arn.clone()),
                ("lambda-runtime-trace-id", context.trace_id),
            ];
            return (headers, event).into_response();
        }
        runtime_api.polling.send_replace(true);
        arrived.await;
    }
}

async fn response(State(runtime_api): State<Arc<RuntimeApi>>, Path(id): Path<String>, body: Bytes) -> Response {
    runtime_api.finish(&id, Ok(body))
}

/// A function's error, as runtimes report it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reported {
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error_message: String,
}

fn reported(body: &[u8]) -> String {
    serde_json::from_slice(body).map_or_else(
        |_| String::from_utf8_lossy(body).into_owned(),
        |Reported { error_type, error_message }| format!("{error_type}: {error_message}"),
    )
}

async fn error(State(runtime_api): State<Arc<RuntimeApi>>, Path(id): Path<String>, body: Bytes) -> Response {
    runtime_api.finish(&id, Err(InvokeError::Failed(reported(&body))))
}

async fn init_error(State(runtime_api): State<Arc<RuntimeApi>>, body: Bytes) -> Response {
    runtime_api.close(reported(&body));
    (StatusCode::ACCEPTED, Json(json!({"status": "OK"}))).into_response()
}
