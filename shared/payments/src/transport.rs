//! The HTTP client's interface, through which this crate reaches providers without depending on a client.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

/// A boxed future, so that one copy of the provider code serves every client.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpFailure {
    /// The request certainly did not arrive: the name did not resolve, the connection was refused, TLS failed.
    #[error("the request was not sent: {0}")]
    Unsent(String),
    /// The request may have arrived: the timeout ran out, or the connection broke while waiting for the answer.
    #[error("no answer came: {0}")]
    Unclear(String),
}

/// Sends one request to a provider.
///
/// Every request of this crate may be sent twice without harm (reads, cancellations, and writes with an idempotency
/// key), so a client may repeat one on a pooled connection that turned out to be dead. It must have a timeout of its
/// own, after which it returns [`HttpFailure::Unclear`]. An answer of any status is an answer, not a failure.
pub trait Http: Send + Sync {
    /// Sends the request and waits for the whole answer.
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpFailure>>;
}

/// A function can be the client: this is how callers connect the platform's client with this crate.
impl<F, Answer> Http for F
where
    F: Fn(http::Request<Bytes>) -> Answer + Send + Sync,
    Answer: Future<Output = Result<http::Response<Bytes>, HttpFailure>> + Send + 'static,
{
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpFailure>> {
        Box::pin(self(request))
    }
}
