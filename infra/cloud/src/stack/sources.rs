//! The event sources that invoke functions besides the API: pipes, queues, streams, schedules, and what third
//! parties do by themselves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::time::Timestamp;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::deployment::Underway;
use super::functions::Functions;
use super::services::Services;
use super::start::StartError;
use crate::account::{ACCOUNT, REGION};
use crate::gateway::InvocationContext;
use crate::iam::Roles;
use crate::pipes::{self, Running, Sink, Source};
use crate::sqs::{EventSource, Mapping, Queues};
use crate::template;

/// How often the timer checks which schedules are due.
const SCHEDULE_POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How long [`Sources::advance`] waits for the events that a moved clock causes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// How often expired items are deleted, by the cloud's clock.
const TTL_SWEEP_INTERVAL: Duration = Duration::from_secs(3600);

/// The actions that a role needs so that Lambda and Pipes can read a stream for it
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-iam-role.html>).
const STREAM_READER: &[&str] =
    &["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];
/// The actions that a role needs so that Lambda can read a queue for it
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>).
const QUEUE_READER: &[&str] = &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
/// The action that a role needs to send records to a queue, or to a dead-letter queue.
const SENDER: &[&str] = &["sqs:SendMessage"];

pub(super) struct Sources {
    services: Arc<Services>,
    functions: Arc<Functions>,
    running: Mutex<Work>,
    schedules: tokio::sync::Mutex<Vec<Scheduled>>,
    /// Whether schedules run on a timer, and not only when [`Sources::advance`] moves the clock.
    run_on_timer: bool,
}

#[derive(Default)]
struct Work {
    pipes: Vec<Running>,
    queues: Vec<EventSource>,
    third_parties: Vec<Box<dyn Underway>>,
    timer: Option<Timer>,
}

/// The task that runs schedules when they are due.
struct Timer {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// A function that is invoked at a fixed interval of the cloud's clock.
struct Scheduled {
    function: String,
    every: Duration,
    next: Timestamp,
}

impl Sources {
    pub(super) fn new(services: Arc<Services>, functions: Arc<Functions>, run_on_timer: bool) -> Self {
        let now = services.clock.now();
        let mut schedules = Vec::new();
        for function in &services.template.functions {
            for source in &function.sources {
                if let template::EventSource::Schedule { every } = source {
                    schedules.push(Scheduled { function: function.id.clone(), every: *every, next: now + *every });
                }
            }
        }
        Self {
            services,
            functions,
            running: Mutex::default(),
            schedules: tokio::sync::Mutex::new(schedules),
            run_on_timer,
        }
    }

    fn work(&self) -> std::sync::MutexGuard<'_, Work> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts pipes, streams, queue consumers, third parties and, with `run_on_timer`, the schedules.
    pub(super) fn start(self: &Arc<Self>) -> Result<(), StartError> {
        let mut work = Work::default();
        let mut names: Vec<String> = self.services.template.pipes.iter().map(|pipe| pipe.id.clone()).collect();
        names.extend(self.services.template.functions.iter().map(|function| function.id.clone()));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.services.dynamodb.retain_consumers(&names).map_err(|error| StartError::service("a stream")(&error))?;
        for pipe in &self.services.template.pipes {
            work.pipes.push(self.pipe(pipe)?);
        }
        for function in &self.services.template.functions {
            for source in &function.sources {
                match source {
                    template::EventSource::Queue(mapping) => work.queues.push(self.queue(&function.id, mapping)?),
                    template::EventSource::Stream { source, dead_letters } => {
                        work.pipes.push(self.stream(&function.id, source, dead_letters.as_deref())?);
                    }
                    template::EventSource::Schedule { .. } => {}
                }
            }
        }
        work.third_parties = self.services.third_parties.iter().map(|third_party| third_party.start()).collect();
        work.timer = self.run_on_timer.then(|| self.timer());
        *self.work() = work;
        Ok(())
    }

