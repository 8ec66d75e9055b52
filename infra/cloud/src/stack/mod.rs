//! A deployed template: its services, functions and event sources, listening on one port.

mod connections;
mod data_directory;
mod deployment;
mod endpoints;
mod front;
mod functions;
mod local_api;
mod running;
mod server;
mod services;
mod sources;
mod start;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::deployment::{
    Deliver, Deployment, Endpoints, Failure, Hosted, Options, Surroundings, ThirdParty, Underway,
};
pub use self::services::Services;
pub use self::start::StartError;

use self::connections::Serving;
use self::functions::Functions;
use self::running::Cloud;
use self::sources::Sources;
use crate::clock::Clock;
use crate::gateway::{Gateway, Invoke, InvokeError, Program};

/// How long the sources may take to finish what is running when the cloud is stopped.
const SOURCES_BOUND: Duration = Duration::from_secs(4);
/// How long the requests in flight may take then.
const REQUESTS_BOUND: Duration = Duration::from_secs(3);
/// After which time [`Stack::stop_telling`] tells what it is waiting for.
const SILENT_WAIT: Duration = Duration::from_secs(1);

/// A running cloud with a template deployed on it. Dropping it ends it at once; [`Stack::stop`] lets it finish what is
/// running.
pub struct Stack {
    address: SocketAddr,
    services: Arc<Services>,
    functions: Arc<Functions>,
    sources: Arc<Sources>,
    serving: watch::Sender<Serving>,
    server: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Stack").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Stack {
    /// Starts a cloud with a deployment on it. The health check answers 503 until [`Stack::ready`].
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: Options, deployment: Arc<dyn Deployment>) -> Result<Self, StartError> {
        let listener = start::listen(options.port).await?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let services = Arc::new(Services::open(&options, &*deployment, address)?);
        let functions = Arc::new(Functions::start(&options, &*deployment, &services).await?);
        let (serving, phase) = watch::channel(Serving::Open);
        let sources = Arc::new(Sources::new(Arc::clone(&services), Arc::clone(&functions), options.schedules));
        let cloud = Cloud {
            services: Arc::clone(&services),
            functions: Arc::clone(&functions),
            sources: Arc::clone(&sources),
            deployment,
        };
        let server = tokio::spawn(server::serve(listener, cloud, phase));
        let stack = Self { address, services, functions, sources, serving, server: Some(server) };
        stack.sources.start()?;
        Ok(stack)
    }

    /// Marks the cloud as ready for requests, once what it needs is set up.
    pub fn ready(&self) {
        self.services.ready();
    }

    /// `http://localhost:<port>`, without a trailing slash.
    pub fn base_url(&self) -> String {
        self.services.base_url.clone()
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn clock(&self) -> &Clock {
        &self.services.clock
    }

    /// The services, for tests that look behind the API.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Invokes a function by its logical id with an event, without gateway or event source, and returns its response.
    ///
    /// # Errors
    /// When there is no such function, or it fails.
    pub async fn invoke(&self, function: &str, event: serde_json::Value) -> Result<serde_json::Value, InvokeError> {
        let invoke = self.sources.invoker(function).map_err(|error| InvokeError::Failed(error.to_string()))?;
        invoke(event).await.map_err(InvokeError::Failed)
    }

    /// Answers a request to the API's own address, past the edge that there may be.
    pub async fn past_the_edge(&self, request: http::Request<bytes::Bytes>) -> http::Response<bytes::Bytes> {
        let (parts, body) = request.into_parts();
        self.functions.gateway.call(parts, body).await
    }

    /// The ids of the processes that a function runs in now, by its logical id; none when it runs in this process.
    pub fn process_ids(&self, function: &str) -> Vec<u32> {
        self.functions.process_ids(function)
    }

    /// How this cloud would run a function's binary from a directory of built functions.
    pub fn program(&self, function: &str, directory: &Path) -> Result<Program, StartError> {
        let found = self.services.template.function(function);
        let found = found.ok_or_else(|| StartError::Function(function.to_owned(), "it does not exist".to_owned()))?;
        functions::program(found, &self.services, directory)
    }

    /// A second gateway to this cloud, without throttling, in which `invoke` replaces one function.
    pub fn gateway_with(&self, function: &str, invoke: Arc<dyn Invoke>) -> Result<Gateway, StartError> {
        let mut by_id = self.functions.by_id.clone();
        by_id.insert(function.to_owned(), invoke);
        functions::gateway(None, &self.services, &by_id)
    }

    /// Moves the clock, runs the schedules that are due, and waits for at most 15 seconds until the resulting events
    /// are processed.
    ///
    /// # Errors
    /// When a stream or a queue cannot be read.
    pub async fn advance(&self, by: Duration) -> Result<(), StartError> {
        self.sources.advance(by).await
    }

    /// Waits until every event has been delivered and processed.
    ///
    /// # Errors
    /// When a stream or a queue cannot be read.
    pub async fn wait_until_idle(&self) -> Result<(), StartError> {
        self.sources.wait_until_idle().await
    }

    /// Kills pipes, queue consumers, schedules and webhook delivery as a crash would; [`Stack::restart_sources`]
    /// starts them again.
    pub async fn kill_sources(&self) {
        self.sources.kill().await;
    }

    /// Starts the event sources again after [`Stack::kill_sources`].
    ///
    /// # Errors
    /// When a stream or a queue cannot be read.
    pub fn restart_sources(&self) -> Result<(), StartError> {
        self.sources.start()
    }

    /// Ends the cloud within about eight seconds. What was acknowledged and is not done yet is done after the next
    /// start on the same data.
    pub async fn stop(self) {
        self.stop_telling(|_| {}).await;
    }

    /// Ends the cloud, and tells what it is waiting for when that takes longer than a second.
    ///
    /// The sources end first, while the endpoints that their functions call still answer; then the requests in flight,
    /// then the functions. Each has a bound: what takes longer is abandoned.
    pub async fn stop_telling(mut self, tell: impl Fn(&str)) {
        tell_when_slow(&tell, "functions that handle events", self.sources.stop(SOURCES_BOUND)).await;
        self.serving.send_replace(Serving::Draining);
        if let Some(mut server) = self.server.take() {
            let drained = tokio::time::timeout(REQUESTS_BOUND, &mut server);
            if tell_when_slow(&tell, "requests in flight", drained).await.is_err() {
                tracing::warn!("Requests that take too long are cut off.");
                self.serving.send_replace(Serving::Cut);
                let _ = server.await;
            }
        }
        self.functions.stop().await;
    }
}

/// Tells what is being waited for when it takes longer than [`SILENT_WAIT`].
async fn tell_when_slow<T>(tell: &impl Fn(&str), what: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(SILENT_WAIT) => tell(what),
    }
    work.await
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.sources.abandon();
        self.serving.send_replace(Serving::Cut);
        if let Some(server) = self.server.take() {
            server.abort();
        }
        self.functions.end();
    }
}
