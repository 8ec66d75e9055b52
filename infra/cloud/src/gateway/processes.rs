//! Runs functions as separate processes: the built binaries, served over the Lambda Runtime API.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::serve::ListenerExt;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::runtime_api::{Answered, RuntimeApi};
use super::{BoxFuture, InvocationContext, Invoke, InvokeError};

/// How long a process may take until it polls for its first invocation. Lambda allows ten seconds on an idle machine;
/// here a dozen processes may start at once on a busy one.
const INIT_TIMEOUT: Duration = Duration::from_mins(1);

/// A function's binary and how Lambda would run it.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: String,
    pub path: PathBuf,
    /// Its arguments; a deployed function has none.
    pub arguments: Vec<String>,
    /// All environment variables but those that Lambda itself sets.
    pub environment: BTreeMap<String, String>,
    /// Memory in megabytes, as the environment states it; it is not enforced.
    pub memory: u32,
    /// How long one invocation may take.
    pub limit: Duration,
    /// How many processes may run at once; further invocations wait.
    pub max_processes: usize,
    /// Whether its log is discarded.
    pub quiet: bool,
}

/// Runs a function's binary: one process per concurrent invocation, kept for the next one, replaced when it dies.
#[derive(Debug)]
pub struct Processes {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    program: Program,
    slots: Semaphore,
    processes: Mutex<ProcessPool>,
}

#[derive(Debug, Default)]
struct ProcessPool {
    idle: Vec<Arc<Process>>,
    all: Vec<Arc<Process>>,
    watchers: Vec<JoinHandle<()>>,
    stopped: bool,
}

#[derive(Debug)]
struct Process {
    id: Option<u32>,
    runtime_api: Arc<RuntimeApi>,
    kill: Notify,
}

impl Processes {
    /// A function without processes; the first invocation starts one.
    pub fn new(program: Program) -> Self {
        let slots = Semaphore::new(program.max_processes.max(1));
        Self { shared: Arc::new(Shared { program, slots, processes: Mutex::default() }) }
    }

    /// The ids of the processes that run now.
    pub fn ids(&self) -> Vec<u32> {
        self.shared
            .pool()
            .all
            .iter()
            .filter(|process| process.runtime_api.closed().is_none())
            .filter_map(|process| process.id)
            .collect()
    }

    /// The id of a process that polls for its next invocation: the one that was used last, or else one that is started
    /// now.
    ///
    /// # Errors
    /// When the process does not start, ends, or does not poll for an invocation within a minute.
    pub async fn warm(&self) -> Result<u32, InvokeError> {
        let process = match self.shared.idle() {
            Some(process) => process,
            None => self.shared.start().await.map_err(|failure| InvokeError::Ended(failure.to_string()))?,
        };
        tokio::time::timeout(INIT_TIMEOUT, process.runtime_api.wait_for_poll())
            .await
            .map_err(|_| InvokeError::TimedOut)?;
        match (process.runtime_api.closed(), process.id) {
            (None, Some(id)) => {
                self.shared.pool().idle.push(process);
                Ok(id)
            }
            (why, _) => Err(InvokeError::Ended(why.unwrap_or_else(|| "it has no id".to_owned()))),
        }
    }

