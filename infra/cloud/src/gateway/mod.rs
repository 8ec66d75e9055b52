//! The API Gateway: an HTTP API that invokes functions with events in payload format 2.0.
//!
//! Requests pass the same steps in the same order as in AWS: limits, CORS preflight, route, throttling, token check,
//! function. The gateway's own errors have the bodies that AWS sends.

mod answer;
mod authorizer;
mod cors;
mod event;
mod in_process;
mod processes;
mod route;
mod runtime_api;
#[cfg(test)]
mod tests;
mod throttle;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::time::Timestamp;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::usage::Usage;

pub use authorizer::{Authorizer, Denied, Verifier};
pub use cors::Cors;
pub use in_process::{Ended, InProcess};
pub use processes::{Processes, Program};
pub(crate) use route::decoded;
pub use route::{DEFAULT_ROUTE, Route};
pub use throttle::{Throttle, Throttles};

use answer::Refusal;
use event::Incoming;
use route::Routes;
use throttle::Buckets;

/// The largest request body that an HTTP API takes, in bytes.
pub const MAX_REQUEST_SIZE: usize = 10 * 1024 * 1024;
/// The largest event that Lambda takes in one synchronous invocation, in bytes; an event is larger than the body in it.
const MAX_EVENT_SIZE: usize = 6 * 1024 * 1024;
/// The largest response that Lambda returns, in bytes: 6 MB and the little that Lambda allows above it.
const MAX_RESPONSE_SIZE: usize = 6 * 1024 * 1024 + 100;
/// The largest request line and headers together, in bytes.
const MAX_HEAD_SIZE: usize = 10_240;
/// How long an HTTP API waits for a function.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);
/// Concurrent requests per CPU core; further ones wait at the gateway. In AWS each request has a sandbox with its own
/// share of a CPU. Here all share one machine: with hundreds at once, SDK calls to the endpoints would exceed their
/// timeouts, be retried, and delay all the others further.
const SLOTS_PER_CORE: usize = 8;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a function learns about an invocation besides the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationContext {
    /// Lambda's id of this invocation: a UUID.
    pub request_id: String,
    /// X-Ray's trace header, `Root=…;Parent=…;Sampled=0`.
    pub trace_id: String,
    /// When the gateway stops waiting, on the cloud's clock.
    pub deadline: Timestamp,
}

impl InvocationContext {
    /// A context of an invocation that starts `now` and may take `limit`.
    pub fn new(now: Timestamp, limit: Duration) -> Self {
        let [trace, parent, invocation] = [random_bytes::<12>(), random_bytes::<12>(), random_bytes::<12>()];
        let parent: String = hex(&parent).chars().take(16).collect();
        Self {
            request_id: uuid_from(now, &invocation),
            trace_id: format!("Root=1-{:08x}-{};Parent={parent};Sampled=0", now.seconds(), hex(&trace)),
            deadline: now + limit,
        }
    }
}

/// Why an invocation returned no response.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function returned an error or panicked.
    #[error("the function failed: {0}")]
    Failed(String),
    /// The function's process ended without a response, or did not start.
    #[error("the function's process ended: {0}")]
    Ended(String),
    /// The function ran longer than its timeout.
    #[error("the function ran out of time")]
    TimedOut,
}

/// Runs a function, in this process or in others.
pub trait Invoke: Send + Sync {
    /// Invokes the function once with an event (JSON) and returns its response (JSON).
    fn invoke(&self, event: Bytes, context: InvocationContext) -> BoxFuture<'_, Result<Bytes, InvokeError>>;
}

/// The configuration of a [`Gateway`].
pub struct Specification {
    pub routes: Vec<Route>,
    /// Checks the tokens on routes that want one.
    pub authorizer: Authorizer,
    pub cors: Option<Cors>,
    /// The stage's route settings; `None` does not throttle.
    pub throttle: Option<Throttles>,
    /// The functions, by the name that routes use.
    pub functions: HashMap<String, Arc<dyn Invoke>>,
    pub clock: Clock,
    /// Records the route of each running request by its trace id.
    pub usage: Usage,
}

/// Why a specification is invalid.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpecificationError {
    /// A route names a function that is not there.
    #[error("route {route} invokes {function}, which does not exist")]
    NoFunction {
        /// The route's key.
        route: String,
        /// The function that it names.
        function: String,
    },
    /// A route's path is not one that API Gateway would take.
    #[error("route {0} has a malformed path")]
    Malformed(String),
    /// Two routes have the same key.
    #[error("route {0} exists twice")]
    Twice(String),
}

pub struct Gateway {
    routes: Routes,
    authorizer: Authorizer,
    cors: Option<Cors>,
    buckets: Option<Buckets>,
    functions: HashMap<String, Arc<dyn Invoke>>,
    clock: Clock,
    usage: Usage,
    timeout: Duration,
    slots: Semaphore,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Gateway").field("routes", &self.routes).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Fails unless every route has a key of its own, a well-formed path and a function that exists.
    pub fn new(specification: Specification) -> Result<Self, SpecificationError> {
        let Specification { routes, authorizer, cors, throttle, functions, clock, usage } = specification;
        let routes = Routes::new(routes)?;
        if let Some(orphan) = routes.iter().find(|route| !functions.contains_key(&route.function)) {
            return Err(SpecificationError::NoFunction { route: orphan.key(), function: orphan.function.clone() });
        }
        let buckets = throttle.map(Buckets::full);
        let slots = Semaphore::new(SLOTS_PER_CORE * std::thread::available_parallelism().map_or(1, usize::from));
        Ok(Self { routes, authorizer, cors, buckets, functions, clock, usage, timeout: INTEGRATION_TIMEOUT, slots })
    }

