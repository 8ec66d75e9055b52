//! A deployed template: its services, functions and event sources, listening on one port.

mod data_directory;
mod deployment;
mod endpoints;
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

use self::functions::Functions;
use self::running::Cloud;
use self::sources::Sources;
use crate::clock::Clock;
use crate::gateway::{Gateway, Invoke, InvokeError, Program};

/// A running cloud with a template deployed on it. Dropping it stops it.
pub struct Stack {
    address: SocketAddr,
    services: Arc<Services>,
    functions: Arc<Functions>,
    sources: Arc<Sources>,
    stop: watch::Sender<bool>,
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
        let (stop, stopped) = watch::channel(false);
        let sources = Arc::new(Sources::new(Arc::clone(&services), Arc::clone(&functions), options.schedules));
        let cloud = Cloud {
            services: Arc::clone(&services),
            functions: Arc::clone(&functions),
            sources: Arc::clone(&sources),
            deployment,
        };
        let server = tokio::spawn(server::serve(listener, cloud, stopped.clone()));
        sources.start(stopped)?;
        Ok(Self { address, services, functions, sources, stop, server: Some(server) })
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
        self.sources.start(self.stop.subscribe())
    }

    /// Accepts no further requests, finishes those in flight, and stops the functions.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.sources.stop().await;
        if let Some(server) = self.server.take() {
            let _ = server.await;
        }
        self.functions.stop().await;
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}