    /// Kills all processes and waits until they have ended; later invocations fail.
    pub async fn stop(&self) {
        let watchers = self.shared.stop();
        for watcher in watchers {
            // A watcher that panicked has dropped its process, which kills it.
            let _ = watcher.await;
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl Invoke for Processes {
    fn invoke(&self, event: Bytes, context: InvocationContext) -> BoxFuture<'_, Result<Bytes, InvokeError>> {
        let shared = self.shared.clone();
        // A separate task, so that the process finishes its work even if the caller disconnects.
        let running = tokio::spawn(async move { shared.run(event, context).await });
        Box::pin(async move { running.await.map_err(|failure| InvokeError::Ended(failure.to_string()))? })
    }
}

impl Shared {
    async fn run(self: Arc<Self>, event: Bytes, context: InvocationContext) -> Answered {
        let _slot = self.slots.acquire().await.map_err(|failure| InvokeError::Ended(failure.to_string()))?;
        let process = match self.idle() {
            Some(process) => process,
            None => self.start().await.map_err(|failure| InvokeError::Ended(failure.to_string()))?,
        };
        let answered = process.invoke(event, context, self.program.limit).await;
        match &answered {
            Ok(_) | Err(InvokeError::Failed(_)) => self.pool().idle.push(process),
            Err(InvokeError::Ended(_) | InvokeError::TimedOut) => process.kill.notify_one(),
        }
        answered
    }

    /// The idle process that was used last, because its caches are the warmest.
    fn idle(&self) -> Option<Arc<Process>> {
        let mut pool = self.pool();
        while let Some(process) = pool.idle.pop() {
            if process.runtime_api.closed().is_none() {
                return Some(process);
            }
        }
        None
    }

    async fn start(&self) -> Result<Arc<Process>, std::io::Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let api = listener.local_addr()?;
        let program = &self.program;
        let runtime_api = RuntimeApi::new(&program.name);
        let mut pool = self.pool();
        if pool.stopped {
            return Err(std::io::Error::other("the function was stopped"));
        }
        let child = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", &program.name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", program.memory.to_string())
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", program.name))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "local")
            .env("_HANDLER", "bootstrap")
            .env("TZ", ":UTC")
            .envs(&program.environment)
            .stdin(Stdio::null())
            .stdout(if program.quiet { Stdio::null() } else { Stdio::inherit() })
            .kill_on_drop(true)
            .spawn()?;
        let process = Arc::new(Process { id: child.id(), runtime_api: runtime_api.clone(), kill: Notify::new() });
        // Small responses on loopback must not wait for acknowledgements (Nagle's algorithm).
        let listener = listener.tap_io(|stream| {
            if let Err(failure) = stream.set_nodelay(true) {
                tracing::debug!(error = %failure, "TCP_NODELAY cannot be set");
            }
        });
        let served = axum::serve(listener, runtime_api.router()).into_future();
        let server = tokio::spawn(async move {
            if let Err(failure) = served.await {
                tracing::error!(error = %failure, "a function's runtime API ended");
            }
        });
        pool.all.retain(|process| process.runtime_api.closed().is_none());
        pool.watchers.retain(|watcher| !watcher.is_finished());
        pool.all.push(process.clone());
        pool.watchers.push(tokio::spawn(process.clone().watch(child, server)));
        Ok(process)
    }

    fn stop(&self) -> Vec<JoinHandle<()>> {
        let mut pool = self.pool();
        pool.stopped = true;
        pool.idle.clear();
        pool.all.drain(..).for_each(|process| process.kill.notify_one());
        std::mem::take(&mut pool.watchers)
    }

    fn pool(&self) -> MutexGuard<'_, ProcessPool> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    async fn invoke(&self, event: Bytes, context: InvocationContext, limit: Duration) -> Answered {
        let ended = |_: oneshot::error::RecvError| {
            InvokeError::Ended(self.runtime_api.closed().unwrap_or_else(|| "no answer".to_owned()))
        };
        let dispatched = self.runtime_api.dispatch(event, context);
        tokio::time::timeout(INIT_TIMEOUT, dispatched.taken)
            .await
            .map_err(|_| InvokeError::TimedOut)?
            .map_err(ended)?;
        tokio::time::timeout(limit, dispatched.answer).await.map_err(|_| InvokeError::TimedOut)?.map_err(ended)?
    }

    /// Waits until the process ends or is to be killed, then closes its Runtime API.
    async fn watch(self: Arc<Self>, mut child: Child, server: JoinHandle<()>) {
        let ended = tokio::select! {
            ended = child.wait() => ended,
            () = self.kill.notified() => {
                // The process may have ended by itself already; then there is nothing to kill.
                let _ = child.start_kill();
                child.wait().await
            }
        };
        self.runtime_api.close(ended.map_or_else(|failure| failure.to_string(), |status| status.to_string()));
        server.abort();
    }
}

#[cfg(test)]
mod tests {
    use crate::time::Timestamp;
    use lambda_http::{Body, Request, RequestExt, service_fn};
    use serde_json::{Value, json};

    use super::*;

    /// Not a test: the function that the tests below run, in a process of this test binary. No other program is certain
    /// to be built, and from the same sources, whichever tests are selected.
    #[tokio::test]
    #[ignore = "runs as a function, started by the other tests"]
    async fn function_under_test() {
        async fn answer(request: Request) -> Result<lambda_http::Response<String>, std::io::Error> {
            let Body::Text(body) = request.body() else { return Err(std::io::Error::other("no text")) };
            match body.as_str() {
                "die" => std::process::exit(3),
                "fail" => return Err(std::io::Error::other("told to fail")),
                "hang" => std::future::pending().await,
                _ => {}
            }
            let context = request.lambda_context();
            let answer = json!({
                "body": body,
                "process": std::process::id(),
                "request_id": context.request_id,
                "trace_id": context.xray_trace_id,
                "function": context.invoked_function_arn,
                "name": context.env_config.function_name,
                "deadline": context.deadline,
            });
            Ok(lambda_http::Response::new(answer.to_string()))
        }
        lambda_http::run(service_fn(answer)).await.unwrap();
    }

    fn program(max_processes: usize) -> Program {
        Program {
            name: "CartFunction".into(),
            path: std::env::current_exe().unwrap(),
            arguments: ["--exact", "gateway::processes::tests::function_under_test", "--ignored", "-q"]
                .map(str::to_owned)
                .to_vec(),
            environment: BTreeMap::new(),
            memory: 256,
            limit: Duration::from_mins(1),
            max_processes,
            quiet: false,
        }
    }