    /// Answers a request as it comes from the network. A body that is too large is refused without reading all of it.
    pub async fn serve(&self, request: axum::extract::Request) -> axum::response::Response {
        let (parts, body) = request.into_parts();
        let content_length = parts
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok())
            .and_then(|length| length.parse::<u64>().ok())
            .unwrap_or(0);
        let answer = if content_length > MAX_REQUEST_SIZE as u64 {
            self.refuse(&parts, Refusal::RequestTooLarge)
        } else {
            match Limited::new(body, MAX_REQUEST_SIZE).collect().await {
                Ok(body) => self.call(parts, body.to_bytes()).await,
                Err(failure) if failure.is::<LengthLimitError>() => self.refuse(&parts, Refusal::RequestTooLarge),
                Err(_) => self.refuse(&parts, Refusal::BadRequest),
            }
        };
        answer.map(axum::body::Body::from)
    }

    /// Answers a request whose body is in memory.
    pub async fn call(&self, parts: Parts, body: Bytes) -> Response<Bytes> {
        let request_id = request_id();
        let mut answer = match self.answer(&parts, body, &request_id).await {
            Ok(answer) => answer,
            Err(refusal) => refusal.into_response(),
        };
        self.finish(&parts, &request_id, &mut answer);
        answer
    }

    async fn answer(&self, parts: &Parts, body: Bytes, request_id: &str) -> Result<Response<Bytes>, Refusal> {
        if body.len() > MAX_REQUEST_SIZE {
            return Err(Refusal::RequestTooLarge);
        }
        if head_length(parts) > MAX_HEAD_SIZE {
            return Err(Refusal::HeadTooLarge);
        }
        if let Some(preflight) = self.cors.as_ref().and_then(|cors| cors.preflight(parts)) {
            return Ok(preflight);
        }
        let (route, path_parameters) = self.routes.find(&parts.method, parts.uri.path()).ok_or(Refusal::NoRoute)?;
        let now = self.clock.now();
        if self.buckets.as_ref().is_some_and(|buckets| !buckets.take(route.key(), now)) {
            return Err(Refusal::TooManyRequests);
        }
        let caller = if route.authorizer { Some(self.authorizer.check(&parts.headers, now)?) } else { None };
        // The wait for a slot does not count against the function's timeout.
        let _slot = self.slots.acquire().await.map_err(|failure| Refusal::internal(&failure))?;
        let context = InvocationContext::new(now, self.timeout);
        let event = Incoming {
            route_key: route.key(),
            path_parameters,
            caller,
            parts,
            body,
            request_id,
            trace_id: &context.trace_id,
            source: source_address(parts),
            now,
        }
        .into_event()
        .map_err(|failure| Refusal::internal(&failure))?;
        if event.len() > MAX_EVENT_SIZE {
            return Err(Refusal::RequestTooLarge);
        }
        let function = self.functions.get(&route.function).ok_or(Refusal::Internal)?;
        let _running = Running::begin(&self.usage, &context.trace_id, &route.key());
        let answered = tokio::time::timeout(self.timeout, function.invoke(event, context))
            .await
            .map_err(|_| Refusal::Unavailable)?
            .map_err(|failure| {
                tracing::error!(function = route.function, error = %failure, "a function returned no response");
                Refusal::Internal
            })?;
        if answered.len() > MAX_RESPONSE_SIZE {
            tracing::error!(function = route.function, size = answered.len(), "a function's response is too large");
            return Err(Refusal::Internal);
        }
        answer::from_function(&answered).ok_or_else(|| {
            tracing::error!(function = route.function, "a function's response is not an HTTP response");
            Refusal::Internal
        })
    }

    fn refuse(&self, parts: &Parts, refusal: Refusal) -> Response<Bytes> {
        let mut answer = refusal.into_response();
        self.finish(parts, &request_id(), &mut answer);
        answer
    }

    /// Adds the CORS headers and the request id that every response has.
    fn finish(&self, parts: &Parts, request_id: &str, answer: &mut Response<Bytes>) {
        if let Some(cors) = &self.cors {
            cors.mark(&parts.headers, answer.headers_mut());
        }
        if let Ok(id) = HeaderValue::from_str(request_id) {
            answer.headers_mut().insert("apigw-requestid", id);
        }
    }
}

/// Registers a running request in [`Usage`] until it is dropped.
struct Running<'a> {
    usage: &'a Usage,
    trace_id: String,
}

impl<'a> Running<'a> {
    fn begin(usage: &'a Usage, trace_id: &str, route: &str) -> Self {
        usage.begin(trace_id, route);
        Self { usage, trace_id: trace_id.to_owned() }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.usage.end(&self.trace_id);
    }
}

/// The bytes of the request line and the headers, as the limit counts them.
fn head_length(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.path_and_query().map_or(1, |path| path.as_str().len());
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    line + headers
}

fn source_address(parts: &Parts) -> IpAddr {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| address.ip())
}

/// An id like API Gateway's: 16 characters that end in `=`.
fn request_id() -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE.encode(random_bytes::<11>())
}

/// Random bytes for ids that only need to differ; all zero if the system's random source fails.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        tracing::warn!("the system's random source failed");
    }
    bytes
}

/// Bytes in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn uuid_from(now: Timestamp, random: &[u8; 12]) -> String {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    let mut tail = [0_u8; 10];
    tail.iter_mut().zip(random).for_each(|(to, from)| *to = *from);
    uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().hyphenated().to_string()
}