    fn timer(self: &Arc<Self>) -> Timer {
        let sources = Arc::downgrade(self);
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(SCHEDULE_POLL_INTERVAL) => {}
                    _ = stopped.changed() => return,
                }
                let Some(sources) = sources.upgrade() else { return };
                sources.run_schedules().await;
            }
        });
        Timer { stop, task }
    }

    fn sink(&self, queue: &str) -> Arc<dyn Sink> {
        let (queues, queue): (Queues, String) = (self.services.queues.clone(), queue.to_owned());
        Arc::new(move |bodies: Vec<String>| {
            let sent = queues.send_batch(&queue, &bodies).map_err(|error| error.to_string());
            async move { sent }
        })
    }

    /// Fails unless the role allows these actions on the resource. AWS checks the same when an event source is created.
    fn require(&self, id: &str, actions: &[&str], resource: Option<&String>) -> Result<(), StartError> {
        let Some(resource) = resource else {
            return Err(StartError::Function(
                id.to_owned(),
                "its source or destination is not in the template".to_owned(),
            ));
        };
        let refused = actions.iter().find(|action| !self.services.roles.allows(&Roles::key_of(id), action, resource));
        refused.map_or(Ok(()), |action| {
            Err(StartError::Function(id.to_owned(), format!("its role lacks {action} on {resource}")))
        })
    }

    fn queue_arn(&self, queue: &str) -> Option<&String> {
        self.services.template.queues.iter().find(|known| known.name == queue).map(|known| &known.arn)
    }

    fn stream_arn(&self, table: &str) -> Option<String> {
        self.services.template.tables.iter().find(|known| known.name == table)?.stream_arn()
    }

    fn pipe(&self, pipe: &template::Pipe) -> Result<Running, StartError> {
        self.require(&pipe.id, STREAM_READER, self.stream_arn(&pipe.source.table).as_ref())?;
        for queue in std::iter::once(&pipe.queue).chain(&pipe.dead_letters) {
            self.require(&pipe.id, SENDER, self.queue_arn(queue))?;
        }
        let dead_letters = pipe.dead_letters.as_deref().map(|queue| self.sink(queue));
        let (source, sink) = (pipe.source.clone(), self.sink(&pipe.queue));
        pipes::to_queue(&self.services.dynamodb, source, sink, dead_letters, self.services.clock.clone())
            .map_err(|error| StartError::service("a pipe")(&error))
    }

    fn stream(&self, function: &str, source: &Source, dead_letters: Option<&str>) -> Result<Running, StartError> {
        self.require(function, STREAM_READER, self.stream_arn(&source.table).as_ref())?;
        if let Some(queue) = dead_letters {
            self.require(function, SENDER, self.queue_arn(queue))?;
        }
        let invoked = self.invoker(function)?;
        let handler = Arc::new(move |event: Value| {
            let invoked = Arc::clone(&invoked);
            async move { invoked(event).await }
        });
        let (source, dead_letters) = (source.clone(), dead_letters.map(|queue| self.sink(queue)));
        pipes::to_function(&self.services.dynamodb, source, handler, dead_letters, self.services.clock.clone())
            .map_err(|error| StartError::service("a stream")(&error))
    }

    fn queue(&self, function: &str, mapping: &Mapping) -> Result<EventSource, StartError> {
        self.require(function, QUEUE_READER, self.queue_arn(&mapping.queue))?;
        let invoked = self.invoker(function)?;
        EventSource::start(&self.services.queues, mapping, move |event| invoked(event))
            .map_err(|error| StartError::service("a queue")(&error))
    }

    /// A closure that invokes a function with an event and records what it costs.
    pub(super) fn invoker(&self, function: &str) -> Result<Invoker, StartError> {
        let missing = || StartError::Function(function.to_owned(), "it does not exist".to_owned());
        let invoke = Arc::clone(self.functions.by_id.get(function).ok_or_else(missing)?);
        let limit = self.services.template.function(function).ok_or_else(missing)?.timeout;
        let (usage, clock, route) =
            (self.services.usage.clone(), self.services.clock.clone(), format!("function {function}"));
        Ok(Arc::new(move |event: Value| {
            let (invoke, usage, clock, route) = (Arc::clone(&invoke), usage.clone(), clock.clone(), route.clone());
            Box::pin(async move {
                let context = InvocationContext::new(clock.now(), limit);
                let trace = context.trace_id.clone();
                usage.begin(&trace, &route);
                let answered = invoke.invoke(Bytes::from(event.to_string()), context).await;
                usage.end(&trace);
                let answer = answered.map_err(|error| error.to_string())?;
                if answer.is_empty() {
                    Ok(Value::Null)
                } else {
                    serde_json::from_slice(&answer).map_err(|error| error.to_string())
                }
            })
        }))
    }

    /// Runs the schedules that are due by the cloud's clock, each once however far the clock was moved.
    pub(super) async fn run_schedules(&self) {
        let mut schedules = self.schedules.lock().await;
        let now = self.services.clock.now();
        for scheduled in schedules.iter_mut().filter(|scheduled| scheduled.next <= now) {
            scheduled.next = now + scheduled.every;
            let event = json!({
                "version": "0", "id": format!("local-{}", now.millis()), "detail-type": "Scheduled Event",
                "source": "aws.events", "account": ACCOUNT, "time": now.to_string(),
                "region": REGION, "resources": [], "detail": {},
            });
            match self.invoker(&scheduled.function) {
                Ok(invoked) => {
                    if let Err(error) = invoked(event).await {
                        tracing::error!(function = scheduled.function, cause = error, "scheduled work failed");
                    }
                }
                Err(error) => {
                    tracing::error!(function = scheduled.function, cause = %error, "scheduled work cannot run")
                }
            }
        }
        if now.millis() % i64::try_from(TTL_SWEEP_INTERVAL.as_millis()).unwrap_or(i64::MAX)
            < i64::try_from(SCHEDULE_POLL_INTERVAL.as_millis()).unwrap_or(0)
            && let Err(error) = self.services.dynamodb.delete_expired(now)
        {
            tracing::error!(cause = %error, "expired items could not be deleted");
        }
    }

    /// Moves the clock, runs the schedules that are due, and waits up to [`IDLE_TIMEOUT`] for the resulting events.
    pub(super) async fn advance(&self, by: Duration) -> Result<(), StartError> {
        self.services.clock.advance(by);
        self.services.data_directory.save_clock_offset(self.services.clock.offset()).map_err(StartError::Data)?;
        self.services
            .dynamodb
            .delete_expired(self.services.clock.now())
            .map_err(|error| StartError::service("DynamoDB")(&error))?;
        self.run_schedules().await;
        for third_party in &self.services.third_parties {
            third_party.run_due().await;
        }
        // A moved clock can cause a lot of work; the caller does not wait for all of it.
        match tokio::time::timeout(IDLE_TIMEOUT, self.wait_until_idle()).await {
            Ok(done) => done,
            Err(_) => Ok(()),
        }
    }

    /// Waits until streams, pipes and queues are drained. A failed message that waits for its next attempt does not
    /// count: it becomes visible again when the cloud's clock reaches its time.
    pub(super) async fn wait_until_idle(&self) -> Result<(), StartError> {
        for _ in 0..2 {
            self.services.dynamodb.wait_until_idle().await.map_err(|error| StartError::service("a stream")(&error))?;
            for function in &self.services.template.functions {
                for source in &function.sources {
                    if let template::EventSource::Queue(Mapping { queue, .. }) = source {
                        self.services
                            .queues
                            .drained(queue)
                            .await
                            .map_err(|error| StartError::service("a queue")(&error))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn take(&self) -> Work {
        std::mem::take(&mut *self.work())
    }

    pub(super) async fn kill(&self) {
        let work = self.take();
        if let Some(timer) = &work.timer {
            timer.task.abort();
        }
        for pipe in work.pipes {
            pipe.kill().await;
        }
        drop(work.queues);
        drop(work.third_parties);
    }

    /// Takes no further work, and waits up to `bound` for what is running. What does not end by then is abandoned: its
    /// records are read again after the next start, and its messages are visible again after their timeout.
    pub(super) async fn stop(&self, bound: Duration) {
        let work = self.take();
        let mut ending = JoinSet::new();
        for pipe in work.pipes {
            ending.spawn(pipe.stop(bound));
        }
        for queue in work.queues {
            ending.spawn(queue.stop(bound));
        }
        for third_party in work.third_parties {
            ending.spawn(async move {
                if tokio::time::timeout(bound, third_party.stop()).await.is_err() {
                    tracing::warn!(
                        "A third party waits too long for the API, and calls it again after the next start."
                    );
                }
            });
        }
        if let Some(timer) = work.timer {
            ending.spawn(timer.stop(bound));
        }
        while ending.join_next().await.is_some() {}
    }

    /// Ends everything at once, without waiting.
    pub(super) fn abandon(&self) {
        drop(self.take());
    }
}

impl Timer {
    async fn stop(mut self, bound: Duration) {
        self.stop.send_replace(true);
        if tokio::time::timeout(bound, &mut self.task).await.is_err() {
            tracing::warn!("Scheduled work takes too long, and runs again after the next start.");
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Invoker =
    Arc<dyn Fn(Value) -> std::pin::Pin<Box<dyn Future<Output = Result<Value, String>> + Send>> + Send + Sync>;
