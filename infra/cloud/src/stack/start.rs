//! The port of a cloud, and why a cloud does not start.

use std::io;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::cognito::PoolError;
use crate::template::TemplateError;

/// Binds the port. A taken port is tried again for a second, because a process that was just killed may not have
/// released it yet.
pub(super) async fn listen(port: u16) -> Result<TcpListener, StartError> {
    let mut attempts = 0;
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => return Err(StartError::Listen(error)),
            Err(_) if attempts == MAX_ATTEMPTS => return Err(StartError::PortTaken(port)),
            Err(_) => tokio::time::sleep(RETRY_PAUSE).await,
        }
        attempts += 1;
    }
}

/// How often a taken port or locked directory is tried again, [`RETRY_PAUSE`] apart: one second in all.
pub(super) const MAX_ATTEMPTS: u32 = 20;
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Why a cloud did not start, or stopped working.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("port {0} is taken: stop what listens there, or choose another with --port")]
    PortTaken(u16),
    #[error("cannot listen: {0}")]
    Listen(#[source] io::Error),
    #[error("{0} is in use by another process: stop it, or choose another directory with --data")]
    DataTaken(String),
    #[error("cannot listen for the signals that end it: {0}")]
    Signals(#[source] io::Error),
    #[error("the data directory cannot be used: {0}")]
    Data(#[source] io::Error),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The function's logical id, and the reason.
    #[error("function {0} does not start: {1}")]
    Function(String, String),
    /// The service, and why it did not open or failed later.
    #[error("{0}: {1}")]
    Service(&'static str, String),
    /// What the deployment itself needs could not be set up.
    #[error("{0}")]
    Setup(String),
}

impl StartError {
    pub(crate) fn service(name: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Self {
        move |error| Self::Service(name, error.to_string())
    }
}