    fn context() -> InvocationContext {
        InvocationContext::new(Timestamp::from_millis(1_795_000_000_123), Duration::from_secs(30))
    }

    fn event(body: &str) -> Bytes {
        let event = json!({
            "version": "2.0",
            "routeKey": "POST /v1/carts",
            "rawPath": "/v1/carts",
            "rawQueryString": "",
            "headers": {"host": "localhost"},
            "requestContext": {"http": {"method": "POST", "path": "/v1/carts"}, "stage": "$default", "timeEpoch": 1},
            "body": body,
            "isBase64Encoded": false,
        });
        Bytes::from(event.to_string())
    }

    async fn function_output(processes: &Processes, body: &str) -> Value {
        let answer = processes.invoke(event(body), context()).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_process_is_told_what_lambda_tells_and_serves_one_invocation_after_another() {
        let processes = Processes::new(program(4));
        let context = context();
        let answer = processes.invoke(event("hello"), context.clone()).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["statusCode"], 200);
        let first: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        let expected = json!({
            "body": "hello",
            "process": processes.ids()[0],
            "request_id": context.request_id,
            "trace_id": context.trace_id,
            "function": "arn:aws:lambda:us-east-1:000000000000:function:CartFunction",
            "name": "CartFunction",
            "deadline": 1_795_000_030_123_u64,
        });
        assert_eq!(first, expected);
        assert_eq!(function_output(&processes, "again").await["process"], first["process"]);
        processes.stop().await;
        assert!(processes.ids().is_empty());
        assert!(matches!(processes.invoke(event("late"), context).await, Err(InvokeError::Ended(_))));
    }

    #[tokio::test]
    async fn a_process_is_warm_once_it_asks_and_is_used_for_the_next_invocation() {
        let processes = Processes::new(program(1));
        let warm = processes.warm().await.unwrap();
        assert_eq!(function_output(&processes, "hello").await["process"], warm);
        assert_eq!(processes.warm().await.unwrap(), warm);
        assert_eq!(processes.ids(), [warm]);
        processes.stop().await;
        assert!(matches!(processes.warm().await, Err(InvokeError::Ended(_))));
        let missing = Processes::new(Program { path: "/nowhere/bootstrap".into(), ..program(1) });
        assert!(matches!(missing.warm().await, Err(InvokeError::Ended(_))));
    }

    #[tokio::test]
    async fn a_process_that_fails_is_kept_and_one_that_dies_is_replaced() {
        let processes = Processes::new(program(1));
        let first = function_output(&processes, "hello").await["process"].clone();
        let failed = processes.invoke(event("fail"), context()).await.unwrap_err();
        assert!(matches!(&failed, InvokeError::Failed(why) if why.contains("told to fail")), "{failed}");
        assert_eq!(function_output(&processes, "hello").await["process"], first);
        let died = processes.invoke(event("die"), context()).await.unwrap_err();
        assert!(matches!(&died, InvokeError::Ended(why) if why.contains('3')), "{died}");
        assert_ne!(function_output(&processes, "hello").await["process"], first);
        processes.stop().await;
    }

    #[tokio::test]
    async fn concurrent_invocations_get_a_process_each_up_to_the_limit() {
        let processes = Processes::new(program(2));
        let hanging = processes.invoke(event("hang"), context());
        let (waited, served) = tokio::join!(async { tokio::time::timeout(Duration::ZERO, hanging).await }, async {
            (function_output(&processes, "one").await, function_output(&processes, "two").await)
        });
        assert!(waited.is_err());
        // The hanging invocation keeps its slot although its caller is gone; the other two shared a process.
        assert_eq!(served.0["process"], served.1["process"]);
        assert_eq!(processes.ids().len(), 2);
        processes.stop().await;
    }

    #[tokio::test]
    async fn an_invocation_over_its_limit_costs_the_process_its_life() {
        let processes = Processes::new(Program { limit: Duration::from_millis(50), ..program(1) });
        let late = processes.invoke(event("hang"), context()).await.unwrap_err();
        assert!(matches!(late, InvokeError::TimedOut), "{late}");
        processes.stop().await;
        assert!(processes.ids().is_empty());
    }

    #[tokio::test]
    async fn a_binary_that_does_not_start_fails_its_invocation() {
        let missing = Processes::new(Program { path: "/nowhere/bootstrap".into(), ..program(1) });
        assert!(matches!(missing.invoke(event("hello"), context()).await, Err(InvokeError::Ended(_))));
        let quits = Processes::new(Program {
            arguments: ["--exact", "nothing", "-q"].map(str::to_owned).to_vec(),
            ..program(1)
        });
        assert!(matches!(quits.invoke(event("hello"), context()).await, Err(InvokeError::Ended(_))));
    }
}
