//! The one way out: how this crate reaches a provider without knowing an HTTP client.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

/// Something that is ready later. Boxed, so that one copy of the provider code serves every client.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpFailure {
    /// The request surely never arrived: the name did not resolve, the connection was refused, TLS failed.
    #[error("the request was not sent: {0}")]
    Unsent(String),
    /// It may have arrived: the time was up, or the connection broke while waiting for the answer.
    #[error("no answer came: {0}")]
    Unclear(String),
}

/// Sends one request to a provider.
///
/// Every request of this crate may be sent twice without harm (reads, cancellations, and writes with an idempotency
/// key), so a client may repeat one on a pooled connection that turned out to be dead. It must give up after a time of
/// its own and then answer [`HttpFailure::Unclear`]. An answer of any status is an answer, not a failure.
pub trait Http: Send + Sync {
    /// Sends the request and waits for the whole answer.
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpFailure>>;
}

/// A function can be the client: that is how a function crate joins the platform's client to this one.
impl<F, Answer> Http for F
where
    F: Fn(http::Request<Bytes>) -> Answer + Send + Sync,
    Answer: Future<Output = Result<http::Response<Bytes>, HttpFailure>> + Send + 'static,
{
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpFailure>> {
        Box::pin(self(request))
    }
}
