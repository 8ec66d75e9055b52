//! The options of a cloud, and the errors of its start.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use domain::Timestamp;
use domain::pricing::Rates;
use domain::settings::{Limit, Limits};
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::cognito::{Hashing, PoolError};
use crate::gateway::Throttle;
use crate::template::TemplateError;

#[derive(Clone)]
pub struct Options {
    /// The port on loopback; 0 picks a free one.
    pub port: u16,
    /// The data directory; `None` keeps the data in memory.
    pub data: Option<PathBuf>,
    /// Whether the demo data is loaded.
    pub demo: bool,
    /// The directory of the built functions, to run them as processes; `None` runs them in this process.
    pub processes: Option<PathBuf>,
    pub clock: Clock,
    /// The cost of password hashes.
    pub hashing: Hashing,
    /// The gateway's throttling, which replaces the template's: a load test on one machine would exceed that.
    pub throttle: Option<Throttle>,
    /// A statement that is removed from a role: the function's logical id, and the Sid.
    pub removed_statement: Option<(String, String)>,
    /// How many overwritten items are kept for the fault `stale`.
    pub history_limit: usize,
    /// Rate limits of a cloud that has no settings yet. Settings that exist stay as they are.
    pub limits: Limits,
    /// Tax and commission of a cloud that has no settings yet.
    pub rates: Rates,
    /// Whether schedules run on a timer. Tests move the clock instead.
    pub schedules: bool,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Options").field("port", &self.port).field("data", &self.data).finish_non_exhaustive()
    }
}

/// High enough for a load test on one machine: more than 5,000 requests a minute.
const DEVELOPMENT_THROTTLE: Throttle = Throttle { burst: 20_000, rate_per_second: 20_000 };

/// All callers share one IP address here, so the limits per address are as high as the throttling.
const SHARED_ADDRESS_LIMIT: Limit = Limit::per_minute(1_200_000);

impl Options {
    /// For `cargo run`: on a fixed port, with real time, stored in a directory or in memory.
    pub fn for_development(port: u16, data: Option<PathBuf>, demo: bool) -> Self {
        Self {
            port,
            data,
            demo,
            processes: None,
            clock: Clock::real(Duration::ZERO),
            hashing: Hashing::strong(),
            throttle: Some(DEVELOPMENT_THROTTLE),
            removed_statement: None,
            history_limit: 128,
            limits: Limits::default().with_clients(SHARED_ADDRESS_LIMIT),
            rates: Rates::default(),
            schedules: true,
        }
    }

    /// For tests: in memory, on a free port, with a frozen clock and no timer for schedules.
    pub fn for_tests() -> Self {
        Self {
            clock: Clock::frozen(Timestamp::from_millis(1_800_000_000_000)),
            hashing: Hashing::cheap(),
            schedules: false,
            ..Self::for_development(0, None, false)
        }
    }

    /// Binds the port. A taken port is tried again for a second, because a process that was just killed may not have
    /// released it yet.
    pub(super) async fn listen(&self) -> Result<TcpListener, StartError> {
        let mut attempts = 0;
        loop {
            match TcpListener::bind(("127.0.0.1", self.port)).await {
                Ok(listener) => return Ok(listener),
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => return Err(StartError::Listen(error)),
                Err(_) if attempts == MAX_ATTEMPTS => return Err(StartError::PortTaken(self.port)),
                Err(_) => tokio::time::sleep(RETRY_PAUSE).await,
            }
            attempts += 1;
        }
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
    #[error("{0} is in use by another bozor: stop it, or choose another directory with --data")]
    DataTaken(String),
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
    #[error("the demo data cannot be loaded: {0}")]
    Demo(String),
}

impl StartError {
    pub(super) fn service(name: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Self {
        move |error| Self::Service(name, error.to_string())
    }
}
