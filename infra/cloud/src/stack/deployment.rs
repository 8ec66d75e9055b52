//! What is put on the embedded cloud: a template, its functions, and what the template leaves open.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::gateway::{BoxFuture, Ended, Invoke};
use crate::mail::Received;
use crate::template::{self, Site, Texts};

/// Delivers a request to the API as from outside, and returns the response.
pub type Deliver = Arc<dyn Fn(http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> + Send + Sync>;

/// Why a part of a deployment did not start: shown to who starts the cloud.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is deployed on a [`super::Stack`].
pub trait Deployment: Send + Sync + 'static {
    /// The SAM template, and the templates that it nests.
    fn template(&self) -> Texts<'_>;

    /// Values of the template's parameters for a cloud at this base URL (`http://localhost:<port>`).
    fn site(&self, base_url: &str) -> Site;

    /// The value of a secret by its logical id; `None` takes the template's own.
    fn secret(&self, id: &str) -> Option<String>;

    /// Environment variables in which functions have a third party's URL, and the prefix below which it is here.
    fn third_party_urls(&self) -> BTreeMap<&'static str, &'static str>;

    /// The path of the API's health check, which is answered with 503 until the cloud is ready.
    fn health_path(&self) -> &str;

    /// The prefix of the partition keys of rate limits, whose calls [`crate::usage::Usage`] counts apart.
    fn rate_limit_prefix(&self) -> Option<&'static str>;

    /// Opens the third parties' sandboxes.
    ///
    /// # Errors
    /// When one cannot be opened.
    fn third_parties(&self, surroundings: &Surroundings<'_>) -> Result<Vec<Arc<dyn ThirdParty>>, Failure>;

    /// Starts a function in this process.
    fn start<'a>(&'a self, function: &'a Hosted<'a>) -> BoxFuture<'a, Result<Arc<dyn Invoke>, Failure>>;

    /// Answers what lies beside the API, such as its documentation and pages of its own below `/_local`; gives back
    /// every other request.
    ///
    /// # Errors
    /// The request, when it is the API's.
    #[expect(clippy::result_large_err, reason = "the request that is passed on, not an error")]
    fn beside_the_api(&self, request: Request) -> Result<Response, Request>;
}

/// The AWS endpoints for functions in this process: the same calls and answers as over HTTP, without a socket.
#[derive(Clone)]
pub struct Endpoints(Arc<dyn Fn(http::Request<Bytes>) -> Answered + Send + Sync>);

/// The response to a call; `None` when its connection would have broken.
type Answered = BoxFuture<'static, Option<http::Response<Bytes>>>;

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Endpoints").finish_non_exhaustive()
    }
}

impl Endpoints {
    pub(super) fn new(answer: impl Fn(http::Request<Bytes>) -> Answered + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    /// Answers a call; `None` when its connection would have broken. The call is carried out to its end even if the
    /// caller stops waiting, as a server's work goes on when its client is gone.
    pub async fn call(&self, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        tokio::spawn((self.0)(request)).await.ok().flatten()
    }
}

/// A function to start in this process.
pub struct Hosted<'a> {
    pub function: &'a template::Function,
    /// Its environment as Lambda would set it, with the endpoints of this cloud.
    pub environment: BTreeMap<String, String>,
    pub clock: Clock,
    pub faults: Faults,
    /// The services, to call without a socket.
    pub endpoints: Endpoints,
    /// What ends its invocations when the cloud ends.
    pub ended: Ended,
}

/// The cloud that a sandbox is opened in.
pub struct Surroundings<'a> {
    pub clock: &'a Clock,
    pub faults: &'a Faults,
    /// The path of a file of this name; `None` for a cloud in memory.
    pub file: &'a dyn Fn(&str) -> Option<PathBuf>,
}

/// The sandbox of a third party that functions call and that calls the API.
pub trait ThirdParty: Send + Sync {
    /// The path that it is served below, such as `/_local/pay/stripe`.
    fn prefix(&self) -> &'static str;

    /// Sets how it reaches the API at this base URL.
    fn reach(&self, base_url: &str, deliver: Deliver);

    /// Answers a request, whose path is relative to the prefix.
    fn serve(&self, parts: Parts, body: Bytes) -> BoxFuture<'_, Response>;

    /// The messages to people that it has delivered, newest first: all, or those to one contact.
    fn delivered(&self, _to: Option<&str>) -> Vec<Received> {
        Vec::new()
    }

    /// Starts what it does by itself, such as delivering webhooks.
    fn start(&self) -> Box<dyn Underway>;

    /// Does now what is due by the cloud's clock.
    fn run_due(&self) -> BoxFuture<'_, ()>;
}

/// The work that a third party does by itself. Dropping it ends it at once.
pub trait Underway: Send + Sync {
    /// Ends it after what is in progress. The future is dropped when that takes too long.
    fn stop(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// The options of a cloud, whatever is deployed on it.
#[derive(Clone)]
pub struct Options {
    /// The port on loopback; 0 picks a free one.
    pub port: u16,
    /// The data directory; `None` keeps the data in memory.
    pub data: Option<PathBuf>,
    /// The directory of the built functions, to run them as processes; `None` runs them in this process.
    pub processes: Option<PathBuf>,
    pub clock: Clock,
    /// The cost of password hashes.
    pub hashing: crate::cognito::Hashing,
    /// What replaces the template's throttling, which a load test on one machine would exceed; `None` replaces nothing.
    pub throttle: Option<crate::gateway::Throttle>,
    /// A statement that is removed from a role: the function's logical id, and the Sid.
    pub removed_statement: Option<(String, String)>,
    /// Whether the fault `stale` can undo writes from the start, and not only those after the first fault was ordered.
    pub history_from_start: bool,
    /// Whether schedules run on a timer. Tests move the clock instead.
    pub schedules: bool,
    /// How many shards each table's stream has, which are read side by side.
    pub stream_shards: usize,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Options").field("port", &self.port).field("data", &self.data).finish_non_exhaustive()
    }
}

impl Default for Options {
    /// In memory, on a free port, with real time and strong hashes.
    fn default() -> Self {
        Self {
            port: 0,
            data: None,
            processes: None,
            clock: Clock::real(Duration::ZERO),
            hashing: crate::cognito::Hashing::strong(),
            throttle: None,
            removed_statement: None,
            history_from_start: false,
            schedules: true,
            stream_shards: 4,
        }
    }
}
