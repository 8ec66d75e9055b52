//! How a cloud is started, and what can go wrong with that.

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

/// How a cloud is started.
#[derive(Clone)]
pub struct Options {
    /// The port on loopback; 0 is any free one.
    pub port: u16,
    /// Where everything is kept; nothing keeps it in memory.
    pub data: Option<PathBuf>,
    /// Whether there is a bazaar to begin with.
    pub demo: bool,
    /// Where the built functions are, to be run as processes; nothing runs them in this process.
    pub processes: Option<PathBuf>,
    /// The cloud's clock.
    pub clock: Clock,
    /// How expensive passwords are.
    pub hashing: Hashing,
    /// The gateway's throttling; the template's would be in the way of load on one machine.
    pub throttle: Option<Throttle>,
    /// A statement that is taken out of a role: function's logical id, and Sid.
    pub removed_statement: Option<(String, String)>,
    /// How many overwritten items are remembered for the fault `stale`.
    pub history_limit: usize,
    /// How often somebody may try something, in a cloud that has no settings yet. An operator's settings stay as they are.
    pub limits: Limits,
    /// Tax and commission, likewise.
    pub rates: Rates,
    /// Whether schedules run by themselves. Tests move the clock instead.
    pub schedules: bool,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Options").field("port", &self.port).field("data", &self.data).finish_non_exhaustive()
    }
}

/// 5,000 a minute and more, so that one machine can be put under load.
const DEVELOPMENT_THROTTLE: Throttle = Throttle { burst: 20_000, rate_per_second: 20_000 };

/// Everybody has one address here: the limits per address are as high as the throttling.
const SHARED_ADDRESS_LIMIT: Limit = Limit::per_minute(1_200_000);

impl Options {
    /// For `cargo run`: on a port, with real time, kept in a directory or not at all.
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

    /// For tests: in memory, on a free port, with a clock that stands still.
    pub fn for_tests() -> Self {
        Self {
            clock: Clock::frozen(Timestamp::from_millis(1_800_000_000_000)),
            hashing: Hashing::cheap(),
            schedules: false,
            ..Self::for_development(0, None, false)
        }
    }

    /// Listens. A port that is taken is tried again for a moment: whoever was killed just now may not have let go of it yet.
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

/// How often a port or a directory that is taken is tried again, and after which pause: a second in all.
pub(super) const MAX_ATTEMPTS: u32 = 20;
/// See [`MAX_ATTEMPTS`].
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Why a cloud did not start, or stopped working.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("port {0} is taken: stop what listens there, or choose another with --port")]
    PortTaken(u16),
    /// The port cannot be used.
    #[error("cannot listen: {0}")]
    Listen(#[source] io::Error),
    /// Another process uses the data.
    #[error("{0} is in use by another bozor: stop it, or choose another directory with --data")]
    DataTaken(String),
    /// The directory cannot be used.
    #[error("the data directory cannot be used: {0}")]
    Data(#[source] io::Error),
    /// The template says something that cannot be run here.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The user pool.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A function does not start.
    #[error("function {0} does not start: {1}")]
    Function(String, String),
    /// A service does not open, or fails.
    #[error("{0}: {1}")]
    Service(&'static str, String),
    /// The demo data cannot be loaded.
    #[error("the demo data cannot be loaded: {0}")]
    Demo(String),
}

impl StartError {
    pub(super) fn service(name: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Self {
        move |error| Self::Service(name, error.to_string())
    }
}
