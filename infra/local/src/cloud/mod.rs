//! The embedded cloud: built from `template.yaml`, listening on one port.

mod consumers;
mod data_directory;
mod functions;
mod local_api;
mod options;
mod seed;
mod server;
mod services;
mod sources;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::options::{Options, StartError};
pub use self::seed::{BUYER, OPERATOR, PASSWORD};

use self::functions::Functions;
use self::services::Services;
use self::sources::Sources;
use crate::clock::Clock;
use crate::gateway::{Gateway, Invoke, InvokeError, Program};

/// `template.yaml`, compiled in.
pub const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// A running cloud. Dropping it stops it.
pub struct LocalCloud {
    address: SocketAddr,
    services: Arc<Services>,
    functions: Arc<Functions>,
    sources: Arc<Sources>,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for LocalCloud {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LocalCloud").field("address", &self.address).finish_non_exhaustive()
    }
}

impl LocalCloud {
    /// Starts a cloud for one test: in memory, on a free port, with a frozen clock and no demo data.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start() -> Result<Self, StartError> {
        Self::with(Options::for_tests()).await
    }

    /// Starts a cloud with these options.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn with(options: Options) -> Result<Self, StartError> {
        let listener = options.listen().await?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let services = Arc::new(Services::open(&options, address)?);
        let functions = Arc::new(Functions::start(&options, &services).await?);
        let (stop, stopped) = watch::channel(false);
        let sources = Arc::new(Sources::new(Arc::clone(&services), Arc::clone(&functions), options.schedules));
        let server = tokio::spawn(server::serve(
            listener,
            Arc::clone(&services),
            Arc::clone(&functions),
            Arc::clone(&sources),
            stopped.clone(),
        )?);
        sources.start(stopped)?;
        let cloud = Self { address, services, functions, sources, stop, server: Some(server) };
        seed::settings(&cloud.services, options.limits, options.rates).await?;
        seed::accounts(&cloud.services, options.demo).await?;
        // Work left over from before a crash continues in the background; only freshly loaded demo data is waited for.
        if options.demo && seed::demo_data(&cloud.services).await? {
            cloud.wait_until_idle().await?;
        }
        cloud.services.ready();
        Ok(cloud)
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
    pub(crate) fn program(&self, function: &str, directory: &Path) -> Result<Program, StartError> {
        let found = self.services.template.function(function);
        let found = found.ok_or_else(|| StartError::Function(function.to_owned(), "it does not exist".to_owned()))?;
        functions::program(found, &self.services, directory)
    }

    /// A second gateway to this cloud, without throttling, in which `invoke` replaces one function.
    pub(crate) fn gateway_with(&self, function: &str, invoke: Arc<dyn Invoke>) -> Result<Gateway, StartError> {
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

    /// Kills pipes, queue consumers, schedules and webhook delivery as a crash would; [`LocalCloud::restart_sources`]
    /// starts them again.
    pub async fn kill_sources(&self) {
        self.sources.kill().await;
    }

    /// Starts the event sources again after [`LocalCloud::kill_sources`].
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

impl Drop for LocalCloud {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}
